"""Every path from a rule to a smaller award is walked, and a named person with written reasons stands on each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.relief.office import COUNTY, VILLAGES, WINDOW, Office, load, poor
from yucun.kernel.cases import Actor, CaseKind
from yucun.kernel.engine import Event
from yucun.kernel.view import SYSTEM

HOME = "H-1"
RULES = (Actor.rule("relief"), Actor("rule:clock", frozenset({"rule", "relief_county", "relief_window"})), SYSTEM)


@pytest.fixture
def office() -> Iterator[Office]:
    made = Office()
    made.award("A-1", HOME, poor(HOME, 150_000, 0, 0))
    yield made
    made.close()


def kinds() -> dict[str, CaseKind]:
    return dict(load().kinds)


def amounts(office: Office) -> dict[str, int]:
    """What stands: awards in force, amounts that are due, applications that are not refused."""
    found = {award.id: int(award.fields["amount_fen"]) for award in office.cases("award", is_open=True)}
    found |= {one.id: one.amount for one in office.due()}
    return found


def test_every_move_that_may_take_something_says_so_and_no_rule_may_make_it() -> None:
    """A final state of an award or an application, and every cut, is reached by a person only."""
    for kind in kinds().values():
        for move in kind.moves.values():
            loses = (
                (kind.name == "relief.award" and (move.to == "stopped" or move.name == "cut"))
                or (kind.name == "relief.application" and move.to in ("rejected", "withdrawn"))
                or (kind.name == "relief.review" and move.name in ("cut", "stop"))
            )
            if loses:
                assert move.refuses and move.reason == "required" and "rule" not in move.by, (kind.name, move.name)
    award = kinds()["relief.award"]
    assert {move.name for move in award.moves.values() if "rule" in move.by} == {"raise"}
    assert [state.name for state in award.states.values() if state.is_final] == ["stopped"]


def test_no_rule_can_move_anything_down_whatever_it_sends(office: Office) -> None:
    """Every move of every kind of case, by every rule, with a smaller amount: what stands never becomes less."""
    office.at("2022-04-10 08:00")
    office.do("changed", {"household": HOME, "told_on": "2022-04-10", "facts": poor(HOME, 200_000, 0, 0)}, WINDOW)
    (review,) = office.cases("review", is_open=True)
    office.apply("A-2", "H-2", poor("H-2", 0))
    before, tried = amounts(office), 0
    for case in ("award:A-1:dibao", review.id, "relief:A-2", "month:2022-04"):
        kind = office.loaded.kinds[office.case(case).kind]
        for move in kind.moves.values():
            for number, by in enumerate(RULES):
                body = {"case": case, "move": move.name, "amount_fen": 1, "reason": "规则算得更少"}
                event = Event(f"rule:{case}:{move.name}:{number}", "relief.moved", body, by)
                office.engine.take([event])
                tried += 1
                now = amounts(office)
                assert all(now.get(name, -1) >= amount for name, amount in before.items()), (
                    case,
                    move.name,
                    by.account,
                )
    for kind, body in (
        ("written_off", {"transfer": "award:A-1:dibao:2022-04", "how": "lapsed", "reason": "规则"}),
        ("pay_ordered", {"month": "2022-04", "order": 1, "lines": 1, "total_fen": 93_000, "file": "x"}),
    ):
        for number, by in enumerate(RULES):
            assert (
                office.engine.take([Event(f"rule:{kind}:{number}", f"relief.{kind}", body, by)])[0].status == "refused"
            )
            tried += 1
    assert amounts(office) == before and tried > 80
    assert office.case("relief:A-2").closed_at is None


@pytest.mark.parametrize("facts", [poor(HOME, 200_000, 0, 0), poor(HOME, 300_000, 0, 0), poor(HOME, 150_000, 0)])
def test_an_assessment_that_gives_less_opens_a_review_and_changes_nothing(office: Office, facts: str) -> None:
    """Higher income, above the line, a smaller household: the award stands, a person is asked."""
    office.do("changed", {"household": HOME, "told_on": "2022-03-09", "facts": facts}, WINDOW)
    assert amounts(office)["award:A-1:dibao"] == 93_000
    (review,) = office.cases("review", is_open=True)
    assert review.fields["proposed_fen"] < 93_000 and review.fields["why"] == "changed"
    office.at("2022-04-10 08:00")
    assert [one.amount for one in office.due("2022-04")] == [93_000], "money follows the award in force"
    office.at("2022-06-20 08:00")
    assert amounts(office)["award:A-1:dibao"] == 93_000, "a review that nobody makes decides nothing"


def test_a_person_cuts_with_written_reasons_and_only_then_less_is_due(office: Office) -> None:
    office.do("changed", {"household": HOME, "told_on": "2022-03-09", "facts": poor(HOME, 200_000, 0, 0)}, WINDOW)
    (review,) = office.cases("review", is_open=True)
    bare = office.take("moved", {"case": review.id, "move": "cut", "amount_fen": 43_000}, COUNTY)
    assert bare.status == "refused" and "needs a reason" in bare.findings[0].message.en
    window = office.take(
        "moved", {"case": review.id, "move": "cut", "amount_fen": 43_000, "reason": "收入增加"}, WINDOW
    )
    assert window.status == "refused"
    office.move(review.id, "cut", COUNTY, amount_fen=43_000, reason="本户月收入增至 2000 元，补差相应减少")
    award = office.case("award:A-1:dibao")
    assert (award.fields["amount_fen"], award.state) == (43_000, "in_force")
    with office.engine.books.read() as tx:
        done = office.engine.cases.history(tx, award)[-1]
    assert (done.move, done.by) == ("cut", COUNTY.account) and "月收入" in done.reason
    office.at("2022-04-10 08:00")
    assert [one.amount for one in office.due("2022-04")] == [43_000]


def test_a_stop_needs_a_person_and_what_was_due_before_it_stays_due(office: Office) -> None:
    office.at("2022-04-10 08:00")
    office.move("award:A-1:dibao", "stop", COUNTY, reason="全户迁出本县")
    assert [one.amount for one in office.due()] == [93_000]
    office.at("2022-05-10 08:00")
    assert [one.period for one in office.due()] == ["2022-04"]


def test_more_is_given_at_once_by_rule(office: Office) -> None:
    office.do("changed", {"household": HOME, "told_on": "2022-03-09", "facts": poor(HOME, 100_000, 0, 0)}, WINDOW)
    assert amounts(office)["award:A-1:dibao"] == 143_000
    assert office.cases("review") == []


def test_linked_help_is_given_without_an_application(office: Office) -> None:
    facts = poor(HOME, 150_000, 0, 0).replace("money_assets_fen", "money_assets_fen,addon_kind")
    facts = facts.replace(",1800000,0\n", ",1800000,0,severely_disabled\n").replace("other,0,0\n", "other,0,0,none\n")
    office.do("changed", {"household": HOME, "told_on": "2022-03-09", "facts": facts}, WINDOW)
    assert office.case("award:A-1:addon").fields["amount_fen"] == 24_300
    assert VILLAGES[0] == office.case("award:A-1:addon").region


def test_every_half_year_a_person_looks_again_and_the_award_stands_meanwhile(office: Office) -> None:
    for month in range(4, 10):
        office.at(f"2022-{month:02d}-10 08:00")
        assert office.cases("review") == []
    office.at("2022-10-10 08:00")
    (review,) = office.cases("review", is_open=True)
    assert review.fields["why"] == "recheck" and amounts(office)["award:A-1:dibao"] == 93_000
    office.move(review.id, "keep", WINDOW, reason="入户查看，情况未变")
    assert office.case(review.id).state == "decided"
