"""Verbs about data requests and about who looked: ask, decide, end, list; and the trail of a person or an account."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from yucun.base.errors import ContractError, Finding
from yucun.base.text import Text
from yucun.doors.command.opening import find_reader, find_region, opened
from yucun.doors.command.output import Exit
from yucun.doors.command.verb import Setting, Verb, Word

if TYPE_CHECKING:
    from yucun.city import City
    from yucun.kernel.access import DataRequest, Look, Wish

_SHELF = Text("数据申请", "Data requests")
_NUMBER = Word("number", Text("申请编号", "number of the request"), int, ..., is_argument=True)
_WHY = Word("why", Text("理由", "the reasons"), str, ...)

REQUESTS = Verb(
    "requests",
    Text("数据申请：我提出的和待我决定的", "data requests: those I asked and those I may decide"),
    "requesting:list_requests",
    _SHELF,
    (),
    ("requests --by analyst",),
)
REQUESTS_ASK = Verb(
    "requests ask",
    Text("申请读取一张表的若干字段；写明用途、依据和期限", "ask for some fields of a table: what for, on which law, until when"),
    "requesting:ask",
    _SHELF,
    (
        Word("table", Text("表名", "the table"), str, ..., is_argument=True),
        Word("field", Text("字段，可多次", "a field; may be repeated"), list[str], ...),
        Word("purpose", Text("用途", "what the data are for"), str, ...),
        Word("basis", Text("依据：法律条款或职责", "the law or task that it rests on"), str, ...),
        Word("until", Text("最后一天，如 2022-06-30", "the last day, such as 2022-06-30"), str, ...),
        Word("since", Text("第一天（默认今天）", "the first day (default today)")),
        Word("region", Text("地区，可多次（默认全市）", "a region; may be repeated (default the city)"), list[str], ()),
        Word("where", Text("只要字段等于此值的行，可多次", "only rows where a field is this; may be repeated"), list[str], (), metavar="FIELD=VALUE"),  # noqa: E501
        Word("draft", Text("只写草稿，先不提出", "only write it down, do not ask yet"), bool, False),
    ),
    ('requests ask relief.household --field name --purpose "入户核查" --basis "社会救助暂行办法" --until 2022-06-30 --by analyst',),
)  # fmt: skip
REQUESTS_SEND = Verb(
    "requests send", Text("提出一份草稿", "send a draft to whoever decides"), "requesting:send", _SHELF, (_NUMBER,)
)
REQUESTS_SHOW = Verb(
    "requests show",
    Text("一份申请和它的结果", "one request and what became of it"),
    "requesting:show",
    _SHELF,
    (_NUMBER,),
)
REQUESTS_GRANT = Verb(
    "requests grant",
    Text("同意，或只同意其中一部分", "grant a request, or less of it"),
    "requesting:grant",
    _SHELF,
    (
        _NUMBER,
        _WHY,
        Word("field", Text("只同意这些字段，可多次", "only these fields; may be repeated"), list[str], ()),
        Word("until", Text("较早的最后一天", "an earlier last day")),
    ),
    ('requests grant 812 --why "核查所需" --by chief',),
)
REQUESTS_REFUSE = Verb(
    "requests refuse",
    Text("不同意，并写明理由", "refuse a request, with reasons"),
    "requesting:refuse",
    _SHELF,
    (_NUMBER, _WHY),
)
REQUESTS_WITHDRAW = Verb(
    "requests withdraw",
    Text("撤回自己的申请", "take one's own request back"),
    "requesting:withdraw",
    _SHELF,
    (_NUMBER, Word("why", Text("理由（可不写）", "why (may be left out)"), str, "")),
)
REQUESTS_REVOKE = Verb(
    "requests revoke",
    Text("收回已同意的申请", "take a grant back before its term is over"),
    "requesting:revoke",
    _SHELF,
    (_NUMBER, _WHY),
)
LOOKED = Verb(
    "looked",
    Text(
        "谁看过：本账号看过什么；写人员编号则为谁看过此人的数据（本人和审计员）",
        "who looked: what this account looked at, or who looked at a person's data (for that person and auditors)",
    ),
    "requesting:looked",
    _SHELF,
    (
        Word("person", Text("人员编号", "id of a person"), str, None, is_argument=True),
        Word(
            "home",
            Text("此人所在的地区，用于列出整批查看", "where the person lives, to list looks at whole sets there"),
        ),
    ),
    ("looked --by analyst", "looked P000001 --home 安吉县 --by auditor"),
)
REQUEST_VERBS = (
    REQUESTS,
    REQUESTS_ASK,
    REQUESTS_SEND,
    REQUESTS_SHOW,
    REQUESTS_GRANT,
    REQUESTS_REFUSE,
    REQUESTS_WITHDRAW,
    REQUESTS_REVOKE,
    LOOKED,
)


def list_requests(setting: Setting) -> Exit:
    """Print the requests that the account may see."""
    from yucun.kernel.access import STATE_TITLES

    with opened(setting) as city:
        found = city.requests.list_all(by=find_reader(city, setting, "chief"))
        setting.printer.json({"requests": [say_request(r) for r in found]})
        setting.printer.table(
            Text("数据申请", "data requests"),
            (
                Text("编号", "number"),
                Text("谁", "by"),
                Text("表", "table"),
                Text("字段", "fields"),
                Text("用途", "purpose"),
                Text("到", "until"),
                Text("状态", "state"),
            ),
            [
                (
                    r.number,
                    r.by,
                    r.wish.table,
                    ", ".join(r.wish.fields),
                    r.wish.purpose,
                    r.wish.until.isoformat(),
                    STATE_TITLES[r.state],
                )
                for r in found
            ],
            (0,),
        )
    return Exit.OK


def ask(
    setting: Setting,
    table: str,
    field: list[str],
    *,
    purpose: str,
    basis: str,
    until: str,
    since: str | None,
    region: list[str],
    where: list[str],
    draft: bool,
) -> Exit:
    """Write a request down, and send it unless it is a draft."""
    with opened(setting) as city:
        reader = find_reader(city, setting)
        made = city.requests.draft(_wish(city, table, field, region, where, purpose, basis, since, until), by=reader)
        return _print(setting, made if draft else city.requests.ask(made.number, by=reader))


def _wish(
    city: City,
    table: str,
    fields: list[str],
    regions: list[str],
    where: list[str],
    purpose: str,
    basis: str,
    since: str | None,
    until: str,
) -> Wish:
    from yucun.kernel.access import Wish

    places = tuple(find_region(city, word) for word in regions) or (city.place.region,)
    conditions = {}
    for word in where:
        name, equals, value = word.partition("=")
        if not equals:
            raise ContractError(
                Finding(
                    "command.where",
                    "--where",
                    word[:120],
                    "FIELD=VALUE",
                    Text(f"「--where {word}」应写成 字段=值", f"'--where {word}' is written FIELD=VALUE"),
                )
            )
        conditions[name.strip()] = value.strip()
    first = read_day(since, "--since") if since else city.clock.today()
    return Wish(table, tuple(fields), places, purpose, basis, first, read_day(until, "--until"), conditions)


def read_day(word: str, where: str) -> date:
    """Read a day, or say how one is written."""
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise ContractError(
            Finding(
                "command.day",
                where,
                word[:120],
                "2022-06-30",
                Text(
                    f"「{word[:40]}」不是日期；请写成 2022-06-30", f"'{word[:40]}' is not a day; write it as 2022-06-30"
                ),
            )
        ) from None


def send(setting: Setting, number: int) -> Exit:
    """Send a draft."""
    with opened(setting) as city:
        return _print(setting, city.requests.ask(number, by=find_reader(city, setting)))


def show(setting: Setting, number: int) -> Exit:
    """Print one request."""
    with opened(setting) as city:
        return _print(setting, city.requests.get(number, by=find_reader(city, setting, "chief")))


def grant(setting: Setting, number: int, *, why: str, field: list[str], until: str | None) -> Exit:
    """Grant a request, or less of it."""
    with opened(setting) as city:
        end = read_day(until, "--until") if until else None
        by = find_reader(city, setting, "chief")
        return _print(setting, city.requests.grant(number, by=by, why=why, fields=field, until=end))


def refuse(setting: Setting, number: int, *, why: str) -> Exit:
    """Refuse a request; the account that does it is named with ``--by``, since no machine refuses."""
    with opened(setting) as city:
        return _print(setting, city.requests.refuse(number, by=find_reader(city, setting), why=why))


def withdraw(setting: Setting, number: int, *, why: str) -> Exit:
    """Take one's own request back."""
    with opened(setting) as city:
        return _print(setting, city.requests.withdraw(number, by=find_reader(city, setting), why=why))


