"""The numbers of a city: reading, why, trace and refresh in one hand; what `city.py` and the screens use."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from random import Random

from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.access.model import Within
from yucun.kernel.indicators.ask import Question
from yucun.kernel.indicators.cellbook import Sheet
from yucun.kernel.indicators.model import CellKey, Chain, Indicator, Rule, Trace
from yucun.kernel.indicators.read import NumberReader
from yucun.kernel.indicators.recount import differs
from yucun.kernel.indicators.refresh import Progress, Refreshed, refresh
from yucun.kernel.indicators.why import Explainer
from yucun.kernel.lake.store import Lake
from yucun.kernel.registry.regions import Regions


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether values can be had again from the rows that they name.

    Parameters
    ----------
    asked : int
        How many values.
    equal : int
        How many came out the same.
    differing : tuple of CellKey
        Those that did not.
    by_rule : int
        How many rest on a rule of a service and were computed again by that rule.
    """

    asked: int
    equal: int
    differing: tuple[CellKey, ...]
    by_rule: int


# Up to so many cells are listed to pick from; of more only those picked are read.
_FEW_CELLS = 100_000


class Numbers(NumberReader):
    """Everything about numbers; see `NumberReader` for reading.

    Parameters
    ----------
    rules : mapping of str to callable
        ``service.function`` of the services' ``rules.py``.
    root : RegionCode
        The city.
    """

    def __init__(
        self,
        lake: Lake,
        regions: Regions,
        indicators: Mapping[str, Indicator],
        rules: Mapping[str, Rule],
        today: Callable[[], date],
        root: RegionCode,
        within: Within | None = None,
    ) -> None:
        super().__init__(lake, regions, indicators, today, within)
        self.rules = rules
        self.explainer = Explainer(self, rules, root)

    def refresh(self, progress: Progress | None = None) -> Refreshed:
        """Bring all cells up to the lake's present state."""
        done = refresh(self.lake, self.indicators, self.rules, self.regions, progress)
        # Versions that a crash left undecided are decided here too; until then readers decide them in memory.
        self.releases.decide()
        return done

    def why(
        self,
        indicator: str,
        region: RegionCode,
        period: Period | None = None,
        *,
        question: Question | None = None,
        limit: int = 200,
    ) -> Chain:
        """Return the chain behind a number; with no period, behind the newest."""
        question = question or self.ask()
        return self.explainer.why(self.value(indicator, region, period, question=question), question, limit)

    def trace(self, file: str, record: int, *, question: Question | None = None) -> Trace:
        """Follow one record of a sent file to every number that it moved."""
        return self.explainer.trace(file, record, question or self.ask())

    def moved_by_records(
        self, records: Collection[tuple[str, int]], *, question: Question | None = None
    ) -> dict[tuple[str, int], set[CellKey]]:
        """Every number that each of some records moved; one pass for all of them."""
        return self.explainer.moved_by_records(records, question or self.ask())

    def moved_by(self, file: str, *, question: Question | None = None) -> list[CellKey]:
        """Every number that the rows of a sent file enter, each once."""
        return self.explainer.moved_by_file(file, question or self.ask())

    def all_cells(self, *, question: Question | None = None) -> list[CellKey]:
        """Every cell that is kept and has a value, in a fixed order."""
        question = question or self.ask()
        return [
            CellKey(name, RegionCode(region), Period.parse(text))
            for name in self.indicators
            for (region, text), cell in sorted(self.sheet(name, question).cells.items())
            if not cell.trouble
        ]

    def pick(self, count: int, seed: int, *, question: Question | None = None) -> list[CellKey]:
        """Pick cells at random under a seed, with repeats where fewer are kept than asked for."""
        question = question or self.ask()
        sheets = [(name, self.sheet(name, question)) for name in self.indicators]
        if sum(sheet.count() for _, sheet in sheets) <= _FEW_CELLS:
            cells = self.all_cells(question=question)
            return Random(seed).choices(cells, k=count) if cells else []
        return _pick_among(sheets, count, Random(seed))

    def prove(self, keys: Iterable[CellKey], *, question: Question | None = None) -> Proof:
        """Work values out again from the rows that they name, and say which differ."""
        question = question or self.ask()
        asked = list(keys)
        distinct = list(dict.fromkeys(asked))
        by_rule = {k for k in distinct if self.explainer.rests_on_rule(k.indicator)}
        again = self.explainer.recompute([k for k in distinct if k not in by_rule], question)
        again.update(self.explainer.recompute_by_rule(by_rule, question))
        wrong = set()
        for key in distinct:
            ours, theirs = self.explainer.kept_amount(key, question), again[key]
            exact = self.indicators[key.indicator].form != "measure"
            if ours is None or theirs is None or differs(ours, theirs, is_exact=exact):
                wrong.add(key)
        differing = tuple(k for k in distinct if k in wrong)
        return Proof(len(asked), sum(k not in wrong for k in asked), differing, sum(k in by_rule for k in asked))


def _pick_among(sheets: Sequence[tuple[str, Sheet]], count: int, chance: Random) -> list[CellKey]:
    """Pick cells that have a value by their place among all; gives up where hardly any has one."""
    ends = list(accumulate(sheet.count() for _, sheet in sheets))
    found: list[CellKey] = []
    for _ in range(20 * count):
        if len(found) == count:
            break
        place = chance.randrange(ends[-1])
        number = bisect_right(ends, place)
        name, sheet = sheets[number]
        region, text, cell = sheet.at(place - (ends[number - 1] if number else 0))
        if not cell.trouble:
            found.append(CellKey(name, RegionCode(region), Period.parse(text)))
    return found
