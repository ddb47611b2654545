"""The story of a warning: raised, assigned, visited, found out, closed; who says no is left in peace, and nothing is refused by a rule."""

from __future__ import annotations

from datetime import date

from tests.services.discovery.village import CADRE, COUNTY, VILLAGE, WINDOW, Office, Villagers
from yucun.kernel.cases import Actor
from yucun.kernel.view import Event

FINANCE = Actor("finance.tests", frozenset({"relief_finance"}))


def make_villagers() -> Villagers:
    """One that is over the published line, one that lost a wage, one at peace."""
    made = Villagers().home("H-ILL", 2).home("H-LOST").home("H-PEACE")
    made.bill("H-ILL", "2022-05", 40_000).earns("H-ILL", 9_000)
    made.earns("H-LOST", 4_000, until=date(2022, 3, 31)).earns("H-PEACE", 4_000)
    return made


def test_a_run_offers_visits_with_their_reasons_and_says_nothing_of_others() -> None:
    office = Office(make_villagers(), again=True)
    taken = office.run()
    assert taken.status == "done" and not taken.findings
    cases = {case.subject: case for case in office.list()}
    assert set(cases) == {"H-ILL", "H-LOST"}
    ill = cases["H-ILL"]
    assert (ill.state, ill.region, ill.unit) == ("raised", VILLAGE, VILLAGE)
    assert ill.fields["rules"] == "single_stay yearly_cost yearly_cost_fixed" and ill.fields["because"]
    rows = office.records("discovery.warning")
    assert {(r["household"], r["rule"]) for r in rows} == {
        ("H-ILL", "single_stay"), ("H-ILL", "yearly_cost"), ("H-ILL", "yearly_cost_fixed"), ("H-LOST", "lost_income")
    }  # fmt: skip
    (run,) = office.records("discovery.run")
    assert (run["standing"], run["offered"], run["to_learn"], run["learnt_from"]) == (2, 2, 2, 0)
    counted = {r["rule"]: r["households"] for r in office.records("discovery.standing")}
    assert counted == {"single_stay": 1, "yearly_cost": 1, "yearly_cost_fixed": 1, "lost_income": 1}
    with office.engine.books.read() as tx:
        assert "H-PEACE" not in str([line.payload for line in tx.lines()])


def test_a_month_that_was_run_stays_as_it_is() -> None:
    office = Office(make_villagers())
    office.run()
    before = office.engine.books.state_hash()
    assert office.run().status == "already" and office.engine.books.state_hash() == before
    again = office.run(key="another")
    assert again.status == "done" and again.effects == () and len(office.list()) == 2


def test_who_may_run_and_which_months() -> None:
    office = Office(make_villagers())
    assert office.run(by=CADRE, key="a").status == "refused"
    assert office.run("2022-06", key="b").status == "refused"
    assert office.run("2022", key="c").status == "refused"
    assert office.list() == []
    assert office.run(key="d", by=Actor.rule("discovery")).status == "done"


def test_a_run_over_real_people_leaves_out_what_is_not_verified() -> None:
    office = Office(make_villagers())
    office.run(is_made_up=False)
    assert {case.subject for case in office.list()} == {"H-ILL"}
    (run,) = office.records("discovery.run")
    assert "lost_income" in run["left_out"].split() and run["evidence"] == "seen"


def test_only_as_many_as_can_be_visited() -> None:
    office = Office(make_villagers())
    office.run(visits=1)
    assert len(office.list()) == 1
    none = Office(make_villagers())
    none.run(visits=0)
    assert none.list() == [] and none.records("discovery.run")[0]["offered"] == 0


def test_without_a_number_as_many_visits_as_the_published_rule_has_new_warnings() -> None:
    office = Office(make_villagers())
    (taken,) = office.engine.take(
        [Event("run", "discovery.month_run", {"month": "2022-05", "is_made_up": True}, COUNTY)]
    )
    assert taken.status == "done" and len(office.list()) == 1


