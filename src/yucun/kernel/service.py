"""What a service is: loads service folders of the one shape, checks the shape, and wires them by the names of tables.

The shape is a closed list of names (house rule); a file that is not needed is absent, one that nobody knows is
refused. Services meet only here, by name: what one consumes, exactly one other publishes.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yucun.base.declaration import Declaration
from yucun.base.errors import Finding
from yucun.base.text import Text
from yucun.kernel.access.declare import read_purposes
from yucun.kernel.access.model import Purpose
from yucun.kernel.indicators.define import read_indicators
from yucun.kernel.indicators.model import Indicator, Rule
from yucun.kernel.lake.contract import Contract, read_contracts

# In the order in which a reader reads them; nothing else may lie in a service's folder.
SHAPE: tuple[str, ...] = (
    "README.md", "service.toml", "contracts.toml", "parameters.toml", "rules.py", "detectors.py", "planning.py", "models.py",
    "ledger.toml", "cases.toml", "decide.py", "indicators.toml", "cockpits", "pages", "commands.py", "examples.toml", "sample.py",
    "__init__.py",
)  # fmt: skip
REQUIRED: tuple[str, ...] = ("README.md", "service.toml", "__init__.py")
_KEYS = ("title", "meaning", "one_number", "rests_on", "publishes", "consumes", "hears", "purposes", "screens")
NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")
_DATED = re.compile(r".+_from_\d{4}_\d{2}(_\d{2})?")
_IGNORED = ("__pycache__",)


@dataclass(frozen=True, slots=True)
class Service:
    """One service as its folder declares it.

    Parameters
    ----------
    id : str
        The folder's name.
    one_number : str
        The indicator that it must move.
    rests_on : Text
        The document that it rests on.
    publishes, consumes : tuple of str
        Tables by full name: its own, and those of others that it reads.
    purposes : mapping of str to Purpose
        Purposes for which personal data are read, by ``service.name``.
    indicators : tuple of Indicator
        Not yet linked with those of other services.
    rules : mapping of str to callable
        The functions of ``rules.py``.
    commands : Path or None
        ``commands.py``, if it has its own verbs.
    """

    id: str
    title: Text
    meaning: Text
    one_number: str
    rests_on: Text
    publishes: tuple[str, ...]
    consumes: tuple[str, ...]
    purposes: Mapping[str, Purpose]
    contracts: tuple[Contract, ...]
    indicators: tuple[Indicator, ...]
    rules: Mapping[str, Rule]
    screens: tuple[str, ...]
    folder: Path

    @property
    def commands(self) -> Path | None:
        """``commands.py``, if the service has verbs of its own."""
        path = self.folder / "commands.py"
        return path if path.is_file() else None


def read_services(folder: Path) -> tuple[dict[str, Service], list[Finding]]:
    """Read all services of a folder and check how they fit together.

    Returns
    -------
    dict of str to Service, list of Finding
        By id; and everything that is wrong with any of them.
    """
    findings: list[Finding] = []
    drafts = [
        _Draft.read(path, findings) for path in sorted(folder.iterdir()) if path.is_dir() and path.name not in _IGNORED
    ]
    contracts = {c.name: c for draft in drafts for c in draft.contracts}
    published = {draft.full_name(n) for draft in drafts for n in draft.declaration.values.get("publishes", ())}
    services = {draft.id: draft.finish(contracts, published, findings) for draft in drafts}
    findings += _check_wiring(services)
    return services, findings


@dataclass(frozen=True, slots=True)
class _Draft:
    """A service before the tables of the others are known."""

    id: str
    folder: Path
    declaration: Declaration
    contracts: tuple[Contract, ...]
    rules: Mapping[str, Rule]

    @classmethod
    def read(cls, folder: Path, findings: list[Finding]) -> _Draft:
        name = folder.name
        findings += _check_shape(folder)
        declared = folder / "service.toml"
        declaration = (
            Declaration.read(declared, f"{name}/service.toml")
            if declared.is_file()
            else Declaration(f"{name}/service.toml", "", {})
        )
        contracts: list[Contract] = []
        if (folder / "contracts.toml").is_file():
            contracts, wrong = read_contracts(folder / "contracts.toml", name)
            findings += wrong
        rules, wrong = read_rules(folder)
        findings += wrong
        return cls(name, folder, declaration, tuple(contracts), rules)

    def finish(self, contracts: Mapping[str, Contract], published: set[str], findings: list[Finding]) -> Service:
        said, values = self.declaration, self.declaration.values
        said.refuse_unknown(values, (), _KEYS)
        consumes = tuple(str(n) for n in said.take(values, (), "consumes", list, []))
        # What is heard is consumed where somebody publishes it, and missed by nobody where nobody does.
        consumes += tuple(str(n) for n in said.take(values, (), "hears", list, []) if n in published)
        known = {n: c for n, c in contracts.items() if n.split(".")[0] == self.id or n in consumes}
        indicators: list[Indicator] = []
        path = self.folder / "indicators.toml"
        if path.is_file():
            indicators, wrong = read_indicators(
                path, self.id, known, {f"{self.id}.{n}": r for n, r in self.rules.items()}
            )
            findings += wrong
        service = Service(
            id=self.id,
            title=said.take_text(values, (), "title"),
            meaning=said.take_text(values, (), "meaning"),
            one_number=self.full_name(said.take(values, (), "one_number", str, "")),
            rests_on=said.take_text(values, (), "rests_on", Text("", "")),
            publishes=tuple(self.full_name(str(n)) for n in said.take(values, (), "publishes", list, [])),
            consumes=consumes,
            purposes=read_purposes(said, values, self.id),
            contracts=self.contracts,
            indicators=tuple(indicators),
            rules=self.rules,
            screens=tuple(str(n) for n in said.take(values, (), "screens", list, [])),
            folder=self.folder,
        )
        _check_one(service, said)
        findings += said.findings
        return service

    def full_name(self, name: str) -> str:
        """A table's or number's name with the service's before it."""
        return name if not name or "." in name else f"{self.id}.{name}"


