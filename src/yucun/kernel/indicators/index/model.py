"""The nouns of a composite index: a framework of nodes, figures by unit, a step's log, and how a step fails."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yucun.base.errors import ContractError, Finding, Yours
from yucun.base.text import Text

Array = NDArray[np.float64]


class StepFailed(Yours):
    """A step of an index cannot be carried out on these figures; nothing after it was done.

    Parameters
    ----------
    step : str
        The step's name, such as ``"normalise"``.
    finding : Finding
        What stood in the way.
    """

    def __init__(self, step: str, finding: Finding) -> None:
        self.step = step
        super().__init__(finding)


def fail(step: str, where: str, found: object, expected: str, message: Text) -> StepFailed:
    """Make the error of a step; ``where`` is the indicator or aggregate that it met."""
    return StepFailed(step, Finding(f"index.{step}", where, str(found)[:120], expected, message))


@dataclass(frozen=True, slots=True)
class Node:
    """One indicator or one aggregate of a framework.

    Parameters
    ----------
    code : str
        Its own short name, once in a framework.
    level : int
        1 for an indicator; an aggregate stands above all its children.
    parent : str
        The aggregate that it enters; empty for the top.
    direction : int
        1 when more is better, -1 when less is better.
    weight : float
        Relative to its siblings; an indicator of weight 0 is dropped.
    denominator : str
        The size by which it is divided; empty when it is not.
    target : float
        What is aimed at, in the indicator's unit; NaN when nothing is.
    """

    code: str
    level: int = 1
    parent: str = ""
    title: str = ""
    direction: int = 1
    weight: float = 1.0
    unit: str = ""
    denominator: str = ""
    target: float = math.nan


@dataclass(frozen=True)
class Framework:
    """A tree of nodes with one top.

    Examples
    --------
    >>> tree = Framework((Node("income", parent="life"), Node("health", parent="life"), Node("life", level=2)))
    >>> tree.top.code, tree.codes
    ('life', ('income', 'health'))
    """

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        findings = [*_check_nodes(self.nodes)]
        if findings:
            raise ContractError(findings)

    @cached_property
    def by_code(self) -> Mapping[str, Node]:
        """Every node by its code."""
        return {node.code: node for node in self.nodes}

    @cached_property
    def indicators(self) -> tuple[Node, ...]:
        """The nodes of level 1, in the order given."""
        return tuple(node for node in self.nodes if node.level == 1)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the indicators."""
        return tuple(node.code for node in self.indicators)

    @cached_property
    def aggregates(self) -> tuple[Node, ...]:
        """The nodes above level 1, the top first, then level by level in the order given."""
        return tuple(sorted((n for n in self.nodes if n.level > 1), key=lambda n: -n.level))

    @property
    def top(self) -> Node:
        """The aggregate that enters no other."""
        return self.aggregates[0]

    def get(self, code: str) -> Node:
        """Return a node; a `ContractError` when there is none."""
        if code not in self.by_code:
            raise ContractError(
                Finding(
                    "index.unknown_node",
                    code,
                    code,
                    "a code of the framework",
                    Text(f"指标体系中没有「{code}」；请检查代码", f"the framework has no '{code}'; check the code"),
                )
            )
        return self.by_code[code]

    def children(self, code: str) -> tuple[Node, ...]:
        """The nodes that enter an aggregate, in the order given."""
        return self._children.get(code, ())

    @cached_property
    def _children(self) -> Mapping[str, tuple[Node, ...]]:
        found: dict[str, tuple[Node, ...]] = {}
        for node in self.nodes:
            found[node.parent] = (*found.get(node.parent, ()), node)
        return found

    def without(self, codes: Iterable[str]) -> Framework:
        """Return the framework without some indicators, and without aggregates that are left empty."""
        gone = set(codes)
        while True:
            left = tuple(node for node in self.nodes if node.code not in gone)
            parents = {node.parent for node in left}
            empty = {node.code for node in left if node.level > 1 and node.code not in parents}
            if not empty:
                return Framework(left)
            gone |= empty

    def with_weights(self, weights: Mapping[str, float]) -> Framework:
        """Return the framework with some weights changed."""
        for code in weights:
            self.get(code)
        return Framework(tuple(replace(n, weight=float(weights.get(n.code, n.weight))) for n in self.nodes))


def _check_nodes(nodes: Sequence[Node]) -> Iterable[Finding]:
    by_code = {node.code: node for node in nodes}
    for node in nodes:
        parent = by_code.get(node.parent)
        if node.parent and parent is None:
            yield _wrong(node, "parent", node.parent, "a code of the framework")
        elif parent is not None and parent.level <= node.level:
            yield _wrong(node, "parent", f"level {parent.level}", f"a level above {node.level}")
        if node.direction not in (1, -1):
            yield _wrong(node, "direction", node.direction, "1 or -1")
        if not (math.isfinite(node.weight) and node.weight >= 0):
            yield _wrong(node, "weight", node.weight, "a number not below 0")
    for code in sorted({node.code for node in nodes if sum(n.code == node.code for n in nodes) > 1}):
        yield _wrong(by_code[code], "code", code, "a code that stands once")
    parents = {node.parent for node in nodes}
    for node in nodes:
        if node.level > 1 and node.code not in parents:
            yield _wrong(node, "children", "none", "at least one node that enters it")
    tops = [node.code for node in nodes if not node.parent]
    if len(tops) != 1 or by_code[tops[0]].level < 2:
        yield Finding(
            "index.top",
            "framework",
            ", ".join(tops) or "none",
            "one aggregate without a parent",
            Text(
                f"指标体系应只有一个顶层，现有：{'、'.join(tops) or '无'}；请补写上级代码",
                f"a framework has one top, here: {', '.join(tops) or 'none'}; give the others their parent",
            ),
        )


