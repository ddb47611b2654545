"""Verbs that open the city: up and serve."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from yucun.base.clock import stopwatch
from yucun.base.text import Text
from yucun.doors.command.opening import opened
from yucun.doors.command.output import Exit, Printer
from yucun.doors.command.verb import Setting

if TYPE_CHECKING:
    from yucun.city import City, Progress
    from yucun.kernel.access import FirstAccount

SIGN_IN_FILE = "sign-in.txt"


def open_up(setting: Setting, *, no_serve: bool, full: bool, residents: int, host: str, port: int) -> Exit:
    """Open the city, making it first where there is none; then serve it unless told not to."""
    from yucun.doors.command.made_up import check_size

    printer, clock = setting.printer, stopwatch()
    check_size(setting.folder, full=full)
    wanted = None if full else residents
    with _steps(printer) as progress, opened(setting, makes=True, residents=wanted, progress=progress) as city:
        progress(Text("建立首批账号", "make the first accounts"), 0, 1)
        file = keep_first_accounts(city, setting.folder)
        progress(Text("完成", "done"), 1, 1)
        ready = clock()
        if no_serve:
            _tell_opened(setting, city, file, ready, "")
            return Exit.OK
        return _serve(setting, city, host, port, lambda address: _tell_opened(setting, city, file, ready, address))


def serve(setting: Setting, *, host: str, port: int) -> Exit:
    """Serve a city that is there."""
    clock = stopwatch()
    with opened(setting) as city:
        return _serve(setting, city, host, port, lambda address: _tell_opened(setting, city, None, clock(), address))


def _serve(setting: Setting, city: City, host: str, port: int, tell: Callable[[str], None]) -> Exit:
    from yucun.doors.http import find_port
    from yucun.doors.http import serve as serve_city
    from yucun.kernel.lake.running.runner import running

    free = find_port(host, port)
    if port and free != port:
        setting.printer.note(Text(f"端口 {port} 已被占用，改用 {free}", f"port {port} is taken; using {free}"))
    with running(city.desk):
        serve_city(city, host, free, tell)
    setting.printer.note(Text("已关门，什么都没有丢", "closed; nothing is lost"))
    return Exit.OK


def keep_first_accounts(city: City, folder: Path) -> Path:
    """Make the first accounts where there are none, and write their passwords where only the owner can read them."""
    from yucun.kernel.access import make_first_accounts

    file = folder / SIGN_IN_FILE
    made = make_first_accounts(city.accounts)
    if made:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(_write_accounts(made))
    return file


def _write_accounts(made: list[FirstAccount]) -> str:
    head = "# 账号 密码 岗位；登录后请改密码，并删除本文件 / account, password, post; change the passwords and delete this file\n"
    return head + "".join(f"{one.account}\t{one.password}\t{one.title.zh} / {one.title.en}\n" for one in made)


def _tell_opened(setting: Setting, city: City, file: Path | None, seconds: float, address: str) -> None:
    printer = setting.printer
    name = city.regions.get(city.place.region).name
    tries = _things_to_try(city, address, file)
    if printer.is_json:
        printer.json(
            {
                "place": city.place.id, "address": address, "seconds": round(seconds, 2), "as_of": city.last_seq(),
                "sign_in": str(file) if file and file.exists() else None, "tables": len(city.contracts),
                "indicators": len(city.indicators), "regions": len(city.regions), "try": tries,
            }
        )  # fmt: skip
        sys.stdout.flush()
        return
    day = Text("（模拟日）", " (a simulated day)") if city.clock.is_simulated else Text("", "")
    today = city.clock.today()
    printer.answer(
        Text(
            f"{name.zh}已打开，用时 {seconds:.1f} 秒；今天是 {today}{day.zh}",
            f"{name.en} is open, after {seconds:.1f} s; today is {today}{day.en}",
        )
    )
    printer.answer(
        Text(
            f"{len(city.regions)} 个地区，{len(city.contracts)} 张表，{len(city.indicators)} 个指标；日志第 {city.last_seq()} 行",
            f"{len(city.regions)} regions, {len(city.contracts)} tables, {len(city.indicators)} indicators; journal line {city.last_seq()}",
        )
    )
    if address:
        printer.answer(Text(f"\n  网址    {address}", f"\n  Address   {address}"))
    if file is not None and file.exists():
        printer.answer(
            Text(f"  登录    账号和首次密码在 {file}", f"  Sign in   accounts and first passwords are in {file}")
        )
    printer.answer(Text("\n可以试试：", "\nThree things to try:"))
    for number, one in enumerate(tries, 1):
        printer.answer(Text.same(f"  {number}. {one}"))
    if address:
        printer.answer(Text("\n按 Ctrl-C 关门", "\nCtrl-C closes it"))
    sys.stdout.flush()


def _things_to_try(city: City, address: str, file: Path | None) -> list[str]:
    first, place = _number_to_try(city), city.place.region.short
    near = os.path.relpath(sys.argv[0])
    program = near if Path(near).name == "yucun" and not near.startswith("..") else "yucun"
    tries = [f"{address}/number/{first}" if address else f"{program} value {first} {place}"]
    tries.append(f"{program} why {first} {place}")
    if address:
        tries.append(f"{address}/lake" + (f"  ({file.name}: clerk)" if file and file.exists() else ""))
    else:
        tries.append(f"{program} serve")
    return tries


def _number_to_try(city: City) -> str:
    """A service's one number that has a value here, a real one before a made-up one; else any number at all."""
    ones = [service.one_number for service in city.services.values() if service.one_number]
    shown = [(name, value) for name in ones if (value := city.value(name, city.place.region)).mark is None]
    real = [name for name, value in shown if value.evidence not in ("made_up", "unverified")]
    return next(iter(real or [name for name, _ in shown] or city.indicators), "")


@contextmanager
def _steps(printer: Printer) -> Iterator[Progress]:
    """Show steps with the time left as each step's own pace says; in a pipe, one line a step."""
    if printer.is_json:
        yield _say_nothing
        return
    if not sys.stderr.isatty():
        yield _make_plain_steps(printer)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(24),
        MofNCompleteColumn(),
        TextColumn(printer.of(Text("已用", "spent"))),
        TimeElapsedColumn(),
        TextColumn(printer.of(Text("还需", "left"))),
        TimeRemainingColumn(),
    )
    shown = Progress(*columns, console=Console(stderr=True))
    task = shown.add_task("", total=None)
    shown.start()
    last: list[object] = [None]

    def move(step: Text, done: int, total: int) -> None:
        # Files of one step have names of their own; a new step is one whose total is another.
        if last[0] != total:
            shown.reset(task, total=total or None)
            last[0] = total
        shown.update(task, completed=done, description=printer.of(step))
        if done == total == 1:
            shown.stop()

    try:
        yield move
    finally:
        shown.stop()


def _say_nothing(step: Text, done: int, total: int) -> None:
    del step, done, total


def _make_plain_steps(printer: Printer) -> Progress:
    said: list[str] = []

    def move(step: Text, done: int, total: int) -> None:
        del done, total
        word = printer.of(step)
        if word not in said:
            said.append(word)
            printer.note(step)

    return move
