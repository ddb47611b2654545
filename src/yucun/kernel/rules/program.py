"""A plan as a program: single operations over whole numbers and yes or no, each written once, blanks spelled out.

Formulas are Ibis expressions; here they are taken apart. What two formulas share is one operation. A value that may
be blank becomes two, the value and whether it is known, so that nothing after this has to think of blanks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import ibis
import ibis.expr.operations as ops

from yucun.kernel.rules.columns import QUOTIENT
from yucun.kernel.rules.layout import entity_of, step_column
from yucun.kernel.rules.order import Plan, Step, need_type
from yucun.kernel.rules.subject import Need, Node

Shape = Literal["same", "person", "household"]
TRUTHS = frozenset({"lt", "le", "eq", "ne", "and", "or", "not", "any", "role", "is_code", "known"})
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Op:
    """One operation.

    Parameters
    ----------
    kind : str
        ``const``, ``given``, ``known``, ``is_code``, ``role``, ``count``; ``add``, ``sub``, ``mul``, ``quot``, ``max``,
        ``min``, ``int``; ``lt``, ``le``, ``eq``, ``ne``, ``and``, ``or``, ``not``, ``where``; ``repeat`` (from a
        household to its members); ``sum``, ``any``, ``largest``, ``smallest`` (over the members).
    args : tuple of int
        Numbers of the operations that it takes.
    shape : str
        Whether it has a row for each person, for each household, or is the same for all.
    is_truth : bool
        Yes or no instead of a whole number.
    """

    kind: str
    args: tuple[int, ...]
    extra: Any
    shape: Shape
    is_truth: bool


class Ops:
    """Operations in an order in which each finds what it takes; the same one is never written twice."""

    def __init__(self) -> None:
        self.all: list[Op] = []
        self._known: dict[tuple[str, tuple[int, ...], Any, bool], int] = {}
        self.yes = self.const(True)
        self.no = self.const(False)
        self.count = self._put("count", (), None, "household", False)

    def const(self, value: int | bool) -> int:
        """A value that is the same for all."""
        return self._put("const", (), int(value), "same", isinstance(value, bool))

    def value(self, number: int) -> int | None:
        """The value of a constant, else None."""
        op = self.all[number]
        return op.extra if op.kind == "const" else None

    def column(self, kind: str, extra: Any, shape: Shape, is_truth: bool) -> int:
        """What is read from the population."""
        return self._put(kind, (), extra, shape, is_truth)

    def add(self, kind: str, *args: int) -> int:
        """An operation over others, or what it comes to by itself."""
        short = self._shorten(kind, args)
        if short is not None:
            return short
        shapes = {self.all[a].shape for a in args} - {"same"}
        assert len(shapes) == 1, (kind, shapes)
        shape: Shape = shapes.pop()
        if kind == "repeat":
            shape = "person"
        if kind in ("sum", "any", "largest", "smallest"):
            shape = "household"
        is_truth = kind in TRUTHS or (kind in ("where", "repeat") and self.all[args[-1]].is_truth)
        if kind in ("add", "mul", "and", "or", "max", "min", "eq", "ne"):
            args = tuple(sorted(args))
        return self._put(kind, args, None, shape, is_truth)

    def _put(self, kind: str, args: tuple[int, ...], extra: Any, shape: Shape, is_truth: bool) -> int:
        key = (kind, args, extra, is_truth)
        if key not in self._known:
            self._known[key] = len(self.all)
            self.all.append(Op(kind, args, extra, shape, is_truth))
        return self._known[key]

    def _shorten(self, kind: str, args: tuple[int, ...]) -> int | None:
        values = [self.value(a) for a in args]
        known = {k: v for k, v in enumerate(values) if v is not None}
        if len(known) == len(args):
            return self._of_constants(kind, args, [v for v in values if v is not None])
        if kind == "where":
            return self._shorten_where(args, known)
        if kind in ("and", "or"):
            for k, value in known.items():
                return args[1 - k] if bool(value) == (kind == "and") else args[k]
            return args[0] if args[0] == args[1] else self._join_codes(args) if kind == "or" else None
        if kind in ("largest", "smallest"):
            return args[0] if 0 in known else None
        if kind == "not" and self.all[args[0]].kind == "not":
            return self.all[args[0]].args[0]
        if (kind in ("add", "sub") and known.get(1) == 0) or (kind in ("mul", "quot") and known.get(1) == 1):
            return args[0]
        if (kind == "add" and known.get(0) == 0) or (kind == "mul" and known.get(0) == 1):
            return args[1]
        return args[0] if kind in ("max", "min") and args[0] == args[1] else None

    def _shorten_where(self, args: tuple[int, ...], known: dict[int, int]) -> int | None:
        condition, then, otherwise = args
        if then == otherwise or 0 in known:
            return then if then == otherwise else args[2 - known[0]]
        if then in (self.yes, self.no):
            return (
                self.add("or", condition, otherwise)
                if then == self.yes
                else self.add("and", self.add("not", condition), otherwise)
            )
        if otherwise in (self.yes, self.no):
            return (
                self.add("and", condition, then)
                if otherwise == self.no
                else self.add("or", self.add("not", condition), then)
            )
        return None

    def _join_codes(self, args: tuple[int, ...]) -> int | None:
        """One of some words or one of others, of the same column, is one of them all."""
        a, b = (self.all[x] for x in args)
        if a.kind == b.kind == "is_code" and a.extra[0] == b.extra[0]:
            return self.column("is_code", (a.extra[0], a.extra[1] | b.extra[1]), a.shape, True)
        return None

    def _of_constants(self, kind: str, args: tuple[int, ...], v: list[int]) -> int:
        match kind:
            case "sum":
                return self.add("mul", self.count, args[0])
            case "any":
                return self.add("lt", self.const(0), self.count) if v[0] else self.no
            case "repeat" | "largest" | "smallest":
                return args[0]
            case "where":
                return args[1] if v[0] else args[2]
            case "quot" if v[1] == 0:
                return self.const(0)
        value = _OF_CONSTANTS[kind](*v)
        return self.const(bool(value) if kind in TRUTHS else int(value))


def towards_zero(numerator: int, denominator: int) -> int:
    """A quotient of whole numbers towards zero, as engines of SQL divide."""
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


_OF_CONSTANTS: dict[str, Callable[..., int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "quot": towards_zero,
    "max": max,
    "min": min,
    "int": lambda a: a,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": lambda a: not a,
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A value and whether it is known, as numbers of operations; of a code, the column that holds it or the one word."""

    value: int
    known: int
    code: str = ""
    word: str | None = None
    whose: Shape = "same"


