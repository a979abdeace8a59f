"""The text of a Program read back: ``parse(str(program)) == program``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..errors import LaminaError, ProgramError
from .ir import Program, Value
from .opcodes import TABLE
from .spec import Spec

_NAME = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|%(\d+)""")  # a string, or a %name
_RESULT = re.compile(r"%(\d+): (\w+)\[([\d, ]*)\]")
_CONSTANTS = {"inf": np.inf, "nan": np.nan}


def parse(
    text: str, functions: Mapping[str, Any] | None = None, captures: Iterable[Any] = ()
) -> Program:
    r"""The Program that reads as ``text``.

    Args:
        text: as ``str(program)`` gives it; empty lines and those that start with ``#`` are skipped.
        functions: operators by their ``repr``, for the ``call`` instructions.
        captures: the captured arrays, in order; without them the Program cannot run.
    Returns:
        A Program that equals the one that was printed.
    Raises:
        ProgramError: naming the line that is not one of a program, or is typed wrong.
    Example:
        >>> program = parse("%0: int64[2, 3] = input('n')\n%1: int64[3, 2] = transpose(%0, "
        ...                 "axes=(1, 0))\nreturn %1")
        >>> program.outputs
        (Value(int64[3, 2]),)
    """
    reader = _Reader(functions or {}, list(captures))
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                reader.read(line.strip())
            except (ValueError, TypeError, KeyError, SyntaxError, LaminaError) as error:
                raise ProgramError(f"parse: {line.strip()!r}: {error}") from error
    return reader.program


class _Reader:
    """A Program as far as it has been read, and its Values by name."""

    def __init__(self, functions: Mapping[str, Any], captures: list[Any]):
        self.program, self.functions, self.captures = Program(), functions, captures
        self.values: dict[str, Value] = {}

    def read(self, line: str) -> None:
        if line == "return" or line.startswith("return "):
            names = line.removeprefix("return").replace(" ", "").split(",")
            self.program.outputs = tuple([self.values[n[1:]] for n in names if n])
            return
        results, _, made = line.partition(" = ")
        declared = _RESULT.findall(results)
        if not declared:
            raise ValueError("should be %n: dtype[lengths] = opcode(operands, field=value)")
        values = self.made(ast.parse(_NAME.sub(_renamed, made), mode="eval").body, declared)
        for (name, dtype, shape), value in zip(declared, values, strict=True):
            spec = _spec(dtype, shape)
            if value.spec != spec:
                raise ValueError(f"%{name} is written as {spec} and comes out as {value.spec}")
            if name in self.values:
                raise ValueError(f"%{name} is defined twice")
            self.values[name] = value

    def made(self, call: ast.expr, declared: list[Any]) -> tuple[Value, ...]:
        """The Values that the right side of a line defines."""
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise ValueError("should be %n: dtype[lengths] = opcode(operands, field=value)")
        opcode = call.func.id
        if opcode not in (*TABLE, "input", "capture"):
            raise ValueError(f"there is no opcode {opcode!r}")
        operands = [self.evaluated(x) for x in call.args]
        if opcode == "input":
            spec = _spec(*declared[0][1:])
            return (self.program.input(spec.shape, spec.dtype, *operands),)
        if opcode == "capture":
            array = self.captures.pop(0) if self.captures else None
            return (self.program.add_capture(_spec(*declared[0][1:]), array),)
        fields = {str(k.arg): self.evaluated(k.value) for k in call.keywords}
        if opcode == "call":
            fields["function"] = self.function(fields["function"])
        made = self.program.emit(opcode, *operands, **fields)
        return made if isinstance(made, tuple) else (made,)

    def function(self, name: str) -> Any:
        if name not in self.functions:
            raise ValueError(f"the operator {name} is not among the functions given")
        return self.functions[name]

    def evaluated(self, node: ast.expr) -> Any:
        """A Value, a number, a dtype or a tuple, from its syntax."""
        match node:
            case ast.Constant(value):
                return value
            case ast.Tuple(items):
                return tuple([self.evaluated(item) for item in items])
            case ast.UnaryOp(ast.USub(), x):
                return -self.evaluated(x)
            case ast.BinOp(a, ast.Add() | ast.Sub() as sign, b):  # of a complex number
                b = self.evaluated(b)
                return self.evaluated(a) + (b if isinstance(sign, ast.Add) else -b)
            case ast.Name(name) if name[0] == "_":
                return self.values[name[1:]]
            case ast.Name(name):
                return _CONSTANTS[name] if name in _CONSTANTS else np.dtype(name)
            case ast.Call(ast.Name(name), [x]):
                return np.dtype(name).type(self.evaluated(x))
        raise ValueError(f"{ast.unparse(node)} is no operand")


def _renamed(match: re.Match[str]) -> str:
    """``%3`` as the identifier ``_3``; what stands in quotes stays."""
    return match[1] or f"_{match[2]}"


def _spec(dtype: str, shape: str) -> Spec:
    return Spec(tuple([int(n) for n in shape.split(",") if n.strip()]), np.dtype(dtype))


Program.parse = staticmethod(parse)  # pyright: ignore[reportAttributeAccessIssue]