def test_a_visit_tells_the_rules_and_no_need_takes_a_person_and_reasons() -> None:
    office = Office(make_villagers(), again=True)
    office.run()
    case = office.visit("H-ILL")
    assert office.try_move(case, "find_no_need").status == "refused", "without a reason"
    assert office.try_move(case, "find_no_need", by=WINDOW, reason="x").status == "refused", "not the cadre"
    assert office.try_move(case, "find_no_need", by=Actor.rule("discovery"), reason="x").status == "refused", (
        "not a rule"
    )
    closed = office.move(case, "find_no_need", reason="（模拟）子女已在照料")
    assert closed.state == "no_need"
    office.move(closed, "close", outcome="nothing_needed")
    (visit,) = office.records("discovery.visit")
    assert (visit["finding"], visit["leads_to_help"], visit["days"]) == ("no_need", "no", 0)
    told = {row["rule"]: row["leads_to_help"] for row in office.records("discovery.rule_outcome")}
    assert told == dict.fromkeys(("any", "single_stay", "yearly_cost", "yearly_cost_fixed"), "no")
    assert all(
        "household" not in row and row["region"] == "330502000000" for row in office.records("discovery.rule_outcome")
    )


def test_who_says_no_is_not_visited_again_for_the_same_evidence() -> None:
    made = make_villagers()
    office = Office(made)
    office.run()
    case = office.get("H-ILL")
    office.move(case, "take", officer="cadre.tests")
    office.move(case, "decline")
    (visit,) = office.records("discovery.visit")
    assert visit["leads_to_help"] == "not_known", "a no says nothing about a rule"
    office.pass_days(30)
    office.run("2022-06")
    assert len(office.list(subject="H-ILL")) == 1, "the case is still open"
    office.move(office.get("H-ILL"), "close", outcome="left_in_peace")
    office.pass_days(31)
    office.run("2022-07")
    assert len(office.list(subject="H-ILL")) == 1, "closed, and the same evidence"
    made.add("hint", household="H-ILL", day=date(2022, 8, 1), kind="grid_report")
    office.pass_days(31)
    office.run("2022-08")
    newest = office.get("H-ILL")
    assert newest.fields["rules"] == "hint_grid", "other evidence is another matter, and the old is not held up again"
    assert not any(word.startswith("yearly_cost") for word in str(newest.fields["words"]).split())


def test_after_the_time_of_quiet_the_same_evidence_may_ask_once_more() -> None:
    made = make_villagers()
    for month in ("2022-11", "2023-05"):
        made.bill("H-ILL", month, 40_000)
    office = Office(made)
    office.run()
    office.move(office.visit("H-ILL"), "find_no_need", reason="（模拟）已报销")
    office.move(office.get("H-ILL"), "close", outcome="nothing_needed")
    office.pass_days(335)
    office.run("2023-04")
    assert len(office.list(subject="H-ILL")) == 1
    office.pass_days(31)
    office.run("2023-05")
    assert len(office.list(subject="H-ILL")) == 2


def test_setting_aside_without_a_visit_takes_a_person_and_reasons() -> None:
    office = Office(make_villagers())
    office.run()
    case = office.get("H-LOST")
    assert office.try_move(case, "set_aside", by=WINDOW, outcome="twice").status == "refused"
    assert office.try_move(case, "set_aside", reason="x", outcome="twice").status == "refused", "not the cadre's to say"
    gone = office.move(case, "set_aside", by=WINDOW, outcome="helped_already", reason="（模拟）村里已在帮扶")
    assert gone.state == "closed" and office.records("discovery.visit") == []


def test_a_visit_lies_between_the_warning_and_today() -> None:
    office = Office(make_villagers())
    office.run()
    office.pass_days(5)
    case = office.get("H-LOST")
    office.move(case, "take", officer="cadre.tests")
    for day in ("2022-05-30", "2022-06-06"):
        assert office.try_move(case, "visit", visited_on=day).status == "refused"
    assert office.move(case, "visit", visited_on="2022-06-03").fields["visited_on"] == "2022-06-03"
    office.move(office.get("H-LOST"), "refer", referred_to="employment")
    assert office.records("discovery.visit")[0]["days"] == 3


