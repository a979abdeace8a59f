"""Identity, Reshape, Unflatten; CosineSimilarity and PairwiseDistance of two inputs."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from .. import functions as F
from ..core import Variable
from ..errors import RangeError, ShapeError
from ..functions.operand import as_axis, as_variable
from .plain import Plain


class Identity(Plain):
    """``x`` as it is: holds a place."""

    def forward(self, x: Any) -> Any:
        """Whatever it is given."""
        return x


@dataclass(eq=False, repr=False)
class Reshape(Plain):
    """Each sample in another shape: ``(n, ...)`` to ``(n, *shape)``.

    Args:
        shape: of a sample; -1 stands for the length that is left, once.
    Example:
        >>> import numpy as np
        >>> Reshape((3, -1))(np.ones((2, 12))).shape
        (2, 3, 4)
    """

    shape: tuple[int, ...]

    def forward(self, x: Any) -> Variable:
        """``x: (n, ...)`` to ``(n, *shape)``."""
        v = as_variable(x, "Reshape")
        if not v.ndim:
            raise ShapeError("Reshape: x should have an axis of samples, got shape ()")
        return v.reshape(v.shape[0], *self.shape)


@dataclass(eq=False, repr=False)
class Unflatten(Plain):
    """One axis cut into several: `Flatten` undone.

    Args:
        axis: which.
        shape: the lengths it becomes; -1 stands for the one that is left, once.
    Example:
        >>> import numpy as np
        >>> Unflatten(1, (3, -1))(np.ones((2, 12, 5))).shape
        (2, 3, 4, 5)
    """

    axis: int
    shape: tuple[int, ...]

    def forward(self, x: Any) -> Variable:
        """``x`` to as many axes more as ``shape`` has, less one."""
        v = as_variable(x, "Unflatten")
        i = as_axis(self.axis, v.ndim, "Unflatten")
        known = prod(n for n in self.shape if n != -1)
        fits = v.shape[i] % known == 0 if -1 in self.shape and known else v.shape[i] == known
        if not fits:
            raise ShapeError(
                f"Unflatten: axis {i} of {v.shape} has length {v.shape[i]}, which is not "
                f"{self.shape}"
            )
        return v.reshape(*v.shape[:i], *self.shape, *v.shape[i + 1 :])


@dataclass(eq=False, repr=False)
class CosineSimilarity(Plain):
    """``a · b / (‖a‖ ‖b‖)`` along an axis: `lamina.functions.cosine_similarity`.

    Args:
        axis: of the vectors.
        eps: what a norm is at least.
    """

    axis: int = -1
    eps: float = 1e-8

    def forward(self, a: Any, b: Any) -> Variable:
        """``a`` and ``b`` of shapes that broadcast, to theirs without the axis."""
        return F.cosine_similarity(a, b, self.axis, eps=self.eps)


@dataclass(eq=False, repr=False)
class PairwiseDistance(Plain):
    """``(Σ |a - b|ᵖ)^(1/p)`` along an axis.

    Args:
        power: p, above 0; 2 is Euclid's distance.
        axis: of the vectors.
    Raises:
        RangeError: if ``power`` is not above 0.
    Example:
        >>> PairwiseDistance()([[0.0, 0.0]], [[3.0, 4.0]])
        Variable([5.], float64)
    """

    power: float = 2.0
    axis: int = -1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.power > 0:
            raise RangeError(f"PairwiseDistance: power should be above 0, got {self.power!r}")

    def forward(self, a: Any, b: Any) -> Variable:
        """``a`` and ``b`` of shapes that broadcast, to theirs without the axis."""
        difference = as_variable(a, "PairwiseDistance: a") - b
        return F.vector_norm(difference, self.power, self.axis)
