"""Verbs about records: load a file, trace a record, bring boundaries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from yucun.base.errors import ContractError, Finding
from yucun.base.text import Text
from yucun.doors.command.numbers import say_fields
from yucun.doors.command.opening import find_file, find_reader, opened
from yucun.doors.command.output import Exit
from yucun.doors.command.verb import Setting

if TYPE_CHECKING:
    from yucun.city import City
    from yucun.kernel.lake.bulk.load import BulkSent
    from yucun.kernel.lake.model import Landing

_MOST_SHOWN = 50


# A file beyond this size, a table of a database, Parquet and JSON lines are loaded in bulk.
_LARGE = 64 << 20
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def load(
    setting: Setting, source: list[str], table: str, set: list[str], memory: str,  # noqa: A002 - the option's own name
    *, correct: bool, bulk: bool, resume: bool, cancel: bool,
) -> Exit:  # fmt: skip
    """Send files; refused records are printed with their sentences, and the exit code says that there were some."""
    given = _read_given(set)
    if not (resume or cancel or (source and table)):
        setting.printer.findings([_nothing_said()])
        return Exit.USAGE
    with opened(setting) as city:
        if resume or cancel:
            return _go_on(setting, city, memory, cancel=cancel)
        ended = [
            _load_one(setting, city, one, table, given, memory, correct=correct, bulk=bulk)
            for one in _list_sources(source)
        ]
        return Exit.OK if all(ended) else Exit.PROBLEMS


def _load_one(
    setting: Setting,
    city: City,
    source: str,
    table: str,
    given: dict[str, str],
    memory: str,
    *,
    correct: bool,
    bulk: bool,
) -> bool:
    """Send one file or table; true when nothing was refused."""
    from yucun.kernel.lake.bulk.load import BulkSent

    reader = find_reader(city, setting, "clerk")
    if bulk or _is_for_bulk(source):
        landing = _load_bulk(setting, city, BulkSent(source, table, reader.account, given, correct), memory)
    else:
        file = Path(source)
        content = _read(file)
        with setting.printer.step(Text(f"报送 {file.name}", f"send {file.name}")) as move:
            landing = city.load(
                content, file.name, table, reader=reader, given=given, correct=correct,
                progress=lambda _, done, total: move(done, total),
            )  # fmt: skip
    _print_landing(setting, city, landing)
    return landing.is_readable and not landing.refused


def _load_bulk(setting: Setting, city: City, sent: BulkSent, memory: str) -> Landing:
    """Load in a child process; Ctrl-C cancels, and nothing remains."""
    from yucun.kernel.lake.bulk.model import Limits

    reader = find_reader(city, setting, "clerk")
    limits = Limits(memory=_read_memory(memory)) if memory else Limits()
    with setting.printer.steps(Text(f"装载 {sent.name}", f"load {sent.name}")) as move:
        return city.load_bulk(
            sent, reader=reader, limits=limits,
            progress=lambda p: move(
                Text(f"{p.text.zh}（{p.records:,} 条）", f"{p.text.en} ({p.records:,} records)"), p.done, p.total
            ),
        )  # fmt: skip


def _go_on(setting: Setting, city: City, memory: str, *, cancel: bool) -> Exit:
    """Resume, or cancel, every load that was stopped."""
    from yucun.kernel.lake.bulk.load import cancel_job, list_jobs

    jobs, printer = list_jobs(city.lake), setting.printer
    if not jobs:
        printer.answer(Text("没有中断的装载", "no load was stopped"))
    ended = []
    for job in jobs:
        if cancel:
            done = cancel_job(job)
            said = (
                Text("已取消", "cancelled")
                if done
                else Text("另一进程正在装载，未取消", "is being loaded by another process")
            )
            printer.answer(Text(f"{job.plan.name}：{said.zh}", f"{job.plan.name}: {said.en}"))
            ended.append(done)
            continue
        landing = _load_bulk(setting, city, job.sent, memory)
        _print_landing(setting, city, landing)
        ended.append(landing.is_readable and not landing.refused)
    return Exit.OK if all(ended) else Exit.PROBLEMS


def _list_sources(said: list[str]) -> list[str]:
    """Files of folders and patterns, in order of their names; a database's address stays as it is."""
    from glob import glob

    from yucun.kernel.lake.bulk.database import is_database

    sources = []
    for word in said:
        if is_database(word) or Path(word).is_file():
            sources.append(word)
        elif Path(word).is_dir():
            sources += sorted(str(p) for p in Path(word).iterdir() if p.is_file() and not p.name.startswith("."))
        else:
            # Unlike Path.glob this takes a pattern that begins at the root.
            sources += sorted(glob(word, recursive=True)) or [word]  # noqa: PTH207
    return sources


def _is_for_bulk(source: str) -> bool:
    from yucun.kernel.lake.bulk.database import is_database
    from yucun.kernel.lake.bulk.sources import PARQUET_MARK
    from yucun.kernel.lake.bulk.text_source import is_json_lines

    path = Path(source)
    if is_database(source):
        return True
    if not path.is_file():
        return False
    with path.open("rb") as handle:
        mark = handle.read(4)
    is_workbook = mark in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
    return not is_workbook and (mark == PARQUET_MARK or path.stat().st_size > _LARGE or is_json_lines(path))


def _read_memory(word: str) -> int:
    number, unit = word.strip().upper().removesuffix("B").removesuffix("I"), 1
    if number[-1:] in _UNITS:
        number, unit = number[:-1], _UNITS[number[-1]]
    size = int(float(number) * unit) if number.replace(".", "", 1).isdigit() else 0
    if size < _UNITS["G"]:
        raise ContractError(
            Finding(
                "command.memory", "--memory", word[:40], "4GB",
                Text(f"「--memory {word}」应写成如 4GB，至少 1GB", f"'--memory {word}' is written such as 4GB, and is at least 1GB"),
            )
        )  # fmt: skip
    return size


