"""The engine: events land, are checked, services decide, and their effects are committed, all or none.

Repeats are answered "already"; a dry run keeps nothing; any period can be replayed under other parameters or another
version of a service and compared.
"""

from yucun.kernel.engine.compare import WHAT_TITLES, Difference, compare
from yucun.kernel.engine.load import Loaded, load_acting
from yucun.kernel.engine.model import Acting, Event, Taken
from yucun.kernel.engine.replay import Replayed, TurningClock, copy_private, replay
from yucun.kernel.engine.running import Answerer, Listeners, Publishing, Running, Turn
from yucun.kernel.engine.serving import Serving
from yucun.kernel.engine.store import ORGAN
from yucun.kernel.engine.take import EventEngine, list_waiting

__all__ = [
    "ORGAN",
    "WHAT_TITLES",
    "Acting",
    "Answerer",
    "Difference",
    "Event",
    "EventEngine",
    "Listeners",
    "Loaded",
    "Publishing",
    "Replayed",
    "Running",
    "Serving",
    "Taken",
    "Turn",
    "TurningClock",
    "compare",
    "copy_private",
    "list_waiting",
    "load_acting",
    "replay",
]
