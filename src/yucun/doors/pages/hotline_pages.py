"""Pages of the hotline beside its queue: taking a call, hot topics, known answers, what no clause answers, letters."""

from __future__ import annotations

from collections.abc import Mapping

from litestar import Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from yucun.base.errors import Finding, NotKnown
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.city import City
from yucun.doors.desk.acting import make_token
from yucun.doors.desk.sight import Desk
from yucun.doors.hotline.judging import KIND, Judging, judging_of
from yucun.doors.hotline.taking import Sent, take_message
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.duty_case import instant_of
from yucun.doors.pages.duty_pages import read_last
from yucun.doors.pages.hotline_parts import SERVICE, list_answers, trail_to
from yucun.doors.pages.hotline_views import AnswersPage, CallPage, LetterPage, TopicsPage
from yucun.doors.pages.matter_pages import make_matter_handlers
from yucun.doors.pages.uncovered_page import send_uncovered, show_uncovered
from yucun.doors.pages.valued import region_address
from yucun.doors.pages.views import EMPTY, Column, Entry, MarkView, Notice, Opening, Row, Span, Table
from yucun.doors.pages.visit import AnyRequest, Visit, check_origin
from yucun.services.hotline.pages.desk import title_unit, write_letter
from yucun.services.hotline.pages.knowledge import Answer, find_answers
from yucun.services.hotline.pages.topics import Said, draw_topics

_FIELDS = ("text", "address", "phone", "person")
_MOST_TOPICS = 600


# -- taking a call --------------------------------------------------------------------------------------------------------


def make_call_page(
    visit: Visit, judging: Judging, said: Mapping[str, str], notices: tuple[Notice, ...] = ()
) -> CallPage:
    """The note as far as it is typed, with what is judged of it."""
    Desk(visit.city, SERVICE, visit.reader)
    catalogue = words()
    text = said.get("text", "").strip()
    return CallPage(
        opening=Opening(catalogue["call.kicker"], catalogue["call.title"]),
        trail=trail_to(visit.city, catalogue["call.title"]),
        token=said.get("token") or make_token(),
        notices=notices,
        said={name: said.get(name, "") for name in _FIELDS},
        judged=tuple(_tell_judged(visit.city, judging, text, said.get("address", ""))) if text else (),
        answers=_answer_table(
            visit, [pair[0] for pair in find_answers(text, list_answers(visit.city))] if text else []
        ),
    )


def _tell_judged(city: City, judging: Judging, text: str, address: str) -> list[tuple[Text, tuple[Span, ...]]]:
    judged, kind, catalogue = judging.judge(text, address), city.work.cases.kinds[KIND], words()
    found: list[tuple[Text, tuple[Span, ...]]] = []
    for name in ("urgency", "intent", "subject", "second", "third"):
        code = judged.get(name)
        if code:
            is_danger = name == "urgency" and code == "danger"
            found.append((kind.fields[name].title, (Span(kind.fields[name].codes[code], strong=is_danger),)))
    if "because" in judged:
        found.append((kind.fields["because"].title, (Span(Text.same(judged["because"])),)))
    if "confidence_bp" in judged:
        found.append((catalogue["call.confidence"], (Span(Text.same(f"{judged['confidence_bp'] / 100:.0f} %")),)))
    region = judged.get("region")
    if region:
        code_ = RegionCode.parse(region)
        found.append((catalogue["duty.where"], (Span(city.regions.path_title(code_), region_address(code_)),)))
    else:
        found.append((catalogue["duty.where"], (Span(catalogue["duty.no_place"]),)))
    if judged.get("like"):
        with city.books.read() as tx:
            like = city.work.cases.find(tx, judged["like"])
        if like is not None:
            said = catalogue.fill("call.like", no=like.no)
            found.append((kind.fields["like"].title, (Span(said, f"/duty/{SERVICE}?case={like.no}"),)))
    found.append((kind.fields["judged_by"].title, (Span(_tell_learned(judged)),)))
    return found


def _tell_learned(judged: Mapping[str, object]) -> Text:
    source = {"city": "call.by_city", "made_up": "call.by_made_up"}.get(
        str(judged.get("learned_from")), "call.by_words"
    )
    return words()[source]


