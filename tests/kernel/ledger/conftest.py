"""Books with a ledger, on both stores."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel.ledger.charts import make_test_chart
from yucun.base.clock import SimulatedClock
from yucun.kernel.books import Books
from yucun.kernel.ledger import ORGAN, Ledger, Opening


@pytest.fixture
def books(url: str, clock: SimulatedClock) -> Iterator[Books]:
    opened = Books.open(url, [ORGAN], clock)
    yield opened
    opened.close()


@pytest.fixture
def ledger(books: Books) -> Ledger:
    made = Ledger(make_test_chart())
    with books.write() as tx:
        made.open(
            tx,
            [Opening("treasury:relief", "fen"), Opening("pool:relief", "fen"), Opening("treasury:relief", "carbon_g")],
        )
    return made
