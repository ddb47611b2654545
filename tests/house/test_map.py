"""MAP.md is what the folders and files say of themselves today."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.make_map import Untold, build_map

ROOT = Path(__file__).resolve().parents[2]


def test_map_is_true() -> None:
    assert (ROOT / "MAP.md").read_text(encoding="utf-8") == build_map(), "MAP.md is old; run: make docs"


def test_map_tells_folders_by_docstring_or_readme(tmp_path: Path) -> None:
    base = tmp_path / "src/yucun/base"
    base.mkdir(parents=True)
    (tmp_path / "src/yucun/__init__.py").write_text('"""A city brain."""\n')
    (base / "__init__.py").write_text('"""Ground floor."""\n')
    (base / "clock.py").write_text('"""The only now.\n\nMore.\n"""\n')
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/README.md").write_text("# Docs\n\nFour shelves.\n")
    written = build_map(tmp_path)
    assert "## src/yucun/\n\nA city brain." in written
    assert "- **base/** Ground floor.\n  - [clock.py](src/yucun/base/clock.py) The only now." in written
    assert "## docs/\n\nFour shelves." in written


def test_map_refuses_a_folder_that_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench/pages.py").write_text("")
    with pytest.raises(Untold, match=r"give it a README\.md"):
        build_map(tmp_path)
