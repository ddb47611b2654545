"""Reverse: move a posting back, once, naming what is reversed and why."""

from __future__ import annotations

from yucun.base.text import Text
from yucun.kernel.ledger.model import Refusal, Transfer, refuse
from yucun.kernel.ledger.page import Page, check_limits


def reverse(page: Page, transfer: Transfer) -> Refusal | None:
    """Move the whole of a posting back; the posting itself stays as it is.

    A reversal has a reason and a clause of its own. It is refused when the receiver no longer has the amount:
    what is spent cannot be taken back by a book entry.
    """
    entry = page.find_entry(transfer.of)
    if entry is None or entry.action not in ("post", "settle") or not entry.amount:
        return refuse(transfer.id, "no_posting", transfer.of or "nothing", "the id of a posting", Text(
            f"没有编号为「{transfer.of}」的入账；预留请用撤销，冲正不再冲正",
            f"no posting is called '{transfer.of}'; void a reservation, and post anew instead of reversing a reversal"))  # fmt: skip
    if entry.no in page.reversed:
        return refuse(transfer.id, "reversed_already", transfer.of, "a posting that stands", Text(
            f"「{transfer.of}」已由第 {page.reversed[entry.no]} 笔冲正",
            f"'{transfer.of}' was reversed by entry {page.reversed[entry.no]} already"))  # fmt: skip
    if transfer.amount not in (0, entry.amount):
        return refuse(transfer.id, "not_whole", transfer.amount, str(entry.amount), Text(
            f"冲正须为全额 {entry.amount}；部分退回请另行入账",
            f"a reversal is of the whole {entry.amount}; post a part back under a reason of its own"))  # fmt: skip
    posting = page.chart.postings.get(transfer.reason)
    clause = transfer.clause or (posting.clause if posting else "")
    if posting is None or not clause:
        return refuse(transfer.id, "unknown_reason", transfer.reason, "a reason of the chart and a clause", Text(
            "冲正须写明自己的事由和条款", "a reversal names a reason of the chart and a clause of its own"))  # fmt: skip
    source, destination = page.accounts[entry.destination], page.accounts[entry.source]
    if posting.kind != source.kind:
        return refuse(transfer.id, "wrong_kind", posting.kind, source.kind, Text(
            f"事由「{posting.reason}」以「{posting.kind}」计",
            f"'{posting.reason}' moves {posting.kind}; name a reason for {source.kind}"))  # fmt: skip
    if source.closed or destination.closed:
        return refuse(transfer.id, "closed", transfer.of, "two open accounts", Text(
            "其中一个账户已销户，不能冲正", "one of the two accounts is closed; post the amount back another way"))  # fmt: skip
    refusal = check_limits(transfer.id, source, destination, entry.amount)
    if refusal is None:
        page.reversed[entry.no] = page.first + len(page.rows)
        ground = (transfer.reason, clause, transfer.period)
        page.write(transfer.id, source, destination, entry.amount, ground, "reverse", entry.no)
    return refusal