def _answer_table(visit: Visit, answers: list[Answer]) -> Table:
    catalogue, today = words(), visit.city.clock.today()
    rows = []
    for one in answers:
        until = Text.same(one.valid_to.isoformat()) if one.valid_to else catalogue["answers.no_end"]
        entry = (
            Entry(mark=MarkView("late", catalogue.fill("answers.lapsed", day=until)))
            if one.is_lapsed(today)
            else Entry(until)
        )
        rows.append(
            Row((Entry(Text.same(one.question)), Entry(Text.same(one.answer)), Entry(Text.same(one.law)), entry))
        )
    columns = tuple(
        Column(catalogue[f"answers.{key}"], is_long=key == "answer") for key in ("question", "answer", "law", "until")
    )
    return Table(EMPTY, columns, tuple(rows), len(rows), name="answers", empty=catalogue["answers.none"])


# -- hot topics -------------------------------------------------------------------------------------------------------------


def make_topics_page(visit: Visit) -> TopicsPage:
    """Topics of the newest messages that this reader may read."""
    city, catalogue = visit.city, words()
    desk = Desk(city, SERVICE, visit.reader)
    cases = [one.case for one in [*desk.queue(most=_MOST_TOPICS), *desk.queue(is_open=False, most=_MOST_TOPICS)]]
    seen = desk.read_texts(cases, ("text",))
    messages = [
        Said(c.id, seen[c.no]["text"].text, c.opened_at.date(), c.subject)
        for c in cases
        if "text" in seen[c.no] and seen[c.no]["text"].text
    ]
    drawn = draw_topics(messages, city.clock.today())
    numbers = {c.id: c.no for c in cases}
    mark = None
    if drawn is None:
        mark = MarkView("not_known", catalogue["topics.no_models"])
    elif not messages and cases:
        refused = [s["text"].refused for s in seen.values() if "text" in s]
        mark = MarkView("refused", next((r for r in refused if r is not None), catalogue["topics.none"]))
    elif not drawn:
        mark = MarkView("none", catalogue["topics.none"])
    shown = tuple(
        (one, tuple(Span(Text.same(str(numbers[m])), f"/duty/{SERVICE}?case={numbers[m]}") for m in one.members[:30]))
        for one in drawn or ()
    )
    days = [m.day for m in messages]
    hottest = shown[0][0].title[:24] if shown else ""
    sentence = catalogue.fill("topics.sentence", title=hottest) if shown else catalogue["topics.title"]
    lead = (Span(catalogue["topics.lead"]),)
    return TopicsPage(
        Opening(catalogue["topics.title"], sentence, lead),
        trail_to(city, catalogue["topics.title"]),
        shown,
        mark,
        min(days).isoformat() if days else "",
        max(days).isoformat() if days else "",
        sum(bool(c.fields.get("is_made_up")) for c in cases),
    )


# -- known answers ----------------------------------------------------------------------------------------------------------


def make_answers_page(visit: Visit) -> AnswersPage:
    """Known answers, all or those that fit what is asked."""
    Desk(visit.city, SERVICE, visit.reader)
    catalogue, query = words(), visit.get("q")
    known = list_answers(visit.city)
    shown = [one for one, _ in find_answers(query, known, 20)] if query else known
    lapsed = sum(one.is_lapsed(visit.city.clock.today()) for one in known)
    sentence = (
        catalogue.fill("answers.sentence", all=len(known), lapsed=lapsed) if known else catalogue["answers.empty"]
    )
    return AnswersPage(
        Opening(catalogue["answers.title"], sentence),
        trail_to(visit.city, catalogue["answers.title"]),
        query,
        True,
        _answer_table(visit, shown),
        catalogue["answers.said"],
    )


# -- letters ----------------------------------------------------------------------------------------------------------------


