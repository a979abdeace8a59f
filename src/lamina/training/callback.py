"""Callback: what may be done around the steps of a `Trainer`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .trainer import Trainer

Values = dict[str, float]

MAKES, READS, KEEPS = 0, 1, 2
"""Ranks: who makes values comes first, who reads them second, and last who keeps it all."""

EVENTS = ("start", "before_step", "after_step", "end_epoch", "end", "fail")


class Callback:
    """Does something around the steps of a training; each method may be left out.

    Whatever has some of these methods is a callback, derived from this class or not. Those of one
    ``rank`` are called in the order of the list.

    Attributes:
        rank: 0 for a callback that makes values (`Evaluate`), 1 for one that reads what the others
            made (`Metrics`), 2 for `Checkpoint`, which comes when all others have done their work.
    """

    rank = MAKES

    def start(self, trainer: Trainer) -> None:
        """Before the first step, and before the first one after a resume."""

    def before_step(self, trainer: Trainer, batch: tuple[Any, ...]) -> None:
        """Before a step; ``batch`` is what the step is given."""

    def after_step(self, trainer: Trainer, batch: tuple[Any, ...], values: Values) -> None:
        """After a step; ``values`` are the numbers that it gave, ``"loss"`` among them."""

    def end_epoch(self, trainer: Trainer, values: Values) -> None:
        """After an epoch; ``values`` are means over its samples, and more can be added."""

    def end(self, trainer: Trainer) -> None:
        """Training is over: finished, stopped, or interrupted."""

    def fail(self, trainer: Trainer, error: BaseException) -> None:
        """An exception came out of the training; it is raised on afterwards."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint should hold of this callback."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""


def rank_of(callback: Any) -> int:
    """When a callback has its turn, also one that is no `Callback`."""
    return getattr(callback, "rank", MAKES)


def hook(callback: Any, event: str) -> Any:
    """The method of ``callback`` for an event; None if it does nothing then."""
    method = getattr(callback, event, None)
    if method is None or getattr(type(callback), event, None) is getattr(Callback, event):
        return None
    return method


class States:
    """The states of all callbacks, as one part of a checkpoint; by class, and by number if several
    are of one class.

    A callback that was not there when the file was saved starts from nothing; the state of one that
    is gone is left.
    """

    def __init__(self, callbacks: list[Any]):
        self.named: dict[str, Any] = {}
        for callback in callbacks:
            if hasattr(callback, "state_dict") and hasattr(callback, "load_state_dict"):
                self.named[self._name(callback)] = callback

    def _name(self, callback: Any) -> str:
        kind = type(callback).__name__
        count = sum(type(other).__name__ == kind for other in self.named.values())
        return kind if count == 0 else f"{kind}-{count + 1}"

    def state_dict(self) -> dict[str, Any]:
        """A state for each that has one."""
        states = {name: callback.state_dict() for name, callback in self.named.items()}
        return {name: state for name, state in states.items() if state}

    def load_state_dict(self, states: dict[str, Any]) -> None:
        """Give each callback its own."""
        for name, callback in self.named.items():
            if name in states:
                callback.load_state_dict(states[name])
