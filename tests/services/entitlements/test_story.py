"""From a life event to the rating: matched, pre-filled, one tap, granted, told, delivered; opting out, correcting, objecting."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from tests.services.entitlements.office import (
    CLERK,
    COUNTY,
    DISABILITY,
    EVENTS,
    PEOPLE,
    REGISTER,
    RESIDENT,
    RULE,
    VILLAGE,
    WINDOW,
    Office,
    load,
)
from yucun.kernel.effects import OpenCase
from yucun.kernel.engine import Event

CHILD = "P1,H1,child,2022-03-01,child,none,none,0,none,,"
JOBLESS = "P1,H1,head,1990-01-01,jobless,none,none,0,none,,"


def born() -> tuple[Office, str]:
    office = Office()
    office.happen("birth", "2022-03-01", CHILD)
    return office, office.claims()["vaccines"].id


def test_one_tap_to_delivery_and_rating() -> None:
    office, claim = born()
    assert {one.state for one in office.claims().values()} == {"prefilled"}
    assert office.measures() == {"owed": 6}
    assert office.move(claim, "confirm", RESIDENT, seen=1).status == "done"
    assert office.case(claim).state == "notified"
    assert office.move(claim, "deliver", WINDOW, proof="接种记录 1 号").status == "done"
    assert office.move(claim, "rate", RESIDENT, stars=4).status == "done"
    case = office.case(claim)
    assert (case.state, case.fields["stars"], case.fields["way"]) == ("rated", 4, "tap")
    assert office.measures() == {"owed": 6, "delivered": 1}
    assert [row["kind"] for row in office.recorded("decision")] == ["granted", "delivered"]
    assert [move.by.partition(":")[0] for move in office.history(claim)] == [
        "rule", "rule", "resident.tests", "rule", "rule", "window.tests", "resident.tests",
    ]  # fmt: skip


def test_the_same_event_twice_and_the_same_item_again_open_nothing_new() -> None:
    office, _ = born()
    before = office.claims().keys()
    office.happen("birth", "2022-03-01", CHILD)
    assert office.claims().keys() == before
    assert office.measures() == {"owed": 6}


def test_no_proof_no_delivery() -> None:
    office, claim = born()
    office.move(claim, "confirm", RESIDENT)
    refused = office.move(claim, "deliver", WINDOW)
    assert refused.status == "refused"
    assert office.case(claim).state == "notified"
    assert office.measures() == {"owed": 6}


def test_opting_out_is_open_at_every_step_and_can_be_taken_back() -> None:
    for steps in ((), ("confirm",)):
        office, claim = born()
        for step in steps:
            office.move(claim, step, RESIDENT)
        assert office.move(claim, "decline", RESIDENT).status == "done"
        assert office.case(claim).state == "declined"
        assert office.move(claim, "take_up", RESIDENT).status == "done"
        assert office.case(claim).state == "prefilled"


def test_a_correction_stops_the_clocks_and_leads_back_to_the_tap() -> None:
    office, claim = born()
    office.move(claim, "confirm", RESIDENT)
    assert office.move(claim, "correct", RESIDENT, wrong="村社写错了").status == "done"
    assert office.case(claim).state == "correcting"
    assert "村社写错了" not in str(office.case(claim).fields), "what is wrong is private"
    assert office.move(claim, "corrected", WINDOW, reason="已按登记更正").status == "done"
    assert office.case(claim).state == "prefilled"


def test_a_proxy_needs_evidence() -> None:
    office, claim = born()
    assert office.move(claim, "confirm_for", WINDOW).status == "refused"
    assert office.move(claim, "confirm_for", WINDOW, evidence="上门记录").status == "done"
    assert office.case(claim).fields["way"] == "proxy"


def test_who_does_not_answer_is_reminded_and_never_loses_it() -> None:
    office, claim = born()
    office.pass_days(40)
    case = office.case(claim)
    assert (case.state, case.priority) == ("prefilled", 50)
    assert [move.move for move in office.history(claim)].count("remind") == 1
    with office.engine.books.read() as tx:
        clock = office.engine.cases.clocks(tx, case)["confirm"]
    assert clock.state == "stopped", "nothing is late because a person has not tapped"
    assert office.move(claim, "confirm", RESIDENT).status == "done"


def test_silence_is_consent_only_where_a_clause_says_so() -> None:
    office = Office()
    office.happen("job_loss", "2022-03-01", JOBLESS)
    claims = office.claims()
    assert claims["unemployment_benefit"].state == "matched"
    assert "insured_months" in claims["unemployment_benefit"].fields["asks"]
    benefit = claims["unemployment_benefit"].id
    assert office.move(benefit, "confirm", RESIDENT).status == "refused", "a fact is missing: a tap alone is not enough"
    assert office.move(benefit, "tell", RESIDENT, told="缴费 30 个月，单位裁员").status == "done"
    assert office.case(benefit).state == "confirmed", "a person looks at what was told"
    assert office.move(benefit, "grant", WINDOW).status == "done"
    follows = office.claims()["jobless_medical"]
    assert (follows.state, follows.fields["event"]) == ("prefilled", "follows")
    office.pass_days(16)
    follows = office.claims()["jobless_medical"]
    assert (follows.state, follows.fields["way"]) == ("notified", "silence")
    assert office.claims()["job_service"].state == "prefilled", "no clause, no silence"


def test_only_a_named_person_refuses_and_writes_the_reasons() -> None:
    office = Office()
    office.happen("job_loss", "2022-03-01", JOBLESS)
    benefit = office.claims()["unemployment_benefit"].id
    office.move(benefit, "tell", RESIDENT, told="缴费 3 个月")
    for by, reason in ((RULE, "缴费不足"), (WINDOW, "缴费不足"), (COUNTY, "")):
        assert office.move(benefit, "refuse", by, reason=reason).status == "refused"
    assert office.move(benefit, "refuse", COUNTY, reason="经核，缴费 3 个月").status == "done"
    assert office.case(benefit).state == "refused"
    body = {"objection": "O1", "about": benefit, "text": "我缴了三年"}
    assert office.take("objected", body, RESIDENT).status == "done"
    assert office.take("objected", {**body, "objection": "O2", "about": "claim:nobody"}, RESIDENT).status == "refused"
    assert office.move("objection:O1", "answer", COUNTY, reason="经复核成立", outcome="upheld").status == "done"


def test_every_way_that_takes_something_away_has_a_person_on_it() -> None:
    kind = load().kinds["entitlements.claim"]
    for move in kind.moves.values():
        if move.to in ("declined", "refused", "ended"):
            assert "rule" not in move.by, move.name
            assert move.name == "decline" or (move.refuses and move.reason == "required"), move.name
    open_states = [name for name, state in kind.states.items() if not state.is_final]
    for state in open_states:
        names = {move.name for move in kind.list_moves(state)}
        assert "decline" in names, state
        assert state == "correcting" or "correct" in names, state


def test_unverified_figures_grant_to_made_up_people_only() -> None:
    office = Office()
    office.happen("birth", "2022-03-01", CHILD, made_up=False)
    claim = office.claims()["vaccines"].id
    refused = office.move(claim, "confirm", RESIDENT)
    assert refused.status == "refused"
    assert refused.findings[0].kind == "entitlements.simulation_only"
    assert office.case(claim).state == "prefilled", "the tap is undone with it"


# -- what offices send ----------------------------------------------------------------------------------------------------------


def lake() -> dict[str, pa.Table]:
    people = [
        ("P1", "H1", "child", "child", "none", "2022-03-05"), ("P2", "H1", "head", "jobless", "none", "1990-01-01"),
        ("P3", "H2", "child", "child", "kindergarten", "2016-03-06"), ("P4", "H2", "head", "works", "none", "1985-05-05"),
        ("P5", "H3", "head", "home", "none", "1962-03-07"), ("P6", "H3", "spouse", "works", "none", "1970-01-01"),
    ]  # fmt: skip
    rows = [
        {"person": p, "household": h, "village": VILLAGE, "role": r, "work": w, "studies": s, "birth": date.fromisoformat(b),
         "evidence": "made_up"}
        for p, h, r, w, s, b in people
    ]  # fmt: skip
    events = [("P1", "H1", "birth", "2022-03-05"), ("P2", "H1", "job_loss", "2022-03-06"), ("PD1", "H3", "death", "2022-03-07"),
              ("P6", "H3", "disability", "2022-03-06")]  # fmt: skip
    told = [
        {"person": p, "household": h, "kind": k, "day": date.fromisoformat(d), "evidence": "made_up"}
        for p, h, k, d in events
    ]
    return {
        "people.person": pa.Table.from_pylist(rows, schema=PEOPLE),
        "people.event": pa.Table.from_pylist(told, schema=EVENTS),
        "people.disability": pa.table({"person": ["P6"], "kind": ["physical"], "grade": [1]}, schema=DISABILITY),
        "people.register": pa.table({"person": ["P3"], "class": ["dibao"]}, schema=REGISTER),
    }


def test_the_morning_look_finds_events_and_birthdays_once() -> None:
    office = Office(lake(), start="2022-03-05 20:00")
    office.do("watch_begun", {"day": "2022-03-06", "since": "2022-03-01"}, CLERK)
    office.pass_days(1)
    assert set(office.claims("P1")) >= {"vaccines", "birth_certificate"}
    assert not office.claims("P2"), "the sixth is not over"
    office.pass_days(3)
    assert set(office.claims("P2")) == {"job_service", "job_training", "job_for_family", "unemployment_benefit"}
    assert set(office.claims("P3")) == {"compulsory_school", "textbooks"}, "six on 6 March, on dibao"
    assert set(office.claims("P5")) == {"old_places", "resident_pension"}, "sixty on 7 March"
    assert set(office.claims("P6")) == {"disabled_transit", "disabled_places", "disabled_jobs"}
    assert set(office.claims("PD1")) == {"funeral_grant"}
    assert office.claims("PD1")["funeral_grant"].region == VILLAGE, "the family's village"
    count = office.measures()["owed"]
    office.pass_days(5)
    assert office.measures()["owed"] == count, "looked at every morning, opened once"


def test_a_row_that_comes_late_is_found_and_a_missing_table_is_said() -> None:
    tables = lake()
    late = tables["people.event"]
    office = Office({**tables, "people.event": late.slice(0, 0)}, start="2022-03-08 20:00")
    office.do("watch_begun", {"day": "2022-03-09", "since": "2022-03-01"}, CLERK)
    office.pass_days(2)
    assert not office.claims("P2")
    office.lake = {**tables, "people.event": late}
    office.pass_days(1)
    assert office.claims("P2")
    nobody = Office(None, start="2022-03-08 20:00")
    nobody.do("watch_begun", {"day": "2022-03-09", "since": "2022-03-01"}, CLERK)
    nobody.pass_days(2)
    look = nobody.case("look:2022-03-09")
    assert (look.state, look.fields["not_known"]) == ("looked", "people.event")
    assert nobody.case("look:2022-03-11").state == "waiting", "it goes on looking"


def test_a_death_is_noted_on_what_is_open() -> None:
    office, claim = born()
    dead = "P1,H1,child,2022-03-01,child,none,none,0,none,,"
    facts = f"person_id,household_id,role,birth,work,studies,disability_kind,disability_grade,class,is_dead\n{dead[:-2]},true\n"
    body = {"event": "D1", "kind": "death", "day": "2022-03-01", "person": "P1", "household": "H1", "region": VILLAGE, "facts": facts,
            "is_made_up": True}  # fmt: skip
    office.do("happened", body, WINDOW)
    case = office.case(claim)
    assert case.fields["died"] is True
    assert case.state == "prefilled", "a rule ends nothing"


# -- beside relief --------------------------------------------------------------------------------------------------------------


def relief_says(office: Office, programme: str, kind: str = "granted", household: str = "H9") -> list[object]:
    row = {"award": f"award:A1:{programme}", "version": 0, "kind": kind, "household": household, "region": VILLAGE, "programme": programme,
           "before_fen": 0, "after_fen": 81000, "by": "officer", "day": "2022-03-01", "is_made_up": True}  # fmt: skip
    event = Event(f"passed:{programme}:{kind}:{household}", "entitlements.recorded.relief.decision", row, RULE)
    (taken,) = office.engine.take([event])
    assert taken.status == "done", [f.message.en for f in taken.findings]
    return [effect for effect in taken.effects if isinstance(effect, OpenCase)]


@pytest.mark.parametrize("programme", ["electricity", "disability_care", "water"])
def test_what_relief_grants_is_counted_and_not_done_twice(programme: str) -> None:
    office = Office()
    assert relief_says(office, programme) == []
    assert office.measures() == {"by_relief": 1}
    assert not office.claims("H9")


def test_what_follows_from_dibao_is_owed_without_an_application() -> None:
    office = Office()
    relief_says(office, "dibao")
    assert set(office.claims("H9")) == {"premium", "legal_aid"}, "what the class alone makes owed"
    assert office.measures() == {"by_relief": 1, "owed": 2}
    office.pass_days(16)
    assert office.claims("H9")["premium"].fields["way"] == "silence"
    known = Office(lake())
    relief_says(known, "dibao", household="H2")
    assert set(known.claims("P3")) == {"premium", "legal_aid", "textbooks"}, "six within the month, and now on dibao"
    assert set(known.claims("P4")) == {"premium", "legal_aid"}


def test_a_refusal_of_relief_opens_nothing() -> None:
    office = Office()
    for kind in ("refused", "cut", "stopped", "raised"):
        assert relief_says(office, "dibao", kind) == []
    assert office.measures() == {}
