"""How results lie in memory: in which order their axes run, and where a copy is needed for it.

Images lie with their channels last, ``(n, h, w, c)``, whatever their shape says: one choice for the
whole program, that elementwise instructions carry on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ..listen import VIEWS, Instruction, Program, Value, repeat
from .access import Layout, dense, viewed

Order: TypeAlias = "tuple[int, ...]"
Wants: TypeAlias = "tuple[str | None, ...]"


def ordered(word: str, ndim: int) -> Order:
    """The order of axes that a word stands for."""
    if word == "image":
        return (0, *range(2, ndim), 1)
    return (1, 0, *range(2, ndim)) if word == "steps" else tuple(range(ndim))


class Layouts:
    """The order of every value of a program, and its layout.

    Args:
        program: with its captured arrays.
        wants: for an instruction, how each of its operands, and then its results, have to lie:
            "image" with channels last, "steps" with the steps before the samples, "plain" as its
            shape says, "rows" with its last axis in one piece, None any way.
    """

    def __init__(self, program: Program, wants: Callable[[Instruction], Wants]):
        self.program, self.wants = program, wants
        self.made_by = program.makers()
        self._orders: dict[Value, Order] = {}
        self._layouts: dict[Value, Layout | None] = {}
        self._users: dict[Value, list[Instruction]] = {}
        for instruction in program.instructions:
            for x in instruction.values:
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
            value = made.values[0]
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
            source = self.layout(made.values[0])
            return None if source is None else viewed(made, source)
        return dense(value.shape, self._orders[value])

    def _order(self, instruction: Instruction, value: Value) -> Order:
        plain = tuple(range(value.ndim))
        results = self.wants(instruction)[len(instruction.operands) :]
        wanted = dict(zip(instruction.results, results)).get(value)
        wanted = wanted or self._wanted_of_copy(instruction, value)
        if wanted is not None:
            return ordered(wanted, value.ndim)
        if instruction.opcode in ("copy", "matmul") or value.ndim < 3:
            return plain
        orders = [self._orders.get(x, plain) for x in instruction.values if x.shape == value.shape]
        return next((order for order in orders if order != plain), plain)

    def _wanted_of_copy(self, instruction: Instruction, value: Value) -> str | None:
        """How a copy, made for an operator, has to lie."""
        if instruction.opcode != "copy":
            return None
        for user in self._users.get(value, ()):
            for x, wanted in zip(user.operands, self.wants(user)):
                if x is value and wanted is not None:
                    return wanted
        return None

    # -- copies ------------------------------------------------------------------------------

    def wanted(self, instruction: Instruction, operand: int) -> str | None:
        """How an operand has to lie."""
        words = self.wants(instruction)[: len(instruction.operands)]
        return words[operand] if operand < len(words) else None

    def wants_copy(self, instruction: Instruction, operand: int) -> bool:
        """Whether an operand has to be copied before an instruction can read it."""
        x: Any = instruction.operands[operand]
        if 0 in x.shape:
            return False  # nothing lies anywhere
        layout = self.layout(x)
        if instruction.opcode == "reshape":
            return layout is not None and viewed(instruction, layout) is None
        if layout is None:
            return False  # a view of what is copied first
        if instruction.opcode == "matmul":
            steps = [n for n, length in zip(layout.strides[-2:], x.shape[-2:]) if length > 1]
            return bool(steps) and 1 not in steps
        wanted = self.wanted(instruction, operand)
        made = self.made_by.get(x)
        if wanted is None or (made is not None and made.opcode == "full"):
            return False  # equal numbers lie in any order
        if wanted == "rows":
            return layout.strides[-1] != 1 and x.shape[-1] > 1
        if layout.start:
            return True  # a kernel is told where the buffer begins, and not where a part of it does
        strides = dense(x.shape, ordered(wanted, x.ndim)).strides
        return any([a != b and n > 1 for a, b, n in zip(strides, layout.strides, x.shape)])


def laid_out(program: Program, wants: Callable[[Instruction], Wants]) -> tuple[Program, Layouts]:
    """``program`` with a copy wherever one is needed, and its layouts."""
    layouts = Layouts(program, wants)
    while any([layouts.wants_copy(i, n) for i in program.instructions for n in operands_of(i)]):
        program = _copied(program, layouts)
        layouts = Layouts(program, wants)
    return program, layouts


def operands_of(instruction: Instruction) -> list[int]:
    """Which operands are Values."""
    return [n for n, x in enumerate(instruction.operands) if isinstance(x, Value)]


def _copied(program: Program, layouts: Layouts) -> Program:
    """``program`` with the copies that are known to be needed."""
    known: dict[Any, Any] = {}

    def change(new: Program, old: Instruction, operands: tuple[Any, ...]) -> Any:
        changed = list(operands)
        for n in operands_of(old):
            if layouts.wants_copy(old, n):
                key = id(operands[n]), layouts.wanted(old, n)
                if key not in known:
                    known[key] = new.emit("copy", operands[n])
                changed[n] = known[key]
        return repeat(new, old, tuple(changed))

    return program.mapped(change)


def array_of(buffer: Any, value: Value, layout: Layout) -> Any:
    """The NumPy array of a stored value, a view of the bytes of its buffer."""
    numbers = buffer[: buffer.size // value.itemsize * value.itemsize].view(value.dtype)
    strides = [n * value.itemsize for n in layout.strides]
    return np.lib.stride_tricks.as_strided(numbers[layout.start :], value.shape, strides)
