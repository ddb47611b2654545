"""A formula as arithmetic with its numbers put in, so that anyone can work it out again by hand.

One writing serves both languages but for a few words: ``larger(81000 × 3 − 150000, 0)`` reads
``取大(81000 × 3 − 150000, 0)``. `work_out` reads the English writing back, with whole numbers of any size.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import ibis.expr.operations as ops

from yucun.base.quantity import Rounding, divide
from yucun.base.text import Text
from yucun.kernel.rules.columns import QUOTIENT, Column

WORDS: dict[str, Text] = {
    "larger": Text("取大", "larger"),
    "smaller": Text("取小", "smaller"),
    "quotient": Text("整除", "quotient"),
    "when": Text("若", "when"),
    "both": Text("且", "both"),
    "either": Text("或", "either"),
    "no": Text("非", "no"),
    "year": Text("年", "year"),
    "month": Text("月", "month"),
    "day": Text("日", "day"),
    "days": Text("天数", "days"),
    "one_of": Text("属于", "one_of"),
    "blank": Text("空白", "blank"),
    "first_known": Text("首个已知", "first_known"),
}
_SIGNS: dict[type, str] = {
    ops.Add: "+",
    ops.Subtract: "−",
    ops.Multiply: "×",
    ops.Less: "<",
    ops.LessEqual: "≤",
    ops.Greater: ">",
    ops.GreaterEqual: "≥",
    ops.Equals: "=",
    ops.NotEquals: "≠",
}
_CALLS: dict[type, str] = {
    ops.Greatest: "larger",
    ops.Least: "smaller",
    ops.And: "both",
    ops.Or: "either",
    ops.Not: "no",
    ops.ExtractYear: "year",
    ops.ExtractMonth: "month",
    ops.ExtractDay: "day",
    ops.IsNull: "blank",
    ops.Coalesce: "first_known",
}


def write(column: Column, values: Mapping[str, Any]) -> Text:
    """Write a formula's expression with the value of each column in its place.

    Parameters
    ----------
    values : mapping of str to value
        For each column key that the expression names.
    """
    return Text(_Writer(values, "zh").of(column.op()), _Writer(values, "en").of(column.op()))


class _Writer:
    def __init__(self, values: Mapping[str, Any], language: Any) -> None:
        self._values = values
        self._language = language

    def of(self, op: Any, inside: bool = False) -> str:
        """Write one operation; a sum or comparison inside another stands in brackets."""
        if type(op) in _SIGNS:
            words = f"{self.of(op.left, True)} {_SIGNS[type(op)]} {self.of(op.right, True)}"
            return f"({words})" if inside else words
        if type(op) in _CALLS:
            return self._call(_CALLS[type(op)], *_arguments(op))
        if isinstance(op, ops.Literal):
            return _plain(op.value, op.dtype)
        if isinstance(op, ops.Field):
            return _plain(self._values[op.name])
        if isinstance(op, ops.Cast):
            return self.of(op.arg, inside)
        return self._special(op)

    def _special(self, op: Any) -> str:
        match op:
            case ops.Negate():
                return f"−{self.of(op.arg, True)}"
            case ops.IfElse():
                return self._call("when", op.bool_expr, op.true_expr, op.false_null_expr)
            case ops.SearchedCase():
                return self._cases(list(zip(op.cases, op.results, strict=True)), op.default)
            case ops.InValues():
                return self._call("one_of", op.value, *op.options)
            case ops.Between():
                low, high = (self.of(side, True) for side in (op.lower_bound, op.upper_bound))
                value = self.of(op.arg, True)
                return f"{WORDS['both'].of(self._language)}({value} ≥ {low}, {value} ≤ {high})"
            case ops.DateDelta():
                return self._call("days", op.right, op.left)
        if getattr(op, "__func_name__", "") == QUOTIENT:
            return self._call("quotient", *op.args)
        raise NotImplementedError(f"{type(op).__name__} has no arithmetic writing; add it here or avoid it in formulas")

    def _call(self, word: str, *arguments: Any) -> str:
        return f"{WORDS[word].of(self._language)}({', '.join(self.of(each) for each in arguments)})"

    def _cases(self, cases: list[tuple[Any, Any]], otherwise: Any) -> str:
        if not cases:
            return self.of(otherwise)
        (condition, result), rest = cases[0], cases[1:]
        word = WORDS["when"].of(self._language)
        return f"{word}({self.of(condition)}, {self.of(result)}, {self._cases(rest, otherwise)})"


def _arguments(op: Any) -> tuple[Any, ...]:
    found: list[Any] = []
    for each in op.args:
        found += each if isinstance(each, tuple) else [each]
    return tuple(found)


def _plain(value: Any, kind: Any = None) -> str:
    if value is None:
        return "∅"
    if isinstance(value, bool) or (kind is not None and kind.is_boolean()):
        return "1" if value else "0"
    if isinstance(value, int | float):
        return f"−{-value}" if value < 0 else str(value)
    return f'"{value.isoformat() if isinstance(value, date) else value}"'


_ASCII = str.maketrans({"−": "-", "×": "*", "≤": "\1", "≥": "\2", "≠": "\3", "=": "\4"})
_BACK = {"\1": "<=", "\2": ">=", "\3": "!=", "\4": "=="}
_BINARY: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def work_out(words: str) -> Any:
    """Work out an English arithmetic line with whole numbers; a second way to a result, without any engine.

    Examples
    --------
    >>> work_out("larger(81000 × 3 − 150000, 0)")
    93000
    """
    text = words.translate(_ASCII).replace("∅", "None")
    for mark, sign in _BACK.items():
        text = text.replace(mark, sign)
    return _value(ast.parse(text, mode="eval").body)


def _value(node: ast.AST) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_value(left), _value(right))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compare(_BINARY[type(op)], _value(left), _value(right))
        case ast.Call(func=ast.Name(id="when"), args=[condition, then, otherwise]):
            return _value(then) if _value(condition) else _value(otherwise)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _FUNCTIONS[name](*(_value(each) for each in arguments))
    raise ValueError(ast.dump(node))


def _compare(sign: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    return None if left is None or right is None else sign(left, right)


def _known(values: tuple[Any, ...]) -> list[Any]:
    return [value for value in values if value is not None]


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "larger": lambda *v: max(_known(v), default=None),
    "smaller": lambda *v: min(_known(v), default=None),
    "quotient": lambda n, d: divide(n, d, Rounding.DOWN),
    "both": lambda a, b: bool(a) and bool(b),
    "either": lambda a, b: bool(a) or bool(b),
    "no": lambda a: not a,
    "year": lambda d: date.fromisoformat(d).year,
    "month": lambda d: date.fromisoformat(d).month,
    "day": lambda d: date.fromisoformat(d).day,
    "days": lambda first, last: (date.fromisoformat(last) - date.fromisoformat(first)).days,
    "one_of": lambda value, *options: value in options,
    "blank": lambda value: value is None,
    "first_known": lambda *v: next(iter(_known(v)), None),
}
