"""The proof of *why* and *trace*: numbers worked out again from the records that they name, and both ways compared."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yucun.base.text import Text

if TYPE_CHECKING:
    from yucun.city import City
    from yucun.kernel.indicators import CellKey, Question

Record = tuple[str, int]
# So many records of each gathered cell are followed upwards; of other cells all are.
_MOST_RECORDS = 20
# Records that are followed in one pass.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was compared, and what differed.

    Parameters
    ----------
    asked, distinct : int
        Numbers asked for, and how many of them are different ones.
    equal : int
        How many came out of their records as they are kept.
    by_rule : int
        How many rest on a service's own rule.
    shown : int
        How many stand on the page as they are kept, to the printed digit.
    records, ways : int
        Records behind these numbers, and pairs of record and number that were followed both ways.
    differing : tuple of str
        Each difference in words.
    """

    asked: int
    distinct: int
    equal: int
    by_rule: int
    shown: int
    records: int
    ways: int
    differing: tuple[Text, ...]


def prove(city: City, keys: Collection[CellKey], tell: Callable[[int, int], None]) -> Outcome:
    """Work numbers out again from nothing but their records, and follow each record to all numbers and back.

    Parameters
    ----------
    keys : collection of CellKey
        Numbers; one may stand in it several times.
    tell : callable
        Told how many records of how many have been followed.
    """
    question = city.numbers.ask(city.last_seq())
    proof = city.numbers.prove(keys, question=question)
    distinct = list(dict.fromkeys(keys))
    wrong = [
        _differs(key, Text("由记录重算不符", "is another number when worked out from its records"))
        for key in proof.differing
    ]
    misprinted = [key for key in distinct if not _is_shown_as_kept(city, key, question)]
    wrong += [_differs(key, Text("显示的与保存的不符", "is shown otherwise than it is kept")) for key in misprinted]
    records, ways, lost = _follow(city, distinct, question, tell)
    return Outcome(
        proof.asked,
        len(distinct),
        proof.equal,
        proof.by_rule,
        len(distinct) - len(misprinted),
        records,
        ways,
        (*wrong, *lost),
    )


def _is_shown_as_kept(city: City, key: CellKey, question: Question) -> bool:
    from yucun.kernel.indicators import write_number

    value = city.numbers.value(key.indicator, key.region, key.period, question=question)
    kept = city.numbers.explainer.kept_amount(key, question)
    if value.mark is not None or kept is None:
        return value.mark is not None and value.shown == ""
    return value.shown == write_number(kept / value.unit.per_shown, value.decimals)


def _follow(
    city: City, keys: Collection[CellKey], question: Question, tell: Callable[[int, int], None]
) -> tuple[int, int, list[Text]]:
    """Follow records upwards and numbers downwards; every pair that only one way knows is a difference."""
    named = _records_of(city, keys, question, most=_MOST_RECORDS)
    records = sorted({record for held in named.values() for record in held})
    moved: dict[Record, set[CellKey]] = {}
    for start in range(0, len(records), _AT_ONCE):
        moved |= city.numbers.moved_by_records(records[start : start + _AT_ONCE], question=question)
        tell(min(start + _AT_ONCE, len(records)), len(records))
    # Downwards for everything that these records moved, not only for what was asked; a cell of millions is asked
    # about these records alone.
    named = _records_of(city, {key for found in moved.values() for key in found} | set(named), question, among=records)
    down = {(record, key) for key, held in named.items() for record in held if record in moved}
    up = {(record, key) for record, found in moved.items() for key in found}
    lost = [
        _lost(record, key, Text("数点名了记录，记录却追不到数", "names a record that does not trace to it"))
        for record, key in down - up
    ]
    lost += [
        _lost(record, key, Text("记录追到了数，数却没有点名记录", "is traced from a record that it does not name"))
        for record, key in up - down
    ]
    return len(records), len(up | down), sorted(lost, key=lambda text: text.en)


def _records_of(
    city: City,
    keys: Collection[CellKey],
    question: Question,
    most: int | None = None,
    among: Collection[Record] | None = None,
) -> dict[CellKey, set[Record]]:
    explainer = city.numbers.explainer
    leaves = {
        key: [leaf for leaf in city.numbers.links.leaves_of(key) if city.numbers.find_cell(leaf, question) is not None]
        for key in keys
    }
    every = {leaf for held in leaves.values() for leaf in held}
    rows = explainer.leaf_rows(every, question, most, among)
    return {key: {(file, record) for _, file, record in rows.of(leaves[key])} for key in keys}


def _differs(key: CellKey, said: Text) -> Text:
    name = f"{key.indicator} {key.region.short} {key.period.text}"
    return Text(f"{name}：{said.zh}", f"{name} {said.en}")


def _lost(record: Record, key: CellKey, said: Text) -> Text:
    return Text(
        f"{_differs(key, said).zh}（文件 {record[0][:12]} 第 {record[1]} 条）",
        f"{_differs(key, said).en} (file {record[0][:12]}, record {record[1]})",
    )
