"""A vector of numbers over LLVM's IR, with Python's operators.

Formulas read as they do on arrays: ``x * 0.5 + y``. A Python number takes the dtype of the Vec it
meets. The dtypes are NumPy's: bools, integers, float32 and float64.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from llvmlite import ir

if TYPE_CHECKING:
    from .code import Code

Operand: TypeAlias = "Vec | int | float"

FLOAT, DOUBLE, I32, I1 = ir.FloatType(), ir.DoubleType(), ir.IntType(32), ir.IntType(1)


def element_type(dtype: np.dtype[Any]) -> ir.Type:
    """The IR type of one number; a bool is one bit."""
    if dtype.kind == "b":
        return I1
    if dtype.kind == "f":
        return {2: ir.HalfType(), 4: FLOAT, 8: DOUBLE}[dtype.itemsize]
    return ir.IntType(8 * dtype.itemsize)


def memory_type(dtype: np.dtype[Any]) -> ir.Type:
    """The IR type of one number in memory; a bool is a byte."""
    return ir.IntType(8) if dtype.kind == "b" else element_type(dtype)


def short(kind: ir.Type) -> str:
    """The name of a type in those of LLVM's intrinsics: ``v16f32``."""
    if isinstance(kind, ir.VectorType):
        return f"v{kind.count}{short(kind.element)}"
    names = {"float": "f32", "double": "f64", "half": "f16", "ptr": "p0"}
    return names.get(str(kind), str(kind))


def intrinsic(code: Code, name: str, result: ir.Type, *operands: ir.Value) -> ir.Value:
    """Call one of LLVM's intrinsics; ``name`` without the types."""
    module = code.module
    function = module.globals.get(name)
    if function is None:
        kind = ir.FunctionType(result, [x.type for x in operands])
        function = ir.Function(module, kind, name)
    return code.b.call(function, operands)


def number(code: Code, x: Any, dtype: np.dtype[Any], lanes: int | None = None) -> Vec:
    """A number in all lanes, rounded to ``dtype``."""
    exact = dtype.type(x)
    plain = float(exact) if dtype.kind == "f" else int(exact)
    # as text: 0.0 == -0.0, and NaN is no key
    return Vec(code, _constant(repr(plain), dtype, lanes or code.lanes), dtype)


@functools.lru_cache(4096)
def _constant(plain: str, dtype: np.dtype[Any], lanes: int) -> ir.Constant:
    """One constant for each number: its text, which takes long to write, is written once."""
    kind = element_type(dtype)
    literal: Any = ir.Constant(kind, float(plain) if dtype.kind == "f" else int(plain))
    return ir.Constant(ir.VectorType(kind, lanes), [literal] * lanes)


