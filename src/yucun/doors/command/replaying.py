"""Verbs that live the city again: dry-run events, replay a period under other rules, and print what differs."""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yucun.base.errors import ContractError, Finding
from yucun.base.text import Text
from yucun.doors.command.opening import find_reader, opened
from yucun.doors.command.output import Exit
from yucun.doors.command.verb import Setting, Verb, Word

if TYPE_CHECKING:
    from yucun.city import City
    from yucun.kernel.engine import Difference, Event, Taken

_MOST_SHOWN = 40
_GROUP = Text("重演", "Again")

REPLAY_VERBS: tuple[Verb, ...] = (
    Verb(
        "event",
        Text(
            "报入一批事件；--dry-run 只说会怎样",
            "give a file of events; --dry-run only says what would follow",
        ),
        "replaying:event",
        _GROUP,
        (
            Word(
                "kind",
                Text("事件种类，如 hotline.message", "kind of event, e.g. hotline.message"),
                str,
                ...,
                is_argument=True,
            ),
            Word(
                "file",
                Text("JSON 行文件，每行一个事件，可带 key", "JSON lines, an event a line, each with a key if need be"),
                Path,
                ...,
                is_argument=True,
            ),
            Word("dry_run", Text("什么也不保留", "keep nothing"), bool, False),
        ),
        ("event hotline.message messages.jsonl --dry-run",),
    ),
    Verb(
        "compare",
        Text(
            "以另一套参数或另一版服务重演日志，列出每处不同",
            "live the journal again under other parameters or another version of the services; print all that differs",
        ),
        "replaying:compare",
        _GROUP,
        (
            Word(
                "parameters",
                Text(
                    "替换参数：服务=文件，只写要改的键，可多次",
                    "other parameters, only the keys that change; may be repeated",
                ),
                list[str],
                (),
                metavar="SERVICE=FILE",
            ),
            Word("services", Text("另一版服务所在目录", "folder of another version of the services"), Path),
            Word(
                "after",
                Text("此前的照旧：日志序号、日期或时刻", "what came before stands: a journal seq, a day or an instant"),
            ),
            Word("until", Text("重演到这里为止", "live again up to here")),
            Word("out", Text("把全部不同写成 JSON 行", "write all differences as JSON lines"), Path),
        ),
        (
            "compare --parameters hotline=shorter.toml",
            "compare --services ./services-next --after 2022-05-01 --out d.jsonl",
        ),
    ),
)


def event(setting: Setting, kind: str, file: Path, *, dry_run: bool) -> Exit:
    """Give events to the engine, or say what would become of them."""
    printer = setting.printer
    with opened(setting) as city:
        reader = find_reader(city, setting, "clerk")
        events = list(_read_events(file, kind, reader.account, frozenset(reader.roles)))
        engine = city.work.engine
        taken = engine.dry_run(events) if dry_run else [city.submit(one).result() for one in events]
        if not dry_run:
            city.settle()
    printer.json([_said(one) for one in taken])
    printer.table(
        Text("若报入，结果会是" if dry_run else "结果", "what would follow" if dry_run else "what became of them"),
        (Text("事件", "event"), Text("结果", "outcome"), Text("后果", "effects"), Text("说明", "said")),
        [
            (one.key, Text.same(one.status), ", ".join(type(e).__name__ for e in one.effects),
             Text("；".join(f.message.zh for f in one.findings), "; ".join(f.message.en for f in one.findings)))
            for one in taken
        ],
    )  # fmt: skip
    return Exit.OK if all(one.is_good for one in taken) else Exit.PROBLEMS


def _read_events(file: Path, kind: str, account: str, roles: frozenset[str]) -> Iterator[Event]:
    from yucun.kernel.books.model import canonical, digest
    from yucun.kernel.cases import Actor
    from yucun.kernel.engine import Event

    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        bodies = [(number, json.loads(line)) for number, line in enumerate(lines, 1) if line.strip()]
    except (OSError, ValueError) as error:
        raise ContractError(_unreadable(file, str(error))) from None
    for number, body in bodies:
        if not isinstance(body, dict):
            raise ContractError(_unreadable(file, f"line {number} is not an object"))
        key = str(body.pop("key", "") or f"{kind}:{digest(canonical(body))[:32]}")
        yield Event(key, kind, body, Actor(account, roles))


def _unreadable(file: Path, said: str) -> Finding:
    return Finding("command.events", str(file), said[:120], "JSON lines", Text(
        f"「{file}」不是 JSON 行文件：{said}", f"'{file}' is not a file of JSON lines: {said}"))  # fmt: skip


