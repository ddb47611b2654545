"""Holds, fees and balances of two public markets, run on our books.

Sources: regen-network/regen-ledger @ d0f60efd, x/ecocredit/*/keeper/features, and exchange-core/exchange-core @ 2f854874,
basic.feature; both Apache-2.0. A sell order is a reservation of its seller's credits; a sale settles as much of it as was
bought and reserves the rest anew, in one chain with the payment and both fees, so that all of it happens or none.
The rules of those features that are not about holds, fees or balances are listed in `OUT_OF_SCOPE`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from yucun.base.clock import SimulatedClock
from yucun.base.text import Text
from yucun.kernel.books import Books
from yucun.kernel.ledger import ORGAN, Chart, Kind, Ledger, Pattern, Posted, Posting, Transfer

FILES = ("marketplace/msg_buy_direct", "marketplace/msg_sell", "base/msg_cancel", "base/msg_retire")
# Rules by the words they begin with, and why they are not ours.
OUT_OF_SCOPE = {
    "Message": "checks the wording of a message, which is a contract's work",
    "Event is emitted": "events of that chain; our journal line is the event",
    "Events are emitted": "as above",
    "The sell order must exist": "an order book's business; the ledger knows reservations, refused as 'no_reservation' elsewhere",
    "The buyer must not be the seller": "a market's rule about parties",
    "The bid denom": "a market's rule about prices",
    "The buyer must provide a bid price": "a market's rule about prices",
    "The buyer cannot disable auto-retire": "a market's option",
    "The sell order is removed": "an order book's business",
    "The credit batch must exist": "a registry of batches",
    "The ask denom": "a market's list of currencies",
    "The expiration": "a market's rule about dates; time-outs are tested with the ledger",
    "The market is created": "an order book's business",
    "The sell orders are stored": "an order book's business",
    "The response includes": "answers of that chain",
}
IN_SCOPE = 53  # scenarios, examples counted one by one
KINDS = ("credit", "regen", "uregen", "foo", "atom", "USD", "XBT", "ETH")


@dataclass
class Scenario:
    """One scenario with its steps, each with the text that hangs on it."""

    file: str
    rule: str
    name: str
    steps: list[tuple[str, str]]


def read_feature(path: Path, name: str) -> Iterator[Scenario]:
    """Read scenarios of a feature, outlines once for each example."""
    rule, background, current, examples = "", list[tuple[str, str]](), list[tuple[str, str]](), list[list[str]]()
    title, kind = "", ""

    def finish() -> Iterator[Scenario]:
        if kind == "Scenario":
            heads, *rows = examples or [[], []]
            for row in rows or [[]]:
                filled = [(_fill(step, heads, row), more) for step, more in current]
                yield Scenario(name, rule, title + (f" [{row[-1]}]" if row else ""), background + filled)

    lines = iter(path.read_text(encoding="utf-8").splitlines())
    for line in map(str.strip, lines):
        head = re.match(r"(Rule|Background|Scenario Outline|Scenario|Examples):\s*(.*)", line)
        step = re.match(r"(?:Given|When|Then|And|\*) (.*)", line)
        if head and head[1] != "Examples":
            yield from finish()
            kind, title = head[1].split()[0], head[2]
            if kind == "Rule":
                rule, background = title, []
            current = background if kind == "Background" else []
            examples = []
        elif step:
            current.append((step[1], ""))
        elif line.startswith("|"):
            examples.append([cell.strip() for cell in line.strip("|").split("|")])
        elif line == '"""':
            text = "".join(iter(lambda: next(lines).strip(), '"""'))
            current[-1] = (current[-1][0], text)
    yield from finish()


def _fill(step: str, heads: list[str], row: list[str]) -> str:
    for head, value in zip(heads, row, strict=True):
        step = step.replace(f"<{head}>", value)
    return step


