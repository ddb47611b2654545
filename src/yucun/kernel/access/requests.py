"""Data requests: draft, ask, grant, refuse, end; each step journaled with who did it and why.

A grant opens exactly its fields, in exactly its regions, under its own purpose, until its last day. Only a person
refuses, and nobody decides about a request of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any

from yucun.base.clock import Clock
from yucun.base.errors import AccessError, Finding, NotKnown, Yours
from yucun.base.identity import RegionCode
from yucun.base.text import Text
from yucun.kernel.access.check import at, may_do, may_read
from yucun.kernel.access.levels import mix
from yucun.kernel.access.model import OPEN, OPEN_READER, Allowed, Column, Reader, Sheet, Within, require
from yucun.kernel.access.request_model import STATE_TITLES, DataRequest, RequestState, Wish
from yucun.kernel.access.request_store import find_request, list_requests, wish_to_json
from yucun.kernel.books import Books, WriteTransaction

LONGEST_WORDS = 500
_NEVER = "L4"
_DRAFT: tuple[RequestState, ...] = ("draft",)
_ASKED: tuple[RequestState, ...] = ("asked",)
FindSheet = Callable[[str], Sheet | None]


class Requests:
    """The data requests of a city's books.

    Parameters
    ----------
    books : Books
        With the organ of access among theirs.
    find_sheet : callable
        From a table's name to its contract.
    root : RegionCode
        The city.
    within : callable
        Whether a region lies in one of others.
    clock : Clock
        The city's; terms begin and end by its day.
    """

    def __init__(self, books: Books, find_sheet: FindSheet, root: RegionCode, within: Within, clock: Clock) -> None:
        self._books = books
        self._find_sheet = find_sheet
        self._root = root
        self._within = within
        self._clock = clock

    # -- seeing --------------------------------------------------------------------------------------------

    def get(self, number: int, *, by: Reader) -> DataRequest:
        """Return a request for whoever asked it, may decide it, or audits; for others it is not known."""
        with self._books.read() as tx:
            found = find_request(tx, number, self._clock.today())
        if found is None or not self._may_see(found, by):
            raise _unknown(number)
        return found

    def list_all(self, *, by: Reader) -> list[DataRequest]:
        """Return the requests that a reader may see, newest first."""
        if not by.is_signed_in:
            return []
        with self._books.read() as tx:
            return [r for r in list_requests(tx, self._clock.today()) if self._may_see(r, by)]

    def may_decide(self, request: DataRequest, by: Reader) -> bool:
        """Whether a reader may decide about a request: of another, with the right to approve in all its regions."""
        return by.account != request.by and self._approves(request, by)

    def where_of(self, purpose: str) -> tuple[str, Mapping[str, str]] | None:
        """The table and the conditions that reading under a purpose must keep to; None for one of no request."""
        kind, _, number = purpose.partition(".")
        if kind != "request" or not number.isdigit():
            return None
        with self._books.read() as tx:
            found = find_request(tx, int(number), self._clock.today())
        return (found.wish.table, found.wish.where) if found is not None else None

    def narrow(self, purpose: str, table: str, filters: Mapping[str, str] | None) -> Mapping[str, str] | None:
        """Put the conditions of a purpose's request before the filters that are asked under it."""
        where = self.where_of(purpose)
        return {**(filters or {}), **where[1]} if where is not None and where[0] == table else filters

    def _may_see(self, request: DataRequest, by: Reader) -> bool:
        if not by.is_signed_in:
            return False
        if by.account == request.by:
            return True
        if request.state == "draft":
            return False
        return isinstance(may_do(by, "audit"), Allowed) or self._approves(request, by)

    def _approves(self, request: DataRequest, by: Reader) -> bool:
        decision = may_do(by, "approve", request.wish.table)
        return all(isinstance(at(decision, r, self._within), Allowed) for r in request.wish.regions)

    # -- asking --------------------------------------------------------------------------------------------

    def draft(self, wish: Wish, *, by: Reader) -> DataRequest:
        """Write a request down without asking yet; all that is wrong with it is said together."""
        self._require_signed_in(by)
        findings = self._check(wish)
        if findings:
            raise Yours(findings)
        sheet = self._sheet(wish.table)
        level = mix(_columns(sheet, wish.fields)).level
        with self._books.write() as tx:
            said = {"by": by.account, "wish": wish_to_json(wish), "level": level}
            line, _ = tx.record("access.request_drafted", f"access/request/{tx.last_seq() + 1}", said)
            return _found(tx, line.seq, self._clock.today())

    def ask(self, number: int, *, by: Reader) -> DataRequest:
        """Send a draft to whoever decides."""
        request = self._own(number, by)
        self._require_state(request, _DRAFT)
        findings = self._check(request.wish)
        if findings:
            raise Yours(findings)
        return self._record("asked", request, {"by": by.account, "on": self._clock.today().isoformat()})

    def withdraw(self, number: int, *, by: Reader, why: str = "") -> DataRequest:
        """Take one's own request back, before or after the decision; what it opened is closed at once."""
        request = self._own(number, by)
        self._require_state(request, ("draft", "asked", "granted", "in_force"))
        return self._record(
            "ended", request, {"by": by.account, "state": "withdrawn", "why": why.strip()[:LONGEST_WORDS]}
        )

    # -- deciding ------------------------------------------------------------------------------------------

    def grant(
        self, number: int, *, by: Reader, why: str, fields: Sequence[str] = (), until: date | None = None
    ) -> DataRequest:
        """Grant a request, or less of it: fewer fields, a shorter term.

        Parameters
        ----------
        fields : sequence of str
            The fields granted; empty for all that were asked.
        until : date or None
            The last day granted; None for the one asked.
        """
        request = self._to_decide(number, by, why)
        wish = request.wish
        more = sorted(set(fields) - set(wish.fields))
        end = until or wish.until
        if more or end > wish.until:
            raise _refused(
                "access.request_more",
                ", ".join(more) or end.isoformat(),
                f"{', '.join(wish.fields)}; until {wish.until}",
                Text("同意的范围不能大于申请的范围", "no more is granted than was asked"),
            )
        self._require_open_term(end)
        kept = tuple(f for f in wish.fields if not fields or f in fields)
        level = mix(_columns(self._sheet(wish.table), kept)).level
        said = {"fields": list(kept), "until": end.isoformat()}
        return self._record(
            "granted",
            request,
            {"by": by.account, "why": why.strip(), "on": self._clock.today().isoformat(), "wish": said, "level": level},
        )

    def refuse(self, number: int, *, by: Reader, why: str) -> DataRequest:
        """Refuse a request, with reasons; only a person does."""
        request = self._to_decide(number, by, why)
        return self._record(
            "refused", request, {"by": by.account, "why": why.strip(), "on": self._clock.today().isoformat()}
        )

    def revoke(self, number: int, *, by: Reader, why: str) -> DataRequest:
        """Take a grant back before its term is over."""
        request = self.get(number, by=by)
        self._require_decider(request, by)
        self._require_state(request, ("granted", "in_force"))
        _require_why(why)
        return self._record("ended", request, {"by": by.account, "state": "revoked", "why": why.strip()})

    def _to_decide(self, number: int, by: Reader, why: str) -> DataRequest:
        request = self.get(number, by=by)
        self._require_decider(request, by)
        self._require_state(request, _ASKED)
        _require_why(why)
        return request

    def _require_decider(self, request: DataRequest, by: Reader) -> None:
        self._require_signed_in(by)
        if by.account == request.by:
            raise _refused(
                "access.own_request",
                by.account,
                "another account",
                Text(
                    "不能决定自己的申请；请由有审批权的另一人办理",
                    "nobody decides about a request of their own; another who may approve does",
                ),
            )
        allowed = may_do(by, "approve", request.wish.table)
        for region in request.wish.regions:
            require(at(allowed, region, self._within), f"request {request.number}")

    # -- checking ------------------------------------------------------------------------------------------

    def _check(self, wish: Wish) -> list[Finding]:
        sheet = self._find_sheet(wish.table)
        if sheet is None:
            message = Text(f"没有「{wish.table[:80]}」这张表", f"there is no table '{wish.table[:80]}'")
            return [_finding("access.request_table", wish.table[:120], "a table of the city", message, "table")]
        return [
            *_check_fields(sheet, wish),
            *self._check_rows(sheet, wish),
            *_check_words(wish),
            *self._check_term(wish),
        ]

    def _check_rows(self, sheet: Sheet, wish: Wish) -> list[Finding]:
        found = []
        if not wish.regions or not all(self._within(r, (self._root,)) for r in wish.regions):
            message = Text("请写明本市范围内的区域", "name regions within the city")
            said = ", ".join(wish.regions)
            found.append(_finding("access.regions", said, f"regions within {self._root.short}", message, "regions"))
        if wish.regions and not sheet.region_field and set(wish.regions) != {self._root}:
            message = Text("此表不分地区，区域请写全市", "this table has no regions; ask for the whole city")
            found.append(_finding("access.regions", ", ".join(wish.regions), self._root.short, message, "regions"))
        columns = {f.name: f for f in sheet.fields}
        for name in wish.where:
            if name not in columns or columns[name].level > OPEN:
                message = Text(
                    f"只能以公开字段为条件；「{name}」不是", f"rows are chosen by open fields only; '{name}' is none"
                )
                opens = ", ".join(n for n, f in columns.items() if f.level <= OPEN)
                found.append(_finding("access.request_where", name, opens, message, "where"))
        return found

    def _check_term(self, wish: Wish) -> list[Finding]:
        today = self._clock.today()
        if wish.since > wish.until:
            message = Text("期限的最后一天早于第一天", "the term ends before it begins")
            return [
                _finding(
                    "access.request_term", f"{wish.since} .. {wish.until}", "first day, last day", message, "until"
                )
            ]
        if wish.until < today:
            return [_past(wish.until, today)]
        return []

    def _require_open_term(self, until: date) -> None:
        today = self._clock.today()
        if until < today:
            raise Yours(_past(until, today))

    def _require_signed_in(self, by: Reader) -> None:
        if not by.is_signed_in or by == OPEN_READER:
            raise _refused(
                "access.signed_out",
                "",
                "an account",
                Text("数据申请须由登录的人办理", "data requests are for people who are signed in"),
            )

    def _require_state(self, request: DataRequest, states: Collection[RequestState]) -> None:
        if request.state not in states:
            here, wanted = STATE_TITLES[request.state], [STATE_TITLES[s] for s in states]
            raise _refused(
                "access.request_state",
                request.state,
                ", ".join(states),
                Text(
                    f"该申请现为「{here.zh}」，此步只用于「{'、'.join(w.zh for w in wanted)}」",
                    f"the request is '{here.en}'; this step is for '{', '.join(w.en for w in wanted)}'",
                ),
            )

    def _own(self, number: int, by: Reader) -> DataRequest:
        request = self.get(number, by=by)
        if by.account != request.by:
            raise _refused(
                "access.request_of_another",
                by.account,
                request.by,
                Text("只有申请人本人可以这样做", "only the one who asked may do that"),
            )
        return request

    def _sheet(self, table: str) -> Sheet:
        found = self._find_sheet(table)
        if found is None:
            message = Text(f"表「{table}」已不存在", f"the table '{table}' is no more")
            raise NotKnown(_finding("access.request_table", table, "a table of the city", message))
        return found

    def _record(self, step: str, request: DataRequest, said: Mapping[str, Any]) -> DataRequest:
        with self._books.write() as tx:
            current = _found(tx, request.number, self._clock.today())
            # Somebody else may have been quicker since this one looked.
            self._require_state(current, (request.state,))
            key = f"access/request/{request.number}/{tx.last_seq() + 1}"
            tx.record(f"access.request_{step}", key, {"number": request.number, **said})
            return _found(tx, request.number, self._clock.today())


