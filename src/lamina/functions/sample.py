"""Random numbers: uniform, normal, bernoulli, categorical, gumbel_softmax.

All are drawn from lamina's own streams, named after the operator, so that `lamina.seed` repeats
them, and a compiled step draws at every call what eager would have drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import random
from ..arrays import DType
from ..config import current
from ..core import Function, Variable
from ..core.variable import Shape
from ..errors import DTypeError, ShapeError
from .activation import softmax
from .bound import floating, positive, probabilities
from .label import one_hot
from .operand import as_axis, as_shape, beside
from .shape import moveaxis

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["uniform", "normal", "bernoulli", "categorical", "gumbel_softmax"]


class Draw(Function):
    """Independent random numbers, where ``like`` is: "uniform" in [0, 1), "normal" with mean 0 and
    variance 1, "exponential" with mean 1, or "gumbel". A kernel, as random numbers are no formula.
    """

    acts = True
    kind: str
    stream: str
    shape: Shape
    dtype: DType

    def forward(self, like):
        generator = random.draw(self.stream)
        kind = np.float64 if self.dtype == np.float64 else np.float32
        if self.kind == "uniform":  # k / 2**24 or k / 2**53, exact in this dtype; in float16 below
            drawn = generator.random(self.shape, kind)
        elif self.kind == "normal":
            drawn = generator.standard_normal(self.shape, kind)
        else:
            drawn = generator.standard_exponential(self.shape, kind)
            if self.kind == "gumbel":
                drawn = -np.log(np.maximum(drawn, np.finfo(kind).tiny))
        drawn = np.asarray(drawn, dtype=self.dtype)
        if self.kind == "uniform" and self.dtype == np.float16:
            drawn = np.minimum(drawn, np.float16(1 - 2.0**-11))  # what was rounded up to 1
        return beside(drawn, like)

    def backward(self, gy):
        return None

    def spec(self, like):
        return self.shape, self.dtype


NOWHERE = np.zeros(())
"""Where numbers are drawn that depend on no array: a step that is heard hears this one."""


def draw(kind: str, stream: str, shape: Shape, dtype: Any, like: Any = NOWHERE) -> Variable:
    """`Draw`, beside the array ``like``; in the machine's byte order."""
    return Draw(kind, stream, shape, np.dtype(dtype).newbyteorder("="))(like)


def chosen_dtype(dtype: Any, operation: str) -> Any:
    """``dtype``, floating; None means ``current().dtype``.

    Raises:
        DTypeError: if it is not floating.
    """
    chosen = np.dtype(current().dtype if dtype is None else dtype)
    if chosen.kind != "f":
        raise DTypeError(f"{operation}: dtype should be floating, got {chosen}")
    return chosen


def _spread(
    shape: Any, first: Any, second: Any, dtype: Any, names: tuple[str, str, str]
) -> tuple[Shape, Any, Any, Any]:
    """The shape, two parameters that broadcast to it, and the dtype."""
    operation, *words = names
    sizes = as_shape(shape, operation)
    chosen = None
    given: list[Any] = []
    for word, x in zip(words, (first, second)):
        if not isinstance(x, (int, float)):
            x = floating(x, f"{operation}: {word}")
            fits = x.ndim <= len(sizes) and all(
                n in (1, m) for n, m in zip(x.shape[::-1], sizes[::-1])
            )
            if not fits:
                raise ShapeError(f"{operation}: {word} should fit {sizes}, got {x.shape}")
            chosen = x.dtype if chosen is None else np.result_type(chosen, x.dtype)
        given.append(x)
    if dtype is not None or chosen is None:
        chosen = chosen_dtype(dtype, operation)
    return sizes, given[0], given[1], chosen


def _like(*xs: Any) -> Any:
    """The array of the first Variable, to draw beside it."""
    return next((x.data for x in xs if isinstance(x, Variable)), NOWHERE)


def uniform(
    shape: Any, low: ArrayLike = 0.0, high: ArrayLike = 1.0, *, dtype: Any = None
) -> Variable:
    """Random numbers between two ends, all as likely: ``y = low + (high - low) u``.

    Args:
        shape: the result's.
        low: a number, or floating numbers that broadcast to ``shape``; the least.
        high: the same; the end, which is not reached but by rounding.
        dtype: floating; None means that of ``low`` and ``high``, of numbers ``current().dtype``.
    Returns:
        ``shape``, floating. Both ends get their gradients.
    Raises:
        ShapeError: if an end does not broadcast to ``shape``.
        DTypeError: if one is not floating.
    Example:
        >>> y = uniform((2, 3), 5, 6)
        >>> y.shape, y.dtype.name, bool(((y.data >= 5) & (y.data <= 6)).all())
        ((2, 3), 'float32', True)
    """
    sizes, a, b, kind = _spread(shape, low, high, dtype, ("uniform", "low", "high"))
    u = draw("uniform", "uniform", sizes, kind, _like(a, b))
    return _cast(u * (b - a) + a, kind)