@dataclass(frozen=True, slots=True)
class Program:
    """Operations, and for each output that is worked out its pair; `surely` must be known in every row."""

    ops: Ops
    outputs: tuple[tuple[Node, Pair], ...]
    surely: frozenset[int]

    def given(self) -> list[str]:
        """The keys of the columns of whole numbers, days and conditions that it reads."""
        return [op.extra for op in self.ops.all if op.kind == "given"]


def make_program(plan: Plan) -> Program:
    """Take the formulas of a plan apart.

    Raises
    ------
    NotImplementedError
        A formula does what is not written here, such as working out a text or a measure.
    """
    return _Writer(plan).write()


class _Writer:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._ops = Ops()
        self._pairs: dict[Node, Pair] = {}
        self._surely: set[int] = set()
        self._entity: Shape = "person"

    def write(self) -> Program:
        for step in self._plan.steps:
            self._pairs[step.node] = self._given(step.node) if step.kind == "given" else self._step(step)
        given = set(self._plan.given)
        outputs = tuple((node, self._pairs[node]) for node in self._plan.outputs if node not in given)
        if any(pair.code for _, pair in outputs):
            raise NotImplementedError("a formula gives a code as it stands in a column")
        return Program(self._ops, outputs, frozenset(self._surely))

    def _given(self, node: Node) -> Pair:
        variable, entity = self._plan.book.get(node.variable), entity_of(self._plan, node)
        known = self._ops.yes
        if variable.may_be_blank:
            known = self._ops.column("known", node.key, entity, True)
        if variable.kind in ("code", "text", "measure"):
            return Pair(self._ops.no, known, node.key if variable.kind == "code" else "?", whose=entity)
        return Pair(self._ops.column("given", node.key, entity, variable.kind == "boolean"), known)

    def _step(self, step: Step) -> Pair:
        self._entity = entity_of(self._plan, step.node)
        needs: dict[str, Need] = {}

        def get(need: Need) -> Any:
            needs[need.key] = need
            return ibis.table({need.key: need_type(self._plan.book, need)}, name="needed")[need.key]

        column = step_column(self._plan, step, get)
        return _Lowering(self._ops, lambda name: self._need(needs[name])).of(column.op())

    def _need(self, need: Need) -> Pair:
        ops_ = self._ops
        role = None
        if need.role:
            role = ops_.column("role", self._plan.book.get_role(need.role), "person", True)
        if need.kind == "role":
            assert role is not None
            return Pair(role, ops_.yes)
        if need.node is None:
            return Pair(ops_.count if role is None else ops_.add("sum", ops_.add("int", role)), ops_.yes)
        pair = self._pairs[need.node]
        if need.kind == "own":
            return pair
        if pair.word is not None and need.kind == "household":
            return pair
        if pair.code:
            raise NotImplementedError("a code of a household asked for by a person, or of its members")
        if need.kind == "household":
            return Pair(ops_.add("repeat", pair.value), ops_.add("repeat", pair.known))
        return self._members(need, pair, role)

    def _members(self, need: Need, pair: Pair, role: int | None) -> Pair:
        ops_ = self._ops
        is_in = ops_.yes if role is None else role
        value = pair.value
        if need.operation in ("sum", "any", "all"):
            self._surely.add(pair.known)
        match need.operation:
            case "sum":
                number = ops_.add("int", value) if ops_.all[value].is_truth else value
                return Pair(ops_.add("sum", ops_.add("where", is_in, number, ops_.const(0))), ops_.yes)
            case "any":
                return Pair(ops_.add("any", ops_.add("and", is_in, value)), ops_.yes)
            case "all":
                against = ops_.add("and", is_in, ops_.add("not", value))
                return Pair(ops_.add("not", ops_.add("any", against)), ops_.yes)
        is_one = ops_.add("and", is_in, pair.known)
        if ops_.all[value].is_truth:
            raise NotImplementedError("the largest of yes and no")
        kind = "smallest" if need.operation == "smallest" else "largest"
        return Pair(ops_.add(kind, value, is_one), ops_.add("any", is_one))


