"""Spec: the shape and dtype of an array, without the array."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from operator import index
from typing import Any

import numpy as np

from ..arrays import Array, DType
from ..errors import DTypeError, ShapeError


@dataclass(frozen=True, slots=True)
class Spec:
    """A shape and a dtype; compares, hashes, and prints as ``float32[32, 10]``.

    Args:
        shape: lengths, none negative.
        dtype: of numbers or bools; kept in the machine's byte order.
    Raises:
        ShapeError: for a negative length.
        DTypeError: for other dtypes.
    Example:
        >>> print(Spec((32, 10), np.float32))
        float32[32, 10]
    """

    shape: tuple[int, ...]
    dtype: DType

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple([index(n) for n in self.shape]))
        object.__setattr__(self, "dtype", np.dtype(self.dtype).newbyteorder("="))
        if min(self.shape, default=0) < 0:
            raise ShapeError(f"Spec: lengths should not be negative, got {self.shape}")
        if self.dtype.kind not in "biufc":
            raise DTypeError(f"Spec: dtype should be of numbers or bools, got {self.dtype}")

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many elements there are."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The memory an array of this kind takes."""
        return prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


def stand_in(x: Any) -> Array:
    """A read-only array of the shape and dtype of ``x`` that takes the memory of one element.

    NumPy's own rules for views are asked on it, at no cost.
    """
    return np.broadcast_to(np.zeros((), x.dtype), x.shape)
