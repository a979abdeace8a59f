"""Complex numbers made of real ones, and taken apart: complex, polar, real, imag, ...

A gradient of complex numbers ``a + ib`` is ``∂a + i ∂b``, the direction in which the result grows
fastest, as in PyTorch: docs/decisions/0009-the-conjugate-stands-at-the-border.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core import Function, Variable
from ..errors import DTypeError
from .arith import POS
from .compare import where
from .operand import as_floating, as_floating_pair, as_variable, register
from .trig import COS, SIN, arctan2

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["complex", "polar", "real", "imag", "conj", "angle"]


class Real(Function):
    """The real part; a kernel, for a program has no instruction for it."""

    views = True

    def forward(self, x):
        return np.real(x)

    def backward(self, gy):
        return gy

    def spec(self, x):
        return x.shape, np.empty(0, x.dtype).real.dtype


class Conj(Function):
    """``a - ib`` of ``a + ib``."""

    def forward(self, x):
        return np.conjugate(x)

    def backward(self, gy):
        return CONJ(gy)


def conj(x: ArrayLike) -> Variable:
    """The conjugate, elementwise: ``y = a - ib`` of ``a + ib``; of real numbers a copy.

    Args:
        x: any shape, real or complex.
    Returns:
        Shape and dtype of ``x``.
    """
    return CONJ(x)


def real(x: ArrayLike) -> Variable:
    """The real part of complex numbers, a view; of real numbers a copy."""
    v = as_variable(x, "real")
    return REAL(v) if v.dtype.kind == "c" else POS(v)


REAL, CONJ = Real(), Conj()


class Complex(Function):
    """``a + ib``. A kernel: the formula would make NaN of ``i`` times infinity."""

    def forward(self, a, b):
        dtype = self.dtype(a, b)
        pairs = np.stack(np.broadcast_arrays(a, b), -1)
        return pairs.astype(np.real(np.empty(0, dtype)).dtype).view(dtype)[..., 0]

    def dtype(self, a, b):
        return np.result_type(a.dtype, b.dtype, np.complex64)

    def backward(self, gy):
        return (lambda: REAL(gy)), (lambda: -IMAG(gy))

    def spec(self, a, b):
        return np.broadcast_shapes(a.shape, b.shape), self.dtype(a, b)


class Imag(Function):
    """The imaginary part of complex numbers; a kernel, as `Real`."""

    views = True

    def forward(self, x):
        return np.imag(x)

    def backward(self, gy):
        return gy * -1j

    def spec(self, x):
        return x.shape, np.empty(0, x.dtype).imag.dtype


COMPLEX, IMAG = Complex(), Imag()


def complex(a: ArrayLike, b: ArrayLike) -> Variable:
    """Complex numbers of their parts, elementwise: ``y = a + ib``.

    Args:
        a: any shape, real.
        b: a shape that broadcasts with that of ``a``; real.
    Returns:
        The broadcast shape; complex128 for float64 and integers, else complex64.
    Raises:
        DTypeError: if a part is complex.
    Example:
        >>> complex([1.0, 2.0], 3.0)
        Variable([1.+3.j, 2.+3.j], complex128)
    """
    v, w = as_floating_pair(a, b, "complex")
    if "c" in (v.dtype.kind, w.dtype.kind):
        raise DTypeError(f"complex: parts should be real, got {v.dtype} and {w.dtype}")
    return COMPLEX(v, w)


def polar(size: ArrayLike, angle: ArrayLike) -> Variable:
    """Complex numbers of their size and angle, elementwise: ``y = r (cos φ + i sin φ)``.

    Args:
        size: any shape, real.
        angle: in radians; a shape that broadcasts with that of ``size``.
    Returns:
        The broadcast shape; complex128 for float64 and integers, else complex64.
    Raises:
        DTypeError: if one is complex.
    """
    r, phi = as_floating_pair(size, angle, "polar")
    return complex(r * COS(phi), r * SIN(phi))


def imag(x: ArrayLike) -> Variable:
    """The imaginary part of complex numbers, a view; of real numbers zeros.

    Args:
        x: any shape, real or complex.
    Returns:
        Shape of ``x``, the dtype of its parts.
    """
    v = as_floating(x, "imag")
    return IMAG(v) if v.dtype.kind == "c" else where(False, v, 0)  # also of infinity


def angle(x: ArrayLike) -> Variable:
    """The angle of complex numbers in the plane, in [-π, π], elementwise.

    Args:
        x: any shape, real or complex: of negative real numbers it is π.
    Returns:
        Shape of ``x``, the dtype of its parts. The derivative at 0 is taken as 0.
    Example:
        >>> angle([1.0, 1.0j, -1.0])
        Variable([0.        , 1.57079633, 3.14159265], float64)
    """
    v = as_variable(x, "angle")
    return arctan2(imag(v), v.real)


register(
    conj=conj,
    real=property(lambda self: real(self), doc="The real part: `real`."),
)
