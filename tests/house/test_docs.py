"""What the documentation points to is there: files, verbs of the command line, and code that runs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from yucun.city import SERVICES
from yucun.doors.command.services import load_verbs

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
# `yucun WORD` or `yucun SERVICE VERB`, in a line of commands or between backticks.
CALL = re.compile(r"(?:^ {4}|`|^)(?:\.venv/bin/)?yucun ([a-z][a-z0-9-]*)(?: ([a-z][a-z0-9-]+))?", re.MULTILINE)
REFERENCE = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")


def list_pages() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split()]


def test_every_link_to_a_file_leads_somewhere() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in list_pages()
        for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
        if "://" not in target and not target.startswith("/") and not (page.parent / target).exists()
    ]
    assert dead == []


def test_every_page_of_a_shelf_stands_in_the_list() -> None:
    listed = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {str(p.relative_to(ROOT / "docs")) for p in (ROOT / "docs").glob("*/*.md") if p.name != "README.md"}
    assert {page for page in pages if f"({page})" not in listed} == set()


@pytest.mark.parametrize("shelf", ["docs", "src/yucun/services"])
def test_every_command_that_is_shown_exists(shelf: str) -> None:
    services = {path.parent.name: load_verbs(path) for path in SERVICES.glob("*/commands.py")}
    known = set(re.findall(r"(?:^#+ |^)yucun ([a-z0-9-]+)", REFERENCE, re.MULTILINE)) | set(services)
    wrong = []
    for page in (p for p in list_pages() if str(p.relative_to(ROOT)).startswith(shelf)):
        for word, verb in CALL.findall(page.read_text(encoding="utf-8")):
            if word not in known or (word in services and verb and verb.replace("-", "_") not in services[word]):
                wrong.append(f"{page.relative_to(ROOT)}: yucun {word} {verb}")
    assert wrong == []


def test_the_code_of_the_page_on_rules_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = ROOT / "docs" / "how-to" / "write-a-rule.md"
    (block,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(block, str(page), "exec"), {"__name__": "page"})  # noqa: S102 - it is our own page
    said = capsys.readouterr().out
    assert "{'household_id': [1, 2], 'gap_fen': [12000, 0]}" in said
    assert "art. 12" in said and "(2 × 81000) − 150000" in said
