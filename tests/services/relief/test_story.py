"""The story of relief: from an application to a payment, with its clocks, its persons and its money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pytest

from tests.services.relief.office import COUNTY, FINANCE, RESIDENT, VILLAGES, WINDOW, Office, load, poor
from yucun.base.errors import NotKnown
from yucun.kernel.engine.load import make_pack
from yucun.services.relief.commands import why
from yucun.services.relief.pages.reading import publicise

HOME = "H-1"


@pytest.fixture
def office() -> Iterator[Office]:
    made = Office()
    yield made
    made.close()


def test_an_application_becomes_an_award_and_is_paid(office: Office) -> None:
    assert office.apply("A-1", HOME, poor(HOME, 150_000, 0, 0)).status == "done"
    case = "relief:A-1"
    assert office.clocks(case)["accept"].due.isoformat()[:10] == "2022-03-04"  # type: ignore[union-attr]
    office.move(case, "accept", WINDOW)
    assert office.clocks(case)["opinion"].due.isoformat()[:10] == "2022-03-22"  # type: ignore[union-attr]
    office.move(case, "verify", WINDOW)
    office.move(case, "verified", WINDOW)
    held = office.case(case)
    assert (held.fields["offer"], held.fields["people"]) == ("dibao=93000", 3)
    assert held.fields["facts"].startswith("private:")
    office.move(case, "publicise", WINDOW)
    office.pass_days(7)
    assert office.case(case).state == "publicised"
    office.pass_days(1)
    assert office.case(case).state == "county_review"
    office.move(case, "approve", COUNTY)
    award = office.case("award:A-1:dibao")
    assert (award.state, award.fields["amount_fen"], award.fields["from_month"]) == ("in_force", 93_000, "2022-04")
    office.at("2022-04-09 23:59")
    assert office.due() == [] and office.paid(HOME) == 0
    office.at("2022-04-10 00:01")
    assert [(one.amount, one.period) for one in office.due()] == [(93_000, "2022-04")]
    assert office.untaken(VILLAGES[0]) == 93_000
    assert office.pay("2022-04").status == "done"
    assert (office.paid(HOME), office.due(), office.untaken(VILLAGES[0])) == (93_000, [], 0)


def test_a_repeated_run_changes_nothing(office: Office) -> None:
    office.award("A-1", HOME, poor(HOME, 0))
    office.at("2022-04-10 08:00")
    assert office.pay("2022-04", key="run").status == "done"
    before = office.engine.books.state_hash()
    body = {"month": "2022-04", "order": 1, "lines": 1, "total_fen": 81_000, "file": "sha256:made-up"}
    assert office.take("pay_ordered", body, FINANCE, "run").status == "already"
    assert office.engine.books.state_hash() == before
    again = office.take("pay_ordered", body, FINANCE, "another key")
    assert [f.kind for f in again.findings] == ["relief.not_what_is_due"]
    assert office.paid(HOME) == 81_000


def test_a_returned_line_is_due_anew_and_paid_with_the_next_order(office: Office) -> None:
    office.award("A-1", HOME, poor(HOME, 0))
    office.at("2022-04-10 08:00")
    office.pay("2022-04")
    line = "award:A-1:dibao:2022-04"
    office.do("bank_returned", {"month": "2022-04", "file": "sha256:r1", "lines": f"{line},account closed"}, FINANCE)
    assert [(one.id, one.amount) for one in office.due()] == [(f"{line}#1", 81_000)]
    assert office.paid(HOME) == 0
    office.pay("2022-04")
    assert office.paid(HOME) == 81_000
    office.do("bank_returned", {"month": "2022-04", "file": "sha256:r2", "lines": f"{line}#1,account closed"}, FINANCE)
    assert [one.id for one in office.due()] == [f"{line}#2"]


def test_why_of_a_payment_goes_back_to_the_decision_and_the_arithmetic(office: Office) -> None:
    """From the number of a payment to the books, the decision, the clause and every step of the amount."""
    office.award("A-1", HOME, poor(HOME, 150_000, 0, 0))
    office.at("2022-04-10 08:00")
    office.pay("2022-04")
    city = SimpleNamespace(
        books=office.engine.books,
        work=SimpleNamespace(ledger=office.engine.ledger, cases=office.engine.cases, engine=office.engine),
    )
    told = why("paid:award:A-1:dibao:2022-04", city)
    for word in ("930.00", "reserve", "settle", "county.tests", "art. 12", "= 93000 fen"):
        assert word in told.en, word
    assert "算式" in told.zh and "第十二条" in told.zh
    with pytest.raises(NotKnown):
        why("award:A-9:dibao:2022-04", city)


def test_clocks_of_an_application_urge_and_refuse_nothing(office: Office) -> None:
    office.apply("A-1", HOME, poor(HOME, 0))
    office.at("2022-03-05 08:00")
    case = office.case("relief:A-1")
    assert (case.state, case.priority) == ("submitted", 50)
    assert office.clocks("relief:A-1")["accept"].state == "late"


def test_an_objection_pauses_publicity_and_is_answered_by_a_person(office: Office) -> None:
    office.apply("A-1", HOME, poor(HOME, 0))
    for name in ("accept", "verify", "verified", "publicise"):
        office.move("relief:A-1", name, WINDOW)
    office.pass_days(3)
    office.move("relief:A-1", "object", WINDOW, reason="邻里反映")
    office.pass_days(10)
    assert office.case("relief:A-1").state == "objected"
    office.move("relief:A-1", "answer_objection", COUNTY, reason="入户核查，反映不实")
    office.pass_days(5)
    assert office.case("relief:A-1").state == "county_review"
    said = {"objection": "O-1", "about": "relief:A-1", "household": HOME, "text": "（模拟）金额不对"}
    office.do("objected", said, RESIDENT)
    assert office.clocks("objection:O-1")["answer"].limit.count == 15
    office.move("objection:O-1", "answer", COUNTY, reason="已复核", outcome="not_upheld")


def test_publicity_hides_names_minors_illness_and_disability(office: Office) -> None:
    facts = poor(HOME, 0).replace("money_assets_fen", "money_assets_fen,disability_kind,disability_grade")
    office.apply("A-1", HOME, facts.replace(",0,0\n", ",0,0,physical,2\n"), head_name="赵某某")
    for name in ("accept", "verify", "verified", "publicise"):
        office.move("relief:A-1", name, WINDOW)
    case = office.case("relief:A-1")
    assert "disability_living=24300" in case.fields["offer"]
    shown = publicise(case, "赵某某", "2022-03-08")
    assert (shown.name, shown.offer) == ("赵**", "dibao=81000")
    minor = replace(case, fields={**case.fields, "is_minor_head": True})
    assert "赵" not in publicise(minor, "赵某某", "").name


def test_the_price_subsidy_is_ordered_by_a_person_for_all_who_receive() -> None:
    loaded = load()
    acting = loaded.services["relief"]
    rises = {"consumer_price_rise_bp": 380, "food_price_rise_bp": 100}
    figures = {
        name: {
            **acting.pack.values[name],
            "values": [{"from": date(2014, 11, 1), "value": value, "evidence": "made_up", "source": "例"}],
        }
        for name, value in rises.items()
    }
    object.__setattr__(acting, "pack", make_pack({**acting.pack.values, **figures}))
    office = Office(loaded=loaded)
    office.award("A-1", HOME, poor(HOME, 0, 0, 0))
    refused = office.take("price_ordered", {"month": "2022-02", "reason": "指数公布"}, WINDOW)
    assert refused.status == "refused"
    office.do("price_ordered", {"month": "2022-02", "reason": "指数公布"}, COUNTY)
    (due,) = office.due()
    assert (due.reason, due.amount) == ("relief.price", 3 * 3_078)
    office.close()
