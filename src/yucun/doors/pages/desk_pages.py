"""The data desk: how suppliers stand over a period, each number with its reasons; a feed; what suppliers were told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from yucun.base.errors import Finding, NotKnown
from yucun.base.quantity import Rounding, divide
from yucun.base.text import Text
from yucun.doors.pages.catalogue import words
from yucun.doors.pages.correct_pages import correct_address
from yucun.doors.pages.desk_views import FeedPage, NoticePage, SupplierPage
from yucun.doors.pages.lists import cut_page
from yucun.doors.pages.rendering import make_address
from yucun.doors.pages.valued import downloads_of, landing_address, minute_of
from yucun.doors.pages.views import EMPTY, Column, Crumb, Entry, MarkView, Opening, Row, Span, Table
from yucun.doors.pages.visit import Visit
from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.running import Notice, Run, Standing, Supply, SupplyState, rank_suppliers
from yucun.kernel.lake.running.model import NOTICE_TITLES, OUTCOME_TITLES, DatabaseTable, Inbox

_SHOWN = 15
_MOST_SUPPLIERS = 20


def period_of(visit: Visit) -> tuple[date, date]:
    """The asked days, both inside; from the year's first day to today where none are asked or they make no sense."""
    today = visit.city.clock.today()
    since = _read_day(visit.get("since")) or date(today.year, 1, 1)
    until = _read_day(visit.get("until")) or today
    return (since, until) if since <= until else (until, since)


def _read_day(word: str) -> date | None:
    try:
        return date.fromisoformat(word)
    except ValueError:
        return None


def make_suppliers_table(visit: Visit) -> Table:
    """Suppliers, the latest first; every number leads to what it is made of."""
    catalogue = words()
    since, until = period_of(visit)
    ranked = rank_suppliers(visit.city.desk, since, until)
    asked = visit.get("by")
    if asked in _ORDERS:
        ranked.sort(key=lambda one: (_ORDERS[asked](one), one.rank), reverse=False)
    shown, cut = cut_page(visit, ranked, _MOST_SUPPLIERS, "suppliers")
    rows = tuple(_supplier_row(one, since, until) for one in shown)
    heads = ("rank", "supplier", "days_late", "refused_share", "refused", "files", "waiting", "mean_days")
    columns = tuple(
        Column(
            catalogue[f"desk.{key}"],
            is_number=key not in ("rank", "supplier"),
            sort_href=visit.link(by=key, suppliers=None) if key in _ORDERS else "",
            direction="descending" if key == asked or (key == "days_late" and not asked) else "",
        )
        for key in heads
    )
    downloads = downloads_of("/api/suppliers", since=since.isoformat(), until=until.isoformat())
    return Table(
        catalogue.fill("desk.suppliers_caption", since=since, until=until), columns, rows, len(ranked),
        name="suppliers", downloads=downloads, empty=catalogue["desk.suppliers_none"], **cut,
    )  # fmt: skip


# Largest first: the numbers are turned round.
_ORDERS: dict[str, Callable[[Standing], Fraction | int]] = {
    "days_late": lambda one: -one.days_late,
    "refused_share": lambda one: -(one.refused_share or Fraction(-1)),
    "refused": lambda one: -one.refused,
    "files": lambda one: -len(one.landings),
    "waiting": lambda one: -one.waiting,
    "mean_days": lambda one: -(one.mean_days or Fraction(-1)),
}


def _supplier_row(one: Standing, since: date, until: date) -> Row:
    href = make_address(f"/lake/supplier/{one.supplier.id}", (), since=since, until=until)
    return Row(
        (
            Entry(Text.same(str(one.rank))),
            Entry(one.supplier.title, href),
            _linked(str(one.days_late), f"{href}#late", is_blank=not one.late),
            _linked(show_share(one.refused_share), f"{href}#landings", is_blank=one.refused_share is None),
            _linked(f"{one.refused:,}", f"{href}#landings", is_blank=not one.refused),
            _linked(str(len(one.landings)), f"{href}#landings", is_blank=not one.landings),
            _linked(f"{one.waiting:,}", f"{href}#waiting", is_blank=not one.waiting),
            _linked(show_days(one.mean_days), f"{href}#landings", is_blank=one.mean_days is None),
        )
    )


def _linked(shown: Text | str, href: str, *, is_blank: bool) -> Entry:
    text = Text.same(shown) if isinstance(shown, str) else shown
    return Entry(text) if is_blank else Entry(text, href)


