"""Writing files so that a crash leaves them whole or absent: temporary name, fsync, rename, fsync of the folder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

# Unfinished files carry this ending; a sweep removes them.
UNFINISHED = ".unfinished"


def keep_file(path: Path, content: bytes) -> None:
    """Write ``content`` under its final name only once it is safely on disk; two writers of one file do no harm."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}{UNFINISHED}")
    with unfinished.open("wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    adopt_file(unfinished, path)


def adopt_file(unfinished: Path, path: Path) -> None:
    """Give a finished, synced file its final name, durably."""
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
