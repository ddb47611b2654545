"""What both README files and the how-to show of the library, run as a reader would run it: from CSV to ranks and more."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[4]
# Case D34, best first.
ORDER = "330400 330200 330600 330100 330500 330900 330300 331000 330700 330800 331100".split()


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_ten_lines_from_csv_to_ranks_with_intervals_and_a_picture(name: str, tmp_path: Path) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    lines = [line for line in block.splitlines() if line.strip()]
    assert len(lines) <= 10
    for file in ("index-values.csv", "index-meta.csv"):
        assert f"(docs/how-to/{file})" in text
        shutil.copy(ROOT / "docs" / "how-to" / file, tmp_path / file)
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, timeout=120, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    told = [line.split() for line in done.stdout.splitlines()]
    assert [row[1] for row in told] == ORDER
    assert [int(row[0]) for row in told] == list(range(1, 12))
    for rank, _, low, _, high in told:
        assert float(low) <= int(rank) <= float(high)
    drawn = (tmp_path / "ranks.svg").read_text(encoding="utf-8")
    assert ET.fromstring(drawn).tag.endswith("svg")
    assert "Huzhou" in drawn


def test_the_how_to_runs_as_it_stands(tmp_path: Path) -> None:
    shelf = ROOT / "docs" / "how-to"
    blocks = re.findall(r"```python\n(.*?)```", (shelf / "build-an-index.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for file in ("index-values.csv", "index-meta.csv"):
        shutil.copy(shelf / file, tmp_path / file)
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert [line.split()[1] for line in said[:3]] == ORDER[:3]
    for start in ("normalise:", "aggregate:", "weights:", "without ratio", "Gini 0.0813", "Theil 0.0", "content 0.7"):
        assert any(line.startswith(start) for line in said), f"{start}: {done.stdout}"
