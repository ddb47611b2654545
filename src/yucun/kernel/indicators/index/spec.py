"""A spec as TOML: every choice of an index and its doubts, read with findings that name file, line and key."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from yucun.base.declaration import Declaration, raise_findings
from yucun.base.errors import DeclarationError, Finding
from yucun.base.text import Text
from yucun.kernel.indicators.index.aggregate import Aggregate, AggregateBy
from yucun.kernel.indicators.index.build import Spec
from yucun.kernel.indicators.index.impute import Impute, ImputeBy
from yucun.kernel.indicators.index.normalise import Normalise, NormaliseBy
from yucun.kernel.indicators.index.screen import Screen
from yucun.kernel.indicators.index.treat import Then, Treat
from yucun.kernel.indicators.index.uncertainty import STEPS, Vary
from yucun.kernel.indicators.index.weigh import Weigh, WeighBy

SHIPPED = Path(__file__).parent
DEFAULT = "coinr_asem"
PARTS: dict[str, type[Any]] = {
    "screen": Screen,
    "impute": Impute,
    "treat": Treat,
    "normalise": Normalise,
    "weigh": Weigh,
    "aggregate": Aggregate,
}
_ALLOWED: dict[tuple[type[Any], str], tuple[str, ...]] = {
    (Impute, "method"): get_args(ImputeBy),
    (Treat, "then"): get_args(Then),
    (Normalise, "method"): get_args(NormaliseBy),
    (Weigh, "method"): get_args(WeighBy),
    (Aggregate, "method"): get_args(AggregateBy),
    (Aggregate, "levels"): get_args(AggregateBy),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a spec file says: the choices, and the doubts to try.

    Parameters
    ----------
    vary : Vary or None
        None when the file has no ``[uncertainty]``.
    """

    spec: Spec
    title: Text = Text("", "")
    vary: Vary | None = None
    replications: int = 1000
    seed: int = 1


def read_plan(path: str | Path | None = None) -> Plan:
    """Read a spec file; without a path the shipped one for COINr's ASEM example.

    Raises
    ------
    DeclarationError
        With one finding for each wrong key, each with its line.
    """
    file = Path(path) if path is not None else SHIPPED / f"{DEFAULT}.toml"
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(
            Finding(
                "index.file",
                file.name,
                str(error)[:120],
                "a TOML file",
                Text(f"读不了做法文件 {file.name}：{error}", f"{file.name} cannot be read: {error}"),
            )
        ) from None
    return parse_plan(text, file.name)


def parse_plan(text: str, name: str = "spec.toml") -> Plan:
    """Read a spec from text.

    Examples
    --------
    >>> parse_plan('[aggregate]\\nmethod = "geometric"').spec.aggregate.method
    'geometric'
    """
    said = Declaration.parse(text, name)
    said.refuse_unknown(said.values, (), ("title", "denominate", "uncertainty", *PARTS))
    title = said.take_text(said.values, (), "title", Text("", ""))
    parts = {
        part: _read(said, (part,), said.take(said.values, (), part, dict, {}), kind()) for part, kind in PARTS.items()
    }
    spec = Spec(denominate=said.take(said.values, (), "denominate", bool, True), **parts)
    doubts = said.take(said.values, (), "uncertainty", dict, {})
    at = ("uncertainty",)
    said.refuse_unknown(doubts, at, ("replications", "seed", "noise", "noisy_levels", "leave_out", *STEPS))
    vary = None
    if doubts:
        noise = float(said.take(doubts, at, "noise", float, 0.25))
        levels = tuple(said.take(doubts, at, "noisy_levels", list, []))
        left_out = tuple(said.take(doubts, at, "leave_out", list, []))
        vary = Vary(
            **{step: _read_choices(said, doubts, step, spec) for step in STEPS},
            noise=noise,
            noisy_levels=levels,
            leave_out=left_out,
        )
    plan = Plan(
        spec, title, vary, said.take(doubts, at, "replications", int, 1000), said.take(doubts, at, "seed", int, 1)
    )
    raise_findings(said.findings)
    return plan


