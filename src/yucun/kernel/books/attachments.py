"""Attachments: files kept under their SHA-256, so that the same file is kept once and cannot change."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from yucun.base.errors import Finding, NotKnown
from yucun.base.text import Text
from yucun.kernel.books.files import adopt_file, keep_file
from yucun.kernel.books.model import Attachment
from yucun.kernel.books.store import Books


class Attachments:
    """A folder of files by hash; a file counts only once a journal line names it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, content: bytes, media_type: str, name: str) -> Attachment:
        """Write a file durably; the caller commits a line that names it, else a sweep removes it."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._path(sha256)
        if not path.exists():
            keep_file(path, content)
        return Attachment(sha256, len(content), media_type, name)

    def unfinished(self) -> Path:
        """Return where a file too large for memory may be written before it is adopted; a sweep removes what is left."""
        folder = self._folder / "unfinished"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / secrets.token_hex(16)

    def adopt(self, path: Path, sha256: str, media_type: str, name: str) -> Attachment:
        """Take in a file written at `unfinished`, durably, under its hash, which the caller has just worked out."""
        size, final = path.stat().st_size, self._path(sha256)
        if final.exists():
            path.unlink()
        else:
            with path.open("rb") as handle:
                os.fsync(handle.fileno())
            final.parent.mkdir(parents=True, exist_ok=True)
            adopt_file(path, final)
        return Attachment(sha256, size, media_type, name)

    def find_path(self, sha256: str) -> Path:
        """Return where a kept file lies, to be sent without being read as a whole; raise `NotKnown` if there is none."""
        path = self._path(sha256)
        if not path.is_file():
            raise NotKnown(_not_kept(sha256))
        return path

    def get(self, sha256: str) -> bytes:
        """Return a file's content, verified against its hash; raise `NotKnown` if there is none."""
        return self.find_path(sha256).read_bytes()

    def sweep(self, books: Books) -> int:
        """Remove files that no line names; the caller holds the writer's lock. Returns how many."""
        with books.read() as tx:
            named = {str(row[0]) for row in tx.rows("SELECT sha256 FROM attachment")}
        unnamed = [p for p in self._folder.glob("*/*") if p.is_file() and p.name not in named]
        for path in unnamed:
            path.unlink()
        return len(unnamed)

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256


def _not_kept(sha256: str) -> Finding:
    return Finding(
        "books.attachment",
        sha256,
        "nothing",
        "a kept file",
        Text("没有这份附件；请核对编号", "no such attachment is kept; check its hash"),
    )
