"""Dropout, as a layer."""

from __future__ import annotations

from typing import Any

from ..core import Variable
from ..errors import RangeError
from ..functions import dropout
from .layer import Layer


class Dropout(Layer):
    """Elements set to zero at random in training, the others multiplied by ``1 / (1 - ratio)``; in
    prediction (``train(False)``, ``test_mode()``) nothing happens. See `lamina.functions.dropout`.

    Args:
        ratio: the probability of zero, in [0, 1].
    Raises:
        RangeError: if ``ratio`` is outside [0, 1].
    Example:
        >>> layer = Dropout(0.2).eval()
        >>> layer([1.0, 2.0])
        Variable([1., 2.], float64)
        >>> layer
        Dropout(0.2)
    """

    def __init__(self, ratio: float = 0.5):
        super().__init__()
        if not 0 <= ratio <= 1:
            raise RangeError(f"Dropout: ratio should be from 0 to 1, got {ratio!r}")
        self.ratio = float(ratio)

    def forward(self, x: Any) -> Variable:
        """``x`` of any shape, floating, to the same shape and dtype."""
        return dropout(x, self.ratio)

    def describe(self) -> str:
        return f"{self.ratio:g}"
