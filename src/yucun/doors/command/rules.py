"""The verb `rules conform`: published cases in OpenFisca's YAML format against a folder of rules, without a city."""

from __future__ import annotations

from pathlib import Path

from yucun.base.text import Text
from yucun.doors.command.output import Exit
from yucun.doors.command.verb import Setting, Verb, Word

_SHELF = Text("规则", "Rules")

RULES_CONFORM = Verb(
    "rules conform",
    Text(
        "用公开案例（OpenFisca 的 YAML 格式）逐个检验一套规则；不需要城市",
        "try a folder of rules on published cases (OpenFisca's YAML format), one by one; needs no city",
    ),
    "rules:conform",
    _SHELF,
    (
        Word(
            "rules",
            Text("规则目录：rules.py 与 parameters.toml", "folder with rules.py and parameters.toml"),
            Path,
            ...,
        ),
        Word(
            "cases",
            Text("案例文件，或放案例的目录", "files of cases, or folders of them"),
            list[str],
            ...,
            is_argument=True,
            metavar="CASES.yaml…",
        ),
        Word("name", Text("只做名称含这些字的案例", "only cases whose name holds these words"), str, ""),
    ),
    ("rules conform --rules tests/conformance/country_template CASES.yaml",),
)


def conform(setting: Setting, rules: Path, cases: list[str], name: str = "") -> Exit:
    """Run every case and print whether it passed; problems when one did not, or when there is none.

    Raises
    ------
    Yours
        The rules cannot be loaded, or a file is not YAML.
    """
    from yucun.kernel.rules.conform import conform as run_cases
    from yucun.kernel.rules.conform import read_rules_folder

    printer = setting.printer
    results = list(run_cases(read_rules_folder(rules), [Path(case) for case in cases], name))
    failed = [result for result in results if not result.has_passed]
    printer.table(
        Text("案例", "cases"),
        (Text("结果", "result"), Text("文件", "file"), Text("案例", "case"), Text("原因", "reason")),
        [
            (
                Text("通过", "passed") if r.has_passed else Text("不符", "failed"),
                r.file,
                r.name,
                Text("；".join(f.zh for f in r.failures), "; ".join(f.en for f in r.failures)),
            )
            for r in results
        ],
    )
    printer.answer(
        Text(
            f"{len(results)} 个案例，{len(results) - len(failed)} 个通过，{len(failed)} 个不符",
            f"{len(results)} cases, {len(results) - len(failed)} passed, {len(failed)} failed",
        )
    )
    printer.json(
        [
            {"file": r.file, "case": r.name, "passed": r.has_passed, "reasons": [f.to_json() for f in r.failures]}
            for r in results
        ]
    )
    return Exit.PROBLEMS if failed or not results else Exit.OK