def _said(taken: Taken) -> dict[str, Any]:
    return {
        "key": taken.key,
        "status": taken.status,
        "seq": taken.seq,
        "effects": [type(effect).__name__ for effect in taken.effects],
        "cases": list(taken.cases),
        "findings": [finding.to_json() for finding in taken.findings],
    }


def compare(
    setting: Setting,
    parameters: list[str],
    services: Path | None,
    after: str | None,
    until: str | None,
    out: Path | None,
) -> Exit:
    """Replay the journal and print every difference; the city itself is only read."""
    from yucun.kernel.engine.another import differences
    from yucun.kernel.engine.compare import count, to_lines

    printer = setting.printer
    with opened(setting) as city, _lived_again(city, setting, parameters, services, after, until) as (first, another):
        found = list(differences(first, another, city.make_numbers))
        events = another.replayed.events
    if out is not None:
        out.write_text("".join(f"{line}\n" for line in to_lines(found)), encoding="utf-8")
    printer.json({"events": events, "differ": count(found), "differences": [one.to_json() for one in found]})
    _print(setting, found, events)
    return Exit.OK


@contextmanager
def _lived_again(
    city: City, setting: Setting, parameters: list[str], services: Path | None, after: str | None, until: str | None
) -> Iterator[tuple[Any, Any]]:
    from yucun.base.declaration import raise_findings
    from yucun.kernel.engine.another import live_again
    from yucun.kernel.engine.load import lay_over, read_values
    from yucun.kernel.service import read_services

    acting = city.services
    if services is not None:
        acting, findings = read_services(services)
        raise_findings(findings)
    values = city.place.folder / "parameters"
    packs = {}
    for word in parameters:
        name, _, path = word.partition("=")
        if name not in acting or not Path(path).is_file():
            raise ContractError(_bad_parameters(word, acting))
        packs[name] = lay_over(read_values(acting[name], values), tomllib.loads(Path(path).read_text(encoding="utf-8")))
    first = city.as_first()
    with tempfile.TemporaryDirectory(prefix="yucun-again-") as folder:
        with setting.printer.step(Text("重演日志", "live the journal again")):
            another = live_again(
                first, Path(folder), acting, values=values, packs=packs, after=_seq(city, after) or 0, until=_seq(city, until)
            )  # fmt: skip
        try:
            yield first, another
        finally:
            another.close()


def _seq(city: City, said: str | None) -> int | None:
    if said is None:
        return None
    if said.isdigit() and len(said) < 8:
        return int(said)
    instant = datetime.fromisoformat(said)
    with city.books.read() as tx:
        return tx.seq_at(instant if instant.tzinfo else instant.replace(tzinfo=city.clock.now().tzinfo))


def _bad_parameters(word: str, services: Any) -> Finding:
    known = ", ".join(sorted(services))
    return Finding("command.parameters", "--parameters", word[:120], "SERVICE=FILE", Text(
        f"「{word}」应写成 服务=文件；服务有：{known}", f"'{word}' is written SERVICE=FILE; services: {known}"))  # fmt: skip


def _print(setting: Setting, found: list[Difference], events: int) -> None:
    from yucun.kernel.engine.compare import WHAT_TITLES, count

    printer = setting.printer
    if not found:
        printer.answer(Text(f"重演 {events} 个事件，没有任何不同", f"{events} events lived again; nothing differs"))
        return
    said_zh = "、".join(f"{WHAT_TITLES[w].zh} {n}" for w, n in count(found).items())  # type: ignore[index]
    said_en = ", ".join(f"{n} {WHAT_TITLES[w].en}" for w, n in count(found).items())  # type: ignore[index]
    printer.answer(
        Text(f"重演 {events} 个事件；不同：{said_zh}", f"{events} events lived again; what differs: {said_en}")
    )
    printer.table(
        Text(f"前 {min(len(found), _MOST_SHOWN)} 处不同", f"the first {min(len(found), _MOST_SHOWN)} differences"),
        (Text("种类", "what"), Text("哪个", "which"), Text("字段", "field"), Text("原为", "was"), Text("现为", "is")),
        [
            (WHAT_TITLES[one.what], one.key, one.field, _shown(one.before), _shown(one.after))
            for one in found[:_MOST_SHOWN]
        ],
    )


def _shown(value: Any) -> str:
    return "—" if value is None else str(value)[:60]
