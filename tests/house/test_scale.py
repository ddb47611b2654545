"""The tables of docs/ideas/scale.md are what the bench measured."""

from __future__ import annotations

import pytest

from scripts.make_scale import PAGE, read_result, write_block, write_page

RESULT = {
    "setting": "up to 10 rows",
    "machine": {"processor": "One", "cores": 2, "memory_gib": 24},
    "day": "2026-11-24",
    "commit": "abc",
    "figures": [
        {"name": f"{rows:,} rows: {name}", "unit": "", "ours": ours * rows, "peer": 0.0}
        for rows in (1_000, 10_000)
        for name, ours in (
            ("seconds to load", 0.5),
            ("most memory", 1.0),
            ("bytes in the lake", 9.0),
            ("seconds of a full sum", 1.0),
            ("seconds of a sum by village and domain", 1.0),
            ("seconds of one village's year", 1.0),
        )
    ]
    + [{"name": "at 100 billion rows: bytes in the lake", "unit": "TB", "ours": 1.66, "peer": 0.0}],
}


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == write_page(page, read_result()), "run `make docs`"


def test_a_size_is_a_line_and_the_hub_a_table() -> None:
    written = write_block(RESULT)
    assert "| 1,000 | 2 | 500.0 | 1000.00 | 9.00 |" in written
    assert "| 10,000 | 2 |" in written
    assert "| bytes in the lake | 1.7 TB |" in written
    assert "Not measured yet" in write_block(None)


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"scale\.md needs the lines"):
        write_page("# Scale\n", None)
