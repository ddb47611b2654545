"""What doors show of shared prosperity beyond screens: the sight of a city, its index built once, its tables gathered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import partial
from typing import Any

from yucun.base.identity import RegionCode
from yucun.city import City
from yucun.kernel.access import OPEN_READER, Reader
from yucun.services.prosperity.models import CityIndex, Sight, fit
from yucun.services.prosperity.pages.tasks import gather_rows


def sight_of(city: City, as_of: int | None = None, reader: Reader = OPEN_READER) -> Sight:
    """The city's numbers as a model may look at them."""
    return Sight(city.numbers, city.regions, city.numbers.ask(as_of, reader, ""), city.clock.today())


def rows_of(city: City, table: str, as_of: int | None = None, reader: Reader = OPEN_READER) -> list[dict[str, Any]]:
    """All rows of a small table, as the reader may see them."""
    return gather_rows(partial(city.rows, table, reader=reader, as_of=as_of))


class _Indices:
    """The last indices that were built, by everything that they depend on."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[Any, ...], CityIndex] = OrderedDict()
        self._guard = threading.Lock()

    def get(
        self, city: City, sight: Sight, here: RegionCode, entering: tuple[str, ...], as_of: int | None
    ) -> CityIndex:
        """Build an index, or return the one that was built from the same."""
        key = (str(city.data), as_of or city.last_seq(), sight.until, here, entering)
        with self._guard:
            found = self._kept.get(key)
        if found is None:
            found = fit(sight, here, entering)
            with self._guard:
                self._kept[key] = found
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        return found


_INDICES = _Indices(16)


def index_of(
    city: City, sight: Sight, here: RegionCode, entering: tuple[str, ...], as_of: int | None = None
) -> CityIndex:
    """The index of a city's province; what was built from the same numbers is not built again."""
    return _INDICES.get(city, sight, here, entering, as_of)
