"""The means check: nobody is asked without a live authorisation, nothing beyond it is used, a difference decides nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.services.relief.office import COUNTY, RESIDENT, VILLAGES, WINDOW, Office, load, poor
from yucun.city import SERVICES
from yucun.kernel.engine import Event, Taken
from yucun.kernel.service import read_services
from yucun.services.verification.models import ITEMS, CheckRequest, MadeUpProvider, compare, read_answer, read_stated
from yucun.services.verification.planning import ask_providers

HOME, OTHER = "H-1", "H-2"
EVERY = " ".join(ITEMS)


@pytest.fixture
def office() -> Iterator[Office]:
    made = Office(loaded=load("verification"))
    yield made
    made.close()


def authorise(office: Office, household: str = HOME, **more: str) -> Taken:
    body = {"authorisation": f"K-{household}", "household": household, "persons": f"{household}-0", "items": EVERY,
            "signed_on": "2022-03-01", "expires_on": "2022-08-31", **more}  # fmt: skip
    (taken,) = office.engine.take([Event(f"authorised:{household}", "verification.authorised", body, RESIDENT)])
    return taken


def rows(office: Office, table: str) -> list[dict[str, Any]]:
    with office.engine.books.read() as tx:
        lines = tx.lines(kinds=["engine.recorded"])
    return [one["row"] for line in lines if line.payload["table"] == table for one in line.payload["rows"]]


def want(office: Office, number: str = "1") -> str:
    """An application up to its check; returns what the report says."""
    office.apply(f"A-{number}", HOME, poor(HOME, 100_000))
    office.move(f"relief:A-{number}", "accept", WINDOW)
    office.move(f"relief:A-{number}", "verify", WINDOW)
    return str(rows(office, "verification.report")[-1]["status"])


def asked(office: Office) -> int:
    """How many questions to providers there ever were."""
    with office.engine.books.read() as tx:
        found = tx.row("SELECT count(*) FROM outbox WHERE kind = 'ask' AND body LIKE '%verification.query%'")
    return int(found[0]) if found else 0


def test_a_check_comes_back_and_the_case_goes_on_by_itself(office: Office) -> None:
    assert authorise(office).status == "done"
    assert want(office) == "complete"
    case = office.case("relief:A-1")
    assert (case.state, case.fields["differences"], case.fields["offer"]) == ("investigating", 0, "edge=0")
    (check,) = list(rows(office, "verification.report"))
    assert (check["asked"], check["application"]) == (8, "relief:A-1")


def test_what_was_stated_stays_out_of_the_journal(office: Office) -> None:
    authorise(office)
    want(office)
    with office.engine.books.read() as tx:
        said = " ".join(str(line.payload) for line in tx.lines())
    assert "counted_income_12m_fen" not in said and "private:" in said


@pytest.mark.parametrize(
    ("spoil", "status"),
    [
        (lambda _: None, "no_authorisation"),
        (lambda o: authorise(o, expires_on="2022-03-05") and o.at("2022-03-08 09:00"), "expired"),
        (
            lambda o: (
                authorise(o, expires_on="2022-03-05") and setattr(o.clock, "instant", o.clock.instant.replace(day=8))
            ),
            "expired",
        ),
        (lambda o: authorise(o) and _revoke(o), "revoked"),
    ],
)
def test_without_a_live_authorisation_nobody_is_asked(office: Office, spoil: Any, status: str) -> None:
    spoil(office)
    assert want(office) == status
    assert asked(office) == 0, "no provider was asked"
    assert office.case("relief:A-1").state == "verifying", "the application waits for a person"


def _revoke(office: Office) -> None:
    body = {"case": f"authorisation:K-{HOME}", "move": "revoke", "reason": "本人撤回"}
    (taken,) = office.engine.take([Event("revoke", "verification.moved", body, RESIDENT)])
    assert taken.status == "done"


def test_an_authorisation_of_another_household_is_of_no_use(office: Office) -> None:
    authorise(office, OTHER)
    office.apply("A-1", HOME, poor(HOME, 100_000), authorisation=f"K-{OTHER}")
    office.move("relief:A-1", "accept", WINDOW)
    office.move("relief:A-1", "verify", WINDOW)
    assert rows(office, "verification.report")[-1]["status"] == "other_household" and asked(office) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"items": "income dreams"},
        {"expires_on": "2022-02-01"},
        {"signed_on": "2021-01-01", "expires_on": "2022-12-31"},
        {"persons": ""},
        {"expires_on": "some day"},
    ],
)
def test_an_authorisation_that_cannot_hold_is_refused(office: Office, wrong: Mapping[str, str]) -> None:
    taken = authorise(office, **wrong)
    assert taken.status == "refused" and all(f.message.zh and f.message.en for f in taken.findings)


def test_an_authorisation_ends_by_its_day(office: Office) -> None:
    authorise(office, expires_on="2022-03-05")
    office.at("2022-03-05 12:00")
    assert office.case(f"authorisation:K-{HOME}").state == "in_force"
    office.at("2022-03-06 00:01")
    assert office.case(f"authorisation:K-{HOME}").state == "expired"


REQUEST = CheckRequest("C-1", "K-1", ("P1", "P2"), ("deposit",), date(2022, 3, 10))
GOOD = {"person": "P1", "item": "deposit", "amount": 100, "as_of": "2022-03-01"}


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"check": "C-2", "held": [GOOD]}, "other_check"),
        ({"check": "C-1", "held": [{**GOOD, "person": "P9"}]}, "other_person"),
        ({"check": "C-1", "held": [{**GOOD, "item": "income"}]}, "not_asked"),
        ({"check": "C-1", "held": [{**GOOD, "amount": -1}]}, "no_amount"),
        ({"check": "C-1", "held": [{**GOOD, "amount": 1.5}]}, "no_amount"),
        ({"check": "C-1", "held": [{**GOOD, "as_of": "2021-03-01"}]}, "stale"),
        ({"check": "C-1", "held": [{**GOOD, "as_of": "2022-03-11"}]}, "stale"),
        ({"check": "C-1", "held": [{**GOOD, "as_of": "yesterday"}]}, "stale"),
    ],
)
def test_an_answer_that_may_not_be_used_is_set_aside_and_said(said: Mapping[str, Any], kind: str) -> None:
    answer = read_answer(REQUEST, "banks", said, 92)
    assert answer.held == () and [f.kind for f in answer.findings] == [f"verification.{kind}"]
    assert answer.findings[0].message.zh and answer.findings[0].message.en


def test_a_request_asks_no_more_than_the_authorisation_covers() -> None:
    heard: list[Mapping[str, Any]] = []

    class Listening:
        name = "banks"

        def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
            heard.append(request)
            return {"check": request["check"], "held": []}

    body = {"check": "C-1", "authorisation": "K-1", "persons": "P1", "items": "deposit", "on": "2022-03-10"}
    answers, findings = ask_providers(body, {name: Listening() for name in ("banks", "tax", "vehicles")}, 92)
    assert [one["items"] for one in heard] == [["deposit"]] and heard[0]["persons"] == ["P1"]
    assert len(answers) == 1 and findings == []


def test_differences_are_listed_beyond_the_tolerance_and_things_by_any() -> None:
    stated = {("P1", "deposit"): 100_000, ("P1", "vehicle"): 0}
    request = CheckRequest("C", "K", ("P1",), ("deposit", "vehicle"), date(2022, 3, 10))
    said = {"check": "C", "held": [{**GOOD, "amount": 109_999}, {**GOOD, "item": "vehicle", "amount": 1}]}
    assert [(d.item, d.stated, d.found) for d in compare([read_answer(request, "x", said, 92)], stated, 10_000)] == [
        ("vehicle", 0, 1)
    ]
    more = {"check": "C", "held": [{**GOOD, "amount": 110_001}]}
    assert [d.found for d in compare([read_answer(request, "x", more, 92)], stated, 10_000)] == [110_001]


def test_a_difference_goes_to_the_officer_and_decides_nothing(office: Office) -> None:
    """The made-up bank holds a deposit for some; for one of those the case shows it, and nobody is refused by it."""
    hidden = next(n for n in range(200) if MadeUpProvider("banks", {})._hidden(f"X-{n}-0", "deposit"))
    home = f"X-{hidden}"
    authorise(office, home)
    office.apply("A-1", home, poor(home, 100_000), VILLAGES[0])
    office.move("relief:A-1", "accept", WINDOW)
    office.move("relief:A-1", "verify", WINDOW)
    case = office.case("relief:A-1")
    assert (case.state, case.fields["differences"]) == ("investigating", 1)
    (difference,) = rows(office, "verification.difference")
    assert (difference["provider"], difference["found"]) == ("banks", 5_000_000)
    assert office.take("moved", {"case": case.id, "move": "reject"}, COUNTY).status == "refused", "reasons are missing"


def test_what_was_stated_is_read_by_person_and_item() -> None:
    facts = "person_id,counted_income_12m_fen,asset_deposit_fen,owns_vehicle\nP1,1200,300,true\nP2,,,\n"
    found = read_stated(facts)
    assert (found["P1", "income"], found["P1", "deposit"], found["P1", "vehicle"], found["P2", "income"]) == (
        1200,
        300,
        1,
        0,
    )


def test_relief_and_the_check_hear_each_other_and_miss_nobody(tmp_path: Path) -> None:
    """Each consumes what the other publishes where it is there; without it nothing is asked for and nothing is wrong."""
    together, findings = read_services(SERVICES)
    assert not findings
    assert "verification.report" in together["relief"].consumes
    assert "relief.check_wanted" in together["verification"].consumes
    shutil.copytree(SERVICES / "relief", tmp_path / "relief", ignore=shutil.ignore_patterns("__pycache__"))
    alone, findings = read_services(tmp_path)
    assert not findings and alone["relief"].consumes == ()