def show_share(share: Fraction | None) -> Text:
    """A share in per cent with one decimal, rounded half up; 无 where nothing arrived.

    Examples
    --------
    >>> show_share(Fraction(5, 6)).zh, show_share(None).en
    ('83.3 %', 'none')
    """
    if share is None:
        return Text("无", "none")
    tenths = divide(share.numerator * 1000, share.denominator, Rounding.HALF_UP)
    return Text.same(f"{tenths // 10}.{tenths % 10} %")


def show_days(days: Fraction | None) -> Text:
    """Days with one decimal, rounded half up; 无 where none were counted."""
    if days is None:
        return Text("无", "none")
    tenths = divide(days.numerator * 10, days.denominator, Rounding.HALF_UP)
    return Text.same(f"{tenths // 10}.{tenths % 10}")


def make_told_table(visit: Visit, notices: Sequence[Notice], key: str = "told") -> Table:
    """What suppliers were told: what stands first."""
    catalogue = words()
    shown, cut = cut_page(visit, notices, _SHOWN, key)
    rows = tuple(
        Row(
            (
                Entry(n.subject, notice_address(n)),
                _feed_entry(visit, n.supply),
                Entry(Text.same(n.opened_on.isoformat())),
                Entry(Text.same(n.closed_on.isoformat()) if n.closed_on else catalogue["desk.stands"]),
                Entry(catalogue["desk.left" if n.sent else "desk.leaving"]),
            )
        )
        for n in shown
    )
    columns = (
        Column(catalogue["desk.notice"], is_long=True),
        Column(catalogue["desk.feed"]),
        Column(catalogue["desk.opened"], is_short=True),
        Column(catalogue["desk.closed"], is_short=True),
        Column(catalogue["desk.delivery"], is_short=True),
    )
    return Table(
        catalogue["desk.told_caption"], columns, rows, len(notices), name=key, downloads=downloads_of("/api/notices"),
        empty=catalogue["desk.told_none"], **cut,
    )  # fmt: skip


def _feed_entry(visit: Visit, supply: str) -> Entry:
    found = visit.city.desk.supplies.get(supply)
    return Entry(found.title, feed_address(found)) if found else Entry(Text.same(supply))


def feed_address(supply: Supply) -> str:
    """The page of a feed."""
    return f"/lake/feed/{supply.id}"


def notice_address(notice: Notice) -> str:
    """The page of a notice."""
    return f"/lake/notice/{notice.opened_seq}"


def make_supplier_page(visit: Visit, supplier: str) -> SupplierPage:
    """One supplier over a period: every number with what it is made of."""
    catalogue, desk = words(), visit.city.desk
    since, until = period_of(visit)
    one = next((s for s in rank_suppliers(desk, since, until) if s.supplier.id == supplier), None)
    if one is None:
        raise NotKnown(Finding("pages.supplier", visit.path, supplier[:60], "/lake", words()["desk.no_supplier"]))
    share, mean = show_share(one.refused_share), show_days(one.mean_days)
    facts = (
        (catalogue["desk.rank"], Text.same(str(one.rank))),
        (catalogue["desk.days_late"], catalogue.fill("desk.days_late_said", n=one.days_late, feeds=len(one.late))),
        (
            catalogue["desk.refused_share"],
            catalogue.fill("desk.share_said", refused=f"{one.refused:,}", records=f"{one.records:,}", share=share),
        ),
        (catalogue["desk.waiting"], Text.same(f"{one.waiting:,}")),
        (
            catalogue["desk.mean_days"],
            catalogue.fill("desk.mean_said", days=one.corrected_days, records=one.corrected, mean=mean)
            if one.corrected
            else catalogue["desk.mean_none"],
        ),
    )
    notices = desk.notices(supplies=[s.id for s in one.supplies])
    return SupplierPage(
        opening=Opening(
            catalogue["desk.supplier"],
            one.supplier.title,
            (Span(catalogue.fill("desk.supplier_lead", since=since, until=until)),),
        ),
        trail=(Crumb(catalogue["nav.lake"], "/lake"),),
        facts=facts,
        since=since.isoformat(),
        until=until.isoformat(),
        feeds=_feeds_table([desk.state(s) for s in one.supplies], visit.city.clock.today()),
        late=_late_table(one),
        landings=_landings_table(visit, one.landings, "landings"),
        waiting=_waiting_table(one),
        notices=make_told_table(visit, notices),
    )


