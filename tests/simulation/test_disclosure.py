"""An attack on small cells: sequences of questions over a city's versions, exports and chains, solved as equations.

Each sequence asks what a reader of its role may ask; what comes back is put together with all that was read of that city
before, and an attacker who knows all sums, and which numbers changed, tries to work out what was hidden. ``YUCUN_ATTACK_SEQUENCES``
says how many; ``bench/disclosure.py`` runs a thousand and tells what hiding costs.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from tests.simulation.siege import besieged, hide_only_small
from yucun.kernel.indicators import releases as city_releases

SEQUENCES = int(os.environ.get("YUCUN_ATTACK_SEQUENCES", "60"))
IN_A_CITY = 20
STEPS = 3


@pytest.mark.parametrize("seed", range(-(-SEQUENCES // IN_A_CITY)))
def test_nothing_hidden_comes_out_of_any_sequence(tmp_path: Path, seed: int) -> None:
    with besieged(tmp_path, seed, STEPS) as siege:
        random = Random(seed)
        every = siege.secrets()
        assert every, "there must be something to find"
        for _ in range(IN_A_CITY):
            siege.ask_sequence(random)
            # What was read before is kept, so that each sequence is worth more than the one before it.
            assert siege.recover(random.sample(every, min(6, len(every))), exactly=False) == []
        by_sequences = set(siege.facts)
        siege.facts.clear()
        siege.ask_everything()
        assert by_sequences <= set(siege.facts), "no way out shows more than the number itself"
        assert siege.recover(every) == []


def test_with_small_cells_alone_hidden_the_attacker_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without what is hidden beside small cells, the same attack works them out."""
    monkeypatch.setattr(city_releases, "release", hide_only_small)
    with besieged(tmp_path, 0, 2) as siege:
        siege.ask_everything()
        by_asking = dict(siege.facts)
        assert siege.recover(siege.secrets())
        siege.facts.clear()
        siege.read_with_small_alone_hidden()
        assert siege.facts == by_asking, "the bench compares with what such a city would show"