def revoke(setting: Setting, number: int, *, why: str) -> Exit:
    """Take a grant back."""
    with opened(setting) as city:
        return _print(setting, city.requests.revoke(number, by=find_reader(city, setting), why=why))


def _print(setting: Setting, request: DataRequest) -> Exit:
    from yucun.kernel.access import STATE_TITLES

    wish = request.wish
    setting.printer.json(say_request(request))
    facts: list[tuple[Text, Any]] = [
        (Text("状态", "state"), STATE_TITLES[request.state]),
        (Text("申请账号", "asked by"), request.by),
        (Text("表", "table"), wish.table),
        (Text("字段", "fields"), ", ".join(wish.fields)),
        (Text("合并级别", "level together"), request.level),
        (Text("地区", "regions"), ", ".join(r.short for r in wish.regions)),
        (Text("条件", "rows where"), ", ".join(f"{k} = {v}" for k, v in wish.where.items()) or None),
        (Text("用途", "purpose"), wish.purpose),
        (Text("依据", "basis"), wish.basis),
        (Text("期限", "term"), f"{wish.since} – {wish.until}"),
        (Text("决定", "decided by"), request.decided_by or None),
        (Text("理由", "reasons"), request.reasons or None),
        (Text("提前结束", "ended by"), request.ended_by or None),
        (Text("结束理由", "why it ended"), request.why_ended or None),
        (Text("查看时的目的", "purpose to read under"), request.purpose_name),
    ]
    number = request.number
    setting.printer.facts(
        Text(f"数据申请第 {number} 号", f"data request {number}"), [(t, v) for t, v in facts if v is not None]
    )
    return Exit.OK


