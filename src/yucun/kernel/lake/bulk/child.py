"""The child process of a job: ``python -m yucun.kernel.lake.bulk.child FOLDER``; it works, tells, and asks for regions.

Both sides speak in lines of JSON over the child's own pipes. A child whose parent is gone ends by itself.
"""

from __future__ import annotations

import fcntl
import os
import resource
import sys
import threading
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import msgspec

from yucun.base.identity import RegionCode
from yucun.kernel.lake.bulk.model import PLAN, JobPlan, Limits, Progress, read_json
from yucun.kernel.lake.bulk.work import work

# Beyond its limit a child is stopped by the system; libraries reserve address space that they never use.
_RESERVED = 3
_LEAST_ADDRESSES = 8 << 30
_WORKING = "working"


class Asking:
    """A book of regions that asks the parent; each question is asked once."""

    def __init__(self) -> None:
        self._answers: SimpleQueue[dict[str, list[str]]] = SimpleQueue()
        self._known: dict[tuple[str, date], list[RegionCode]] = {}
        threading.Thread(target=self._listen, name="listen", daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin.buffer:
            self._answers.put(msgspec.json.decode(line))
        # Nobody is left to answer or to commit.
        os._exit(3)

    def resolve(self, words: Sequence[str], on: date) -> dict[str, list[RegionCode]]:
        """Return the regions that each word may mean on a day."""
        asked = [word for word in words if (word, on) not in self._known]
        if asked:
            say({"asks": asked, "on": on.isoformat()})
            answer = self._answers.get()
            self._known.update({(word, on): [RegionCode.parse(code) for code in answer[word]] for word in asked})
        return {word: self._known[word, on] for word in words}


# What libraries print must not come between our own words: they get the log, we keep the pipe.
_VOICE = os.fdopen(os.dup(1), "wb", buffering=0)


def say(message: dict[str, Any]) -> None:
    """Tell the parent."""
    _VOICE.write(msgspec.json.encode(message) + b"\n")


def main(folder: Path) -> int:
    """Work on the job in a folder."""
    plan = read_json(folder / PLAN, JobPlan)
    if plan is None:
        return 2
    # A child whose parent was killed may live for a moment after it; the next one waits, so that one writes at a time.
    working = os.open(folder / _WORKING, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(working, fcntl.LOCK_EX)
    os.dup2(2, 1)
    _limit(plan.limits)

    def tell(progress: Progress) -> None:
        say({"progress": progress})

    work(plan, folder, Asking(), tell)
    return 0


def _limit(limits: Limits) -> None:
    """Set the system's own limit."""
    most = max(limits.memory * _RESERVED, _LEAST_ADDRESSES)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    done = main(Path(sys.argv[1]))
    # The listening thread waits for a parent that has nothing more to say; an ordinary exit would wait for it.
    os._exit(done)
