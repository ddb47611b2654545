"""Every file of the repository keeps the rules of the house."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.make_map import list_files
from tests.house.rules import RULES, Source

ROOT = Path(__file__).resolve().parents[2]
BINARY = {".png", ".webp", ".jpg", ".xlsx", ".xls", ".parquet", ".pdf", ".woff2", ".gz", ".zip"}
# Not ours to edit, or the very lists that the rules are made of.
EXEMPT = ("uv.lock", "LICENSE", "src/yucun/web/vendor/", "tests/house/test_rules.py")
LARGEST_FILE_BYTES = 500_000
LARGE_FILES = {
    "uv.lock": "every package of every extra with its hashes, for all platforms",
    "src/yucun/web/vendor/echarts/echarts.common.min.js": "the smallest published build that has a tooltip",
}


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    paths = [path for path in list_files(ROOT) if not path.startswith(EXEMPT)]
    texts = [path for path in paths if Path(path).suffix not in BINARY]
    return [Source(path, (ROOT / path).read_text(encoding="utf-8", errors="replace")) for path in texts]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(rule: Callable[[Source], Iterator[str]], sources: list[Source]) -> None:
    findings = [finding for source in sources for finding in rule(source)]
    assert not findings, f"{rule.__doc__}\n" + "\n".join(findings)


def test_every_package_says_that_it_is_one() -> None:
    modules = [Path(path) for path in list_files(ROOT) if path.startswith("src/yucun/") and path.endswith(".py")]
    missing = {f"{path.parent}/__init__.py" for path in modules if not (ROOT / path.parent / "__init__.py").exists()}
    assert not missing, "write these, each with a docstring of one line"


def test_large_files_have_a_reason() -> None:
    large = {path for path in list_files(ROOT) if (ROOT / path).stat().st_size > LARGEST_FILE_BYTES}
    assert large == set(LARGE_FILES), "a file over 500 KB needs a reason in LARGE_FILES, or to be smaller"


def test_every_glossary_term_stands_once() -> None:
    seen: dict[str, int] = {}
    findings = []
    for number, line in enumerate((ROOT / "GLOSSARY.md").read_text(encoding="utf-8").splitlines(), start=1):
        cells = [cell.strip(" *`") for cell in line.split("|")]
        if len(cells) < 4 or set(cells[1]) <= set("-: "):
            continue
        term = cells[1].lower()
        if term in seen and term != "term":
            findings.append(f"GLOSSARY.md:{number}: {cells[1]!r} stands on line {seen[term]} too; keep one")
        seen[term] = number
    assert len(seen) > 1, "GLOSSARY.md: no table of terms was found"
    assert not findings, "\n".join(findings)