def make_letter_page(visit: Visit, number: int, name: str) -> LetterPage:
    """A letter about a case, filled in from it."""
    city = visit.city
    desk = Desk(city, SERVICE, visit.reader)
    waiting = desk.get(number)
    case, kind = waiting.case, city.work.cases.kinds[KIND]
    reply = desk.read_texts([case], ("reply",))[case.no].get("reply")
    clock = waiting.clocks.get("reply")
    last = desk.history(case)[-1]
    none = words()["letter.blank"]
    outcomes = {code: title for move in kind.moves.values() for code, title in move.outcomes.items()}
    outcome = outcomes.get(case.outcome)
    said = {
        "opened": instant_of(case.opened_at),
        "number": Text.same(case.id.partition(":")[2]),
        "unit": title_unit(case.unit, desk.pack, city.regions) if case.unit else none,
        "due": instant_of(clock.due) if clock is not None and clock.due is not None else none,
        "reply": Text.same(reply.text) if reply is not None and reply.text else none,
        "reason": Text(f"{outcome.zh}（{last.reason}）", f"{outcome.en} ({last.reason})")
        if outcome
        else Text.same(last.reason or "…"),
        "officer": Text.same(last.by),
        "urged": Text.same(str(case.fields.get("urged", 0))),
    }
    written = write_letter(name, said)
    if written is None:
        raise NotKnown(
            Finding("hotline.letter", visit.path, name[:60], "a letter", words().fill("letter.missing", name=name[:40]))
        )
    return LetterPage(trail_to(city, written[0]), written[0], written[1], visit.place)


def make_hotline_handlers(city: City) -> list[HTTPRouteHandler]:
    """The routes; a city without the hotline has none."""
    if SERVICE not in city.work.engine.services:
        return []
    judging = judging_of(city)

    @get(f"/{SERVICE}/new", include_in_schema=False, sync_to_thread=True)
    def show_call(visit: NamedDependency[Visit]) -> Response[str]:
        """An empty note."""
        return visit.answer("call.html", "duty", page=make_call_page(visit, judging, {}))

    @post(f"/{SERVICE}/new", include_in_schema=False, status_code=200)
    async def take_call(request: AnyRequest, visit: NamedDependency[Visit]) -> Response[str]:
        """Judge the note as far as it is, or take it in."""
        check_origin(request)
        said = await read_last(request)
        return await sync_to_thread(_take_call, visit, judging, said)

    @get(f"/{SERVICE}/topics", include_in_schema=False, sync_to_thread=True)
    def show_topics(visit: NamedDependency[Visit]) -> Response[str]:
        """Hot topics."""
        return visit.answer("topics.html", "duty", page=make_topics_page(visit))

    @get(f"/{SERVICE}/answers", include_in_schema=False, sync_to_thread=True)
    def show_answers(visit: NamedDependency[Visit]) -> Response[str]:
        """Known answers."""
        return visit.answer("answers.html", "duty", page=make_answers_page(visit))

    @get(f"/{SERVICE}/letter/{{number:int}}/{{name:str}}", include_in_schema=False, sync_to_thread=True)
    def show_letter(visit: NamedDependency[Visit], number: FromPath[int], name: FromPath[str]) -> Response[str]:
        """A letter."""
        return visit.answer("letter.html", "duty", page=make_letter_page(visit, number, name))

    return [
        show_call,
        take_call,
        show_topics,
        show_answers,
        show_uncovered,
        send_uncovered,
        show_letter,
        *make_matter_handlers(judging),
    ]


def _take_call(visit: Visit, judging: Judging, said: Mapping[str, str]) -> Response[str]:
    desk = Desk(visit.city, SERVICE, visit.reader)
    if said.get("do") != "send":
        return visit.answer("call.html", "duty", page=make_call_page(visit, judging, said))
    text = said.get("text", "").strip()
    if not text:
        notices: tuple[Notice, ...] = (Notice(words()["call.no_text"], tone="bad"),)
        return visit.answer("call.html", "duty", status=422, page=make_call_page(visit, judging, said, notices))
    sent = Sent(
        "phone", text, said.get("token", "")[:40] or make_token(), said.get("address", "").strip(),
        said.get("phone", "").strip(), said.get("person", "").strip(), by=desk.actor,
    )  # fmt: skip
    receipt = take_message(judging, sent)
    if not receipt.taken.is_good:
        notices = tuple(Notice(f.message, f.key, "bad") for f in receipt.taken.findings)
        return visit.answer("call.html", "duty", status=422, page=make_call_page(visit, judging, said, notices))
    with visit.city.books.read() as tx:
        case = visit.city.work.cases.get(tx, receipt.case)
    return Response("", status_code=303, headers={"Location": f"/duty/{SERVICE}?case={case.no}&done=1"})
