"""The replay emitter: a Program as generated Python, NumPy calls into arrays that are there.

The source can be read: `Replay.source`. It needs nothing but NumPy.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

import numpy as np

from ..listen import TABLE, Host, Instruction, Program, Value
from .plan import ELEMENTWISE, REDUCTIONS, Plan

UFUNCS = {
    "sum": np.add,
    "prod": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "any": np.logical_or,
    "all": np.logical_and,
}


class Replay:
    """A Program that can be run.

    Args:
        program: with its captured arrays.
        fixed: results that are computed straight into arrays that last; see `Plan`.
        axes: how results lie in memory; see `Plan`.
    Attributes:
        source: the Python that runs.
        plan: where the results lie.
        run: takes the inputs, gives the outputs, which the next run overwrites.
    """

    def __init__(
        self,
        program: Program,
        fixed: dict[Value, Any] | None = None,
        axes: dict[Value, list[int]] | None = None,
    ):
        self.plan = Plan(program, {**program.captures, **(fixed or {})}, axes)
        self._names: dict[str, Any] = {"asarray": np.asarray, "copyto": np.copyto}
        self._known: dict[int, str] = {}  # names of objects, by id; the namespace holds them
        self._locals: dict[Value, str] = {}
        inputs = [self._local(value) for value in program.inputs]
        hosts: list[str] = []
        body = [line for i in program.instructions for line in self._lines(i, hosts)]
        outputs = ", ".join([self._operand(value, hosts) for value in program.outputs])
        lines = [*hosts, *body, f"return ({outputs}{',' if outputs else ''})"]
        self.source = "\n".join([f"def run({', '.join(inputs)}):", *[f"    {x}" for x in lines]])
        self.run: Callable[..., tuple[Any, ...]] = self._compiled()

    def _compiled(self) -> Any:
        """``run`` as a closure: its names are found faster than globals."""
        indented = self.source.replace("\n", "\n    ")
        source = f"def make({', '.join(self._names)}):\n    {indented}\n    return run"
        file = f"<lamina replay {id(self)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        made: dict[str, Any] = {}
        exec(compile(source, file, "exec"), made)
        return made["make"](**self._names)

    # -- names -------------------------------------------------------------------------------

    def _local(self, value: Value) -> str:
        name = self._locals.setdefault(value, f"v{len(self._locals)}")
        return name

    def _object(self, x: Any, prefix: str) -> str:
        """The name of an object of the namespace."""
        if id(x) not in self._known:
            self._known[id(x)] = f"{prefix}{len(self._known)}"
            self._names[self._known[id(x)]] = x
        return self._known[id(x)]

    def _function(self, name: str, function: Any) -> str:
        self._names[name] = function
        return name

    def _operand(self, x: Any, hosts: list[str]) -> str:
        if isinstance(x, Value):
            array = self.plan.arrays.get(x)
            return self._locals[x] if array is None else self._object(array, "a")
        if isinstance(x, Host):
            name = self._object(x, "h")
            line = f"{name}_now = {name}.now()"
            if line not in hosts:
                hosts.append(line)
            return f"{name}_now"
        if isinstance(x, (np.generic, float)):
            return self._object(x, "c")  # inf and nan have no literal
        return repr(x)

    # -- instructions ------------------------------------------------------------------------

    def _lines(self, instruction: Instruction, hosts: list[str]) -> list[str]:
        operands = [self._operand(x, hosts) for x in instruction.operands]
        value = instruction.results[0]
        array = self.plan.arrays.get(value)
        if array is None or len(instruction.results) > 1:
            return self._made(instruction, operands)
        if not operands or instruction.opcode in ("reshape", "transpose", "broadcast_to", "slice"):
            return []  # it is there before the run
        return self._into(instruction, operands, self._object(array, "a"))

    def _made(self, instruction: Instruction, operands: list[str]) -> list[str]:
        """A result whose array is made during the run."""
        names = [self._local(value) for value in instruction.results]
        fields = dict(instruction.fields)
        if instruction.opcode == "call":
            function = self._object(fields.pop("function").forward, "kernel")
        else:
            function = self._function(f"np_{instruction.opcode}", TABLE[instruction.opcode].run)
        arguments = operands + [f"{k}={self._object(v, 'f')}" for k, v in fields.items()]
        call = f"{function}({', '.join(arguments)})"
        if len(names) > 1:
            return [f"{', '.join(names)} = {call}"]
        return [f"{names[0]} = {call if instruction.results[0].shape else f'asarray({call})'}"]

    def _into(self, instruction: Instruction, operands: list[str], out: str) -> list[str]:
        """A result that is computed into an array that is there."""
        opcode, fields = instruction.opcode, instruction.fields
        if opcode in ELEMENTWISE or opcode == "matmul":
            function = self._function(opcode, getattr(np, opcode))
            # by position is faster, but NumPy means to read a third operand into these two
            target = f"out={out}" if opcode in ("maximum", "minimum") else out
            return [f"{function}({', '.join([*operands, target])})"]
        if opcode in REDUCTIONS:
            function = self._function(f"{opcode}_reduce", UFUNCS[opcode].reduce)
            dtype = self._object(fields["dtype"], "f") if fields.get("dtype") else None
            keepdims = fields["keepdims"]
            return [f"{function}({operands[0]}, {fields['axis']}, {dtype}, {out}, {keepdims})"]
        if opcode == "where":
            condition, a, b = operands
            return [f"copyto({out}, {b})", f"copyto({out}, {a}, where={condition})"]
        if opcode == "concatenate":
            function = self._function("concatenate", np.concatenate)
            return [f"{function}(({', '.join(operands)},), {fields['axis']}, {out})"]
        if opcode == "argmax":
            function = self._function("argmax", np.argmax)
            return [f"{function}({operands[0]}, {fields['axis']}, {out}, "
                    f"keepdims={fields['keepdims']})"]  # fmt: skip
        return [f"copyto({out}, {operands[0]}, 'unsafe')"]  # astype, copy