def _nothing_said() -> Finding:
    return Finding(
        "command.load", "load", "nothing", "FILE --table TABLE",
        Text(
            "请写要报送的文件和 --table 表名；继续中断的装载用 --resume",
            "say which file is sent and for which --table; --resume goes on with loads that were stopped",
        ),
    )  # fmt: skip


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ContractError(
            Finding(
                "command.file", str(file), str(error.strerror), "a file that can be read",
                Text(f"读不到文件「{file}」：{error.strerror}；请核对路径", f"cannot read '{file}': {error.strerror}; check the path"),
            )
        ) from None  # fmt: skip


def _read_given(said: list[str]) -> dict[str, str]:
    given = {}
    for word in said:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise ContractError(
                Finding(
                    "command.set", "--set", word[:120], "FIELD=VALUE",
                    Text(f"「--set {word}」应写成 字段=值", f"'--set {word}' is written FIELD=VALUE"),
                )
            )  # fmt: skip
        given[name.strip()] = value.strip()
    return given


def _print_landing(setting: Setting, city: City, landing: Landing) -> None:
    printer = setting.printer
    refused = city.quarantine(landing.key, reader=find_reader(city, setting, "clerk"), limit=_MOST_SHOWN).to_pylist()
    if printer.is_json:
        import msgspec

        from yucun.doors.api.lake_shapes import shape_landing

        said = msgspec.to_builtins(shape_landing(landing))
        printer.json({**said, "refused_records": [_refused(row) for row in refused]})
        return
    if landing.is_repeat:
        printer.answer(
            Text(
                "同一文件此前已报送；以下是当时的结果，这次什么也没做",
                "this very file was sent before; this is what became of it then, and nothing was done now",
            )
        )
    facts: list[tuple[Text, Any]] = [
        (Text("表", "table"), landing.table),
        (Text("收到记录", "records"), landing.records),
        (Text("落库行数", "rows landed"), landing.landed),
        (Text("拒收记录", "records refused"), landing.refused),
        (Text("文件内重复", "repeats within the file"), landing.repeated),
        (Text("表中已有", "held already"), landing.already),
        (Text("更正", "corrected"), landing.corrected),
        (Text("日志序号", "journal seq"), landing.seq),
        (Text("落地编号", "key of the landing"), landing.key),
    ]
    printer.facts(Text(f"{landing.name} 的下落", f"what became of {landing.name}"), facts)
    for note in landing.notes:
        printer.note(Text(f"{note['where']}：{note['message']['zh']}", f"{note['where']}: {note['message']['en']}"))
    for row in (_refused(r) for r in refused):
        for finding in row["findings"]:
            printer.note(
                Text(f"{row['where']}：{finding['message']['zh']}", f"{row['where']}: {finding['message']['en']}")
            )
    if landing.refused > len(refused):
        printer.note(
            Text(
                f"……共拒收 {landing.refused} 条，其余见 /lake",
                f"… {landing.refused} records were refused; the others stand at /lake",
            )
        )


def _refused(row: dict[str, Any]) -> dict[str, Any]:
    import json

    return {
        "record": row["_record"],
        "where": row["_where"],
        "findings": json.loads(row["findings"]),
        "raw": row["raw"],
    }


def trace(setting: Setting, file: str, record: int) -> Exit:
    """Print the rows that a record became and every number that it moved."""
    printer = setting.printer
    with opened(setting) as city:
        found = city.trace(find_file(city, file), record, reader=find_reader(city, setting))
        if printer.is_json:
            import msgspec

            from yucun.doors.api.shapes import shape_trace

            printer.json(msgspec.to_builtins(shape_trace(found)))
            return Exit.OK
        printer.table(
            Text(f"第 {record} 条成了这些行", f"record {record} became these rows"),
            (Text("表", "table"), Text("内容", "fields"), Text("来源", "source")),
            [(r.table, say_fields(r.fields), r.source) for r in found.rows],
        )
        printer.table(
            Text(f"它影响了 {len(found.moved)} 个数", f"it moved {len(found.moved)} numbers"),
            (Text("指标", "indicator"), Text("名称", "title"), Text("地区", "region"), Text("时期", "period")),
            [
                (c.indicator, city.indicators[c.indicator].title, city.regions.get(c.region).name, c.period.text)
                for c in found.moved
            ],
        )
        if not found.rows:
            printer.note(
                Text(
                    "这一条现在不在任何表中（被拒收、被更正，或没有这一条）",
                    "no table holds this record now (refused, corrected, or there is none)",
                )
            )
    return Exit.OK


def bring_boundaries(setting: Setting, file: Path, system: str | None) -> Exit:
    """Read a standard map's boundaries, say what is wrong with it, and keep what is right as the city's own."""
    from yucun.kernel.registry import keep_boundaries, read_boundaries

    content = _read(file)
    with opened(setting) as city:
        boundaries, findings = read_boundaries(content, city.regions, system)
        with city.books.writing():
            kept = city.attachments.keep(content, "application/geo+json", file.name)
            with city.books.write() as tx:
                keep_boundaries(tx, boundaries, kept)
        setting.printer.json(
            {
                "outlines": len(boundaries.outlines),
                "system": boundaries.system,
                "findings": [f.to_json() for f in findings],
            }
        )
        setting.printer.answer(
            Text(
                f"已收下 {len(boundaries.outlines)} 个地区的边界（{boundaries.system}）",
                f"kept the boundaries of {len(boundaries.outlines)} regions ({boundaries.system})",
            )
        )
        if not setting.printer.is_json:
            setting.printer.findings(findings)
    return Exit.PROBLEMS if findings else Exit.OK
