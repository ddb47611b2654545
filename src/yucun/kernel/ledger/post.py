"""Post: move an amount at once; and run a whole batch, chains together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from yucun.base.text import Text
from yucun.kernel.ledger.chart import Posting
from yucun.kernel.ledger.model import Refusal, Transfer, refuse
from yucun.kernel.ledger.page import MARK_EVERY, Page, Standing, check_limits, same_as, take_ends
from yucun.kernel.ledger.reserve import reserve, settle, void
from yucun.kernel.ledger.reverse import reverse


def post(page: Page, transfer: Transfer) -> Refusal | None:
    """Move an amount from source to destination."""
    ends = take_ends(page, transfer)
    if isinstance(ends, Refusal):
        return ends
    _, source, destination, ground = ends
    refusal = check_limits(transfer.id, source, destination, transfer.amount)
    if refusal is None:
        page.write(transfer.id, source, destination, transfer.amount, ground)
    return refusal


_chain_of = attrgetter("chain")
_VERBS: dict[str, Callable[[Page, Transfer], Refusal | None]] = {
    "post": post,
    "reserve": reserve,
    "settle": settle,
    "void": void,
    "reverse": reverse,
}


def run_batch(page: Page, transfers: Sequence[Transfer]) -> tuple[list[str], list[str], list[Refusal]]:
    """Check and write the transfers in order; return ids done, ids done before, and refusals.

    A transfer sees what those before it in the batch have done. Neighbours with the same chain name are
    done together or not at all; when one is refused, the others are refused for its sake.
    """
    done: list[str] = []
    already: list[str] = []
    refused: list[Refusal] = []
    for chain, group in groupby(transfers, key=_chain_of):
        if chain:
            _run_chain(page, list(group), done, already, refused)
            continue
        for transfer in _post_plain(page, group, done):
            refusal = _run_one(page, transfer, done, already)
            if refusal is not None:
                refused.append(refusal)
    return done, already, refused


def _post_plain(page: Page, transfers: Iterable[Transfer], done: list[str]) -> Iterator[Transfer]:
    """Do what `post` does for transfers in which nothing is odd, many a batch; yield the others, in their turn."""
    entries, written, rows, marks = page.entries, page.written, page.rows, page.marks
    reason = kind = clause = period = ""
    posting: Posting | None = None
    names: Mapping[str, Standing] = {}
    ground: int | None = None
    for one in transfers:
        if ground is None or one.reason != reason or one.kind != kind or one.clause != clause or one.period != period:
            reason, kind, clause, period = one.reason, one.kind, one.clause, one.period
            posting, names = page.chart.postings.get(reason), page.names.get(kind, {})
            ground = page.grounds.get((reason, clause or posting.clause, period)) if posting else None
        amount, source, destination = one.amount, names.get(one.source), names.get(one.destination)
        if (
            posting is None or ground is None or source is None or destination is None or source is destination
            or not amount or one.action != "post" or one.id in written or one.id in entries
            or posting.kind != one.kind or source.closed or destination.closed
            or source.pattern not in posting.sources or destination.pattern not in posting.destinations
        ):  # fmt: skip
            yield one
            continue
        left, held = source.posted - amount, destination.posted + amount
        if (source.lowest is not None and left - source.going_out < source.lowest) or (
            destination.highest is not None and held + destination.coming_in > destination.highest
        ):
            yield one
            continue
        entry = page.first + len(rows)
        written[one.id] = len(rows)
        rows.append((one.id, source.no, destination.no, amount, ground, source.last_entry, destination.last_entry))
        source.posted, destination.posted = left, held
        source.last_entry = destination.last_entry = entry
        if not (entry ^ source.no) % MARK_EVERY:
            marks.append((source.no, entry, left, source.going_out, source.coming_in))
        if not (entry ^ destination.no) % MARK_EVERY:
            marks.append((destination.no, entry, held, destination.going_out, destination.coming_in))
        done.append(one.id)


def _run_one(page: Page, transfer: Transfer, done: list[str], already: list[str]) -> Refusal | None:
    if transfer.id in page.written or transfer.id in page.entries:
        held = page.find_entry(transfer.id)
        assert held is not None
        if same_as(page, transfer, held):
            already.append(transfer.id)
            return None
        return refuse(transfer.id, "id_used", transfer.id, f"what entry {held.no} says", Text(
            f"编号「{transfer.id}」已用于第 {held.no} 笔，内容不同；请换一个编号",
            f"the id '{transfer.id}' already names entry {held.no} with other content; use another id"))  # fmt: skip
    refusal = _VERBS[transfer.action](page, transfer)
    if refusal is None:
        done.append(transfer.id)
    return refusal


def _run_chain(page: Page, chain: list[Transfer], done: list[str], already: list[str], refused: list[Refusal]) -> None:
    ends = [page.names.get(t.kind, {}).get(name) for t in chain for name in (t.source, t.destination)]
    for transfer in chain:
        about = page.find_entry(transfer.of) if transfer.of else None
        ends += [page.accounts.get(about.source), page.accounts.get(about.destination)] if about else []
    kept = [(one, (one.posted, one.going_out, one.coming_in, one.last_entry)) for one in ends if one is not None]
    rows, marks, opened = len(page.rows), len(page.marks), dict(page.open)
    new: list[str] = []
    known: list[str] = []
    for index, transfer in enumerate(chain):
        refusal = _run_one(page, transfer, new, known)
        if refusal is not None:
            page.take_back(rows, marks, kept, opened)
            refused.append(refusal)
            for other in chain[:index] + chain[index + 1 :]:
                held = page.find_entry(other.id)
                if held is not None and same_as(page, other, held):
                    already.append(other.id)
                else:
                    refused.append(_for_the_sake_of(other, transfer))
            return
    done += new
    already += known


def _for_the_sake_of(other: Transfer, refused: Transfer) -> Refusal:
    return refuse(other.id, "chain", refused.id, "the whole chain", Text(
        f"同组「{other.chain}」中的「{refused.id}」未能办理，因此本笔也不办理",
        f"'{refused.id}' of the same chain '{other.chain}' could not be done, so neither is this one"))  # fmt: skip
