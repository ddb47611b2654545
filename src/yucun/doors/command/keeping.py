"""Verbs that keep the city safe: check, rebuild, backup, restore."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yucun.base.clock import stopwatch
from yucun.base.errors import Finding, JournalBroken, Ours, PlaceError
from yucun.base.text import Text
from yucun.doors.command.opening import opened, require_city
from yucun.doors.command.output import Exit
from yucun.doors.command.verb import Setting

if TYPE_CHECKING:
    from yucun.city import City
    from yucun.kernel.access import Trail
    from yucun.kernel.books import Books, Organ
    from yucun.kernel.lake.store import Lake

BOOKS, LIST = "books.sqlite", "backup.json"
_MOST_WRONG = 50
_FOLDERS = ("lake", "attachments")
# Of the books themselves, made anew line by line.
_MADE_ANEW = {"journal", "journal_commit", "outbox", "attachment", "migration"}
# What ends with the machine: who is signed in, and who is about to be.
_LEFT_BEHIND = {"access_session", "access_sign_in", "access_failure"}


def check(setting: Setting) -> Exit:
    """Check everything that can be checked without asking anybody; the first thing that is wrong does not stop the rest.

    What is kept is checked first and without opening the city, since a damaged file may keep it from opening.
    """
    printer = setting.printer
    require_city(setting)
    with _kept_of(setting) as kept:
        done = [_check_one(title, run, kept) for title, run in _KEPT_CHECKS]
    if not any(one.wrong for one in done):
        with opened(setting) as city:
            done += [_check_one(title, run, city) for title, run in _CITY_CHECKS]
    printer.json(
        [
            {
                "check": one.title.en,
                "is_good": not one.wrong,
                "said": one.said,
                "wrong": [t.to_json() for t in one.wrong],
                "seconds": one.seconds,
            }
            for one in done
        ]
    )
    printer.table(
        Text("核对", "checks"),
        (Text("核对什么", "what"), Text("结果", "outcome"), Text("多少", "how much"), Text("秒", "s")),
        [
            (one.title, Text("不符", "wrong") if one.wrong else Text("相符", "right"), one.said, one.seconds)
            for one in done
        ],
        (3,),
    )
    wrong = [text for one in done for text in one.wrong]
    if not printer.is_json:
        for text in wrong[:_MOST_WRONG]:
            printer.note(text)
        if wrong and len(done) == len(_KEPT_CHECKS):
            printer.note(Text("先恢复以上内容，再核对其余", "restore these first; the rest is checked then"))
    return Exit.PROBLEMS if wrong else Exit.OK


@dataclass(frozen=True, slots=True)
class Kept:
    """What a city keeps, without the city: its folder, books, and the lake's manifest."""

    folder: Path
    books: Books
    lake: Lake
    trail: Trail


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check said."""

    title: Text
    said: str
    wrong: list[Text]
    seconds: float


@contextmanager
def _kept_of(setting: Setting) -> Iterator[Kept]:
    from yucun.base.clock import RealClock
    from yucun.city import ORGANS
    from yucun.kernel.access import Trail
    from yucun.kernel.books import Books
    from yucun.kernel.lake.engine import Engine
    from yucun.kernel.lake.store import Lake

    clock = RealClock()
    books = Books.open(setting.books or _sqlite(setting.folder / BOOKS), ORGANS, clock)
    try:
        yield Kept(setting.folder, books, Lake(setting.folder / "lake", books, {}, Engine()), Trail(books, clock))
    finally:
        books.close()


_Run = Callable[[Any], tuple[str, list[Text]]]


def _check_one(title: Text, run: _Run, what: Kept | City) -> Checked:
    clock = stopwatch()
    try:
        said, wrong = run(what)
    except Ours as error:
        said, wrong = "", [Text.same(str(error))]
    return Checked(title, said, wrong, round(clock(), 1))


def _journal(kept: Kept) -> tuple[str, list[Text]]:
    return str(kept.books.verify()), []


def _trail(kept: Kept) -> tuple[str, list[Text]]:
    return str(kept.trail.verify()), []


def _files(kept: Kept) -> tuple[str, list[Text]]:
    findings = kept.lake.check_files()
    with kept.books.read() as tx:
        count = tx.row("SELECT count(*) FROM lake_file")
    return str(count[0] if count else 0), [
        Text(f"{f.where}：{f.message.zh}", f"{f.where}: {f.message.en}") for f in findings
    ]


def _attachments(kept: Kept) -> tuple[str, list[Text]]:
    with kept.books.read() as tx:
        names = [str(row[0]) for row in tx.rows("SELECT sha256 FROM attachment ORDER BY sha256")]
    wrong = []
    for name in names:
        path = kept.folder / "attachments" / name[:2] / name
        if not path.is_file() or _hash(path) != name:
            wrong.append(
                Text(
                    f"送来的文件 {name[:12]} 缺失或已损坏；请从备份恢复",
                    f"the sent file {name[:12]} is missing or damaged; restore it",
                )
            )
    return str(len(names)), wrong


def _rebuilds(kept: Kept) -> tuple[str, list[Text]]:
    from yucun.base.clock import RealClock
    from yucun.kernel.books import Books, rebuild

    fresh = Books.open("sqlite://", _organs(kept.books), RealClock())
    try:
        return rebuild(kept.books, fresh)[:16], []
    finally:
        fresh.close()


def _declarations(city: City) -> tuple[str, list[Text]]:
    # Opening the city has read them all already and refuses to open on any finding.
    return f"{len(city.services)} / {len(city.contracts)} / {len(city.indicators)} / {len(city.screens)}", []


def _cells(city: City) -> tuple[str, list[Text]]:
    proof = city.numbers.prove(city.numbers.all_cells())
    said = Text("重算不符", "is another number when worked out again")
    names = [f"{k.indicator} {k.region.short} {k.period.text}" for k in proof.differing]
    return str(proof.asked), [Text(f"{name} {said.zh}", f"{name} {said.en}") for name in names]


_KEPT_CHECKS: tuple[tuple[Text, _Run], ...] = (
    (Text("日志链", "chain of the journal"), _journal),
    (Text("访问记录链", "chain of the access trail"), _trail),
    (Text("湖文件的哈希", "hashes of the lake's files"), _files),
    (Text("送来的文件的哈希", "hashes of the sent files"), _attachments),
    (Text("由日志重建的状态哈希", "state hash when rebuilt from the journal"), _rebuilds),
)
_CITY_CHECKS: tuple[tuple[Text, _Run], ...] = (
    (Text("声明：服务、表、指标、屏", "declarations: services, tables, indicators, screens"), _declarations),
    (Text("每个数由记录重算", "every number worked out again from its records"), _cells),
)


def rebuild(setting: Setting, into: str | None) -> Exit:
    """Apply the journal to fresh books; with ``--into`` these are kept, in the other database if need be."""
    from yucun.kernel.books import Books

    with opened(setting) as city, setting.printer.step(Text("重建账本", "rebuild the books")):
        fresh = Books.open(into or "sqlite://", _organs(city.books), city.clock)
        try:
            reached = copy_books(city.books, fresh)
        finally:
            fresh.close()
        lines = city.last_seq()
    setting.printer.json({"state_hash": reached, "lines": lines, "into": into})
    setting.printer.answer(
        Text(
            f"{lines} 行重建完毕，状态哈希相同：{reached}",
            f"{lines} lines applied again; the state hash is the same: {reached}",
        )
    )
    return Exit.OK


def backup(setting: Setting, to: Path) -> Exit:
    """Copy books, lake and sent files into an empty folder, with a list of hashes; the writer waits meanwhile."""
    from yucun.kernel.books import Books
    from yucun.kernel.books.files import UNFINISHED

    if to.exists() and any(to.iterdir()):
        raise PlaceError(_not_empty(to))
    to.mkdir(parents=True, exist_ok=True)
    with opened(setting) as city, setting.printer.step(Text(f"备份到 {to}", f"back up into {to}")) as move:
        city.trail.flush()
        with city.books.writing():
            kept = Books.open(_sqlite(to / BOOKS), _organs(city.books), city.clock)
            try:
                reached = copy_books(city.books, kept)
            finally:
                kept.close()
            # What somebody is still writing has no line yet, and may have another name in a moment.
            files = [
                path
                for name in _FOLDERS
                for path in sorted((city.data / name).rglob("*"))
                if path.suffix != UNFINISHED and path.is_file()
            ]
            for number, path in enumerate(files, 1):
                _copy(path, to / path.relative_to(city.data))
                move(number, len(files))
            said: dict[str, Any] = {
                "version": version("yucun"),
                "place": city.place.id,
                "at": city.clock.now().isoformat(),
                "state_hash": reached,
                "lines": city.last_seq(),
            }
    (to / f"{BOOKS}.writer").unlink(missing_ok=True)
    said["files"] = {path.relative_to(to).as_posix(): _hash(path) for path in _files_of(to)}
    (to / LIST).write_text(json.dumps(said, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    setting.printer.json({**said, "files": len(said["files"])})
    setting.printer.answer(
        Text(f"已备份 {len(said['files'])} 个文件到 {to}", f"{len(said['files'])} files are backed up in {to}")
    )
    return Exit.OK


def restore(setting: Setting, source: Path) -> Exit:
    """Bring a city back into an empty folder; every file is compared with the backup's list first."""
    folder = setting.folder
    said = _read_list(source)
    wrong = [
        name
        for name, sha256 in said["files"].items()
        if not (source / name).is_file() or _hash(source / name) != sha256
    ]
    if wrong:
        raise PlaceError([_damaged(source, name) for name in wrong])
    if folder.exists() and any((folder / name).exists() for name in (*_FOLDERS, BOOKS)):
        raise PlaceError(_not_empty(folder))
    folder.mkdir(parents=True, exist_ok=True)
    with setting.printer.step(Text(f"恢复到 {folder}", f"restore into {folder}")) as move:
        names = [name for name in said["files"] if name != BOOKS]
        for number, name in enumerate(names, 1):
            _copy(source / name, folder / name)
            move(number, len(names))
        reached = _restore_books(setting, source)
    if reached != said["state_hash"]:
        raise JournalBroken(f"the restored books reached {reached}, the backup says {said['state_hash']}")
    setting.printer.json({"place": said["place"], "state_hash": reached, "lines": said["lines"], "into": str(folder)})
    setting.printer.answer(
        Text(
            f"已恢复 {said['lines']} 行日志，状态哈希相同",
            f"{said['lines']} journal lines are back; the state hash is the same",
        )
    )
    return Exit.OK


