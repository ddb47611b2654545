"""One case as the desk shows it: words, facts, clocks, moves with their keys, and its history."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

from yucun.base.clock import CHINA
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.doors.desk.acting import list_asks, make_token
from yucun.doors.desk.sight import DANGER, Desk, Seen, Waiting
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.duty_views import CaseView, Counting, MoveView, QueueItem, Tone, WordsView
from yucun.doors.pages.valued import region_address
from yucun.doors.pages.views import EMPTY, Card, Column, Entry, MarkView, Row, Span, Table
from yucun.doors.pages.visit import Visit
from yucun.kernel.cases import Case, CaseKind, Clock, Move
from yucun.kernel.cases.model import CaseField

_SOON = timedelta(hours=2)


def instant_of(at: datetime) -> Text:
    """An instant to the minute, as people write it."""
    return Text.same(at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M"))


def say_span(span: timedelta) -> Text:
    """How long, in the two biggest units.

    Examples
    --------
    >>> say_span(timedelta(hours=26)).zh, say_span(timedelta(minutes=7)).en
    ('1 天 2 小时', '7 min')
    """
    minutes = int(abs(span).total_seconds() // 60)
    days, hours, left = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return Text(f"{days} 天 {hours} 小时", f"{days} d {hours} h")
    if hours:
        return Text(f"{hours} 小时 {left} 分", f"{hours} h {left} min")
    return Text(f"{left} 分", f"{left} min")


def count_clock(kind: CaseKind, clock: Clock, now: datetime, *, is_pending: bool = True) -> Counting:
    """A clock in words and as a share of its time; one that was kept too late no longer counts."""
    title, catalogue = kind.clocks[clock.name].title, words()
    provisional = catalogue["duty.provisional"] if clock.is_provisional and clock.state == "running" else EMPTY
    if clock.state == "paused":
        left = clock.left.title if clock.left else EMPTY
        return Counting(title, "", catalogue.fill("duty.paused", left=left), "quiet", 0)
    due = clock.due or now
    length = max((due - clock.started).total_seconds(), 1)
    if clock.state in ("met", "stopped"):
        return Counting(title, "", catalogue[f"duty.{clock.state}"], "good" if clock.state == "met" else "quiet", 100)
    gone = min(100, max(0, round(100 * (now - clock.started).total_seconds() / length)))
    if clock.state == "late" and not is_pending:
        return Counting(title, "", catalogue["duty.was_late"], "bad", 100)
    if clock.state == "late" or now > due:
        said = catalogue.fill("duty.late_by", span=say_span(now - due))
        return Counting(title, due.isoformat(), said, "bad", 100, is_running=True, note=provisional)
    tone: Tone = "soon" if due - now < _SOON else ""
    said = catalogue.fill("duty.left", span=say_span(due - now), at=instant_of(due))
    return Counting(title, due.isoformat(), said, tone, gone, is_running=True, note=provisional)


def place_of(desk: Desk, case: Case) -> Text:
    """Where it is: the county and what lies in it; not known where nobody could tell."""
    if not case.region:
        return words()["duty.no_place"]
    code = RegionCode.parse(case.region)
    regions = desk.city.regions
    found = regions.find(code)
    if found is None:
        return Text.same(code.short)
    above = [r for r in regions.ancestors(code) if r.level == "county" and r.code != code]
    return Text("".join(r.name.zh for r in [*above, found]), ", ".join(r.name.en for r in [found, *above]))


def make_item(visit: Visit, desk: Desk, one: Waiting, seen: dict[str, Seen], here: int, now: datetime) -> QueueItem:
    """A case in the queue; a few of its words for whoever may read them."""
    case, kind = one.case, desk.kinds[one.case.kind]
    clock = one.next_clock
    # That it is made up is said by the mark beside it; the few words that fit are the caller's.
    text = next((s.text for s in seen.values() if s.text), "").removeprefix("（模拟）")
    said = Text.same(text[:60] + ("…" if len(text) > 60 else "")) if text else desk.unit_title(case.unit)
    return QueueItem(
        no=case.no,
        href=visit.link(case=case.no, done=None),
        title=desk.title(case),
        place=place_of(desk, case),
        said=said,
        state=kind.states[case.state].title,
        clock=count_clock(kind, clock, now) if clock is not None else None,
        version=case.version,
        is_here=case.no == here,
        is_pressing=case.priority >= DANGER,
        is_made_up=bool(case.fields.get("is_made_up")),
    )


def make_case(visit: Visit, desk: Desk, one: Waiting, now: datetime) -> CaseView:
    """A case in full."""
    case, kind = one.case, desk.kinds[one.case.kind]
    history = desk.history(case)
    moves = [make_move(desk, case, move) for move in desk.list_moves(case)]
    undo = desk.find_undo(kind, history[-1]) if history and history[-1].by == desk.reader.account else None
    state = kind.states[case.state].title
    catalogue = words()
    kicker = catalogue.fill("duty.kicker", no=case.no, state=state)
    seen = desk.read_texts([case])[case.no]
    return CaseView(
        no=case.no,
        id=case.id,
        version=case.version,
        token=make_token(),
        kicker=kicker,
        title=desk.title(case),
        texts=tuple(_words(kind, name, text) for name, text in _in_order(kind, seen)),
        facts=tuple(_facts(desk, case, kind)),
        clocks=tuple(count_clock(kind, c, now, is_pending=c.name in one.pending) for c in one.clocks.values()),
        moves=tuple(_mark_first(moves)),
        undo=make_move(desk, case, undo) if undo else None,
        history=_history(desk, kind, case),
        letters=tuple(list_letters(desk, case)),
        is_made_up=bool(case.fields.get("is_made_up")),
        beside=tuple(_beside(visit, desk, case)),
    )


def make_move(desk: Desk, case: Case, move: Move) -> MoveView:
    """A move with what it asks for."""
    return MoveView(move.name, move.title, move.key, tuple(list_asks(desk, case, move)), refuses=move.refuses)


def _mark_first(moves: list[MoveView]) -> list[MoveView]:
    """The first move with a key that refuses nothing stands out."""
    first = next((m.name for m in moves if m.key and not m.refuses), "")
    return [MoveView(m.name, m.title, m.key, m.asks, m.name == first, m.refuses) for m in moves]


def _in_order(kind: CaseKind, seen: dict[str, Seen]) -> list[tuple[str, Seen]]:
    return [(name, seen[name]) for name in kind.fields if name in seen]


def _words(kind: CaseKind, name: str, seen: Seen) -> WordsView:
    title = kind.fields[name].title
    if seen.refused is not None:
        return WordsView(title, mark=MarkView("refused", seen.refused))
    if seen.is_forgotten:
        return WordsView(title, mark=MarkView("none", words()["duty.forgotten"]))
    return WordsView(title, seen.text)


def _facts(desk: Desk, case: Case, kind: CaseKind) -> list[tuple[Text, tuple[Span, ...]]]:
    catalogue = words()
    where = Span(place_of(desk, case), region_address(RegionCode.parse(case.region)) if case.region else "")
    facts: list[tuple[Text, tuple[Span, ...]]] = [(catalogue["duty.where"], (where,))]
    if case.unit:
        facts.append((catalogue["duty.unit"], (Span(desk.unit_title(case.unit)),)))
    if case.co_units:
        titles = [desk.unit_title(unit) for unit in case.co_units]
        facts.append(
            (
                catalogue["duty.co_units"],
                (Span(Text("、".join(t.zh for t in titles), ", ".join(t.en for t in titles))),),
            )
        )
    if case.officer:
        facts.append((catalogue["duty.officer"], (Span(Text.same(case.officer)),)))
    for name, field in kind.fields.items():
        value = case.fields.get(name)
        if value in (None, "") or field.kind in ("private", "boolean"):
            continue
        facts.append((field.title, (Span(_say_fact(desk, field, value)),)))
    facts.append((catalogue["duty.opened"], (Span(instant_of(case.opened_at)),)))
    return facts


def _say_fact(desk: Desk, field: CaseField, value: object) -> Text:
    """A field as people say it: the title of a code, the service's own words, or a sentence in the reader's language."""
    say = getattr(desk.words, "say_field", None)
    said: Text | None = say(field.name, str(value)) if say is not None else None
    return said or field.codes.get(str(value), split_text(str(value)))


def split_text(said: str) -> Text:
    """Words that were written in both languages, with a stroke between them; other words are the same in both."""
    zh, stroke, en = said.partition(" / ")
    return Text(zh, en) if stroke and not zh.isascii() and en.isascii() else Text.same(said)


def _say_reason(kind: CaseKind, reason: str) -> Text:
    """Why a step was made; a clock's name and its last moment are said in words."""
    clock, _, due = reason.partition(" ")
    with contextlib.suppress(ValueError):
        if clock in kind.clocks:
            at, title = instant_of(datetime.fromisoformat(due)), kind.clocks[clock].title
            return words().fill("duty.was_due", clock=title, at=at)
    return split_text(reason)