def test_what_is_late_presses_and_nothing_is_decided_by_a_clock() -> None:
    office = Office(make_villagers())
    office.run()
    office.pass_days(7)
    case = office.get("H-ILL")
    assert (case.state, case.priority) == ("raised", 50)
    with office.engine.books.read() as tx:
        history = office.engine.cases.history(tx, case)
    assert history[-1].move == "urge" and history[-1].by.startswith("rule:")


def test_an_application_made_for_a_household_reaches_relief_and_its_decision_comes_back() -> None:
    office = Office(make_villagers(), "relief")
    office.run()
    facts = "household_id,person_id,role,counted_income_12m_fen,money_assets_fen\nH-LOST,P-H-LOST-0,head,0,0\n"
    case = office.move(office.visit("H-LOST"), "apply_for", facts=facts, head_name="（模拟）某某", authorisation="K-1")
    assert case.state == "proxy_application"
    (lead,) = office.records("discovery.lead")
    assert lead["facts"].startswith("private:") and "某某" not in str(lead), "what is stated lies apart"
    with office.engine.books.read() as tx:
        found = office.engine.cases.get(tx, "relief:2022-05-H-LOST")
    assert (found.state, found.subject, found.fields["channel"]) == ("submitted", "H-LOST", "found")
    assert found.fields["facts"] == lead["facts"] and found.fields["authorisation"] == "K-1"
    decided = {"award": "award:2022-05-H-LOST:dibao", "version": 0, "kind": "granted", "household": "H-LOST"}
    office.take(Event("decided", "discovery.recorded.relief.decision", decided))
    assert (office.get("H-LOST").state, office.get("H-LOST").outcome) == ("closed", "granted")


def test_an_urgent_case_presses_at_relief_even_without_papers() -> None:
    office = Office(make_villagers(), "relief")
    office.run()
    office.move(office.visit("H-LOST"), "call_urgent", reason="（模拟）断炊")
    with office.engine.books.read() as tx:
        found = office.engine.cases.get(tx, "relief:2022-05-H-LOST")
    assert found.fields["is_urgent"] is True and found.priority == 50 and "facts" not in found.fields


def test_what_cannot_be_assessed_is_left_out_and_said_and_can_be_put_right() -> None:
    office = Office(make_villagers(), "relief")
    office.run()
    office.move(office.visit("H-LOST"), "apply_for", facts="household_id,person_id\nH-OTHER,P\n")
    with office.engine.books.read() as tx:
        found = office.engine.cases.get(tx, "relief:2022-05-H-LOST")
    assert "facts" not in found.fields and found.fields["trouble"]
    facts = "household_id,person_id,role,counted_income_12m_fen,money_assets_fen\nH-LOST,P-H-LOST-0,head,0,0\n"
    asked = {"case": found.id, "move": "ask_more", "reason": "缺申报"}
    assert office.take(Event("ask", "relief.moved", asked, WINDOW)).status == "done"
    wrong = {"case": found.id, "move": "resubmit", "facts": facts.replace("H-LOST", "H-OTHER")}
    assert office.take(Event("wrong", "relief.moved", wrong, WINDOW)).status == "refused"
    right = {"case": found.id, "move": "resubmit", "facts": facts}
    assert office.take(Event("right", "relief.moved", right, WINDOW)).status == "done"
    with office.engine.books.read() as tx:
        assert str(office.engine.cases.get(tx, found.id).fields["facts"]).startswith("private:")


def test_without_relief_the_story_stands() -> None:
    office = Office(make_villagers())
    office.run()
    case = office.move(office.visit("H-LOST"), "apply_for")
    assert office.move(case, "close", outcome="taken_over").state == "closed"


def test_rules_read_no_table_that_the_service_does_not_name() -> None:
    office = Office(make_villagers())
    reads = office.engine.services["discovery"].consumes
    assert "people.asset" not in reads, "savings and dwellings are drawn in an authorised check alone"
    assert not any("truth" in name for name in reads)
