"""Loading in bulk, from the parent's side: a job is planned, watched, resumed or cancelled, and committed once."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from yucun.base.errors import Finding, Ours, Yours
from yucun.base.text import Text
from yucun.kernel.books.model import canonical, digest
from yucun.kernel.lake.bulk.database import is_database, name_of
from yucun.kernel.lake.bulk.model import (
    OUTCOME,
    PARTS,
    PLAN,
    BucketOutcome,
    HeldFile,
    JobPlan,
    Limits,
    Outcome,
    Progress,
    read_json,
    write_json,
)
from yucun.kernel.lake.bulk.work import work
from yucun.kernel.lake.checking import RegionBook
from yucun.kernel.lake.contract import Contract, Freshness
from yucun.kernel.lake.landing import find_landed, to_landing
from yucun.kernel.lake.model import Landing
from yucun.kernel.lake.store import REFUSED, Lake, NewFile

Tell = Callable[[Progress], None]
_LOCK, _LOG = "lock", "child.log"


@dataclass(frozen=True, slots=True)
class BulkSent:
    """A source as it was named, and what was said with it; `source` is a path or a database's address with ``#TABLE``."""

    source: str
    table: str
    by: str
    given: Mapping[str, str]
    is_correction: bool = False

    @property
    def name(self) -> str:
        """How the source is shown: never with a password."""
        return name_of(self.source)


@dataclass(frozen=True, slots=True)
class Job:
    """A job that was begun and is not committed."""

    folder: Path
    plan: JobPlan

    @property
    def sent(self) -> BulkSent:
        """What was sent."""
        return BulkSent(self.plan.source, self.plan.table, self.plan.by, self.plan.given, self.plan.is_correction)


def jobs_folder(lake: Lake) -> Path:
    """Where jobs lie: beside the lake's own files, on the same disk."""
    return lake.folder.parent / "loads"


def list_jobs(lake: Lake) -> list[Job]:
    """Jobs that were begun and are not committed, also those that another process works on."""
    folder = jobs_folder(lake)
    found = [(one, read_json(one / PLAN, JobPlan)) for one in sorted(folder.iterdir())] if folder.is_dir() else []
    return [Job(one, plan) for one, plan in found if plan is not None]


def sweep_jobs(lake: Lake) -> list[Job]:
    """Remove what cannot go on, such as a half-made compaction, and what landed; return the jobs that wait.

    A job whose line is written was killed before its folder was cleared away. Taken up again, a correction would be
    put over what others corrected since.
    """
    waiting = []
    folder = jobs_folder(lake)
    for one in sorted(folder.iterdir()) if folder.is_dir() else ():
        with hold(one) as is_ours:
            plan = read_json(one / PLAN, JobPlan)
            if not is_ours:
                continue
            if plan is None or _has_landed(lake, Job(one, plan)):
                _clear(one)
            else:
                waiting.append(Job(one, plan))
    return waiting


def _has_landed(lake: Lake, job: Job) -> bool:
    """Whether what the job was sent for landed after its plan was written, by this job or by another."""
    plan = job.plan
    outcome = read_json(job.folder / OUTCOME, Outcome)
    file = outcome.file if outcome is not None else plan.file
    with lake.books.read() as tx:
        seqs = tx.rows(
            "SELECT seq FROM lake_landing WHERE dataset = ? AND file = ? AND seq > ?", (plan.table, file, plan.held_seq)
        )
        lines = [line for (seq,) in seqs for line in tx.lines(after=int(seq) - 1, until=int(seq))]
    return any(
        line.payload["given"] == dict(plan.given) and line.payload["is_correction"] == plan.is_correction
        for line in lines
    )


def _clear(folder: Path) -> None:
    """Remove a job; its plan goes first, so that one half removed is never resumed."""
    (folder / PLAN).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def cancel_job(job: Job) -> bool:
    """Remove a job that nobody works on; nothing of it was visible. False when somebody does."""
    with hold(job.folder) as is_ours:
        if is_ours:
            _clear(job.folder)
    return is_ours


