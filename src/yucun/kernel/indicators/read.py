"""Reading numbers: one value, a series, a comparison of regions; always a value or a mark, never a guess.

Everything is read from kept cells in one version of the lake. A series holds comparable periods only; figures
of one day's map can be read in the map of another.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

from yucun.base.identity import Level, RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.access.cells import SmallestCell
from yucun.kernel.access.releases import CHANGED_BY_FEW
from yucun.kernel.indicators.absence import AbsenceReader, nothing_happened
from yucun.kernel.indicators.ask import Question
from yucun.kernel.indicators.cellbook import Sheet, newest
from yucun.kernel.indicators.check import claims_at, run_checks
from yucun.kernel.indicators.claims import Printed
from yucun.kernel.indicators.in_map import carry
from yucun.kernel.indicators.maps import map_tables
from yucun.kernel.indicators.model import (
    EVIDENCE,
    TROUBLES,
    Cell,
    CellKey,
    CheckResult,
    Claim,
    Indicator,
    Mark,
    Value,
)
from yucun.kernel.indicators.show import exact_number, write_number
from yucun.kernel.registry.model import NotKnownMark
from yucun.kernel.registry.recast import recast


class NumberReader(AbsenceReader):
    """The numbers of a city, read from their kept cells; see `CellReader` for what it is made of."""

    # -- one value ------------------------------------------------------------------------------------------

    def value(
        self,
        indicator: str,
        region: RegionCode,
        period: Period | None = None,
        *,
        question: Question | None = None,
        in_map_of: date | None = None,
    ) -> Value:
        """Return a number, or the mark that stands in its place; a missing number never raises.

        Parameters
        ----------
        period : Period or None
            None asks for the newest that the region has.
        in_map_of : date or None
            Read the figure in the map of that day; only for numbers that add up over regions.
        """
        question = question or self.ask()
        definition = self.get(indicator)
        sheet = self.sheet(indicator, question)
        asked = period
        if period is None:
            period = self._newest(definition, region, question)
        empty = self._empty(definition, region, period)
        refused = self._refuse(definition, region, question)
        if refused is not None:
            return replace(empty, mark=refused)
        if period is None:
            return replace(empty, mark=self._missing(definition, region, None, sheet, question))
        if in_map_of is not None:
            return self._recast(definition, region, period, in_map_of, empty, question)
        cell = sheet.find(region, period)
        if cell is None:
            beside = tuple(
                c for c, _ in claims_at(self.claims_of(definition, definition.published, question), region, period)
            )
            return replace(empty, mark=self._missing(definition, region, period, sheet, question), beside=beside)
        found = self._from_cell(definition, CellKey(indicator, region, period), cell, sheet, question)
        return found if asked is not None else replace(found, late=self._late(definition, region, found.mark, question))

    def _empty(self, definition: Indicator, region: RegionCode, period: Period | None) -> Value:
        return Value(
            definition.id,
            region,
            period,
            None,
            "",
            {},
            definition.unit,
            definition.decimals,
            0,
            None,
            EVIDENCE[-1],
            None,
            0,
        )

    def _from_cell(self, definition: Indicator, key: CellKey, cell: Cell, sheet: Sheet, question: Question) -> Value:
        number = exact_number(definition, cell)
        printed = claims_at(self.claims_of(definition, definition.published, question), key.region, key.period)
        value = replace(
            self._empty(definition, key.region, key.period),
            as_of=sheet.seq_of(key.period),
            known_at=self.book.instant(sheet.seq_of(key.period)),
            evidence=cell.evidence,
            records=cell.records,
            beside=tuple(claim for claim, _ in printed),
        )
        if self.hides(key, question) and definition.smallest is not None:
            return replace(value, records=0, mark=Mark("hidden", self._why_hidden(definition.smallest, key, question)))
        if self.hides(key, question):
            return replace(
                value,
                records=0,
                mark=Mark("hidden", Text("由不予显示的单元推算", "worked out from cells that are hidden")),
            )
        checks = self._check(definition, key, cell, number, printed, question)
        value = replace(value, checks=checks)
        if cell.trouble == "split":
            return replace(value, mark=Mark("not_known", TROUBLES["split"], self.links.tables_of(definition.id)[0]))
        if cell.trouble or number is None:
            reason = TROUBLES.get(cell.trouble, Text("未能算出", "it could not be computed"))
            return replace(value, mark=Mark("error", reason))
        parts: dict[str, int | float] = (
            {"numerator": cell.numerator, "denominator": cell.denominator}
            if cell.numerator is not None and cell.denominator is not None
            else {"measure": cell.measure or 0.0}
        )
        wrong = next((c for c in checks if c.outcome == "differs"), None)
        if wrong is not None:
            return replace(value, parts=parts, mark=Mark("error", _differs(wrong)))
        if definition.kind in ("total", "count") and cell.numerator == 0:
            return replace(value, parts=parts, mark=nothing_happened())
        return replace(value, parts=parts, number=float(number), shown=write_number(number, definition.decimals))

    def _check(
        self,
        definition: Indicator,
        key: CellKey,
        cell: Cell,
        number: Fraction | None,
        printed: list[Printed],
        question: Question,
    ) -> tuple[CheckResult, ...]:
        others: dict[str, Fraction | None] = {}
        decimals: dict[str, int] = {}
        for check in definition.checks:
            if check.kind == "identity":
                other = self.get(check.indicator)
                found = self.find_cell(replace(key, indicator=check.indicator), question)
                others[check.indicator] = exact_number(other, found) if found is not None else None
                decimals[check.indicator] = other.decimals
        return run_checks(definition, cell, number, printed, others, decimals)

    # -- many values ----------------------------------------------------------------------------------------

    def series(
        self, indicator: str, region: RegionCode, *, like: Period | None = None, question: Question | None = None
    ) -> list[Value]:
        """Return the values of a region, kind by kind and oldest first within each; kinds never form one trend.

        Parameters
        ----------
        like : Period or None
            Only periods comparable with this one.
        """
        question = question or self.ask()
        return [
            value
            for group in self.all_series(indicator, region, question=question)
            for value in group
            if like is None or (value.period is not None and value.period.is_comparable(like))
        ]

    def all_series(self, indicator: str, region: RegionCode, *, question: Question | None = None) -> list[list[Value]]:
        """Return one series for each kind of period that the region has, the kind with the newest period last."""
        question = question or self.ask()
        groups: list[list[Period]] = []
        for period in self.sheet(indicator, question).periods.get(str(region), ()):
            group = next((g for g in groups if g[0].is_comparable(period)), None)
            if group is None:
                groups.append([period])
            else:
                group.append(period)
        groups.sort(key=lambda g: newest(g[-1]))
        return [[self.value(indicator, region, period, question=question) for period in group] for group in groups]

    def trend(
        self, indicator: str, region: RegionCode, first: Period, last: Period, *, question: Question | None = None
    ) -> tuple[Value, Value]:
        """Return two values of one series.

        Raises
        ------
        NotComparable
            When the periods are of different kinds, with the reason in both languages.
        """
        first.check_comparable(last)
        question = question or self.ask()
        return self.value(indicator, region, first, question=question), self.value(
            indicator, region, last, question=question
        )

    def compare(
        self,
        indicator: str,
        period: Period | None,
        level: Level,
        within: RegionCode | None = None,
        *,
        question: Question | None = None,
        in_map_of: date | None = None,
    ) -> list[Value]:
        """Return a value or a mark for every region of a level, for one period, by code.

        Without a period: the newest for which the most regions have a number.
        """
        question = question or self.ask()
        day = in_map_of or (period.end if period else self.today())
        codes = [r.code for r in self.regions.at_level(level, within, day)]
        period = period or self.newest_period(indicator, codes, question=question)
        return [self.value(indicator, code, period, question=question, in_map_of=in_map_of) for code in codes]

    # -- another day's map ----------------------------------------------------------------------------------

    def _recast(
        self, definition: Indicator, region: RegionCode, period: Period, day: date, empty: Value, question: Question
    ) -> Value:
        """A figure that adds up, carried from the map of its period's end to the map of another day."""
        feed = self.links.tables_of(definition.id)[0]
        if definition.is_additive:
            return self._carry(definition, region, period, day, empty, question)
        if definition.in_map_of == day:
            return self.value(definition.id, region, period, question=question)
        if not definition.adds_up:
            reason = Text(
                "这个数不能相加，不能换到别的区划", "this number does not add up and cannot be read in another map"
            )
            return replace(empty, mark=Mark("not_known", reason, feed))
        sheet = self.sheet(definition.id, question)
        level = (self.regions.find(region, day) or self.regions.get(region)).level
        held = {
            RegionCode(code): cell
            for code in sheet.regions_at(period)
            if (found := self.regions.find(RegionCode(code), period.end)) is not None
            and found.level == level
            and (cell := sheet.cells[(code, period.text)]).numerator is not None
        }
        parts: dict[str, int | float] = {}
        for name in ("numerator", "denominator") if definition.form == "fraction" else ("numerator",):
            carried = recast(
                {c: getattr(cell, name) for c, cell in held.items()},
                self.regions,
                self.regions.successions,
                period.end,
                day,
            )
            amount = carried.get(region)
            if not isinstance(amount, int):
                reason = (
                    amount.reason
                    if isinstance(amount, NotKnownMark)
                    else self._not_known(definition, region, period, ()).reason
                )
                return replace(empty, mark=Mark("not_known", reason, feed))
            parts[name] = amount
        bottom = int(parts.setdefault("denominator", 1))
        weakest = min((EVIDENCE.index(c.evidence) for c in held.values()), default=0)
        cell = Cell(int(parts["numerator"]), bottom, None, 0, None, None, EVIDENCE[weakest], "")
        number = exact_number(definition, cell)
        if number is None or (definition.smallest is not None and self._hides_any(definition, period, question)):
            return replace(
                empty, mark=Mark("hidden", Text("由不予显示的单元推算", "worked out from cells that are hidden"))
            )
        return replace(
            empty,
            number=float(number),
            shown=write_number(number, definition.decimals),
            parts=parts,
            as_of=sheet.seq,
            known_at=self.book.instant(sheet.seq),
            evidence=cell.evidence,
        )

    def _carry(
        self, definition: Indicator, region: RegionCode, period: Period, day: date, empty: Value, question: Question
    ) -> Value:
        """A gathered figure that adds up, carried from the regions that its rows name."""
        feed = self.links.tables_of(definition.id)[0]
        sheet = self.sheet(definition.id, question)
        if self.regions.find(region, day) is None or region.level not in definition.levels:
            return replace(empty, mark=self._not_known(definition, region, period, ()))
        if definition.smallest is not None and self._hides_any(definition, period, question):
            return replace(
                empty, mark=Mark("hidden", Text("由不予显示的单元推算", "worked out from cells that are hidden"))
            )
        journeys = map_tables(self.regions).journeys
        found = carry(definition, journeys, region, period, day, lambda code: sheet.find(code, period))
        if found.reason is not None:
            return replace(empty, mark=Mark("not_known", found.reason, feed))
        if not found.cells:
            return replace(empty, mark=self._missing(definition, region, period, sheet, question))
        weakest = min(EVIDENCE.index(c.evidence) for c in found.cells)
        records = sum(c.records for c in found.cells)
        cell = Cell(found.numerator, found.denominator, None, records, None, None, EVIDENCE[weakest], "")
        number = exact_number(definition, cell)
        value = replace(
            empty,
            parts={"numerator": found.numerator, "denominator": found.denominator},
            as_of=sheet.seq_of(period),
            known_at=self.book.instant(sheet.seq_of(period)),
            evidence=cell.evidence,
            # Of a region that was split by shares, every record counts on both sides.
            records=records,
        )
        if number is None:
            return replace(value, mark=Mark("error", TROUBLES["zero_denominator"]))
        if definition.kind in ("total", "count") and number == 0:
            return replace(value, mark=nothing_happened())
        return replace(value, number=float(number), shown=write_number(number, definition.decimals))

    def _hides_any(self, definition: Indicator, period: Period, question: Question) -> bool:
        hidden = self.releases.hidden(definition.id, question.as_of)
        return any(name == definition.id and text == period.text for name, _, text in hidden)

    def _why_hidden(self, rule: SmallestCell, key: CellKey, question: Question) -> Text:
        """Why a cell is hidden; where an earlier version showed it, that this one's number stands."""
        shown = self.releases.was_shown(key, question.as_of)
        if shown is None:
            return rule.reason
        return Text(f"{CHANGED_BY_FEW.zh}（第 {shown} 号日志时）", f"{CHANGED_BY_FEW.en} (as of journal seq {shown})")

    # -- what others print ----------------------------------------------------------------------------------

    def printed(self, indicator: str, region: RegionCode, *, question: Question | None = None) -> list[Claim]:
        """What others print for a number, whatever the period."""
        definition = self.get(indicator)
        return [
            c
            for c, _ in claims_at(
                self.claims_of(definition, definition.published, question or self.ask()), region, None
            )
        ]

    def targets(self, indicator: str, region: RegionCode, *, question: Question | None = None) -> list[Claim]:
        """The targets set for a number in a region, nearest year first."""
        definition = self.get(indicator)
        return [
            c
            for c, _ in claims_at(self.claims_of(definition, definition.targets, question or self.ask()), region, None)
        ]


def _differs(check: CheckResult) -> Text:
    return Text(
        f"与第二种算法不符：本系统 {check.ours}，{check.title.zh} {check.theirs}；查清之前不显示",
        f"it differs from the second computation: ours {check.ours}, {check.title.en} {check.theirs}; withheld until that is settled",
    )