def _restore_books(setting: Setting, source: Path) -> str:
    from yucun.base.clock import RealClock
    from yucun.city import ORGANS
    from yucun.kernel.books import Books

    clock = RealClock()
    # The backup itself is only read: its books are opened from a copy.
    kept = setting.folder / "restoring.sqlite"
    _copy(source / BOOKS, kept)
    old = Books.open(_sqlite(kept), ORGANS, clock)
    new = Books.open(setting.books or _sqlite(setting.folder / BOOKS), ORGANS, clock)
    try:
        return copy_books(old, new)
    finally:
        old.close()
        new.close()
        for path in setting.folder.glob("restoring.sqlite*"):
            path.unlink()


def copy_books(source: Books, target: Books) -> str:
    """Apply a journal to fresh books of either database and bring what is kept beside it; return the state hash.

    Beside the journal lie hashes of passwords and the trail of who looked; sessions are left behind.
    """
    from yucun.kernel.books import rebuild as apply_again

    reached = apply_again(source, target)
    with source.read() as old, target.write() as new:
        for table, columns in _beside(_organs(source)):
            rows = old.rows(f"SELECT {columns} FROM {table}")  # noqa: S608 - names from our own migrations
            marks = ", ".join("?" * (columns.count(",") + 1))
            new.execute_many(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608 - as above
    return reached


def _sqlite(path: Path) -> str:
    return f"sqlite:///{path.resolve()}"


def _organs(books: Books) -> list[Organ]:
    return [organ for organ in books.organs.values() if organ.name != "books"]


def _beside(organs: list[Organ]) -> Iterator[tuple[str, str]]:
    """Tables that are no projection of the journal, with their columns, as the migrations declare them."""
    projections = {table for organ in organs for table in organ.projections} | _MADE_ANEW | _LEFT_BEHIND
    for organ in organs:
        for statement in (s for migration in organ.migrations for s in migration.statements):
            found = re.match(r"CREATE TABLE (\w+) \((.*)\)$", statement, re.DOTALL)
            if found and found.group(1) not in projections:
                parts = [part.strip().split(" ")[0] for part in re.sub(r"\([^()]*\)", "", found.group(2)).split(",")]
                yield found.group(1), ", ".join(part for part in parts if part not in ("PRIMARY", "UNIQUE"))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _files_of(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != LIST]


def _hash(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _read_list(source: Path) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads((source / LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PlaceError(
            Finding(
                "command.backup", str(source), str(error)[:120], LIST,
                Text(
                    f"「{source}」不是备份目录（读不到 {LIST}）；请核对路径",
                    f"'{source}' is no backup ({LIST} cannot be read); check the path",
                ),
            )
        ) from None  # fmt: skip
    return said


def _not_empty(folder: Path) -> Finding:
    return Finding(
        "command.not_empty", str(folder), "files", "an empty folder",
        Text(f"「{folder}」里已有东西，不会覆盖；请换一个空目录", f"'{folder}' is not empty and is not overwritten; name an empty folder"),
    )  # fmt: skip


def _damaged(source: Path, name: str) -> Finding:
    return Finding(
        "command.backup_damaged", f"{source}/{name}", "missing or changed", LIST,
        Text(f"备份中的 {name} 缺失或已改动；请换一份备份", f"{name} of the backup is missing or changed; use another backup"),
    )  # fmt: skip
