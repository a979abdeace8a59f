"""Model, optimizer and random streams at one moment, and back to it."""

# pyright: reportPrivateUsage=false
# (it reads and fills what Variables hold as it lies)

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .. import random
from ..arrays import Array
from ..layers import Layer
from ..optimizers import Optimizer
from .nonfinite_probe import is_finite


@dataclass
class State:
    """Model, optimizer and random streams at one moment, as copies.

    Args:
        arrays: numbers of parameters and buffers, by the id of the Variable.
        optimizer: its state; None before it has one.
        streams: of lamina's random numbers.
    """

    arrays: list[tuple[Any, Array | None]]
    optimizer: dict[str, Any] | None
    streams: dict[str, Any]

    @staticmethod
    def of(model: Layer | None, optimizer: Optimizer | None) -> State:
        """Copy all of it."""
        named = [*model.params(), *model.buffers()] if model is not None else []
        own = {id(v) for v in named}
        named += [p for _, p in named_by(optimizer) if id(p) not in own]
        arrays = [(v, None if v._data is None else v._data.copy()) for v in named]
        saved = optimizer.state_dict() if named_by(optimizer) and optimizer is not None else None
        return State(arrays, saved, random.state_dict())

    def restore(self, optimizer: Optimizer | None) -> None:
        """Put all of it back, in place."""
        for variable, array in self.arrays:
            if array is None:
                if variable._data is not None and hasattr(variable, "forget"):
                    variable.forget()
            elif variable._data is not None:
                variable._data[...] = array
        if optimizer is not None and self.optimizer is not None:
            optimizer.load_state_dict(self.optimizer)
        random.load_state_dict(self.streams)

    def lacks(self, optimizer: Optimizer | None) -> bool:
        """Whether parameters or an optimizer's arrays were made since."""
        if any(a is None and v._data is not None for v, a in self.arrays):
            return True
        return (
            optimizer is not None
            and self.optimizer is not None
            and (optimizer.state_dict()["arrays"].keys() > self.optimizer["arrays"].keys())
        )

    @property
    def is_finite(self) -> bool:
        """Whether all parameters and buffers are."""
        return all(is_finite(array) for _, array in self.arrays)


def named_by(optimizer: Optimizer | None) -> list[tuple[str, Any]]:
    """The parameters of an optimizer; none before its setup."""
    return [] if optimizer is None else list(optimizer.named_params())


@contextmanager
def put_back(model: Layer | None, optimizer: Optimizer | None) -> Iterator[None]:
    """Afterwards model, gradients, optimizer and random streams are as before."""
    state = State.of(model, optimizer)
    grads = [(v, v._grad) for v, _ in state.arrays if v.is_leaf]
    try:
        yield
    finally:
        state.restore(optimizer)
        for variable, grad in grads:
            variable._grad = grad
