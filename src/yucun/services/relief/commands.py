"""The verbs of relief: `assess` a file of households without a city; `why` an amount is due or paid, in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from yucun.base.errors import Finding, NotKnown, RuleError
from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.rules import check_book, read_parameters
from yucun.kernel.rules.evaluate import SIMULATION_ONLY
from yucun.services.relief.pages.reading import explain_offer
from yucun.services.relief.planning import assess_people, make_assessor, make_population, parameters_of, read_people
from yucun.services.relief.rules import BOOK

VERBS = {
    "assess": Text(
        "按某月的标准核算一批家庭，写出每户每项的结论、金额和条款；核算不是决定",
        "assess households for a month: status, amount and clause of each programme; an assessment is not a decision",
    ),
    "why": Text(
        "一笔应发或已发从何而来：账上各步、决定及其理由、算式和条款",
        "where an amount that is due or paid comes from: the books, the decisions with reasons, the arithmetic and clauses",
    ),
}


EXAMPLES = {
    "assess": ("relief assess --households homes.csv --month 2022-03 --out due.csv",),
    "why": ("relief why award:S00001:dibao:2022-04",),
}
WORDS = {
    "households": Text("家庭表（CSV，一人一行，金额用分）", "the households (CSV, a row a person, money in fen)"),
    "month": Text("哪个月，如 2022-03", "which month, such as 2022-03"),
    "parameters": Text("本地标准（TOML），盖在自带标准之上", "a place's own figures (TOML), laid over those that ship"),
    "out": Text("结果写到哪里（CSV）", "where the answer goes (CSV)"),
    "payment": Text("应发或已发的编号", "the number of what is due or paid"),
}
NONE = Path()
FIGURES = Path(__file__).with_name("parameters.toml")


def assess(*, households: Path, month: str, out: Path, parameters: Path = NONE) -> Text:
    """Assess a file of households.

    Parameters
    ----------
    households : Path
        CSV, a row a person: ``household_id, person_id, role``, money in fen, ``works_since`` a date or blank,
        ``class`` the programme under which the household receives now, or blank.
    parameters : Path
        A place's values, laid over the service's own; without it those stand.
    out : Path
        CSV: ``household_id, programme, status, amount_fen, clause``. Status is ``meets``, ``meets_not``, or
        ``review`` where a household receives and no longer meets: a named person decides.

    Raises
    ------
    RuleError, ParameterError
        With every finding; nothing is written then.
    """
    period = Period.parse(month)
    pack = read_parameters(FIGURES, parameters if parameters != NONE else None)
    check_book(BOOK, pack)
    try:
        data = households.read_bytes()
    except OSError as error:
        raise RuleError(
            Finding(
                "relief.households", households.name, str(error)[:120], "a CSV file",
                Text(f"文件读不出：{error}", f"the file cannot be read: {error}"),
            )
        ) from None  # fmt: skip
    people = read_people(data, households.name)
    population = make_population(period, people)
    assessor = make_assessor(pack, period, population)
    found = assess_people(assessor, population, people.classes)
    names = ("household_id", "programme", "status", "amount_fen", "clause")
    rows = [(one.household, one.programme, one.status, one.amount_fen, one.clause) for one in found]
    csv.write_csv(pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))), out)
    count = population.households.num_rows
    note = SIMULATION_ONLY if pack.is_simulation_only else Text("", "")
    return Text(
        f"核算 {count} 户，写到 {out} {note.zh}".strip(), f"assessed {count} households into {out} {note.en}".strip()
    )


def why(payment: str, city: Any) -> Text:
    """Say where a payment comes from.

    Parameters
    ----------
    city : City
        The open city.
    payment : str
        The number of what is due, such as ``award:S00001:dibao:2022-04``, or of its payment (``paid:…``).

    Raises
    ------
    NotKnown
        Nothing is due under that number.
    """
    number = payment.removeprefix("paid:").removeprefix("returned:")
    ledger, cases = city.work.ledger, city.work.cases
    with city.books.read() as tx:
        line = ledger.find_reserved(tx, number)
        if line is None:
            raise NotKnown(
                Finding(
                    "relief.no_payment", payment[:120], "nothing", "the number of an amount that is due",
                    Text(
                        f"没有应发「{payment}」；编号见月度发放页",
                        f"nothing is due under '{payment}'; numbers stand on the month's page",
                    ),
                )
            )  # fmt: skip
        home = line.destination.rpartition(":")[2]
        told = ledger.statement(tx, f"household:{home}")
        lines = [one for account in told.accounts for one in account.lines]
        award = cases.find(tx, number.rpartition(":")[0])
        history = cases.history(tx, award) if award is not None else []
        name = str(award.fields["application"]) if award is not None else ""
        case = cases.find(tx, f"relief:{name}")
        mark = str(case.fields.get("facts", "")) if case is not None else ""
    steps = [one for one in lines if number in (one.id, one.about) or one.about == f"paid:{number}"]
    facts = city.work.engine.read_texts([mark]).get(mark, "")
    said = [Text(
        f"{line.id}：{line.amount // 100}.{line.amount % 100:02d} 元，{line.period}，{line.clause}",
        f"{line.id}: {line.amount // 100}.{line.amount % 100:02d} yuan, {line.period}, {line.clause}",
    )]  # fmt: skip
    said += [Text(f"  账：{s.at[:16]} {s.action} {s.id}", f"  books: {s.at[:16]} {s.action} {s.id}") for s in steps]
    for move in history:
        words = f"{move.at:%Y-%m-%d} {move.move} · {move.by} · {move.reason or '—'}"
        said.append(Text(f"  决定：{words}", f"  decision: {words}"))
    if case is not None and award is not None and facts and case.fields.get("month"):
        pack = city.work.engine.services["relief"].pack.derive(parameters_of)
        said.append(explain_offer(pack, str(case.fields["month"]), facts, str(award.fields["programme"])))
    elif award is not None:
        said.append(
            Text("  申报内容不在，算式不能再现", "  what was stated is not there: the arithmetic cannot be shown again")
        )
    return Text("\n".join(one.zh for one in said), "\n".join(one.en for one in said))