class _Lowering:
    """One formula's expression, taken apart."""

    def __init__(self, ops_: Ops, read: Callable[[str], Pair]) -> None:
        self._ops = ops_
        self._read = read
        self._done: dict[Any, Pair] = {}

    def of(self, op: Any) -> Pair:
        """The pair of an expression."""
        if op not in self._done:
            self._done[op] = self._make(op)
        return self._done[op]

    def _make(self, op: Any) -> Pair:
        if isinstance(op, ops.Field):
            return self._read(op.name)
        if isinstance(op, ops.Literal):
            return self._literal(op)
        if type(op) in _BINARY:
            kind, turned = _BINARY[type(op)]
            sides = (op.right, op.left) if turned else (op.left, op.right)
            return self._compare_codes(op) or self._plain(kind, *map(self.of, sides))
        match op:
            case ops.Cast():
                return self._cast(op)
            case ops.And() | ops.Or():
                return self._logic(type(op) is ops.And, self.of(op.left), self.of(op.right))
            case ops.Not():
                pair = self.of(op.arg)
                return Pair(self._ops.add("not", pair.value), pair.known)
            case ops.IfElse():
                return self._where(self.of(op.bool_expr), self.of(op.true_expr), self.of(op.false_null_expr))
            case ops.SearchedCase():
                cases = reversed(list(zip(op.cases, op.results, strict=True)))
                return functools.reduce(
                    lambda rest, case: self._where(self.of(case[0]), self.of(case[1]), rest), cases, self.of(op.default)
                )
            case ops.Greatest() | ops.Least():
                kind = "max" if isinstance(op, ops.Greatest) else "min"
                return functools.reduce(functools.partial(self._extreme, kind), map(self.of, op.arg))
            case ops.Coalesce():
                return functools.reduce(self._first_known, map(self.of, op.arg))
            case ops.IsNull():
                return Pair(self._ops.add("not", self.of(op.arg).known), self._ops.yes)
        return self._special(op)

    def _special(self, op: Any) -> Pair:
        match op:
            case ops.Negate():
                return self._plain("sub", Pair(self._ops.const(0), self._ops.yes), self.of(op.arg))
            case ops.InValues():
                return self._any_of(self._equals(op.value, option) for option in op.options)
            case ops.Between():
                low = self._plain("le", self.of(op.lower_bound), self.of(op.arg))
                return self._logic(True, low, self._plain("le", self.of(op.arg), self.of(op.upper_bound)))
            case ops.DateDelta(part=ops.Literal(value="day")):
                return self._plain("sub", self.of(op.left), self.of(op.right))
            case ops.ExtractYear() | ops.ExtractMonth() | ops.ExtractDay():
                pair = self.of(op.arg)
                year, month, day = self._calendar(pair.value)
                number = {ops.ExtractYear: year, ops.ExtractMonth: month, ops.ExtractDay: day}[type(op)]
                return Pair(number, pair.known)
        if getattr(op, "__func_name__", "") == QUOTIENT:
            return self._quotient(*map(self.of, op.args))
        raise NotImplementedError(f"{type(op).__name__} is not written as operations")

    def _literal(self, op: Any) -> Pair:
        if op.value is None:
            return Pair(self._ops.no if op.dtype.is_boolean() else self._ops.const(0), self._ops.no)
        if op.dtype.is_boolean():
            return Pair(self._ops.const(bool(op.value)), self._ops.yes)
        if op.dtype.is_integer():
            return Pair(self._ops.const(int(op.value)), self._ops.yes)
        if op.dtype.is_string():
            return Pair(self._ops.no, self._ops.yes, "=", op.value)
        if op.dtype.is_date():
            return Pair(self._ops.const(op.value.toordinal() - _EPOCH), self._ops.yes)
        raise NotImplementedError(f"a literal of {op.dtype}")

    def _cast(self, op: Any) -> Pair:
        pair, to, come = self.of(op.arg), op.to, op.arg.dtype
        if come.is_null() and not to.is_integer() and not to.is_boolean() and not to.is_date():
            raise NotImplementedError(f"a blank as {to}")
        if come.is_boolean() and to.is_integer():
            return Pair(self._ops.add("int", pair.value), pair.known)
        is_wider = come.is_integer() and to.is_int64()
        if is_wider or come.is_null() or (come.is_boolean() and to.is_boolean()) or (come.is_date() and to.is_date()):
            return pair
        if pair.code and come.is_string() and to.is_string():
            return pair
        raise NotImplementedError(f"a cast from {come} to {to}")

    def _plain(self, kind: str, left: Pair, right: Pair) -> Pair:
        if left.code or right.code:
            raise NotImplementedError("a text or measure in arithmetic or comparison")
        known = self._ops.add("and", left.known, right.known)
        return Pair(
            self._ops.add(kind, self._number(left.value, right.value), self._number(right.value, left.value)), known
        )

    def _number(self, value: int, other: int) -> int:
        """Yes or no as a number where it stands beside one."""
        mixed = self._ops.all[value].is_truth and not self._ops.all[other].is_truth
        return self._ops.add("int", value) if mixed else value

    def _quotient(self, n: Pair, d: Pair) -> Pair:
        """Blank where the denominator is zero, as in SQL."""
        is_zero = self._ops.add("eq", d.value, self._ops.const(0))
        known = self._ops.add("and", self._ops.add("and", n.known, d.known), self._ops.add("not", is_zero))
        return Pair(self._ops.add("quot", n.value, d.value), known)

    def _logic(self, is_and: bool, a: Pair, b: Pair) -> Pair:
        """A no decides an "and", and a yes an "or", whatever is not known of the other side."""
        add = self._ops.add
        if is_and:
            value = add("and", add("or", a.value, add("not", a.known)), add("or", b.value, add("not", b.known)))
            sure = [add("and", p.known, add("not", p.value)) for p in (a, b)]
        else:
            value = add("or", add("and", a.value, a.known), add("and", b.value, b.known))
            sure = [add("and", p.known, p.value) for p in (a, b)]
        both = add("and", a.known, b.known)
        return Pair(value, both if both == self._ops.yes else add("or", both, add("or", *sure)))

    def _any_of(self, pairs: Iterable[Pair]) -> Pair:
        return functools.reduce(lambda a, b: self._logic(False, a, b), pairs)

    def _where(self, condition: Pair, then: Pair, otherwise: Pair) -> Pair:
        if then.code or otherwise.code:
            raise NotImplementedError("a choice among texts or measures")
        holds = self._ops.add("and", condition.value, condition.known)
        if self._ops.no in (then.known, otherwise.known):  # under a blank any value will do
            value = then.value if otherwise.known == self._ops.no else otherwise.value
        else:
            value = self._ops.add(
                "where", holds, self._number(then.value, otherwise.value), self._number(otherwise.value, then.value)
            )
        return Pair(value, self._ops.add("where", holds, then.known, otherwise.known))

    def _extreme(self, kind: str, a: Pair, b: Pair) -> Pair:
        """The larger or smaller of what is known."""
        add = self._ops.add
        both = add(kind, a.value, b.value)
        one = add("where", a.known, a.value, b.value)
        return Pair(add("where", add("and", a.known, b.known), both, one), add("or", a.known, b.known))

    def _first_known(self, a: Pair, b: Pair) -> Pair:
        if a.code or b.code:
            raise NotImplementedError("the first known of texts or measures")
        value = self._ops.add("where", a.known, self._number(a.value, b.value), self._number(b.value, a.value))
        return Pair(value, self._ops.add("or", a.known, b.known))

    def _compare_codes(self, op: Any) -> Pair | None:
        if not op.left.dtype.is_string():
            return None
        if isinstance(op, ops.Equals | ops.NotEquals):
            pair = self._equals(op.left, op.right)
            return pair if isinstance(op, ops.Equals) else Pair(self._ops.add("not", pair.value), pair.known)
        raise NotImplementedError("an order of texts")

    def _equals(self, left: Any, right: Any) -> Pair:
        if not left.dtype.is_string():
            return self._plain("eq", self.of(left), self.of(right))
        pair, other = self.of(left), self.of(right)
        if pair.word is not None:
            pair, other = other, pair
        if other.word is None or "?" in (pair.code, other.code):
            raise NotImplementedError("only codes are compared, with a word")
        if pair.word is not None:
            return Pair(self._ops.const(pair.word == other.word), self._ops.yes)
        return Pair(self._ops.column("is_code", (pair.code, frozenset([other.word])), pair.whose, True), pair.known)

    def _calendar(self, days: int) -> tuple[int, int, int]:
        """Year, month and day of a day counted from 1970, after Neri and Schneider: whole numbers and four divisions."""
        add, const = self._ops.add, self._ops.const

        def split(number: int, by: int) -> tuple[int, int]:
            quotient = add("quot", number, const(by))
            return quotient, add("sub", number, add("mul", quotient, const(by)))

        def scaled(number: int, factor: int, more: int) -> int:
            return add("add", add("mul", number, const(factor)), const(more))

        century, rest = split(scaled(add("add", days, const(719_468)), 4, 3), 146_097)
        year, rest = split(scaled(add("quot", rest, const(4)), 4, 3), 1_461)
        day_of_year = add("quot", rest, const(4))
        month, rest = split(scaled(day_of_year, 2_141, 197_913), 65_536)
        is_next = add("int", add("le", const(306), day_of_year))
        return (
            add("add", add("add", add("mul", century, const(100)), year), is_next),
            add("sub", month, add("mul", is_next, const(12))),
            add("add", add("quot", rest, const(2_141)), const(1)),
        )


_BINARY: dict[type, tuple[str, bool]] = {
    ops.Add: ("add", False),
    ops.Subtract: ("sub", False),
    ops.Multiply: ("mul", False),
    ops.Less: ("lt", False),
    ops.LessEqual: ("le", False),
    ops.Greater: ("lt", True),
    ops.GreaterEqual: ("le", True),
    ops.Equals: ("eq", False),
    ops.NotEquals: ("ne", False),
}
