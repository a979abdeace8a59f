"""A group of instructions that run together, and how the loops of a nest run over a result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..listen import Instruction, Value
from .access import Index


def squeezed(shape: Iterable[int]) -> tuple[int, ...]:
    """A shape without the axes of length 1."""
    return tuple([n for n in shape if n != 1])


@dataclass(eq=False)
class Group:
    """Instructions that run together.

    Attributes:
        kind: "nest", "product", "kernel" or "numpy".
        members: in the order in which they were heard.
        space: of a nest: the lengths of its loops.
        index: of a nest: how the loops run over the result of each member.
        reduced: of a nest: the loops that its reductions run over; None if it has none.
        product: of a nest: the product, or convolution, whose blocks it runs on.
        reads: the stored values that it needs.
        stores: those that it makes.
        in_place: of these, what is written over a captured array: its old value.
        order: of a nest on a product: its loops as they run over the product's result.
        mask: its bit, and those of the groups that it took in.
        after: the bits of the groups that have to run before.
    """

    kind: str
    members: list[Instruction]
    space: tuple[int, ...] = ()
    index: dict[Value, Index] = field(default_factory=dict)
    reduced: frozenset[int] | None = None
    product: Instruction | None = None
    reads: set[Value] = field(default_factory=set)
    stores: dict[Value, None] = field(default_factory=dict)
    in_place: dict[Value, Value] = field(default_factory=dict)
    order: tuple[int, ...] = ()
    mask: int = 0
    after: int = 0

    @property
    def instructions(self) -> list[Instruction]:
        """All of it, the product first."""
        return [*([] if self.product is None else [self.product]), *self.members]

    @property
    def kept(self) -> list[int]:
        """The loops of a nest that its reductions leave."""
        return [i for i in range(len(self.space)) if i not in (self.reduced or ())]


def numbered(shape: Any) -> dict[int, int]:
    """The number of the loop of each axis that is longer than 1."""
    wide = [i for i, n in enumerate(shape) if n != 1]
    return {axis: loop for loop, axis in enumerate(wide)}


def loops_of(shape: Any, loops: Iterable[int], count: int) -> Index:
    """The index of a result whose axes longer than 1 run with ``loops``, in order."""
    loops = list(loops)
    numbers = numbered(shape)
    return tuple(
        [
            (*[int(i in numbers and loops[numbers[i]] == j) for j in range(count)], 0)
            for i in range(len(shape))
        ]
    )


def same_places(a: Index, b: Index, shape: Any) -> bool:
    """Whether two indices of a value find the same elements."""
    return all(x == y for x, y, n in zip(a, b, shape) if n != 1)
