"""Fifty officers make 10,000 moves over HTTP, 300 a second offered: none is lost, none made twice, 99 of 100 answered within 50 ms.

The load is open: every move is due at its moment whatever became of those before, and its time counts from that
moment. One in twenty is sent twice under one token, as by a nervous click, and one in twenty is also wanted by a
second officer who saw the same step; of those two one must be refused. Afterwards the books are read: each accepted
move stands in the history once, each case has one history, and the journal's chain holds. The load comes from a
process of its own on the same machine. Beside it stands a bare Litestar route that signs nobody in, checks nothing
but the version, and writes case and history in one durable commit a move.

``python bench/cases_load.py sqlite|postgresql`` measures ours on one store alone and prints it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
from run import Figure, Measured, Program

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.servers import Postgres, find_free_port
from yucun.base.text import Text
from yucun.city import City
from yucun.kernel.access.first import make_first_accounts
from yucun.kernel.cases import Actor
from yucun.kernel.engine import Event

OFFICERS, MOVES, RATE = 50, int(os.environ.get("YUCUN_BENCH_MOVES", "10000")), 300
# Rates tried one after the other once the measured run is over; the last one kept is the highest held.
STEPS, STEP_S = (150, 200, 250, 300, 350, 400, 450, 500, 600, 700), 5
MOST_P99_MS, MOST_MS = 50, 1000
WARM = 400
# A server that has just opened makes its main pages and publishes what its books hold; nobody is measured meanwhile.
OPENING_S = 15
CONNECTIONS = 4
# A server lets go of who has said nothing for half a minute.
MOST_IDLE_S = 20
LIFE = (
    ("dispatch", {"unit": "330502.housing", "subject": "urban"}),
    ("accept", {}),
    ("reply", {"reply": "已现场核实并修好"}),
    ("visit", {"solved": "yes", "satisfied": "yes"}),
)
STORES = ("sqlite", "postgresql")
PEER = """
import asyncio, json, sqlite3, sys, threading
from granian.server.embed import Server
from litestar import Litestar, Request, Response, post
url, port, cases = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if url.startswith("postgresql"):
    import psycopg
    db, mark = psycopg.connect(url, autocommit=True), "%s"
else:
    db, mark = sqlite3.connect(url, isolation_level=None, check_same_thread=False), "?"
    db.execute("PRAGMA journal_mode=WAL"); db.execute("PRAGMA synchronous=FULL")
db.execute("CREATE TABLE one_case (no BIGINT PRIMARY KEY, version BIGINT, body TEXT)")
db.execute("CREATE TABLE one_move (no BIGINT, version BIGINT, officer TEXT, body TEXT, PRIMARY KEY (no, version))")
db.execute("BEGIN")
for no in range(1, cases + 1):
    db.execute(f"INSERT INTO one_case VALUES ({mark}, 1, '')", (no,))
db.execute("COMMIT")
CHANGE = f"UPDATE one_case SET version = version + 1, body = {mark} WHERE no = {mark} AND version = {mark}"
KEEP = f"INSERT INTO one_move VALUES ({mark}, {mark}, {mark}, {mark})"
lock = threading.Lock()
@post("/api/cases/{no:int}/moves", sync_to_thread=True)
def move(no: int, data: dict[str, object], request: Request) -> Response[bytes]:
    seen, body = data["seen"], json.dumps(data)
    with lock:
        db.execute("BEGIN")
        done = db.execute(CHANGE, (body, no, seen))
        if done.rowcount:
            db.execute(KEEP, (no, seen + 1, request.headers["authorization"], body))
        db.execute("COMMIT")
    said = json.dumps({"version": seen + 1}).encode()
    return Response(said, status_code=200 if done.rowcount else 422, media_type="application/json")
