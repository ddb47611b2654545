"""The verb `sample`: made-up people as Parquet or CSV, anywhere, without a city; for researchers and for trying things."""

from __future__ import annotations

from pathlib import Path

from yucun.base.text import Text
from yucun.doors.command.output import Exit
from yucun.doors.command.verb import Setting, Verb, Word

SAMPLE = Verb(
    "sample",
    Text(
        "造出模拟居民并写成文件：每张表一个文件，附摘要；不需要城市，不含真人",
        "make up residents and write a file for each table, with digests; needs no city and holds no real person",
    ),
    "sample:sample",
    Text("扩展", "Building"),
    (
        Word("into", Text("写到哪个空目录", "an empty folder to write into"), Path, ...),
        Word("residents", Text("多少人；0 为全部", "how many people; 0 for all"), int, 30_000),
        Word("seed", Text("随机种子：同一种子得同样的人", "seed: the same one gives the same people"), int, 12345),
        Word("format", Text("parquet 或 csv", "parquet or csv"), str, "parquet"),
        Word(
            "truth",
            Text(
                "另写真相：谁困难、谁患病、谁从未申请",
                "write the truth too: who is in need, who is ill, who never applied",
            ),
            bool,
            False,
        ),
    ),
    ("sample --into ./people", "sample --into ./people --residents 200000 --format csv --truth"),
)


def sample(setting: Setting, *, into: Path, residents: int, seed: int, format: str, truth: bool) -> Exit:  # noqa: A002 - the option's own name
    """Write made-up people and say what was written."""
    from yucun.city import PLACES
    from yucun.doors.command.made_up import tell_frozen, write_people
    from yucun.kernel.registry import read_place

    place = read_place(PLACES / setting.place)
    printer = setting.printer
    frozen = write_people(
        place,
        into,
        residents or None,
        seed,
        kind=format,
        truth=truth,
        tell=lambda step, done, of: printer.note(Text(f"{step.zh} {done + 1}/{of}", f"{step.en} {done + 1}/{of}")),
    )
    said = tell_frozen(frozen)
    printer.json(dict(said))
    printer.facts(
        Text(f"模拟数据（不含真人），写到 {into}", f"made up (no real person), written to {into}"),
        [(Text.same(name), value) for name, value in said.items()],
    )
    return Exit.OK