def _finding(kind: str, where: str, found: str, expected: str, zh: str, en: str, key: str = "") -> Finding:
    return Finding(f"service.{kind}", where, found[:120], expected[:400], Text(zh, en), key)


def _check_shape(folder: Path) -> list[Finding]:
    """Names of a closed list, and what every service must have."""
    name, findings = folder.name, []
    if not NAME.fullmatch(name):
        findings.append(
            _finding(
                "name",
                name,
                name,
                NAME.pattern,
                "服务的目录名应为小写字母、数字和下划线",
                "a service's folder is named in lower-case letters, digits and underscores",
            )
        )
    findings += [
        _finding(
            "shape",
            f"{name}/{entry.name}",
            entry.name,
            ", ".join(SHAPE),
            f"服务目录里不能有「{entry.name}」",
            f"a service's folder has no place for '{entry.name}'",
        )
        for entry in sorted(folder.iterdir())
        if entry.name not in SHAPE and entry.name not in _IGNORED
    ]
    findings += [
        _finding("shape", f"{name}/{wanted}", "nothing", wanted, f"服务缺少 {wanted}", f"the service has no {wanted}")
        for wanted in REQUIRED
        if not (folder / wanted).is_file()
    ]
    return findings


def read_rules(folder: Path) -> tuple[dict[str, Callable[..., Any]], list[Finding]]:
    """Load the public functions of ``rules.py``; each carries its date in its name."""
    path = folder / "rules.py"
    if not path.is_file():
        return {}, []
    # The path is part of the name, so that a copy of a service elsewhere is a module of its own.
    module_name = f"yucun_rules_{abs(hash(str(path.resolve()))):x}_{folder.name}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        return {}, [
            _finding(
                "rules",
                f"{folder.name}/rules.py",
                "nothing",
                "a Python file",
                "rules.py 不能载入",
                "rules.py cannot be loaded",
            )
        ]
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    found: dict[str, Callable[..., Any]] = {
        n: f
        for n, f in inspect.getmembers(module, inspect.isfunction)
        if f.__module__ == module_name and not n.startswith("_")
    }
    findings = [
        _finding(
            "rule_date",
            f"{folder.name}/rules.py",
            n,
            f"{n}_from_2022_05",
            f"公式「{n}」的名字里要有生效日期",
            f"the formula '{n}' carries its date in its name",
        )
        for n in found
        if not _DATED.fullmatch(n)
    ]
    return found, findings


def _check_one(service: Service, said: Declaration) -> None:
    """What a service says of itself must be there."""
    own = {c.name for c in service.contracts}
    for name in service.publishes:
        if name not in own:
            said.add(
                "service.publishes",
                ("publishes",),
                name,
                ", ".join(sorted(own)),
                Text(f"「{name}」不在 contracts.toml 里", f"'{name}' is not in contracts.toml"),
            )
    known = {i.id for i in service.indicators}
    if known and not service.one_number:
        said.add(
            "service.one_number",
            ("one_number",),
            "nothing",
            "an indicator",
            Text(
                "要写明本服务必须改善的那一个数（one_number）",
                "say which one number the service must move (one_number)",
            ),
        )
    if service.one_number and service.one_number not in known:
        said.add(
            "service.one_number",
            ("one_number",),
            service.one_number,
            ", ".join(sorted(known)),
            Text(f"没有名为「{service.one_number}」的指标", f"no indicator is called '{service.one_number}'"),
        )
    for name in service.screens:
        if not (service.folder / "cockpits" / f"{name}.toml").is_file():
            said.add(
                "service.screens",
                ("screens",),
                name,
                f"cockpits/{name}.toml",
                Text(f"没有 cockpits/{name}.toml", f"there is no cockpits/{name}.toml"),
            )
    shown = (
        {p.stem for p in (service.folder / "cockpits").glob("*.toml")}
        if (service.folder / "cockpits").is_dir()
        else set()
    )
    for name in sorted(shown - set(service.screens)):
        said.add(
            "service.screens",
            ("screens",),
            name,
            "all files of cockpits",
            Text(f"cockpits/{name}.toml 没有写进 screens", f"cockpits/{name}.toml is not among 'screens'"),
        )


def _check_wiring(services: Mapping[str, Service]) -> list[Finding]:
    """A consumed table is published by exactly one other service."""
    publishers: dict[str, list[str]] = {}
    for service in services.values():
        for name in service.publishes:
            publishers.setdefault(name, []).append(service.id)
    findings = []
    for service in services.values():
        for name in service.consumes:
            found = publishers.get(name, [])
            if len(found) != 1:
                who = ", ".join(found) or "nobody"
                findings.append(
                    _finding(
                        "consumes",
                        f"{service.id}/service.toml",
                        who,
                        "one service",
                        f"「{name}」应恰由一个服务发布，现为：{who}",
                        f"'{name}' is to be published by one service; it is published by: {who}",
                        "consumes",
                    )
                )
    return findings
