"""Sequential: layers and plain functions, one after the other."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import DTypeError, RangeError
from .layer import Layer


class Sequential(Layer):
    """``y = f_n(... f_1(f_0(x)))``.

    Args:
        *steps: Layers and functions of one Variable. A Layer's parameters are named by its
            position: ``0/W``, ``2/b``.
    Raises:
        DTypeError: for a step that cannot be called, or a Layer's class in place of a Layer.
    Example:
        >>> import numpy as np
        >>> from lamina import functions as F
        >>> from lamina.layers import Linear
        >>> model = Sequential(Linear(8), F.relu, Linear(2))
        >>> model(np.ones((3, 4), np.float32)).shape
        (3, 2)
        >>> model
        Sequential(
          0: Linear(4 -> 8)
          1: relu
          2: Linear(8 -> 2)
        )
    """

    def __init__(self, *steps: Callable[..., Any]):
        super().__init__()
        for step in steps:
            self.append(step)

    def append(self, step: Callable[..., Any]) -> Sequential:
        """Add one more step at the end; gives itself back."""
        self._put(len(self), step)
        return self

    def forward(self, x: Any, **kwargs: Any) -> Any:
        """Pass ``x`` through all steps; keywords go to the first."""
        for step in self:
            x = step(x, **kwargs)
            kwargs = {}
        return x

    def __repr__(self) -> str:
        steps = [f"  {i}: {_shown(step)}".replace("\n", "\n  ") for i, step in enumerate(self)]
        return "\n".join([f"{type(self).__name__}(", *steps, ")"])

    def __len__(self) -> int:
        return sum(name.isdigit() for name in vars(self))

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        return iter([step for name, step in vars(self).items() if name.isdigit()])

    def __getitem__(self, index: int | slice) -> Any:
        """One step, or for a slice a Sequential of the same steps."""
        steps = list(self)
        return Sequential(*steps[index]) if isinstance(index, slice) else steps[self._place(index)]

    def __setitem__(self, index: int, step: Callable[..., Any]) -> None:
        """Put another step in the place of one."""
        self._put(self._place(index), step)

    def _place(self, index: int) -> int:
        """From 0 on."""
        n, index = len(self), operator.index(index)
        if not -n <= index < n:
            raise RangeError(f"{type(self).__name__}: there is no step {index} among {n}")
        return index % n

    def _put(self, place: int, step: Any) -> None:
        if isinstance(step, type) or not callable(step):
            hint = f"; did you mean {step.__name__}(...)?" if isinstance(step, type) else ""
            raise DTypeError(
                f"{type(self).__name__}: step {place} should be a Layer or a function, "
                f"got {step!r:.60}{hint}"
            )
        setattr(self, str(place), step)


def _shown(step: Any) -> str:
    return repr(step) if isinstance(step, Layer) else getattr(step, "__name__", repr(step))
