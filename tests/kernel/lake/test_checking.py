"""Checking: numbers exact to the kept unit, words understood once, keys unique, every sentence well-formed."""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernel.lake.samples import EVERY, INCOME, TODAY, Book, land, make_contract
from yucun.base.identity import RegionCode
from yucun.base.quantity import WRITTEN_UNITS
from yucun.kernel.lake.checking import check_rows
from yucun.kernel.lake.checking.words import read_day, read_period
from yucun.kernel.lake.reading import read_file

# Wide enough for every whole number that is kept.
WIDE = INCOME.replace("range = [0, 100000000]", "").replace(
    'key = ["region", "period"]', 'key = ["region", "period", "income_fen"]'
)


def fen_of(*cells: str, head: str = "收入(元)") -> list[int | str]:
    """What becomes of each cell: fen, or the kind of its finding."""
    lines = [f'330502,2021,"{cell}"' for cell in cells]
    landed = land(
        f"地区,时期,{head}\n" + "\n".join(lines),
        INCOME.replace("range = [0, 100000000]", "").replace('key = ["region", "period"]', "key = []"),
    )
    good = {row["_record"]: row["income_fen"] for row in landed.good}
    return [
        good[n] if n in good else landed.refused[n][0]["kind"].removeprefix("lake.") for n in range(1, len(cells) + 1)
    ]


def test_numbers_as_offices_write_them() -> None:
    cells = {
        "52000": 5200000, "52,000.50": 5200050, " 52 000 ": 5200000, "５２０００．５": 5200050, "(1,234.5)": -123450,
        "-0.01": -1, "−3": -300, "△3": -300, "+7": 700, ".5": 50, "5.": 500, "007": 700, "5.2万元": 5200000, "0.00005亿": 500000,
        "1.2千元": 120000, "12元": 1200, "12.340": 1234, "1,2345": "not_a_number", "1.2.3": "not_a_number", "12abc": "not_a_number",
        "1/2": "not_a_number", "１２％": "unit_unknown", "12公斤": "unit_unknown", "0.001": "too_fine", "nan": "not_a_number",
        "inf": "not_a_number", "92233720368547758.07": 2**63 - 1, "-92233720368547758.08": -(2**63), "92233720368547758.08": "overflow",
        "9" * 60: "overflow", "0." + "0" * 40: 0, "0" * 40 + "1": 100, "1." + "0" * 30 + "1": "too_fine",
    }  # fmt: skip
    assert dict(zip(cells, fen_of(*cells), strict=True)) == cells


UNITS_OF_MONEY = [
    (word, factor) for word, (unit, factor) in WRITTEN_UNITS.items() if unit == "fen" and not word.isascii()
]


@settings(max_examples=6)
@given(
    st.lists(
        st.tuples(st.decimals(-(10**14), 10**14, places=4), st.sampled_from(UNITS_OF_MONEY)), min_size=1, max_size=60
    )
)
def test_money_is_exact(cells: list[tuple[Decimal, tuple[str, Fraction]]]) -> None:
    expected: list[int | str] = []
    for number, (_, factor) in cells:
        exact = Fraction(number) * factor
        if exact.denominator > 1 and abs(exact) < 2**63:
            expected.append("too_fine")
        else:
            expected.append(int(exact) if exact.denominator == 1 and -(2**63) <= exact < 2**63 else "overflow")
    assert fen_of(*(f"{number:f}{unit}" for number, (unit, _) in cells)) == expected


@settings(max_examples=6)
@given(st.lists(st.decimals(-(10**9), 10**9, places=5), min_size=1, max_size=60))
def test_mu_are_rounded_half_up(areas: list[Decimal]) -> None:
    days = [f"2021-{1 + n // 28:02d}-{1 + n % 28:02d}" for n in range(len(areas))]
    lines = [f"余村村,{day},茶,{area:f}" for day, area in zip(days, areas, strict=True)]
    good = land("村社区,日期,类型,面积（亩）\n" + "\n".join(lines), EVERY).good
    for row, area in zip(good, areas, strict=True):
        doubled = Fraction(area) * Fraction(2000, 3)
        whole = Decimal(doubled.numerator) / Decimal(doubled.denominator)
        assert row["area_m2"] == int(whole.quantize(Decimal(1), ROUND_HALF_UP))


def test_every_type_lands_as_it_should() -> None:
    text = (
        "村社区,日期,时刻,类型,是否开放,面积,占比,备注说明,地块号\n"
        "余村村,2022年3月1日,2022-03-01 08:05,竹,√,3亩,12.5%,好的,A001\n"
        "横山坞村,44651,2022-03-01T00:05:30Z,tea,否,1公顷,0.5,,\n"
        "330523109203,20220302,2022/3/1 8:05:30,茶,1,9㎡,1,N/A,B002\n"
    )
    landed = land(text, EVERY)
    assert not landed.refused
    assert landed.good[0] == {
        "place": "330523109203", "day": date(2022, 3, 1), "at": datetime(2022, 3, 1, 0, 5, tzinfo=UTC), "kind": "bamboo",
        "is_open": True, "area_m2": 2000, "share": 0.125, "remark": "好的", "plot": "A001", "_record": 1,
    }  # fmt: skip
    assert [row["at"] for row in landed.good[1:]] == [datetime(2022, 3, 1, 0, 5, 30, tzinfo=UTC)] * 2
    assert [row["day"] for row in landed.good[1:]] == [date(2022, 3, 31), date(2022, 3, 2)]
    assert [row["is_open"] for row in landed.good] == [True, False, True]


