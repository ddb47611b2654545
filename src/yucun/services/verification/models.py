"""The nouns of a means check: items, the request and the answer of a provider, what is checked of them, made-up providers."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

from yucun.base.errors import Finding
from yucun.base.text import Text

# What may be asked for, and the column of a statement that says the same.
ITEMS: Mapping[str, Text] = {
    "income": Text("收入", "income"),
    "employment": Text("就业收入", "employment income"),
    "deposit": Text("存款", "deposits"),
    "security": Text("有价证券", "securities"),
    "insurance": Text("商业保险", "insurance"),
    "vehicle": Text("车辆船舶", "vehicles and vessels"),
    "dwelling": Text("住房", "dwellings"),
    "business": Text("工商登记", "business premises"),
}
STATED: Mapping[str, tuple[str, ...]] = {
    "income": (
        "counted_income_12m_fen",
        "income_wage_12m_fen",
        "income_pension_12m_fen",
        "income_self_employment_12m_fen",
    ),
    "employment": ("work_income_month_fen",),
    "deposit": ("money_assets_fen", "asset_deposit_fen", "asset_cash_fen"),
    "security": ("asset_security_fen", "asset_fund_fen"),
    "insurance": ("asset_insurance_value_fen",),
    "vehicle": ("owns_vehicle",),
    "dwelling": ("dwellings",),
    "business": ("owns_business_space",),
}
# Which register answers for what.
REGISTERS: Mapping[str, tuple[Text, tuple[str, ...]]] = {
    "tax": (Text("税务", "tax"), ("income",)),
    "social_insurance": (Text("社会保险", "social insurance"), ("employment",)),
    "banks": (Text("银行", "banks"), ("deposit",)),
    "brokers": (Text("证券", "brokers"), ("security",)),
    "insurers": (Text("保险", "insurers"), ("insurance",)),
    "vehicles": (Text("车管和海事", "vehicles and vessels"), ("vehicle",)),
    "real_estate": (Text("不动产登记", "real estate"), ("dwelling",)),
    "business_registry": (Text("市场监管", "business registry"), ("business",)),
}


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What one provider is asked: no more than the authorisation covers."""

    check: str
    authorisation: str
    persons: tuple[str, ...]
    items: tuple[str, ...]
    on: date

    def to_json(self) -> dict[str, Any]:
        """As it is sent."""
        return {
            "check": self.check,
            "authorisation": self.authorisation,
            "persons": list(self.persons),
            "items": list(self.items),
            "on": self.on.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Held:
    """What a register holds about one person: an amount in fen, or a count for dwellings, vehicles and premises."""

    person: str
    item: str
    amount: int
    as_of: date


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """A provider's answer as far as it may be used, and what had to be set aside."""

    provider: str
    held: tuple[Held, ...]
    findings: tuple[Finding, ...]


class Provider(Protocol):
    """Whoever answers for a register: gets a request as JSON and gives an answer as JSON."""

    @property
    def name(self) -> str:
        """The register that it answers for."""

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a request: ``{"check": …, "held": [{"person", "item", "amount", "as_of"}, …]}``."""


def read_answer(request: CheckRequest, provider: str, said: Mapping[str, Any], oldest_days: int) -> CheckAnswer:
    """Check an answer: what is of another check, another person, not asked for, stale or no amount is set aside."""
    findings: list[Finding] = []
    if said.get("check") != request.check:
        return CheckAnswer(provider, (), (_finding("other_check", provider, said.get("check"), request.check,
            "答复的不是这次核对", "the answer is to another check"),))  # fmt: skip
    held: list[Held] = []
    for one in said.get("held", ()):
        wrong = _judge(request, provider, one, oldest_days)
        if wrong is None:
            held.append(Held(one["person"], one["item"], one["amount"], date.fromisoformat(one["as_of"])))
        else:
            findings.append(wrong)
    return CheckAnswer(provider, tuple(held), tuple(findings))


def _judge(request: CheckRequest, provider: str, one: Mapping[str, Any], oldest_days: int) -> Finding | None:
    if one.get("person") not in request.persons:
        return _finding("other_person", provider, one.get("person"), "a person of the authorisation",
            "答复了未授权的人，已弃用", "the answer is about a person who is not authorised; it was set aside")  # fmt: skip
    if one.get("item") not in request.items:
        return _finding("not_asked", provider, one.get("item"), ", ".join(request.items),
            "答复了未询问的事项，已弃用", "the answer holds an item that was not asked for; it was set aside")  # fmt: skip
    if type(one.get("amount")) is not int or one["amount"] < 0:
        return _finding("no_amount", provider, one.get("amount"), "a whole number, 0 or more",
            "金额不是非负整数，已弃用", "the amount is no whole number of 0 or more; it was set aside")  # fmt: skip
    try:
        as_of = date.fromisoformat(str(one.get("as_of")))
    except ValueError:
        as_of = date.min
    if not request.on - timedelta(days=oldest_days) <= as_of <= request.on:
        return _finding("stale", provider, one.get("as_of"), f"within {oldest_days} days before {request.on}",
            "登记数据过旧或日期不对，已弃用", "the register's data are too old, or of no date; they were set aside")  # fmt: skip
    return None


@dataclass(frozen=True, slots=True)
class Difference:
    """What a register holds beyond what was stated, or the other way round."""

    provider: str
    person: str
    item: str
    stated: int
    found: int


def read_stated(facts: str) -> dict[tuple[str, str], int]:
    """What was stated, by person and item: sums of the columns that say the same."""
    found: dict[tuple[str, str], int] = {}
    for row in csv.DictReader(facts.splitlines()):
        for item, columns in STATED.items():
            found[row["person_id"], item] = sum(_count(row.get(column)) for column in columns)
    return found


def _count(said: str | None) -> int:
    if not said:
        return 0
    return {"true": 1, "false": 0}.get(said.lower(), int(said) if said.isdecimal() else 0)


def compare(answers: Iterable[CheckAnswer], stated: Mapping[tuple[str, str], int], tolerance: int) -> list[Difference]:
    """List what differs by more than the tolerance; counts of things differ by any."""
    found: list[Difference] = []
    for answer in answers:
        for one in answer.held:
            said = stated.get((one.person, one.item), 0)
            allowed = 0 if one.item in ("vehicle", "dwelling", "business") else tolerance
            if abs(one.amount - said) > allowed:
                found.append(Difference(answer.provider, one.person, one.item, said, one.amount))
    return found


@dataclass(frozen=True, slots=True)
class MadeUpProvider:
    """A made-up register: it holds what was stated and, for one person in twenty, a deposit that was not."""

    name: str
    world: Mapping[tuple[str, str], int]

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer for the persons and items asked."""
        held = [
            {"person": p, "item": i, "amount": self.world.get((p, i), 0) + self._hidden(p, i), "as_of": request["on"]}
            for p in request["persons"]
            for i in request["items"]
        ]
        return {"check": request["check"], "held": held}

    def _hidden(self, person: str, item: str) -> int:
        signs = hashlib.sha256(f"made up {person}".encode()).digest()
        return 5_000_000 if item == "deposit" and signs[0] % 20 == 0 else 0


def _finding(kind: str, where: str, found: object, expected: str, zh: str, en: str) -> Finding:
    return Finding(f"verification.{kind}", where, str(found)[:120], expected[:200], Text(zh, en))