def _check_fields(sheet: Sheet, wish: Wish) -> list[Finding]:
    names = [f.name for f in sheet.fields]
    unknown = [f for f in wish.fields if f not in names]
    if unknown or not wish.fields:
        message = Text(
            f"表中没有这些字段：{'、'.join(unknown)}" if unknown else "请写明要哪些字段",
            f"the table has no such field: {', '.join(unknown)}" if unknown else "name the fields that are needed",
        )
        return [_finding("access.request_fields", ", ".join(unknown), ", ".join(names), message, "fields")]
    columns = _columns(sheet, wish.fields)
    together = mix(columns)
    if together.level >= _NEVER:
        message = Text(
            f"所要字段合看为 L4 级（{together.reason.zh}），不提供；请去掉其中的字段",
            f"together the fields are L4 ({together.reason.en}), which is not given out; ask for fewer",
        )
        return [_finding("access.request_level", together.level, "L2 or L3 together", message, "fields")]
    if all(isinstance(may_read(OPEN_READER, sheet, c), Allowed) for c in columns):
        message = Text("这些字段都是公开的，无需申请", "these fields are open to everyone; no request is needed")
        return [_finding("access.request_open", ", ".join(wish.fields), "a field above L1", message, "fields")]
    return []


def _check_words(wish: Wish) -> list[Finding]:
    found = []
    about = Text("请写明用途（500 字以内）", "say what the data are for, in at most 500 characters")
    law = Text(
        "请写明依据：法律条款或职责（500 字以内）", "say on which law or task it rests, in at most 500 characters"
    )
    asked = (("purpose", wish.purpose, about), ("basis", wish.basis, law))
    for key, said, message in asked:
        if not said.strip() or len(said) > LONGEST_WORDS:
            kind = f"access.request_{key}"
            found.append(_finding(kind, said[:40], f"1 to {LONGEST_WORDS} characters", message, key))
    return found


