"""Reserve: hold an amount; then settle it once, in part or whole, void it, or let it time out."""

from __future__ import annotations

from yucun.base.text import Text
from yucun.kernel.ledger.model import Entry, Refusal, Transfer, refuse
from yucun.kernel.ledger.page import Page, check_limits, take_ends


def reserve(page: Page, transfer: Transfer) -> Refusal | None:
    """Hold an amount: it counts against both limits and moves nothing."""
    if transfer.until is not None and transfer.until <= page.now:
        return refuse(transfer.id, "until", transfer.until.isoformat(), "an instant ahead", Text(
            "预留的截止时间已过；请改为将来的时间", "the reservation would end before it begins; name an instant ahead"))  # fmt: skip
    ends = take_ends(page, transfer)
    if isinstance(ends, Refusal):
        return ends
    _, source, destination, ground = ends
    refusal = check_limits(transfer.id, source, destination, transfer.amount)
    if refusal is None:
        page.open[page.first + len(page.rows)] = transfer.until
        page.write(transfer.id, source, destination, transfer.amount, ground, "reserve", until=transfer.until)
    return refusal


def settle(page: Page, transfer: Transfer) -> Refusal | None:
    """Post a reservation once, in part or whole; what is left of it is free again."""
    held = _find_open(page, transfer)
    if isinstance(held, Refusal):
        return held
    amount = transfer.amount or held.amount
    if amount > held.amount:
        return refuse(transfer.id, "over_reserved", amount, f"{held.amount} or less", Text(
            f"只预留了 {held.amount}，不能入账 {amount}", f"only {held.amount} is reserved, {amount} cannot be posted of it"))  # fmt: skip
    _finish(page, transfer, held, amount, "settle")
    return None


def void(page: Page, transfer: Transfer) -> Refusal | None:
    """Free a reservation without posting any of it."""
    held = _find_open(page, transfer)
    if isinstance(held, Refusal):
        return held
    _finish(page, transfer, held, 0, "void")
    return None


def time_out(page: Page, held: Entry, transfer_id: str) -> None:
    """Free a reservation whose time is over; only the books ask for it."""
    del page.open[held.no]
    source, destination = page.accounts[held.source], page.accounts[held.destination]
    page.write(transfer_id, source, destination, 0, page.ground_of(held.ground), "time_out", held.no, held.amount)


def _find_open(page: Page, transfer: Transfer) -> Entry | Refusal:
    held = page.find_entry(transfer.of)
    if held is None or held.action != "reserve":
        return refuse(transfer.id, "no_reservation", transfer.of or "nothing", "the id of a reservation", Text(
            f"没有编号为「{transfer.of}」的预留；请核对", f"no reservation is called '{transfer.of}'; check its id"))  # fmt: skip
    if held.no not in page.open:
        return refuse(transfer.id, "not_open", transfer.of, "an open reservation", Text(
            f"预留「{transfer.of}」已入账、撤销或过期；只能办理一次",
            f"the reservation '{transfer.of}' is settled, void or timed out already; it can be finished once"))  # fmt: skip
    until = page.open[held.no]
    if until is not None and until <= page.now:
        return refuse(transfer.id, "timed_out", until.isoformat(), "an instant ahead", Text(
            f"预留「{transfer.of}」已于 {until.isoformat()} 到期；请重新预留",
            f"the reservation '{transfer.of}' timed out at {until.isoformat()}; reserve again"))  # fmt: skip
    return _check_said(page, transfer, held) or held


def _check_said(page: Page, transfer: Transfer, held: Entry) -> Refusal | None:
    source, destination = page.accounts[held.source], page.accounts[held.destination]
    for said, right in (
        (transfer.source, source.name),
        (transfer.destination, destination.name),
        (transfer.kind, source.kind),
    ):
        if said and said != right:
            return refuse(transfer.id, "not_as_reserved", said, right, Text(
                f"与所指「{transfer.of}」不一致：{said}，应为 {right}", f"differs from '{transfer.of}': {said}, not {right}"))  # fmt: skip
    if transfer.reason and transfer.reason not in page.chart.postings:
        return refuse(transfer.id, "unknown_reason", transfer.reason, "a reason of the chart", Text(
            f"科目表中没有事由「{transfer.reason}」", f"the chart has no reason '{transfer.reason}'; name one that it has"))  # fmt: skip
    return None


def _finish(page: Page, transfer: Transfer, held: Entry, amount: int, action: str) -> None:
    del page.open[held.no]
    reason, clause, period = page.ground_of(held.ground)
    if transfer.reason not in ("", reason):
        reason = transfer.reason
        clause = page.chart.postings[reason].clause or clause
    ground = (reason, transfer.clause or clause, transfer.period or period)
    page.write(
        transfer.id,
        page.accounts[held.source],
        page.accounts[held.destination],
        amount,
        ground,
        "settle" if action == "settle" else "void",
        held.no,
        held.amount,
    )