def make_market_chart() -> Chart:
    """Credits and currencies; every account but the issuer's stays at zero or above."""
    kinds = {name: Kind(name, Text.same(name), 6 if name == "credit" else 0, name.upper()) for name in KINDS}

    def pattern(name: str, lowest: int | None) -> Pattern:
        return Pattern(name, Text.same(name), KINDS, "assets", "", lowest, None, True)

    patterns = {p.name: p for p in (pattern("{who}:{part}", 0), pattern("issuer", None))}
    ends = frozenset(patterns)
    postings = {name: Posting(name, Text.same(name), "made-up rule", name, ends, ends) for name in KINDS}
    return Chart(kinds, patterns, postings, {"who": "[a-z]+", "part": "[a-z]+"})


@dataclass
class Market:
    """What the steps of a scenario act on."""

    ledger: Ledger = field(default_factory=lambda: Ledger(make_market_chart()))
    books: Books = field(
        default_factory=lambda: Books.open("sqlite://", [ORGAN], SimulatedClock.on(date(2020, 1, 1), ticking=False))
    )
    orders: list[dict[str, Any]] = field(default_factory=list)
    fees: dict[str, Decimal] = field(default_factory=dict)
    most: str = ""
    error: str = ""
    count: int = 0

    def next_id(self) -> str:
        self.count += 1
        return f"t{self.count}"

    def move(self, source: str, to: str, amount: int, kind: str, **more: Any) -> Transfer:
        return Transfer(self.next_id(), source, to, amount, kind, kind, **more)

    def post(self, *transfers: Transfer) -> Posted:
        with self.books.write() as tx:
            posted = self.ledger.post(tx, [one for one in transfers if one.amount or one.action in ("settle", "void")])
        for refusal in posted.refused:
            if refusal.finding.kind != "ledger.chain":
                self.error = refusal.finding.kind
        with self.books.read() as tx:
            self.ledger.check(tx)
        return posted

    def give(self, who: str, part: str, amount: int, kind: str) -> None:
        self.post(self.move("issuer", f"{who}:{part}", amount, kind))

    def held(self, name: str, kind: str) -> tuple[int, int]:
        """What is free and what is reserved on an account."""
        with self.books.read() as tx:
            found = self.ledger.balance(tx, name, kind)
        return (found.available, found.going_out or 0) if found.standing != "not_known" else (0, 0)

    def credits(self, text: str) -> int | None:
        """Whole millionths of a credit; None, with the error, when it is finer than the kind can hold."""
        number = Decimal(text).scaleb(6)
        if number != number.to_integral_value():
            self.error = "finer than the kind's scale"
            return None
        return int(number)

    def sell(self, who: str, quantity: str, ask: int, denom: str, *, give: bool) -> None:
        amount = self.credits(quantity)
        if amount is None:
            return
        if give:
            self.give(who, "tradable", amount, "credit")
        hold = self.move(f"{who}:tradable", "market:clearing", amount, "credit", action="reserve")
        if self.post(hold).done:
            self.orders.append({"seller": who, "hold": hold.id, "left": amount, "ask": ask, "denom": denom})

    def buy(self, who: str, order: dict[str, Any], quantity: str, *, retire: bool) -> None:
        amount = self.credits(quantity)
        if amount is None or amount > order["left"]:
            self.error = self.error or "ledger.over_reserved"
            return
        denom, seller = order["denom"], order["seller"]
        price = int(Decimal(amount).scaleb(-6) * order["ask"])
        paid, kept = (int(price * self.fees.get(side, Decimal(0))) for side in ("buyer", "seller"))
        if self.most and paid > int(re.match(r"\d+", self.most)[0]):  # type: ignore[index]
            self.error = "max fee"
            return
        pool = "issuer" if denom == "uregen" else "fees:pool"  # that chain burns its own coin
        chain = f"sale{self.count}"
        rest = self.move(
            f"{seller}:tradable", "market:clearing", order["left"] - amount, "credit", action="reserve", chain=chain
        )
        done = self.post(
            Transfer(self.next_id(), amount=amount, action="settle", of=order["hold"], chain=chain),
            rest,
            self.move("market:clearing", f"{who}:{'retired' if retire else 'tradable'}", amount, "credit", chain=chain),
            self.move(f"{who}:bank", f"{seller}:bank", price, denom, chain=chain),
            self.move(f"{who}:bank", pool, paid, denom, chain=chain),
            self.move(f"{seller}:bank", pool, kept, denom, chain=chain),
        ).done
        if done:
            order.update(hold=rest.id, left=order["left"] - amount)


