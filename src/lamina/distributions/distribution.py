"""Distribution: what all of them promise; and their parameters, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..config import no_grad
from ..core import Variable
from ..core.variable import Shape, result
from ..errors import DTypeError, GraphError, ShapeError
from ..functions import broadcast_to, sqrt
from ..functions.bound import floating
from ..functions.operand import as_shape, as_variable, beside
from ..functions.sample import chosen_dtype, draw
from .operator import CheckAbove

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Distribution:
    """A probability distribution, or an array of independent ones.

    Attributes:
        shape: that of the array: what the parameters broadcast to.
        event: the shape of one outcome: () but for vectors.
        dtype: of the parameters and of what is drawn, if that is floating.
    """

    event: Shape = ()

    def __init__(self, shape: Shape, dtype: Any):
        self.shape, self.dtype = shape, np.dtype(dtype)

    @property
    def name(self) -> str:
        """That of the class, for errors and for the stream of random numbers."""
        return type(self).__name__

    def sample(self, shape: Any = ()) -> Variable:
        """Draw outcomes, without gradient.

        Args:
            shape: how many: axes that come first.
        Returns:
            ``shape``, then that of the array, then that of one outcome.
        """
        with no_grad():
            return self.rsample(shape)

    def rsample(self, shape: Any = ()) -> Variable:
        """Draw outcomes that depend smoothly on the parameters, which so get gradients.

        Args:
            shape: how many: axes that come first.
        Returns:
            ``shape``, then that of the array, then that of one outcome.
        Raises:
            GraphError: if outcomes are discrete.
        """
        raise GraphError(
            f"{self.name}: outcomes are discrete and have no gradient; use sample(), and "
            "log_prob() of it to follow the score, or functions.gumbel_softmax"
        )

    def log_prob(self, x: ArrayLike) -> Variable:
        """The logarithm of the probability of an outcome, or of its density.

        Args:
            x: outcomes, of a shape that broadcasts with that of the array.
        Returns:
            The broadcast shape without that of one outcome; minus infinity where ``x`` is
            impossible.
        """
        raise NotImplementedError

    def entropy(self) -> Variable:
        """The mean of ``-log_prob``, in nats, in the shape of the array."""
        raise DTypeError(f"{self.name}: the entropy has no closed form")

    @property
    def mean(self) -> Variable:
        """The mean, in the shape of the array and of an outcome."""
        raise DTypeError(f"{self.name}: classes are no numbers and have no mean")

    @property
    def variance(self) -> Variable:
        """The variance, in the shape of the array and of an outcome."""
        raise DTypeError(f"{self.name}: classes are no numbers and have no variance")

    @property
    def std(self) -> Variable:
        """The standard deviation: the root of the variance."""
        return sqrt(self.variance)

    def __repr__(self) -> str:
        event = f" of {self.event}" if self.event else ""
        return f"{self.name}({self.shape}{event}, {self.dtype})"

    def full(self, y: Variable) -> Variable:
        """``y`` in the shape of the array, and of an outcome if it has that."""
        whole = (*self.shape, *self.event)
        shape = self.shape if y.ndim <= len(self.shape) else whole
        return y if y.shape == shape else broadcast_to(y, shape)

    def drawn(self, kind: str, shape: Any, *beside_: Variable) -> Variable:
        """Random numbers in the shape of outcomes, as `functions.sample.Draw` gives them."""
        sizes = (*as_shape(shape, f"{self.name}: shape"), *self.shape, *self.event)
        return draw(kind, self.name.lower(), sizes, self.dtype, beside_[0].data)


def above_0(x: Variable, what: str) -> Variable:
    """``x``, of which each is above 0.

    Raises:
        RangeError: naming the first that is not, when its number is there.
    """
    return CheckAbove(what)(x)


def parameters(name: str, **given: Any) -> tuple[Shape, Any, list[Variable]]:
    """The shape and dtype that parameters have together, and the parameters.

    Python numbers take the dtype of the others; alone, ``current().dtype``.

    Raises:
        ShapeError: if they do not broadcast.
        DTypeError: if one is not floating.
    """
    arrays = {
        word: floating(x, f"{name}: {word}")
        for word, x in given.items()
        if not isinstance(x, (int, float))
    }
    kinds = [v.dtype for v in arrays.values()]
    dtype = np.result_type(*kinds) if kinds else chosen_dtype(None, name)
    try:
        shape = np.broadcast_shapes(*[v.shape for v in arrays.values()])
    except ValueError:
        shapes = ", ".join(f"{word} {v.shape}" for word, v in arrays.items())
        raise ShapeError(f"{name}: parameters should broadcast, got {shapes}") from None
    like = next(iter(arrays.values())).data if arrays else np.zeros(())
    found: list[Variable] = []
    for word, x in given.items():
        v = arrays.get(word)
        if v is None:
            v = result(beside(np.asarray(x, dtype), like))
        found.append(v if v.dtype == dtype else v.astype(dtype))
    return shape, dtype, found


def outcomes(x: Any, of: Distribution) -> Variable:
    """``x`` in the dtype of a distribution, in a shape that broadcasts with its outcomes.

    Raises:
        ShapeError: if the shapes do not broadcast.
    """
    v = as_variable(x, f"{of.name}: x")
    whole = (*of.shape, *of.event)
    try:
        np.broadcast_shapes(v.shape, whole)
    except ValueError:
        raise ShapeError(f"{of.name}: x should broadcast with {whole}, got {v.shape}") from None
    if v.ndim < len(of.event) or v.shape[v.ndim - len(of.event) :] != of.event:
        raise ShapeError(f"{of.name}: outcomes x should be (..., {of.event[0]}), got {v.shape}")
    return v if v.dtype == of.dtype else v.astype(of.dtype)
