"""What pages of relief show: the month's bank file, a redacted notice, a household's awards with why and what changed, clauses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from yucun.base.period import Period
from yucun.base.text import Text
from yucun.kernel.cases import Case
from yucun.kernel.ledger import Reserved
from yucun.kernel.rules import Parameters
from yucun.kernel.rules.trace import Trace
from yucun.services.relief.models import PROGRAMME
from yucun.services.relief.planning import explain, make_assessor, make_population, read_people

SIMULATION = Text("含未核实参数，仅供模拟", "rests on unverified figures: simulation only")


@dataclass(frozen=True, slots=True)
class BankFile:
    """A month's run as it goes to the bank: its lines, their sum, and the hash by which it is signed."""

    month: str
    lines: int
    total_fen: int
    content: str
    mark: str


def write_bank_file(month: str, due: Sequence[Reserved]) -> BankFile:
    """Write what is due as a bank file: a line each, sum last; the same dues give the same file and hash.

    Examples
    --------
    >>> one = Reserved("award:A-1:dibao:2022-04", "relief:fund:330502001005", "relief:household:H-1", 93000, "relief.dibao",
    ...     "art. 12", "2022-04")
    >>> file = write_bank_file("2022-04", [one])
    >>> file.lines, file.total_fen, file.content.splitlines()[1]
    (1, 93000, 'award:A-1:dibao:2022-04,H-1,930.00,dibao,2022-04')
    """
    rows = ["number,payee,amount_yuan,programme,month"]
    for one in due:
        payee = one.destination.partition(":")[2].partition(":")[2]
        yuan = f"{one.amount // 100}.{one.amount % 100:02d}"
        rows.append(f"{one.id},{payee},{yuan},{one.reason.partition('.')[2]},{one.period}")
    total = sum(one.amount for one in due)
    rows.append(f"total,{len(due)},{total // 100}.{total % 100:02d},,{month}")
    content = "\n".join(rows) + "\n"
    return BankFile(month, len(due), total, content, "sha256:" + hashlib.sha256(content.encode()).hexdigest())


def hide_name(name: str) -> str:
    """A name as publicity shows it: the first sign, the rest starred.

    Examples
    --------
    >>> hide_name("欧阳某某"), hide_name("")
    ('欧***', '—')
    """
    return name[:1] + "*" * (len(name) - 1) if name else "—"


@dataclass(frozen=True, slots=True)
class Publicised:
    """One line of publicity: nobody can be found by it who is not known already."""

    name: str
    region: str
    people: int
    offer: str
    until: str


def publicise(case: Case, name: str, until: str) -> Publicised:
    """What is published of an application: starred name, village, people, amounts; a minor's name never, no illness, no income."""
    shown = "未成年人家庭 / a minor's household" if case.fields.get("is_minor_head") else hide_name(name)
    visible = [one for one in str(case.fields.get("offer", "")).split() if not one.startswith(_TELLING)]
    return Publicised(shown, case.region, int(case.fields.get("people", 0)), " ".join(visible), until)


# Programmes whose very name tells of illness or disability.
_TELLING = ("disability", "medical", "addon", "single")


def show_offer(offer: str) -> Text:
    """Programmes and amounts as people read them.

    Examples
    --------
    >>> show_offer("dibao=93000 edge=0").zh
    '最低生活保障 930.00 元、低保边缘'
    """
    parts = []
    for one in offer.split():
        name, _, fen = one.partition("=")
        title, amount = PROGRAMME[name].title, int(fen)
        yuan = f" {amount // 100}.{amount % 100:02d}"
        parts.append((title.zh + (f"{yuan} 元" if amount else ""), title.en + (f"{yuan} yuan" if amount else "")))
    return Text("、".join(zh for zh, _ in parts), ", ".join(en for _, en in parts))


def trace_offer(pack: Parameters, month: str, facts: str, programme: str) -> Trace:
    """Every step from what was stated to the amount, worked out again from the figures in force in that month."""
    period = Period.parse(month)
    people = read_people(facts.encode(), "stated")
    population = make_population(period, people)
    assessor = make_assessor(pack, period, population)
    home = people.households.column("household_id").to_pylist()[0]
    return explain(assessor, population, home, programme)


def explain_offer(pack: Parameters, month: str, facts: str, programme: str) -> Text:
    """The same in words, with all arithmetic."""
    return trace_offer(pack, month, facts, programme).to_text()


@dataclass(frozen=True, slots=True)
class Ground:
    """One thing that an amount rests on, as a household reads it: what it is, what it came to, by which clause."""

    title: Text
    shown: Text
    clause: Text


def list_grounds(found: Trace) -> list[Ground]:
    """What was worked out on the way to an amount, the amount first; without arithmetic, each title once."""
    grounds = [Ground(line.variable.title, line.shown, line.clause) for line in found.lines if line.formula]
    return list({(one.title.zh, one.shown.zh): one for one in grounds}.values())


def sum_by_village(due: Iterable[Reserved]) -> Mapping[str, tuple[int, int]]:
    """What is due and not taken, by village: lines and fen."""
    found: dict[str, tuple[int, int]] = {}
    for one in due:
        village = one.source.rpartition(":")[2]
        lines, amount = found.get(village, (0, 0))
        found[village] = (lines + 1, amount + one.amount)
    return found