def run(market: Market, step: str, more: str) -> None:
    """Act out one step."""
    word = dict(re.findall(r'([a-z][a-z ]*?) "([^"]*)"', step))
    word = {re.sub(r".*\b(?:and|with) ", "", key): value for key, value in word.items()}
    who = step.split()[0].removesuffix("'s")
    if re.match(r"(a credit|an allowed|a credit batch)", step) or "'s address" in step:
        return
    if " sell order" in step and "created" in step:
        quantity = word.get("quantity") or word.get("each with quantity") or "10"
        ask = re.match(r"(\d+)([a-z]*)", word.get("ask price") or word.get("ask amount") or "10")
        assert ask
        for _ in range(2 if "two" in step else 1):
            market.sell(who, quantity, int(ask[1]), ask[2] or "regen", give=True)
    elif coin := re.search(r'bank balance "(\d+)(\w+)"', step):
        name = step.removeprefix("expect ").split()[0]
        if step.startswith("expect"):
            name = "fees:pool" if "fee pool" in step else f"{name}:bank"
            assert market.held(name, coin[2])[0] == int(coin[1])
        elif int(coin[1]):
            market.give(name, "bank", int(coin[1]), coin[2])
    elif coin := re.search(r'expect fee pool balance "(\d+)(\w+)"', step):
        assert market.held("fees:pool", coin[2])[0] == int(coin[1])
    elif rates := re.search(r"buyer fees are ([\d.]+) and seller fees are ([\d.]+)", step):
        market.fees = {"buyer": Decimal(rates[1]), "seller": Decimal(rates[2])}
    elif "sets a max fee" in step:
        market.most = re.search(r'"(.*)"', step)[1]  # type: ignore[index]
    else:
        _run_credits(market, step, more, who)


def _run_credits(market: Market, step: str, more: str, who: str) -> None:
    number = re.search(r'(?:quantity|amount|balance) "([\d.]+)"', step)
    quantity = number[1] if number else ""
    if "attempts to" in step:
        _attempt(market, step, who, quantity)
    elif "batch balance" in step or "batch supply" in step:
        if more:
            _compare_batch(market, step, json.loads(more), step.removeprefix("expect ").split()[0])
        else:
            market.give(who, "tradable", market.credits(quantity or "100") or 0, "credit")
    elif "tradable" in step and not step.startswith("expect"):
        market.give(who, "tradable", market.credits(quantity or "100") or 0, "credit")
    else:
        _expect(market, step, quantity)


def _attempt(market: Market, step: str, who: str, quantity: str) -> None:
    if "to buy" in step:
        if not any(market.held(f"{who}:bank", denom) != (0, 0) for denom in KINDS[1:]):
            market.give(who, "bank", 10_000, market.orders[0]["denom"] if market.orders else "regen")
        orders = market.orders[:2] if "two orders" in step else market.orders[:1]
        for order in orders:
            market.buy(who, order, quantity or "10", retire='auto retire "true"' not in step)
    elif "to create" in step:
        for _ in range(2 if "two" in step else 1):
            market.sell(who, quantity or "100", 10, "regen", give=False)
    else:
        amount = market.credits(quantity)
        if amount is not None:
            to = "batch:cancelled" if "to cancel" in step else f"{who}:retired"
            market.post(market.move(f"{who}:tradable", to, amount, "credit"))


