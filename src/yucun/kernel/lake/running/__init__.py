"""Running the feeds: who sends what by when, arrivals that land by themselves, notices, corrections, and how suppliers stand.

A place says in `feeds.toml` who fills each table. `Desk.run_once` looks everywhere once: it lands each file exactly
once, tells a supplier that is late or refused, and takes that back when the feed returns.
"""

from yucun.kernel.lake.running.clerk import Clerk, join_supplies
from yucun.kernel.lake.running.corrections import RefusedRow, list_rows
from yucun.kernel.lake.running.declare import FEEDS_FILE, read_supplies
from yucun.kernel.lake.running.desk import Desk
from yucun.kernel.lake.running.model import Notice, Passed, Run, Supplier, Supply, SupplyState
from yucun.kernel.lake.running.standing import Standing, rank_suppliers
from yucun.kernel.lake.running.store import ORGAN

__all__ = [
    "FEEDS_FILE",
    "ORGAN",
    "Clerk",
    "Desk",
    "Notice",
    "Passed",
    "RefusedRow",
    "Run",
    "Standing",
    "Supplier",
    "Supply",
    "SupplyState",
    "join_supplies",
    "list_rows",
    "rank_suppliers",
    "read_supplies",
]
