"""The reference: a Program run by NumPy, instruction by instruction; and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ..errors import ShapeError, TraceError
from .host import now
from .ir import Instruction, Program, Value
from .opcodes import TABLE, label_lengths


def run(
    program: Program, *inputs: Any, seen: Callable[[Value, Any], None] | None = None
) -> tuple[Any, ...]:
    """Run a Program: what any compiler of it has to reproduce.

    A result is let go of after the last instruction that needs it.

    Args:
        program: captured arrays are read now.
        inputs: one array for each input, of its shape and dtype.
        seen: told each result as it is made.
    Returns:
        One array for each output.
    Raises:
        ShapeError: if the inputs are not those of the Program.
        TraceError: if it was read from text, and the captured arrays were not given.
    Example:
        >>> program = Program()
        >>> x = program.input((3,), np.float64)
        >>> program.outputs = (x * 2.0 + 1.0,)
        >>> run(program, np.array([1.0, 2.0, 3.0]))
        (array([3., 5., 7.]),)
    """
    given = [(np.shape(x), x.dtype) for x in inputs]
    if given != [(v.shape, v.dtype) for v in program.inputs]:
        wanted = ", ".join([str(v.spec) for v in program.inputs])
        got = ", ".join([f"{dtype}{list(shape)}" for shape, dtype in given])
        raise ShapeError(f"run: the inputs should be {wanted}, got {got}")
    if any(array is None for array in program.captures.values()):
        raise TraceError("run: a captured array is not known; give parse(..., captures=[...])")
    known: dict[Value, Any] = {**dict(zip(program.inputs, inputs)), **program.captures}
    for instruction, last in zip(program.instructions, last_needed(program)):
        arrays = [known[x] if isinstance(x, Value) else now(x) for x in instruction.operands]
        made = TABLE[instruction.opcode].run(*arrays, **instruction.fields)
        made = made if isinstance(made, tuple) else (made,)
        arrays = [np.asarray(x) for x in made]  # NumPy gives numbers where shapes are ()
        known.update(zip(instruction.results, arrays, strict=True))
        if seen is not None:
            for value, array in zip(instruction.results, arrays):
                seen(value, array)
        del made, arrays
        for value in last:
            del known[value]
    return tuple([known[value] for value in program.outputs])


def last_needed(program: Program) -> list[list[Value]]:
    """For each instruction: of its operands and results, those that nothing needs after it."""
    needed, found = {*program.outputs}, list[list[Value]]()
    for instruction in reversed(program.instructions):
        values = [*instruction.values, *instruction.results]
        found.append([value for value in dict.fromkeys(values) if value not in needed])
        needed.update(values)
    return found[::-1]


def multiply_adds(instruction: Instruction) -> int:
    """How many products with a sum an instruction takes; elementwise work counts nothing.

    A ``call`` asks the operator's ``multiply_adds(*specs)``, if it has one.

    Example:
        >>> program = Program()
        >>> _ = program.input((2, 3), np.float32) @ program.input((3, 5), np.float32)
        >>> multiply_adds(program.instructions[-1])
        30
    """
    operands = instruction.specs()
    if instruction.opcode == "matmul":
        return instruction.results[0].size * operands[0].shape[-1]
    if instruction.opcode == "einsum":
        lengths = label_lengths(instruction.fields["subscripts"], operands)
        return prod(lengths.values()) * (len(operands) - 1)
    count = getattr(instruction.fields.get("function"), "multiply_adds", None)
    return 0 if count is None else int(count(*operands))
