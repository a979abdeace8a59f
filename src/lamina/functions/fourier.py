"""Discrete Fourier transforms, in one and several dimensions.

Kernels of NumPy's. Each is linear, and its derivative another of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from ..arrays import DType
from ..core import Function, Variable
from ..errors import DTypeError, RangeError, ShapeError
from .arrange import pad, roll
from .imaginary import CONJ, REAL
from .index import PutItem, get_item
from .operand import as_axes, as_floating, as_integer, as_variable, beside

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "fft",
    "ifft",
    "rfft",
    "irfft",
    "fft2",
    "ifft2",
    "rfft2",
    "irfft2",
    "fftn",
    "ifftn",
    "rfftn",
    "irfftn",
    "fftshift",
    "ifftshift",
]

Norm: TypeAlias = Literal["backward", "ortho", "forward"]

NORMS: dict[Any, Norm] = {"backward": "forward", "ortho": "ortho", "forward": "backward"}
"""How the transform back is scaled where this one is."""


class FFT(Function):
    """``y[k] = Σ x[j] e**(-2πi jk/n)`` over axes, or with ``+`` for the inverse. The matrix is
    symmetric, so the derivative is the transform itself.
    """

    axes: tuple[int, ...]
    norm: Norm
    inverse: bool

    def forward(self, x):
        transform = np.fft.ifftn if self.inverse else np.fft.fftn
        return transform(x, axes=self.axes, norm=self.norm)

    def backward(self, gy):
        return self(gy)

    def spec(self, x):
        return x.shape, _complex(x.dtype)


class RFFT(Function):
    """The first half of the transform of real numbers over one axis; the rest is its conjugate. A
    primitive for speed: half the work.
    """

    axis: int
    length: int
    norm: Norm

    def forward(self, x):
        return np.fft.rfft(x, axis=self.axis, norm=self.norm)

    def backward(self, gy):
        shape = list(gy.shape)
        shape[self.axis] = self.length
        half = (*[slice(None)] * self.axis, slice(0, gy.shape[self.axis]))
        whole = PutItem(half, tuple(shape))(gy)
        return REAL(FFT((self.axis,), self.norm, False)(whole))

    def spec(self, x):
        shape = list(x.shape)
        shape[self.axis] = self.length // 2 + 1
        return tuple(shape), _complex(x.dtype)


class IRFFT(Function):
    """The ``length`` real numbers whose `RFFT` is x."""

    axis: int
    length: int
    norm: Norm

    def forward(self, x):
        return np.fft.irfft(x, self.length, self.axis, self.norm)

    def backward(self, gy, x):
        n, k = self.length, x.shape[self.axis]
        twice = np.full(k, 2.0, gy.dtype)
        twice[:: n // 2 if n % 2 == 0 and n > 1 else k] = 1  # 0 and n/2 stand for themselves
        twice = twice.reshape(-1, *[1] * (x.ndim - 1 - self.axis))
        half = RFFT(self.axis, n, NORMS[self.norm])(gy)
        return CONJ(half * beside(twice, gy.data))

    def spec(self, x):
        shape = list(x.shape)
        shape[self.axis] = self.length
        return tuple(shape), np.empty(0, x.dtype).real.dtype


def _complex(dtype: DType) -> DType:
    return np.result_type(dtype, np.complex64)


# -- one dimension -------------------------------------------------------------------------------


def fft(x: ArrayLike, n: int | None = None, axis: int = -1, norm: str = "backward") -> Variable:
    """The discrete Fourier transform along an axis: ``y[k] = Σ x[j] e**(-2πi jk/n)``.

    Args:
        x: any shape but (), real or complex.
        n: to which length ``x`` is cut, or filled with zeros, first; None means its own.
        axis: along which.
        norm: ``"backward"`` as it stands; ``"forward"`` divided by n; ``"ortho"`` by √n.
    Returns:
        Shape of ``x``, with ``n`` along the axis; complex128 for float64, else complex64.
    Raises:
        RangeError: if there is no such axis or norm, or ``n`` is below 1.
        ShapeError: if the axis is empty.
    Source:
        J. Cooley and J. Tukey, "An Algorithm for the Machine Calculation of Complex Fourier
        Series", 1965, by way of NumPy.
    Example:
        >>> fft([1.0, 0.0, -1.0, 0.0])
        Variable([0.+0.j, 2.+0.j, 0.+0.j, 2.+0.j], complex128)
    """
    return _transformed(x, None if n is None else (n,), (axis,), norm, False, "fft")


def ifft(x: ArrayLike, n: int | None = None, axis: int = -1, norm: str = "backward") -> Variable:
    """The inverse of `fft`: ``y[j] = 1/n Σ x[k] e**(2πi jk/n)``; arguments and errors as there.

    With ``norm="forward"`` it is not divided by n, with ``"ortho"`` by √n.
    """
    return _transformed(x, None if n is None else (n,), (axis,), norm, True, "ifft")


def rfft(x: ArrayLike, n: int | None = None, axis: int = -1, norm: str = "backward") -> Variable:
    """`fft` of real numbers: its first half, of which the other is the conjugate.

    Args:
        x: any shape but (), real.
        n: to which length ``x`` is cut, or filled with zeros, first; None means its own.
        axis: along which.
        norm: as in `fft`.
    Returns:
        Shape of ``x``, with ``n // 2 + 1`` along the axis; complex128 for float64, else complex64.
    Raises:
        DTypeError: if ``x`` is complex.
        RangeError: if there is no such axis or norm, or ``n`` is below 1.
        ShapeError: if the axis is empty.
    """
    return rfftn(x, None if n is None else (n,), (axis,), norm)


def irfft(x: ArrayLike, n: int | None = None, axis: int = -1, norm: str = "backward") -> Variable:
    """The real numbers whose `rfft` is ``x``.

    Args:
        x: any shape but (), complex: ``n // 2 + 1`` numbers along the axis count. The imaginary
            parts of the first, and for even n of the last, do not.
        n: the length of the result; None means ``2 (m - 1)`` for m along the axis.
        axis: along which.
        norm: as in `ifft`.
    Returns:
        Shape of ``x``, with ``n`` along the axis; the dtype of its parts.
    Raises:
        RangeError: if there is no such axis or norm, or ``n`` is below 1.
        ShapeError: if the axis is empty.
    Example:
        >>> irfft(rfft([1.0, 2.0, 4.0]), 3)
        Variable([1., 2., 4.], float64)
    """
    return irfftn(x, None if n is None else (n,), (axis,), norm)


# -- several dimensions --------------------------------------------------------------------------


def fftn(
    x: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str = "backward",
) -> Variable:
    """`fft` along several axes, one after the other.

    Args:
        x: any shape but (), real or complex.
        s: to which lengths the axes are cut, or filled with zeros, first; None means their own.
        axes: along which; None means all, or the last as many as ``s`` has lengths.
        norm: as in `fft`, with the product of all lengths for n.
    Returns:
        Shape of ``x``, with ``s`` along the axes; complex128 for float64, else complex64.
    Raises:
        RangeError: if there is no such axis or norm, an axis is named twice, or a length is
            below 1.
        ShapeError: if an axis is empty, or there are not as many lengths as axes.
    """
    return _transformed(x, s, axes, norm, False, "fftn")


def ifftn(
    x: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str = "backward",
) -> Variable:
    """The inverse of `fftn`: `ifft` along several axes."""
    return _transformed(x, s, axes, norm, True, "ifftn")


def rfftn(
    x: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str = "backward",
) -> Variable:
    """`fftn` of real numbers: `rfft` along the last of the axes, `fft` along the others.

    Arguments and errors as in `fftn`; DTypeError if ``x`` is complex.
    """
    v = _ready(x, "rfft")
    if v.dtype.kind == "c":
        raise DTypeError(f"rfft: x should be real, got {v.dtype}; fft takes complex numbers")
    v, places = _fitted(v, s, axes, "rfft")
    last = places[-1]
    scale = _known(norm, "rfft")
    y = RFFT(last, v.shape[last], scale)(v)
    return FFT(places[:-1], scale, False)(y) if places[:-1] else y


def irfftn(
    x: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str = "backward",
) -> Variable:
    """The real numbers whose `rfftn` is ``x``: `ifft` along the axes, `irfft` along the last.

    Arguments and errors as in `fftn`; the last length of ``s`` is that of the result, None means
    ``2 (m - 1)`` for m along that axis.
    """
    v = _ready(x, "irfft")
    places = _axes(v, s, axes, "irfft")
    length = 2 * (v.shape[places[-1]] - 1) if s is None else as_integer(s[-1], "irfft: a length")
    if length < 1:
        raise RangeError(f"irfft: n should be 1 or more, got {length}")
    kept = None if s is None else (*s[:-1], length // 2 + 1)
    v, places = _fitted(v, kept, places, "irfft")
    if places[:-1]:
        v = FFT(places[:-1], _known(norm, "irfft"), True)(v)
    v = v if v.dtype.kind == "c" else v.astype(_complex(v.dtype))
    return IRFFT(places[-1], length, _known(norm, "irfft"))(v)


def fft2(
    x: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] = (-2, -1),
    norm: str = "backward",
) -> Variable:
    """`fftn` along two axes, the last ones."""
    return fftn(x, s, axes, norm)


def ifft2(
    x: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] = (-2, -1),
    norm: str = "backward",
) -> Variable:
    """`ifftn` along two axes, the last ones."""
    return ifftn(x, s, axes, norm)


def rfft2(
    x: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] = (-2, -1),
    norm: str = "backward",
) -> Variable:
    """`rfftn` along two axes, the last ones."""
    return rfftn(x, s, axes, norm)


def irfft2(
    x: ArrayLike,
    s: Sequence[int] | None = None,
    axes: Sequence[int] = (-2, -1),
    norm: str = "backward",
) -> Variable:
    """`irfftn` along two axes, the last ones."""
    return irfftn(x, s, axes, norm)


def _transformed(
    x: ArrayLike, s: Any, axes: Any, norm: str, inverse: bool, operation: str
) -> Variable:
    v, places = _fitted(_ready(x, operation), s, axes, operation)
    return FFT(places, _known(norm, operation), inverse)(v)


def _ready(x: ArrayLike, operation: str) -> Variable:
    """A Variable; float16 in float32, which NumPy transforms."""
    v = as_floating(x, operation)
    return v.astype(np.float32) if v.dtype == np.float16 else v


def _known(norm: Any, operation: str) -> Norm:
    if norm not in NORMS:
        raise RangeError(f"{operation}: norm should be one of {', '.join(NORMS)}, got {norm!r}")
    return norm


def _axes(v: Variable, s: Any, axes: Any, operation: str) -> tuple[int, ...]:
    if axes is None:
        count = v.ndim if s is None else len(s)
        axes = tuple(range(-count, 0))
    places = as_axes(tuple(axes), v.ndim, f"{operation} of {v.shape}")
    if not places or (s is not None and len(s) != len(places)):
        raise ShapeError(
            f"{operation}: x of shape {v.shape} needs an axis or more, and as many lengths, got "
            f"axes {places} and lengths {s}"
        )
    return places


def _fitted(v: Variable, s: Any, axes: Any, operation: str) -> tuple[Variable, tuple[int, ...]]:
    """Cut, or filled with zeros, along the axes; and these counted from the front."""
    places = _axes(v, s, axes, operation)
    for i, length in zip(places, [v.shape[i] for i in places] if s is None else s):
        n, have = as_integer(length, f"{operation}: a length"), v.shape[i]
        if s is not None and n < 1:
            raise RangeError(f"{operation}: n should be 1 or more, got {n}")
        if n < have:
            v = get_item(v, (*[slice(None)] * i, slice(0, n)))
        elif n > have:
            v = pad(v, [(0, n - have if k == i else 0) for k in range(v.ndim)])
        if not n:
            raise ShapeError(f"{operation}: axis {i} of {v.shape} is empty")
    return v, places


# -- order ---------------------------------------------------------------------------------------


def fftshift(x: ArrayLike, axes: Any = None) -> Variable:
    """Frequency 0 moved to the middle: what `fft` gives first and second half exchanged.

    Args:
        x: any shape and dtype.
        axes: one or several; None means all.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        RangeError: if there is no such axis.
    Example:
        >>> fftshift([0, 1, 2, -2, -1])
        Variable([-2, -1,  0,  1,  2], int64)
    """
    return _shifted(x, axes, 1, "fftshift")


def ifftshift(x: ArrayLike, axes: Any = None) -> Variable:
    """The inverse of `fftshift`: the middle moved to the front; the same for even lengths."""
    return _shifted(x, axes, -1, "ifftshift")


def _shifted(x: ArrayLike, axes: Any, way: int, operation: str) -> Variable:
    v = as_variable(x, operation)
    places = range(v.ndim) if axes is None else as_axes(axes, v.ndim, f"{operation} of {v.shape}")
    shifts = tuple([way * (v.shape[i] // 2) for i in places])
    return roll(v, shifts, tuple(places)) if shifts else v + 0