def load_bulk(
    lake: Lake,
    regions: RegionBook,
    sent: BulkSent,
    today: date,
    *,
    limits: Limits | None = None,
    tell: Tell | None = None,
    in_child: bool = True,
) -> Landing:
    """Load a file or table of any size; a job of the same source that was stopped is resumed.

    Parameters
    ----------
    tell : callable
        Told how far it is. When it raises, the job is cancelled and nothing of it remains.
    in_child : bool
        Work in a child process under the memory limit; False works here and now, for tests.

    Returns
    -------
    Landing
        As `land` gives it. The source itself is not kept, only its hash.

    Raises
    ------
    NotKnown
        If there is no such table.
    Yours
        If the source is not there, or another process works on the same load.
    """
    contract = lake.get_contract(sent.table)
    lake.require_editions(sent.table)
    file = "" if is_database(sent.source) else _hash(sent)
    key, found = find_landed(lake, contract, file, sent.given, is_correction=sent.is_correction)
    if file and found is not None:
        return found
    folder = jobs_folder(lake) / digest(canonical([key, "" if file else sent.source]))[:24]
    folder.mkdir(parents=True, exist_ok=True)
    with hold(folder) as is_ours:
        if not is_ours:
            raise Yours(_busy(sent))
        plan = JobPlan(
            key, sent.table, _slim(contract), str(Path(sent.source).absolute()) if file else sent.source, sent.name, file,
            sent.by, dict(sent.given), sent.is_correction, today, limits or Limits(),
        )  # fmt: skip
        return _run(lake, regions, Job(folder, plan), tell or _silent, in_child=in_child)


def _slim(contract: Contract) -> Contract:
    """A contract without what a child does not ask: when the next file is due, and the example."""
    return replace(contract, freshness=Freshness("once"), example={})


def _run(lake: Lake, regions: RegionBook, job: Job, tell: Tell, *, in_child: bool) -> Landing:
    """Work and commit; when the table changed meanwhile in a touched part, that part meets it again."""
    while True:
        job = _plan(lake, job)
        outcome = read_json(job.folder / OUTCOME, Outcome)
        if outcome is None or outcome.held_seq != job.plan.held_seq:
            try:
                outcome = _work(job, regions, tell, in_child=in_child)
            except Ours:
                raise
            except BaseException:
                _clear(job.folder)
                raise
        tell(Progress("commit", 0, 1, outcome.records))
        landing = _commit(lake, job, outcome)
        if landing is not None:
            _clear(job.folder)
            return landing


def _plan(lake: Lake, job: Job) -> Job:
    """Write the plan with the files that the table holds now; parts that changed since are met anew."""
    table = job.plan.table
    before = read_json(job.folder / PLAN, JobPlan)
    with lake.books.read() as tx:
        seq = tx.last_seq()
        files = lake.files(table, tx=tx)
    columns = lake.columns_of(table, files)
    held = tuple(
        HeldFile(f.name, str(lake.folder / f.name), f.part, f.rows, c) for f, c in zip(files, columns, strict=True)
    )
    if before is not None:
        if before.held == held:
            return Job(job.folder, before)
        _forget(job.folder, _changed(before.held, held))
    plan = replace(job.plan, held=held, held_seq=seq)
    write_json(job.folder / PLAN, plan, is_durable=True)
    return Job(job.folder, plan)


def _changed(before: tuple[HeldFile, ...], now: tuple[HeldFile, ...]) -> set[str]:
    names = {f.name for f in before} ^ {f.name for f in now}
    return {f.part for f in (*before, *now) if f.name in names}


def _forget(folder: Path, parts: set[str]) -> None:
    """Forget what was written of buckets that hold one of these parts."""
    (folder / OUTCOME).unlink(missing_ok=True)
    for kept in (folder / PARTS).glob("*.json"):
        done = read_json(kept, BucketOutcome)
        if done is None or parts & set(done.parts):
            kept.unlink()


