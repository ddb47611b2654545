"""For which days a large table has come, as the footers of its files say; no row is read."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import pyarrow.parquet as pq

from yucun.base.period import Period


@lru_cache(maxsize=64)
def days_come(paths: tuple[Path, ...], field: str) -> frozenset[tuple[str, str]]:
    """Return the days between the first and the last of each file, each with an empty region that stands for any."""
    found: set[tuple[str, str]] = set()
    for path in paths:
        ends = _ends_of(path, field)
        if ends is not None:
            day, last = ends
            while day <= last:
                found.add(("", day.isoformat()))
                day += timedelta(days=1)
    return frozenset(found)


@lru_cache(maxsize=4096)
def _ends_of(path: Path, field: str) -> tuple[date, date] | None:
    """The first and last day in a file; None where its footer does not say."""
    footer = pq.read_metadata(path)
    names = [footer.schema.column(i).name for i in range(footer.num_columns)]
    groups = (footer.row_group(n).column(names.index(field)).statistics for n in range(footer.num_row_groups))
    said = [s for s in groups if s is not None and s.has_min_max]
    if not said:
        return None
    return _as_day(min(s.min for s in said), is_last=False), _as_day(max(s.max for s in said), is_last=True)


def _as_day(value: object, *, is_last: bool) -> date:
    """The first or last day of a date, an instant or a period's text."""
    if isinstance(value, str):
        period = Period.parse(value)
        return period.end if is_last else period.start
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    raise TypeError(f"a column of times holds {value!r}")
