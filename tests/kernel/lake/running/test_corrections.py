"""Corrections: refused records as rows, drafts, sending again with lineage, Excel, and how suppliers stand by them."""

from __future__ import annotations

import io
from datetime import date
from fractions import Fraction
from pathlib import Path

import openpyxl
import pytest

from tests.small_desk import BAD, SmallDesk
from yucun.base.errors import Yours
from yucun.kernel.lake.running import RefusedRow, correcting, rank_suppliers
from yucun.kernel.lake.running.store import ASIDE
from yucun.kernel.lake.running.workbook import read_workbook, write_workbook
from yucun.kernel.lake.store import REFUSED


class Died(BaseException):
    """The process is gone."""


def rows_of(small: SmallDesk, landing: object, account: str = "clerk") -> list[RefusedRow]:
    """The rows that still wait."""
    return [row for row in small.desk.refused_rows(landing, account) if row.settled is None]  # type: ignore[arg-type]


def test_refused_records_are_rows_with_their_wrong_cells(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path)
    landing = small.send(BAD)
    first, second = rows_of(small, landing)
    assert first.fields == {"region": "990102", "period": "2021", "amount_fen": "贰佰", "note": ""}
    assert list(first.wrong) == ["amount_fen"] and list(second.wrong) == ["region"]
    assert first.wrong["amount_fen"][0].zh.startswith("「金额」不是数")
    assert (first.record, first.where, first.kinds) == (2, "line 3", ("lake.not_a_number",))


def test_corrected_records_land_and_name_what_they_correct(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path)
    landing = small.send(BAD)
    small.desk.watch()
    kept = small.lake.files("farm.harvest" + REFUSED)
    small.go_to(date(2022, 6, 3))
    small.desk.keep_draft(landing, "clerk", [(2, 0, "amount_fen", "200"), (3, 0, "region", "丁县")])
    small.desk.keep_draft(landing, "clerk", [(3, 0, "region", "990103")])
    sent = small.desk.send_again(landing, "clerk")
    assert sent is not None
    assert (sent.landed, sent.refused, sent.by) == (2, 0, "clerk")
    assert small.rows() == [("990101", "2021", 10000), ("990102", "2021", 20000), ("990103", "2021", 30000)]
    # Nothing is taken out of quarantine: each record says what became of it, and the new one what it corrects.
    assert small.lake.files("farm.harvest" + REFUSED)[: len(kept)] == kept
    settled = small.desk.settled(landing)
    assert {r: (c.outcome, c.landing, c.new_record) for r, c in settled.items()} == {
        2: ("landed", sent.key, 1), 3: ("landed", sent.key, 2),
    }  # fmt: skip
    assert small.desk.original_of(sent) == landing
    row = small.lake.engine.run(small.lake.table("farm.harvest")).to_pylist()[-1]
    with small.books.read() as tx:
        assert correcting.store.original_of(tx, row["_file"], row["_record"]) == (landing.key, 3)
    assert small.desk.count_open(landing) == 0
    small.desk.watch()
    assert [n for n in small.desk.notices(only_open=True) if n.kind == "refused"] == []
    with pytest.raises(Yours, match="nothing has been changed"):
        small.desk.send_again(landing, "clerk")


def test_what_is_refused_again_stays_open_in_the_new_landing(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path)
    landing = small.send(BAD)
    small.desk.keep_draft(landing, "clerk", [(2, 0, "amount_fen", "两百"), (3, 0, "region", "990103")])
    again = small.desk.send_again(landing, "clerk")
    assert again is not None
    assert (again.landed, again.refused) == (1, 1)
    assert small.desk.settled(landing)[2].outcome == "refused"
    assert small.desk.count_open(landing) == 1
    assert [(one.key, count) for one, count in small.desk.list_open()] == [(again.key, 1)]
    small.desk.watch()
    stands = [n for n in small.desk.notices(only_open=True) if n.kind == "refused"]
    assert [n.landing for n in stands] == [landing.key], "the supplier's notice stands, and no second one is written"
    (row,) = rows_of(small, again)
    small.desk.keep_draft(again, "clerk", [(row.record, row.part, "amount_fen", "200")])
    small.desk.send_again(again, "clerk")
    small.desk.watch()
    assert small.desk.count_open(landing) == 0
    assert [n for n in small.desk.notices(only_open=True) if n.kind == "refused"] == []