def normal(
    shape: Any, mean: ArrayLike = 0.0, std: ArrayLike = 1.0, *, dtype: Any = None
) -> Variable:
    """Random numbers with a normal distribution: ``y = mean + std z``.

    Args:
        shape: the result's.
        mean: a number, or floating numbers that broadcast to ``shape``.
        std: the same: the standard deviation.
        dtype: floating; None means that of ``mean`` and ``std``, of numbers ``current().dtype``.
    Returns:
        ``shape``, floating. Mean and deviation get their gradients.
    Raises:
        ShapeError: if one does not broadcast to ``shape``.
        DTypeError: if one is not floating.
    Source:
        D. Kingma and M. Welling, "Auto-Encoding Variational Bayes", 2014: the
        gradients.
    Example:
        >>> normal((2, 3), dtype="float64").shape
        (2, 3)
    """
    sizes, a, b, kind = _spread(shape, mean, std, dtype, ("normal", "mean", "std"))
    z = draw("normal", "normal", sizes, kind, _like(a, b))
    return _cast(z * b + a, kind)


def _cast(x: Variable, dtype: Any) -> Variable:
    return x if x.dtype == dtype else x.astype(dtype)


def bernoulli(p: ArrayLike) -> Variable:
    """1 with probability ``p``, else 0, elementwise.

    Args:
        p: any shape, floating, in [0, 1].
    Returns:
        Shape and dtype of ``p``. No gradient.
    Raises:
        RangeError: if a probability is outside [0, 1].
        DTypeError: if ``p`` is not floating.
    Example:
        >>> bernoulli([0.0, 1.0])
        Variable([0., 1.], float64)
    """
    v = probabilities(floating(p, "bernoulli: p"), "bernoulli", "; of logits take sigmoid")
    # float16 has too few numbers between 0 and 1
    kind = np.result_type(v.dtype, np.float32)
    return (draw("uniform", "bernoulli", v.shape, kind, v.data) < v).astype(v.dtype)


def categorical(logits: ArrayLike, axis: int = -1, shape: Any = ()) -> Variable:
    """Classes at random, each with the probability ``softmax(logits)``.

    Args:
        logits: any shape of one axis or more, floating. Minus infinity is never drawn.
        axis: the classes.
        shape: how many draws of each: axes that come first.
    Returns:
        ``shape`` and that of ``logits`` without ``axis``, int64. No gradient.
    Raises:
        RangeError: if there is no such axis.
        ShapeError: if it is empty.
        DTypeError: if ``logits`` are not floating.
    Source:
        E. Gumbel, "Statistical Theory of Extreme Values and Some Practical Applications", 1954: the
        largest of logits and Gumbel noise.
    Example:
        >>> categorical([[0.0, -np.inf], [-np.inf, 0.0]])
        Variable([0, 1], int64)
    """
    v = floating(logits, "categorical: logits")
    last = as_axis(axis, v.ndim, "categorical")
    if not v.shape[last]:
        raise ShapeError(f"categorical: axis {axis} of {v.shape} is empty")
    sizes = as_shape(shape, "categorical: shape")
    kind = np.result_type(v.dtype, np.float32)
    noise = draw("gumbel", "categorical", (*sizes, *v.shape), kind, v.data)
    return (v.detach() + noise).argmax(len(sizes) + last).astype(np.int64)


def gumbel_softmax(
    logits: ArrayLike, temperature: float = 1.0, *, hard: bool = False, axis: int = -1
) -> Variable:
    """Nearly one-hot vectors at random that can be differentiated:
    ``y = softmax((logits + g) / temperature)`` with Gumbel's noise g.

    Args:
        logits: any shape of one axis or more, floating.
        temperature: above 0; towards 0 the vectors become one-hot, and gradients large.
        hard: True gives one-hot vectors, with the gradient of what would have been given.
        axis: the classes.
    Returns:
        Shape and dtype of ``logits``, adding up to 1 over ``axis``.
    Raises:
        RangeError: if there is no such axis, or ``temperature`` is not above 0.
        ShapeError: if the axis is empty.
        DTypeError: if ``logits`` are not floating.
    Source:
        E. Jang, S. Gu and B. Poole, "Categorical Reparameterization with Gumbel-Softmax", 2017.
    Example:
        >>> gumbel_softmax([[0.0, -np.inf], [-np.inf, 0.0]], hard=True)
        Variable([[1., 0.],
                  [0., 1.]], float64)
    """
    name = "gumbel_softmax"
    v = floating(logits, f"{name}: logits")
    last = as_axis(axis, v.ndim, name)
    noise = draw("gumbel", name, v.shape, v.dtype, v.data)
    y = softmax((v + noise) * (1 / positive(temperature, f"{name}: temperature")), last)
    if not hard:
        return y
    best = one_hot(y.detach().argmax(last), v.shape[last], v.dtype)
    return moveaxis(best, -1, last) + (y - y.detach())
