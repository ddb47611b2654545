"""Numbers as offices write them, as expressions: cleaned, converted into whole kept units, exact or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import ibis
import ibis.expr.types as ir

from yucun.base.quantity import UNITS
from yucun.kernel.lake.contract import Field
from yucun.kernel.lake.written_units import find_factor, is_unit

_PLAIN = r"^-?[0-9]{1,18}(\.[0-9]{1,10})?$"
_GROUPED = r"^[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?([^0-9,.].*)?$"
_NUMBER = r"^([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))([^0-9.,].*)?$"
_DECIMAL = "decimal(38, 10)"
_ZEROS = "0" * 20
_LARGEST_MEASURE = 1e300
_LONGEST_UNIT = 12
_MOST_FINE = 1 << 52  # below this a whole number divided exactly by another is exact in floating point too


# What is worked out on the way, beside a field: its digits and unit, the number with its decimal point moved,
# whether anything is left behind the point, and an exact product.
DIGITS, UNIT, MOVED, FINER, EXACT = "d__", "u__", "w__", "f__", "x__"


@dataclass(frozen=True, slots=True)
class Numbers:
    """One number field, and what its written units are in the kept one.

    Parameters
    ----------
    field : Field
        Of type integer or measure.
    factors : mapping of str to Fraction
        Kept units in one written unit.
    foreign : tuple of str
        Written units of another kind.
    """

    field: Field
    factors: Mapping[str, Fraction]
    foreign: tuple[str, ...]


def take_apart(table: ir.Table, field: Field, said: ir.StringValue) -> dict[str, ir.Value]:
    """Split a cell (in usual width) into digits and unit; ``said`` is the unit of the head or a note, or null.

    Digits are null when the cell is not a number.
    """
    text = table[field.name]
    is_plain = text.re_search(_PLAIN)
    tidy = text.re_replace(r"[\s'’]", "").replace("−", "-").re_replace(r"^[△▲]", "-").re_replace(r"^\+", "")
    tidy = tidy.re_replace(r"^\((.+)\)$", r"-\1")
    tidy = tidy.re_search(_GROUPED).ifelse(tidy.replace(",", ""), tidy)
    digits = is_plain.ifelse(text, tidy.re_extract(_NUMBER, 1).nullif(""))
    unit = is_plain.ifelse(ibis.null("string"), tidy.re_extract(_NUMBER, 2).nullif("")).coalesce(said)
    bare = unit_when_unsaid(field)
    return {DIGITS + field.name: digits, UNIT + field.name: unit.coalesce(bare) if bare else unit}


def know_units(units: list[str], field: Field) -> Numbers:
    """Sort the written units of a field into those that convert and those of another kind."""
    factors, foreign = {}, []
    for unit in units:
        if len(unit) > _LONGEST_UNIT or not field.unit:
            continue
        factor = find_factor(unit, field.unit)
        if factor is not None:
            factors[unit] = factor
        elif is_unit(unit):
            foreign.append(unit)
    return Numbers(field, factors, tuple(foreign))


def unit_when_unsaid(field: Field) -> str:
    """The unit of a bare number: as the contract says, or the kept unit itself when people write it so too.

    Empty when neither: money kept in fen is not written in fen, so a bare number of yuan must be said to be one.
    """
    if field.written_in or not field.unit:
        return field.written_in
    return field.unit if UNITS[field.unit].per_shown == 1 else ""


def move_point(about: Numbers) -> dict[str, ir.Value]:
    """Move the decimal point by the unit's factor, on the text: exact, and a hundred times faster than 128-bit decimals.

    Only for factors that are powers of ten; others (one mu is 2000/3 m²) also get their exact product.
    """
    if about.field.type == "measure":
        return {}
    name = about.field.name
    digits, unit = ibis._[DIGITS + name], ibis._[UNIT + name]
    point = digits.find(".")
    places = _by_unit(unit, {word: _places(factor) or 0 for word, factor in about.factors.items()}, "int64")
    before = (point < 0).ifelse(digits, digits.substr(0, point))
    behind = (point < 0).ifelse("", digits.substr(point + 1))
    signed = before.isin(["", "-"]).ifelse(before + "0", before)
    made = {
        MOVED + name: signed + (behind + _ZEROS).substr(0, places),
        FINER + name: behind.substr(places).re_search("[1-9]"),
    }
    shares = _shares(about)
    if shares:
        is_share = unit.isin(list(shares))
        exact = is_share.ifelse(digits, ibis.null("string")).try_cast(_DECIMAL)
        numerator = _by_unit(unit, {word: factor.numerator for word, factor in shares.items()}, "decimal(14, 0)")
        fits = exact.abs().cast("float64") * numerator.cast("float64") < _MOST_FINE
        made[EXACT + name] = fits.ifelse((exact * numerator).cast(_DECIMAL), ibis.null(_DECIMAL))
        made[FINER + name] = ~is_share & made[FINER + name]
    return made


def convert(table: ir.Table, about: Numbers) -> ir.Value:
    """Return the value in kept units; null where it does not fit: `judge` says why."""
    name, unit = about.field.name, table[UNIT + about.field.name]
    if about.field.type == "measure":
        numerator, denominator = (
            _by_unit(unit, {word: getattr(factor, part) for word, factor in about.factors.items()}, "float64")
            for part in ("numerator", "denominator")
        )
        return table[DIGITS + name].try_cast("float64") * numerator / denominator
    whole = table[MOVED + name].try_cast("int64")
    shares = _shares(about)
    if not shares:
        return whole
    denominator = _by_unit(unit, {word: factor.denominator for word, factor in shares.items()}, "int64")
    return unit.isin(list(shares)).ifelse(_divide(table[EXACT + name], denominator), whole)


def _shares(about: Numbers) -> dict[str, Fraction]:
    """The factors that are not powers of ten."""
    return {word: factor for word, factor in about.factors.items() if _places(factor) is None}


def _places(factor: Fraction) -> int | None:
    """How many places a factor moves the decimal point; None when it is not a power of ten."""
    power = len(str(factor.numerator)) - 1
    return power if factor == 10**power else None


def judge(table: ir.Table, about: Numbers, value: ir.Value) -> ir.Value:
    """Return the kind of finding of each row, null when there is none; ``value`` is what `convert` made."""
    field, name = about.field, about.field.name
    digits, unit = table[DIGITS + name], table[UNIT + name]
    cases: list[tuple[Any, Any]] = [(digits.isnull(), "lake.not_a_number")]
    if field.unit:
        cases.append((unit.isnull(), "lake.unit_unsaid"))
        if about.foreign:
            cases.append((unit.isin(about.foreign), "lake.unit_unknown"))
        cases.append((~unit.isin(list(about.factors)) if about.factors else ibis.literal(True), "lake.not_a_number"))
    else:
        cases.append((unit.notnull(), "lake.not_a_number"))
    if field.type == "measure":
        cases.append((value.isnull() | ~(value.abs() < _LARGEST_MEASURE), "lake.overflow"))
    else:
        cases += [(value.isnull(), "lake.overflow"), (table[FINER + name], "lake.too_fine")]
    return ibis.cases(*cases, *_range(value, field), else_=ibis.null("string"))


def _by_unit(unit: ir.Value, values: Mapping[str, int], kind: str) -> ir.Value:
    """The number that belongs to each row's unit; a literal when all units share it."""
    if len(set(values.values())) < 2:
        return ibis.literal(next(iter(values.values()), 1)).cast(kind)
    cases = ((unit == word, ibis.literal(value).cast(kind)) for word, value in values.items())
    return ibis.cases(*cases, else_=ibis.literal(1).cast(kind))


def _divide(product: ir.Value, denominator: ir.Value) -> ir.Value:
    """Divide by a small whole number, halves away from zero."""
    size = product.abs()
    whole = size.floor().cast("int64")
    left = whole % denominator
    quotient = ((whole - left).cast("float64") / denominator.cast("float64")).cast("int64")
    rest = (size - whole.cast(_DECIMAL)) + left.cast(_DECIMAL)
    rounded = quotient + (rest * 2 >= denominator.cast(_DECIMAL)).cast("int64")
    return (product < 0).ifelse(-rounded, rounded)


def _range(value: ir.Value, field: Field) -> list[tuple[Any, str]]:
    cases: list[tuple[Any, str]] = []
    if field.low is not None:
        cases.append((value < field.low, "lake.out_of_range"))
    if field.high is not None:
        cases.append((value > field.high, "lake.out_of_range"))
    return cases