def test_a_draft_is_one_clerks_own_and_stays_out_of_the_journal(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path)
    landing = small.send(BAD)
    with small.books.read() as tx:
        before = tx.last_seq()
    small.desk.keep_draft(landing, "clerk", [(2, 0, "amount_fen", "200"), (2, 0, "no_such_field", "x")])
    assert rows_of(small, landing)[0].changed == {"amount_fen": "200"}
    assert rows_of(small, landing, "other")[0].changed == {}
    small.desk.keep_draft(landing, "clerk", [(2, 0, "amount_fen", None)])
    assert rows_of(small, landing)[0].changed == {}
    with small.books.read() as tx:
        assert tx.last_seq() == before


def test_two_clerks_who_correct_the_same_record(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path)
    landing = small.send(BAD)
    for account, amount in (("one", "200"), ("two", "201")):
        small.desk.keep_draft(landing, account, [(2, 0, "amount_fen", amount)])
    assert small.desk.send_again(landing, "one") is not None
    with pytest.raises(Yours):
        small.desk.send_again(landing, "two")
    assert ("990102", "2021", 20000) in small.rows()


def test_records_that_nobody_wants_are_set_aside(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path)
    landing = small.send("region,period,金额\n990101,2021,100\n990101,2021,150\n")
    assert [row.kinds for row in rows_of(small, landing)] == [("lake.duplicate_key",)] * 2
    small.desk.keep_draft(landing, "clerk", [(1, 0, ASIDE, "1"), (2, 0, "note", "对")])
    sent = small.desk.send_again(landing, "clerk")
    assert sent is not None and sent.landed == 1
    assert {r: c.outcome for r, c in small.desk.settled(landing).items()} == {1: "aside", 2: "landed"}
    assert small.rows() == [("990101", "2021", 15000)]


def test_values_that_the_table_holds_are_replaced_only_when_that_is_said(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path)
    small.send("region,period,金额\n990101,2021,100\n")
    landing = small.send("region,period,金额\n990101,2021,123.45\n")
    (row,) = rows_of(small, landing)
    assert row.kinds == ("lake.key_known",)
    assert row.fields["amount_fen"] == "123.45元", "kept in fen, shown as people write it"
    again = small.desk.send_again(landing, "clerk", everything=True)
    assert again is not None and again.refused == 1
    replaced = small.desk.send_again(again, "clerk", everything=True, replaces=True)
    assert replaced is not None and replaced.corrected == 1
    assert small.rows() == [("990101", "2021", 12345)]


def test_units_of_the_sent_file_stay_with_its_figures(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path)
    landing = small.send("region,period,金额（万元）\n无此县,2021,1.5\n")
    (row,) = rows_of(small, landing)
    assert row.fields["amount_fen"] == "1.5万元"
    small.desk.keep_draft(landing, "clerk", [(1, 0, "region", "990101")])
    small.desk.send_again(landing, "clerk")
    assert small.rows() == [("990101", "2021", 1_500_000)]


def test_a_record_whose_kept_text_was_cut_is_read_from_the_file_again(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path)
    note = "说" * 2500
    landing = small.send(f"region,period,金额,note\n无此县,2021,1,{note}\n")
    (row,) = rows_of(small, landing)
    assert row.fields["region"] == "无此县"
    assert set(row.wrong) == {"region", "note"}
    torn = small.send("region,period,金额\n990101,2021,100,7,8\n")
    (raw,) = rows_of(small, torn)
    assert raw.raw == "990101,2021,100,7,8" and set(raw.fields.values()) == {""}
    small.desk.keep_draft(
        torn, "clerk", [(1, 0, "region", "990101"), (1, 0, "period", "2021"), (1, 0, "amount_fen", "100")]
    )
    sent = small.desk.send_again(torn, "clerk")
    assert sent is not None and sent.landed == 1


