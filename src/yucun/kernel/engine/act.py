"""Acting: one event's effects become journal lines of the organs, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from yucun.base.errors import Finding, Yours
from yucun.base.text import Text
from yucun.kernel.books import Message
from yucun.kernel.books.model import canonical
from yucun.kernel.books.store import WriteTransaction
from yucun.kernel.cases import Cases
from yucun.kernel.effects import ACTIONS, Ask, Effect, MoveCase, Notify, OpenCase, Post, Record, Reserve, Void
from yucun.kernel.engine.model import Acting, Event
from yucun.kernel.engine.store import find_records
from yucun.kernel.lake.checking.record import check_record
from yucun.kernel.ledger import Ledger
from yucun.kernel.registry.regions import Regions


class Act:
    """The effects of one event as they are applied; findings of rows that were refused are gathered.

    A private text of the event never reaches an organ: wherever a decision repeats it, its hash stands.
    """

    def __init__(
        self,
        tx: WriteTransaction,
        service: Acting,
        event: Event,
        shown: Event,
        cases: Cases,
        ledger: Ledger,
        regions: Regions,
        today: date,
    ) -> None:
        self.tx = tx
        self.service = service
        self.event = event
        self.findings: list[Finding] = []
        self.cases_done: list[str] = []
        self.effects: tuple[Effect, ...] = ()
        self._cases = cases
        self._ledger = ledger
        self._regions = regions
        self._today = today
        self._marks = {
            text: event.body[name]
            for name, text in shown.body.items()
            if isinstance(text, str) and text and text != event.body.get(name)
        }

    @property
    def cases(self) -> tuple[str, ...]:
        """Ids of the cases that were opened or moved."""
        return tuple(self.cases_done)

    def open_cases(self, number: int, effect: OpenCase) -> None:
        """Open cases of the service's own kinds."""
        for wish in effect.wishes:
            self._own(wish.kind)
        wishes = [replace(wish, fields=self._hide(wish.fields)) for wish in effect.wishes]
        worked = self._cases.open(self.tx, wishes, self._key(number), all_or_none=effect.all_or_none)
        self.cases_done += [*worked.done, *worked.already]
        self.findings += [one.finding for one in worked.refused]

    def move_cases(self, number: int, effect: MoveCase) -> None:
        """Move cases of the service's own kinds."""
        wishes = [replace(wish, set=self._hide(wish.set), reason=self._mark(wish.reason)) for wish in effect.wishes]
        for wish in wishes:
            case = self._cases.find(self.tx, wish.case)
            if case is not None:
                self._own(case.kind)
        worked = self._cases.move(self.tx, wishes, self._key(number), all_or_none=effect.all_or_none)
        self.cases_done += [*worked.done, *worked.already]
        self.findings += [one.finding for one in worked.refused]

    def transfer(self, number: int, effect: Reserve | Post | Void) -> None:
        """Reserve, post or void."""
        allowed = ACTIONS[type(effect)]
        wrong = [one.action for one in effect.transfers if one.action not in allowed]
        if wrong:
            raise TypeError(f"{type(effect).__name__} does not {wrong[0]}")
        posted = self._ledger.post(self.tx, effect.transfers, self._key(number), all_or_none=effect.all_or_none)
        self.findings += [one.finding for one in posted.refused]

    def record(self, number: int, effect: Record) -> None:
        """Write rows of a published table."""
        contract = self.service.contracts.get(effect.table)
        if contract is None or effect.table not in self.service.publishes:
            raise Yours(_not_published(self.service, effect.table))
        findings: list[Finding] = []
        rows: dict[str, dict[str, Any]] = {}
        for given in effect.rows:
            row, wrong = check_record(contract, self._hide(given), self._regions, self._today)
            findings += wrong
            if not wrong:
                key = {name: row[name] for name in contract.key}
                rows.setdefault(canonical(key), {"key": key, "row": row})
        known = {} if self.tx.hopes else find_records(self.tx, effect.table, [one["key"] for one in rows.values()])
        for name, content in known.items():
            if canonical(rows.pop(name)["row"]) != content:
                findings.append(_known_otherwise(effect.table, name))
        if findings and effect.all_or_none:
            raise Yours(findings)
        self.findings += findings
        if rows:
            said = {"table": effect.table, "rows": list(rows.values())}
            self.tx.record("engine.recorded", self._key(number), said, service=self.service.hash)

    def send(self, number: int, effect: Notify | Ask) -> None:
        """Put a message or a question into the outbox."""
        token = effect.token or self._key(number)
        if isinstance(effect, Notify):
            body = {
                "to": effect.to,
                "title": effect.title.to_json(),
                "template": effect.template,
                "body": self._hide(effect.body),
            }
            message = Message(token, "notify", {"service": self.service.id, **body})
        else:
            asked = {"service": self.service.id, "question": effect.question, "body": self._hide(effect.body)}
            message = Message(token, "ask", asked)
        said = {"event": self.event.key, "token": token}
        self.tx.record("engine.sent", self._key(number), said, messages=[message], service=self.service.hash)

    def finish(self, effects: Sequence[Effect]) -> None:
        """Write down the findings of refused rows."""
        self.effects = tuple(effects)
        if self.findings:
            said = {"event": self.event.key, "findings": [one.to_json() for one in self.findings]}
            self.tx.record("engine.findings", f"findings:{self.event.key}", said, service=self.service.hash)

    def _key(self, number: int) -> str:
        return f"effect:{self.event.key}:{number}"

    def _own(self, kind: str) -> None:
        if kind.partition(".")[0] != self.service.id:
            raise Yours(_not_own(self.service, kind))

    def _hide(self, said: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._mark(value) for name, value in said.items()}

    def _mark(self, value: Any) -> Any:
        return self._marks.get(value, value) if isinstance(value, str) else value


def _not_published(service: Acting, table: str) -> Finding:
    known = ", ".join(sorted(service.publishes))
    return Finding("engine.not_published", service.id, table, known, Text(
        f"服务没有发布表「{table}」；请写进 service.toml 的 publishes",
        f"the service does not publish '{table}'; name it under publishes in service.toml"))  # fmt: skip


def _known_otherwise(table: str, key: str) -> Finding:
    return Finding("engine.record_known", table, key[:120], "the same content", Text(
        f"表 {table} 已有此键且内容不同：{key[:120]}；更正请另记一条",
        f"table {table} holds this key with other content: {key[:120]}; record a correction as a row of its own"))  # fmt: skip


def _not_own(service: Acting, kind: str) -> Finding:
    return Finding("engine.not_own", service.id, kind, f"{service.id}.…", Text(
        f"服务只能办理自己的事项，不能办理「{kind}」", f"a service works on its own kinds of case, not on '{kind}'"))  # fmt: skip
