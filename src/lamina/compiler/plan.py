"""Where results lie: each in a buffer while it is needed, and the buffer given on afterwards.

What the plan knows before the run are arrays: a program that is emitted from it finds them in place
and computes into them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from ..listen import TABLE, VIEWS, Host, Instruction, Program, Value

ELEMENTWISE = frozenset(
    name
    for name, f in vars(np).items()
    if isinstance(f, np.ufunc) and f.nout == 1 and not f.signature
)
"""Opcodes that may write over an operand of the same shape and dtype."""

REDUCTIONS = frozenset(("sum", "prod", "max", "min", "any", "all"))
INTO = ELEMENTWISE | REDUCTIONS | {"matmul", "where", "astype", "copy", "concatenate", "argmax"}
"""Opcodes that can be told where to put their result."""


class Plan:
    """Arrays for the results of a Program.

    Args:
        program: what is to run.
        fixed: arrays that are there already: of captured Values, and of results that are computed
            straight into an array that lasts.
        axes: for results whose memory does not run as their axes do: the axes in the order of the
            memory, as NumPy laid it in a first run. Sums run in the order of memory, so only with
            the same order are they the same to the last bit.
    Attributes:
        arrays: for each planned Value its array; those without one are made during the run.
        constants: those that are there before the run, and the same at each.
        arena: bytes of all buffers together.
        naive: bytes that the same results would take if no buffer were given on.
    """

    def __init__(
        self,
        program: Program,
        fixed: dict[Value, Any],
        axes: dict[Value, list[int]] | None = None,
    ):
        self._axes = axes or {}
        self.arrays: dict[Value, Any] = dict(fixed)
        self.arena = self.naive = 0
        self._outputs = set(program.outputs)
        self._bases = bases_of(program)
        self._last = last_uses(program, self._bases)
        self._owned: dict[Value, Any] = {}  # the bytes of those that lie in buffers
        self._free: dict[int, list[Any]] = defaultdict(list)
        self.constants: set[Value] = set()
        self._objects: dict[tuple[Any, ...], Any] = {}
        for place, instruction in enumerate(program.instructions):
            if len(instruction.results) == 1 and instruction.results[0] not in self.arrays:
                self._place(place, instruction, instruction.results[0])
            self._release(place, instruction)

    def _place(self, place: int, instruction: Instruction, value: Value) -> None:
        if instruction.opcode in VIEWS:
            source: Any = self.arrays.get(instruction.operands[0])  # pyright: ignore[reportArgumentType]
            if source is not None:
                made = TABLE[instruction.opcode].run(source, **instruction.fields)
                if np.may_share_memory(made, source):
                    self.arrays[value] = made
        elif instruction.opcode in ("full", "arange"):
            self.arrays[value] = np.asarray(TABLE[instruction.opcode].run(**instruction.fields))
            self.constants.add(value)
        elif self._is_constant(instruction) and value not in self._outputs:
            known = [self.arrays[x] if isinstance(x, Value) else x for x in instruction.operands]
            self.arrays[value] = np.asarray(TABLE[instruction.opcode].run(*known))
            self.constants.add(value)
        elif instruction.opcode in INTO and not self._misread(instruction):
            axes = self._axes.get(value) or list(range(value.ndim))
            raw = self._taken_over(place, instruction, value)
            raw = self._buffer(value) if raw is None else raw
            self._owned[value] = raw
            lengths = [value.shape[axis] for axis in axes]
            flat = raw[: value.nbytes].view(value.dtype).reshape(lengths)
            laid = flat.transpose([axes.index(i) for i in range(value.ndim)])
            self.arrays[value] = self.one(laid)
            self.naive += value.nbytes

    def _is_constant(self, instruction: Instruction) -> bool:
        """Whether a single number is made of constants: a factor of the derivative of a mean."""
        if instruction.opcode not in ELEMENTWISE or instruction.results[0].shape:
            return False
        return all([x in self.constants if isinstance(x, Value) else not isinstance(x, Host)
                    for x in instruction.operands])  # fmt: skip

    def one(self, array: Any) -> Any:
        """One and the same object for the same place, so that it has one name: NumPy looks closely
        whether a result that is another object overlaps its operands, in as much time as it needs
        for a thousand numbers.
        """
        where = (array.ctypes.data, array.shape, array.strides, array.dtype)
        return self._objects.setdefault(where, array)

    def _misread(self, instruction: Instruction) -> bool:
        """Whether NumPy, given a place for the result, would reduce in another order.

        It does over reversed views, up to 2.0, and then even takes a wrong maximum.
        """
        return instruction.opcode in REDUCTIONS and instruction.operands[0] in self._bases

    def _buffer(self, value: Value) -> Any:
        free = self._free[value.nbytes]
        if free and value not in self._outputs:  # an output is read after the run
            return free.pop()
        self.arena += value.nbytes
        return np.empty(max(value.nbytes, 1), np.uint8)

    def _taken_over(self, place: int, instruction: Instruction, value: Value) -> Any:
        """The buffer of an operand that is not needed any more, if the result can lie there."""
        if instruction.opcode not in ELEMENTWISE or value in self._outputs:
            return None
        for x in instruction.operands:
            same = isinstance(x, Value) and (x.shape, x.dtype) == (value.shape, value.dtype)
            if same and x in self._owned and self._last[x] == place:  # pyright: ignore[reportArgumentType]
                return self._owned.pop(x)  # pyright: ignore[reportArgumentType]
        return None

    def _release(self, place: int, instruction: Instruction) -> None:
        for x in (*instruction.operands, *instruction.results):
            if not isinstance(x, Value):
                continue
            base = self._bases.get(x, x)
            if base in self._owned and self._last[base] == place:
                self._free[base.nbytes].append(self._owned.pop(base))


def bases_of(program: Program) -> dict[Value, Value]:
    """For each view: the Value in whose memory it lies."""
    bases: dict[Value, Value] = {}
    for instruction in program.instructions:
        source = instruction.operands[0] if instruction.operands else None
        may_view = instruction.opcode in VIEWS or instruction.opcode == "call"
        if may_view and isinstance(source, Value):
            for value in instruction.results:
                bases[value] = bases.get(source, source)
    return bases


def last_uses(program: Program, bases: dict[Value, Value]) -> dict[Value, int]:
    """The last instruction that needs each Value, or a view of it."""
    last: dict[Value, int] = {}
    for place, instruction in enumerate(program.instructions):
        for x in (*instruction.results, *instruction.operands):
            if isinstance(x, Value):
                last[x] = last[bases.get(x, x)] = place
    for value in program.outputs:
        last[value] = last[bases.get(value, value)] = len(program.instructions)
    return last
