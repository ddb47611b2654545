"""Which expressions give the same answer on DuckDB and on Spark; whatever is not listed here Spark is not asked.

Each kind of node that is listed has a test that runs it on both engines (`tests/engines`). What is known to differ
is listed too, with the reason, so that the finding can say it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
from ibis.common.graph import Node

from yucun.base.errors import Finding
from yucun.base.text import Text
from yucun.kernel.lake.engines.shape import LakeFiles

SAME: frozenset[type[Node]] = frozenset(
    {
        # relations
        *(
            ops.UnboundTable,
            LakeFiles,
            ops.InMemoryTable,
            ops.Project,
            ops.DropColumns,
            ops.Filter,
            ops.Aggregate,
            ops.Sort,
            ops.Limit,
            ops.Distinct,
            ops.Union,
        ),
        *(ops.JoinChain, ops.JoinLink, ops.JoinReference, ops.SelfReference, ops.Field, ops.SortKey),
        # words and whole values
        *(ops.Literal, ops.Cast, ops.TryCast, ops.Coalesce, ops.NullIf, ops.IfElse, ops.SearchedCase, ops.InValues),
        *(ops.IsNull, ops.NotNull, ops.IdenticalTo, ops.Between, ops.Least, ops.Greatest),
        *(ops.Equals, ops.NotEquals, ops.Less, ops.LessEqual, ops.Greater, ops.GreaterEqual),
        *(ops.And, ops.Or, ops.Not),
        # numbers
        *(ops.Add, ops.Subtract, ops.Multiply, ops.Divide, ops.Negate, ops.Abs),
        *(ops.Round, ops.Sqrt, ops.Ln, ops.Exp),
        # text
        *(ops.StringConcat, ops.StringLength, ops.Substring, ops.LPad, ops.StringContains, ops.StartsWith),
        *(ops.EndsWith, ops.Lowercase),
        # days and instants
        *(ops.ExtractYear, ops.ExtractQuarter, ops.ExtractMonth, ops.ExtractDay, ops.ExtractHour, ops.Date),
        ops.DateTruncate,
        # over many rows
        *(ops.Count, ops.CountStar, ops.CountDistinct, ops.Sum, ops.Mean, ops.Min, ops.Max, ops.Quantile, ops.Median),
        *(ops.WindowFunction, ops.WindowBoundary, ops.RowNumber),
    }
)

# Known to differ, and not brought together: why, and what to write instead.
_DIFFERENT: Mapping[type[Node], Text] = {
    ops.FloorDivide: Text(
        "// 经过浮点数；整数请用 base.quantity.divide", "// goes through floats; use base.quantity.divide"
    ),
    ops.Modulus: Text("负数的余数各不相同", "engines differ on the remainder of a negative number"),
    ops.Hash: Text("每个引擎的 hash 都不同", "every engine has a hash of its own"),
    ops.ApproxCountDistinct: Text("近似的去重数各不相同；请用 nunique", "approximations differ; use nunique"),
    ops.ApproxMedian: Text("近似的中位数各不相同；请用 median", "approximations differ; use median"),
    ops.ApproxQuantile: Text("近似的分位数各不相同；请用 quantile", "approximations differ; use quantile"),
    ops.RegexSearch: Text("正则表达式的写法各不相同；请用 contains", "regular expressions differ; use contains"),
    ops.RegexExtract: Text("正则表达式的写法各不相同；请用 substr", "regular expressions differ; use substr"),
    ops.RegexReplace: Text("正则表达式的写法各不相同", "regular expressions differ"),
    ops.Sample: Text("抽样各不相同", "samples differ"),
    ops.RandomScalar: Text("随机数各不相同", "random numbers differ"),
    ops.First: Text(
        "“第一行”要看引擎怎样读；请用 min 或 max", "which row is first depends on the engine; use min or max"
    ),
    ops.Last: Text(
        "“最后一行”要看引擎怎样读；请用 min 或 max", "which row is last depends on the engine; use min or max"
    ),
    ops.Arbitrary: Text("任取一行各不相同；请用 min 或 max", "any row may be another row; use min or max"),
    ops.Uppercase: Text(
        "ß 等字母的大写各不相同；请用 lower", "engines differ on upper case of letters such as ß; use lower"
    ),
}
_ELSE = Text("两个引擎的答案还没有比过", "the answers of both engines have not been compared yet")

_WHOLE_CASTS = ("whole", "decimal", "float", "text")
# From what to what a value may be turned; what rounds, cuts or writes floats differs.
_CASTS: Mapping[str, tuple[str, ...]] = {
    "whole": _WHOLE_CASTS,
    "decimal": _WHOLE_CASTS,
    "float": ("float",),
    "text": ("text", "whole"),
    "yes or no": ("yes or no", "whole", "text"),
    "day": ("day", "text"),
    "instant": ("instant", "day", "text"),
    "nothing": ("nothing", "whole", "decimal", "float", "text", "yes or no", "day", "instant"),
}


_TITLES: Mapping[str, str] = {
    "whole": "整数",
    "decimal": "小数",
    "float": "浮点数",
    "text": "文字",
    "yes or no": "是否",
    "day": "日期",
    "instant": "时刻",
    "nothing": "空值",
}


def _say(kind: str) -> str:
    return _TITLES.get(kind, kind)


def kind_of(dtype: dt.DataType) -> str:
    """The family of a type, as findings name it."""
    found = next((name for name, holds in _FAMILIES.items() if holds(dtype)), "")
    return found or str(dtype)


_FAMILIES: Mapping[str, Callable[[dt.DataType], bool]] = {
    "whole": lambda t: bool(t.is_integer()),
    "decimal": lambda t: bool(t.is_decimal()),
    "float": lambda t: bool(t.is_floating()),
    "text": lambda t: bool(t.is_string()),
    "yes or no": lambda t: bool(t.is_boolean()),
    "day": lambda t: bool(t.is_date()),
    "instant": lambda t: bool(t.is_timestamp()) and t.timezone == "UTC",
    "nothing": lambda t: bool(t.is_null()),
}
_NUMBERS = {"whole", "decimal", "float"}


def check_same(root: Node) -> list[Finding]:
    """Find what in an expression is not known to be the same on both engines; each reason once."""
    found: dict[str, Finding] = {}
    for node in root.find(Node):
        reason = _reason(node)
        if reason is not None:
            name = type(node).__name__
            found.setdefault(f"{name} {reason.en}", _finding(name, reason))
    return list(found.values())


def _finding(name: str, reason: Text) -> Finding:
    return Finding(
        "engine.differs",
        "expression",
        name,
        "an expression that is the same on DuckDB and Spark",
        Text(
            f"Spark 不计算「{name}」：{reason.zh}；请换一种写法，或用 DuckDB 打开城市（YUCUN_ENGINE=duckdb）",
            f"Spark is not asked for '{name}': {reason.en}; write it another way, or open the city on DuckDB "
            "(YUCUN_ENGINE=duckdb)",
        ),
    )


def _reason(node: Node) -> Text | None:
    """Why a node is not asked of Spark; None where it may be."""
    if type(node) not in SAME:
        return _DIFFERENT.get(type(node), _ELSE)
    for kind, ask in _CONDITIONS.items():
        if isinstance(node, kind):
            return ask(node)
    return None


def _cast(node: Node) -> Text | None:
    before, after = kind_of(node.arg.dtype), kind_of(node.to)
    if after not in _CASTS.get(before, ()):
        return Text(
            f"从{_say(before)}到{_say(after)}的转换各不相同", f"engines differ on turning {before} into {after}"
        )
    if after == "decimal" and node.to.scale:
        return Text("小数位的舍入各不相同；请用整数单位", "engines round decimals differently; use whole units")
    return None


def _compare(node: Node) -> Text | None:
    left, right = kind_of(node.left.dtype), kind_of(node.right.dtype)
    if left == right or "nothing" in (left, right) or {left, right} <= _NUMBERS - {"decimal"}:
        return None
    if {left, right} == {"whole", "decimal"}:
        return None
    return Text(f"{_say(left)}与{_say(right)}的比较各不相同", f"engines differ on comparing {left} with {right}")


def _divide(node: Node) -> Text | None:
    if "decimal" in (kind_of(node.left.dtype), kind_of(node.right.dtype)):
        return Text("小数相除的位数各不相同；请先转成浮点数", "engines give decimals of other widths; divide floats")
    return None


def _round(node: Node) -> Text | None:
    digits = node.digits.value if isinstance(node.digits, ops.Literal) else None
    if not node.arg.dtype.is_floating() or digits is None or not 0 <= digits <= _MOST_DIGITS:
        return Text(
            "只能对浮点数舍入到写明的位数", "only floats are rounded, to a number of digits that is written down"
        )
    return None


def _substring(node: Node) -> Text | None:
    if isinstance(node.start, ops.Literal) and node.start.value >= 0 and node.length is not None:
        return None
    return Text(
        "取子串要写明起点和长度，起点不小于 0",
        "a part of a text starts at a written place, 0 or later, and has a length",
    )


def _truncate(node: Node) -> Text | None:
    if node.unit.value in _STRETCHES:
        return None
    return Text("日期只截到日、月、季、年", "days are cut to days, months, quarters and years only")


def _limit(node: Node) -> Text | None:
    if isinstance(node.n, int) and isinstance(node.offset, int) and isinstance(node.parent, ops.Sort):
        return None
    return Text(
        "没有排序就取前几行，各不相同；请先 order_by", "the first rows of what is not sorted differ; order_by first"
    )


def _mean(node: Node) -> Text | None:
    if node.arg.dtype.is_decimal():
        return Text("小数的平均位数各不相同；请先转成浮点数", "means of decimals have other widths; take floats")
    return None


def _numbers_only(node: Node) -> Text | None:
    if node.arg.dtype.is_floating() or node.arg.dtype.is_integer():
        return None
    return Text("只对整数和浮点数取分位数", "quantiles are taken of whole numbers and floats")


def _window(node: Node) -> Text | None:
    is_sum = isinstance(node.func, ops.Sum | ops.Min | ops.Max | ops.CountStar | ops.Count)
    if is_sum or (isinstance(node.func, ops.RowNumber) and node.order_by):
        return None
    return Text(
        "窗口里只用 sum、min、max、count，或排好序的 row_number",
        "windows take sum, min, max, count or a sorted row_number",
    )


def _join(node: Node) -> Text | None:
    if node.how in ("inner", "left", "semi", "anti"):
        return None
    return Text(f"没有比过 {node.how} 连接", f"{node.how} joins have not been compared")


def _held(node: Node) -> Text | None:
    wrong = [f"{n} ({t})" for n, t in node.schema.items() if kind_of(t) not in _CASTS]
    if not wrong:
        return None
    return Text(f"没有比过这些列的类型：{'、'.join(wrong)}", f"types that have not been compared: {', '.join(wrong)}")


def _pad(node: Node) -> Text | None:
    if isinstance(node.pad, ops.Literal) and len(node.pad.value) == 1 and isinstance(node.length, ops.Literal):
        return None
    return Text("补位要写明长度和一个字符", "padding takes a written length and one character")


_MOST_DIGITS = 15
_STRETCHES = ("D", "M", "Q", "Y")
_CONDITIONS: Mapping[type[Node] | tuple[type[Node], ...], Callable[[Node], Text | None]] = {
    (ops.Cast, ops.TryCast): _cast,
    ops.Comparison: _compare,
    ops.Divide: _divide,
    ops.Round: _round,
    ops.Substring: _substring,
    ops.Limit: _limit,
    ops.Mean: _mean,
    (ops.Quantile, ops.Median): _numbers_only,
    ops.WindowFunction: _window,
    ops.JoinLink: _join,
    (ops.UnboundTable, LakeFiles, ops.InMemoryTable): _held,
    ops.LPad: _pad,
    ops.DateTruncate: _truncate,
}
