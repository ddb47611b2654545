"""The API in words: one Markdown page from the list of operations, for the reader and for the shelf of documents."""

from __future__ import annotations

from collections.abc import Sequence

from yucun.base.text import Language, Text
from yucun.doors.api.asking import Operation, Parameter, tell_schema
from yucun.doors.api.openapi import list_problems, list_shelves
from yucun.doors.api.problems import PROBLEMS

SHELF_TITLES: dict[str, Text] = {
    "numbers": Text("数字", "Numbers"),
    "tables": Text("表与记录", "Tables and records"),
    "rows": Text("各表的行", "Rows of each table"),
    "sending": Text("报送", "Sending"),
    "cases": Text("事件与事项", "Events and cases"),
    "requests": Text("数据申请与查看记录", "Data requests and who looked"),
    "regions": Text("地区", "Regions"),
    "search": Text("查找", "Search"),
    "city": Text("城市与登录", "The city and signing in"),
}
_OPENING = Text(
    """# 接口

同一座城市，给程序看。不登录即可读取公开（L1）数据；登录后按角色与目的读得更多。

- 机器可读的说明（OpenAPI 3.1）：[/api/openapi.json](/api/openapi.json)
- 任何列表都可加 `format=csv`、`xlsx`、`parquet` 或 `json` 下载；CSV 带 BOM，以 `= + - @` 开头的文字不会被 Excel 当作公式。
- 任何数都可加 `as_of`，问“当时所知”；`/why` 给出来处，`/api/trace` 反过来问一条记录影响了哪些数。
- 长列表分页：每页给出 `next`，原样放进 `cursor`；同时在 `Link` 头里给出下一页地址。
- 每个回答带 `ETag`；下次放进 `If-None-Match`，未变则答 304。
- 出错时一律是 RFC 9457 的问题说明，`findings` 里写明哪里、见到什么、应为什么、怎么改；中英文由 `Accept-Language` 决定。
- 写不认识的参数会被拒绝，不会被悄悄忽略。
""",
    """# The API

The same city, for programs. Open data (L1) need no account; whoever signs in reads more, by role and purpose.

- For machines (OpenAPI 3.1): [/api/openapi.json](/api/openapi.json)
- Every list can be taken away with `format=csv`, `xlsx`, `parquet` or `json`; CSV has a BOM,
  and text that begins with `= + - @` is never taken for a formula.
- Every number takes `as_of` and answers as it was known then; `/why` says where it comes from, `/api/trace` asks the other way round.
- Long lists come in pages: put `next` into `cursor` as it stands; the header `Link` holds the address of the next page.
- Every answer has an `ETag`; send it as `If-None-Match` and an unchanged answer is 304.
- Every refusal is a problem after RFC 9457; `findings` say where, what was found,
  what was expected and what to do, in the language of `Accept-Language`.
- A parameter that is not known is refused, never silently ignored.
""",
)


def write_markdown(operations: Sequence[Operation], language: Language) -> str:
    """Write the page."""
    lines = [_OPENING.of(language)]
    for shelf, held in list_shelves(operations).items():
        lines.append(f"## {SHELF_TITLES[shelf].of(language)}\n")
        for operation in held:
            lines += _operation(operation, language)
    lines.append(f"## {Text('拒绝', 'Refusals').of(language)}\n")
    for status, (name, title) in PROBLEMS.items():
        lines.append(f"- `{status}` **problem-{name}** {title.of(language)}")
    return "\n".join(lines) + "\n"


def _operation(operation: Operation, language: Language) -> list[str]:
    lines = [f"### {operation.title.of(language)}\n", f"`{operation.method} {operation.path}`\n"]
    if operation.meaning.zh:
        lines.append(operation.meaning.of(language) + "\n")
    if operation.parameters:
        heads = Text("| 参数 | 含义 | 取值 |", "| parameter | meaning | values |").of(language)
        lines += [heads, "|---|---|---|", *(_parameter(p, language) for p in operation.parameters), ""]
    forms = ", ".join(operation.forms)
    statuses = ", ".join(str(s) for s in (*operation.statuses, *list_problems(operation)))
    lines.append(
        Text(f"格式：{forms}。可能的状态：{statuses}。\n", f"Forms: {forms}. Statuses: {statuses}.\n").of(language)
    )
    return lines


def _parameter(parameter: Parameter, language: Language) -> str:
    name = f"`{parameter.name}`" + (" *" if parameter.required else "")
    values = f"`{parameter.example}` …" if "pattern" in parameter.schema else tell_schema(parameter.schema).of(language)
    return f"| {name} | {parameter.meaning.of(language)} | {values} |".replace("\n", " ")