def _expect(market: Market, step: str, quantity: str) -> None:
    if found := re.match(r'expect (\w+) (tradable|escrowed) credit balance "(\d+)"', step):
        free, held = market.held(f"{found[1]}:tradable", "credit")
        assert (free if found[2] == "tradable" else held) == int(found[3]) * 10**6
    elif step.startswith("expect sell order with quantity"):
        assert market.orders[0]["left"] == int(quantity) * 10**6
    elif step == "expect no error":
        assert market.error == ""
    elif found := re.match(r'expect (?:the )?error (?:contains )?"(.*)"', step):
        _compare_error(market, found[1])
    elif not step.startswith("expect event"):
        raise AssertionError(f"no such step: {step}")


def _compare_error(market: Market, said: str) -> None:
    for words, kind in (
        ("insufficient", "ledger.short"),
        ("sell order quantity", "ledger.over_reserved"),
        ("decimal places", "finer than the kind's scale"),
        ("max fee", "max fee"),
    ):
        if words in said:
            assert market.error == kind
            return
    assert (said, market.error) == ("", "")


def _compare_batch(market: Market, step: str, right: dict[str, str], who: str) -> None:
    names = {"alice": ("alice",), "bob": ("bob",)}.get(who, ("alice", "bob"))
    free = [market.held(f"{name}:tradable", "credit") for name in names]
    found = {
        "tradable_amount": sum(one[0] for one in free),
        "escrowed_amount": sum(one[1] for one in free),
        "retired_amount": sum(market.held(f"{name}:retired", "credit")[0] for name in names),
        "cancelled_amount": market.held("batch:cancelled", "credit")[0],
    }
    if "supply" in step:
        found["tradable_amount"] += found["escrowed_amount"]
    wanted = {name: int(value) * 10**6 for name, value in right.items()}
    if not step.startswith("expect"):  # a state that is given: bring it about where it is not there yet
        if wanted["tradable_amount"] > found["tradable_amount"]:
            market.give(who, "tradable", wanted["tradable_amount"] - found["tradable_amount"], "credit")
        return
    assert {name: found[name] for name in wanted} == wanted


def list_scenarios(folder: Path) -> list[Scenario]:
    """Scenarios of the rules that are about holds, fees and balances."""
    found = [one for name in FILES for one in read_feature(folder / "ecocredit" / f"{name}.feature", name)]
    return [
        one for one in found if one.rule and not one.rule.lower().startswith(tuple(w.lower() for w in OUT_OF_SCOPE))
    ]


@pytest.mark.data("market")
def test_every_scenario_of_holds_fees_and_balances(data_folder: Path, subtests: pytest.Subtests) -> None:
    scenarios = list_scenarios(data_folder / "market")
    for scenario in scenarios:
        with subtests.test(file=scenario.file, rule=scenario.rule, scenario=scenario.name):
            market = Market()
            for step, more in scenario.steps:
                run(market, step, more)
            market.books.close()
    assert len(scenarios) == IN_SCOPE


@pytest.mark.data("market")
def test_cancelled_bid_frees_its_hold(data_folder: Path) -> None:
    text = (data_folder / "market" / "exchange_core" / "basic.feature").read_text(encoding="utf-8")
    story = text.split("@CancelBidOrder")[1]
    start, held, freed = (int(n) for n in re.findall(r"XBT\s*\|\s*(\d+)", story))
    price, size = (int(n) for n in re.findall(r"BID order 203 at (\d+)@(\d+)", story)[0])
    market = Market()
    market.give("charlie", "bank", start, "XBT")
    lot = (start - held) // (price * size)
    market.post(Transfer("bid", "charlie:bank", "market:clearing", price * size * lot, "XBT", "XBT", action="reserve"))
    assert market.held("charlie:bank", "XBT") == (held, start - held)
    assert market.held("charlie:bank", "ETH") == (0, 0)
    market.post(Transfer("cancel", action="void", of="bid"))
    assert market.held("charlie:bank", "XBT") == (freed, 0) == (start, 0)
    market.books.close()