app = Litestar([move], openapi_config=None, logging_config=None)
asyncio.run(Server(app, "127.0.0.1", port, interface="asgi", log_enabled=False).serve())
"""


# -- the load, in a process of its own ----------------------------------------------------------------------------------


def plan(first_case: int, moves: int, rate: float, seed: int) -> list[dict[str, Any]]:
    """What is sent and when: each case lives through its moves; some are sent twice, some wanted by two officers."""
    chance, cases = random.Random(seed), moves // len(LIFE)
    wishes: list[dict[str, Any]] = []
    for step, (move, values) in enumerate(LIFE):
        for number in range(cases):
            case, officer = first_case + number, chance.randrange(OFFICERS)
            body = {"move": move, "seen": 1 + step, "token": f"{case}-{step}", "values": values}
            one = {"case": case, "officer": officer, "body": body, "kind": "move"}
            wishes.append(one)
            luck = chance.random()
            if luck < 0.05:
                wishes.append({**one, "kind": "repeat"})
            elif luck < 0.10:
                other = (officer + 1 + chance.randrange(OFFICERS - 1)) % OFFICERS
                rival = {**body, "token": f"{case}-{step}-rival"}
                wishes.append({**one, "officer": other, "body": rival, "kind": "rival"})
    for number, one in enumerate(wishes):
        one["due"] = number / rate
    return wishes


async def offer(port: int, tokens: Sequence[str], wishes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send every wish at its moment, over up to four connections an officer; return what became of each.

    Each officer is connected before the first wish is due and has had an answer, whatever it said, so that no wish counts what
    a process takes to begin. One who was silent for long connects anew, as browsers do.
    """
    clock = time.perf_counter
    idle: list[list[tuple[float, asyncio.StreamReader | None, asyncio.StreamWriter | None]]]
    idle = [[(clock(), *await asyncio.open_connection("127.0.0.1", port))] for _ in tokens]
    limits = [asyncio.Semaphore(CONNECTIONS) for _ in tokens]
    for ((_, reader, writer),) in idle:
        assert reader is not None and writer is not None
        writer.write(b"GET /api/nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await _read_answer(reader)
    gc.collect()
    gc.disable()
    start = time.perf_counter() + 0.5
    answers: list[dict[str, Any]] = []

    async def send(one: dict[str, Any]) -> None:
        officer = one["officer"]
        content = json.dumps(one["body"], ensure_ascii=False).encode()
        head = (
            f"POST /api/cases/{one['case']}/moves?service=hotline HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {tokens[officer]}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        ).encode()
        async with limits[officer]:
            since, reader, writer = idle[officer].pop() if idle[officer] else (0.0, None, None)
            if reader is None or writer is None or clock() - since > MOST_IDLE_S:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head + content)
            said, body = await _read_answer(reader)
            idle[officer].append((clock(), reader, writer))
        took = 1000 * (time.perf_counter() - start - one["due"])
        answers.append(
            {"case": one["case"], "seen": one["body"]["seen"], "officer": officer, "kind": one["kind"], "ms": took,
             "code": int(said[9:12]), "body": body.decode()[:600] if said[9:12] != b"200" else ""}
        )  # fmt: skip

    under_way = []
    for one in wishes:
        wait = start + one["due"] - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        under_way.append(asyncio.create_task(send(one)))
    await asyncio.gather(*under_way)
    return answers


async def _read_answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of an answer."""
    said = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in said.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return said, await reader.readexactly(int(length.split(b":")[1]))


def run_load(port: int, tokens: Sequence[str], wishes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Offer a load from another process."""
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "asked.json"
        asked.write_text(json.dumps([port, list(tokens), list(wishes)]), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, __file__, "--load", str(asked)], capture_output=True, text=True, check=True
        )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


# -- our city -------------------------------------------------------------------------------------------------------------


