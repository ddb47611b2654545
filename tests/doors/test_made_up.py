"""Made-up people in a city: loaded once, resumed after a crash, labelled, never in a live city, and the truth out of reach."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from yucun.base.clock import RealClock, SimulatedClock
from yucun.base.errors import Yours
from yucun.base.identity import RegionCode
from yucun.city import City
from yucun.doors.command import made_up
from yucun.doors.command.made_up import FOLDER, FROZEN, Frozen, check_size, fill_city
from yucun.kernel.access import OPEN_READER
from yucun.kernel.lake.bulk.load import BulkSent
from yucun.services.people.sample import TABLES, TRUTHS

RESIDENTS = 3_000


class Stopped(Exception):
    """The machine went away."""


def stop_at(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the load of one table be the moment at which the machine goes away."""
    load = made_up.load_bulk

    def loading(lake: object, regions: object, sent: BulkSent, *rest: object, **more: object) -> object:
        if sent.table == table:
            raise Stopped
        return load(lake, regions, sent, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(made_up, "load_bulk", loading)


def test_a_city_is_filled_once_and_goes_on_where_it_was_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as breaking:
        stop_at("people.medical", breaking)
        with pytest.raises(Stopped):
            City.open(data=tmp_path, before=lambda city: fill_city(city, RESIDENTS))
    frozen = Frozen.find(tmp_path / FOLDER)
    assert frozen is not None
    assert not frozen.is_loaded
    # Another number is not asked for again: the city goes on with the people that were frozen.
    city = City.open(data=tmp_path, before=lambda city: fill_city(city, 5_000))
    try:
        done = Frozen.find(tmp_path / FOLDER)
        assert done is not None
        assert done.is_loaded
        assert done.digests == frozen.digests
        held = {name: sum(f.rows for f in city.lake.files(f"people.{name}")) for name in TABLES}
        assert held == {name: done.rows[name] for name in TABLES}
        value = city.value("people.residents", RegionCode.parse("330500"))
        assert (value.shown, value.evidence) == ("3,000", "made_up")
        assert city.value("people.registered", RegionCode.parse("330500")).shown == "32"
        # The truth is a file of the owner and no table; nobody may see rows of people without a purpose.
        assert not [name for name in city.contracts if "truth" in name]
        assert {p.name for p in (tmp_path / FOLDER).iterdir()} == {FROZEN, *(f"{name}.parquet" for name in TRUTHS)}
        with pytest.raises(Yours):
            city.rows("people.person", reader=OPEN_READER)
        before = city.last_seq()
        assert fill_city(city, None) is not None
        assert city.last_seq() == before
    finally:
        city.close()
    with pytest.raises(Yours) as refused:
        check_size(tmp_path, full=True)
    assert refused.value.findings[0].where == "--full"
    check_size(tmp_path, full=False)


@pytest.mark.parametrize("is_live", [True, False])
def test_a_live_city_and_one_that_an_office_fed_are_never_filled(tmp_path: Path, is_live: bool) -> None:
    """Of a city only what `fill_city` asks before it makes anybody."""
    held = SimpleNamespace(files=lambda table: [table] if table == "people.register" else [])
    clock = RealClock() if is_live else SimulatedClock.on(date(2022, 5, 31))
    city = SimpleNamespace(services={"people": None}, clock=clock, data=tmp_path, lake=held)
    assert fill_city(city, RESIDENTS) is None  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
