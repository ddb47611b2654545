"""Reading what a definition says of gathering: the level that rows name, the map of a day, distinct counts, percentiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from yucun.base.identity import LEVELS
from yucun.kernel.indicators.model import ADDING, Indicator
from yucun.kernel.indicators.reading import DefinitionReader

GATHERED_KEYS = ("rows_of", "in_map_of")


class GatheredReader(DefinitionReader):
    """The part of a reader that knows leaves whose rows also count in the regions above."""

    def _read_gathered(self, indicator: Indicator, table: Mapping[str, Any], path: tuple[str, ...]) -> Indicator:
        """Read ``rows_of``, ``in_map_of`` and ``percent``, and refuse what cannot be gathered."""
        indicator = replace(indicator, per_mille=self._read_percent(indicator, table, path))
        rows_of = self.choose(table, path, "rows_of", LEVELS, "") or None
        indicator = replace(indicator, rows_of=rows_of, in_map_of=self._read_map(table, path))
        if rows_of is None:
            if indicator.in_map_of is not None:
                self._refuse_gathered(path, "in_map_of", "rows_of", "要先写明记录所属的级别（rows_of）",
                                      "say first at which level the rows are (rows_of)")  # fmt: skip
            return indicator
        takes = [t.take for t in indicator.terms if t.take not in (*ADDING, "distinct", "percentile")]
        if takes or any(t.rule or t.is_stock_at_year_end for t in indicator.terms):
            self._refuse_gathered(path, "rows_of", "sum, count, mean, distinct, percentile",
                                  "只有和、计数、均值、去重计数、分位数可以逐级汇总", "only sums, counts, means, distinct "
                                  "counts and percentiles can be gathered over regions")  # fmt: skip
        lower = [level for level in indicator.levels if LEVELS.index(level) > LEVELS.index(rows_of)]
        if lower:
            self._refuse_gathered(path, "levels", ", ".join(LEVELS[: LEVELS.index(rows_of) + 1]),
                                  f"记录只到 {rows_of} 级，不能统计更低的级别",
                                  f"the rows name a {rows_of}; a level below it cannot be counted")  # fmt: skip
        if "cumulative" in indicator.periods:
            self._refuse_gathered(path, "periods", "day, month, quarter, year", "逐级汇总不含累计期",
                                  "cumulative periods are not gathered")  # fmt: skip
        spread = sorted({t.table for t in indicator.terms if self.contracts[t.table].spread is not None})
        if spread:
            self._refuse_gathered(path, "of", "a long table", f"「{spread[0]}」是宽表，一条记录有几行，不能逐级汇总",
                                  f"'{spread[0]}' is a wide sheet: one record has several rows")  # fmt: skip
        kinds = {self._is_by_date(t.table) for t in indicator.terms}
        if len(kinds) > 1:
            self._refuse_gathered(path, "of", "tables of dates, or of periods", "按日期的表和按时期的表不能一起汇总",
                                  "a table of dates and one of periods are not gathered together")  # fmt: skip
        if indicator.in_map_of is not None and indicator.is_additive:
            self._refuse_gathered(path, "in_map_of", "distinct, percentile",
                                  "能相加的数可在任何一天的区划中查看，不必写 in_map_of",
                                  "a number that adds up can be asked in the map of any day; leave this out")  # fmt: skip
        return indicator

    def _is_by_date(self, table: str) -> bool:
        contract = self.contracts[table]
        return bool(contract.period_field) and contract.get_field(contract.period_field).type in ("date", "instant")

    def _refuse_gathered(self, path: tuple[str, ...], key: str, expected: str, zh: str, en: str) -> None:
        self.add("gathered", (*path, key), key, expected, zh, en)

    def _read_map(self, table: Mapping[str, Any], path: tuple[str, ...]) -> date | None:
        raw = table.get("in_map_of")
        if raw is None or (isinstance(raw, date) and not isinstance(raw, datetime)):
            return raw
        self._refuse_gathered(path, "in_map_of", "2019-12-31", "应为日期，如 2019-12-31", "a date such as 2019-12-31")
        return None

    def _read_percent(self, indicator: Indicator, table: Mapping[str, Any], path: tuple[str, ...]) -> int:
        """A percentile's share in thousandths, so that it is whole: 90 gives 900, 99.5 gives 995."""
        if indicator.kind != "percentile":
            return 0
        raw = table.get("percent")
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            share = Decimal(str(raw)) * 10
            if share == share.to_integral_value() and 0 < share < 1000:
                return int(share)
        self.add("percent", (*path, "percent"), raw if raw is not None else "nothing", "50, 90, 99.5",
                 "分位数要写百分之几（percent），大于 0、小于 100，最多一位小数",
                 "a percentile says which percent: above 0, below 100, at most one decimal")  # fmt: skip
        return 500
