"""The regions of a city through time: an immutable map with its look-ups, and the findings of a bad one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from fractions import Fraction

from yucun.base.errors import Finding, NotKnown, PlaceError
from yucun.base.identity import LEVELS, Level, RegionCode
from yucun.base.text import Text
from yucun.kernel.registry.changes import adds_up, list_changes
from yucun.kernel.registry.model import Region, Succession
from yucun.kernel.registry.names import NameIndex, choose_by_column, normalise

# Single words whose candidates are kept at most.
_MOST_SETTLED = 20_000


class Regions:
    """All versions of all regions, and what became of which; never changes once it is made.

    Wherever a day ``on`` is asked for, None means the newest map.

    Parameters
    ----------
    rows : iterable of Region
        Every version; versions of one code do not overlap.
    successions : iterable of Succession
        Merges, splits and changed codes.

    Raises
    ------
    PlaceError
        With all findings of `check_regions`.

    Examples
    --------
    >>> city = Region(RegionCode.parse("3305"), Text("湖州市", "Huzhou"), "city", None)
    >>> county = Region(RegionCode.parse("330502"), Text("吴兴区", "Wuxing District"), "county", city.code)
    >>> regions = Regions([city, county])
    >>> regions.resolve(["湖州", "湖州市吴兴区", "330502"], None)["湖州市吴兴区"]
    [RegionCode('330502000000')]
    >>> regions.path_title(county.code).en
    'Wuxing District, Huzhou'
    """

    __slots__ = ("_children", "_index", "_newest", "_settled", "_versions", "successions")

    def __init__(self, rows: Iterable[Region], successions: Iterable[Succession] = ()) -> None:
        rows = tuple(rows)
        self.successions = tuple(sorted(successions, key=lambda s: (s.on, s.old, s.new)))
        findings = check_regions(rows, self.successions)
        if findings:
            raise PlaceError(findings)
        versions: dict[RegionCode, list[Region]] = {}
        children: dict[RegionCode | None, list[Region]] = {}
        for row in sorted(rows, key=lambda r: (r.code, r.valid_from)):
            versions.setdefault(row.code, []).append(row)
            children.setdefault(row.parent, []).append(row)
        self._versions = {code: tuple(held) for code, held in versions.items()}
        self._children = {parent: tuple(held) for parent, held in children.items()}
        self._newest = {code: held[-1] for code, held in self._versions.items()}
        self._index = NameIndex(self._versions)
        self._settled: dict[tuple[str, date | None], tuple[RegionCode, ...]] = {}

    def __iter__(self) -> Iterator[Region]:
        """All versions, by code and first day."""
        return (row for held in self._versions.values() for row in held)

    def __len__(self) -> int:
        """How many versions there are."""
        return sum(len(held) for held in self._versions.values())

    def __contains__(self, code: object) -> bool:
        """True when the code was ever a region's."""
        return code in self._versions

    def versions(self, code: RegionCode) -> tuple[Region, ...]:
        """All versions of a code, oldest first; empty when nothing is known of it."""
        return self._versions.get(code, ())

    def find(self, code: RegionCode, on: date | None = None) -> Region | None:
        """Return the version that holds on a day, or None."""
        if on is None:
            newest = self._newest.get(code)
            return newest if newest is not None and newest.valid_to is None else None
        return next((v for v in self._versions.get(code, ()) if v.is_valid(on)), None)

    def get(self, code: RegionCode, on: date | None = None) -> Region:
        """Return the version that holds on a day, or raise `NotKnown` saying why there is none."""
        found = self.find(code, on)
        if found is not None:
            return found
        held = self._versions.get(code)
        when = on.isoformat() if on else "the newest map"
        known = "; ".join(f"{v.name.en} {v.valid_from} – {v.valid_to or ''}" for v in held or ())
        raise NotKnown(
            Finding(
                "registry.unknown_region",
                f"region {code}",
                code,
                known or "a code of the registry",
                Text(
                    f"区划代码 {code} 在 {on or '现行地图'} 中不存在"
                    + ("；它只在别的日期有效" if held else "")
                    + "；请核对代码和日期",
                    f"region {code} does not exist in {when}"
                    + ("; it held on other days" if held else "")
                    + "; check the code and the day",
                ),
            )
        )

    def children(self, code: RegionCode | None, on: date | None = None) -> list[Region]:
        """The regions right below, by code; None gives those at the top."""
        return [row for row in self._children.get(code, ()) if row.is_valid(on)]

    def ancestors(self, code: RegionCode, on: date | None = None) -> list[Region]:
        """The regions above, nearest first."""
        above, parent = [], self.get(code, on).parent
        while parent is not None:
            region = self.get(parent, on)
            above.append(region)
            parent = region.parent
        return above

    def is_within(self, code: RegionCode, above: RegionCode, on: date | None = None) -> bool:
        """True when a region is another one or lies in it on a day; False for a code that does not hold then."""
        current = self.find(code, on)
        while current is not None and current.code != above:
            current = self.find(current.parent, on) if current.parent else None
        return current is not None

    def at_level(self, level: Level, within: RegionCode | None = None, on: date | None = None) -> list[Region]:
        """All regions of a level on a day, by code; ``within`` keeps those that are or lie in one region."""
        if within is None:
            return [row for row in self if row.level == level and row.is_valid(on)]
        start = self.find(within, on)
        found, waiting = [], [start] if start else []
        while waiting:
            region = waiting.pop()
            if region.level == level:
                found.append(region)
            elif LEVELS.index(region.level) < LEVELS.index(level):
                waiting += self.children(region.code, on)
        return sorted(found, key=lambda r: r.code)

    def resolve(self, words: Sequence[str], on: date | None) -> dict[str, list[RegionCode]]:
        """Read written names and codes of one column.

        Parameters
        ----------
        words : sequence of str
            Distinct words of one column: names, paths, codes of 2, 4, 6, 9 or 12 digits.
        on : date or None
            The day of which the words speak.

        Returns
        -------
        dict
            Word to its candidates: none (not known), one, or several (ambiguous). A word whose candidates are of
            several levels is settled by the column's clear words, see `names.choose_by_column`.
        """
        if len(words) != 1:
            return self._resolve(words, on)
        # Events and forms bring one word at a time, and mostly the same ones.
        known = self._settled.get((words[0], on))
        if known is None:
            if len(self._settled) >= _MOST_SETTLED:
                self._settled.clear()
            known = self._settled[words[0], on] = tuple(self._resolve(words, on)[words[0]])
        return {words[0]: list(known)}

    def _resolve(self, words: Sequence[str], on: date | None) -> dict[str, list[RegionCode]]:
        found = {word: self._index.find(word, on) for word in words}
        return choose_by_column(found, lambda code: self.get(code, on).level)

    def search(self, text: str, limit: int = 20, on: date | None = None) -> list[Region]:
        """Find regions by a part of a name or the beginning of a code: exact first, then higher levels first."""
        asked = normalise(text)
        if not asked:
            return []
        exact = set(self._index.find(text, on))
        ranked = []
        for row in self:
            if not row.is_valid(on):
                continue
            names = (normalise(row.name.zh), normalise(row.name.en))
            rank = _rank(asked, row, names, exact)
            if rank is not None:
                ranked.append((rank, LEVELS.index(row.level), row.code, row))
        return [row for *_, row in sorted(ranked, key=lambda r: r[:3])[:limit]]

    def path_title(self, code: RegionCode, on: date | None = None) -> Text:
        """The name with those above it: 浙江省湖州市吴兴区 / Wuxing District, Huzhou, Zhejiang."""
        chain = [self.get(code, on), *self.ancestors(code, on)]
        return Text("".join(r.name.zh for r in reversed(chain)), ", ".join(r.name.en for r in chain))


