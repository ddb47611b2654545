"""Why there is no number: not known, none, late, refused; always with a sentence and the table that would fill it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.access import check as access
from yucun.kernel.access.model import Refused, Sensitivity
from yucun.kernel.indicators.ask import CellReader, Question
from yucun.kernel.indicators.cellbook import Sheet, newest
from yucun.kernel.indicators.come import days_come
from yucun.kernel.indicators.formulas import grain_of
from yucun.kernel.indicators.model import (
    CellKey,
    Indicator,
    Mark,
)
from yucun.kernel.lake.model import due_of, next_due, owed_period


@dataclass(frozen=True, slots=True)
class _AsColumn:
    """An indicator as access sees it: a table of one column."""

    name: str
    level: Sensitivity


@dataclass(frozen=True, slots=True)
class _AsSheet:
    name: str
    fields: Sequence[_AsColumn]
    region_field: str = "region"


_MOST_KEPT = 256


class AbsenceReader(CellReader):
    """Says of a missing number why it is missing."""

    def _newest(self, definition: Indicator, region: RegionCode, question: Question) -> Period | None:
        """The newest period that a region has; for a derived number without any, that of what it is worked out from."""
        periods = self.sheet(definition.id, question).periods.get(str(region), ())
        if periods or definition.is_leaf:
            return periods[-1] if periods else None
        inner = self.get(definition.members[0].indicator)
        if definition.kind in ("sum", "spread") and definition.over is not None:
            below = [r.code for r in self.regions.at_level(definition.over, region, self.today())]
            return self.newest_period(inner.id, below, question=question)
        found = self._newest(inner, region, question)
        return found if found is None or found.kind in definition.periods else None

    def _refuse(self, definition: Indicator, region: RegionCode, question: Question) -> Mark | None:
        """Open numbers are everyone's; others need a purpose that reads ``indicator.value``."""
        column = _AsColumn("value", definition.level)
        decision = access.may_read(question.reader, _AsSheet(definition.id, (column,)), column, question.purpose)
        decision = access.at(decision, region, self.within)
        return Mark("refused", decision.reason) if isinstance(decision, Refused) else None

    # -- why there is none ----------------------------------------------------------------------------------

    def _missing(
        self, definition: Indicator, region: RegionCode, period: Period | None, sheet: Sheet, question: Question
    ) -> Mark:
        held = sheet.periods.get(str(region), ())
        if period is not None and definition.is_leaf:
            if self._is_covered(definition, period, question):
                return nothing_happened()
            late = self._overdue(definition, region, period, question) if definition.is_awaited else None
            if late is not None:
                return late
        if period is not None and not definition.is_leaf:
            late = self.find_late(definition, region, question)
            if late is not None and all(period.end > known.end for known in held):
                return late
            return self._missing_input(CellKey(definition.id, region, period), question)
        return self._not_known(definition, region, period, held)

    def _missing_input(self, key: CellKey, question: Question) -> Mark:
        """Say which inputs of a derived number are missing."""
        definition = self.get(key.indicator)
        inputs = self.links.inputs_of(key)
        lacking = [i for i in inputs if self.find_cell(i.key, question) is None]
        feed = self.links.tables_of(key.indicator)[0]
        if not inputs:
            return Mark(
                "not_known", Text("这一地区没有下级，不能计算", "the region has nothing below it to be gathered"), feed
            )
        if definition.kind == "change":
            return Mark(
                "not_known", self._no_earlier(key, lacking[0].key if lacking else inputs[-1].key, question), feed
            )
        codes = dict.fromkeys(i.key.region for i in lacking)
        names = [self._name(code, key.period) for code in list(codes)[:5]]
        zh, en = "、".join(n.zh for n in names), ", ".join(n.en for n in names)
        total = len(dict.fromkeys(i.key.region for i in inputs))
        if definition.kind in ("sum", "spread"):
            reason = Text(
                f"{total} 个地区中有 {len(codes)} 个没有数：{zh}{'等' if len(codes) > 5 else ''}",
                f"{len(codes)} of {total} regions have no figure: {en}{' and others' if len(codes) > 5 else ''}",
            )
        else:
            titles = dict.fromkeys(self.get(i.key.indicator).title for i in lacking)
            what_zh, what_en = "、".join(t.zh for t in titles), ", ".join(t.en for t in titles)
            reason = Text(
                f"缺少{zh} {key.period.title.zh}的{what_zh}", f"there is no {what_en} of {en} for {key.period.title.en}"
            )
        return Mark("not_known", reason, feed)

    def _no_earlier(self, key: CellKey, lacking: CellKey, question: Question) -> Text:
        """A change without its base; a figure of another kind beside it is named as not comparable."""
        others = [
            p
            for p in self.sheet(lacking.indicator, question).periods.get(str(key.region), ())
            if not p.is_comparable(key.period)
        ]
        words = Text(
            f"没有 {lacking.period.title.zh}的数可比",
            f"there is no figure of {lacking.period.title.en} to compare with",
        )
        if not others:
            return words
        other = others[-1]
        return Text(
            f"{words.zh}；{other.title.zh}的数口径不同，不作比较",
            f"{words.en}; that of {other.title.en} is of another kind and is not compared",
        )

    def _not_known(
        self, definition: Indicator, region: RegionCode, period: Period | None, held: Sequence[Period]
    ) -> Mark:
        feed = self.links.tables_of(definition.id)[0]
        contract = self.lake.contracts[feed]
        when = Text(f" {period.title.zh}", f" for {period.title.en}") if period else Text("", "")
        if region.level not in definition.levels:
            return Mark(
                "not_known", Text("这个数不按这一级地区统计", "this number is not kept for regions of this level"), feed
            )
        has = Text("", "")
        if held:
            has = Text(f"；最近的是 {held[-1].title.zh}", f"; the newest is {held[-1].title.en}")
        name, owner, title = self._name(region, period), contract.owner, contract.title
        zh = f"没有{name.zh}{when.zh}的记录；由{owner.zh}报送「{title.zh}」后即显示{has.zh}"
        en = f"no record of {name.en}{when.en}; it appears once {owner.en} sends '{title.en}'{has.en}"
        return Mark("not_known", Text(zh, en), feed)

    def _overdue(
        self, definition: Indicator, region: RegionCode, period: Period | None, question: Question
    ) -> Mark | None:
        """Late, when a region's feed has come before, and the period asked for or the next one was due by today."""
        for table in self.links.tables_of(definition.id):
            contract = self.lake.contracts[table]
            come = [
                Period.parse(text)
                for code, text in self._come(definition, table, question)
                if code in ("", str(region))
            ]
            if not come:
                continue
            last = max(come, key=newest)
            due = next_due(contract.freshness, last)
            if due is None or due >= self.today() or (period is not None and period.end <= last.end):
                continue
            name, owner, title = self._name(region, period), contract.owner, contract.title
            zh = f"应于 {due.isoformat()} 前由{owner.zh}报送「{title.zh}」，{name.zh}尚未报到"
            en = f"{owner.en} should have sent '{title.en}' by {due.isoformat()}; nothing has come for {name.en}"
            return Mark("late", Text(zh, en), table)
        return None

    def _late(self, definition: Indicator, region: RegionCode, mark: Mark | None, question: Question) -> Mark | None:
        """What stands beside the newest number when a newer one is overdue."""
        return self.find_late(definition, region, question) if mark is None or mark.kind == "none" else None

    def find_late(self, definition: Indicator, region: RegionCode | None, question: Question) -> Mark | None:
        """Say that a feed on which a number rests, directly or further down, is overdue; None when none is.

        Parameters
        ----------
        region : RegionCode or None
            Whose number it is: where several offices fill one table, those count that send for the region, for one
            above it or for some below it. None asks about all of them.
        """
        for leaf in self._leaves_below(definition):
            for table in self.links.tables_of(leaf.id):
                late = self._late_feed(leaf, table, region, question)
                if late is not None:
                    return late
        return None

    def _leaves_below(self, definition: Indicator) -> list[Indicator]:
        """The awaited leaves that a number is worked out from."""
        if definition.is_leaf:
            return [definition] if definition.is_awaited else []
        return [leaf for name in definition.uses for leaf in self._leaves_below(self.get(name))]

    def _late_feed(
        self, definition: Indicator, table: str, region: RegionCode | None, question: Question
    ) -> Mark | None:
        """Late, when the period that a feed owes was due before today."""
        contract = self.lake.contracts[table]
        come = self._come(definition, table, question)
        for group in contract.freshness.groups or (("",),):
            if region is not None and not any(_meet(str(region), digits) for digits in group):
                continue
            owed = owed_period(contract.freshness, _newest_come(come, group))
            due = due_of(contract.freshness, owed).day if owed else None
            if owed is None or due is None or due >= self.today():
                continue
            owner, title, when = contract.owner, contract.title, owed.title
            zh = f"应于 {due.isoformat()} 前由{owner.zh}报送「{title.zh}」{when.zh}，尚未报到"
            en = f"{owner.en} should have sent '{title.en}' for {when.en} by {due.isoformat()}; it has not come"
            return Mark("late", Text(zh, en), table)
        return None

    def _is_covered(self, definition: Indicator, period: Period, question: Question) -> bool:
        """Whether the feed of a count has come for a period, so that no row means that nothing happened."""
        if definition.kind not in ("total", "count"):
            return False
        if definition.rows_of is not None:
            first, last = period.start.isoformat(), period.end.isoformat()
            come = (self._come(definition, t.table, question) for t in definition.numerator)
            return all(any(first <= text <= last for _, text in days) for days in come)
        return all(
            any(text == period.text for _, text in self._come(definition, t.table, question))
            for t in definition.numerator
        )

    def _come(self, definition: Indicator, table: str, question: Question) -> frozenset[tuple[str, str]]:
        """For which regions and periods a table holds any row."""
        files = self.files(table, question, question.rows_as_of)
        contract = self.lake.contracts[table]
        is_period = contract.get_field(contract.period_field).type == "period"
        if definition.rows_of is not None:
            # Such a table is too large to be read for this; its rows come in one feed for all regions.
            return days_come(tuple(self.lake.folder / f.name for f in files), contract.period_field)
        grain = "" if is_period else definition.grain or "day"
        key = (table, grain, *(f.name for f in files))
        if key not in self._come_before:
            rows = self.lake.read(files, self.lake.schema(table))
            column = rows[contract.period_field]
            said = rows.select(
                region=rows[contract.region_field], period=column if is_period else grain_of(column, grain)
            )
            found = self.lake.engine.run(said.distinct())
            while len(self._come_before) >= _MOST_KEPT:
                self._come_before.pop(next(iter(self._come_before)))
            pairs = zip(found["region"].to_pylist(), found["period"].to_pylist(), strict=True)
            self._come_before[key] = frozenset(pairs)
        return self._come_before[key]

    def _name(self, region: RegionCode, period: Period | None) -> Text:
        found = self.regions.find(region, period.end if period else None) or self.regions.find(region)
        return found.name if found else Text.same(region.short)


@lru_cache(maxsize=_MOST_KEPT)
def _newest_come(come: frozenset[tuple[str, str]], group: tuple[str, ...]) -> Period | None:
    """The newest period for which any region of a group has a row."""
    return max(
        (Period.parse(text) for code, text in come if not code or code.startswith(group)), key=newest, default=None
    )


def _meet(code: str, digits: str) -> bool:
    """Whether a region lies in the one whose codes begin so, or holds it."""
    return code.startswith(digits) or digits.startswith(code.rstrip("0"))


def nothing_happened() -> Mark:
    """The mark of a count whose feed has come and holds no such thing."""
    return Mark("none", Text("这一时期没有发生", "nothing of the kind happened in this period"))