def _read_choices(said: Declaration, doubts: Mapping[str, Any], step: str, spec: Spec) -> tuple[Any, ...]:
    """Alternatives of a step; a key that is not written keeps the spec's value."""
    at = ("uncertainty", step)
    return tuple(_read(said, at, table, getattr(spec, step)) for table in said.take(doubts, at[:1], step, list, []))


def _read(said: Declaration, at: tuple[str, ...], table: Mapping[str, Any], base: Any) -> Any:
    kind = type(base)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    said.refuse_unknown(table, at, fields)
    found: dict[str, Any] = {}
    for name in fields:
        if name not in table or name == "each":
            continue
        was = getattr(base, name)
        wanted = list if isinstance(was, tuple) else float if was is None else type(was)
        value = said.take(table, at, name, wanted)
        found[name] = tuple(value) if wanted is list else float(value) if wanted is float else value
        _check_allowed(said, kind, (*at, name), found[name])
    settings = dataclasses.replace(base, **found)
    if "each" not in table or "each" not in fields:
        return settings
    # What is not written for one indicator is as for all.
    inherited = dataclasses.replace(settings, each={})
    each = {
        code: _read(said, (*at, "each", code), inner, inherited)
        for code, inner in said.take(table, at, "each", dict).items()
    }
    return dataclasses.replace(settings, each=each)


def _check_allowed(said: Declaration, kind: type[Any], at: tuple[str, ...], value: Any) -> None:
    allowed = _ALLOWED.get((kind, at[-1]))
    wrong = [v for v in (value if isinstance(value, tuple) else (value,)) if allowed is not None and v not in allowed]
    if wrong and allowed is not None:
        said.add(
            "index.method",
            at,
            wrong[0],
            ", ".join(allowed),
            Text(
                f"没有「{wrong[0]}」这种做法；可用：{'、'.join(allowed)}",
                f"there is no '{wrong[0]}'; there are: {', '.join(allowed)}",
            ),
        )


def write_plan(plan: Plan) -> str:
    """Write a spec as TOML that reads back equal.

    Examples
    --------
    >>> parse_plan(write_plan(read_plan())) == read_plan()
    True
    """
    lines = []
    if plan.title.zh or plan.title.en:
        lines.append(f"title = {{ zh = {_tell(plan.title.zh)}, en = {_tell(plan.title.en)} }}")
    lines.append(f"denominate = {_tell(plan.spec.denominate)}")
    for part in PARTS:
        lines += ["", f"[{part}]", *_tell_settings(getattr(plan.spec, part), (part,))]
    if plan.vary is not None:
        lines += ["", "[uncertainty]", f"replications = {plan.replications}", f"seed = {plan.seed}"]
        lines += [f"noise = {_tell(float(plan.vary.noise))}", f"noisy_levels = {_tell(plan.vary.noisy_levels)}"]
        if plan.vary.leave_out:
            lines.append(f"leave_out = {_tell(plan.vary.leave_out)}")
        for step in STEPS:
            for choice in getattr(plan.vary, step):
                lines += ["", f"[[uncertainty.{step}]]", *_tell_settings(choice, ("uncertainty", step))]
    return "\n".join(lines) + "\n"


def _tell_settings(settings: Any, at: tuple[str, ...]) -> list[str]:
    lines, tables = [], []
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if field.name == "each":
            for code, inner in value.items():
                path = ".".join((*at, "each", json.dumps(code, ensure_ascii=False)))
                tables += ["", f"[{path}]", *_tell_settings(inner, (*at, "each", code))]
        elif value is not None:
            lines.append(f"{field.name} = {_tell(float(value) if 'float' in str(field.type) else value)}")
    return lines + tables


def _tell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_tell(part) for part in value) + "]"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ("nan" if math.isnan(value) else "inf" if value > 0 else "-inf")
    return str(value)