@pytest.mark.parametrize("step", ["land", "_note_done", "read_refused"])
def test_dying_while_sending_is_finished_at_the_next_pass(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = SmallDesk.make(tmp_path)
    landing = small.send(BAD)
    small.desk.keep_draft(landing, "clerk", [(2, 0, "amount_fen", "200"), (3, 0, "region", "990103")])
    chosen = small.desk._note_resent
    with monkeypatch.context() as patched:

        def die(*_: object, **__: object) -> None:
            raise Died

        def then_die(*words: object, **more: object) -> str:
            key = chosen(*words, **more)  # type: ignore[arg-type]
            patched.setattr(correcting if hasattr(correcting, step) else correcting.Correcting, step, die)
            return key

        patched.setattr(small.desk, "_note_resent", then_die)
        with pytest.raises(Died):
            small.desk.send_again(landing, "clerk")
    small.books.close()
    again = SmallDesk.make(tmp_path)
    again.desk.run_once()
    assert again.rows() == [("990101", "2021", 10000), ("990102", "2021", 20000), ("990103", "2021", 30000)]
    assert {c.outcome for c in again.desk.settled(landing).values()} == {"landed"}
    assert again.desk.recover() == 0
    again.books.verify()


def edit(content: bytes, cells: dict[str, str], *, keeps_mark: bool = True) -> bytes:
    """Write into cells of a workbook, as somebody would in Excel."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    for cell, value in cells.items():
        book.worksheets[0][cell] = value
    if not keeps_mark:
        book.properties.keywords = None
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_excel_there_and_back(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path)
    landing = small.send(BAD + "990103,2020,=1+1\n")
    contract = small.lake.get_contract("farm.harvest")
    rows = small.desk.refused_rows(landing, "clerk")
    content = write_workbook(contract, landing, rows, "zh")
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    assert [c.value for c in sheet[3]][:3] == [2, 0, "line 3"]
    assert "不是数" in sheet["D3"].value
    assert sheet["H3"].fill.fgColor.rgb.endswith("F7E5E2") and "不是数" in sheet["H3"].comment.text
    assert sheet["H5"].data_type == "s", "what came as text never becomes a formula"
    changed = edit(content, {"H3": "200", "F4": "990103", "E5": "1"})
    changes = read_workbook(changed, contract, landing, rows)
    assert sorted(changes, key=str) == [(2, 0, "amount_fen", "200"), (3, 0, "region", "990103"), (4, 0, ASIDE, "1")]
    small.desk.keep_draft(landing, "clerk", changes)
    sent = small.desk.send_again(landing, "clerk")
    assert sent is not None and sent.landed == 2
    assert read_workbook(content, contract, landing, rows) == [], "sent back unchanged it changes nothing"


def test_a_workbook_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path)
    landing = small.send(BAD)
    other = small.send("region,period,金额\n无此县,2020,3\n")
    contract = small.lake.get_contract("farm.harvest")
    rows = small.desk.refused_rows(landing)
    content = write_workbook(contract, landing, rows, "en")
    wrong = {
        "feeds.not_a_correction": [b"no workbook", edit(content, {"A1": "record"})],
        "feeds.no_such_record": [edit(content, {"A4": "77"}), edit(content, {"A9": "5"})],
    }
    for kind, files in wrong.items():
        for file in files:
            with pytest.raises(Yours) as caught:
                read_workbook(file, contract, landing, rows)
            assert caught.value.findings[0].kind == kind
    with pytest.raises(Yours) as caught:
        read_workbook(content, contract, other, small.desk.refused_rows(other))
    assert caught.value.findings[0].kind == "feeds.other_landing"


def test_a_supplier_is_ranked_by_what_can_be_counted_again(tmp_path: Path) -> None:
    small = SmallDesk.make(tmp_path, on=date(2022, 3, 13), not_suppliers=("place",))
    small.desk.run_once()
    landing = small.send(BAD)
    small.desk.watch()
    small.go_to(date(2022, 3, 17))
    small.desk.keep_draft(landing, "clerk", [(2, 0, "amount_fen", "200")])
    small.desk.send_again(landing, "clerk")
    (one,) = rank_suppliers(small.desk, date(2022, 1, 1), date(2022, 3, 31))
    assert (one.rank, one.supplier.id, one.records, one.refused) == (1, "farm", 3, 2)
    assert one.refused_share == Fraction(2, 3)
    assert one.days_late == 10, "due on 3 March, here on the 13th"
    assert [late.notice.period for late in one.late] == ["2021"]
    assert (one.waiting, one.corrected, one.mean_days) == (1, 1, Fraction(4))
    assert [one.key for one in one.landings] == [landing.key], "what only sends refused records again is no new file"
    (part,) = rank_suppliers(small.desk, date(2022, 3, 11), date(2022, 3, 12))
    assert (part.days_late, part.records, part.refused_share) == (2, 0, None)
    (none,) = rank_suppliers(small.desk, date(2021, 1, 1), date(2021, 12, 31))
    assert (none.days_late, none.mean_days, none.waiting) == (0, None, 1)