def make_city(folder: Path, url: str, cases: int) -> tuple[list[str], int]:
    """Make a city with fifty officers who have signed in, and messages that wait; return tokens and the first case."""
    city = City.open("huzhou", data=folder, books_url=url)
    try:
        make_first_accounts(city.accounts)
        by = city.accounts.make_reader("administrator")
        assert by is not None
        tokens = []
        for number in range(OFFICERS):
            name = f"officer-{number:02d}"
            city.accounts.create(name, Text.same(name), by=by, why="bench")
            city.accounts.grant(name, "duty_officer", [city.place.region], by=by, why="bench")
            tokens.append(city.sessions.begin(name))
        citizen = Actor("open", frozenset({"citizen"}))
        said = {"channel": "phone", "region": "330502001000", "urgency": "general", "intent": "complaint"}
        events = [
            Event(f"message:L{n}", "hotline.arrived", {**said, "message": f"L{n}", "text": f"（模拟）第 {n} 盏路灯不亮"}, citizen)
            for n in range(cases)
        ]  # fmt: skip
        for start in range(0, cases, 250):
            taken = city.work.engine.take(events[start : start + 250])
            assert all(one.is_good for one in taken), taken[0].findings
        with city.books.read() as tx:
            first = city.work.cases.get(tx, "hotline:L0").no
    finally:
        city.close()
    return tokens, first


@contextmanager
def serving(command: Sequence[str], port: int) -> Iterator[None]:
    """A server process for the length of a block."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            end = time.monotonic() + 180
            while time.monotonic() < end and not asyncio.run(_answers(port)):
                if process.poll() is not None:
                    log.seek(0)
                    raise RuntimeError(log.read().decode()[-2000:])
                time.sleep(0.2)
            time.sleep(OPENING_S)
            yield
        finally:
            process.terminate()
            process.wait(60)


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def check_books(folder: Path, url: str, answers: Sequence[dict[str, Any]], late_from: int) -> None:
    """Read the books: every accepted move stands there once, by whom it was accepted from, and nothing else does.

    Cases from ``late_from`` on met a rate that was not held, so that a move may have come before the one it rests on.
    """
    city = City.open("huzhou", data=folder, books_url=url)
    try:
        city.books.verify()
        with city.books.read() as tx:
            city.work.cases.check(tx)
            rows = tx.rows("SELECT case_no, version, by_account FROM case_move WHERE by_account LIKE 'officer-%'")
    finally:
        city.close()
    held = {(int(no), int(step)): str(by) for no, step, by in rows}
    assert len(held) == len(rows), "a move stands in the history twice"
    accepted: dict[tuple[int, int], set[str]] = {}
    for one in answers:
        assert one["code"] in (200, 422), one
        if one["code"] == 200:
            accepted.setdefault((one["case"], one["seen"] + 1), set()).add(f"officer-{one['officer']:02d}")
    wrong = {key for key in held.keys() | accepted.keys() if {held.get(key)} != accepted.get(key)}
    assert not wrong, f"what was answered is not what the books hold: {_tell(wrong, held, answers)}"
    lost = {(one["case"], one["seen"] + 1) for one in answers if one["case"] < late_from} - set(held)
    assert not lost, f"{len(lost)} wanted moves were made by nobody, e.g. {_tell(lost, held, answers)}"


def measure_ours(store: str, url: str, folder: Path) -> dict[str, float]:
    """The measured run, then rates one after the other until one is not held; then the books are read."""
    tokens, first = make_city(folder, url, list_cases())
    port = find_free_port()
    command = [str(Path(sys.executable).with_name("yucun")), "serve", "--port", str(port), "--data", str(folder)]
    with serving([*command, *(["--books", url] if store == "postgresql" else [])], port):
        found, answers = climb(port, tokens, first)
    check_books(folder, url, answers, int(found["late_from"]))
    return found


def measure_peer(url: str) -> dict[str, float]:
    """The bare route under the same load."""
    port = find_free_port()
    with serving([sys.executable, "-c", PEER, url, str(port), str(list_cases())], port):
        return climb(port, [str(n) for n in range(OFFICERS)], 1)[0]


def list_cases() -> int:
    """How many cases the measured run and all steps need."""
    return WARM // len(LIFE) + MOVES // len(LIFE) + sum(rate * STEP_S // len(LIFE) for rate in STEPS)


def climb(port: int, tokens: Sequence[str], first: int) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Warm up, offer the measured load, then ever higher rates; return the figures and everything that was answered."""
    everything = run_load(port, tokens, plan(first, WARM, 100, 1))
    first += WARM // len(LIFE)
    answers = run_load(port, tokens, plan(first, MOVES, RATE, 2))
    everything += answers
    first += MOVES // len(LIFE)
    found = {"p50": _p(answers, 0.5), "p99": _p(answers, 0.99), "longest": _p(answers, 1), "held": 0.0}
    print(f"{RATE}/s: p50 {found['p50']:.1f} p99 {found['p99']:.1f} longest {found['longest']:.1f} ms", file=sys.stderr)
    found["made"] = sum(one["code"] == 200 and one["kind"] != "repeat" for one in answers)
    for rate in STEPS:
        step = run_load(port, tokens, plan(first, rate * STEP_S, rate, rate))
        everything += step
        found["late_from"] = first
        first += rate * STEP_S // len(LIFE)
        print(
            f"{rate}/s: p50 {_p(step, 0.5):.1f} p99 {_p(step, 0.99):.1f} longest {_p(step, 1):.1f} ms", file=sys.stderr
        )
        if _p(step, 0.99) > MOST_P99_MS or _p(step, 1) > MOST_MS:
            break
        found["held"], found["late_from"] = rate, first
    return found, everything


