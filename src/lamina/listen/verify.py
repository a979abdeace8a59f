"""The verifier of programs, to be run after every pass."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import LaminaError, ProgramError
from .ir import Instruction, Program, Value
from .opcodes import TABLE, result_specs
from .spec import Spec


def verify(program: Program) -> Program:
    """Check that a Program is one.

    Every Value is defined once, and before it is used; every opcode exists; the Specs of all
    results, computed anew, are those recorded; captured arrays still have their Specs.

    Returns:
        The Program, for chaining.
    Raises:
        ProgramError: naming the first instruction that is wrong.
    """
    defined: set[Value] = set()
    _define(defined, program.inputs, "inputs")
    _define(defined, program.captures, "captures")
    for value, array in program.captures.items():
        if array is not None and (array.shape, array.dtype) != (value.shape, value.dtype):
            raise ProgramError(f"verify: {value!r} was captured, and is now {_spec(array)}")
    for number, instruction in enumerate(program.instructions):
        place = f"instruction {number} ({instruction.opcode})"
        _check_used(defined, instruction.operands, place)
        _check_result(instruction, place)
        _define(defined, instruction.results, place)
    _check_used(defined, program.outputs, "outputs")
    return program


def _spec(array: object) -> Spec:
    return Spec(array.shape, array.dtype)  # pyright: ignore[reportAttributeAccessIssue]


def _define(defined: set[Value], values: Iterable[Value], place: str) -> None:
    for value in values:
        if value in defined:
            raise ProgramError(f"verify: {place}: {value!r} is defined a second time")
        defined.add(value)


def _check_used(defined: set[Value], operands: Iterable[object], place: str) -> None:
    for x in operands:
        if isinstance(x, Value) and x not in defined:
            raise ProgramError(f"verify: {place}: {x!r} is used before it is defined")


def _check_result(instruction: Instruction, place: str) -> None:
    if instruction.opcode not in TABLE:
        raise ProgramError(f"verify: {place}: there is no such opcode")
    try:
        found = result_specs(instruction.opcode, instruction.specs(), instruction.fields)
    except (LaminaError, AttributeError) as error:  # AttributeError: a number for an array
        raise ProgramError(f"verify: {place}: {error}") from error
    expected = found if isinstance(found, tuple) else (found,)
    recorded = tuple([value.spec for value in instruction.results])
    if expected != recorded:
        raise ProgramError(
            f"verify: {place}: the result is recorded as {', '.join(map(str, recorded))} and "
            f"comes out as {', '.join(map(str, expected))}"
        )
