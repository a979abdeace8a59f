"""Numbers as ``m * 2**n``, taken apart and put together: what exponentials and logarithms stand on.

AVX-512 has instructions for it. Elsewhere it is done on the bits.

Source: IEEE Std 754-2019, section 3.4, for the bits; Intel 64 and IA-32 Architectures Software
Developer's Manual, volume 2, VSCALEFPS, VGETEXPPS and VGETMANTPS.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir

from .lanes import I32, Vec, intrinsic

FLOAT, INTEGER = np.dtype(np.float32), np.dtype(np.int32)
LEAST_NORMAL = 2.0**-126
ALL = ir.IntType(16)(-1)  # lanes that an instruction of AVX-512 works on
ROUND_AS_SET = I32(4)
FROM_THREE_QUARTERS = I32(0b10_11)  # m in [0.75, 1.5), NaN for a negative number
THREE_QUARTERS = int(np.float32(0.75).view(np.int32))


def polynomial(x: Vec, coefficients: tuple[float, ...]) -> Vec:
    """By Horner's rule; the highest power comes first."""
    y = x.fma(coefficients[0], coefficients[1])
    for c in coefficients[2:]:
        y = y.fma(x, c)
    return y


def at_most(x: Vec, bound: float) -> Vec:
    """The smaller of both; NaN stays."""
    limit = x.code.number(bound, x.dtype)
    return (limit < x).select(limit, x)


def at_least(x: Vec, bound: float) -> Vec:
    """The larger of both; NaN stays."""
    limit = x.code.number(bound, x.dtype)
    return (limit > x).select(limit, x)


def copysign(x: Vec, sign: Vec) -> Vec:
    """``x``, which is not negative, with the sign bit of ``sign``."""
    return (x.bits(INTEGER) | sign_bit(sign)).bits(FLOAT)


def sign_bit(x: Vec) -> Vec:
    """The bits of 0.0 or -0.0."""
    return x.bits(INTEGER) & x.code.number(-(2**31), INTEGER)


def power_of_two(n: Vec) -> Vec:
    """``2**n`` for int32 n from -126 to 127; 0 for -127."""
    return ((n + 127) << 23).bits(FLOAT)


def scale(y: Vec, n: Vec) -> Vec:
    """``y * 2**n`` for whole n, rounded once; y about 1, n from -152 to 129."""
    if y.code.target.avx512:
        name = "llvm.x86.avx512.mask.scalef.ps.512"
        value = intrinsic(y.code, name, y.value.type,
                          y.value, n.value, y.value, ALL, ROUND_AS_SET)  # fmt: skip
        return Vec(y.code, value, FLOAT)
    whole = n.cast(INTEGER)
    half = whole >> 1  # 2**n itself may not be a number where y * 2**n is one
    return y * power_of_two(half) * power_of_two(whole - half)


def split(x: Vec) -> tuple[Vec, Vec]:
    """``n, m`` with ``x = m * 2**n``, n whole and m in [0.75, 1.5).

    0 gives n = -inf, inf gives n = inf; NaN and what is negative make one of the two NaN.
    """
    code, kind = x.code, x.value.type
    if code.target.avx512:
        m = intrinsic(code, "llvm.x86.avx512.mask.getmant.ps.512", kind,
                      x.value, FROM_THREE_QUARTERS, x.value, ALL, ROUND_AS_SET)  # fmt: skip
        m = Vec(code, m, FLOAT)
        return exponent(x) - exponent(m), m
    small = x < LEAST_NORMAL
    bits = small.select(x * 2.0**24, x).bits(INTEGER)
    n = (bits - THREE_QUARTERS) >> 23
    m = (bits - (n << 23)).bits(FLOAT)
    n = n.cast(FLOAT) - small.select(code.number(24), code.number(0))
    n = (x == np.inf).select(x, n)
    n = (x == 0).select(code.number(-np.inf), n)
    return (x >= 0).select(n, code.number(np.nan)), m


def exponent(x: Vec) -> Vec:
    """``floor(log2(abs(x)))``, with AVX-512."""
    name = "llvm.x86.avx512.mask.getexp.ps.512"
    value = intrinsic(x.code, name, x.value.type, x.value, x.value, ALL, ROUND_AS_SET)
    return Vec(x.code, value, FLOAT)
