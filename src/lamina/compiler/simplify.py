"""Passes that leave out what need not be done: shared twice, or for nobody."""

from __future__ import annotations

from typing import Any

from ..listen import Host, Instruction, Program, Value, repeat


def simplify(program: Program) -> Program:
    """`share`, then `drop`."""
    return drop(share(program))


def share(program: Program) -> Program:
    """Equal instructions on equal operands are done once.

    Kernels (``call``) are left alone: one may draw random numbers.
    """
    known: dict[Any, Any] = {}

    def change(new: Program, instruction: Instruction, operands: tuple[Any, ...]) -> Any:
        if instruction.opcode == "call":
            return repeat(new, instruction, operands)
        key = (
            instruction.opcode,
            tuple([identity(x) for x in operands]),
            tuple([(name, repr(value)) for name, value in instruction.fields.items()]),
        )
        if key not in known:
            known[key] = repeat(new, instruction, operands)
        return known[key]

    return program.mapped(change)


def identity(x: Any) -> Any:
    """What two operands that are the same have in common."""
    return id(x) if isinstance(x, (Value, Host)) else (type(x), repr(x))


def drop(program: Program) -> Program:
    """Instructions whose results nobody uses are left out, and captures that nobody reads.

    Not so operators that act: one may draw random numbers, or refuse what it is given.
    """
    used: set[Value] = set(program.outputs)
    for instruction in reversed(program.instructions):
        if getattr(instruction.function, "acts", False):
            used.update(instruction.results)
        if not used.isdisjoint(instruction.results):
            used.update(instruction.values)
    new = Program()
    known: dict[Value, Value] = {v: new.input(v.shape, v.dtype, v.name) for v in program.inputs}
    for value, array in program.captures.items():
        if value in used:
            known[value] = new.add_capture(value.spec, array)
    for instruction in program.instructions:
        if used.isdisjoint(instruction.results):
            continue
        operands = [known[x] if isinstance(x, Value) else x for x in instruction.operands]
        made = repeat(new, instruction, tuple(operands))
        known.update(zip(instruction.results, made if isinstance(made, tuple) else (made,)))
    new.outputs = tuple([known[value] for value in program.outputs])
    return new