def _tell(
    wrong: Collection[tuple[int, int]], held: Mapping[tuple[int, int], str], answers: Sequence[dict[str, Any]]
) -> str:
    case, step = min(wrong)
    said = [one for one in answers if (one["case"], one["seen"] + 1) == (case, step)]
    return f"{len(wrong)}, e.g. case {case} step {step}: held {held.get((case, step))}, answered {said}"


def _p(answers: Sequence[dict[str, Any]], share: float) -> float:
    ordered = sorted(one["ms"] for one in answers)
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))])


@contextmanager
def _store(store: str, folder: str) -> Iterator[tuple[str, str]]:
    """Addresses of a store for us and for the peer."""
    if store == "sqlite":
        yield f"sqlite:///{folder}/city/books.sqlite", f"{folder}/peer.sqlite"
        return
    server = Postgres()
    server.start()
    try:
        with psycopg.connect(server.make_url(), autocommit=True) as connection:
            for name in ("ours", "peer"):
                connection.execute(f"CREATE DATABASE {name}")
        yield server.make_url("ours"), server.make_url("peer")
    finally:
        server.stop()


def measure() -> Measured:
    """Measure ours and the bare route on both stores."""
    figures = []
    for store in STORES:
        with tempfile.TemporaryDirectory() as folder, _store(store, folder) as (url, bare):
            ours, peer = measure_ours(store, url, Path(folder) / "city"), measure_peer(bare)
        names = ("p50", "p99", "longest")
        figures += [Figure(f"{store}, {name} from the moment due", "ms", ours[name], peer[name]) for name in names]
        figures.append(Figure(f"{store}, highest rate held", "1/s", ours["held"], peer["held"]))
    return Measured(
        Program("yucun", version("yucun")),
        Program("bare litestar route", version("litestar")),
        tuple(figures),
        f"{MOVES} moves and one in ten more as repeats and rivals, {OFFICERS} officers, {RATE} a second, open loop, "
        f"one server process, open for {OPENING_S} s before, load from another on the same machine; "
        f"load average before: {os.getloadavg()[0]:.1f}",
    )


def main() -> None:
    """Be the load, or measure ours on one store."""
    if sys.argv[1] == "--load":
        port, tokens, wishes = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
        print(json.dumps(asyncio.run(offer(port, tokens, wishes))))
        return
    with tempfile.TemporaryDirectory() as folder, _store(sys.argv[1], folder) as (url, _):
        print(json.dumps(measure_ours(sys.argv[1], url, Path(folder) / "city"), indent=1))


if __name__ == "__main__":
    main()
