"""The tree of tasks: lights from numbers and days, what is not known, loose ends, changes by named accounts."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.huzhou import EmptyHuzhou, open_huzhou, read_huzhou
from tests.services.prosperity.test_city_index import HUZHOU, sight
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.indicators import Value
from yucun.kernel.indicators.model import Claim
from yucun.services.prosperity.models import Sight
from yucun.services.prosperity.pages.tasks import (
    LIGHTS,
    RULES,
    TABLE,
    Tree,
    decide_light,
    gather_rows,
    is_met,
    make_tree,
)

TODAY = date(2022, 5, 31)
ZHEJIANG = RegionCode.parse("33")


def tree() -> Tree:
    city = open_huzhou()
    return make_tree(gather_rows(lambda **page: city.rows(TABLE, **page)), sight(), TODAY)


def row(task: str, parent: str = "", **more: Any) -> dict[str, Any]:
    blank = dict.fromkeys(
        ("due", "done_on", "indicator", "meant", "note_zh", "note_en", "owner_zh", "owner_en", "source")
    )
    said = {"kind": "task", "title_zh": task, "title_en": task, "region": HUZHOU, "sequence": 1, "evidence": "seen"}
    return {**blank, **said, "task": task, "parent": parent, "_file": "f", "_record": 1, **more}


def aim(bound: str, number: float, year: int = 2020) -> Claim:
    return Claim(
        "prosperity.urban_rural_ratio", ZHEJIANG, Period.year(year), bound, f"{number:g}", Text("倍", "times"), number,
        "s", "seen", "prosperity.target", "f", 1, Text(bound, bound),
    )  # fmt: skip


def ratio() -> Value:
    """The province's ratio of 2020, 1.9636."""
    return open_huzhou().value("prosperity.urban_rural_ratio", ZHEJIANG, Period.year(2020))


@pytest.mark.parametrize(
    ("bound", "number", "days", "light"),
    [
        ("at_most", 1.97, -1, "green"),
        ("at_most", 1.9, 1, "amber"),
        ("at_most", 1.9, 0, "amber"),
        ("at_most", 1.9, -1, "red"),
        ("at_least", 1.9, -1, "green"),
        ("above", 1.97, -1, "red"),
        ("about", 1.9636, -1, "red"),
    ],
)
def test_a_light_comes_from_a_number_and_a_day(bound: str, number: float, days: int, light: str) -> None:
    found, reason = decide_light(ratio(), aim(bound, number), TODAY + timedelta(days=days), None, TODAY)
    assert found == light
    assert "1.96" in reason.en


def test_a_bound_is_kept_to_the_letter() -> None:
    assert is_met(1.9, aim("at_most", 1.9))
    assert not is_met(1.9, aim("below", 1.9))
    assert is_met(1.9, aim("at_least", 1.9))
    assert not is_met(1.9, aim("above", 1.9))
    assert is_met(1.9, aim("exactly", 1.9))


def test_what_is_missing_makes_grey_and_is_named() -> None:
    unknown = open_huzhou().value("prosperity.gap_services", HUZHOU)
    assert decide_light(None, None, TODAY, None, TODAY)[0] == "grey"
    light, reason = decide_light(unknown, aim("at_most", 1), TODAY, None, TODAY)
    assert light == "grey"
    assert "四个维度的城乡对照" in reason.zh
    assert decide_light(ratio(), None, TODAY, None, TODAY)[0] == "grey"
    assert decide_light(ratio(), aim("at_most", 1.9), None, None, TODAY)[0] == "grey"


def test_a_nine_month_figure_does_not_decide_a_yearly_aim() -> None:
    spread = next(t for t in tree().leaves if t.id == "province-2025-spread")
    assert spread.light == "grey"
    assert "1.6935" in spread.reason.en
    assert "another kind" in spread.reason.en


def test_a_day_of_completion_counts_once_it_has_come() -> None:
    assert decide_light(None, None, None, TODAY, TODAY)[0] == "green"
    assert decide_light(None, None, None, TODAY + timedelta(days=1), TODAY)[0] == "grey"


def test_huzhous_tree_invents_nothing() -> None:
    found = tree()
    assert found.findings == ()
    assert [root.id for root in found.roots] == ["runway-key", "runway-reform", "pilot", "province"]
    assert found.unnamed == 1 + 7 + 1 + 5 + 10
    assert found.uncounted == 2
    assert {light: found.count(light) for light in LIGHTS} == {"red": 0, "amber": 1, "grey": 16, "green": 1}
    sources = read_huzhou().sources
    for task in (t for root in found.roots for t in root.walk()):
        assert task.source in sources, task.id
        assert task.owner is None, "no source names a post"
        assert task.light == "grey" or task.done_on or task.aim or task.children


def test_a_branch_is_green_only_when_everything_below_is() -> None:
    done = date(2022, 1, 1)
    half = make_tree([row("a"), row("b", "a", done_on=done), row("c", "a")], sight(), TODAY)
    assert half.roots[0].light == "grey"
    whole = make_tree([row("a"), row("b", "a", done_on=done), row("c", "a", done_on=done)], sight(), TODAY)
    assert whole.roots[0].light == "green"


def test_a_loose_end_or_a_circle_is_shown_at_the_top_with_a_finding() -> None:
    loose = make_tree([row("a", "nobody"), row("b")], sight(), TODAY)
    assert [t.id for t in loose.roots] == ["a", "b"]
    assert [f.kind for f in loose.findings] == ["prosperity.task_parent"]
    circle = make_tree([row("a", "b"), row("b", "a"), row("c", "a")], sight(), TODAY)
    assert {t.id for root in circle.roots for t in root.walk()} == {"a", "b", "c"}
    assert {f.where for f in circle.findings} >= {"a", "b"}


def test_a_number_that_nobody_defines_is_said() -> None:
    (found,) = make_tree([row("a", indicator="prosperity.no_such")], sight(), TODAY).roots
    assert (found.light, found.indicator) == ("grey", "")
    assert "prosperity.no_such" in found.reason.en


def test_every_light_has_its_rule_in_both_languages() -> None:
    assert set(RULES) == set(LIGHTS)
    assert all(rule.zh and rule.en for rule in RULES.values())


def test_a_change_is_a_landing_by_a_named_account_and_the_old_tree_stays(tmp_path: Path) -> None:
    made = EmptyHuzhou.make(tmp_path)
    head = "task,branch,sequence,kind,title_zh,title_en,region,owner_zh,source\n"
    first = made.send(TABLE, (head + "x,x,1,task,甲,A,330500,,s\n").encode(), "first.csv")
    assert (first.by, first.landed) == ("clerk", 1)
    place = read_huzhou()
    now = Sight(made.numbers, place.regions, made.numbers.ask(), place.today)
    rows = made.lake.engine.run(made.lake.table(TABLE)).to_pylist()
    assert make_tree(rows, now, TODAY).roots[0].owner is None