@pytest.mark.parametrize("word", ["2021", "2021.0", "2021年", "２０２１年", "2021年度", " 2021 "])
def test_years(word: str) -> None:
    period = read_period(word)
    assert period is not None
    assert period.text == "2021"


def test_days_that_are_none() -> None:
    assert [read_day(word) for word in ("2022-02-30", "2022", "20220230", "abc", "19999")] == [None] * 5


def test_an_instant_must_not_be_in_the_future() -> None:
    rows = ("余村村,2022-03-01,2022-05-31 23:59,茶,1", "余村村,2022-03-02,2022-06-01 00:00,茶,1")
    landed = land("村社区,日期,时刻,类型,面积\n" + "\n".join(rows), EVERY)
    assert landed.kinds() == {2: ["lake.future"]}


class DatedBook(Book):
    """A name that moved from one code to another with the year 2021."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[str, ...], date]] = []

    def resolve(self, words: Sequence[str], on: date) -> dict[str, list[RegionCode]]:
        """Answer by the day."""
        self.asked.append((tuple(words), on))
        code = "330502" if on < date(2021, 1, 1) else "330503"
        return {word: [RegionCode.parse(code)] for word in words}


def test_a_region_is_looked_up_in_the_map_of_its_period() -> None:
    landed = land("地区,时期,收入\n吴兴区,2019,1\n吴兴区,2020,2\n吴兴区,2021,3\n", INCOME, book=DatedBook())
    assert [row["region"][:6] for row in landed.good] == ["330502", "330502", "330503"]


def test_a_level_may_settle_which_region_is_meant() -> None:
    county = INCOME.replace('levels = ["city", "county"]', 'levels = ["county"]')
    assert land("地区,时期,收入\n朝阳,2021,1\n", county).good[0]["region"] == "330502000000"
    assert land("地区,时期,收入\n朝阳,2021,1\n", INCOME).kinds() == {1: ["lake.ambiguous_region"]}


def test_candidates_of_an_ambiguous_name_are_named() -> None:
    finding = land("地区,时期,收入\n朝阳,2021,1\n", INCOME).refused[1][0]
    assert "330100、330502" in finding["message"]["zh"]


def test_sentences_survive_any_text() -> None:
    nasty = 'a"b\\c\td{found}\n你%s\x7f'
    landed = land('地区,时期,收入\n"' + nasty.replace('"', '""') + '",2021,"{expected}\\"\n吴兴区,2021,1\n', INCOME)
    assert landed.kinds() == {1: ["lake.unknown_region", "lake.not_a_number"]}
    assert landed.refused[1][0]["found"].startswith('a"b\\c d{found} 你')
    assert json.loads(landed.raw[1])["income_fen"] == "{expected}\\"
    assert len(landed.good) == 1


def test_found_is_shortened() -> None:
    landed = land(f"地区,时期,收入\n{'长' * 500},2021,1\n", INCOME)
    assert len(landed.refused[1][0]["found"]) == 120
    assert len(landed.raw[1]) <= 2000


def test_a_connection_is_left_as_it_was() -> None:
    contract = make_contract(INCOME)
    reading = read_file("地区,时期,收入\n吴兴区,2021,1\n德青县,2021,1\n".encode(), "x.csv", contract)
    connection = ibis.duckdb.connect()
    for _ in range(2):
        checked = check_rows(reading.rows, contract, Book(), TODAY, reading.columns, connection=connection)
        assert (checked.good.num_rows, checked.refused.num_rows) == (1, 1)
    gc.collect()
    assert [name for name in connection.list_tables() if "memtable" not in name] == []


def test_good_rows_carry_the_contracts_schema() -> None:
    contract = make_contract(EVERY)
    reading = read_file("村社区,日期,类型,面积\n余村村,2022-03-01,茶,1\n".encode(), "x.csv", contract)
    good = check_rows(reading.rows, contract, Book(), TODAY, reading.columns).good
    assert [f for f in contract.schema if f.name != "_file"] == list(good.schema)


def test_three_records_of_one_key() -> None:
    landed = land(
        "地区,时期,收入\n吴兴区,2021,1\n吴兴区,2021,1.0\n330502,2021年,2\n德清县,2021,3\n德清县,2021,3元\n", INCOME
    )
    assert landed.repeated == 1
    assert [row["_record"] for row in landed.good] == [4]
    assert set(landed.kinds()) == {1, 2, 3}


def test_a_faulty_record_also_tells_of_its_key() -> None:
    landed = land("地区,时期,收入\n吴兴区,2021,1\n吴兴区,2021,很多\n", INCOME)
    assert landed.kinds() == {1: ["lake.duplicate_key"], 2: ["lake.not_a_number", "lake.duplicate_key"]}


def test_thousands_of_refused_records_are_told_without_a_loop() -> None:
    lines = [f"乡{n},2021,{n}" for n in range(5000)]
    landed = land("地区,时期,收入\n" + "\n".join(lines), WIDE)
    assert len(landed.refused) == 5000
    assert landed.refused[4321][0]["found"] == "乡4320"