class Vec:
    """As many numbers as there are lanes.

    Attributes:
        value: the IR value.
        dtype: NumPy's.
    """

    __slots__ = ("code", "value", "dtype")

    def __init__(self, code: Code, value: ir.Value, dtype: np.dtype[Any]):
        self.code, self.value, self.dtype = code, value, dtype

    # -- memory ------------------------------------------------------------------------------

    @staticmethod
    def splat(code: Code, x: ir.Value, dtype: np.dtype[Any]) -> Vec:
        """One number in all lanes."""
        kind = ir.VectorType(x.type, code.lanes)
        undefined = ir.Constant(kind, ir.Undefined)
        first = code.b.insert_element(undefined, x, I32(0))
        zeros = ir.Constant(ir.VectorType(I32, code.lanes), [0] * code.lanes)
        return Vec(code, code.b.shuffle_vector(first, undefined, zeros), dtype)

    @staticmethod
    def load(code: Code, place: ir.Value, dtype: np.dtype[Any], mask: ir.Value | None) -> Vec:
        """Neighbours in memory; lanes that a mask leaves out are not read and hold 0."""
        kind = ir.VectorType(memory_type(dtype), code.lanes)
        if mask is None:
            value = code.b.load(place, typ=kind, align=1)
        else:
            value = intrinsic(code, f"llvm.masked.load.{short(kind)}.p0", kind,
                              place, I32(1), mask, ir.Constant(kind, None))  # fmt: skip
        if dtype.kind == "b":
            value = code.b.trunc(value, ir.VectorType(I1, code.lanes))
        return Vec(code, value, dtype)

    def store(self, place: ir.Value, mask: ir.Value | None) -> None:
        """The lanes of a mask (None: all), as neighbours in memory."""
        code, value = self.code, self.value
        if self.dtype == bool:
            value = code.b.zext(value, ir.VectorType(ir.IntType(8), code.lanes))
        if mask is None:
            code.b.store(value, place, align=1)
        else:
            intrinsic(code, f"llvm.masked.store.{short(value.type)}.p0", ir.VoidType(),
                      value, place, I32(1), mask)  # fmt: skip

    def lane(self, i: int) -> ir.Value:
        """One number of it."""
        return self.code.b.extract_element(self.value, I32(i))

    # -- arithmetic --------------------------------------------------------------------------

    def _other(self, x: Operand) -> Vec:
        return x if isinstance(x, Vec) else number(self.code, x, self.dtype)

    def _new(self, value: ir.Value, dtype: Any = None) -> Vec:
        return Vec(self.code, value, self.dtype if dtype is None else np.dtype(dtype))

    def _binary(self, name: str, other: Operand) -> Vec:
        emit = getattr(self.code.b, ("f" if self.dtype.kind == "f" else "") + name)
        return self._new(emit(self.value, self._other(other).value))

    def __add__(self, other: Operand) -> Vec:
        return self._binary("add", other)

    def __sub__(self, other: Operand) -> Vec:
        return self._binary("sub", other)

    def __mul__(self, other: Operand) -> Vec:
        return self._binary("mul", other)

    def __truediv__(self, other: Operand) -> Vec:
        return self._binary("div", other)

    def __radd__(self, other: Operand) -> Vec:
        return self._other(other) + self

    def __rsub__(self, other: Operand) -> Vec:
        return self._other(other) - self

    def __rmul__(self, other: Operand) -> Vec:
        return self._other(other) * self

    def __rtruediv__(self, other: Operand) -> Vec:
        return self._other(other) / self

    def __neg__(self) -> Vec:
        b = self.code.b
        return self._new(b.fneg(self.value) if self.dtype.kind == "f" else b.neg(self.value))

    def __and__(self, other: Vec) -> Vec:
        return self._new(self.code.b.and_(self.value, other.value))

    def __or__(self, other: Vec) -> Vec:
        return self._new(self.code.b.or_(self.value, other.value))

    def __xor__(self, other: Vec) -> Vec:
        return self._new(self.code.b.xor(self.value, other.value))

    def __invert__(self) -> Vec:
        return self._new(self.code.b.not_(self.value))

    def __lshift__(self, count: int) -> Vec:
        return self._binary("shl", count)

    def __rshift__(self, count: int) -> Vec:
        """The sign of a signed integer fills the place."""
        return self._binary("ashr" if self.dtype.kind == "i" else "lshr", count)

    def fma(self, b: Operand, c: Operand) -> Vec:
        """``self * b + c``, rounded once where the processor can."""
        if not self.code.target.fma:  # LLVM would call C's fma for each number
            return self * b + c
        return self._call("fma", self._other(b), self._other(c))

    def _call(self, name: str, *others: Vec) -> Vec:
        kind = self.value.type
        values = [self.value, *[x.value for x in others]]
        return self._new(intrinsic(self.code, f"llvm.{name}.{short(kind)}", kind, *values))

    def sqrt(self) -> Vec:
        """Square root, rightly rounded."""
        return self._call("sqrt")

    def rint(self) -> Vec:
        """The nearest integer, ties to even."""
        return self._call("rint")

    def floor(self) -> Vec:
        """The next integer below."""
        return self._call("floor")

    def ceil(self) -> Vec:
        """The next integer above."""
        return self._call("ceil")

    def trunc(self) -> Vec:
        """The integer part."""
        return self._call("trunc")

    def abs(self) -> Vec:
        """The absolute value."""
        if self.dtype.kind == "f":
            return self._call("fabs")
        return (self < 0).select(-self, self) if self.dtype.kind == "i" else self

    def maximum(self, other: Operand) -> Vec:
        """The larger one; NaN if one is."""
        y = self._other(other)
        if self.dtype.kind != "f":
            return (self > y).select(self, y)
        # ordered in the way that a NaN of either side comes through
        return (self > y).select(self, (self == self).select(y, self))

    def minimum(self, other: Operand) -> Vec:
        """The smaller one; NaN if one is."""
        y = self._other(other)
        if self.dtype.kind != "f":
            return (self < y).select(self, y)
        return (self < y).select(self, (self == self).select(y, self))

    # -- comparisons -------------------------------------------------------------------------

    def _compare(self, sign: str, other: Operand) -> Vec:
        b, y = self.code.b, self._other(other)
        if self.dtype.kind == "f":  # NaN is unequal to all
            emit = b.fcmp_unordered if sign == "!=" else b.fcmp_ordered
        else:
            emit = b.icmp_signed if self.dtype.kind == "i" else b.icmp_unsigned
        return self._new(emit(sign, self.value, y.value), np.bool_)

    def __lt__(self, other: Operand) -> Vec:
        return self._compare("<", other)

    def __le__(self, other: Operand) -> Vec:
        return self._compare("<=", other)

    def __gt__(self, other: Operand) -> Vec:
        return self._compare(">", other)

    def __ge__(self, other: Operand) -> Vec:
        return self._compare(">=", other)

    def __eq__(self, other: Operand) -> Vec:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._compare("==", other)

    def __ne__(self, other: Operand) -> Vec:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._compare("!=", other)

    __hash__ = object.__hash__  # pyright: ignore[reportAssignmentType]

    def select(self, a: Vec, b: Vec) -> Vec:
        """``a`` where this is set, else ``b``."""
        return a._new(self.code.b.select(self.value, a.value, b.value))

    # -- dtypes ------------------------------------------------------------------------------

    def cast(self, dtype: Any) -> Vec:
        """In another dtype, by C's rules."""
        to = np.dtype(dtype)
        if to == self.dtype:
            return self
        b, kind = self.code.b, ir.VectorType(element_type(to), self.code.lanes)
        signed = self.dtype.kind == "i"
        if to.kind == "b":
            return self != 0
        if to.kind == "f":
            if self.dtype.kind == "f":
                widen = to.itemsize > self.dtype.itemsize
                value = (b.fpext if widen else b.fptrunc)(self.value, kind)
            else:
                value = (b.sitofp if signed else b.uitofp)(self.value, kind)
        elif self.dtype.kind == "f":
            value = (b.fptosi if to.kind == "i" else b.fptoui)(self.value, kind)
        elif to.itemsize < self.dtype.itemsize:
            value = b.trunc(self.value, kind)
        elif to.itemsize > self.dtype.itemsize or self.dtype == bool:
            value = (b.sext if signed else b.zext)(self.value, kind)
        else:
            value = self.value
        return Vec(self.code, value, to)

    def bits(self, dtype: Any) -> Vec:
        """The same bits, read as another dtype of the same size."""
        to = np.dtype(dtype)
        kind = ir.VectorType(element_type(to), self.code.lanes)
        return Vec(self.code, self.code.b.bitcast(self.value, kind), to)

    # -- across lanes ------------------------------------------------------------------------

    def _halved(self, step: int) -> Vec:
        """The lanes ``step`` further on."""
        lanes = self.code.lanes
        order = [(i + step) % lanes for i in range(lanes)]
        mask = ir.Constant(ir.VectorType(I32, lanes), order)
        return self._new(self.code.b.shuffle_vector(self.value, self.value, mask))

    def across(self, combine: Any) -> Vec:
        """All lanes combined, in all lanes; in the same order always."""
        x, step = self, self.code.lanes // 2
        while step:
            x, step = combine(x, x._halved(step)), step // 2
        return x


def first_lanes(code: Code, width: int) -> ir.Constant:
    """A mask of the first ``width`` lanes."""
    kind = ir.VectorType(I1, code.lanes)
    return ir.Constant(kind, [I1(int(i < width)) for i in range(code.lanes)])
