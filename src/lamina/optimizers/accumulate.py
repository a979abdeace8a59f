"""Accumulate: one update of several gradients."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ..arrays import Array, to_device, to_numpy
from ..errors import CheckpointError, StateMismatchError
from .eager import not_compiled
from .optimizer import Optimizer
from .schedule import check_whole
from .transformation import wide


class Accumulate(Optimizer):
    """Lets another optimizer see the mean of ``steps`` gradients, and change parameters only at
    every ``steps``-th `update`. The loop stays as it is, with ``cleargrads`` at each step.

    A parameter without a gradient at one of the steps has 0 there. Schedules count the updates that
    change something. What is not complete yet is saved with the state.

    In a compiled step it cannot be decided whether an update is due. There no such wrapper is
    needed: let one step take all the batches, call ``(loss / steps).backward()`` for each, so that
    gradients add up, and then ``update`` once.

    Args:
        optimizer: the other, before its ``setup``: its chain, rate and groups are taken over.
        steps: gradients of one update, 1 or more.
    Example:
        >>> from lamina import Variable, optimizers as O
        >>> W = Variable([1.0])
        >>> optimizer = Accumulate(O.SGD(lr=0.5), steps=2).setup({"W": W})
        >>> for slope in [1.0, 3.0]:
        ...     W.grad = [slope]
        ...     optimizer.update()
        ...     print(W.item())
        1.0
        0.0
    """

    def __init__(self, optimizer: Optimizer, steps: int):
        super().__init__(lr=0.0)
        self.take_over(optimizer)
        check_whole("Accumulate: steps", steps)
        self.steps = steps
        self.waiting = 0
        """How many gradients were taken in since the last change."""
        self._sums: dict[str, Array] = {}

    def setup(self, model: Any) -> Self:
        """As `Optimizer.setup`; gradients that wait are forgotten."""
        self._forget()
        super().setup(model)
        return self

    def _forget(self) -> None:
        self.waiting, self._sums = 0, {}

    def update(self) -> None:
        """Take the gradients in; if they are complete, change every parameter.

        Raises:
            TraceError: in a compiled step.
        """
        not_compiled(
            "Accumulate.update",
            "whether parameters change depends on how often it was called",
            "let one step take all batches of an update, call backward() for each, and update once",
        )
        slots, gradients = self._due()
        for slot, g in zip(slots, gradients):
            wider = g.astype(wide(g.dtype), copy=False)
            known = self._sums.get(slot.name)
            self._sums[slot.name] = (
                wider + 0 if known is None else to_device(known, slot.param.device) + wider
            )
        self.waiting += 1
        if self.waiting < self.steps:
            return
        for name, total in self._sums.items():
            param = self._slots[name].param
            param.grad = (total / self.steps).astype(param.dtype, copy=False)
        self._forget()
        super().update()

    def state_dict(self) -> dict[str, Any]:
        """As `Optimizer.state_dict`, with what waits."""
        saved = super().state_dict()
        saved["scalars"]["waiting"] = self.waiting
        saved["scalars"]["sums"] = sorted(self._sums)
        saved["arrays"] |= {f"{k}.sum": to_numpy(a).copy() for k, a in self._sums.items()}
        return saved

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """As `Optimizer.load_state_dict`."""
        what = "Accumulate.load_state_dict"
        scalars = saved.get("scalars") if isinstance(saved, dict) else None
        arrays = saved.get("arrays") if isinstance(saved, dict) else None
        if not isinstance(scalars, dict) or not isinstance(arrays, dict):
            raise CheckpointError(f"{what}: should get what state_dict() gave, got {saved!r:.100}")
        waiting, names = scalars.get("waiting", 0), scalars.get("sums", [])
        if type(waiting) is not int or not 0 <= waiting < self.steps:
            raise CheckpointError(
                f"{what}: waiting should be from 0 to below {self.steps}, got {waiting!r:.60}"
            )
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise CheckpointError(f"{what}: sums should be a list of names, got {names!r:.60}")
        sums = {name: self._sum(what, name, arrays) for name in names}
        rest = {k: a for k, a in arrays.items() if k not in [f"{name}.sum" for name in names]}
        super().load_state_dict({"arrays": rest, "scalars": scalars})
        self.waiting, self._sums = waiting, sums

    def _sum(self, what: str, name: Any, arrays: dict[str, Any]) -> Array:
        slot, array = self._slots.get(name), arrays.get(f"{name}.sum")
        if slot is None or not isinstance(array, np.ndarray) or array.shape != slot.param.shape:
            raise StateMismatchError(f"{what}: {name}.sum fits no parameter; nothing was changed")
        return to_device(array.copy(), slot.param.device)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, steps={self.steps})"
