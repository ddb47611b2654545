"""What is said when an engine cannot answer: an unknown engine, no server, a number out of range, a query refused."""

from __future__ import annotations

from collections.abc import Sequence

from yucun.base.errors import Finding
from yucun.base.text import Text


def bad_engine(word: str) -> Finding:
    """What is said of an engine that is neither DuckDB nor an address of Spark Connect."""
    return Finding(
        "engine.unknown",
        "YUCUN_ENGINE",
        word[:120],
        "duckdb, or sc://host:port",
        Text(
            f"不认识引擎「{word[:60]}」；请写 duckdb，或 Spark Connect 的地址 sc://主机:端口",
            f"'{word[:60]}' is no engine; write duckdb, or the address of a Spark Connect server, sc://host:port",
        ),
    )


def unreachable(url: str, said: str) -> Finding:
    """What is said when nobody answers at the address."""
    return Finding(
        "engine.unreachable",
        "YUCUN_ENGINE",
        said[:120],
        url[:120],
        Text(
            f"连不上 Spark（{url}）：{said[:200]}；请确认服务在运行，或用 YUCUN_ENGINE=duckdb 打开城市",
            f"Spark does not answer at {url}: {said[:200]}; see that it runs, or open the city with YUCUN_ENGINE=duckdb",
        ),
    )


def too_large(said: str) -> Finding:
    """What is said where a number leaves its range: beyond 64 bits, or the logarithm of nothing."""
    return Finding(
        "engine.out_of_range",
        "expression",
        said[:120],
        "whole numbers within 64 bits; logarithms and roots of what has one",
        Text(
            f"有数超出了范围，没有算出来：{said[:300]}；请核对这些行，或换成更大的单位",
            f"a number left its range, so there is no answer: {said[:300]}; check the rows, or keep a larger unit",
        ),
    )


def no_answer(engine: str, said: str) -> Finding:
    """What is said when an engine stops for another reason."""
    return Finding(
        "engine.failed",
        engine,
        said[:120],
        "an answer",
        Text(
            f"{engine} 没有算出来：{said[:300]}；请核对这些行，并查看引擎的日志",
            f"{engine} gave no answer: {said[:300]}; check the rows, and see the engine's log",
        ),
    )


def no_client(url: str) -> Finding:
    """What is said where the extra is not installed."""
    return Finding(
        "engine.extra",
        "YUCUN_ENGINE",
        url[:120],
        "yucun[spark]",
        Text(
            "要用 Spark，请先安装：pip install 'yucun[spark]'",
            "for Spark, install the client first: pip install 'yucun[spark]'",
        ),
    )


def bad_path(path: str) -> Finding:
    """What is said of a path that Spark would read as many."""
    return Finding(
        "engine.path",
        path,
        path[:120],
        "a path without * ? [ ] { } \\",
        Text(
            "Spark 会把路径里的 * ? [ ] { } 当作通配符；请把城市放到名称里没有这些字符的目录",
            "Spark reads * ? [ ] { } in a path as wildcards; keep the city in a folder whose name has none",
        ),
    )


def missing_files(url: str, paths: Sequence[str]) -> Finding:
    """What is said when the server does not see all files of a table."""
    return Finding(
        "engine.file_missing",
        url,
        paths[0][:120],
        f"{len(paths)} files that {url} can read"[:120],
        Text(
            f"Spark（{url}）看不到湖里的全部 {len(paths)} 个文件，如 {paths[0]}；请用 YUCUN_LAKE_AS 写明它看到的湖目录，"
            "并运行 yucun check 查明文件是否完好",
            f"Spark at {url} does not see all {len(paths)} files, such as {paths[0]}; say with YUCUN_LAKE_AS where it sees "
            "the lake's folder, and let `yucun check` tell whether a file is missing",
        ),
    )
