"""How results lie in memory: in which order their axes run, and where a copy is needed for it.

Images lie with their channels last, ``(n, h, w, c)``, whatever their shape says: one choice for the
whole program, that elementwise instructions carry on. A product that is only turned and reshaped,
as heads of attention are, is laid as it will be read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ..listen import VIEWS, Instruction, Program, Value, repeat
from .access import Layout, dense, viewed

Order: TypeAlias = "tuple[int, ...]"
Wants: TypeAlias = "tuple[str | None, ...]"


def channels_last(ndim: int) -> Order:
    """The order of an image."""
    return (0, *range(2, ndim), 1)


class Layouts:
    """The order of every value of a program, and its layout.

    Args:
        program: with its captured arrays.
        wants: for an instruction, how each of its operands has to lie, and at the end its result:
            "image" with channels last, "plain" as its shape says, None any way.
    """

    def __init__(self, program: Program, wants: Callable[[Instruction], Wants]):
        self.program, self.wants = program, wants
        self.made_by = {v: i for i in program.instructions for v in i.results}
        self._orders: dict[Value, Order] = {}
        self._layouts: dict[Value, Layout | None] = {}
        self._users: dict[Value, list[Instruction]] = {}
        for instruction in program.instructions:
            for x in instruction.operands:
                if isinstance(x, Value):
                    self._users.setdefault(x, []).append(instruction)
        for instruction in program.instructions:
            for value in instruction.results:
                self._orders[value] = self._order(instruction, value)

    def order(self, value: Value) -> Order:
        """The axes from the slowest to the fastest."""
        if value in self._orders:
            return self._orders[value]
        strides = self.layout(value).strides  # pyright: ignore[reportOptionalMemberAccess]
        return tuple(sorted(range(value.ndim), key=lambda axis: -abs(strides[axis])))

    def base(self, value: Value) -> Value:
        """The stored value that ``value`` is a view of: itself, if it is none."""
        while (made := self.made_by.get(value)) is not None and made.opcode in VIEWS:
            value = made.operands[0]  # pyright: ignore[reportAssignmentType]
        return value

    def layout(self, value: Value) -> Layout | None:
        """Where the elements are, if the value is stored; None for a view that cannot be one."""
        if value not in self._layouts:
            self._layouts[value] = self._layout(value)
        return self._layouts[value]

    def _layout(self, value: Value) -> Layout | None:
        made = self.made_by.get(value)
        if made is None:
            array = self.program.captures.get(value)
            if array is None:
                return dense(value.shape)
            return Layout(tuple([s // array.itemsize for s in array.strides]))
        if made.opcode in VIEWS:
            source = self.layout(made.operands[0])  # pyright: ignore[reportArgumentType]
            return None if source is None else viewed(made, source)
        return dense(value.shape, self._orders[value])

    def _order(self, instruction: Instruction, value: Value) -> Order:
        plain = tuple(range(value.ndim))
        wanted = (self.wants(instruction) or (None,))[-1]
        if wanted == "image" or self._feeds_image(instruction, value):
            return channels_last(value.ndim)
        if wanted == "plain":
            return plain
        if instruction.opcode == "matmul":
            return self._read_order(value)
        if instruction.opcode == "copy" or value.ndim < 3:
            return plain
        for x in instruction.operands:
            if isinstance(x, Value) and x.shape == value.shape and x in self._orders:
                if self._orders[x] != plain:
                    return self._orders[x]
        return plain

    def _feeds_image(self, instruction: Instruction, value: Value) -> bool:
        """Whether this is a copy made for an operator on images."""
        return instruction.opcode == "copy" and any(
            [
                x is value and wanted == "image"
                for user in self._users.get(value, ())
                for x, wanted in zip(user.operands, self.wants(user))
            ]
        )

    def _read_order(self, value: Value) -> Order:
        """That of a transposition, if it is all that is done to ``value``, and then reshaped."""
        users = self._users.get(value, [])
        if len(users) == 1 and users[0].opcode == "transpose":
            after = self._users.get(users[0].results[0], [])
            axes = users[0].fields["axes"]
            if after and all([i.opcode == "reshape" for i in after]) and axes[-1] == value.ndim - 1:
                return tuple(axes)
        return tuple(range(value.ndim))

    # -- copies ------------------------------------------------------------------------------

    def wants_copy(self, instruction: Instruction, operand: int) -> bool:
        """Whether an operand has to be copied before an instruction can read it."""
        x: Any = instruction.operands[operand]
        layout = self.layout(x)
        if instruction.opcode == "reshape":
            return layout is None or viewed(instruction, layout) is None
        if instruction.opcode == "matmul":
            steps = layout.strides[-2:] if layout is not None else ()
            return 1 not in [n for n, length in zip(steps, x.shape[-2:]) if length > 1 or n == 1]
        wanted = dict(enumerate(self.wants(instruction)[:-1])).get(operand)
        if wanted is not None:
            order = channels_last(x.ndim) if wanted == "image" else None
            strides = dense(x.shape, order).strides
            found = layout.strides if layout is not None else ()
            return layout is None or any(
                [a != b and n > 1 for a, b, n in zip(strides, found, x.shape)]
            )
        return False


def laid_out(
    program: Program, wants: Callable[[Instruction], Wants]
) -> tuple[Program, Layouts]:
    """``program`` with a copy wherever one is needed, and its layouts."""
    layouts = Layouts(program, wants)
    waiting = iter(program.instructions)

    def change(new: Program, _: Instruction, operands: tuple[Any, ...]) -> Any:
        old = next(waiting)
        operands = tuple(
            [
                new.emit("copy", x) if isinstance(x, Value) and layouts.wants_copy(old, i) else x
                for i, x in enumerate(operands)
            ]
        )
        return repeat(new, old, operands)

    changed = program.mapped(change)
    return changed, Layouts(changed, wants)


def array_of(buffer: Any, value: Value, layout: Layout) -> Any:
    """The NumPy array of a stored value, a view of the bytes of its buffer."""
    numbers = buffer[: buffer.size // value.itemsize * value.itemsize].view(value.dtype)
    strides = [n * value.itemsize for n in layout.strides]
    return np.lib.stride_tricks.as_strided(numbers[layout.start :], value.shape, strides)
