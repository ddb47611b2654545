"""What a household's own page says of the months: what was due in each, and why the newest differs from the one before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from yucun.base.text import Text
from yucun.kernel.cases import MoveDone
from yucun.kernel.ledger.statement import StatementLine
from yucun.services.relief.models import PROGRAMME, REASONS

# What a move of an award did, in the words of the household.
MOVES = {
    "open": Text("开始给予", "granted"),
    "raise": Text("增发", "raised"),
    "cut": Text("减发", "cut"),
    "stop": Text("停发", "stopped"),
}
_NO_DECISION = Text("没有新的决定；按月的应发如此", "no new decision: this is what fell due")


@dataclass(frozen=True, slots=True)
class MonthChange:
    """One kind of help in two months that follow each other, and why it differs.

    Parameters
    ----------
    before, after : str
        The months.
    because : Text
        The decisions between, each with its reasons and who made it.
    """

    programme: Text
    before: str
    after: str
    before_fen: int
    after_fen: int
    because: Text

    @property
    def difference_fen(self) -> int:
        """How much more the newer month brings."""
        return self.after_fen - self.before_fen


def compare_months(lines: Iterable[StatementLine], decisions: Sequence[tuple[str, MoveDone]]) -> list[MonthChange]:
    """Compare the newest month of a household's payments with the one before, by programme.

    Parameters
    ----------
    lines : iterable of StatementLine
        Of the household's account; what came in counts, what went back is taken off.
    decisions : sequence of (programme, MoveDone)
        Every step of its awards.
    """
    paid: dict[tuple[str, str], int] = {}
    for line in lines:
        name = line.reason.removeprefix(REASONS)
        if line.period and name in PROGRAMME:
            paid[line.period, name] = paid.get((line.period, name), 0) + line.received - line.given
    months = sorted({month for month, _ in paid})
    if len(months) < 2:
        return []
    before, after = months[-2:]
    found = []
    for name in sorted({name for month, name in paid if month in (before, after)}):
        old, new = paid.get((before, name), 0), paid.get((after, name), 0)
        because = _because(name, before, after, decisions) if old != new else Text("没有变", "unchanged")
        found.append(MonthChange(PROGRAMME[name].title, before, after, old, new, because))
    return found


def _because(name: str, before: str, after: str, decisions: Sequence[tuple[str, MoveDone]]) -> Text:
    """The decisions that were made since the older month began, up to the newer."""
    made = [
        move
        for programme, move in decisions
        if programme == name and move.move in MOVES and before[:7] <= f"{move.at:%Y-%m}" <= after[:7]
    ]
    if not made:
        return _NO_DECISION
    return Text(
        "；".join(f"{m.at:%Y-%m-%d} {MOVES[m.move].zh}，{m.reason or '—'}（{m.by}）" for m in made),
        "; ".join(f"{m.at:%Y-%m-%d} {MOVES[m.move].en}, {m.reason or '—'} ({m.by})" for m in made),
    )