def _feeds_table(states: Sequence[SupplyState], today: date) -> Table:
    catalogue = words()
    rows = tuple(
        Row(
            (
                Entry(s.supply.title, feed_address(s.supply)),
                Entry(s.newest.title if s.newest else EMPTY),
                Entry(s.owed.title if s.owed else EMPTY),
                Entry(Text.same(s.due.isoformat()) if s.due else EMPTY),
                _state_entry(s, today),
            )
        )
        for s in states
    )
    heads = ("desk.feed", "lake.newest", "desk.owed", "lake.due", "lake.state")
    return Table(EMPTY, tuple(Column(catalogue[h]) for h in heads), rows, len(rows), name="feeds")


def _state_entry(state: SupplyState, today: date) -> Entry:
    catalogue = words()
    if state.is_late and state.due:
        return Entry(mark=MarkView("late", catalogue.fill("lake.late_by", days=(today - state.due).days)))
    if state.newest is None:
        return Entry(mark=MarkView("none", catalogue.fill("lake.never", owner=state.supply.supplier.office)))
    return Entry(catalogue["lake.here"])


def _late_table(one: Standing) -> Table:
    catalogue = words()
    rows = tuple(
        Row(
            (
                Entry(late.notice.subject, notice_address(late.notice)),
                Entry(Text.same(late.notice.due.isoformat()) if late.notice.due else EMPTY),
                Entry(
                    Text.same(late.notice.closed_on.isoformat()) if late.notice.closed_on else catalogue["desk.stands"]
                ),
                Entry(Text.same(str(late.days))),
            )
        )
        for late in one.late
    )
    columns = (
        Column(catalogue["desk.notice"]),
        Column(catalogue["lake.due"], is_short=True),
        Column(catalogue["desk.arrived"], is_short=True),
        Column(catalogue["desk.days_late"], is_number=True),
    )
    return Table(EMPTY, columns, rows, len(rows), name="late", empty=catalogue["desk.late_none"])


def _landings_table(visit: Visit, landings: Sequence[Landing], key: str) -> Table:
    catalogue, desk = words(), visit.city.desk
    shown, cut = cut_page(visit, landings, _SHOWN, key)
    rows = tuple(
        Row(
            (
                Entry(Text.same(landing.name), landing_address(landing.key)),
                Entry(Text.same(minute_of(landing.at))),
                Entry(Text.same(f"{landing.records:,}")),
                Entry(Text.same(f"{landing.refused:,}")),
                Entry(Text.same(f"{desk.count_open(landing):,}")),
            )
        )
        for landing in shown
    )
    columns = (
        Column(catalogue["lake.file"]),
        Column(catalogue["lake.at"], is_short=True),
        Column(catalogue["lake.records"], is_number=True),
        Column(catalogue["lake.refused_head"], is_number=True),
        Column(catalogue["desk.waiting"], is_number=True),
    )
    return Table(EMPTY, columns, rows, len(landings), name=key, empty=catalogue["desk.files_none"], **cut)


def _waiting_table(one: Standing) -> Table:
    catalogue = words()
    rows = tuple(
        Row((Entry(Text.same(landing.name), correct_address(landing)), Entry(Text.same(f"{count:,}"))))
        for landing, count in one.open
    )
    columns = (Column(catalogue["lake.file"]), Column(catalogue["desk.waiting"], is_number=True))
    return Table(EMPTY, columns, rows, len(rows), name="waiting", empty=catalogue["correct.waiting_none"])


def make_feed_page(visit: Visit, supply: Supply) -> FeedPage:
    """One feed: what is agreed, how it stands, what arrived, what its supplier was told."""
    catalogue, desk = words(), visit.city.desk
    state = desk.state(supply)
    freshness = supply.freshness
    every = catalogue[f"lake.every_{freshness.every}"]
    rhythm = freshness.reason
    if freshness.every != "once":
        rhythm = catalogue.fill("desk.due_working_days", every=every, days=freshness.due_days)
    due = EMPTY
    if state.due:
        due = catalogue.fill("desk.provisional" if state.is_provisional else "desk.due", day=state.due.isoformat())
    late = (
        catalogue.fill("lake.late_by", days=(visit.city.clock.today() - state.due).days)
        if state.is_late and state.due
        else EMPTY
    )
    sentence = catalogue.fill("desk.feed_late", title=supply.title, late=late) if state.is_late else supply.title
    facts = (
        (catalogue["desk.supplier"], supply.supplier.title),
        (catalogue["lake.fresh"], rhythm),
        (catalogue["lake.newest"], state.newest.title if state.newest else catalogue["table.blank"]),
        (catalogue["desk.owed"], state.owed.title if state.owed else catalogue["table.blank"]),
        (catalogue["lake.due"], due if due.zh else catalogue["table.blank"]),
        (catalogue["desk.from"], say_origin(supply)),
        (catalogue["lake.declared"], Text.same(supply.declared_at)),
    )
    return FeedPage(
        Opening(catalogue["desk.feed"], sentence, (Span(visit.city.contracts[supply.table].meaning),)),
        (Crumb(catalogue["nav.lake"], "/lake"), Crumb(supply.title, f"/lake/{supply.table}")),
        facts,
        _runs_table(visit, desk.runs(supply.id, 1000), supply),
        make_told_table(visit, desk.notices(supplies=(supply.id,))),
    )


