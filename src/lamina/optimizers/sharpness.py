"""SAM: gradients from where the loss is worst nearby."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..config import current
from ..errors import DTypeError, GraphError
from .optimizer import Optimizer
from .schedule import real
from .slot import Slot
from .transformation import square_sum, wide


class SAM(Optimizer):
    """Sharpness-aware minimisation: from ``W + rho g / |g|``, where the loss is about the largest
    within ``rho``, take the gradient with which another optimizer changes ``W``.

    An update needs two gradients, so a step has two halves, also in a compiled step::

        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        optimizer.climb()
        worse = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        worse.backward()
        optimizer.update()

    Args:
        optimizer: the other, before its ``setup``: its chain, rate and groups are taken over.
        rho: how far to climb, 0 or more.
        adaptive: climb ``rho W W g / |W g|``, so that the scale of a parameter does not matter.
    Source:
        P. Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization",
        2021, algorithm 1 with p = 2; adaptive: J. Kwon et al., "ASAM", 2021,
        with ``|W|`` as the operator and no ``eta``.
    Example:
        >>> from lamina import Variable, optimizers as O
        >>> W = Variable([1.0])
        >>> optimizer = SAM(O.SGD(lr=0.1), rho=0.5).setup({"W": W})
        >>> (W * W).backward()
        >>> optimizer.climb()
        >>> W
        Variable([1.5], float64)
        >>> W.cleargrad()
        >>> (W * W).backward()
        >>> optimizer.update()
        >>> W
        Variable([0.7], float64)
    """

    def __init__(self, optimizer: Optimizer, rho: float = 0.05, adaptive: bool = False):
        super().__init__(lr=0.0)
        self.take_over(optimizer)
        self.rho = real("SAM: rho", rho)
        if not isinstance(adaptive, bool):
            raise DTypeError(f"SAM: adaptive should be True or False, got {adaptive!r}")
        self.adaptive = adaptive
        self._below: list[tuple[Slot, Array]] | None = None  # where climb() started
        self._tracer: Any = None  # that heard climb(), if any did

    def climb(self) -> None:
        """Move to where the loss is worse, with the gradients that are there.

        Raises:
            GraphError: it climbed already, or no parameter has a gradient.
        """
        if self._is_up():
            raise GraphError("SAM.climb: it is up already; call update() first")
        slots, gradients = self._due()
        directions = [self._direction(slot, g) for slot, g in zip(slots, gradients)]
        sizes = [self._size(slot, g) for slot, g in zip(slots, gradients)]
        norm = np.sqrt(sum(square_sum(x) for x in sizes))
        # where the gradient is 0 there is no direction, and it stays
        factor = self.rho / np.where(norm == 0, 1.0, norm)
        self._below = [(slot, slot.param.data.copy()) for slot in slots]
        self._tracer = current().tracer
        for slot, direction in zip(slots, directions):
            step = direction * factor.astype(direction.dtype)
            slot.param.data += step.astype(slot.param.data.dtype, copy=False)

    def update(self) -> None:
        """Go back, and change every parameter with the gradient from above.

        Raises:
            GraphError: before `climb`; or no parameter has a gradient.
        """
        if not self._is_up():
            raise GraphError("SAM.update: call climb() and compute gradients once more first")
        below, self._below = self._below or [], None
        for slot, numbers in below:
            slot.param.data = np.positive(numbers, out=slot.param.data)
        super().update()

    def _is_up(self) -> bool:
        """Whether `climb` was called; not, if it was heard for a program that came to nothing."""
        if self._tracer is not None and self._tracer is not current().tracer:
            self._below = self._tracer = None
        return self._below is not None

    def _size(self, slot: Slot, g: Array) -> Array:
        wider = g.astype(wide(g.dtype), copy=False)
        return wider * slot.param.data if self.adaptive else wider

    def _direction(self, slot: Slot, g: Array) -> Array:
        size = self._size(slot, g)
        return size * slot.param.data if self.adaptive else size
