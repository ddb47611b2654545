"""The morning of relief: which work waits and how it presses, by village; and one village's own page. Reading only."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from yucun.base.errors import AccessError, Finding, NotKnown
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.doors.desk.sight import Desk
from yucun.doors.pages.relief_parts import SERVICE, amount_of, note_of, table_of, trail_of
from yucun.doors.pages.relief_views import Part, ReliefPage
from yucun.doors.pages.valued import day_of
from yucun.doors.pages.views import Crumb, Entry, Opening, Row
from yucun.doors.pages.visit import Visit
from yucun.kernel.ledger import Reserved
from yucun.services.relief.pages.village import (
    Pressing,
    count_work,
    list_not_taken,
    list_pressing,
    sum_villages,
)

_KICKER = Text("智慧救助", "Social relief")
_MORNING = "/relief/morning"
_VILLAGES = 200


def _gather(visit: Visit) -> tuple[Desk, list[Pressing], list[Reserved]]:
    """What waits, and what is not taken, within the reader's regions."""
    desk = Desk(visit.city, SERVICE, visit.reader)
    pressing = list_pressing((one.case, one.next_clock) for one in desk.queue())
    with visit.city.books.read() as tx:
        due = visit.city.work.ledger.list_reserved(tx, "relief.")
    regions = desk.regions
    mine = [one for one in due if visit.city.is_within(RegionCode.parse(one.source.rpartition(":")[2]), regions)]
    return desk, pressing, mine


def make_morning_page(visit: Visit) -> ReliefPage:
    """Work by kind and by village, the late first."""
    desk, pressing, due = _gather(visit)
    late = sum(one.is_late for one in pressing)
    total = amount_of(sum(one.amount for one in due))
    sentence = Text(
        f"今早 {len(pressing)} 件在等，{late} 件超期；未领 {len(due)} 笔，{total.zh} 元",
        f"this morning {len(pressing)} wait, {late} are late; {len(due)} lines, {total.en} yuan are not taken",
    )
    work = [
        Row((Entry(one.work, f"/duty/{SERVICE}?state={one.state}"), _count(one.waiting), _count(one.late)))
        for one in count_work(pressing)
    ]
    heads = (Text("要做的事", "what is to be done"), Text("在等", "waiting"), Text("超期", "late"))
    rows = []
    for row in sum_villages(pressing, due)[:_VILLAGES]:
        region = RegionCode.parse(row.village)
        title = visit.city.regions.path_title(region)
        rows.append(
            Row(
                (
                    Entry(title, f"/relief/village/{region.short}"),
                    _count(row.waiting),
                    _count(row.late),
                    _count(row.lines),
                    Entry(amount_of(row.amount_fen)),
                )
            )
        )
    columns = (
        Text("村社", "village"), Text("在等", "waiting"), Text("超期", "late"), Text("未领笔数", "lines not taken"),
        Text("未领元", "yuan not taken"),
    )  # fmt: skip
    none = Text("没有在等的事", "nothing waits")
    parts: tuple[Part, ...] = (
        Part(Text("按要做的事", "By what is to be done"), table=table_of("work", heads, work, none, (1, 2))),
        Part(
            Text("按村社", "By village"),
            Text("超期的在前；点开看是哪几件、哪几笔", "the late first; open one to see which cases and lines"),
            table_of("villages", columns, rows, none, (1, 2, 3, 4)),
        ),
    )
    placeless = [one for one in pressing if not one.case.region]
    if placeless:
        parts += (_waiting_part(desk, placeless, Text("没有写明村社的", "Without a village")),)
    return ReliefPage(
        Opening(_KICKER, sentence), trail_of(visit.city, Text("今早", "This morning")), parts, note=note_of(visit.city)
    )


