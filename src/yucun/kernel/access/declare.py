"""Reading roles and purposes from TOML: the kernel's, each service's, the place's; all findings together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yucun.base.declaration import Declaration, raise_findings
from yucun.base.errors import PlaceError
from yucun.base.text import Text
from yucun.kernel.access.model import SENSITIVITIES, VERBS, Purpose, Role

KERNEL_ROLES = Path(__file__).with_name("roles.toml")
_ROLE_KEYS = ("title", "level", "verbs", "purposes")
_PURPOSE_KEYS = ("title", "basis", "reads")


@dataclass(frozen=True, slots=True)
class AccessRules:
    """All roles and purposes of a city, by name."""

    roles: Mapping[str, Role] = field(default_factory=dict)
    purposes: Mapping[str, Purpose] = field(default_factory=dict)

    @classmethod
    def of_kernel(cls) -> AccessRules:
        """The roles that every city has.

        Examples
        --------
        >>> sorted(AccessRules.of_kernel().roles)
        ['administrator', 'analyst', 'auditor', 'chief', 'data_clerk', 'open_reader']
        """
        rules, declaration = read_rules(KERNEL_ROLES, "kernel")
        raise_findings(declaration.findings)
        return rules

    @classmethod
    def of_place(cls, folder: Path, place: str) -> AccessRules:
        """The roles that a place adds in its own ``roles.toml``; nothing where it has none."""
        path = folder / KERNEL_ROLES.name
        if not path.is_file():
            return cls()
        rules, declaration = read_rules(path, place)
        raise_findings(declaration.findings, PlaceError)
        return rules

    def add(self, *others: AccessRules) -> AccessRules:
        """Join with those of services and of the place; what comes later gives a role other bounds."""
        roles, purposes = dict(self.roles), dict(self.purposes)
        for other in others:
            roles.update(other.roles)
            purposes.update(other.purposes)
        return AccessRules(roles, purposes)

    def hold(self, names: Iterable[str]) -> tuple[Purpose, ...]:
        """Return the purposes of those names; one that no service declares any more gives nothing."""
        return tuple(self.purposes[n] for n in sorted(set(names)) if n in self.purposes)


def read_rules(path: Path, owner: str) -> tuple[AccessRules, Declaration]:
    """Read a ``roles.toml``; ``owner`` (kernel, or the place's id) goes before the purposes declared there."""
    declaration = Declaration.read(path, f"{owner}/{path.name}")
    declaration.refuse_unknown(declaration.values, (), ("roles", "purposes"))
    roles = {
        name: _read_role(declaration, ("roles", name), name, table)
        for name, table in _tables(declaration, (), "roles").items()
    }
    return AccessRules(roles, read_purposes(declaration, declaration.values, owner)), declaration


def read_purposes(declaration: Declaration, values: Mapping[str, Any], owner: str) -> dict[str, Purpose]:
    """Read the table ``purposes`` of a service.toml or roles.toml; findings go to the declaration.

    Returns
    -------
    dict of str to Purpose
        By ``owner.name``.
    """
    purposes = {}
    for name, table in _tables(declaration, (), "purposes", values).items():
        path = ("purposes", name)
        declaration.refuse_unknown(table, path, _PURPOSE_KEYS)
        reads = tuple(str(r) for r in declaration.take(table, path, "reads", list))
        if not reads:
            declaration.add(
                "access.purpose_reads",
                (*path, "reads"),
                "nothing",
                "service.table or service.table.field",
                Text("目的要写明读取哪些表或字段", "a purpose names the tables or fields that it reads"),
            )
        purposes[f"{owner}.{name}"] = Purpose(
            f"{owner}.{name}",
            declaration.take_text(table, path, "title"),
            declaration.take_text(table, path, "basis"),
            reads,
        )
    return purposes


def _read_role(declaration: Declaration, path: tuple[str, ...], name: str, table: Mapping[str, Any]) -> Role:
    declaration.refuse_unknown(table, path, _ROLE_KEYS)
    level = declaration.take(table, path, "level", str)
    if level not in SENSITIVITIES:
        declaration.add(
            "access.level",
            (*path, "level"),
            level,
            ", ".join(SENSITIVITIES),
            Text("分级应为 L1 至 L4", "the level is one of L1 to L4"),
        )
        level = "L1"
    verbs = declaration.take(table, path, "verbs", list)
    for verb in verbs:
        if verb not in VERBS:
            declaration.add(
                "access.verb",
                (*path, "verbs"),
                verb,
                ", ".join(VERBS),
                Text(f"没有「{verb}」这种权限", f"there is no verb '{verb}'"),
            )
    purposes = tuple(str(p) for p in declaration.take(table, path, "purposes", list, []))
    title = declaration.take_text(table, path, "title")
    return Role(name, title, level, frozenset(v for v in verbs if v in VERBS), purposes)


def _tables(
    declaration: Declaration, path: tuple[str, ...], key: str, values: Mapping[str, Any] | None = None
) -> dict[str, Mapping[str, Any]]:
    found = declaration.take(declaration.values if values is None else values, path, key, dict, {})
    return {name: table if isinstance(table, dict) else {} for name, table in found.items()}