def _rank(asked: str, row: Region, names: tuple[str, str], exact: set[RegionCode]) -> int | None:
    if row.code in exact:
        return 0
    if any(name.startswith(asked) for name in names) or (asked.isdecimal() and row.code.startswith(asked)):
        return 1
    return 2 if any(asked in name for name in names) else None


def check_regions(rows: Sequence[Region], successions: Sequence[Succession] = ()) -> list[Finding]:
    """Return what is wrong with a set of regions: overlaps, parents that are missing or too low, bad weights."""
    held: dict[RegionCode, list[Region]] = {}
    for row in sorted(rows, key=lambda r: (r.code, r.valid_from)):
        held.setdefault(row.code, []).append(row)
    findings: list[Finding] = []
    for versions in held.values():
        for number, row in enumerate(versions):
            findings += _check_days(row, versions[number + 1] if number + 1 < len(versions) else None)
            findings += _check_parent(row, held)
    return findings + _check_successions(held, successions)


def _finding(kind: str, row: RegionCode, found: object, expected: str, zh: str, en: str) -> Finding:
    return Finding(f"registry.{kind}", f"region {row}", str(found)[:120], expected[:120], Text(zh, en))


def _check_days(row: Region, after: Region | None) -> list[Finding]:
    if row.valid_to is not None and row.valid_to <= row.valid_from:
        return [
            _finding(
                "days",
                row.code,
                f"{row.valid_from} – {row.valid_to}",
                "a last day after the first",
                f"{row.name.zh}（{row.code}）的失效日不晚于生效日；请更正",
                f"{row.name.en} ({row.code}) ends before it begins; correct the days",
            )
        ]
    if after is not None and (row.valid_to is None or row.valid_to > after.valid_from):
        return [
            _finding(
                "overlap",
                row.code,
                f"{row.valid_from} – {row.valid_to or ''} / {after.valid_from}",
                "versions that do not overlap",
                f"代码 {row.code} 有两个同时有效的版本；请给前一个写失效日",
                f"code {row.code} has two versions at once; end the earlier one",
            )
        ]
    return []


