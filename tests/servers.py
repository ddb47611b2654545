"""The programs that tests drive: where they are found, how they are started, and which Debian package brings them.

Run as a script it prints the Debian packages that are missing; ``scripts/setup test`` installs those. Only the
standard library is used at the top, so that it runs in any environment.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


# Which line of PostgreSQL's postmaster.pid tells whether it takes connections.
_STATUS = 7


class ProgramMissing(Exception):
    """A program that the tests need is not on this machine."""

    def __init__(self, program: str, package: str) -> None:
        super().__init__(f"{program} was not found; run: sudo apt-get install --no-install-recommends {package}")
        self.package = package


def find_postgres() -> Path:
    """Return the folder of PostgreSQL's server programs, of the newest version there is."""
    packaged = Path("/usr/lib/postgresql").glob("*/bin")
    folders = sorted(packaged, key=lambda folder: float(folder.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    for folder in folders:
        if all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres")):
            return folder
    raise ProgramMissing("PostgreSQL's server", "postgresql")


def find_chromium() -> Path:
    """Return a Chromium, or a browser built from it."""
    for name in ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"):
        found = shutil.which(name, path=f"/usr/bin{os.pathsep}{os.environ.get('PATH', '')}")
        if found:
            return Path(found)
    raise ProgramMissing("Chromium", "chromium")


def find_chinese_font() -> Path:
    """Return one file of the fonts that the pictures are made with."""
    folders = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")
    for folder in folders:
        found = next(folder.rglob("NotoSansCJK*"), None) or next(folder.rglob("NotoSansSC*"), None)
        if found:
            return found
    raise ProgramMissing("A Chinese font", "fonts-noto-cjk")


def find_pdftoppm() -> Path:
    """Return the program that turns a printed page into a picture."""
    found = shutil.which("pdftoppm")
    if found:
        return Path(found)
    raise ProgramMissing("pdftoppm", "poppler-utils")


def list_missing_packages() -> list[str]:
    """Name the Debian packages that the tests need and this machine lacks."""
    missing = []
    for find in (find_postgres, find_chromium, find_chinese_font, find_pdftoppm):
        try:
            find()
        except ProgramMissing as error:
            missing.append(error.package)
    return missing


def find_free_port() -> int:
    """Return a loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_unprivileged_user() -> str | None:
    """Name a user for PostgreSQL, which refuses to run as root; None when we are nobody special."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class Postgres:
    """A PostgreSQL server of our own, on loopback, in a folder that goes away with it.

    It keeps its default ``fsync``: the tests that kill and restart mean what they say.
    """

    def __init__(self) -> None:
        self.programs = find_postgres()
        self.user = find_unprivileged_user()
        self.folder = Path(tempfile.mkdtemp(prefix="yucun-postgres-"))
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        if self.user is not None:
            shutil.chown(self.folder, self.user)
        make = [self.programs / "initdb", "--pgdata", self.folder / "data", "--username", "yucun"]
        make += ["--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
        made = subprocess.run(make, user=self.user, cwd=self.folder, capture_output=True, text=True)
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")

    def make_url(self, database: str = "postgres") -> str:
        """Return the URL of one database of this server."""
        return f"postgresql://yucun@127.0.0.1:{self.port}/{database}"

    def make_database(self, name: str) -> str:
        """Make a fresh database and return its URL."""
        database = f"{name}_{uuid.uuid4().hex}"
        self._run(f'CREATE DATABASE "{database}"')
        return self.make_url(database)

    def drop_database(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self._run(f'DROP DATABASE "{url.rsplit("/", 1)[1]}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        import psycopg  # noqa: PLC0415 - this file also runs where only the standard library is there

        with psycopg.connect(self.make_url(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        """Start, or start again on the same data, and wait until it answers."""
        for _ in range(3):  # another process may take the port between finding and using it
            self.port = self.port or find_free_port()
            if self._start_once():
                return
            self.port = 0
        raise RuntimeError(f"PostgreSQL did not start:\n{self._log.read_text()}")

    @property
    def _log(self) -> Path:
        return self.folder / "postgres.log"

    def _start_once(self, patience_s: float = 30) -> bool:
        serve = [self.programs / "postgres", "-D", self.folder / "data", "-p", str(self.port)]
        serve += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(serve, user=self.user, cwd=self.folder, stdout=log, stderr=log)
        deadline = time.monotonic() + patience_s
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._is_ready(self._process.pid):
                return True
            time.sleep(0.05)
        self.kill()
        return False

    def _is_ready(self, pid: int) -> bool:
        """Whether this very process says that it is ready; asking the port, another's server might answer."""
        said = self.folder / "data" / "postmaster.pid"
        lines = said.read_text().split("\n") if said.exists() else []
        return len(lines) > _STATUS and lines[0].strip() == str(pid) and lines[_STATUS].strip() == "ready"

    def kill(self) -> None:
        """Stop at once, as a crash would."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """Stop properly and remove the data."""
        self._end(signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(timeout=30)
        self._process = None


if __name__ == "__main__":
    print(*list_missing_packages())
