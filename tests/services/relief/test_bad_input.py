"""Row 10: bad input of many kinds; each is answered with a clear finding in both languages, and nothing is half paid."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.services.relief.office import COUNTY, FINANCE, HEADER, VILLAGES, WINDOW, Office, poor
from yucun.base.errors import ParameterError
from yucun.base.period import Period
from yucun.city import SERVICES
from yucun.kernel.cases import Actor
from yucun.kernel.engine import Taken
from yucun.kernel.rules import Parameters
from yucun.services.relief.planning import make_assessor, make_population, read_people

HOME, NEW = "H-1", "H-2"
LINE = "award:A-1:dibao:2022-04"


@pytest.fixture
def office() -> Iterator[Office]:
    """An office with one award in force, whose month is due, paid and, for a line, returned."""
    made = Office(again=False)
    made.award("A-1", HOME, poor(HOME, 0))
    made.at("2022-04-10 08:00")
    yield made
    made.close()


def stated(rows: str, header: str = HEADER) -> Callable[[Office], Taken]:
    return lambda office: office.apply("A-9", NEW, header + rows)


def paid(by: Actor = FINANCE, **wrong: object) -> Callable[[Office], Taken]:
    body = {"month": "2022-04", "order": 1, "lines": 1, "total_fen": 81_000, "file": "sha256:f", **wrong}
    return lambda office: office.take("pay_ordered", body, by)


def returned(lines: str) -> Callable[[Office], Taken]:
    def send(office: Office) -> Taken:
        office.pay("2022-04")
        return office.take("bank_returned", {"month": "2022-04", "file": "sha256:r", "lines": lines}, FINANCE)

    return send


def written_off(transfer: str) -> Callable[[Office], Taken]:
    body = {"transfer": transfer, "how": "lapsed", "reason": "例"}
    return lambda office: office.take("written_off", body, COUNTY)


def moved(case: str, move: str, **more: object) -> Callable[[Office], Taken]:
    return lambda office: office.take("moved", {"case": case, "move": move, **more}, COUNTY)


def _second_award(office: Office) -> Taken:
    office.apply("A-9", HOME, poor(HOME, 0))
    for name, by in (("accept", WINDOW), ("verify", WINDOW), ("verified", WINDOW), ("publicise", WINDOW)):
        office.move("relief:A-9", name, by)
    office.pass_days(8)
    return office.take("moved", {"case": "relief:A-9", "move": "approve"}, COUNTY)


def _apply_twice(office: Office) -> Taken:
    office.apply("A-8", NEW, poor(NEW, 0))
    return office.apply("A-9", NEW, poor(NEW, 0))


def _reject(office: Office) -> Taken:
    office.apply("A-9", NEW, poor(NEW, 0))
    for name in ("accept", "verify", "verified"):
        office.move("relief:A-9", name, WINDOW)
    return office.take("moved", {"case": "relief:A-9", "move": "reject"}, COUNTY)


DISABLED = HEADER.replace("money_assets_fen", "disability_kind")
KINDS: dict[str, tuple[Callable[[Office], Taken], str]] = {
    "negative income": (stated("H-2,P,head,-1,0\n"), "below zero"),
    "absurd income": (stated(f"H-2,P,head,{10**15},0\n"), "absurdly large"),
    "income that is no number": (stated("H-2,P,head,plenty,0\n"), "cannot be read"),
    "income with a fraction of a fen": (stated("H-2,P,head,0.5,0\n"), "cannot be read"),
    "unknown role": (stated("H-2,P,boss,0,0\n"), "no such role"),
    "no head": (stated("H-2,P,other,0,0\n"), "without a head"),
    "two heads": (stated("H-2,P,head,0,0\nH-2,Q,head,0,0\n"), "more than 1"),
    "a person twice": (stated("H-2,P,head,0,0\nH-2,P,other,0,0\n"), "P"),
    "two households": (stated("H-2,P,head,0,0\nH-3,Q,head,0,0\n"), "one household"),
    "another household": (stated("H-3,P,head,0,0\n"), "one household"),
    "nobody": (stated(""), "holds nobody"),
    "a column that nobody knows": (stated("H-2,P,head,0,0\n", HEADER.replace("money_assets", "gold")), "no such columns"),
    "a column that is missing": (stated("H-2,head,0,0\n", HEADER.replace("person_id,", "")), "missing"),
    "an unknown kind of disability": (stated("H-2,P,head,0,tired\n", DISABLED), "no such values"),
    "a blank where a value must be": (stated("H-2,,head,0,0\n"), "blank"),
    "a date that is none": (stated("H-2,P,head,0,0\n", HEADER.replace("money_assets_fen", "birth")), "cannot be read"),
    "a village that is none": (lambda o: o.apply("A-9", NEW, poor(NEW, 0), "330502999999"), "no region"),
    "a county instead of a village": (lambda o: o.apply("A-9", NEW, poor(NEW, 0), "330502000000"), "level"),
    "an application twice": (_apply_twice, "open application"),
    "an award twice": (_second_award, "receives already"),
    "a rejection without reasons": (_reject, "needs a reason"),
    "a run with another total": (paid(total_fen=80_999), "not what is due"),
    "a run with another count": (paid(lines=2), "not what is due"),
    "a run of a month that is not due": (paid(month="2022-05"), "not due yet"),
    "a run signed by nobody of finance": (paid(WINDOW), "named person of finance"),
    "a returned line that was never sent": (returned(f"{LINE},closed\naward:A-7:dibao:2022-04,closed"), "no line"),
    "a returned line twice": (returned(f"{LINE},closed\n{LINE},closed"), "names a line twice"),
    "an empty file of returns": (returned("\n\n"), "blank"),
    "a raise to less": (moved("award:A-1:dibao", "raise", amount_fen=1), "more than now"),
    "a cut to nothing": (moved("award:A-1:dibao", "cut", amount_fen=0, reason="例"), "above nothing"),
    "a case that is not there": (moved("relief:A-0", "accept"), "A-0"),
    "an amount below zero": (moved("award:A-1:dibao", "raise", amount_fen=-5), "out of range"),
    "a write-off of what is not due": (written_off("award:A-1:dibao:2021-01"), "nothing is due"),
    "a key used for something else": (lambda o: o.take("month_opened", {"month": "2022-09"}, FINANCE, "applied:A-1"), "use another key"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_bad_input_is_answered_clearly_and_pays_nobody_by_halves(kind: str, office: Office) -> None:
    send, words = KINDS[kind]
    taken = send(office)
    said = [f.message for f in taken.findings]
    assert taken.status == "refused" and said, kind
    assert any(words in one.en or words in one.zh for one in said), [one.en for one in said]
    assert all(one.zh and one.en and f.where and f.expected for one, f in zip(said, taken.findings, strict=True))
    lines = {one.id: one.amount for one in office.due("2022-04")}
    assert office.paid(HOME) + sum(lines.values()) == 81_000, "what was due is paid or due, and nothing else"
    assert office.paid(NEW) == 0 and office.untaken(VILLAGES[1]) == 0


def test_there_are_more_than_twenty_five_kinds() -> None:
    assert len(KINDS) >= 25


def test_a_missing_parameter_of_the_month_is_named() -> None:
    pack = Parameters.read(SERVICES / "relief" / "parameters.toml")
    early = Period.month(2018, 9)
    population = make_population(early, read_people(poor(HOME, 0).encode(), "made up"))
    with pytest.raises(ParameterError, match="standard_fen"):
        make_assessor(pack, early, population)


def test_what_cannot_be_assessed_says_why_on_its_case(office: Office) -> None:
    """The facts were removed: the case says so, and no amount stands."""
    office.apply("A-9", NEW, poor(NEW, 0))
    office.engine.forget("applied:A-9", "申请人要求", "county.tests")
    for name in ("accept", "verify", "verified"):
        office.move("relief:A-9", name, WINDOW)
    case = office.case("relief:A-9")
    assert "offer" not in case.fields and "清除" in str(case.fields["trouble"])
    refused = office.take("moved", {"case": case.id, "move": "publicise"}, WINDOW)
    assert refused.status == "refused" and refused.findings[0].kind == "cases.missing"


def test_real_applications_are_not_approved_on_unverified_figures(office: Office) -> None:
    office.apply("A-9", NEW, poor(NEW, 0), is_made_up=False)
    for name in ("accept", "verify", "verified", "publicise"):
        office.move("relief:A-9", name, WINDOW)
    office.pass_days(8)
    assert office.case("relief:A-9").fields["is_simulation"] is True
    refused = office.take("moved", {"case": "relief:A-9", "move": "approve"}, COUNTY)
    assert [f.kind for f in refused.findings] == ["relief.simulation_only"]
