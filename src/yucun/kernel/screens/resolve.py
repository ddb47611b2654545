"""Resolving: a screen for one region and one reader, every number of one moment; what `web` draws."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.text import Language, Text
from yucun.kernel.indicators.ask import Question
from yucun.kernel.indicators.model import Claim, Indicator, Mark, Value
from yucun.kernel.indicators.read import NumberReader
from yucun.kernel.lake.model import next_due
from yucun.kernel.screens.model import (
    LAKE_SHAPES,
    Comparison,
    OpeningRule,
    Piece,
    Screen,
    SectionRule,
    Sentence,
    SentenceRule,
    Shown,
    ShownBars,
    ShownMark,
    ShownRow,
    ShownSection,
    ShownTable,
    ShownTile,
    Slot,
    TileRule,
)
from yucun.kernel.screens.words import SPEAKS_WITHOUT_NUMBER, Said, is_better, say, say_target, with_unit, write_gap

_SPLIT = re.compile(r"(\{\w+\})")
_NOTHING = Text("", "")
# Written for a period that moves on by itself.
_NEWEST = ("latest", "current")


def resolve(screen: Screen, numbers: NumberReader, region: RegionCode, question: Question) -> Shown:
    """Resolve a screen.

    Parameters
    ----------
    screen : Screen
        Read without findings.
    numbers : NumberReader
        Where values come from.
    region : RegionCode
        The region that ``here`` means.
    question : Question
        Version, reader and purpose; the same for every number on the screen.

    Returns
    -------
    Shown
        Where there is no number, its mark: resolving never fails for want of data.
    """
    return _Resolver(numbers, region, question).resolve(screen)


class _Resolver:
    """One screen being resolved."""

    def __init__(self, numbers: NumberReader, region: RegionCode, question: Question) -> None:
        self.numbers = numbers
        self.region = region
        self.question = question

    def resolve(self, screen: Screen) -> Shown:
        opening = screen.opening
        return Shown(
            screen=screen,
            region=self.region,
            as_of=self.question.as_of,
            kicker=self.sentence(opening.kicker) if opening and opening.kicker else None,
            sentence=self.sentence(opening.sentence) if opening else None,
            lead=self.lead(opening) if opening else (),
            sections=tuple(self.section(rule, screen) for rule in screen.sections),
        )

    # -- regions, periods, values ---------------------------------------------------------------------------

    def name(self, code: RegionCode) -> Text:
        found = self.numbers.regions.find(code, self.numbers.today()) or self.numbers.regions.find(code)
        return found.name if found else Text.same(code.short)

    def above(self, level: str | None) -> RegionCode | None:
        """The region of the screen itself, or the one of a level above it."""
        if level is None or level == "here":
            return self.region
        today = self.numbers.today()
        found = self.numbers.regions.find(self.region, today)
        if found is None:
            return None
        if found.level == level:
            return self.region
        return next((r.code for r in self.numbers.regions.ancestors(self.region, today) if r.level == level), None)

    def period(self, written: str, indicator: Indicator) -> Period | None:
        """The period asked for; None for the newest that there is."""
        if written == "latest":
            return None
        return Period.parse(written) if written != "current" else self._due(indicator)

    def _due(self, indicator: Indicator) -> Period | None:
        """The period that ought to be here by today, by the freshness of the feed."""
        today = self.numbers.today()
        contract = self.numbers.lake.contracts[self.numbers.links.tables_of(indicator.id)[0]]
        kind = indicator.periods[0]
        candidates = [Period.day(today)]
        if kind == "year":
            candidates = [Period.year(today.year - n) for n in range(4)]
        elif kind == "month":
            months = [divmod(today.year * 12 + today.month - 1 - n, 12) for n in range(14)]
            candidates = [Period.month(year, month + 1) for year, month in months]
        elif kind == "quarter":
            quarters = [divmod(today.year * 4 + (today.month - 1) // 3 - n, 4) for n in range(6)]
            candidates = [Period.quarter(year, quarter + 1) for year, quarter in quarters]
        for period in candidates:
            due = next_due(contract.freshness, Period.day(period.start) if kind == "day" else _before(period))
            if due is not None and due < today:
                return period
        return None

    def value(self, indicator: str, level: str, written: str) -> Value:
        code = self.above(level) or self.region
        return self.numbers.value(
            indicator, code, self.period(written, self.numbers.get(indicator)), question=self.question
        )

    # -- sentences ------------------------------------------------------------------------------------------

    def sentence(self, rule: SentenceRule) -> Sentence:
        """Fill a sentence; where the number it turns on is missing, say so instead."""
        said = {name: self._said(slot) for name, slot in rule.slots.items()}
        missing = [
            n for n, s in said.items() if s.value.mark is not None and rule.slots[n].form not in SPEAKS_WITHOUT_NUMBER
        ]
        words = rule.words
        if (
            rule.slots
            and len(missing) == sum(s.form not in SPEAKS_WITHOUT_NUMBER for s in rule.slots.values())
            and missing
        ):
            if rule.otherwise.zh:
                words = rule.otherwise
            else:
                first = said[missing[0]]
                return self._missing(first)
        is_known = not missing
        return Sentence(self._pieces(words, rule, said, "zh"), self._pieces(words, rule, said, "en"), is_known)

    def lead(self, opening: OpeningRule) -> tuple[Sentence, ...]:
        """The sentences below the first; one that cannot be said here, or only repeats an absence, is left out."""
        absent = {
            s.indicator
            for s in opening.sentence.slots.values()
            if self.value(s.indicator, s.region, "latest").mark is not None
        }
        rules = [
            rule
            for rule in opening.lead
            if not any(s.indicator in absent and s.form not in SPEAKS_WITHOUT_NUMBER for s in rule.slots.values())
            and all(self._can_say(s) for s in rule.slots.values())
        ]
        return tuple(self.sentence(rule) for rule in rules)

    def _can_say(self, slot: Slot) -> bool:
        """A place among cities is said of a city; a difference from the province is not said of the province."""
        code = self.above(slot.region)
        found = self.numbers.regions.find(code, self.numbers.today()) if code else None
        if found is None:
            return False
        if slot.form == "rank":
            return found.level == slot.level
        return slot.form != "against" or self.above(slot.within or "province") != code

    def _said(self, slot: Slot) -> Said:
        definition = self.numbers.get(slot.indicator)
        value = self.value(slot.indicator, slot.region, slot.period)
        others: tuple[Value, ...] = ()
        above, name = None, _NOTHING
        if slot.form == "rank" and slot.level is not None and value.period is not None:
            within = self.above(slot.within) if slot.within else self._parent(value.region)
            others = tuple(
                self.numbers.compare(slot.indicator, value.period, slot.level, within, question=self.question)
            )
        if slot.form == "against":
            code = self.above(slot.within or "province")
            if code is not None and value.period is not None:
                above, name = (
                    self.numbers.value(slot.indicator, code, value.period, question=self.question),
                    self.name(code),
                )
        targets = self._targets(slot.indicator, value) if slot.form == "target" else ()
        return Said(definition, value, self.name(value.region), others, above, name, targets, slot.level)

    def _parent(self, code: RegionCode) -> RegionCode | None:
        found = self.numbers.regions.find(code, self.numbers.today())
        return found.parent if found else None

    def _targets(self, indicator: str, value: Value) -> tuple[Claim, ...]:
        """Targets of the region or of those above it, the next one first."""
        codes = [value.region]
        if self.numbers.regions.find(value.region, self.numbers.today()) is not None:
            codes += [r.code for r in self.numbers.regions.ancestors(value.region, self.numbers.today())]
        for code in codes:
            found = self.numbers.targets(indicator, code, question=self.question)
            coming = [c for c in found if value.period is None or c.period.end >= value.period.end]
            if coming:
                return tuple(coming)
        return ()

    def _pieces(self, words: Text, rule: SentenceRule, said: dict[str, Said], language: Language) -> tuple[Piece, ...]:
        pieces = []
        for part in _SPLIT.split(words.of(language)):
            name = part[1:-1] if part.startswith("{") else ""
            if name == "place":
                pieces.append(Piece(self.name(self.region).of(language)))
            elif name:
                slot = rule.slots[name]
                text = say(slot.form, said[name]).of(language)
                pieces.append(
                    Piece(text, said[name].value, is_strong=slot.form in ("number", "number_with_unit", "money"))
                )
            elif part:
                pieces.append(Piece(part))
        return tuple(pieces)

    def _missing(self, said: Said) -> Sentence:
        mark = said.value.mark
        reason = mark.reason if mark else _NOTHING
        title = mark.title if mark else _NOTHING
        zh = (Piece(f"{said.name.zh}{said.indicator.title.zh}", said.value), Piece(f"{title.zh}：{reason.zh}。"))
        en = (Piece(f"{said.indicator.title.en} of {said.name.en}", said.value), Piece(f" is {title.en}: {reason.en}."))
        return Sentence(zh, en, is_known=False)

    # -- sections -------------------------------------------------------------------------------------------

    def section(self, rule: SectionRule, screen: Screen) -> ShownSection:
        """One section, by its shape."""
        shown = ShownSection(rule.title, rule.shape, rule.said)
        if rule.shape in LAKE_SHAPES:
            return shown
        if rule.shape == "marks":
            return ShownSection(rule.title, rule.shape, rule.said, marks=self.marks(screen))
        if rule.shape == "table":
            return ShownSection(rule.title, rule.shape, rule.said, table=self.table(rule))
        if rule.shape in ("bars", "map"):
            return ShownSection(rule.title, rule.shape, rule.said, bars=tuple(self.bars(rule, t) for t in rule.tiles))
        return ShownSection(rule.title, rule.shape, rule.said, tiles=tuple(self.tile(t) for t in rule.tiles))

    def tile(self, rule: TileRule) -> ShownTile:
        """A number with its trend, comparisons and what others print."""
        definition = self.numbers.get(rule.indicator)
        value = self.value(rule.indicator, rule.region, rule.period)
        groups = self.numbers.all_series(rule.indicator, value.region, question=self.question)
        trend = next(
            (g for g in groups if value.period and g[0].period and g[0].period.is_comparable(value.period)), []
        )
        others = [g[-1].period for g in groups if g is not trend and g[-1].period]
        return ShownTile(
            title=rule.title if rule.title.zh else definition.title,
            indicator=definition,
            value=value,
            age_days=(self.numbers.today() - value.period.end).days if value.period and value.mark is None else None,
            trend=tuple(trend),
            comparisons=tuple(self._comparisons(definition, value, trend)),
            press=tuple(c for c in value.beside if c.evidence == "press"),
            not_compared=_not_compared(value.period, others),
            note=rule.note,
        )

    def _comparisons(self, definition: Indicator, value: Value, trend: Sequence[Value]) -> list[Comparison]:
        if value.number is None or value.period is None:
            return []
        found = [
            c
            for c in (self._beside_above(definition, value), _beside_before(definition, value, trend))
            if c is not None
        ]
        targets = self._targets(definition.id, value)
        if targets:
            claim = targets[0]
            found.append(
                Comparison("target", Text("目标", "target"), say_target(claim), _meets(value, claim), claim=claim)
            )
        return found

    def _beside_above(self, definition: Indicator, value: Value) -> Comparison | None:
        """The same number of the nearest region above that has one for the period."""
        today = self.numbers.today()
        if value.period is None or self.numbers.regions.find(value.region, today) is None:
            return None
        for region in self.numbers.regions.ancestors(value.region, today):
            if region.level not in definition.levels or definition.adds_up:
                continue
            other = self.numbers.value(definition.id, region.code, value.period, question=self.question)
            if other.number is not None:
                said = _gap_words(definition, value, other, region.name)
                return Comparison("above", region.name, said, _side(definition, value, other), other)
            claim = next((c for c in other.beside if c.bound == "exactly"), None)
            if claim is not None and value.number is not None:
                said = Text(f"{region.name.zh}公布 {claim.printed}", f"{region.name.en} publishes {claim.printed}")
                gap = Fraction(str(value.number)) - Fraction(str(claim.number))
                return Comparison("above", region.name, said, is_better(definition.direction, gap), other, claim)
        return None

    def bars(self, rule: SectionRule, tile: TileRule) -> ShownBars:
        """One number for all regions of a level; regions without one keep their mark, last."""
        definition = self.numbers.get(tile.indicator)
        values = self._compare(rule, definition)
        known = [v for v in values if v.number is not None]
        missing = [v for v in values if v.number is None]
        if rule.order != "code":
            known.sort(key=lambda v: (v.number or 0.0, v.region), reverse=rule.order == "high_first")
        period = values[0].period if values else None
        said = rule.said if rule.said.zh else _kind_words(period)
        return ShownBars(definition, period, (*known, *missing), self.region, said, self._late(rule, definition))

    def _late(self, rule: SectionRule, definition: Indicator) -> Mark | None:
        """That a newer period is overdue, where the section shows the newest and not one that it names."""
        return self.numbers.find_late(definition, None, self.question) if rule.period in _NEWEST else None

    def _compare(self, rule: SectionRule, definition: Indicator) -> list[Value]:
        level = rule.level or "city"
        within = self.above(rule.within) if rule.within else self.region
        return self.numbers.compare(
            definition.id, self.period(rule.period, definition), level, within, question=self.question
        )

    def table(self, rule: SectionRule) -> ShownTable:
        """Several numbers for all regions of a level."""
        definitions = [self.numbers.get(t.indicator) for t in rule.tiles]
        columns = [self._compare(rule, d) for d in definitions]
        codes = [v.region for v in columns[0]] if columns else []
        rows = tuple(ShownRow(code, tuple(column[i] for column in columns)) for i, code in enumerate(codes))
        periods = tuple(c[0].period if c else None for c in columns)
        return ShownTable(tuple(definitions), periods, rows, tuple(self._late(rule, d) for d in definitions))

    def marks(self, screen: Screen) -> tuple[ShownMark, ...]:
        """Every number of the region's level that is missing here, and why."""
        del screen
        found = []
        region = self.numbers.regions.find(self.region, self.numbers.today())
        for definition in self.numbers.indicators.values():
            if region is None or region.level not in definition.levels:
                continue
            value = self.numbers.value(definition.id, self.region, question=self.question)
            if value.mark is not None or value.late is not None:
                found.append(ShownMark(definition, value.mark or value.late))  # type: ignore[arg-type]
        return tuple(found)


