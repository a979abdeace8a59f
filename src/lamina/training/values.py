"""The numbers that a step gives, read once; and their means over an epoch."""

from __future__ import annotations

from typing import Any

from numpy import ndarray

from ..core import Variable
from ..errors import DTypeError, NonFiniteError

Values = dict[str, float]


def read(result: Any) -> Values:
    """What a step gave, as Python's floats.

    Args:
        result: a loss, or a dict of names and numbers with ``"loss"`` in it. A number is a
            Variable or an array of one element, or a Python number.
    Raises:
        DTypeError: it is something else.
    """
    if type(result) is Variable:  # what nearly all steps give, in few lines of code
        array = result._data
        if type(array) is ndarray and array.shape == ():
            loss = array.item()
            if type(loss) is float:
                return {"loss": loss}
    if not isinstance(result, dict):
        return {"loss": number("loss", result)}
    if "loss" not in result:
        raise DTypeError(
            f"Trainer: the dict that the step gives should have 'loss' in it, got {list(result)}"
        )
    return {name: number(name, value) for name, value in result.items()}


def number(name: str, value: Any, giver: str = "the step") -> float:
    """One number as a float.

    Args:
        name: of the value.
        value: that ``giver`` gave.
        giver: who is told of, if it is none.
    Raises:
        DTypeError: it is none.
    """
    if type(value) is float:
        return value
    if getattr(value, "size", 1) == 1:
        try:
            return float(value.item() if hasattr(value, "item") else value)
        except (TypeError, ValueError):
            pass  # told below
    shape = f" of shape {value.shape}" if hasattr(value, "shape") else f" {value!r:.60}"
    raise DTypeError(
        f"Trainer: {giver} should give {name!r} as one number, got {type(value).__name__}{shape}; "
        "return the loss, or a dict of numbers"
    )


def not_finite(iteration: int, loss: float) -> NonFiniteError:
    """The error for a loss that is no number to go on with."""
    return NonFiniteError(
        f"Trainer: the loss of step {iteration} is {loss}; nothing was saved after it. The "
        "learning rate may be too large, or an input not finite"
    )


class Means:
    """Means over samples: each step counts with the size of its batch."""

    def __init__(self):
        self.sums: dict[str, list[float]] = {}

    def add(self, values: Values, count: int) -> None:
        """Take the values of a step in."""
        for name, value in values.items():
            known = self.sums.get(name)
            if known is None:
                self.sums[name] = [value * count, count]
            else:
                known[0] += value * count
                known[1] += count

    def values(self) -> Values:
        """The means so far."""
        return {name: total / count for name, (total, count) in self.sums.items()}

    def clear(self) -> None:
        """Begin anew."""
        self.sums.clear()


def size_of(batch: tuple[Any, ...]) -> int:
    """How many samples a batch has: the length of its first array; 1 if that has none."""
    first = batch[0] if batch else None
    if isinstance(first, dict):
        first = next(iter(first.values()), None)
    shape = getattr(first, "shape", None)
    if shape is not None:
        return (shape[0] if shape else 1) or 1
    return len(first) or 1 if isinstance(first, (list, tuple)) else 1


def has_position(loader: Any) -> bool:
    """Whether a loader can tell where it is, and go there."""
    return hasattr(loader, "state_dict") and hasattr(loader, "load_state_dict")
