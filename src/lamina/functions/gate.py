"""Gates: one half of the numbers along an axis decides how much of the other half passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core import Variable
from ..errors import ShapeError
from .activation import RELU, SIGMOID, silu
from .gauss import gelu
from .join import split
from .operand import as_axis, as_variable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["glu", "reglu", "geglu", "swiglu"]


def glu(x: ArrayLike, axis: int = -1) -> Variable:
    """Gated linear unit: ``y = a sigmoid(b)``, where a and b are the halves of ``x``.

    Args:
        x: any shape but (), floating; the first half along ``axis`` is a, the second b.
        axis: which is cut in two; 1 for the channels of images.
    Returns:
        Shape of ``x`` with ``axis`` half as long, its dtype.
    Raises:
        RangeError: if there is no such axis.
        ShapeError: if its length is odd.
    Source:
        Y. Dauphin et al., "Language Modeling with Gated Convolutional Networks", 2017, equation 1.
    Example:
        >>> glu([2.0, 4.0, 0.0, 1000.0])
        Variable([1., 4.], float64)
    """
    a, b = _halves(x, axis, "glu")
    return a * SIGMOID(b)


def reglu(x: ArrayLike, axis: int = -1) -> Variable:
    """`glu` with `relu` for the sigmoid: ``y = a max(b, 0)``.

    Source:
        N. Shazeer, "GLU Variants Improve Transformer", 2020, section 2; there b is written first.
    """
    a, b = _halves(x, axis, "reglu")
    return a * RELU(b)


def geglu(x: ArrayLike, axis: int = -1) -> Variable:
    """`glu` with `gelu` for the sigmoid: ``y = a b Φ(b)``.

    Source:
        N. Shazeer, "GLU Variants Improve Transformer", 2020, section 2; there b is written first.
    """
    a, b = _halves(x, axis, "geglu")
    return a * gelu(b)


def swiglu(x: ArrayLike, axis: int = -1) -> Variable:
    """`glu` with `silu` for the sigmoid: ``y = a b sigmoid(b)``.

    Source:
        N. Shazeer, "GLU Variants Improve Transformer", 2020, section 2; there b is written first.
    """
    a, b = _halves(x, axis, "swiglu")
    return a * silu(b)


def _halves(x: ArrayLike, axis: int, operation: str) -> tuple[Variable, ...]:
    v = as_variable(x, operation)
    i = as_axis(axis, v.ndim, f"{operation} of {v.shape}")
    if v.shape[i] % 2:
        raise ShapeError(f"{operation}: axis {i} of {v.shape} should have an even length")
    return split(v, 2, i)
