"""An expression as Spark's text, where Ibis' own text would give another answer than DuckDB's.

Each method says what differs and what is done about it; `tests/engines` runs each on both engines.
"""

from __future__ import annotations

from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.base import NULL, SQLGlotCompiler
from ibis.backends.sql.compilers.pyspark import PySparkCompiler

_WIDE = dt.Decimal(38, 0)
_NEEDS_64_BITS = 2**31
_FIRST_PRINTED = 0x20


class SparkText(PySparkCompiler):  # type: ignore[misc]
    """Ibis' writer of Spark SQL, with DuckDB's answers."""

    __slots__ = ()
    # Spark has had OFFSET since 3.4; the detour over row numbers that Ibis takes without it loses the order.
    rewrites = SQLGlotCompiler.rewrites

    def visit_Field(self, op: Any, *, rel: Any, name: str) -> Any:  # noqa: N802 - the name that Ibis looks for
        """Ask for the column; Ibis would look at an option that only its own connection sets."""
        return SQLGlotCompiler.visit_Field(self, op, rel=rel, name=name)

    def visit_NonNullLiteral(self, op: Any, *, value: Any, dtype: Any) -> Any:  # noqa: N802
        """Write a number with its type: Spark reads 0.5 as a decimal, and the least of 64 bits as one too.

        Text with control characters is written by its bytes: Spark reads the usual marks for them otherwise.
        """
        if (
            dtype.is_string()
            and not value.isprintable()
            and any(ord(character) < _FIRST_PRINTED for character in value)
        ):
            return self.cast(self.f.unhex(value.encode().hex()), dt.string)
        if dtype.is_floating():
            return self.cast(sge.convert(repr(float(value))), dt.float64)
        if dtype.is_integer() and abs(value) >= _NEEDS_64_BITS:
            return self.cast(sge.convert(str(value)), dt.int64)
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def visit_IsNull(self, op: Any, *, arg: Any) -> Any:  # noqa: N802, ARG002
        """Ibis takes NaN for nothing on Spark, and not on DuckDB."""
        return arg.is_(NULL)

    def visit_NotNull(self, op: Any, *, arg: Any) -> Any:  # noqa: N802, ARG002
        """Ibis takes NaN for nothing on Spark, and not on DuckDB."""
        return arg.is_(NULL).not_()

    def visit_Divide(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        """Spark stops at a division by zero; DuckDB, like a processor, gives infinity or no number."""
        left, right = self._as_float(op.left, left), self._as_float(op.right, right)
        plain = sge.paren(left) / sge.paren(right)
        if isinstance(op.right, ops.NullIf) or (isinstance(op.right, ops.Literal) and op.right.value):
            return sge.paren(plain)
        zero = self.cast(sge.convert(0), dt.float64)
        # Only a zero's own sign, as it is written, tells which of the two zeros it is.
        is_below = self.f.substring(self.cast(right, dt.string), 1, 1).eq(sge.convert("-"))
        without_end = self.if_(is_below, self.NEG_INF, self.POS_INF)
        is_zero = self.f.abs(right).eq(zero)
        by_zero = self.if_(is_zero, sge.paren(left) * without_end, NULL)
        return self.f.coalesce(sge.paren(left) / self.if_(is_zero, NULL, right), by_zero)

    def _as_float(self, op: Any, arg: Any) -> Any:
        return arg if op.dtype.is_floating() and op.dtype.nbytes == 8 else self.cast(arg, dt.float64)

    def visit_Ln(self, op: Any, *, arg: Any) -> Any:  # noqa: N802, ARG002
        """Spark gives nothing for the logarithm of zero or less; DuckDB stops, and so does this."""
        return self._stop_where(arg <= self.cast(sge.convert(0), dt.float64), "logarithm of", arg, self.f.ln(arg))

    def visit_Sqrt(self, op: Any, *, arg: Any) -> Any:  # noqa: N802, ARG002
        """Spark gives no number for the root of what is below zero; DuckDB stops, and so does this."""
        return self._stop_where(arg < self.cast(sge.convert(0), dt.float64), "root of", arg, self.f.sqrt(arg))

    def _stop_where(self, condition: Any, word: str, arg: Any, otherwise: Any) -> Any:
        # The message rests on the value, so that no planner works the error out before any row is read.
        message = self.f.concat(sge.convert(f"out of range: {word} "), self.cast(arg, dt.string))
        return self.if_(condition, self.cast(self.f.anon.raise_error(message), dt.float64), otherwise)

    def visit_Round(self, op: Any, *, arg: Any, digits: Any) -> Any:  # noqa: N802, ARG002
        """Spark rounds the written number, DuckDB the binary one moved by a power of ten; the latter is done."""
        power = self.cast(sge.convert(float(10**op.digits.value)), dt.float64)
        moved = sge.paren(arg) * power
        is_too_large = self.f.abs(moved).eq(self.POS_INF)
        return self.if_(is_too_large, arg, self.f.round(moved, sge.convert(0)) / power)

    def visit_Mean(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802
        """Spark adds whole numbers as floats for a mean; DuckDB adds them exactly."""
        if not op.arg.dtype.is_integer():
            return super().visit_Mean(op, arg=arg, where=where)
        total = self.cast(self.agg.sum(self.cast(arg, _WIDE), where=where), dt.float64)
        counted = self.f.nullif(self.cast(self.agg.count(arg, where=where), dt.float64), 0)
        return sge.paren(total / counted)

    def visit_DateTruncate(self, op: Any, *, arg: Any, unit: Any) -> Any:  # noqa: N802, ARG002
        """Spark's own gives an instant, which on Sail ends with the year 2262; this stays a day."""
        year, one = self.f.year(arg), sge.convert(1)
        match op.unit.value:
            case "D":
                return arg
            case "M":
                return self.f.make_date(year, self.f.month(arg), one)
            case "Q":
                return self.f.make_date(year, self.f.quarter(arg) * sge.convert(3) - sge.convert(2), one)
        return self.f.make_date(year, one, one)

    def visit_Lowercase(self, op: Any, *, arg: Any) -> Any:  # noqa: N802, ARG002
        """Two capitals have a small letter of two characters, or one that rests on what follows; DuckDB's is taken."""
        return self.f.lower(self.f.translate(arg, sge.convert("İΣ"), sge.convert("iσ")))

    def visit_CountStar(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802, ARG002
        """Ibis counts rows under a condition as a sum, which is nothing where there is no row; DuckDB says zero."""
        one = sge.convert(1)
        return self.f.count(one if where is None else self.if_(where, one, NULL))

    def visit_Cast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802
        """DuckDB writes the zone behind an instant."""
        if op.arg.dtype.is_timestamp() and to.is_string():
            return self.f.concat(self.cast(arg, to), sge.convert("+00"))
        return super().visit_Cast(op, arg=arg, to=to)

    def visit_TryCast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802, ARG002
        """Both give nothing where a value does not fit; this asks for the signed type by name."""
        return sge.TryCast(this=arg, to=self.type_mapper.from_ibis(to), safe=True)


class GuardedText(SparkText):
    """For a server whose whole numbers wrap silently past 64 bits (Sail): they are added as decimals and checked.

    Such a server also tells the two zeros of a float apart, and loses what is no number among the least and the largest.
    """

    __slots__ = ()

    def visit_Min(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802
        """The least number; what is no number only where there is nothing else."""
        if not op.arg.dtype.is_floating():
            return super().visit_Min(op, arg=arg, where=where)
        numbers = self.if_(self.f.isnan(arg), NULL, arg)
        return self.f.coalesce(self.agg.min(numbers, where=where), self.agg.max(arg, where=where))

    def visit_Max(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802
        """What is no number stands above all numbers."""
        if not op.arg.dtype.is_floating():
            return super().visit_Max(op, arg=arg, where=where)
        others = self.if_(self.f.isnan(arg), arg, NULL)
        return self.f.coalesce(self.agg.max(others, where=where), self.agg.max(arg, where=where))

    def visit_Equals(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        """Compare with one zero."""
        return super().visit_Equals(op, left=self._one_zero(op.left, left), right=self._one_zero(op.right, right))

    def visit_NotEquals(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        """Compare with one zero."""
        return super().visit_NotEquals(op, left=self._one_zero(op.left, left), right=self._one_zero(op.right, right))

    def visit_Less(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        """Compare with one zero."""
        return super().visit_Less(op, left=self._one_zero(op.left, left), right=self._one_zero(op.right, right))

    def visit_LessEqual(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        """Compare with one zero."""
        return super().visit_LessEqual(op, left=self._one_zero(op.left, left), right=self._one_zero(op.right, right))

    def visit_Greater(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        """Compare with one zero."""
        return super().visit_Greater(op, left=self._one_zero(op.left, left), right=self._one_zero(op.right, right))

    def visit_GreaterEqual(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        """Compare with one zero."""
        return super().visit_GreaterEqual(op, left=self._one_zero(op.left, left), right=self._one_zero(op.right, right))

    def _one_zero(self, op: Any, arg: Any) -> Any:
        if not op.dtype.is_floating() or isinstance(op, ops.Literal):
            return arg
        return sge.paren(arg) + self.cast(sge.convert(0), dt.float64)

    def _checked(self, wide: Any, to: dt.DataType) -> Any:
        return self.cast(wide, to)

    def visit_Sum(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802
        """Add as decimals; what does not fit stops the query."""
        if not op.arg.dtype.is_integer():
            return super().visit_Sum(op, arg=arg, where=where)
        return self._checked(self.agg.sum(self.cast(arg, _WIDE), where=where), dt.int64)

    def visit_WindowFunction(self, op: Any, *, func: Any, **more: Any) -> Any:  # noqa: N802
        """The check stands around the window, not inside it."""
        if isinstance(op.func, ops.Sum) and op.func.arg.dtype.is_integer():
            return self._checked(super().visit_WindowFunction(op, func=func.this, **more), dt.int64)
        if isinstance(func, sge.Coalesce):
            parts = [func.this, *func.expressions]
            return self.f.coalesce(*(super(GuardedText, self).visit_WindowFunction(op, func=p, **more) for p in parts))
        return super().visit_WindowFunction(op, func=func, **more)

    def visit_Add(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        """Add, checked."""
        return self._reckon(op, sge.Add, left, right)

    def visit_Subtract(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        """Subtract, checked."""
        return self._reckon(op, sge.Sub, left, right)

    def visit_Multiply(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        """Multiply, checked."""
        return self._reckon(op, sge.Mul, left, right)

    def _reckon(self, op: Any, kind: type[sge.Expression], left: Any, right: Any) -> Any:
        is_whole = op.left.dtype.is_integer() and op.right.dtype.is_integer()
        if not is_whole:
            return sge.paren(kind(this=sge.paren(left), expression=sge.paren(right)))
        wide = kind(this=self.cast(left, _WIDE), expression=self.cast(right, _WIDE))
        return self._checked(wide, dt.int64)


def compile_for_spark(expression: ir.Table, *, wraps: bool) -> str:
    """Return the text of an expression as Spark understands it; ``wraps`` says that the server checks no overflow."""
    writer = GuardedText() if wraps else SparkText()
    sql: str = writer.to_sqlglot(expression).sql(dialect=writer.dialect)
    return sql
