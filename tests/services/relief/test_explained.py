"""Row 11: what is printed for a household is worked out again, by hand, from its own lines, and is what was paid.

The evaluator below knows whole numbers, brackets, signs and a dozen words, and reads nothing but the printed lines.
``YUCUN_EXPLAINED=1000`` does it for a thousand random households.
"""

from __future__ import annotations

import ast
import os
import random
import re
from datetime import date
from typing import Any

from tests.services.relief.office import COUNTY, FINANCE, VILLAGES, Office
from yucun.base.period import Period
from yucun.city import SERVICES
from yucun.kernel.cases import Opening
from yucun.kernel.rules import Parameters
from yucun.services.relief.models import PROGRAMME
from yucun.services.relief.planning import assess_people, explain, make_assessor, make_population, read_people

COUNT = int(os.environ.get("YUCUN_EXPLAINED", "6"))
COLUMNS = (
    "household_id,person_id,role,counted_income_12m_fen,work_income_month_fen,works_since,money_assets_fen,"
    "rigid_expense_12m_fen,disability_kind,disability_grade,care_inability,addon_kind,used_kwh,birth,can_work,has_supporter"
)


def make_households(seed: int, count: int) -> str:
    """Random households around the lines, where what is due changes."""
    chance = random.Random(seed)
    rows = [COLUMNS]
    for number in range(count):
        kwh = chance.choice((0, 9, 15, 40, 180))
        for place in range(chance.randint(1, 5)):
            role = "head" if place == 0 else chance.choice(("child", "other"))
            income = chance.choice((0, chance.randint(0, 1_200_000), chance.randint(900_000, 3_000_000)))
            work, since = chance.choice(((0, ""), (chance.randint(0, 400_000), f"2021-{chance.randint(7, 12):02d}-05")))
            disability = chance.choice(
                ("none,0,none", "none,0,none", f"physical,{chance.randint(1, 4)},full", "mental,3,basic")
            )
            old = chance.random() < 0.1
            life = (
                f"{chance.randint(1930, 1958)}-03-02,false,false"
                if old
                else f"{chance.randint(1962, 2015)}-05-06,true,true"
            )
            rows.append(
                f"h{number},h{number}p{place},{role},{0 if old else income},{0 if old else work},{'' if old else since},"
                f"{chance.choice((0, 500_000, 4_000_000))},{chance.choice((0, 0, 900_000, 4_500_000))},{disability},"
                f"{chance.choice(('none', 'none', 'aged', 'minor'))},{kwh if place == 0 else ''},{life}"
            )
    return "\n".join(rows) + "\n"


SIGNS = {"×": "*", "−": "-", "≤": "<=", "≥": ">=", "≠": "!="}
WORDS: dict[str, Any] = {
    "larger": max,
    "smaller": min,
    "quotient": lambda n, d: abs(n) // d * (1 if n >= 0 else -1),
    "when": lambda condition, then, otherwise: then if condition else otherwise,
    "both": lambda one, other: one and other,
    "either": lambda one, other: one or other,
    "no": lambda one: not one,
    "year": lambda day: None if day is None else int(day[:4]),
    "month": lambda day: None if day is None else int(day[5:7]),
    "day": lambda day: None if day is None else int(day[8:]),
    "days": lambda first, last: None if first is None else (date.fromisoformat(last) - date.fromisoformat(first)).days,
    "blank": lambda one: one is None,
    "first_known": lambda *each: next((one for one in each if one is not None), None),
    "one_of": lambda one, *others: one in others,
}


def work_out(written: str) -> Any:
    """Work a line out by hand."""
    for sign, plain in SIGNS.items():
        written = written.replace(sign, plain)
    written = re.sub(r"(?<![<>!=])=(?!=)", "==", written).replace("∅", "None")
    return _value(ast.parse(re.sub(r"(?<![\w\"-])(\d{4}-\d\d-\d\d)(?![\w\"-])", r'"\1"', written), mode="eval").body)


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.UnaryOp():
            return -_value(node.operand)
        case ast.Name():
            return {"True": True, "False": False}.get(node.id, node.id)
        case ast.BinOp():
            left, right = _value(node.left), _value(node.right)
            if left is None or right is None:
                return None
            return {ast.Add: left + right, ast.Sub: left - right, ast.Mult: left * right}[type(node.op)]
        case ast.Compare():
            left, right = _value(node.left), _value(node.comparators[0])
            if left is None or right is None:
                return None
            kind = type(node.ops[0])
            return {ast.Lt: lambda: left < right, ast.LtE: lambda: left <= right, ast.Gt: lambda: left > right,
                    ast.GtE: lambda: left >= right, ast.Eq: lambda: left == right, ast.NotEq: lambda: left != right}[kind]()  # fmt: skip
        case ast.Call(func=ast.Name(id=word)):
            return WORDS[word](*(_value(each) for each in node.args))
    raise AssertionError(f"a line that cannot be worked out by hand: {ast.dump(node)[:200]}")


def read_lines(printed: str) -> list[tuple[str, str]]:
    """The arithmetic of each line and what it is said to be."""
    return [
        (left.strip(), right.strip())
        for left, _, right in (
            line.partition("arithmetic: ")[2].rpartition(" = ")
            for line in printed.splitlines()
            if "arithmetic: " in line
        )
    ]


def test_the_printed_explanation_is_what_was_paid() -> None:
    """Assessed, awarded, fallen due and paid; then the printed lines of each amount are worked out again."""
    period = Period.month(2022, 4)
    pack = Parameters.read(SERVICES / "relief" / "parameters.toml")
    people = read_people(make_households(11, COUNT).encode(), "made up")
    population = make_population(period, people)
    assessor = make_assessor(pack, period, population, "explained")
    due = [
        one
        for one in assess_people(assessor, population, {})
        if one.amount_fen and PROGRAMME[one.programme].to == "household"
    ]
    due = [one for one in due if PROGRAMME[one.programme].paid == "monthly"]
    office = Office(again=False)
    wishes = [
        Opening("relief.award", f"award:{one.household}:{one.programme}", COUNTY, one.household, VILLAGES[0],
                fields={"programme": one.programme, "amount_fen": one.amount_fen, "from_month": "2022-04", "to": "household",
                        "people": 1, "application": one.household, "clause": one.clause})
        for one in due
    ]  # fmt: skip
    with office.engine.books.write() as tx:
        office.engine.cases.open(tx, wishes, "awards", all_or_none=True)
    office.do("month_opened", {"month": "2022-04"}, FINANCE)
    office.at("2022-04-10 08:00")
    assert office.pay("2022-04").status == "done"
    recomputed: dict[str, int] = {}
    lines = 0
    for one in due:
        told = explain(assessor, population, one.household, one.programme).to_text()
        printed = read_lines(told.en)
        for written, said in printed:
            value = work_out(written)
            assert str(int(value) if said.split()[0].lstrip("-").isdigit() else bool(value)) == said.split()[0], (
                written,
                said,
            )
            lines += 1
        recomputed[one.household] = recomputed.get(one.household, 0) + int(work_out(printed[0][0]))
        assert "算式" in told.zh and "依据" in told.zh and one.clause in told.zh
    assert recomputed == {home: office.paid(home) for home in {one.household for one in due}}
    assert lines > 3 * len(due) > COUNT
    office.close()
