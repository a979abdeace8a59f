"""The memory of a replayed step: run as it is, heard and run as a program, and then replayed.

The first call is an eager step. The second runs the program with every result in an array of its
own, which shows how they lie. From the third on they lie in buffers that are given on, beside what
NumPy and kernels make during the run, which is held to its end.
"""

# pyright: reportPrivateUsage=false
# (it asks the replay for what it keeps)

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..compiler.bound import _straight
from ..compiler.pack import Packer, leveled
from ..compiler.plan import INTO, Plan
from ..compiler.simplify import simplify
from ..compiler.trace import Traced, trace
from ..config import using
from ..listen import VIEWS, Instruction, Program, Spec, Value
from ..listen.run import last_needed
from .memory_ledger import Counted, Ledger, Storage, labelled
from .memory_native import shape_only
from .memory_strides import packed_strides


def replayed(step: Callable[..., Any], batch: Sequence[Spec], ledger: Ledger, kept: Any) -> int:
    """Enter the calls of a replayed step after its first one; the ledger's peak is then that of the
    third, which is the highest of all that follow.

    Args:
        step: all that it touches holds arrays, or phantoms.
        batch: its arguments.
        ledger: after an eager call.
        kept: what that call left behind is held until the second has run: it is let go of then.
    Returns:
        The peak of the second call.
    Raises:
        TraceError: if it cannot be compiled.
    """
    with using(stand_in=None, debug=False):
        traced = trace(step, tuple([shape_only(spec) for spec in batch]), {})
    program = simplify(traced.program)
    with labelled(ledger, "run"):
        run = _Run(ledger, program)
        run.each()
    second, lying, copies = ledger.peak, run.strides, run.copies
    held = [run.known[value] for value in program.outputs[-len(traced.grads) or None :]]
    for counted in held:
        ledger.relabel(counted.storage, "gradients")
    del run
    kept.clear()
    ledger.look_again()
    program = leveled(program)
    there = {**program.captures, **_fixed(program, traced)}
    packer = Packer(program, there, _axes(lying))
    plan = _Sized(packer.program, {**there, **packer.arrays}, copies)
    with labelled(ledger, "arena"):
        sizes = [packer.nbytes, *plan.buffers, *plan.masks(packer.program)]
        buffers = [ledger.made(Spec((n,), np.dtype(np.uint8))) for n in sizes]
    with labelled(ledger, "run"):
        _Run(ledger, packer.program, lying).only(plan)
    del buffers, held
    return second


class _Run:
    """Enters what a run of a program makes.

    Attributes:
        known: what is held.
        strides: of each result.
        copies: results that are no views.
    """

    def __init__(self, ledger: Ledger, program: Program, lying: dict[Value, Any] | None = None):
        self.ledger, self.program, self.lying = ledger, program, lying or {}
        self.strides: dict[Value, Any] = {}
        self.copies = set[Value]()
        there = [*program.inputs, *program.captures]
        self.known: dict[Value, Any] = {value: self._there(value) for value in there}

    def _there(self, value: Value) -> Any:
        """An array that is entered elsewhere."""
        array, strides = self.program.captures.get(value), self.lying.get(value)
        if array is not None:
            return self.ledger.capture(array)
        if strides is None:
            strides = packed_strides(value.shape)
        return Counted(self.ledger, value.spec, Storage(self.ledger, 0), strides, False)

    def each(self) -> None:
        """Each instruction, as `listen.run` does."""
        for instruction, last in zip(self.program.instructions, last_needed(self.program)):
            self._made(instruction)
            for value in instruction.results:
                self.strides[value] = self.known[value].strides
                if self.known[value].base is None:
                    self.copies.add(value)
            for value in last:
                del self.known[value]

    def only(self, plan: Plan) -> None:
        """What no buffer is there for, held to the end."""
        for instruction in self.program.instructions:
            first = instruction.results[0]
            if first in plan.arrays:
                self.known[first] = self._there(first)
            else:
                self._made(instruction)

    def _known(self, value: Value) -> Any:
        if value not in self.known:  # a part of a pack
            self.known[value] = self._there(value)
        return self.known[value]

    def _made(self, instruction: Instruction) -> None:
        operands = [self._known(x) if isinstance(x, Value) else x for x in instruction.operands]
        made = self.ledger.emit(instruction.opcode, *operands, **instruction.fields)
        results = made if isinstance(made, tuple) else (made,)
        self.known.update(zip(instruction.results, results, strict=True))
        self.ledger.settle()


class _Sized(Plan):
    """A plan of which only the sizes are asked: what lies in a buffer is there by its Spec.

    Attributes:
        buffers: bytes of each buffer.
    """

    def __init__(self, program: Program, there: dict[Value, Any], copies: set[Value]):
        self.buffers: list[int] = []
        self._copies = copies
        super().__init__(program, there)

    def _place(self, place: int, instruction: Instruction, value: Value) -> None:
        if instruction.opcode in VIEWS:
            if instruction.operands[0] in self.arrays and value not in self._copies:
                self.arrays[value] = value.spec
        elif instruction.opcode in ("full", "arange") or (
            self._is_constant(instruction) and value not in self._outputs
        ):
            self.buffers.append(value.nbytes)
            self.arrays[value] = value.spec
            self.constants.add(value)
        elif instruction.opcode in INTO and not self._misread(instruction):
            before = self._taken_over(place, instruction, value)
            self._owned[value] = self._buffer(value) if before is None else before
            self.arrays[value] = value.spec

    def _buffer(self, value: Value) -> Any:
        free = self._free[value.nbytes]
        if free and value not in self._outputs:
            return free.pop()
        self.arena += value.nbytes
        self.buffers.append(value.nbytes)
        return len(self.buffers)

    def masks(self, program: Program) -> list[int]:
        """Bytes of each array in which a replay keeps a condition as 0 and 1: see
        `compiler.replay`.
        """
        found: dict[Any, int] = {}
        for instruction in program.instructions:
            value = instruction.results[0]
            if instruction.opcode != "where" or value not in self.arrays:
                continue
            operands: Any = instruction.operands
            condition, a, b = operands
            planned = condition in self.arrays and a in self.arrays
            if planned and repr(b) in ("0", "0.0") and value.dtype.kind == "f":
                if a.dtype == value.dtype:
                    found[condition.shape, a.dtype] = condition.size * a.dtype.itemsize
        return list(found.values())


def _axes(lying: dict[Value, Any]) -> dict[Value, list[int]]:
    """The order of the axes of those whose memory does not run as they do."""
    orders = {v: sorted(range(v.ndim), key=lambda axis, s=s: -s[axis]) for v, s in lying.items()}
    return {value: order for value, order in orders.items() if order != list(range(value.ndim))}


def _fixed(program: Program, traced: Traced) -> dict[Value, Any]:
    """Results that are computed where they belong, as `compiler.bound` does."""
    first = len(program.outputs) - len(traced.changed) - len(traced.grads)
    targets = zip(program.outputs[first:], [variable._data for variable in traced.changed])
    return _straight(program, dict(targets))