def _require_why(why: str) -> None:
    if not why.strip() or len(why) > LONGEST_WORDS:
        raise _refused(
            "access.why",
            why[:40],
            f"1 to {LONGEST_WORDS} characters",
            Text("请写明理由（500 字以内）", "give the reasons, in at most 500 characters"),
        )


def _columns(sheet: Sheet, names: Sequence[str]) -> list[Column]:
    return [f for f in sheet.fields if f.name in names]


def _past(until: date, today: date) -> Finding:
    message = Text(f"期限 {until} 已过；今天是 {today}", f"the term ended on {until}; today is {today}")
    return _finding("access.request_term", until.isoformat(), f"{today} or later", message, "until")


def _found(tx: WriteTransaction, number: int, today: date) -> DataRequest:
    found = find_request(tx, number, today)
    if found is None:
        raise _unknown(number)
    return found


def _unknown(number: int) -> NotKnown:
    message = Text(f"没有第 {number} 号数据申请", f"there is no data request {number}")
    return NotKnown(_finding("access.request", str(number), "a data request", message))


def _finding(kind: str, found: str, expected: str, message: Text, key: str = "") -> Finding:
    return Finding(kind, "data request", found[:120], expected[:120], message, key)


def _refused(kind: str, found: str, expected: str, message: Text) -> AccessError:
    return AccessError(_finding(kind, found, expected, message))
