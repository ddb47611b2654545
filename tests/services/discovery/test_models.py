"""The learner: what it learns, that it rests on outcomes alone, and that equal data and seed give equal offers."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from yucun.services.discovery.models import Candidate, choose, describe, explain, fit, interval

RULES = ("good", "bad", "rare")
PUBLISHED = (91, 4881)


def make(count: int, seed: int = 1) -> list[Candidate]:
    chance = random.Random(seed)
    made = []
    for n in range(count):
        rule = chance.choice(("good", "bad", "bad", "bad"))
        made.append(Candidate(f"H{n:05d}", "330502001005", {rule: (1, 1)}, (rule, f"members_{chance.randint(1, 4)}")))
    return made


def outcomes(count: int) -> list[tuple[tuple[str, ...], bool]]:
    chance = random.Random(7)
    return [(one.words, chance.random() < (0.3 if "good" in one.rules else 0.01)) for one in make(count, 3)]


def test_a29_the_published_shares() -> None:
    """4,881 warnings, 91 put under monitoring, 14 into dibao: 1.86 % and 0.29 %."""
    assert f"{100 * 91 / 4881:.2f} {100 * 14 / 4881:.2f}" == "1.86 0.29"
    low, high = interval(91, 4881)
    assert low < 91 / 4881 < high and (round(low, 4), round(high, 4)) == (0.0152, 0.0228)


def test_before_anybody_was_visited_the_published_share_stands() -> None:
    learnt = fit([], RULES, PUBLISHED, 1.0)
    assert 1 / (1 + 2.718281828**-learnt.base) == pytest.approx(91 / 4881)
    assert learnt.visits == 0 and set(learnt.tried.values()) == {(0, 0)}
    offers = choose(learnt, make(50), 20, 1500, 5)
    assert len(offers) == 20 and all(one.is_to_learn for one in offers), "nothing is known: every visit is to learn"
    assert {rule for one in offers for rule in one.candidate.rules} == {"good", "bad"}


def test_what_led_to_help_comes_first_and_says_why() -> None:
    learnt = fit(outcomes(400), RULES, PUBLISHED, 1.0)
    assert learnt.tried["good"][0] > 50 and learnt.tried["rare"] == (0, 0)
    offers = choose(learnt, make(300, 9), 40, 1500, 5)
    best, learning = [o for o in offers if not o.is_to_learn], [o for o in offers if o.is_to_learn]
    assert (len(best), len(learning)) == (34, 6)
    assert all("good" in one.candidate.rules for one in best)
    assert all(one.because[0] == "good" for one in best)
    assert len({one.candidate.household for one in offers}) == 40


def test_one_visit_each_and_never_more_than_there_are() -> None:
    learnt = fit(outcomes(50), RULES, PUBLISHED, 1.0)
    assert len(choose(learnt, make(10), 40, 1500, 5)) == 10
    assert choose(learnt, make(10), 0, 1500, 5) == []
    assert choose(learnt, [], 5, 1500, 5) == []


def test_equal_data_and_seed_give_equal_offers() -> None:
    learnt, made = fit(outcomes(200), RULES, PUBLISHED, 1.0), make(100)
    assert choose(learnt, made, 30, 2000, 5) == choose(fit(outcomes(200), RULES, PUBLISHED, 1.0), made, 30, 2000, 5)
    assert choose(learnt, made, 30, 2000, 5) != choose(learnt, made, 30, 2000, 6)


def test_little_known_rules_are_tried() -> None:
    rare = replace(make(1)[0], household="HRARE", rules={"rare": (1, 1)}, words=("rare", "members_1"))
    learnt = fit(outcomes(400), RULES, PUBLISHED, 1.0)
    offers = choose(learnt, [*make(300, 9), rare], 40, 1500, 5)
    assert "HRARE" in {one.candidate.household for one in offers if one.is_to_learn}


def test_words_hold_what_is_known_and_no_name() -> None:
    context = {
        "members": 6, "is_registered": True, "month_fen": 480_000, "has_record": True, "is_old_alone": False,
        "has_severe_disability": True,
    }  # fmt: skip
    words = describe({"yearly_cost": (70, 30), "death": (1, 1)}, context, 81_000, 15_000)
    assert words == (
        "death", "death/income_below_standard", "income_below_standard", "members_4", "registered", "rules_2", "severe",
        "yearly_cost", "yearly_cost/double", "yearly_cost/income_below_standard",
    )  # fmt: skip
    assert "income_below_edge" in describe({"death": (1, 1)}, context | {"month_fen": 486_000}, 81_000, 15_000)
    assert "income_above" in describe({"death": (1, 1)}, context | {"month_fen": 729_000}, 81_000, 15_000)
    assert explain(fit([], RULES, PUBLISHED, 1.0), Candidate("H", "V", {"death": (1, 1)}, words)) == ("death",)


@pytest.mark.parametrize("helped", [True, False])
def test_one_sided_outcomes_do_not_run_away(helped: bool) -> None:
    learnt = fit([(("good",), helped)] * 30, RULES, PUBLISHED, 1.0)
    assert abs(learnt.score(("good",))) < 12
