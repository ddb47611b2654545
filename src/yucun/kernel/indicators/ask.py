"""What is asked of numbers: in which version, for whom and why; and the cells that answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from yucun.base.errors import Finding, NotKnown
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.access.model import OPEN_READER, Reader, Within
from yucun.kernel.indicators.cellbook import CellBook, Sheet, Version, newest
from yucun.kernel.indicators.claims import ClaimBook, Printed
from yucun.kernel.indicators.model import (
    Cell,
    CellKey,
    Indicator,
    Value,
)
from yucun.kernel.indicators.releases import Releases
from yucun.kernel.indicators.walk import Links
from yucun.kernel.lake.model import LakeFile
from yucun.kernel.lake.store import Lake
from yucun.kernel.registry.regions import Regions


@dataclass(frozen=True, slots=True)
class Question:
    """In which version, for whom and why something is read.

    Parameters
    ----------
    versions : mapping of str to Version
        The cells in force, by indicator.
    rows_as_of : int or None
        The version of the tables from which those cells were worked out: that which the last refresh pinned.
    files : dict
        What the manifest was already asked under this question.
    """

    versions: Mapping[str, Version]
    as_of: int | None
    reader: Reader
    purpose: str
    rows_as_of: int | None = None
    files: dict[tuple[str, int | None], list[LakeFile]] = field(default_factory=dict, compare=False, repr=False)


class CellReader:
    """The kept cells of a city's numbers, each version as it was.

    Parameters
    ----------
    lake : Lake
        Tables and kept cells.
    regions : Regions
        The map through time.
    indicators : mapping of str to Indicator
        As `linking.link_indicators` gives them.
    today : callable
        The city's day.
    within : callable
        Whether a region lies in one of others, on the city's day.
    """

    def __init__(
        self,
        lake: Lake,
        regions: Regions,
        indicators: Mapping[str, Indicator],
        today: Callable[[], date],
        within: Within | None = None,
    ) -> None:
        self.lake = lake
        self.regions = regions
        self.indicators = indicators
        self.today = today
        self.within: Within = within or (lambda code, above: any(regions.is_within(code, a) for a in above))
        self.links = Links(indicators, regions)
        self.book = CellBook(lake)
        self.releases = Releases(lake, regions, indicators)
        self.claims = ClaimBook(lake, indicators)
        self._come_before: dict[tuple[str, ...], frozenset[tuple[str, str]]] = {}

    # -- what is asked --------------------------------------------------------------------------------------

    def ask(self, as_of: int | None = None, reader: Reader = OPEN_READER, purpose: str = "") -> Question:
        """Fix version, reader and purpose, so that all values of a page are of one moment."""
        return Question(self.book.versions(as_of), as_of, reader, purpose, self.book.rows_counted(as_of))

    def get(self, indicator: str) -> Indicator:
        """Return a definition, or raise `NotKnown`."""
        found = self.indicators.get(indicator)
        if found is None:
            raise NotKnown(
                Finding(
                    "indicator.unknown",
                    "indicator",
                    indicator[:120],
                    "a defined indicator",
                    Text(
                        f"没有名为「{indicator[:120]}」的指标；请在“数字”页查找",
                        f"no indicator is called '{indicator[:120]}'; look for it under Numbers",
                    ),
                )
            )
        return found

    def sheet(self, indicator: str, question: Question) -> Sheet:
        """All cells of an indicator in the version asked about."""
        return self.book.sheet(question.versions.get(self.get(indicator).id))

    def files(self, table: str, question: Question, as_of: int | None) -> list[LakeFile]:
        """The files of a table in force, asked of the manifest once a question."""
        key = (table, as_of)
        if key not in question.files:
            question.files[key] = self.lake.files(table, as_of) if table in self.lake.contracts else []
        return question.files[key]

    def claims_of(self, definition: Indicator, table: str, question: Question) -> list[Printed]:
        """What a table of printed numbers says about an indicator."""
        return self.claims.of(definition, table, self.files(table, question, question.as_of)) if table else []

    def find_cell(self, key: CellKey, question: Question) -> Cell | None:
        """One cell, if it is kept."""
        return self.sheet(key.indicator, question).find(key.region, key.period)

    def find_cell_of(self, value: Value, question: Question | None = None) -> Cell | None:
        """The kept cell behind a value, with its exact parts."""
        if value.period is None:
            return None
        return self.find_cell(CellKey(value.indicator, value.region, value.period), question or self.ask())

    def newest_period(
        self, indicator: str, codes: Iterable[RegionCode], *, question: Question | None = None
    ) -> Period | None:
        """The newest period for which the most of some regions have a number."""
        question = question or self.ask()
        sheet = self.sheet(indicator, question)
        counts: dict[Period, int] = {}
        for code in codes:
            for period in sheet.periods_of(str(code)):
                counts[period] = counts.get(period, 0) + 1
        return max(counts, key=lambda p: (counts[p], newest(p)), default=None)

    def hides(self, key: CellKey, question: Question) -> bool:
        """Whether the smallest-cell rule hides a cell, or one that it is worked out from."""
        if not any(self.indicators[leaf].smallest for leaf in self.links.leaf_names(key.indicator)):
            return False
        return any(self.releases.hides(leaf, question.as_of) for leaf in self.links.leaves_of(key))