def _before(period: Period) -> Period:
    """A period that ends on the day before one begins; what its due day is counted from."""
    return period.previous() if period.kind in ("year", "month", "quarter") else period


def _not_compared(period: Period | None, others: Sequence[Period]) -> Text:
    if period is None or not others:
        return _NOTHING
    other = others[-1]
    return Text(
        f"{other.title.zh}的数口径不同，不与 {period.title.zh}比较",
        f"the figure of {other.title.en} is of another kind and is not compared with {period.title.en}",
    )


def _kind_words(period: Period | None) -> Text:
    if period is not None and period.kind == "cumulative":
        return Text("累计值，不与全年比较", "cumulative; not compared with a year")
    return _NOTHING


def _gap(value: Value, other: Value) -> Fraction:
    return Fraction(str(value.number)) - Fraction(str(other.number))


def _side(definition: Indicator, value: Value, other: Value) -> bool | None:
    return is_better(definition.direction, _gap(value, other))


def _gap_words(definition: Indicator, value: Value, other: Value, name: Text) -> Text:
    gap = _gap(value, other)
    shown = write_gap(gap, definition)
    if not float(shown.replace(",", "")):
        return Text(f"与{name.zh}相同", f"the same as {name.en}")
    size = with_unit(definition, shown, times=False)
    if definition.unit.name == "bp":
        size = Text(f"{shown} 个百分点", f"{shown} points")
    return Text(
        f"比{name.zh}{'低' if gap < 0 else '高'} {size.zh}", f"{size.en} {'below' if gap < 0 else 'above'} {name.en}"
    )


def _beside_before(definition: Indicator, value: Value, trend: Sequence[Value]) -> Comparison | None:
    """The last figure of the same series before this one."""
    earlier = [
        v for v in trend if v.period and value.period and v.period.end < value.period.end and v.number is not None
    ]
    if not earlier or earlier[-1].period is None:
        return None
    before = earlier[-1]
    title = before.period.title if before.period else _NOTHING
    return Comparison(
        "before",
        title,
        _gap_words(definition, value, before, Text(f" {title.zh}", title.en)),
        _side(definition, value, before),
        before,
    )


def _meets(value: Value, claim: Claim) -> bool | None:
    return None if value.number is None else claim.is_kept_by(value.number)
