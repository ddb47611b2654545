"""Write the tables of docs/ideas/scale.md from what bench/lake_billion.py measured; nothing is typed by hand."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "ideas" / "scale.md"
RESULT = ROOT / "bench" / "results" / "lake_billion.json"
_MARKS = ("<!-- measured: begin -->", "<!-- measured: end -->")
_NOT_YET = "Not measured yet: `make bench ARGS=lake_billion`, then `make docs`."
# Columns of the table: what the bench calls a figure, its head, and how it is written.
_COLUMNS = (
    ("seconds to load", "load, s", "{:,.1f}"),
    ("most memory", "most memory, GiB", "{:.2f}"),
    ("bytes in the lake", "bytes kept a row", "{:.2f}"),
    ("seconds of a full sum", "full sum, s", "{:.2f}"),
    ("seconds of a sum by village and domain", "sum by village and domain, s", "{:.2f}"),
    ("seconds of one village's year", "one village's year by day, s", "{:.2f}"),
)
_HUB = "at 100 billion rows: "


def write_block(result: Mapping[str, Any] | None) -> str:
    """Write what stands between the marks: the table of sizes, and what a hundred billion rows come to."""
    if result is None:
        return _NOT_YET
    figures = {f["name"]: f for f in result["figures"]}
    sizes: dict[int, dict[str, float]] = {}
    for name, figure in figures.items():
        found = re.fullmatch(r"([\d,]+) rows: (.+)", name)
        if found is not None:
            sizes.setdefault(int(found[1].replace(",", "")), {})[found[2]] = figure["ours"]
    lines = [f"{result['setting']}; {result['machine']['processor']}, {result['machine']['cores']} cores,"]
    lines += [f"{result['machine']['memory_gib']} GiB, {result['day']}, commit {result['commit']}.", ""]
    heads = ["rows", "rows loaded a second", *(head for _, head, _ in _COLUMNS)]
    lines += [f"| {' | '.join(heads)} |", f"|{'---:|' * len(heads)}"]
    for rows, said in sorted(sizes.items()):
        cells = [f"{rows:,}", f"{rows / said['seconds to load']:,.0f}"]
        for name, _, form in _COLUMNS:
            cells.append(form.format(said[name] / rows if name == "bytes in the lake" else said[name]))
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| a hundred billion rows, in proportion to the largest size | |", "|---|---:|"]
    for name, figure in figures.items():
        if name.startswith(_HUB):
            lines.append(f"| {name.removeprefix(_HUB)} | {figure['ours']:,.1f} {figure['unit']} |")
    return "\n".join(lines)


def write_page(page: str, result: Mapping[str, Any] | None) -> str:
    """Put the block between its marks.

    Raises
    ------
    ValueError
        If the page has lost its marks.
    """
    before, begin, rest = page.partition(_MARKS[0])
    _, end, after = rest.partition(_MARKS[1])
    if not begin or not end:
        raise ValueError(f"{PAGE.name} needs the lines {_MARKS[0]} and {_MARKS[1]}")
    return f"{before}{begin}\n{write_block(result)}\n{end}{after}"


def read_result() -> Mapping[str, Any] | None:
    """What the bench kept; None before its first run."""
    if not RESULT.is_file():
        return None
    kept: Mapping[str, Any] = json.loads(RESULT.read_text(encoding="utf-8"))
    return kept


def main() -> int:
    """Write the page again."""
    PAGE.write_text(write_page(PAGE.read_text(encoding="utf-8"), read_result()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
