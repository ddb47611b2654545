"""Real processes of the command line: run a verb to its end, or keep a city served for as long as a test needs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

PROGRAM = Path(sys.executable).with_name("yucun")
PATIENCE_S = 180


@dataclass(frozen=True)
class Ended:
    """A verb that has ended."""

    code: int
    said: str
    noted: str

    @property
    def json(self) -> Any:
        """What it said, as JSON."""
        return json.loads(self.said)


def surroundings(**more: str) -> dict[str, str]:
    """The environment of a process: Chinese, a plain pipe, and no city of anyone's own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("YUCUN_", "LC_", "LANG"))}
    return {**kept, "LANG": "zh_CN.UTF-8", "PYTHONUTF8": "1", "COLUMNS": "200", **more}


def run(*words: str, cwd: Path, **more: str) -> Ended:
    """Run a verb to its end."""
    done = subprocess.run(
        [PROGRAM, *words],
        cwd=cwd,
        env=surroundings(**more),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        encoding="utf-8",
    )
    return Ended(done.returncode, done.stdout, done.stderr)


class Served:
    """A city served by a process of its own on a port that was free."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._folder = folder
        self._words = words

    def __enter__(self) -> Self:
        command = [PROGRAM, "serve", "--port", "0", "--json", "--data", str(self._folder), *self._words]
        self._log = (self._folder / "server.log").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            command, env=surroundings(), stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        said = ""
        for line in self.process.stdout or ():
            said += line
            if line == "}\n":
                break
        if not said.endswith("}\n"):
            self._log.seek(0)
            raise RuntimeError(f"the city did not open: {said}{self._log.read()}")
        self.said: Mapping[str, Any] = json.loads(said)
        self.url: str = self.said["address"]
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> int:
        """Ask it to end and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self._log.close()
        if self.process.stdout:
            self.process.stdout.close()
        return code

    def noted(self) -> str:
        """What it wrote beside its answers: nothing, unless something broke."""
        return (self._folder / "server.log").read_text(encoding="utf-8")

    @property
    def books(self) -> Path:
        """The file of its books."""
        return self._folder / "books.sqlite"

    def client(self, **headers: str) -> httpx.Client:
        """A client for its address."""
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def sign_in(self, account: str) -> str:
        """Sign in with the first password of an account and return the token."""
        lines = (self._folder / "sign-in.txt").read_text(encoding="utf-8").splitlines()
        password = next(line.split("\t")[1] for line in lines if line.startswith(account + "\t"))
        answer = httpx.post(f"{self.url}/api/session", json={"account": account, "password": password}, timeout=60)
        answer.raise_for_status()
        token: str = answer.json()["token"]
        return token


def ask_again(client: httpx.Client, path: str, **headers: str) -> httpx.Response:
    """Ask twice, the second time with the tag of the first answer; anew while the city moved between the two.

    A city that has just begun to serve looks at its morning, publishes and works numbers out: each moves it once.
    """
    for _ in range(6):
        first = client.get(path, headers=headers)
        again = client.get(path, headers={**headers, "If-None-Match": first.headers["etag"]})
        if again.status_code == 304:
            break
    return again
