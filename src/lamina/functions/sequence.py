"""Sequences of different lengths in one array: masks, the last steps, the order turned round."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Variable
from ..core.variable import result
from ..errors import DTypeError, ShapeError
from .arrange import flip
from .bound import CheckBetween
from .compare import where
from .index import get_item
from .join import concatenate
from .operand import as_integer, as_variable, beside

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["sequence_mask", "reverse_padded", "last_step", "bidirectional"]


def integers(x: Any, what: str) -> Variable:
    """``x`` as a Variable of integers; an empty list is one.

    Raises:
        DTypeError: if it holds others.
    """
    v = as_variable(x, what)
    if v.dtype.kind not in "iu" and v.size:
        raise DTypeError(f"{what} should be integers, got {v.dtype}")
    return v if v.dtype.kind in "iu" else v.astype(np.intp)


def lengths_of(given: Any, n: int, low: int, high: int, like: Variable, what: str) -> Variable:
    """How long each of n sequences is, from ``low`` to ``high``; None means ``high``.

    Raises:
        ShapeError: if there are not n of them.
        DTypeError: if they are not integers.
        RangeError: naming the first that is outside, when its number is there.
    """
    if given is None:
        return result(np.full((n,), high, np.intp, like=like.data))
    v = integers(given, what)
    if v.shape != (n,):
        raise ShapeError(f"{what} should have shape ({n},), got {v.shape}")
    return CheckBetween(what, low, high)(v).astype(np.intp)


def sequence_mask(lengths: ArrayLike, steps: int) -> Variable:
    """Which steps belong to a sequence: ``y[..., t] = t < lengths[...]``.

    Args:
        lengths: any shape, integers.
        steps: how many there are at most.
    Returns:
        The shape of ``lengths`` and ``steps``, bool.
    Raises:
        DTypeError: if ``lengths`` does not hold integers.
        RangeError: naming the first length outside 0..steps.
    Example:
        >>> sequence_mask([1, 3], 3)
        Variable([[ True, False, False],
                  [ True,  True,  True]], bool)
    """
    count = as_integer(steps, "sequence_mask: steps")
    v = CheckBetween("sequence_mask: lengths", 0, count)(
        integers(lengths, "sequence_mask: lengths")
    )
    return v.reshape(*v.shape, 1) > beside(np.arange(count), v.data)


def _sequences(x: Any, name: str) -> Variable:
    v = as_variable(x, name)
    if v.ndim < 2 or not v.shape[1]:
        raise ShapeError(f"{name}: x should be (n, steps, ...), 1 step or more, got {v.shape}")
    return v


def reverse_padded(x: ArrayLike, lengths: ArrayLike | None = None) -> Variable:
    """Each sequence with its steps in reverse order; what comes after it stays where it is.

    Args:
        x: (n, steps, ...).
        lengths: (n,), integers in 0..steps; None means that all are whole.
    Returns:
        The shape of ``x``. To reverse twice gives ``x``.
    Raises:
        ShapeError: if ``x`` has no axis of steps, or ``lengths`` another shape.
        RangeError: naming a length outside its range.
        DTypeError: if ``lengths`` does not hold integers.
    Example:
        >>> reverse_padded([[1.0, 2.0, 3.0, 0.0]], [3])
        Variable([[3., 2., 1., 0.]], float64)
    """
    v = _sequences(x, "reverse_padded")
    if lengths is None:
        return flip(v, 1)
    n, steps = v.shape[:2]
    count = lengths_of(lengths, n, 0, steps, v, "reverse_padded: lengths").reshape(n, 1)
    t = beside(np.arange(steps), v.data)
    return get_item(v, (np.arange(n).reshape(n, 1), where(count > t, count - 1 - t, t)))


def last_step(x: ArrayLike, lengths: ArrayLike | None = None) -> Variable:
    """The last step of each sequence: ``y[i] = x[i, lengths[i] - 1]``.

    Args:
        x: (n, steps, ...).
        lengths: (n,), integers in 1..steps; None means that all are whole.
    Returns:
        (n, ...).
    Raises:
        ShapeError: if ``x`` has no axis of steps, or ``lengths`` another shape.
        RangeError: naming a length outside its range.
        DTypeError: if ``lengths`` does not hold integers.
    Example:
        >>> last_step([[1.0, 2.0, 0.0], [1.0, 2.0, 3.0]], [2, 3])
        Variable([2., 3.], float64)
    """
    v = _sequences(x, "last_step")
    if lengths is None:
        return get_item(v, (slice(None), -1))
    n, steps = v.shape[:2]
    count = lengths_of(lengths, n, 1, steps, v, "last_step: lengths")
    return get_item(v, (np.arange(n), count - 1))


def bidirectional(
    ahead: Callable[[Variable], Any],
    back: Callable[[Variable], Any],
    x: ArrayLike,
    lengths: ArrayLike | None = None,
) -> tuple[Variable, ...]:
    """Two functions over the same sequences, one of which reads them from their ends.

    Args:
        ahead: gives results of all steps, (n, steps, a), and perhaps more, such as a last state:
            `lstm` or `gru` with their weights.
        back: the same, (n, steps, b) and perhaps more.
        x: (n, steps, ...).
        lengths: as in `reverse_padded`.
    Returns:
        Results of both, step by step, (n, steps, a + b); then what else ``ahead`` gave, then what
        else ``back`` gave.
    Raises:
        ShapeError: if ``x`` has no axis of steps, or ``lengths`` another shape.
        RangeError: naming a length outside its range.
        DTypeError: if ``lengths`` does not hold integers.
    Source:
        M. Schuster and K. Paliwal, "Bidirectional Recurrent Neural Networks", 1997.
    Example:
        >>> from lamina.functions import cumsum
        >>> def total(x):
        ...     return cumsum(x, 1)
        >>> bidirectional(total, total, [[[1.0], [2.0], [3.0]]])
        (Variable([[[1., 6.],
                    [3., 5.],
                    [6., 3.]]], float64),)
    """
    v = _sequences(x, "bidirectional")
    first, *rest = _several(ahead(v))
    second, *more = _several(back(reverse_padded(v, lengths)))
    return (concatenate([first, reverse_padded(second, lengths)], -1), *rest, *more)


def _several(ys: Any) -> tuple[Variable, ...]:
    return ys if isinstance(ys, tuple) else (ys,)
