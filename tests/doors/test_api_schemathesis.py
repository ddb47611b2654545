"""Schemathesis over the API: every answer is one that the document declares, and none is a failure of ours.

All checks, all operations, for the public and for the clerk of data; the program itself, since its pytest adapter
does not know our pytest. ``YUCUN_MANY_REQUESTS=100`` asks for more examples of each operation, and follows links
between operations, which a test run has no time for.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.doors.serving import Served, surroundings

PROGRAM = Path(sys.executable).with_name("schemathesis")
MANY = os.environ.get("YUCUN_MANY_REQUESTS")


# Every table has the same two operations: a service's tables, and a table about people, which is closed, stand for all.
OTHER_TABLES = r"/tables/(?!prosperity\.|people\.person/)[^/]+/(rows|landings)$"
# What differs for whoever is signed in, but for signing out; a file is sent to one table, since each moves numbers.
SIGNED_IN = (
    r"/tables/prosperity\.[^/]+/rows$|/refused$|/api/session$|/api/landings$|/tables/prosperity\.target/landings$"
)


def ask_everything(served: Served, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    phases = "examples,coverage,fuzzing" + (",stateful" if MANY else "")
    command = [
        PROGRAM,
        "run",
        f"{served.url}/api/openapi.json",
        "--checks",
        "all",
        "--phases",
        phases,
        "--workers",
        "2",
    ]
    command += ["--max-examples", MANY or "3", "--seed", "1", "--suppress-health-check", "all", "--no-color"]
    limit = 3600 if MANY else 300
    return subprocess.run(
        [*command, *more], cwd=folder, env=surroundings(), capture_output=True, text=True, timeout=limit
    )


@pytest.mark.parametrize("account", ["", "clerk"], ids=["public", "clerk"])
def test_every_answer_is_as_documented(served: Served, tmp_path: Path, account: str) -> None:
    more = ["--exclude-path-regex", OTHER_TABLES]
    if account:
        more = ["--header", f"Authorization: Bearer {served.sign_in(account)}"]
        more += ["--include-path-regex", SIGNED_IN]
        # Signing out would leave all that follows unasked; the public run asks it.
        for operation in ("POST /api/session", "DELETE /api/session"):
            more += ["--exclude-name", operation]
    done = ask_everything(served, tmp_path, *more)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert "Tested: " in done.stdout
    assert not account or "returned only 401/403" not in done.stdout
    assert "Traceback" not in served.noted(), served.noted()