def _wrong(node: Node, key: str, found: object, expected: str) -> Finding:
    return Finding(
        f"index.{key}",
        node.code,
        str(found)[:120],
        expected,
        Text(
            f"「{node.code}」的 {key} 为 {found}，应为：{expected}",
            f"'{node.code}': {key} is {found}, expected {expected}",
        ),
        key,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Numbers of units by indicator, with their groups and sizes.

    Parameters
    ----------
    units : tuple of str
        One for each row; with `times` a unit stands once a time.
    codes : tuple of str
        One for each column.
    values : array, shape (rows, columns)
        In the indicators' own units; NaN is missing. It is made read-only.
    times : tuple of str
        One for each row (a panel), or empty.
    groups : mapping of str to tuple of str
        Names of groups (continent, size class), one for each row.
    sizes : mapping of str to array, shape (rows,)
        Denominators.

    Examples
    --------
    >>> Figures(("A", "B"), ("income",), np.array([[1.0], [2.0]])).column("income").tolist()
    [1.0, 2.0]
    """

    units: tuple[str, ...]
    codes: tuple[str, ...]
    values: Array
    times: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sizes: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float64)
        if values.shape != (len(self.units), len(self.codes)):
            raise ContractError(
                Finding(
                    "index.shape",
                    "figures",
                    str(values.shape),
                    str((len(self.units), len(self.codes))),
                    Text(
                        "数值表的行列与单位、指标数不符", "the table has not one row a unit and one column an indicator"
                    ),
                )
            )
        values[~np.isfinite(values)] = np.nan
        values.flags.writeable = False
        object.__setattr__(self, "values", values)
        self._check_rows()

    def _check_rows(self) -> None:
        keys = list(zip(self.units, self.times, strict=True)) if self.times else [(unit, "") for unit in self.units]
        seen: set[tuple[str, str]] = set()
        twice = {key for key in keys if key in seen or seen.add(key)}  # type: ignore[func-returns-value]
        if twice:
            named = ", ".join(" ".join(key).strip() for key in sorted(twice)[:5])
            raise ContractError(
                Finding(
                    "index.repeated",
                    "figures",
                    named,
                    "each unit once, or once a time",
                    Text(
                        f"单位重复：{named}；每个单位（每个时期）只应有一行",
                        f"repeated: {named}; keep one row for each",
                    ),
                )
            )

    def column(self, code: str) -> Array:
        """One indicator's values, shape (rows,)."""
        return self.values[:, self.codes.index(code)]

    def with_values(self, values: Array) -> Figures:
        """The same rows and columns with other numbers."""
        return replace(self, values=values)

    def select(self, codes: Sequence[str]) -> Figures:
        """The same rows with these columns, in this order."""
        return replace(self, codes=tuple(codes), values=self.values[:, [self.codes.index(code) for code in codes]])

    def keep(self, rows: NDArray[np.bool_]) -> Figures:
        """Only the rows marked true."""
        at = np.flatnonzero(rows)
        return replace(
            self,
            units=tuple(self.units[i] for i in at),
            values=self.values[at],
            times=tuple(self.times[i] for i in at) if self.times else (),
            titles=tuple(self.titles[i] for i in at) if self.titles else (),
            groups={name: tuple(of[i] for i in at) for name, of in self.groups.items()},
            sizes={name: size[at] for name, size in self.sizes.items()},
        )

    def tell_row(self, row: int) -> str:
        """Name a row: the unit, and its time in a panel."""
        return f"{self.units[row]} {self.times[row]}" if self.times else self.units[row]

    def tell_rows(self, rows: Iterable[int] | NDArray[np.intp]) -> list[str]:
        """Name many rows."""
        return [self.tell_row(int(row)) for row in rows]

    def rows_by_time(self) -> list[NDArray[np.intp]]:
        """The rows of each time, times in order; all rows when there are none."""
        if not self.times:
            return [np.arange(len(self.units))]
        times = np.array(self.times)
        return [np.flatnonzero(times == time) for time in sorted(set(self.times))]


@dataclass(frozen=True, slots=True)
class StepLog:
    """What one step did: its settings, one entry for each thing changed, and what was found on the way.

    Examples
    --------
    >>> StepLog("screen", {"least_available": 0.9}, ({"unit": "A", "available": 0.5},)).to_json()["step"]
    'screen'
    """

    step: str
    settings: Mapping[str, Any]
    entries: tuple[Mapping[str, Any], ...] = ()
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return a plain mapping; a number that is not one becomes None."""
        return {
            "step": self.step,
            "settings": plain(self.settings),
            "entries": [plain(entry) for entry in self.entries],
            "findings": [finding.to_json() for finding in self.findings],
        }


Stepped = tuple[Figures, StepLog]
Notice = Callable[[StepLog], None]


def plain(value: Any) -> Any:
    """Turn settings, arrays and mappings into what JSON can say; NaN and infinity become None."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
