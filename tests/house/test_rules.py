"""Each rule of the house catches what it is for, and leaves its neighbour alone."""

from __future__ import annotations

import pytest

from tests.house.rules import RULES, Source

RULE = {rule.__name__: rule for rule in RULES}
LONG = "def count():\n" + "    x = 1\n" * 60
DOCUMENTED = 'def count():\n    """Count.\n' + "\n" * 50 + '    """\n' + "    x = 1\n" * 40
SERVICE = "src/yucun/services/aid/decide.py"

BREAKS = [
    ("find_long_functions", "src/a.py", LONG),
    ("find_long_files", "src/a.py", "x = 1\n" * 601),
    ("find_vague_names", "src/yucun/utils.py", ""),
    ("find_vague_names", "src/a.py", "class CityManager: ..."),
    ("find_vague_names", "src/a.py", "def common_helper(): ..."),
    ("find_machine_paths", "docs/a.md", "see /tmp/x"),
    ("find_machine_paths", "src/a.py", 'path = "/home/wang/city"'),
    ("find_registry_hosts", "README.md", "https://registry.npmjs.org/"),
    ("find_unfinished", "src/a.css", "/* TODO colour */"),
    ("find_foreign_imports", "src/a.py", "from shared.data import x"),
    ("find_impure_imports", SERVICE, "import random"),
    ("find_impure_imports", SERVICE, "from yucun.base.clock import Clock"),
    ("find_missing_docstrings", "src/a.py", "x = 1"),
    ("find_split_quantities", "src/a.py", "y = total_fen / 2"),
    ("find_split_quantities", "src/a.py", "y = row.total_fen // n"),
    ("find_split_quantities", "src/a.py", "y = 0.8 * row['net_g']"),
    ("find_clocks", "src/a.py", "x = datetime.now()"),
    ("find_clocks", "src/a.py", "x = datetime.date.today()"),
    ("find_tests_without_assert", "tests/test_a.py", "def test_a():\n    run()"),
]
KEEPS = [
    ("find_long_functions", "src/a.py", DOCUMENTED),
    ("find_long_files", "src/a.md", "x\n" * 601),
    ("find_vague_names", "src/a.py", "def communicate(): ..."),
    (
        "find_machine_paths",
        "src/a.py",
        'route = "/workers"; url = "http://a/tmp"; s = "</root>"; r = "/region"',
    ),
    ("find_foreign_imports", "src/a.py", "from multiprocessing import shared_memory"),
    ("find_impure_imports", "src/yucun/services/aid/sample.py", "import random"),
    ("find_split_quantities", "src/a.py", "y = a_fen * b_fen + 2 * c_fen"),
    ("find_split_quantities", "src/a.py", "y = folder / 'a_fen'"),
    ("find_clocks", "src/a.py", "x = time.perf_counter()"),
    ("find_clocks", "src/yucun/base/clock.py", "x = datetime.now()"),
    (
        "find_tests_without_assert",
        "tests/test_a.py",
        "def test_a():\n    with pytest.raises(ValueError): run()",
    ),
    ("find_tests_without_assert", "tests/test_a.py", "def test_a():\n    assert_same(1, 1)"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BREAKS)
def test_a_breach_is_found(rule: str, path: str, text: str) -> None:
    findings = list(RULE[rule](Source(path, text)))
    assert len(findings) == 1
    assert findings[0].startswith(f"{path}:1: ")


@pytest.mark.parametrize(("rule", "path", "text"), KEEPS)
def test_what_is_right_is_left_alone(rule: str, path: str, text: str) -> None:
    assert list(RULE[rule](Source(path, text))) == []


def test_every_rule_is_tried() -> None:
    assert {rule for rule, _, _ in BREAKS} == set(RULE)
