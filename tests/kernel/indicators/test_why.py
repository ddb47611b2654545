"""Why and trace: the rows of a cell and the cells of a row are one relation, read from both ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kernel.indicators.test_cells import ALL, FULL, RULES
from tests.made_numbers import CITY_ONE, COUNTIES, MadeNumbers, money
from yucun.base.identity import RegionCode
from yucun.base.period import Period
from yucun.kernel.indicators import CellKey


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeNumbers:
    """All kinds over two years, the third county corrected by a second file."""
    found = MadeNumbers.make(tmp_path_factory.mktemp("why"), ALL, rules=RULES)
    found.send("money", money(FULL), refresh=False)
    found.send("money", money({(COUNTIES[2], "2021", "in"): 4321}), is_correction=True)
    return found


def rows_of(made: MadeNumbers, key: CellKey) -> set[tuple[str, int]]:
    chain = made.numbers.why(key.indicator, key.region, key.period)
    assert chain.records == len({(r.file, r.record) for r in chain.rows}), key
    return {(r.file, r.record) for r in chain.rows}


def test_why_and_trace_say_the_same(made: MadeNumbers) -> None:
    cells = made.numbers.all_cells()
    down = {(record, key) for key in cells for record in rows_of(made, key)}
    records = {record for record, _ in down}
    up = {(record, key) for record in records for key in made.numbers.trace(*record).moved}
    assert down == up
    assert len(records) == len(FULL)
    at_once = made.numbers.moved_by_records(sorted(records))
    assert {(record, key) for record, found in at_once.items() for key in found} == up


def test_walking_says_what_the_expression_says(made: MadeNumbers) -> None:
    """`walk` for one cell and `Compiler.contributions` for all cells relate the same rows to the same cells."""
    explainer = made.numbers.explainer
    compiler = explainer.compiler(made.lake.table)
    for name in made.numbers.indicators:
        rows = made.lake.engine.run(
            compiler.contributions(name).select("region", "period", "_file", "_record").distinct()
        )
        related = {
            (CellKey(name, RegionCode(r), Period.parse(p)), (f, n))
            for r, p, f, n in zip(*(rows[c].to_pylist() for c in rows.column_names), strict=True)
        }
        cells = [k for k in made.numbers.all_cells() if k.indicator == name]
        kept = {pair for pair in related if pair[0] in set(cells)}
        assert kept == {(key, record) for key in cells for record in rows_of(made, key)}, name


def test_every_value_can_be_had_again_from_its_rows(made: MadeNumbers) -> None:
    proof = made.numbers.prove(made.numbers.pick(1000, seed=1))
    assert (proof.asked, proof.equal, proof.differing) == (1000, 1000, ())
    assert 0 < proof.by_rule < 1000


def test_a_proof_fails_when_a_row_is_missing(made: MadeNumbers, monkeypatch: pytest.MonkeyPatch) -> None:
    explainer = made.numbers.explainer
    real = explainer.fetch
    monkeypatch.setattr(
        explainer, "fetch", lambda names, question: {t: r.slice(1) for t, r in real(names, question).items()}
    )
    assert made.numbers.prove(made.numbers.all_cells()).differing


def test_the_chain_shows_definition_parts_rows_and_files(made: MadeNumbers) -> None:
    chain = made.numbers.why("made.ratio", RegionCode.parse(CITY_ONE), Period.year(2021))
    assert chain.indicator.declared_at.startswith("made/indicators.toml:")
    assert [p.name for p in chain.parts] == ["numerator", "denominator"]
    assert [p.shown for p in chain.parts] == ["24", "22"]
    assert chain.parts[0].where == "side = in"
    assert {row.fields["side"] for row in chain.rows} == {"in", "out"}
    assert len(chain.files) == 1
    assert CellKey("made.ratio_change", RegionCode.parse(CITY_ONE), Period.year(2021)) in chain.moves
    derived = made.numbers.why("made.whole", RegionCode.parse(CITY_ONE), Period.year(2021))
    assert [p.region for p in derived.parts] == [RegionCode.parse(c) for c in COUNTIES]
    assert len(derived.files) == 2, "one county was corrected by a second file"


def test_a_corrected_row_traces_from_its_own_file_and_moves_what_it_touches(made: MadeNumbers) -> None:
    chain = made.numbers.why("made.income", RegionCode.parse(COUNTIES[2]), Period.year(2021))
    (row,) = chain.rows
    moved = {k.indicator for k in made.numbers.trace(row.file, row.record).moved}
    assert {"made.income", "made.whole", "made.gini", "made.ratio", "made.change", "made.growth"} <= moved
    assert made.numbers.moved_by(row.file)
    assert made.numbers.trace(row.file, 999).moved == ()


def test_as_of_a_moment_the_rows_are_those_of_that_moment(tmp_path: Path) -> None:
    made = MadeNumbers.make(tmp_path, ALL, rules=RULES)
    made.send("money", money({(CITY_ONE, "2021", "in"): 100}))
    early = made.numbers.book.last_refresh()
    landing = made.send("money", money({(CITY_ONE, "2021", "in"): 900}), is_correction=True, refresh=False)
    between = made.numbers.ask(landing.seq)
    key = CellKey("made.income", RegionCode.parse(CITY_ONE), Period.year(2021))
    assert made.numbers.value(key.indicator, key.region, key.period, question=between).parts["numerator"] == 100
    # Landed but not yet counted: why still names the row that the number rests on.
    assert not made.numbers.prove([key], question=between).differing
    made.numbers.refresh()
    assert not made.numbers.prove([key]).differing
    old = made.numbers.why(key.indicator, key.region, key.period, question=made.numbers.ask(early))
    assert old.rows[0].fields["amount_fen"] == 100
