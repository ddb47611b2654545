"""The hotline's own verbs: ``yucun hotline classify`` says what messages are about, with confidence."""

from __future__ import annotations

import csv
import gzip
import io
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yucun.base.errors import ContractError, Finding
from yucun.base.text import Text

if TYPE_CHECKING:
    from yucun.services.hotline.models import Hints, Message

VERBS: dict[str, Text] = {
    "classify": Text("按主题给来件分类，附可信度", "Say what messages are about, with confidence"),
    "open311_key": Text("给一个程序发 Open311 密钥，只显示一次", "Make an Open311 key for a program; it is shown once"),
}
NONE = Path()
PARAMETERS = Path(__file__).with_name("parameters.toml")


EXAMPLES = {
    "classify": ("hotline classify --train labelled.csv --in asked.csv --out judged.csv",),
    "open311_key": ("hotline open311-key city-app",),
}
WORDS = {
    "train": Text(
        "已分类的来件（CSV：message_id,subject,body,label）",
        "messages with labels (CSV: message_id,subject,body,label)",
    ),
    "in_": Text("要分类的来件（CSV：message_id,subject,body）", "messages to judge (CSV: message_id,subject,body)"),
    "out": Text(
        "结果写到哪里（CSV：message_id,label,confidence）", "where the answer goes (CSV: message_id,label,confidence)"
    ),
    "taxonomy": Text("分类树（CSV：level1,level2,level3）", "the tree of subjects (CSV: level1,level2,level3)"),
    "unlabelled": Text("更多未分类的来件，帮助认词", "more messages without labels, to learn words from"),
    "replies": Text("带答复的来件，答复单位作弱标签", "messages with replies; who replies is a weak label"),
    "name": Text("程序的名字", "the program's name"),
}


def classify(
    *,
    train: Path,
    in_: Path,
    out: Path,
    taxonomy: Path = NONE,
    unlabelled: Path = NONE,
    replies: Path = NONE,
) -> Mapping[str, Any]:
    """Learn from labelled messages and judge others; write ``message_id,label,confidence``, a line a message.

    Files are CSV in UTF-8, gzip if their name ends in ``.gz``. All have ``message_id, subject, body``; ``train`` has
    ``label`` too, ``replies`` has ``reply``, ``taxonomy`` has ``level1, level2, level3``.
    """
    # The models need scipy, which the rest of a city does without.
    from yucun.services.hotline.models import fit_subjects  # noqa: PLC0415

    labelled = [(message, row["label"]) for message, row in read_messages(train, "--train", "label")]
    asked = [message for message, _ in read_messages(in_, "--in")]
    others = [message for message, _ in read_messages(unlabelled, "--unlabelled")] if unlabelled != NONE else []
    replied = [(m, row["reply"]) for m, row in read_messages(replies, "--replies", "reply")] if replies != NONE else []
    model = fit_subjects(labelled, read_hints(taxonomy), unlabelled=others, replied=replied)
    judged = model.apply(asked)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("message_id", "label", "confidence"))
        writer.writerows((j.id, j.label, f"{j.confidence:.4f}") for j in judged)
    return {
        "learned_from": len(labelled),
        "subjects": len(model.labels),
        "judged": len(judged),
        "for_a_person": sum(j.is_unsure for j in judged),
        "unsure_below": round(model.abstain_below, 4),
        "right_when_left_out": round(model.left_out_accuracy, 4),
    }


def open311_key(city: Any, name: str) -> Mapping[str, Any]:
    """Make a key with which a program may send requests; the city keeps only its hash, an earlier key is void."""
    from yucun.services.hotline.pages.api_keys import make_api_key  # noqa: PLC0415 - only this verb needs it

    return {"program": name, "api_key": make_api_key(city.data, name)}


def read_messages(path: Path, option: str, *more: str) -> list[tuple[Message, dict[str, str]]]:
    """Messages of a CSV file with the whole row of each; a missing file or column is a `ContractError`."""
    from yucun.services.hotline.models import Message  # noqa: PLC0415

    return [
        (
            Message(
                row["message_id"],
                row["subject"].strip(),
                row["body"].strip(),
                _day(row.get("time", "")),
                row.get("user") or "",
            ),
            row,
        )
        for row in read_rows(path, option, ("message_id", "subject", "body", *more))
    ]


def read_rows(path: Path, option: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a CSV file that has these columns."""
    if not path.is_file():
        raise ContractError(_finding(option, str(path), "a file", f"没有文件 {path}", f"there is no file {path}"))
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
    with io.StringIO(text, newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise ContractError(
                _finding(
                    path.name,
                    ", ".join(reader.fieldnames or ()),
                    ", ".join(columns),
                    f"缺少列：{'、'.join(missing)}；请补上",
                    f"columns are missing: {', '.join(missing)}; add them",
                )
            )
        return [{name: value or "" for name, value in row.items() if name} for row in reader]


def read_hints(taxonomy: Path = NONE) -> Hints:
    """Words and offices of ``parameters.toml``, and the lines of a subject tree if one is given."""
    from yucun.services.hotline.models import Hints  # noqa: PLC0415

    said = tomllib.loads(PARAMETERS.read_text(encoding="utf-8"))
    titles: dict[str, dict[str, None]] = {}
    if taxonomy != NONE:
        for row in read_rows(taxonomy, "--taxonomy", ("level1", "level2", "level3")):
            line = f"{row['level2']}\n{row['level3']}\n{row['level1']}"
            titles.setdefault(row["level1"], {})[line] = None
    return Hints(
        {subject: tuple(lines) for subject, lines in titles.items()},
        {subject: tuple(words) for subject, words in said["words"].items()},
        {subject: tuple(offices) for subject, offices in said["offices"].items()},
    )


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written[:10])
    except ValueError:
        return None


def _finding(where: str, found: str, expected: str, zh: str, en: str) -> Finding:
    return Finding("hotline.file", where, found[:120], expected[:120], Text(zh, en))