def _work(job: Job, regions: RegionBook, tell: Tell, *, in_child: bool) -> Outcome:
    if not in_child:
        return work(job.plan, job.folder, regions, tell)
    with (job.folder / _LOG).open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "yucun.kernel.lake.bulk.child", str(job.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        try:
            _converse(child, regions, tell)
        except BaseException:
            child.kill()
            raise
        finally:
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    pipe.close()
    outcome = read_json(job.folder / OUTCOME, Outcome)
    if child.returncode or outcome is None:
        said = (job.folder / _LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise Ours(f"the load of {job.plan.name} stopped ({child.returncode}); {said[-1] if said else 'no word'}")
    return outcome


def _converse(child: subprocess.Popen[bytes], regions: RegionBook, tell: Tell) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    for line in child.stdout:
        said = msgspec.json.decode(line)
        if "asks" in said:
            found = regions.resolve(said["asks"], date.fromisoformat(said["on"]))
            answer = {word: [str(code) for code in codes] for word, codes in found.items()}
            child.stdin.write(msgspec.json.encode(answer) + b"\n")
            child.stdin.flush()
        elif "progress" in said:
            tell(msgspec.convert(said["progress"], Progress))


def _commit(lake: Lake, job: Job, outcome: Outcome) -> Landing | None:
    """Put the files into the lake and record the one line; None when the table changed in a touched part."""
    plan = job.plan
    with lake.books.writing():
        key, found = find_landed(
            lake, lake.get_contract(plan.table), outcome.file, plan.given, is_correction=plan.is_correction
        )
        if found is not None:
            return found
        if {file.part for file in lake.changed(plan.table, plan.held_seq)} & set(outcome.parts):
            return None
        added = [
            _adopt(lake, job, written.path, plan.table, written.part, written.rows, written.size, written.sha256, key)
            for written in outcome.files
        ]
        if outcome.refused_path:
            path = job.folder / outcome.refused_path
            sha256 = _hash_file(path)
            added.append(
                _adopt(
                    lake,
                    job,
                    outcome.refused_path,
                    plan.table + REFUSED,
                    "all",
                    outcome.refused,
                    path.stat().st_size,
                    sha256,
                    key,
                )
            )
        line, _ = lake.commit("lake.landed", key, _payload(lake, job, outcome), added, outcome.removed)
    return to_landing(line)


def _adopt(
    lake: Lake, job: Job, path: str, table: str, part: str, rows: int, size: int, sha256: str, key: str
) -> NewFile:
    """Give a finished file its name in the lake; the job keeps its own link until the line is committed."""
    name = lake.name_file(table, part, sha256, f"{key}:{path}")
    lake.adopt_file(job.folder / path, name)
    return NewFile(name, table, part, rows, size, sha256)


def _payload(lake: Lake, job: Job, outcome: Outcome) -> dict[str, Any]:
    plan = job.plan
    contract = lake.get_contract(plan.table)
    return {
        "table": plan.table,
        "file": outcome.file,
        "name": plan.name,
        "by": plan.by,
        "given": dict(plan.given),
        "is_correction": plan.is_correction,
        "is_readable": outcome.is_readable,
        **lake.edition_of(contract),
        "records": outcome.records,
        "landed": outcome.landed,
        "refused": outcome.refused,
        "repeated": outcome.repeated,
        "already": outcome.already,
        "corrected": outcome.corrected,
        "notes": [dict(note) for note in outcome.notes],
        "bytes_read": outcome.bytes_read,
    }


def _hash(sent: BulkSent) -> str:
    try:
        return _hash_file(Path(sent.source))
    except OSError as error:
        raise Yours(
            Finding(
                "lake.bulk_source",
                sent.name,
                str(error.strerror),
                "a file that can be read",
                Text(f"读不到「{sent.name}」；请核对路径", f"'{sent.name}' cannot be read; check the path"),
            )
        ) from None


def _hash_file(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@contextmanager
def hold(folder: Path) -> Iterator[bool]:
    """Hold a job's lock, which falls with the process that holds it; False when another one does."""
    with (folder / _LOCK).open("wb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _busy(sent: BulkSent) -> Finding:
    return Finding(
        "lake.bulk_busy",
        sent.name,
        "another process",
        "one load at a time",
        Text(
            f"「{sent.name}」正在由另一进程装载；请等它完成",
            f"another process is loading '{sent.name}'; wait for it to end",
        ),
    )


def _silent(progress: Progress) -> None:
    del progress
