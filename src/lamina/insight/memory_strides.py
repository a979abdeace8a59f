"""How arrays lie in memory, from shapes alone: NumPy's rules for views and for new results.

Strides are counted in elements. They say whether a ``reshape`` is a view or a copy, and whether a
kernel can read an array as it lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

Strides: TypeAlias = "tuple[int, ...]"
Shape: TypeAlias = "tuple[int, ...]"


def packed_strides(shape: Shape, order: Sequence[int] | None = None) -> Strides:
    """Strides of an array without gaps, whose axes lie in ``order``; None: the last fastest.

    Example:
        >>> packed_strides((2, 3, 5)), packed_strides((2, 3, 5), (1, 2, 0))
        ((15, 5, 1), (1, 10, 2))
    """
    strides, step = [0] * len(shape), 1
    for axis in reversed(order or range(len(shape))):
        strides[axis] = step
        step *= max(shape[axis], 1)
    return tuple(strides)


def order_of(strides: Strides) -> list[int]:
    """The axes from the slowest to the fastest."""
    return sorted(range(len(strides)), key=lambda axis: -abs(strides[axis]))


def is_packed(shape: Shape, strides: Strides, order: Sequence[int]) -> bool:
    """Whether the elements lie without gaps and with their axes in ``order``."""
    wanted = packed_strides(shape, order)
    return all([n == 1 or a == b for n, a, b in zip(shape, strides, wanted)])


def like(shape: Shape, operands: Sequence[Any]) -> Strides:
    """Strides of the result of elementwise work: the axes in the order of the first operand that
    has all of them. (NumPy's order "K".)
    """
    for x in operands:
        strides = getattr(x, "strides", None)
        if strides is not None and x.shape == shape:
            return packed_strides(shape, order_of(strides))
    return packed_strides(shape)


def viewed(opcode: str, shape: Shape, strides: Strides, fields: dict[str, Any]) -> Strides | None:
    """Strides of a view; None if there is none, and NumPy copies.

    Example:
        >>> viewed("transpose", (2, 3), (3, 1), {"axes": (1, 0)})
        (1, 3)
        >>> viewed("reshape", (3, 2), (1, 3), {"shape": (6,)}) is None
        True
    """
    if opcode == "transpose":
        return tuple([strides[axis] for axis in fields["axes"]])
    if opcode == "slice":
        return tuple([s * step for s, step in zip(strides, fields["step"])])
    if opcode == "broadcast_to":
        to = fields["shape"]
        lead = len(to) - len(shape)
        same = [s if n == m else 0 for n, m, s in zip(shape, to[lead:], strides)]
        return (0,) * lead + tuple(same)
    return reshaped(shape, strides, fields["shape"])


def reshaped(shape: Shape, strides: Strides, to: Shape) -> Strides | None:
    """Strides of a reshaped view; None if the elements would have to move.

    Runs of axes on both sides that hold equally many elements stand for one another; inside such a
    run the old axes have to lie as one.
    """
    if 0 in shape or 0 in to:
        return packed_strides(to)
    old = [(n, s) for n, s in zip(shape, strides) if n != 1]
    found: list[int] = []
    i = j = 0
    while i < len(old) and j < len(to):
        first, n, m = i, old[i][0], to[j]
        lengths = [m]
        while n != m:
            if n < m:
                i += 1
                n *= old[i][0]
            else:
                j += 1
                lengths.append(to[j])
                m *= to[j]
        run = old[first : i + 1]
        if any([a[1] != b[0] * b[1] for a, b in pairwise(run)]):
            return None
        found += [run[-1][1] * s for s in packed_strides(tuple(lengths))]
        i, j = i + 1, j + 1
    return (*found, *[1] * (len(to) - len(found)))
