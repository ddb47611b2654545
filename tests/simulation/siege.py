"""A siege of one city: sequences of questions by every way out, kept together, and what an attacker makes of them.

A sequence follows one plan: towns against their totals, months against their quarter, one number through all versions,
whole files, chains, or anything at all. What comes back is put together with all that was read of that city before.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from random import Random
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from litestar.testing import TestClient

from tests.attacker import Attacker, Bounds
from tests.simulation.made_people import CITY, K, MadeCity, Person, analyst_of, chief_of, clerk_of, live, make_city
from yucun.base.errors import AccessError
from yucun.base.identity import Level, RegionCode
from yucun.base.period import Period
from yucun.doors.http import make_http
from yucun.kernel.access import OPEN_READER, Reader
from yucun.kernel.access.releases import Ledger, Table
from yucun.kernel.indicators import Value
from yucun.kernel.indicators.model import CELL_TABLE
from yucun.kernel.lake.catalogue import Terms, Withheld

QUARTER = "2022Q1"
NUMBERS = ("people", "ill", "ill_share", "cost")
COUNTED = ("people", "ill", "well")
LEVELS: tuple[Level, ...] = ("city", "county", "town")
FORMS = ("csv", "xlsx", "parquet", "json")
PLANS = ("places", "periods", "versions", "files", "chains", "pages", "anything")
# Amounts from here on have a comma when printed, and stand for themselves in the text of a page.
LARGE_FEN = 100_000
# An amount that rests on few people must not be known within a tenth of itself.
NEAR = 10
# Version, quantity, region, period.
Name = tuple[int, str, str, str]


@dataclass(frozen=True)
class Secret:
    """What must not come out: a small count, a change by few, or an amount that rests on few people."""

    kind: str
    terms: Mapping[Name, int]
    number: int

    def is_told(self, bounds: Bounds) -> bool:
        """Whether bounds leave no doubt: surely fewer than k, or an amount within a tenth."""
        low, high = bounds
        if self.kind == "amount":
            far = -(-self.number // NEAR)
            return (high is not None and high < self.number + far) or (low is not None and low > self.number - far)
        if self.kind == "change":
            return high is not None and high < K and low is not None and low > -K
        return high is not None and high < K


@dataclass(frozen=True)
class Asking:
    """One question: of which version, as of which line of the journal, by whom, about what."""

    version: int
    seq: int
    reader: Reader
    number: str
    region: RegionCode
    period: Period
    level: Level
    form: str
    record: int


@dataclass
class Siege:
    """All that was read of one city, by name of what it tells."""

    made: MadeCity
    client: TestClient[Any]
    facts: dict[Name, int] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    _printed: dict[int, tuple[set[str], set[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        changed = {f.added_seq for f in self.made.city.lake.changed(CELL_TABLE, 0)}
        ends = sorted(self.made.truths)
        # A version begins with its cells; what was opened of it comes a few lines of the journal later.
        self.seqs = [
            min((s for s in changed if before < s <= end), default=end)
            for before, end in zip([0, *ends], ends, strict=False)
        ]
        self.last = self.made.city.last_seq()
        self.places = [CITY, *self.made.counties, *self.made.towns]
        self.periods = [*self.made.months, QUARTER]
        self.truth = {
            (v, q, r, p): true_number(self.made.truths[end], q, r, p)
            for v, end in enumerate(ends)
            for q in (*COUNTED, "cost")
            for r in self.places
            for p in self.periods
        }

    def note(self, version: int, quantity: str, region: str, period: str, number: int) -> None:
        """Keep what was read; it must be true."""
        name = (version, quantity, region, period)
        assert self.truth[name] == number, f"{name} was shown as {number}"
        self.facts[name] = number

    # -- asking ---------------------------------------------------------------------------------------------

    def ask_sequence(self, random: Random) -> None:
        """Ask four to twelve questions by one plan."""
        plan, first = random.choice(PLANS), self._any(random)
        ways = {
            "files": [self._compared, self._series_file, self._opened],
            "chains": [self._why, self._rows],
            "pages": [self._page],
        }.get(plan, [self._value, self._series, self._compare, self._why, self._compared, self._series_file])
        for _ in range(random.randint(4, 12)):
            way = random.choice(ways)
            self.asked[way.__name__.strip("_")] += 1
            way(self._next(plan, first, random))

    def _any(self, random: Random) -> Asking:
        seq = random.randrange(self.seqs[0], self.last + 1)
        return Asking(
            max(v for v, begun in enumerate(self.seqs) if begun <= seq),
            seq,
            random.choice([OPEN_READER, analyst_of(self.made.city)]),
            f"health.{random.choice(NUMBERS)}",
            RegionCode.parse(random.choice(self.places)),
            Period.parse(random.choice(self.periods)),
            random.choice(LEVELS),
            random.choice(FORMS),
            random.randint(1, 5),
        )

    def _next(self, plan: str, first: Asking, random: Random) -> Asking:
        """The next question of a plan: what it does not vary stays as in the first."""
        new = self._any(random)
        keep = {
            "places": ("version", "seq", "period"),
            "periods": ("version", "seq", "region"),
            "versions": ("number", "region", "period"),
            "chains": ("number", "period"),
        }.get(plan, ())
        if plan == "places" and first.region.level == "town":
            above = str(first.region)[:6]
            near = [p for p in self.places if p.startswith(above)] + [CITY]
            new = replace(new, region=RegionCode.parse(random.choice(near)))
        return replace(new, **{name: getattr(first, name) for name in keep})

    def _value(self, q: Asking) -> None:
        city = self.made.city
        self._read(q.version, [city.value(q.number, q.region, q.period, as_of=q.seq, reader=q.reader)])

    def _series(self, q: Asking) -> None:
        self._read(q.version, self.made.city.series(q.number, q.region, as_of=q.seq, reader=q.reader))

    def _compare(self, q: Asking) -> None:
        self._read(q.version, self.made.city.compare(q.number, q.period, q.level, None, as_of=q.seq, reader=q.reader))

    def _why(self, q: Asking) -> None:
        chain = self.made.city.why(q.number, q.region, q.period, as_of=q.seq, reader=q.reader)
        assert (chain.rows, chain.files) == ((), ()), "neither rows about people nor who sent them is for these readers"
        if chain.value.mark is not None and chain.value.mark.kind == "hidden":
            assert (chain.parts, chain.records, chain.value.checks) == ((), 0, ())
        # How many records a part rests on tells how many people.
        for part in chain.parts:
            quantity = {"numerator": "ill", "denominator": "people"}[part.name]
            if q.number in ("health.ill_share", "health.ill", "health.cost") or part.name == "denominator":
                self.note(q.version, quantity, q.region.short, q.period.text, part.records)
        self._read(q.version, [chain.value])

    def _compared(self, q: Asking) -> None:
        """Places side by side, as a file that the public takes away."""
        asked = {"period": q.period.text, "level": q.level, "as_of": q.seq}
        self._take(f"/api/indicators/{q.number}/compare", q, asked)

    def _series_file(self, q: Asking) -> None:
        """One place through time, as a file that the public takes away."""
        self._take(f"/api/indicators/{q.number}/series", q, {"region": str(q.region), "as_of": q.seq})

    def _take(self, address: str, q: Asking, asked: Mapping[str, Any]) -> None:
        answer = self.client.get(address, params={**asked, "format": q.form})
        assert answer.status_code == 200, answer.text
        for row in _rows_of(answer.content, q.form):
            self._note_row(q.version, row)

    def _page(self, q: Asking) -> None:
        """What a page prints: an amount that is hidden stands nowhere on it, unless the same is shown of another cell."""
        asked = {"region": str(q.region), "period": q.period.text, "as_of": q.seq}
        answer = self.client.get("/number/health.cost", params=asked)
        assert answer.status_code == 200, answer.text
        shown, hidden = self._amounts(q.version)
        for text in hidden - shown:
            assert text not in answer.text, f"{text} on the page of {asked}"

    def _amounts(self, version: int) -> tuple[set[str], set[str]]:
        """The amounts of a version as they would be printed, those of a thousand and more: shown ones and hidden ones."""
        if version not in self._printed:
            shown: set[str] = set()
            hidden: set[str] = set()
            for (_, _, region, period), number in self._of(version, "cost"):
                code = RegionCode.parse(region)
                value = self.made.city.value("health.cost", code, Period.parse(period), as_of=self.seqs[version])
                if number >= LARGE_FEN:
                    (shown if value.mark is None else hidden).add(f"{number / 100:,.0f}")
            self._printed[version] = (shown, hidden)
        return self._printed[version]

    def _of(self, version: int, quantity: str) -> list[tuple[Name, int]]:
        return [(name, number) for name, number in self.truth.items() if name[:2] == (version, quantity)]

    def _opened(self, q: Asking) -> None:
        """A version of the open data set that is made of a number."""
        item, catalogue = f"number.{q.number}", self.made.city.catalogue
        for version in catalogue.versions(item):
            kept = catalogue.file(item, version.id, "parquet")
            if version.seq == max((s for s in self._open_seqs(item) if s <= q.seq), default=-1):
                assert not isinstance(kept, Withheld)
                at = max(v for v, begun in enumerate(self.seqs) if begun <= version.seq)
                for row in pq.read_table(kept.path).to_pylist():
                    self._note_open_row(at, q.number, row)

    def _open_seqs(self, item: str) -> list[int]:
        return [v.seq for v in self.made.city.catalogue.versions(item)]

    def _rows(self, q: Asking) -> None:
        """The rows themselves, kept cells, single records: all closed to these readers."""
        city = self.made.city
        for table in ("health.person", "indicators.cell"):
            with pytest.raises(AccessError):
                city.rows(table, reader=q.reader, filters={"region": str(q.region)}, as_of=q.seq)
        landing = city.landings("health.person")[-1]
        assert city.moved_by(landing.key, reader=q.reader) == []
        found = city.trace(landing.file, q.record, as_of=q.seq, reader=q.reader)
        assert (found.rows, found.moved) == ((), ())

    def ask_everything(self) -> None:
        """Read every number of every version, and so all that any sequence can."""
        for version, seq in enumerate(self.seqs):
            for number in NUMBERS:
                for region in self.places:
                    code = RegionCode.parse(region)
                    for period in self.periods:
                        value = self.made.city.value(f"health.{number}", code, Period.parse(period), as_of=seq)
                        self._read(version, [value])

    def _read(self, version: int, values: list[Value]) -> None:
        for value in values:
            assert value.period is not None
            if value.mark is not None and value.mark.kind == "hidden":
                assert (value.number, value.parts, value.records) == (None, {}, 0)
                continue
            if value.mark is not None and value.mark.kind != "none":
                continue
            self._note_parts(
                version, value.indicator, value.region.short, value.period.text, value.parts, value.records
            )

    def _note_row(self, version: int, row: Mapping[str, Any]) -> None:
        if row["mark"] == "hidden":
            assert not row["numerator"] and not row["number"] and row["records"] in ("0", 0), row
        elif row["mark"] in (None, "", "none"):
            parts = {k: int(row[k]) for k in ("numerator", "denominator") if row[k] not in (None, "")}
            region = RegionCode.parse(str(row["region"])).short
            self._note_parts(version, row["indicator"], region, row["period"], parts, int(row["records"]))

    def _note_open_row(self, version: int, indicator: str, row: Mapping[str, Any]) -> None:
        if row["mark"] == "hidden":
            assert row["number"] is None and row["shown"] is None, row
        elif row["mark"] is None and indicator != "health.ill_share":
            region = RegionCode.parse(str(row["region"])).short
            scale = 100 if indicator == "health.cost" else 1
            number = round(row["number"] * scale)
            self.note(version, indicator.removeprefix("health."), region, row["period"], number)

    def _note_parts(self, version: int, indicator: str, region: str, period: str, parts: Any, records: int) -> None:
        number = indicator.removeprefix("health.")
        top = {"people": "people", "ill": "ill", "ill_share": "ill", "cost": "cost"}[number]
        self.note(version, top, region, period, int(parts.get("numerator", 0)))
        if number == "ill_share" and "denominator" in parts:
            self.note(version, "people", region, period, int(parts["denominator"]))
        # How many records a number rests on tells how many people.
        if parts:
            self.note(version, {"cost": "ill", "ill_share": "people"}.get(number, top), region, period, records)

    # -- solving --------------------------------------------------------------------------------------------

    def attacker(self) -> Attacker:
        """Someone who knows all sums, which numbers stayed, which are not zero, and what was read."""
        found = Attacker()
        for version in range(len(self.seqs)):
            for period in self.periods:
                for region in self.places:
                    parts = {(version, q, region, period): -1 for q in ("ill", "well")}
                    found.read_sum({(version, "people", region, period): 1, **parts})
                for quantity in (*COUNTED, "cost"):
                    self._read_places(found, version, quantity, period)
            for quantity in (*COUNTED, "cost"):
                for region in self.places:
                    parts = {(version, quantity, region, m): -1 for m in self.made.months}
                    found.read_sum({(version, quantity, region, QUARTER): 1, **parts})
        for name, number in self.truth.items():
            if name[0] and self.truth[(name[0] - 1, *name[1:])] == number:
                found.read_same(name, (name[0] - 1, *name[1:]))
            if name not in self.facts and number and name[1] in COUNTED:
                # Zero is shown as zero; even where it is not, the attacker is told.
                found.read_hidden(name)
        for name, number in self.facts.items():
            found.read(name, number)
        return found

    def _read_places(self, found: Attacker, version: int, quantity: str, period: str) -> None:
        found.read_sum(
            {(version, quantity, CITY, period): 1, **{(version, quantity, c, period): -1 for c in self.made.counties}}
        )
        for county, towns in self.made.counties.items():
            found.read_sum(
                {(version, quantity, county, period): 1, **{(version, quantity, t, period): -1 for t in towns}}
            )

    def secrets(self) -> list[Secret]:
        """All that must not come out of this city."""
        found: list[Secret] = []
        for name, number in self.truth.items():
            version, quantity, *place = name
            if quantity == "cost":
                people = self.truth[(version, "ill", place[0], place[1])]
                if 0 < people < K and number:
                    found.append(Secret("amount", {name: 1}, number))
                continue
            if 0 < number < K:
                found.append(Secret("count", {name: 1}, number))
            for other in range(version):
                change = number - self.truth[(other, *name[1:])]
                if 0 < abs(change) < K:
                    sign = 1 if change > 0 else -1
                    found.append(Secret("change", {name: sign, (other, *name[1:]): -sign}, abs(change)))
        return found

    def read_with_small_alone_hidden(self) -> dict[str, tuple[int, int]]:
        """What is commonly done, for comparison: read all but small cells; return, of each level, cells shown and all."""
        found: dict[str, tuple[int, int]] = {}
        for version, _, region, period in {n: None for n in self.truth if n[1] == "people"}:
            ill, people = (self.truth[(version, q, region, period)] for q in ("ill", "people"))
            level = RegionCode.parse(region).level
            whole, some = ("people",), ("ill",)
            for heads, told in (((people,), whole), ((ill,), some), ((people, ill), some + whole), ((ill,), ("cost",))):
                shown, every = found.get(level, (0, 0))
                is_shown = not any(0 < count < K for count in heads)
                found[level] = (shown + is_shown, every + 1) if heads[0] else (shown, every)
                for quantity in told if is_shown else ():
                    self.note(version, quantity, region, period, self.truth[(version, quantity, region, period)])
        return found

    def recover(self, secrets: list[Secret], *, exactly: bool = True) -> list[str]:
        """The secrets that come out, by bounds and by elimination."""
        attacker = self.attacker()
        bounds = attacker.bounds([secret.terms for secret in secrets])
        found = [
            f"{secret.kind} {dict(secret.terms)} = {secret.number}, from {one[0]} to {one[1]}"
            for secret, one in zip(secrets, bounds, strict=True)
            if secret.is_told(one)
        ]
        if not exactly:
            return found
        return found + [
            f"exactly {name} = {value}"
            for name, value in attacker.solve_exactly().items()
            if name[1] in COUNTED and 0 < value < K  # type: ignore[index]
        ]

    def count_cells(self) -> dict[str, tuple[int, int]]:
        """Of the cells over zero of each level, in all versions: how many the public sees, and how many there are."""
        found: dict[str, tuple[int, int]] = {}
        for version, seq in enumerate(self.seqs):
            for number in NUMBERS:
                for region in self.places:
                    code = RegionCode.parse(region)
                    for period in self.periods:
                        value = self.made.city.value(f"health.{number}", code, Period.parse(period), as_of=seq)
                        top = {"ill_share": "people"}.get(number, number)
                        if self.truth[(version, top, region, period)]:
                            shown, every = found.get(code.level, (0, 0))
                            found[code.level] = (shown + (value.mark is None), every + 1)
        return found


def true_number(people: list[Person], quantity: str, region: str, period: str) -> int:
    """What a quantity really is in a region and period."""
    digits = CITY[:4] if region == CITY else region
    chosen = [
        p
        for p in people
        if p.town.startswith(digits) and (period in (p.month, QUARTER)) and quantity in ("people", p.state, _cost(p))
    ]
    return sum(p.cost for p in chosen) if quantity == "cost" else len(chosen)


def _cost(person: Person) -> str:
    return "cost" if person.state == "ill" else ""


def _rows_of(content: bytes, form: str) -> list[dict[str, Any]]:
    """The rows of an exported file, whatever its form."""
    if form == "csv":
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    if form == "parquet":
        return pq.read_table(io.BytesIO(content)).to_pylist()
    if form == "json":
        return [
            {**row, **row["parts"], "mark": row["mark"]["kind"] if row["mark"] else None}
            for row in ({"numerator": None, "denominator": None, **one} for one in json.loads(content)["values"])
        ]
    sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=True).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    head = next(n for n, row in enumerate(rows) if "indicator" in row)
    return [dict(zip_longest(map(str, rows[head]), row)) for row in rows[head + 1 :] if row[0] not in (None, "指标")]


def hide_only_small(table: Table, before: Table, ledger: Ledger, seq: int) -> Ledger:
    """What is commonly done, for comparison: small cells are hidden, and nothing beside them."""
    del before, ledger
    small = {
        cell
        for cell, spots in table.cells.items()
        if any(0 < table.counts[s] < table.least.get(s[0], 0) for s in spots)
    }
    return Ledger(seq, frozenset(small))


def open_numbers(made: MadeCity) -> None:
    """Open all numbers as data sets, before anything is known; each later version of the city is one of theirs."""
    clerk, chief = clerk_of(made.city), chief_of(made.city)
    for number in NUMBERS:
        item, terms = f"number.health.{number}", Terms(domain="health", licence="CC-BY-4.0")
        made.city.catalogue.move(item, "draft", reader=clerk, why="asked for", terms=terms)
        made.city.catalogue.move(item, "approve", reader=chief, why="checked")
        made.city.catalogue.move(item, "open", reader=chief, why="so decided")


@contextmanager
def besieged(folder: Path, seed: int, steps: int) -> Iterator[Siege]:
    """A city with a history, and an attacker before it."""
    made = make_city(folder, seed)
    try:
        open_numbers(made)
        live(made, steps)
        with TestClient(make_http(made.city)) as client:
            yield Siege(made, client)
    finally:
        made.city.close()
