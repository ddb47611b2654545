"""The one commit point: connection, transaction, two dialects, migrations, journal, outbox, attachments.

The journal is the truth. A line is appended and, in the same transaction, applied to the projections of
the organ that owns its kind; `rebuild` applies the same lines again and reaches the same state hash.

Examples
--------
>>> from yucun.base.clock import SimulatedClock
>>> from datetime import date
>>> books = Books.open("sqlite://", [], SimulatedClock.on(date(2022, 5, 31), ticking=False))
>>> with books.write() as tx:
...     line, is_new = tx.record("note.taken", "note-1", {"words": "first"})
>>> line.seq, is_new, books.verify()
(1, True, 1)
>>> books.close()
"""

from yucun.kernel.books.attachments import Attachments
from yucun.kernel.books.dialect import CONFLICTS
from yucun.kernel.books.model import Attachment, Line, Message, Migration, Organ, Projecting
from yucun.kernel.books.reading import ReadTransaction
from yucun.kernel.books.rebuild import rebuild
from yucun.kernel.books.store import Books, WriteTransaction

__all__ = [
    "CONFLICTS",
    "Attachment",
    "Attachments",
    "Books",
    "Line",
    "Message",
    "Migration",
    "Organ",
    "Projecting",
    "ReadTransaction",
    "WriteTransaction",
    "rebuild",
]
