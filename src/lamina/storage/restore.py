"""Filling a model and what trains it: compared first, then filled, and undone if that fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from .. import random as streams
from ..arrays import Array
from ..core import Variable
from ..errors import CheckpointError, StateMismatchError
from ..layers import Layer, weights

Undo = Callable[[], object]


class Restore:
    """One attempt to fill what a checkpoint holds into the objects that are there.

    Args:
        label: names the file.
        states: by name of the part, the class that was saved and its state.
        model: arrays by path and the words about them; None if the file holds no model.
    """

    def __init__(
        self,
        label: str,
        states: dict[str, tuple[str, Any]],
        model: tuple[dict[str, Array], dict[str, Any]] | None,
    ):
        self.label, self.states, self.model = label, states, model
        self.undo = ExitStack()
        self.lines: list[str] = []
        self.missing: tuple[str, ...] = ()
        self.unexpected: tuple[str, ...] = ()
        self.different: tuple[str, ...] = ()

    def into(self, layer: Layer | None, parts: dict[str, Any], random: Any) -> None:
        """Fill everything, or nothing.

        Args:
            layer: the model; None leaves it.
            parts: objects by name.
            random: the state of the random streams; None leaves them.
        Raises:
            StateMismatchError: something does not fit; all that does not is told.
        """
        named = {} if layer is None else weights.state(layer)
        found = {} if layer is None else self._compared(layer, named)
        fitting = not self.lines
        parts = {name: part for name, part in parts.items() if self._is_checked(name, part)}
        lazy = any(weights.state_of(v) != "ready" for v in named.values())
        with self.undo:  # all of it, even if a part refuses what it had before
            if lazy and fitting:  # an optimizer can only be compared with what has a shape
                self._fill(named, found)
            if fitting or not lazy:
                self._load_all(parts)
            self._raise()
            if random is not None:
                self._load_random(random)
            if not lazy:
                self._fill(named, found)
            for name, part in parts.items():
                if _checks(part):
                    part.load_state_dict(self.states[name][1])
            self.undo.pop_all()

    # -- comparing ---------------------------------------------------------------------------

    def _compared(self, layer: Layer, named: dict[str, Variable]) -> dict[str, Array]:
        """The arrays for a model; what does not fit is noted."""
        if self.model is None:
            self._refuse("model", "is not in the file")
            return {}
        try:
            found = weights.merged("load_checkpoint", layer, *self.model)
        except CheckpointError as error:
            self._note("model", error)
            return {}
        differences = weights.differences(named, found, exact=True)
        if any(differences):
            self._note("model", StateMismatchError("", *differences))
        return found

    def _is_checked(self, name: str, part: Any) -> bool:
        """Whether the file has a state for a part that may fit; what does not is noted."""
        if name not in self.states:
            self._refuse(name, "is not in the file")
            return False
        kind, state = self.states[name]
        if kind != type(part).__name__:
            self._refuse(name, f"expected the state of {type(part).__name__}, got that of {kind}")
            return False
        if _checks(part):
            try:
                part.check_state_dict(state)
            except CheckpointError as error:
                self._note(name, error)
        return True

    def _refuse(self, name: str, why: str) -> None:
        self.lines.append(f"{name}: {why}")

    def _note(self, name: str, error: CheckpointError) -> None:
        """Keep what is wrong with one part, to tell it with the rest."""
        if not isinstance(error, StateMismatchError) or not (
            error.missing or error.unexpected or error.different
        ):
            self.lines.append(f"{name}: {error}")
            return
        if error.missing:
            self.lines.append(f"{name}: not in the file: {', '.join(error.missing)}")
        if error.unexpected:
            self.lines.append(f"{name}: only in the file: {', '.join(error.unexpected)}")
        self.lines += [f"{name}: {line}" for line in error.different]
        self.missing += tuple(f"{name}/{key}" for key in error.missing)
        self.unexpected += tuple(f"{name}/{key}" for key in error.unexpected)
        self.different += tuple(f"{name}/{line}" for line in error.different)

    def _raise(self) -> None:
        if self.lines:
            lines = "\n  ".join(self.lines)
            raise StateMismatchError(
                f"load_checkpoint: {self.label} does not fit; nothing was changed.\n  {lines}\n"
                "  make them as they were when it was saved, or leave out a part to load the rest",
                self.missing,
                self.unexpected,
                self.different,
            )

    # -- filling -----------------------------------------------------------------------------

    def _load_all(self, parts: dict[str, Any]) -> None:
        """Fill the parts that compare and fill in one go; those that refuse are noted."""
        for name, part in parts.items():
            if _checks(part):
                continue
            before = part.state_dict()
            self.undo.callback(part.load_state_dict, before)
            try:
                part.load_state_dict(self.states[name][1])
            except CheckpointError as error:
                self._note(name, error)

    def _load_random(self, state: Any) -> None:
        before = streams.state_dict()
        self.undo.callback(streams.load_state_dict, before)
        streams.load_state_dict(state if isinstance(state, dict) else {})

    def _fill(self, named: dict[str, Variable], found: dict[str, Array]) -> None:
        for name, variable in named.items():
            self.undo.callback(_as_it_is(variable))
            weights.fill(variable, found[name], name)


def _checks(part: Any) -> bool:
    """Whether a part can compare a state without filling it."""
    return callable(getattr(part, "check_state_dict", None))


def _as_it_is(variable: Any) -> Undo:
    """What makes a Variable hold again what it holds now."""
    grad, state = variable.grad, weights.state_of(variable)
    if state != "ready":
        planned = variable.shape if state == "planned" else None

        def empty() -> None:
            variable.forget()
            if planned is not None:
                variable.plan(planned)

        return empty
    array, numbers = variable.data, variable.data.copy()

    def refill() -> None:
        if variable.data is array:
            variable.data[...] = numbers
        variable.data = array
        variable.grad = grad

    return refill
