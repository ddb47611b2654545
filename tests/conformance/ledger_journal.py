"""Reads plain-text accounting journals into the ledger, as far as they speak of accounts, amounts and balances.

A transaction becomes one chain of transfers, all or none: in each commodity those who give are paired with those who
take; what is exchanged at a price goes through the account ``(exchange)``, what is virtual through ``(virtual)``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from yucun.base.text import Text
from yucun.kernel.ledger import Chart, Kind, Pattern, Posting, Transfer

_HEAD = re.compile(r"(\S+?)(?:=\S+)?\s+(?:([*!])\s+)?(?:\(([^)]*)\)\s*)?(.*)")
_NUMBER = r"-?[\d.,]*\d"
_AMOUNT = re.compile(
    rf'(?P<sign>-?)\s*(?P<before>[^\W\d_]+|[$€£]|"[^"]+")?\s*(?P<number>{_NUMBER})\s*(?P<after>[^\W\d_]+|[$€£]|"[^"]+")?'
)


@dataclass(frozen=True)
class Amount:
    """A quantity of a commodity; a lot is a commodity of its own, named with its price."""

    number: Decimal
    commodity: str


@dataclass
class Leg:
    """One posting of a journal; ``cost`` is what it weighs when the transaction is balanced."""

    account: str
    amount: Amount | None
    cost: Amount | None
    state: str
    is_virtual: bool
    asserted: Amount | None


@dataclass
class Journal:
    """What a journal file holds."""

    transactions: list[tuple[str, str, list[Leg]]] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    units: dict[str, tuple[str, Decimal]] = field(default_factory=dict)
    decimals: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Wrong(ValueError):
    """A line that cannot be read."""


def read_amount(journal: Journal, text: str, *, is_price: bool = False) -> Amount:
    """Read ``$10.00``, ``10 EUR``, ``"A B" 3`` or a sum in brackets."""
    if text.startswith("("):
        parts = [read_amount(journal, part.strip()) for part in text.strip("()").split("+")]
        return Amount(sum((part.number for part in parts), Decimal(0)), parts[0].commodity)
    text, _, times = (part.strip() for part in text.partition("*"))
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise Wrong("No quantity specified for amount")
    word = found["number"]
    if "," in word and re.search(r",\d\d$", word) and "." not in word:
        word = word.replace(",", ".")  # a decimal comma
    elif "," in word and not re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", word):
        raise Wrong("Incorrect use of thousand-mark comma")
    number = Decimal(word.replace(",", "")) * (-1 if found["sign"] else 1)
    commodity = (found["before"] or found["after"] or "").strip('"')
    unit, factor = journal.units.get(commodity, (commodity, Decimal(1)))
    number *= factor * Decimal(times or 1)
    if factor == 1 and not is_price:
        journal.decimals[unit] = max(journal.decimals[unit], -int(number.as_tuple().exponent), 0)
    return Amount(number, unit)


def read_journal(text: str, held: Callable[[Journal, str, str], Decimal]) -> Journal:
    """Read a journal up to its tests; ``held`` says what an account holds before the transaction, for assertions."""
    journal = Journal()
    lines = re.split(r"^test ", text, maxsplit=1, flags=re.MULTILINE)[0].splitlines()
    number = 0
    while number < len(lines):
        line, first = lines[number], number + 1
        number += 1
        body = []
        while number < len(lines) and lines[number][:1] in (" ", "\t") and lines[number].strip():
            body.append((number + 1, lines[number]))
            number += 1
        if line[:1].isdigit():
            _read_transaction(journal, first, line, body, held)
        elif line.startswith("C "):
            whole, part = (re.fullmatch(r"([\d.]+)(\w+)", word) for word in line[2:].replace(" ", "").split("="))
            assert whole and part
            unit, factor = journal.units.get(part[2], (part[2], Decimal(1)))
            journal.units[whole[2]] = (unit, Decimal(part[1]) / Decimal(whole[1]) * factor)
        elif line.startswith("~") and not re.match(r"~ (daily|weekly|monthly|yearly|every)", line, re.IGNORECASE):
            journal.errors[first] = "Unexpected date period token"
    return journal


def _read_transaction(
    journal: Journal, first: int, line: str, body: list[tuple[int, str]], held: Callable[[Journal, str, str], Decimal]
) -> None:
    head = _HEAD.fullmatch(line) or _HEAD.fullmatch(line + " ")
    assert head
    if not re.fullmatch(r"\d{4}[/-]\d{1,2}[/-]\d{1,2}", head[1]):
        journal.errors[first] = "Invalid date"
        return
    payee, legs = head[4], list[Leg]()
    for number, text in body:
        if text.strip().startswith(";"):
            payee = text.split("Payee:")[1].strip() if "Payee:" in text else payee
            continue
        try:
            leg = _read_leg(journal, text.strip(), head[2] or "")
        except Wrong as error:
            journal.errors[number] = str(error)
            return
        if leg.amount is None and leg.asserted is None and any(x.amount is None and x.asserted is None for x in legs):
            journal.errors[number] = "Only one posting with null amount allowed per transaction"
            return
        if leg.asserted is not None and (leg.amount is None):
            before = held(journal, leg.account, leg.asserted.commodity)
            leg.amount = Amount(leg.asserted.number - before, leg.asserted.commodity)
        legs.append(leg)
    left: dict[str, Decimal] = defaultdict(Decimal)
    for leg in legs:
        if leg.amount is not None and not leg.is_virtual:
            weight = leg.cost or leg.amount
            left[weight.commodity] += weight.number
    blank = next((leg for leg in legs if leg.amount is None), None)
    if blank is not None:
        legs.remove(blank)
        legs += [Leg(blank.account, Amount(-n, c), None, blank.state, False, None) for c, n in left.items()]
    elif sum(abs(n) >= Decimal("0.01") for n in left.values()) == 1:
        journal.errors[body[-1][0]] = "Transaction does not balance"
        return
    journal.transactions.append((head[1].replace("-", "/"), payee, legs))


def _read_leg(journal: Journal, text: str, state: str) -> Leg:
    text = text.split(" ;")[0].split("\t;")[0].rstrip()
    marked = re.match(r"([*!])\s+(.*)", text)
    if marked:
        state, text = marked[1], marked[2]
    account, _, rest = (part.strip() for part in re.sub(r"\s{2,}|\t", "\0", text, count=1).partition("\0"))
    rest, _, asserted = (part.strip() for part in rest.partition("=")) if "=" in rest else (rest, "", "")
    rest, sign, price = (part.strip() for part in re.sub(r"\s*(@@?)\s*", r"\0\1\0", rest).partition("\0"))
    sign, _, price = price.partition("\0") if sign else ("", "", "")
    lot = re.search(r"\{([^}]*)\}(?:\s*\[([^\]]*)\])?", rest)
    rest = rest[: lot.start()].strip() if lot else rest
    amount = read_amount(journal, rest) if rest else None
    cost = None
    if amount is not None and (sign or lot):
        each = read_amount(journal, lot[1] if lot else price, is_price=True)  # a lot weighs what it was bought for
        cost = Amount(each.number * (1 if sign == "@@" else amount.number), each.commodity)
        if lot:
            amount = Amount(amount.number, f"{amount.commodity} {lot[0]}")
    virtual = account.startswith("(")
    account = account.strip("()[]")
    return Leg(account, amount, cost, state, virtual, read_amount(journal, asserted) if asserted else None)


def make_journal_chart(journal: Journal) -> Chart:
    """A chart with one kind for each commodity and accounts of any name."""
    found = {leg.amount.commodity for _, _, legs in journal.transactions for leg in legs if leg.amount}
    kinds = {name: Kind(name, Text.same(name), journal.decimals[name], f"K{n}") for n, name in enumerate(sorted(found))}
    pattern = Pattern("{any}", Text.same("any"), tuple(kinds), "assets", "", None, None, True)
    ends = frozenset({"{any}"})
    postings = {name: Posting(name, Text.same(name), "", name, ends, ends) for name in kinds}
    return Chart(kinds, {"{any}": pattern}, postings, {"any": ".+"})


def make_transfers(chart: Chart, number: int, day: str, payee: str, legs: list[Leg]) -> list[Transfer]:
    """Turn one transaction into its chain of transfers."""
    moves: dict[str, list[list[object]]] = defaultdict(list)
    for leg in legs:
        assert leg.amount is not None
        kind = chart.kinds[leg.amount.commodity]
        amount = int((leg.amount.number * 10**kind.decimals).to_integral_value())
        moves[kind.name].append([leg.account, amount, leg.state])
        if leg.is_virtual:
            moves[kind.name].append(["(virtual)", -amount, leg.state])
    transfers = []
    for kind_name, ends in moves.items():
        ends.append(["(exchange)", -sum(int(str(end[1])) for end in ends), ""])
        for giver in ends:
            for taker in ends:
                amount = min(-int(str(giver[1])), int(str(taker[1])))
                if amount > 0 and giver[0] != taker[0]:
                    giver[1], taker[1] = int(str(giver[1])) + amount, int(str(taker[1])) - amount
                    said = f"{day}|{giver[2]}|{taker[2]}"
                    name = f"{number}-{len(transfers)}"
                    transfers.append(
                        Transfer(
                            name,
                            str(giver[0]),
                            str(taker[0]),
                            amount,
                            kind_name,
                            kind_name,
                            payee or "-",
                            said,
                            chain=f"x{number}",
                        )
                    )
    return transfers