def say_request(request: DataRequest) -> dict[str, Any]:
    """A request as JSON, the same at every door."""
    wish = request.wish
    return {
        "number": request.number,
        "state": request.state,
        "by": request.by,
        "table": wish.table,
        "fields": list(wish.fields),
        "regions": [str(r) for r in wish.regions],
        "where": dict(wish.where),
        "purpose": wish.purpose,
        "basis": wish.basis,
        "since": wish.since.isoformat(),
        "until": wish.until.isoformat(),
        "level": request.level,
        "asked_on": request.asked_on.isoformat() if request.asked_on else None,
        "decided_by": request.decided_by,
        "decided_on": request.decided_on.isoformat() if request.decided_on else None,
        "reasons": request.reasons,
        "ended_by": request.ended_by,
        "why_ended": request.why_ended,
        "read_under": request.purpose_name,
    }


def looked(setting: Setting, person: str | None, home: str | None) -> Exit:
    """Print the trail of the account, or of a person."""
    with opened(setting) as city:
        reader = find_reader(city, setting, "auditor")
        if person is None:
            looks = city.trail.list_of_account(reader.account, by=reader)
        else:
            looks = city.looks_at(person, by=reader, home=find_region(city, home) if home else None)
        setting.printer.json({"looks": [say_look(look) for look in looks]})
        setting.printer.table(
            Text("谁看过", "who looked"),
            (
                Text("最近一次", "last at"),
                Text("账号", "account"),
                Text("目的", "purpose"),
                Text("看了什么", "what"),
                Text("字段", "fields"),
                Text("地区", "region"),
                Text("次数", "looks"),
                Text("批次", "batch"),
            ),
            [(k.last_at, k.account, k.purpose, k.what, k.fields, k.region, k.looks, k.batch) for k in looks],
            (6, 7),
        )
    return Exit.OK


def say_look(look: Look) -> dict[str, Any]:
    """A row of the trail as JSON."""
    return {
        "batch": look.batch,
        "first_at": look.first_at,
        "last_at": look.last_at,
        "account": look.account,
        "verb": look.verb,
        "purpose": look.purpose,
        "what": look.what,
        "fields": look.fields.split(",") if look.fields else [],
        "region": look.region,
        "looks": look.looks,
        "shown": look.shown,
    }
