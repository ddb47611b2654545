"""The reference pages are what the lists of verbs and operations say; `make docs` writes them again."""

from __future__ import annotations

from scripts.make_reference import SHELF, write_api, write_command_line


def test_the_page_of_verbs_is_up_to_date() -> None:
    assert (SHELF / "command-line.md").read_text(encoding="utf-8") == write_command_line(), "run `make docs`"


def test_the_page_of_the_api_is_up_to_date() -> None:
    assert (SHELF / "api.md").read_text(encoding="utf-8") == write_api(), "run `make docs`"