def make_village_page(visit: Visit, text: str) -> ReliefPage:
    """Who of a village waits for what, and what is not taken."""
    region = RegionCode.parse(text)
    name = visit.city.regions.get(region).name
    desk, pressing, due = _gather(visit)
    if region.level != "village":
        raise NotKnown(Finding("relief.no_village", visit.path, text[:20], "a village of twelve digits", Text(
            f"「{name.zh}」不是村社；请从今早的列表点开", f"'{name.en}' is no village; open one from this morning's list")))  # fmt: skip
    if not visit.city.is_within(region, desk.regions):
        raise AccessError(Finding("access.region", visit.path, region.short, "a village of your regions", Text(
            f"{region.short} 不在您的管辖范围内", f"{region.short} is not within your regions")))  # fmt: skip
    mine = [one for one in pressing if one.case.region == str(region)]
    late = sum(one.is_late for one in mine)
    not_taken = list_not_taken(due, str(region), visit.city.clock.today())
    total = amount_of(sum(one.amount_fen for one in not_taken))
    lines = sum(one.lines for one in not_taken)
    sentence = Text(
        f"{name.zh}：{len(mine)} 件在等，{late} 件超期；未领 {lines} 笔，{total.zh} 元",
        f"{name.en}: {len(mine)} wait, {late} are late; {lines} lines, {total.en} yuan are not taken",
    )
    trail = (*trail_of(visit.city, name)[:-1], Crumb(Text("今早", "This morning"), _MORNING), Crumb(name, ""))
    parts = (
        _waiting_part(desk, mine, Text("谁在等，等什么", "Who waits, and for what")),
        Part(
            Text("应发未领", "Due and not taken"),
            Text("到期那天就在账上，直到领走", "in the books from the day it is due until it is taken"),
            table_of(
                "not-taken",
                (
                    Text("月份", "month"), Text("项目", "programme"), Text("笔数", "lines"), Text("元", "yuan"),
                    Text("已过月数", "months ago"),
                ),
                [
                    Row((Entry(Text.same(one.month)), Entry(one.programme), _count(one.lines),
                         Entry(amount_of(one.amount_fen)), _count(one.months_old)))
                    for one in not_taken
                ],
                Text("都领走了", "everything is taken"),
                (2, 3, 4),
            ),
        ),
    )  # fmt: skip
    return ReliefPage(Opening(_KICKER, sentence), trail, parts, note=note_of(visit.city))


def _waiting_part(desk: Desk, mine: list[Pressing], title: Text) -> Part:
    rows = []
    for one in mine:
        moves = [m.title for m in desk.list_moves(one.case) if not m.refuses]
        mine_to_do = Text("、".join(m.zh for m in moves[:3]) or "—", ", ".join(m.en for m in moves[:3]) or "—")
        due = day_of(one.due) or "—"
        when = Text(f"{due} 已超期", f"{due}, late") if one.is_late else Text.same(due)
        household = Entry(Text.same(one.case.subject), f"/duty/{SERVICE}?case={one.case.no}")
        rows.append(Row((household, Entry(one.work), Entry(mine_to_do), Entry(when))))
    heads = (
        Text("家庭", "household"), Text("在等什么", "what it waits for"), Text("您可以做", "what you may do"),
        Text("期限", "by when"),
    )  # fmt: skip
    table = table_of("waiting", heads, rows, Text("没有人在等", "nobody waits"))
    return Part(title, table=table)


def _count(number: int) -> Entry:
    return Entry(Text.same(f"{number:,}"))


def make_village_handlers() -> list[HTTPRouteHandler]:
    """The routes of the morning."""

    @get(_MORNING, include_in_schema=False, sync_to_thread=True)
    def show_morning(visit: NamedDependency[Visit]) -> Response[str]:
        """This morning."""
        return visit.answer("relief.html", "duty", page=make_morning_page(visit))

    @get("/relief/village/{code:str}", include_in_schema=False, sync_to_thread=True)
    def show_village(visit: NamedDependency[Visit], code: FromPath[str]) -> Response[str]:
        """One village."""
        return visit.answer("relief.html", "duty", page=make_village_page(visit, code))

    return [show_morning, show_village]
