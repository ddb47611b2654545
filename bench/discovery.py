"""Early warning over the whole frozen prefecture: at as many visits as the published thresholds lead to, more are helped.

Twelve months. The peer is the published yearly line alone, run by the same service over the same people at equal numbers of visits;
what a visit finds is drawn from the truth, which the service is never given. Besides, what each rule points at by itself.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
import tomllib
from datetime import date
from importlib.metadata import version
from pathlib import Path

from run import Figure, Measured, Program

from yucun.city import PLACES, SERVICES
from yucun.doors.command.made_up import write_people
from yucun.kernel.registry import read_place
from yucun.services.discovery.models import interval
from yucun.services.discovery.planning import parameters_of, read_law

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.simulation.discovery_year import (
    PeopleFiles,
    Tried,
    Truth,
    Year,
    count_warnings,
    make_engine,
    start_clock,
)

# All of the place; fewer for a look.
RESIDENTS = int(os.environ.get("YUCUN_DISCOVERY_RESIDENTS", "0")) or None
SEED = 12345
PUBLISHED = (91, 4881)


def live(
    folder: Path, people: PeopleFiles, truth: Truth, order: str, visits: dict[str, int] | None
) -> tuple[list[Tried], float]:
    """A year under one order of visits, and how long it took."""
    place = read_place(PLACES / "huzhou")
    engine = make_engine(f"sqlite:///{folder}/{order}.sqlite", people, start_clock(), place.regions)
    begin = time.perf_counter()
    months = list(Year(engine, truth, order, visits).live())
    took = time.perf_counter() - begin
    engine.books.close()
    return months, took


def share(found: int, of: int) -> float:
    """A share in percent."""
    return round(100 * found / of, 3) if of else 0.0


def tell_months(ours: list[Tried], peer: list[Tried]) -> list[Figure]:
    """Month by month: visits, helped, and of all in need by its end those found so far."""
    found: list[Figure] = []
    for one, other in zip(ours, peer, strict=True):
        assert (one.visits, one.month) == (other.visits, other.month), "equal numbers of visits"
        name = one.month.replace("-", "_")
        found += [
            Figure(f"visits_{name}", "household", one.visits, other.visits),
            Figure(f"helped_{name}", "household", one.found, other.found),
            Figure(
                f"recall_{name}", "%", share(one.found_so_far, one.in_need), share(other.found_so_far, other.in_need)
            ),
        ]
    return found


def tell_year(ours: list[Tried], peer: list[Tried]) -> list[Figure]:
    """The year: precision with its interval, and recall."""
    sums = [(sum(t.found for t in year), sum(t.visits for t in year), year[-1]) for year in (ours, peer)]
    ends = [interval(found, visits) for found, visits, _ in sums]
    return [
        Figure("visits", "household", sums[0][1], sums[1][1]),
        Figure("helped", "household", sums[0][0], sums[1][0]),
        Figure("precision", "%", share(*sums[0][:2]), share(*sums[1][:2])),
        Figure("precision_low", "%", round(100 * ends[0][0], 3), round(100 * ends[1][0], 3)),
        Figure("precision_high", "%", round(100 * ends[0][1], 3), round(100 * ends[1][1], 3)),
        Figure("recall", "%", share(sums[0][0], sums[0][2].in_need), share(sums[1][0], sums[1][2].in_need)),
    ]


def tell_rules(counted: dict[str, tuple[int, int, int]]) -> list[Figure]:
    """Each rule by itself if all that it warns of were visited, beside the published share; recall has no published peer."""
    figures = []
    for rule, (warned, right, in_need) in counted.items():
        low, high = interval(right, warned)
        figures += [
            Figure(f"{rule}_warned", "household", warned, PUBLISHED[1]),
            Figure(f"{rule}_precision", "%", share(right, warned), share(*PUBLISHED)),
            Figure(f"{rule}_precision_low", "%", round(100 * low, 3), round(100 * interval(*PUBLISHED)[0], 3)),
            Figure(f"{rule}_precision_high", "%", round(100 * high, 3), round(100 * interval(*PUBLISHED)[1], 3)),
            Figure(f"{rule}_recall", "%", share(right, in_need), 0.0),
        ]
    return figures


def measure() -> Measured:
    """Make the people, live through both years, and count every rule by the truth."""
    place = read_place(PLACES / "huzhou")
    law = read_law(
        parameters_of(tomllib.loads((SERVICES / "discovery/parameters.toml").read_text(encoding="utf-8"))),
        date(2022, 5, 31),
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frozen = write_people(place, folder / "people", RESIDENTS, SEED, truth=True)
        truth, people = Truth.read(folder / "people"), PeopleFiles(folder / "people")
        peer, peer_s = live(folder, people, truth, "published", None)
        ours, ours_s = live(folder, people, truth, "learnt", {month.month: month.visits for month in peer})
        rules = count_warnings(people, truth, law)
    low, high = interval(rules["yearly_cost"][1], rules["yearly_cost"][0])
    assert low < PUBLISHED[0] / PUBLISHED[1] < high, "at the published line the published share is yielded"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    figures = (
        *tell_year(ours, peer),
        *tell_months(ours, peer),
        *tell_rules(rules),
        Figure("twelve_months", "s", round(ours_s, 1), round(peer_s, 1)),
        Figure("peak_memory", "GiB", round(peak, 2), 8.0),
    )
    return Measured(
        ours=Program("yucun discovery, order learnt from visits", version("yucun")),
        peer=Program("the published yearly line alone (Yangyuan 2022)", "1.86 %"),
        figures=figures,
        setting=f"{frozen.residents:,} made-up residents, seed {SEED}, digest {frozen.digest[:16]}, 12 months, visits drawn from the truth",
    )