def _beside(visit: Visit, desk: Desk, case: Case) -> list[Span]:
    """Other matters of the same caller, so that nobody is asked twice."""
    if not case.subject:
        return []
    with desk.city.books.read() as tx:
        found = desk.city.work.cases.list_cases(tx, case.kind, subject=case.subject, limit=20)
    others = [one for one in found if one.no != case.no and desk.sees(one)]
    return [
        Span(Text(f"第 {o.no} 号 {desk.title(o).zh}", f"no. {o.no}, {desk.title(o).en}"), visit.link(case=o.no))
        for o in others
    ]


def _history(desk: Desk, kind: CaseKind, case: Case) -> Table:
    catalogue = words()
    rows = []
    for done in reversed(desk.history(case)):
        title = kind.moves[done.move].title if done.move in kind.moves else catalogue["duty.opened_move"]
        who = catalogue["duty.by_rule"] if done.by.startswith("rule:") else Text.same(done.by)
        why = done.reason if not done.reason.startswith("private:") else ""
        rows.append(
            Row(
                (
                    Entry(instant_of(done.at)),
                    Entry(title),
                    Entry(kind.states[done.to].title),
                    Entry(who),
                    Entry(_say_reason(kind, why) if why else catalogue["duty.no_reason"]),
                )
            )
        )
    columns = tuple(
        Column(catalogue[f"duty.history_{key}"], is_short=key == "at", is_long=key == "why")
        for key in ("at", "move", "to", "by", "why")
    )
    return Table(EMPTY, columns, tuple(rows), len(rows), name="history")


def list_letters(desk: Desk, case: Case) -> list[Card]:
    """Letters that can be written for a case as it stands."""
    letters = getattr(desk.words, "list_letters", None)
    if letters is None:
        return []
    return [Card(title, f"/{desk.service.id}/letter/{case.no}/{name}") for name, title in letters(case, desk.pack)]
