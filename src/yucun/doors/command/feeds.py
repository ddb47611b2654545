"""Verbs about the feeds: how they stand, one of them, running them by hand, and what suppliers were told."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

from yucun.base.text import Text
from yucun.doors.command.opening import opened
from yucun.doors.command.output import Exit
from yucun.doors.command.verb import Setting, Verb, Word

if TYPE_CHECKING:
    from yucun.city import City
    from yucun.kernel.lake.running import Notice, Passed, Run, SupplyState

_SHELF = Text("数据来源", "Feeds")
_MOST = 50

FEEDS = Verb(
    "feeds",
    Text("各数据来源：谁报、下次何时应到、是否迟报", "the feeds: who sends, when the next is due, whether it is late"),
    "feeds:list_feeds",
    _SHELF,
    (),
    ("feeds",),
)
FEEDS_SHOW = Verb(
    "feeds show",
    Text("一个数据来源：约定、最近各次到数、通知", "one feed: what is agreed, its newest arrivals, its notices"),
    "feeds:show_feed",
    _SHELF,
    (Word("feed", Text("数据来源编号", "id of the feed"), str, ..., is_argument=True),),
    ("feeds show income",),
)
FEEDS_RUN = Verb(
    "feeds run",
    Text(
        "收数：到了的落地、迟了的通知、通知送出；up 和 serve 运行时会自动做",
        "run the feeds: land what arrived, tell who is late, deliver; `up` and `serve` do it by themselves",
    ),
    "feeds:run_feeds",
    _SHELF,
    (
        Word("once", Text("只做一遍", "one pass, then end"), bool, False),
        Word("every", Text("两遍之间隔几秒", "seconds between two passes"), int, 15),
        Word("only", Text("只收这些来源，可多次", "only these feeds; may be repeated"), list[str], (), metavar="FEED"),
    ),
    ("feeds run --once", "feeds run --once --only income"),
)
NOTICES = Verb(
    "notices",
    Text("给报送单位的通知：迟报和退回", "what suppliers were told: late feeds and refused files"),
    "feeds:list_notices",
    _SHELF,
    (Word("open", Text("只列还没有撤销的", "only those that still stand"), bool, False),),
    ("notices --open",),
)
FEED_VERBS = (FEEDS, FEEDS_SHOW, FEEDS_RUN, NOTICES)


def list_feeds(setting: Setting) -> Exit:
    """Print how every feed stands; the exit code says that some are late."""
    with opened(setting) as city:
        states = city.desk.states()
        setting.printer.json({"feeds": [_state(state) for state in states]})
        setting.printer.table(
            Text("数据来源", "feeds"),
            (
                Text("编号", "feed"),
                Text("表", "table"),
                Text("谁报送", "supplier"),
                Text("最近一期", "newest"),
                Text("应报", "owed"),
                Text("应到", "due"),
                Text("状态", "state"),
            ),
            [
                (
                    s.supply.id,
                    s.supply.title,
                    s.supply.supplier.title,
                    s.newest.title if s.newest else None,
                    s.owed.title if s.owed else None,
                    s.due.isoformat() if s.due else None,
                    _say_state(city, s),
                )
                for s in sorted(states, key=lambda s: (not s.is_late, s.due is None, s.due, s.supply.id))
            ],
        )
        return Exit.PROBLEMS if any(s.is_late for s in states) else Exit.OK


def _say_state(city: City, state: SupplyState) -> Text:
    if state.is_late and state.due:
        days = (city.clock.today() - state.due).days
        return Text(f"迟 {days} 天", f"{days} days late")
    if state.newest is None:
        return Text("还没有报送过", "nothing has come yet")
    return Text("按时", "in time") if state.due else Text("无固定周期", "no fixed rhythm")


def show_feed(setting: Setting, feed: str) -> Exit:
    """Print one feed: what is agreed, what arrived, what its supplier was told."""
    printer = setting.printer
    with opened(setting) as city:
        supply = city.desk.get(feed)
        state, runs = city.desk.state(supply), city.desk.runs(feed, _MOST)
        notices = city.desk.notices(supplies=(feed,))
        printer.json({**_state(state), "runs": [_run(r) for r in runs], "notices": [_notice(n) for n in notices]})
        printer.facts(
            supply.title,
            [
                (Text("编号", "id"), supply.id),
                (Text("表", "table"), supply.table),
                (Text("报送单位", "supplier"), supply.supplier.title),
                (Text("从哪里来", "from"), say_origin(city, supply)),
                (Text("最近一期", "newest"), state.newest.title if state.newest else None),
                (Text("应报", "owed"), state.owed.title if state.owed else None),
                (Text("应到", "due"), state.due.isoformat() if state.due else None),
                (Text("状态", "state"), _say_state(city, state)),
                (Text("写在", "declared at"), supply.declared_at),
            ],
        )
        printer.table(
            Text("最近到数", "newest arrivals"),
            (
                Text("时刻", "at"),
                Text("文件", "file"),
                Text("结果", "outcome"),
                Text("收到", "records"),
                Text("退回", "refused"),
                Text("说明", "said"),
            ),
            [(r.at[:16], r.name, r.outcome, r.records, r.refused, r.said) for r in runs],
            (3, 4),
        )
        _print_notices(setting, notices)
        return Exit.PROBLEMS if state.is_late else Exit.OK


def say_origin(city: City, supply: Any) -> str:
    """Where a feed comes from, in words that lead there."""
    from yucun.kernel.lake.running.model import DatabaseTable, Inbox

    origin = supply.origin
    if isinstance(origin, Inbox):
        return f"{city.desk.inbox / origin.folder} ({', '.join(origin.patterns)})"
    if isinstance(origin, DatabaseTable):
        return f"${origin.url_from}: {origin.table}"
    return origin.address or f"${origin.address_from}"


def run_feeds(setting: Setting, *, once: bool, every: int, only: list[str]) -> Exit:
    """Run the feeds once, or until a signal asks to stop."""
    from yucun.kernel.lake.running.runner import run_until

    printer = setting.printer
    with opened(setting) as city:
        for name in only:
            city.desk.get(name)
        if once:
            passed = city.desk.run_once(now=True, only=only)
            printer.json(_passed(passed))
            printer.answer(_say_passed(passed))
            return Exit.PROBLEMS if passed.failed else Exit.OK
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        printer.note(Text("正在收数，Ctrl-C 停止", "running the feeds; Ctrl-C stops"))
        run_until(city.desk, stop, float(max(1, every)), lambda passed: printer.answer(_say_passed(passed)))
    return Exit.OK


def list_notices(setting: Setting, *, open: bool) -> Exit:  # noqa: A002 - the option's own name
    """Print what suppliers were told; the exit code says that some of it still stands."""
    with opened(setting) as city:
        notices = city.desk.notices(only_open=open)
        setting.printer.json({"notices": [_notice(n) for n in notices]})
        _print_notices(setting, notices)
        return Exit.PROBLEMS if any(n.is_open for n in notices) else Exit.OK


def _print_notices(setting: Setting, notices: list[Notice]) -> None:
    setting.printer.table(
        Text("通知", "notices"),
        (
            Text("通知", "notice"),
            Text("内容", "subject"),
            Text("写于", "since"),
            Text("撤销", "withdrawn"),
            Text("已送出", "delivered"),
        ),
        [
            (n.id, n.subject, n.opened_on.isoformat(), n.closed_on.isoformat() if n.closed_on else None, n.sent)
            for n in notices
        ],
    )


def _say_passed(passed: Passed) -> Text:
    return Text(
        f"落地 {passed.landed} 份，失败 {passed.failed} 次；新通知 {passed.opened}，撤销 {passed.closed}，送出 {passed.delivered}",
        f"{passed.landed} landed, {passed.failed} failed; notices: {passed.opened} new, {passed.closed} withdrawn, "
        f"{passed.delivered} delivered",
    )


def _passed(passed: Passed) -> dict[str, int]:
    return {
        "landed": passed.landed, "failed": passed.failed, "opened": passed.opened, "closed": passed.closed,
        "delivered": passed.delivered,
    }  # fmt: skip


def _state(state: SupplyState) -> dict[str, Any]:
    supply = state.supply
    return {
        "feed": supply.id,
        "table": supply.table,
        "title": supply.title.to_json(),
        "supplier": supply.supplier.title.to_json(),
        "newest": state.newest.text if state.newest else None,
        "owed": state.owed.text if state.owed else None,
        "due": state.due.isoformat() if state.due else None,
        "is_provisional": state.is_provisional,
        "is_late": state.is_late,
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "at": run.at, "name": run.name, "file": run.file, "landing": run.landing, "outcome": run.outcome,
        "records": run.records, "refused": run.refused, "said": run.said.to_json(),
    }  # fmt: skip


def _notice(notice: Notice) -> dict[str, Any]:
    return {
        "notice": notice.id,
        "feed": notice.supply,
        "table": notice.table,
        "kind": notice.kind,
        "period": notice.period or None,
        "due": notice.due.isoformat() if notice.due else None,
        "landing": notice.landing or None,
        "subject": notice.subject.to_json(),
        "text": notice.text.to_json(),
        "opened": notice.opened_on.isoformat(),
        "closed": notice.closed_on.isoformat() if notice.closed_on else None,
        "delivered": notice.sent,
    }
