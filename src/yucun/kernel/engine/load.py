"""Loading what acts: a service's ``decide.py`` with its cases, chart and parameters, as the place has them."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from yucun.base.declaration import Declaration
from yucun.base.errors import DeclarationError, Finding
from yucun.base.text import Text
from yucun.kernel.books.model import canonical, digest
from yucun.kernel.cases import CaseKind, read_cases
from yucun.kernel.engine.model import Acting
from yucun.kernel.ledger import Chart, read_chart
from yucun.kernel.service import Service
from yucun.kernel.view import Pack

# What a decision rests on besides parameters and contracts.
_FILES = (
    "decide.py",
    "rules.py",
    "detectors.py",
    "planning.py",
    "models.py",
    "cases.toml",
    "ledger.toml",
    "contracts.toml",
)


# A question's body to its answer.
Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """All that acts in a city: services by id, kinds of case by name, one chart, the findings of loading, and who
    answers which question of the services' own (``ANSWERS`` of a ``planning.py``: a function of the question's body
    and the service's parameters)."""

    services: Mapping[str, Acting]
    kinds: Mapping[str, CaseKind]
    chart: Chart
    findings: tuple[Finding, ...]
    answers: Mapping[str, Answer] = field(default_factory=dict)


def load_acting(
    services: Mapping[str, Service], values: Path | None = None, packs: Mapping[str, Mapping[str, Any]] | None = None
) -> Loaded:
    """Load the acting side of services.

    Parameters
    ----------
    services : mapping of str to Service
        By id; those without ``decide.py`` do not act.
    values : Path or None
        A place's folder of parameter values, one ``SERVICE.toml`` each; they are laid over the service's own.
    packs : mapping
        Other parameters for some services; what a replay under another parameter set gives.
    """
    findings: list[Finding] = []
    acting: dict[str, Acting] = {}
    kinds: dict[str, CaseKind] = {}
    chart = Chart({}, {}, {}, {})
    answers: dict[str, Answer] = {}
    for service in services.values():
        if (service.folder / "cases.toml").is_file():
            found, wrong = read_cases(service.folder / "cases.toml", service.id)
            findings += wrong
            kinds |= found
        if (service.folder / "ledger.toml").is_file():
            chart, wrong = _join(chart, service)
            findings += wrong
        if (service.folder / "decide.py").is_file():
            pack = (packs or {}).get(service.id)
            values_of = read_values(service, values) if pack is None else pack
            found_one, wrong = _load_one(service, make_pack(values_of))
            findings += wrong
            if found_one is not None:
                acting[service.id] = found_one
                answers |= _read_answers(service, found_one)
    return Loaded(acting, kinds, chart, tuple(findings), answers)


def make_pack(values: Mapping[str, Any]) -> Pack:
    """Make a parameter pack; days and times in it count by their ISO text."""
    return Pack(values, digest(canonical(_plain(values))))


def read_values(service: Service, values: Path | None) -> dict[str, Any]:
    """Read a service's parameters and lay the place's own over them, key by key."""
    own = service.folder / "parameters.toml"
    found = tomllib.loads(own.read_text(encoding="utf-8")) if own.is_file() else {}
    place = values / f"{service.id}.toml" if values is not None else None
    if place is not None and place.is_file():
        found = lay_over(found, tomllib.loads(place.read_text(encoding="utf-8")))
    return found


def lay_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay values over others, table by table; whatever is not a table is replaced whole."""
    merged = dict(below)
    for name, value in above.items():
        held = merged.get(name)
        merged[name] = lay_over(held, value) if isinstance(held, Mapping) and isinstance(value, Mapping) else value
    return merged


def hash_service(folder: Path) -> str:
    """SHA-256 of the files that a service's decisions rest on."""
    said = hashlib.sha256()
    for name in _FILES:
        path = folder / name
        if path.is_file():
            said.update(f"{name}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return said.hexdigest()


def _join(chart: Chart, service: Service) -> tuple[Chart, list[Finding]]:
    path = service.folder / "ledger.toml"
    try:
        return chart.join(read_chart(path)), []
    except DeclarationError as error:
        return chart, list(error.findings)
    except ValueError as error:
        return chart, [Finding("ledger.twice", f"{service.id}/ledger.toml", str(error), "one meaning", Text(
            f"科目表与其他服务冲突：{error}", f"the chart contradicts that of another service: {error}"))]  # fmt: skip


def _load_one(service: Service, pack: Pack) -> tuple[Acting | None, list[Finding]]:
    sealed = hash_service(service.folder)
    module = _import(service.folder, sealed)
    decide = getattr(module, "decide", None)
    if not callable(decide):
        said = Declaration(f"{service.id}/decide.py", "", {})
        said.add("service.decide", (), "nothing", "decide(event, view)", Text(
            "decide.py 里没有函数 decide(event, view)", "decide.py has no function decide(event, view)"))  # fmt: skip
        return None, said.findings
    contracts = {contract.name: contract for contract in service.contracts}
    acting = Acting(
        service.id, decide, pack, sealed, contracts, frozenset(service.publishes), frozenset(service.consumes)
    )
    return acting, []


def _read_answers(service: Service, acting: Acting) -> dict[str, Answer]:
    """Who answers the service's own questions, with its parameters at hand."""
    if not (service.folder / "planning.py").is_file():
        return {}
    module = _import(service.folder, acting.hash, "planning")
    found: Mapping[str, Callable[..., Mapping[str, Any]]] = getattr(module, "ANSWERS", {})
    return {question: partial(function, pack=acting.pack) for question, function in found.items()}


def _import(folder: Path, sealed: str, name: str = "decide") -> ModuleType:
    """Import a file as part of its own folder, so that another version of a service brings its own files."""
    package = f"yucun_acting_{folder.name}_{sealed[:16]}"
    if package not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            package, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[package] = module
        spec.loader.exec_module(module)
    return importlib.import_module(f"{package}.{name}")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
