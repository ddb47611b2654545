"""Rules that a linter does not know, as functions from one source file to findings.

A finding is one line: file, line, what is there, what to do.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

MOST_LINES_OF_A_FUNCTION = 60
MOST_LINES_OF_A_FILE = 600
VAGUE_WORDS = {"util", "utils", "common", "helper", "helpers", "manager", "managers", "misc"}
# Written in parts, so that this file does not break its own rules.
MACHINE_PATH = re.compile(r"(?<![\w.<~/-])/(?:" + "|".join(("work", "root", "tmp", r"home/\w+")) + r")(?![\w-])")
REGISTRY_HOST = re.compile(
    "|".join(re.escape(".".join(parts)) for parts in (
        ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"), ("unpkg", "com"), ("jsdelivr", "net"), ("cdnjs", "com"),
    ))
)  # fmt: skip
UNFINISHED = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")) + r")\b")
# What may be known only to the clock: the present moment.
NOW = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}
NOW |= {("time", "time"), ("time", "time_ns"), ("time", "localtime"), ("time", "gmtime")}
# What a service decides from is given to it; it fetches nothing.
PURE_FILES = {"rules.py", "detectors.py", "planning.py", "decide.py"}
IMPURE_MODULES = {
    "asyncio",
    "http",
    "io",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlite3",
}
IMPURE_MODULES |= {"subprocess", "tempfile", "threading", "time", "urllib", "uuid", "duckdb", "psycopg"}
EXACT_UNITS = ("_fen", "_g", "_m2")


@dataclass(frozen=True)
class Source:
    """One text file of the repository, with its path from the root."""

    path: str
    text: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def is_python(self) -> bool:
        """Whether it is Python."""
        return self.path.endswith(".py")

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed module."""
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the parsed module."""
        return list(ast.walk(self.tree))

    def match_lines(self, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
        """Yield line number and matched text."""
        for number, line in enumerate(self.text.splitlines(), start=1):
            for match in pattern.finditer(line):
                yield number, match.group()

    def tell(self, line: int, what: str) -> str:
        """Write one finding."""
        return f"{self.path}:{line}: {what}"


Function = ast.FunctionDef | ast.AsyncFunctionDef


def find_long_functions(source: Source) -> Iterator[str]:
    """A function has at most 60 lines without its docstring."""
    for node in source.nodes if source.is_python else []:
        if isinstance(node, Function):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if ast.get_docstring(node, clean=False) is not None:
                docstring = node.body[0]
                lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
            if lines > MOST_LINES_OF_A_FUNCTION:
                yield source.tell(
                    node.lineno, f"{node.name} has {lines} lines; cut it where a part can be named, under 60"
                )


def find_long_files(source: Source) -> Iterator[str]:
    """A file of code has at most 600 lines."""
    lines = source.text.count("\n")
    if source.path.endswith((".py", ".js", ".css")) and lines > MOST_LINES_OF_A_FILE:
        yield source.tell(1, f"{lines} lines; split it by noun or verb, under 600")


def find_vague_names(source: Source) -> Iterator[str]:
    """No file, folder, class or function is called after nothing in particular."""
    for part in source.path.split("/"):
        if VAGUE_WORDS & split_words(part.split(".")[0]):
            yield source.tell(1, f"the name {part!r} says nothing; call it after the noun or verb inside")
    for node in source.nodes if source.is_python else []:
        if isinstance(node, Function | ast.ClassDef) and VAGUE_WORDS & split_words(node.name):
            yield source.tell(node.lineno, f"the name {node.name!r} says nothing; call it after what it does")


def split_words(name: str) -> set[str]:
    """Split snake_case, kebab-case and CamelCase into lower-case words."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}


def find_machine_paths(source: Source) -> Iterator[str]:
    """No path of one machine is written down."""
    for line, found in source.match_lines(MACHINE_PATH):
        yield source.tell(line, f"{found!r} is a path of one machine; take it from an argument or `tempfile`")