def _check_parent(row: Region, held: dict[RegionCode, list[Region]]) -> list[Finding]:
    if row.parent is None:
        return []
    parents = [p for p in held.get(row.parent, ()) if _overlap(p, row)]
    if not parents or not _is_covered(row, parents):
        return [
            _finding(
                "parent",
                row.code,
                row.parent,
                "a region above it on all its days",
                f"{row.name.zh}（{row.code}）的上级 {row.parent} 在其有效期内并非始终存在；请补上级或更正日期",
                f"the parent {row.parent} of {row.name.en} ({row.code}) does not hold on all its days; add it or correct the days",
            )
        ]
    return [
        _finding(
            "level",
            row.code,
            f"{row.level} under {parent.level}",
            "a parent of a higher level",
            f"{row.name.zh}（{row.code}）的上级 {parent.name.zh} 级别不高于它；请更正",
            f"{parent.name.en} above {row.name.en} ({row.code}) is not of a higher level; correct one of them",
        )
        for parent in parents
        if LEVELS.index(parent.level) >= LEVELS.index(row.level)
    ]


def _overlap(one: Region, other: Region) -> bool:
    return (other.valid_to is None or one.valid_from < other.valid_to) and (
        one.valid_to is None or other.valid_from < one.valid_to
    )


def _is_covered(row: Region, parents: list[Region]) -> bool:
    """True when the parents' days, in order and without a gap, hold all days of the row."""
    reached: date | None = row.valid_from
    for parent in parents:
        if reached is None or parent.valid_from > reached:
            break
        reached = parent.valid_to
    return reached is None or (row.valid_to is not None and reached >= row.valid_to)


def _check_successions(held: dict[RegionCode, list[Region]], successions: Sequence[Succession]) -> list[Finding]:
    def is_there(code: RegionCode, day: date) -> bool:
        return any(version.is_valid(day) for version in held.get(code, ()))

    findings = [
        _finding(
            "succession",
            one.old,
            f"{one.old} -> {one.new} {one.on}",
            "an old region until that day and a new one from it",
            f"{one.on} 的沿革 {one.old} → {one.new}：旧区划须到该日为止存在，新区划须从该日起存在；请更正",
            f"succession {one.old} → {one.new} on {one.on}: the old region must hold until that day and the new one "
            "from it; correct them",
        )
        for one in successions
        if not is_there(one.old, one.on - timedelta(days=1)) or not is_there(one.new, one.on)
    ]
    for change in list_changes(successions, is_there):
        forward: dict[RegionCode, list[Fraction | None]] = {}
        back: dict[RegionCode, list[Fraction | None]] = {}
        for arrow in change.arrows:
            forward.setdefault(arrow.old, []).append(arrow.share)
            back.setdefault(arrow.new, []).append(arrow.back_share)
        for code, shares in (*forward.items(), *back.items()):
            if not adds_up(shares):
                said = " + ".join(str(share) for share in shares if share is not None)
                findings.append(
                    _finding(
                        "weights",
                        code,
                        said,
                        "1",
                        f"{code} 在 {change.on} 的各份额合计不为 1（{said}）；请更正",
                        f"the shares of {code} on {change.on} do not add up to 1 ({said}); correct them",
                    )
                )
    return findings
