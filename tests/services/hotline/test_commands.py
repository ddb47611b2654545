"""``classify`` reads and writes files of the agreed layout and says what is missing."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from tests.services.hotline.test_models import ASKED, LABELLED
from yucun.base.errors import ContractError
from yucun.services.hotline.commands import classify


def write(path: Path, head: str, rows: list[tuple[str, ...]]) -> Path:
    lines = [head, *(",".join(row) for row in rows)]
    content = "\n".join(lines).encode("utf-8-sig")
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def test_classify(tmp_path: Path) -> None:
    train = write(
        tmp_path / "t.csv", "message_id,subject,body,label", [(m.id, m.subject, m.body, s) for m, s in LABELLED]
    )
    asked = write(tmp_path / "m.csv.gz", "message_id,subject,body", [(m.id, m.subject, m.body) for m, _ in ASKED])
    tree = write(tmp_path / "x.csv", "level1,level2,level3", [("school", "教育", "招生")])
    said = classify(train=train, in_=asked, out=tmp_path / "p.csv", taxonomy=tree)
    with (tmp_path / "p.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["message_id"] for row in rows] == [m.id for m, _ in ASKED]
    assert {row["label"] for row in rows} <= {"school", "road", "health"}
    assert all(0 < float(row["confidence"]) <= 1 for row in rows)
    assert (said["learned_from"], said["judged"]) == (60, 30)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    out = tmp_path / "p.csv"
    with pytest.raises(ContractError, match="no file"):
        classify(train=tmp_path / "none.csv", in_=tmp_path / "none.csv", out=out)
    bare = write(tmp_path / "t.csv", "message_id,subject", [("1", "a")])
    with pytest.raises(ContractError, match="body, label"):
        classify(train=bare, in_=bare, out=out)