def find_registry_hosts(source: Source) -> Iterator[str]:
    """No registry or CDN is named: clients know their own, and pages need no network."""
    for line, found in source.match_lines(REGISTRY_HOST):
        yield source.tell(line, f"{found!r} names a registry; name the package and let the client find it")


def find_unfinished(source: Source) -> Iterator[str]:
    """Nothing is left as a note to oneself."""
    for line, found in source.match_lines(UNFINISHED):
        yield source.tell(line, f"{found}; do it, or open an issue and remove the note")


def find_foreign_imports(source: Source) -> Iterator[str]:
    """Nothing outside the repository is imported by folder."""
    for line, module in list_imports(source):
        if module.split(".")[0] == "shared":
            yield source.tell(line, f"imports {module}; the repository stands alone, copy what it needs into it")


def find_impure_imports(source: Source) -> Iterator[str]:
    """What decides has no clock, chance, network, disk or environment."""
    if not (source.path.startswith("src/yucun/services/") and source.name in PURE_FILES):
        return
    for line, module in list_imports(source):
        if module.split(".")[0] in IMPURE_MODULES or module == "yucun.base.clock":
            yield source.tell(line, f"imports {module}; {source.name} is pure, what it needs is given to it")


def list_imports(source: Source) -> Iterator[tuple[int, str]]:
    """Yield line and full module name of every absolute import."""
    for node in source.nodes if source.is_python else []:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module or ""


def find_missing_docstrings(source: Source) -> Iterator[str]:
    """Every module says in one line what it is."""
    if source.is_python and not ast.get_docstring(source.tree):
        yield source.tell(1, "no docstring; say in one line what this module is, MAP.md shows it")


def find_split_quantities(source: Source) -> Iterator[str]:
    """Money, carbon and area are divided by `base.quantity.divide` only, and never meet a float."""
    if not source.path.startswith("src/") or source.path == "src/yucun/base/quantity.py":
        return
    for node in source.nodes if source.is_python else []:
        if not isinstance(node, ast.BinOp):
            continue
        names = [name for side in (node.left, node.right) if (name := name_of(side)).endswith(EXACT_UNITS)]
        floats = any(isinstance(s, ast.Constant) and isinstance(s.value, float) for s in (node.left, node.right))
        if names and (isinstance(node.op, ast.Div | ast.FloorDiv) or floats):
            yield source.tell(
                node.lineno, f"arithmetic on {names[0]} may leave whole numbers; use base.quantity.divide"
            )


def name_of(node: ast.expr) -> str:
    """Return the name that a value is known by: a variable, an attribute, a column."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return ""


def find_clocks(source: Source) -> Iterator[str]:
    """The present moment is asked of `base.clock` alone."""
    if not source.path.startswith("src/") or source.path == "src/yucun/base/clock.py":
        return
    for node in source.nodes if source.is_python else []:
        if isinstance(node, ast.Attribute) and (name_of(node.value), node.attr) in NOW:
            yield source.tell(node.lineno, f"{ast.unparse(node)} is a second clock; take a base.clock.Clock")


def find_tests_without_assert(source: Source) -> Iterator[str]:
    """A test states what must be."""
    if not source.path.startswith("tests/"):
        return
    for node in source.nodes if source.is_python else []:
        is_test = isinstance(node, Function) and node.name.startswith("test_")
        if is_test and not any(states_something(part) for part in ast.walk(node)):
            yield source.tell(node.lineno, f"{node.name} asserts nothing; say what must be")


def states_something(node: ast.AST) -> bool:
    """Whether a node is an assertion, an expected error, or a call to an ``assert_…`` function."""
    if isinstance(node, ast.Call):
        name = name_of(node.func)
        return name.startswith(("assert_", "expect")) or name in {"raises", "warns", "fail"}
    return isinstance(node, ast.Assert)


RULES: tuple[Callable[[Source], Iterator[str]], ...] = (
    find_long_functions,
    find_long_files,
    find_vague_names,
    find_machine_paths,
    find_registry_hosts,
    find_unfinished,
    find_foreign_imports,
    find_impure_imports,
    find_missing_docstrings,
    find_split_quantities,
    find_clocks,
    find_tests_without_assert,
)
