"""Sine, cosine, tangent and arctangent on vectors of float32.

Source: W. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980, chapter 8: what
    remains of x / (π/2) is found with π/2 in two parts, here of float64; the parts are those of
    FreeBSD's e_rem_pio2.c (Sun Microsystems, 1993). Chapter 11 for the arctangent.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir

from .code import Code
from .lanes import DOUBLE, Vec
from .scaling import FLOAT, INTEGER, copysign, polynomial

QUARTER_HIGH = 1.57079632673412561417  # the first 33 bits of π/2
QUARTER_LOW = 6.07710050650619224932e-11
LARGE = 1e6  # beyond this the products with QUARTER_HIGH are not exact

SIN = (-0.0001951839221874252, 0.008332190103828907, -0.16666655242443085)
"""``(sin(r) - r) / r**3`` in ``r**2`` for |r| <= π/4; 2**-28 of the sine."""

COS = (2.4432329155388288e-05, -0.0013887309469282627, 0.04166664555668831)
"""``(cos(r) - 1 + r**2 / 2) / r**4`` in ``r**2``; 2**-33."""

ATAN = (-0.06092793866991997, 0.1060018837451935, -0.14244511723518372, 0.1999853253364563,
        -0.33333316445350647)  # fmt: skip
"""``(atan(t) - t) / t**3`` in ``t**2`` for |t| <= tan(π/8); 2**-30 of the arctangent."""


def sin(x: Vec) -> Vec:
    """Sine, to 1.6 units in the last place."""
    return (x.abs() < 2.0**-13).select(x, _wave(x, 0, "sin"))  # -0 stays -0


def cos(x: Vec) -> Vec:
    """Cosine, to 1.6 units in the last place."""
    return _wave(x, 1, "cos")


def tan(x: Vec) -> Vec:
    """Tangent, to 3.7 units in the last place."""
    n, r = _reduced(x)
    odd, even = _parts(r)
    turned = _bit(n, 1)
    y = turned.select(-even, odd) / turned.select(odd, even)
    return (x.abs() < 2.0**-13).select(x, _exact_where_large(x, y, "tan"))


def arctan(x: Vec) -> Vec:
    """Arctangent, to 2.6 units in the last place."""
    code, y = x.code, x.abs()
    zero, one = code.number(0.0), code.number(1.0)
    middle, far = y > math.tan(math.pi / 8), y > math.tan(3 * math.pi / 8)
    above = far.select(-one, middle.select(y - 1.0, y))
    below = far.select(y, middle.select(y + 1.0, one))
    start = far.select(code.number(math.pi / 2), middle.select(code.number(math.pi / 4), zero))
    t = above / below
    z = t * t
    return copysign(start + (t * z).fma(polynomial(z, ATAN), t), x)


def _wave(x: Vec, quarters: int, name: str) -> Vec:
    """``sin(x + quarters * π/2)``"""
    n, r = _reduced(x)
    n = n + quarters
    odd, even = _parts(r)
    y = _bit(n, 1).select(even, odd)
    negative = (n & n.code.number(2, INTEGER)) << 30
    return _exact_where_large(x, (y.bits(INTEGER) ^ negative).bits(FLOAT), name)


def _bit(n: Vec, bit: int) -> Vec:
    """Whether a bit of n is set."""
    return (n & n.code.number(bit, INTEGER)) != 0


def _parts(r: Vec) -> tuple[Vec, Vec]:
    """Sine and cosine for |r| <= π/4."""
    z = r * r
    return (r * z).fma(polynomial(z, SIN), r), (z * z).fma(polynomial(z, COS), 1.0 - z * 0.5)


def _reduced(x: Vec) -> tuple[Vec, Vec]:
    """``n, r`` with ``x = n π/2 + r`` and |r| <= π/4."""
    wide = x.cast(np.float64)
    n = (wide * (2 / math.pi)).rint()
    r = n.fma(-QUARTER_LOW, n.fma(-QUARTER_HIGH, wide))
    return n.cast(np.float32).cast(INTEGER), r.cast(np.float32)


def _exact_where_large(x: Vec, y: Vec, name: str) -> Vec:
    """``y``, but the function of C's library, in float64, where x is large and finite."""
    code, b = x.code, x.code.b
    large = (x.abs() > LARGE) & (x.abs() < np.inf)
    some = b.icmp_unsigned("!=", b.bitcast(large.value, ir.IntType(code.lanes)),
                           ir.IntType(code.lanes)(0))  # fmt: skip
    before = b.block
    arguments, results = code.reserve(4 * code.lanes), code.reserve(4 * code.lanes)
    with b.if_then(some, likely=False):
        code.store(x, arguments)
        code.store(y, results)
        code.call(f"large_{name}", lambda inner, *at: _each(inner, name, *at), arguments, results)
        exact, after = code.load(results), b.block
    joined = b.phi(y.value.type)
    joined.add_incoming(y.value, before)
    joined.add_incoming(exact.value, after)
    return Vec(code, joined, y.dtype)


def _each(code: Code, name: str, arguments: ir.Value, results: ir.Value) -> None:
    """One number after the other."""
    b = code.b
    kind = ir.FunctionType(DOUBLE, [DOUBLE])
    function = code.module.globals.get(name) or ir.Function(code.module, kind, name)
    for i in code.loop(0, code.lanes):
        x = b.fpext(code.scalar(arguments, i), DOUBLE)
        size = b.call(code.module.declare_intrinsic("llvm.fabs", [DOUBLE]), [x])
        large = b.fcmp_ordered(">", size, DOUBLE(LARGE))
        finite = b.fcmp_ordered("<", size, DOUBLE(np.inf))
        with code.when(b.and_(large, finite)):
            code.put(b.fptrunc(b.call(function, [x]), ir.FloatType()), results, i)