def say_origin(supply: Supply) -> Text:
    """Where a feed comes from; addresses and passwords stay on the machine."""
    catalogue, origin = words(), supply.origin
    if isinstance(origin, Inbox):
        return catalogue.fill("desk.inbox", folder=origin.folder, patterns=", ".join(origin.patterns))
    if isinstance(origin, DatabaseTable):
        return catalogue.fill("desk.database", table=origin.table)
    return catalogue["desk.web"]


def _runs_table(visit: Visit, runs: Sequence[Run], supply: Supply) -> Table:
    catalogue = words()
    shown, cut = cut_page(visit, runs, _SHOWN, "runs")
    rows = tuple(
        Row(
            (
                Entry(Text.same(minute_of(run.at))),
                Entry(Text.same(run.name), landing_address(run.landing))
                if run.landing
                else Entry(catalogue["table.blank"]),
                Entry(OUTCOME_TITLES[run.outcome]),
                Entry(Text.same(f"{run.records:,}")),
                Entry(Text.same(f"{run.refused:,}")),
                Entry(run.said),
            )
        )
        for run in shown
    )
    columns = (
        Column(catalogue["lake.at"], is_short=True),
        Column(catalogue["lake.file"]),
        Column(catalogue["desk.outcome"], is_short=True),
        Column(catalogue["lake.records"], is_number=True),
        Column(catalogue["lake.refused_head"], is_number=True),
        Column(catalogue["desk.said"], is_long=True),
    )
    return Table(
        catalogue["desk.runs_caption"], columns, rows, len(runs), name="runs",
        downloads=downloads_of(f"/api/feeds/{supply.id}/runs"), empty=catalogue["desk.runs_none"], **cut,
    )  # fmt: skip


def make_notice_page(visit: Visit, seq: int) -> NoticePage:
    """One notice as it was sent."""
    catalogue = words()
    found = next((n for n in visit.city.desk.notices(limit=1 << 40) if n.opened_seq == seq), None)
    if found is None:
        raise NotKnown(Finding("pages.notice", visit.path, str(seq), "/lake", words()["desk.no_notice"]))
    supply = visit.city.desk.supplies.get(found.supply)
    facts = [
        (catalogue["desk.kind"], NOTICE_TITLES[found.kind]),
        (catalogue["desk.to"], supply.supplier.title if supply else Text.same(found.supply)),
        (catalogue["desk.opened"], Text.same(found.opened_on.isoformat())),
        (
            catalogue["desk.closed"],
            Text.same(found.closed_on.isoformat()) if found.closed_on else catalogue["desk.stands"],
        ),
        (catalogue["desk.delivery"], catalogue["desk.left" if found.sent else "desk.leaving"]),
        (catalogue["desk.token"], Text.same(found.id)),
    ]
    trail = [Crumb(catalogue["nav.lake"], "/lake")]
    if supply:
        trail.append(Crumb(supply.title, feed_address(supply)))
    if found.landing:
        trail.append(Crumb(catalogue["landing.kicker"], landing_address(found.landing)))
    return NoticePage(Opening(catalogue["desk.notice"], found.subject), tuple(trail), tuple(facts), found.text)


@get("/lake/supplier/{supplier:str}", include_in_schema=False, sync_to_thread=True)
def show_supplier(visit: NamedDependency[Visit], supplier: FromPath[str]) -> Response[str]:
    """One supplier."""
    return visit.show("supplier.html", "lake", lambda v: make_supplier_page(v, supplier))


@get("/lake/feed/{feed:str}", include_in_schema=False, sync_to_thread=True)
def show_feed(visit: NamedDependency[Visit], feed: FromPath[str]) -> Response[str]:
    """One feed."""
    return visit.show("feed.html", "lake", lambda v: make_feed_page(v, v.city.desk.get(feed)))


@get("/lake/notice/{seq:int}", include_in_schema=False, sync_to_thread=True)
def show_notice(visit: NamedDependency[Visit], seq: FromPath[int]) -> Response[str]:
    """One notice."""
    return visit.show("notice.html", "lake", lambda v: make_notice_page(v, seq))
