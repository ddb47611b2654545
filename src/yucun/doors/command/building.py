"""Verbs for whoever builds on Yucun: a new service, and the benches."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from yucun.base.errors import Finding, PlaceError
from yucun.base.text import Text
from yucun.doors.command.output import Exit
from yucun.doors.command.verb import Setting


def new_service(setting: Setting, name: str, into: Path | None) -> Exit:
    """Write the folder of a new service that passes the suite over all services."""
    from yucun.doors.command.services import SERVICES
    from yucun.kernel.scaffold import write_service

    home = into or SERVICES
    written = write_service(name, home)
    printer = setting.printer
    printer.json({"service": name, "files": [str(path) for path in written]})
    for path in written:
        printer.answer(Text.same(str(path)))
    printer.note(
        Text(
            "已写好，并能通过全部检查；先改 README.md 和 contracts.toml，再运行 make test",
            "written, and it passes every check; change README.md and contracts.toml first, then run make test",
        )
    )
    return Exit.OK


def bench(setting: Setting, names: list[str]) -> Exit:
    """Run the benches of the repository that this program runs from."""
    script = Path(__file__).resolve().parents[4] / "bench" / "run.py"
    if not script.is_file():
        raise PlaceError(
            Finding(
                "command.no_repository",
                "bench",
                "nothing",
                "bench/run.py",
                Text(
                    "测速脚本只在代码仓库里；请在仓库目录用 make bench",
                    "the benches lie in the repository only; use `make bench` there",
                ),
            )
        )
    del setting
    done = subprocess.run([sys.executable, str(script), *names], check=False)
    return Exit.OK if done.returncode == 0 else Exit.PROBLEMS
