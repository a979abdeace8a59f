"""The replay emitter: a Program as generated Python, NumPy calls into arrays that are there.

The source can be read: `Replay.source`. It needs nothing but NumPy.
"""

from __future__ import annotations

import importlib.util
import linecache
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

import numpy as np

from ..listen import TABLE, VIEWS, Host, Instruction, Program, Value, multiply_adds
from .described import Described, Row, name_of, text
from .kept_word import forward_of
from .pack import Packer
from .plan import ELEMENTWISE, INTO, REDUCTIONS, Plan

UFUNCS = {
    "sum": np.add,
    "prod": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "any": np.logical_or,
    "all": np.logical_and,
}

BLAS = {np.dtype(np.float32), np.dtype(np.float64)}
"""Dtypes of which NumPy's products are BLAS's."""

EXTREMES = ("maximum", "minimum")
FULL = 2**16
"""Elements of the largest array that is one number everywhere."""


class Source:
    """Python that is written line by line, and then compiled.

    Args:
        arrays: for each Value that has a place, its array; the others are local names.
    Attributes:
        text: the function ``run`` that was written.
    """

    def __init__(self, arrays: dict[Value, Any]):
        self.arrays = arrays
        self.text = ""
        self._names: dict[str, Any] = {"asarray": np.asarray, "copyto": np.copyto}
        self._known: dict[int, str] = {}  # names of objects, by id; the namespace holds them
        self._locals: dict[Value, str] = {}
        self._given: dict[Any, str] = {}  # of inputs, and what is one transposed: the input's name
        self._hosts: list[str] = []
        self._numbers: dict[tuple[Any, ...], Any] = {}  # as arrays: NumPy converts them each time
        self._masks: dict[tuple[Any, ...], Any] = {}
        self._views: dict[tuple[Any, ...], Any] = {}

    def compiled(self, inputs: list[str], body: list[str], outputs: tuple[Value, ...]) -> Any:
        """The function ``run``."""
        given = ", ".join([self.operand(value) for value in outputs])
        lines = [*self._hosts, *body, f"return ({given}{',' if given else ''})"]
        return self.function_of("run", inputs, lines)

    def function_of(self, name: str, inputs: list[str], lines: list[str]) -> Any:
        """A function as a closure: its names are found faster than globals."""
        self.text = "\n".join([f"def {name}({', '.join(inputs)}):", *[f"    {x}" for x in lines]])
        indented = self.text.replace("\n", "\n    ")
        source = f"def make({', '.join(self._names)}):\n    {indented}\n    return {name}"
        file = f"<lamina program {id(self)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        made: dict[str, Any] = {}
        exec(compile(source, file, "exec"), made)
        return made["make"](**self._names)

    # -- names -------------------------------------------------------------------------------

    @property
    def known(self) -> Any:
        """The Values that have a name."""
        return self._locals.keys()

    def input(self, value: Value) -> str:
        """The name of an array that each run is given."""
        return self._given.setdefault(value, self.local(value))

    def local(self, value: Value) -> str:
        """The name of a Value that has no array before the run."""
        return self._locals.setdefault(value, f"v{len(self._locals)}")

    def object(self, x: Any, prefix: str) -> str:
        """The name of an object of the namespace."""
        if id(x) not in self._known:
            self._known[id(x)] = f"{prefix}{len(self._known)}"
            self._names[self._known[id(x)]] = x
        return self._known[id(x)]

    def function(self, name: str, function: Any) -> str:
        """The name of a function: its own."""
        self._names[name] = function
        return name

    def operand(self, x: Any) -> str:
        """An operand of an instruction, as Python has it."""
        if isinstance(x, Value):
            array = self.arrays.get(x)
            return self._locals[x] if array is None else self.object(array, "a")
        if isinstance(x, Host):
            name = self.object(x, "h")
            return self._at_first(f"{name}_now", f"{name}.now()")
        if isinstance(x, (np.generic, float)):
            return self.object(x, "c")  # inf and nan have no literal
        return repr(x)

    def _at_first(self, name: str, expression: str) -> str:
        """The name of what is computed once, when a run begins."""
        line = f"{name} = {expression}"
        if line not in self._hosts:
            self._hosts.append(line)
        return name

    def _in_dtype(self, x: Any, dtype: Any, like: Any = None) -> str:
        """An operand of an elementwise instruction on arrays of one floating dtype.

        A Python number takes that dtype there, and it is cheaper to give it once; or as often as
        the array ``like`` has elements.
        """
        if type(x) not in (int, float, Host):
            return self.operand(x)
        if isinstance(x, Host):
            name, kind = self.operand(x), self.function(str(dtype), dtype)
            return self._at_first(f"{name}_{dtype}", f"asarray({name}, {kind})")
        key = repr(x), dtype, None if like is None else (like.shape, like.strides)
        if key not in self._numbers:
            number = np.asarray(x, dtype)
            self._numbers[key] = number if like is None else np.full_like(like, number)
        return self.object(self._numbers[key], "c")

    # -- instructions ------------------------------------------------------------------------

    def lines(self, instruction: Instruction) -> list[str]:
        """What an instruction is in Python."""
        operands = [self.operand(x) for x in instruction.operands]
        value = instruction.results[0]
        array = self.arrays.get(value)
        if array is None or len(instruction.results) > 1:
            return self._made(instruction, operands)
        if instruction.opcode in VIEWS:
            return []  # it is there before the run
        if instruction.opcode in INTO:
            return self._into(instruction, operands, self.object(array, "a"))
        return self._copied(instruction, operands, self.object(array, "a"))

    def timed(self, lines: list[str], clock: list[int], place: int) -> list[str]:
        """``lines``, and their nanoseconds added to a place of a clock."""
        if not lines:
            return []
        now, ticks = self.function("perf_counter_ns", perf_counter_ns), self.object(clock, "clock")
        return [f"begun = {now}()", *lines, f"{ticks}[{place}] += {now}() - begun"]

    def _call(self, instruction: Instruction, operands: list[str]) -> str:
        fields = dict(instruction.fields)
        if instruction.opcode == "call":
            function = self.object(
                forward_of(fields.pop("function"), instruction.results), "kernel"
            )
        else:
            function = self.function(f"np_{instruction.opcode}", TABLE[instruction.opcode].run)
        arguments = operands + [f"{k}={self.object(v, 'f')}" for k, v in fields.items()]
        return f"{function}({', '.join(arguments)})"

    def _made(self, instruction: Instruction, operands: list[str]) -> list[str]:
        """Results whose arrays are made during the run."""
        results = instruction.results
        names = [self.local(value) for value in results]
        if instruction.opcode == "transpose" and instruction.fields["axes"] == (1, 0):
            self._given[results[0]] = self._given.get(instruction.operands[0], "")
            return [f"{names[0]} = {operands[0]}.T"]
        call = self._call(instruction, operands)
        if len(names) > 1:
            there = [(self.arrays[v], name) for v, name in zip(results, names) if v in self.arrays]
            copies = [f"copyto({self.object(array, 'a')}, {name})" for array, name in there]
            return [f"{', '.join(names)} = {call}", *copies]
        return [f"{names[0]} = {call if results[0].shape else f'asarray({call})'}"]

    def _copied(self, instruction: Instruction, operands: list[str], out: str) -> list[str]:
        """A result that is made, and then copied to where it belongs."""
        return [f"copyto({out}, {self._call(instruction, operands)})"]

    def _into(self, instruction: Instruction, operands: list[str], out: str) -> list[str]:
        """A result that is computed into an array that is there."""
        opcode, fields = instruction.opcode, instruction.fields
        if opcode == "matmul":
            return [f"{self._product(instruction)}({', '.join([*operands, out])})"]
        if opcode in ELEMENTWISE:
            # by position is faster, but NumPy means to read a third operand into these two
            target = f"out={out}" if opcode in EXTREMES else out
            given = ", ".join([*self._beside(instruction), target])
            return [f"{self._ufunc(opcode)}({given})"]
        if opcode in REDUCTIONS:
            function = self.function(f"{opcode}_reduce", UFUNCS[opcode].reduce)
            dtype = self.object(fields["dtype"], "f") if fields.get("dtype") else None
            keepdims = fields["keepdims"]
            return [f"{function}({operands[0]}, {fields['axis']}, {dtype}, {out}, {keepdims})"]
        if opcode == "where":
            condition, a, b = operands
            kept = self._kept_bits(instruction)
            if kept:
                return kept
            return [f"copyto({out}, {b})", f"copyto({out}, {a}, where={condition})"]
        if opcode == "concatenate":
            function = self.function("concatenate", np.concatenate)
            return [f"{function}(({', '.join(operands)},), {fields['axis']}, {out})"]
        if opcode == "argmax":
            function = self.function("argmax", np.argmax)
            return [f"{function}({operands[0]}, {fields['axis']}, {out}, "
                    f"keepdims={fields['keepdims']})"]  # fmt: skip
        return [f"copyto({out}, {operands[0]}, 'unsafe')"]  # astype, copy

    def _beside(self, instruction: Instruction) -> list[str]:
        """The operands of an elementwise instruction, each as NumPy takes it soonest."""
        array, operands = self.arrays[instruction.results[0]], instruction.operands
        dtypes = {x.dtype for x in operands if isinstance(x, Value)}
        floating = len(dtypes) == 1 and min(dtypes).kind == "f"
        # with one number, these two are three times as slow as with a full array
        like = array if instruction.opcode in EXTREMES and array.size <= FULL else None
        return [self._in_dtype(x, min(dtypes), like) if floating and not isinstance(x, Value) else
                self._single(x, instruction) for x in operands]  # fmt: skip

    def _single(self, x: Any, instruction: Instruction) -> str:
        """An operand; of one number beside an array as an array without axes, where it is."""
        array = self.arrays.get(x) if isinstance(x, Value) else None
        shape = instruction.results[0].shape
        if array is None or not array.size or array.shape == shape:
            return self.operand(x)
        full = any([isinstance(v, Value) and v.shape == shape for v in instruction.operands])
        if not full or any([n > 1 and stride for n, stride in zip(array.shape, array.strides)]):
            return self.operand(x)
        return self.object(self._view(array[(0,) * array.ndim + (...,)]), "a")

    def _ufunc(self, opcode: str) -> str:
        return self.function(opcode, getattr(np, opcode))

    def _product(self, instruction: Instruction) -> str:
        """`dot` if a product is one of two matrices without gaps: it calls the same BLAS there, in
        half the time if they are small. Elsewhere it sums in another order, and a single number it
        takes as a factor. Of inputs each run tells whether they have gaps.
        """
        operands: Any = instruction.operands
        values: Any = (*operands, instruction.results[0])
        arrays = [self.arrays[x] for x in values if x in self.arrays]
        given = sorted({self._given.get(x, "") for x in operands if x not in self.arrays})
        kinds = {x.dtype for x in values}
        plain = all([x.ndim == 2 and x.size for x in values]) and kinds <= BLAS and len(kinds) == 1
        dense = all([x.flags.c_contiguous or x.flags.f_contiguous for x in arrays])
        several = operands[0].size > 1 and operands[1].size > 1
        if not (plain and dense and several and arrays[-1].flags.c_contiguous and all(given)):
            return self._ufunc("matmul")
        if not given:
            return self._ufunc("dot")
        condition = " and ".join([f"{name}.flags.c_contiguous" for name in given])
        choice = f"{self._ufunc('dot')} if {condition} else {self._ufunc('matmul')}"
        return self._at_first(f"{'_'.join(given)}_product", choice)

    def _kept_bits(self, instruction: Instruction) -> list[str] | None:
        """``where(condition, a, 0)`` as the bits of ``a`` times 0 or 1: no branch, NaN and all."""
        condition, a, b = instruction.operands
        arrays = [self.arrays.get(x) for x in (condition, a) if isinstance(x, Value)]
        out = self.arrays[instruction.results[0]]
        if repr(b) not in ("0", "0.0") or out.dtype.kind != "f" or len(arrays) < 2:
            return None
        mask, kept = arrays
        if mask is None or kept is None or kept.dtype != out.dtype:
            return None
        integer = np.dtype(f"i{out.itemsize}")
        key = (mask.shape, integer)
        if key not in self._masks:
            self._masks[key] = np.empty(*key)
        bits = self.object(self._masks[key], "bits")
        views = mask.view(np.int8), kept.view(integer), out.view(integer)
        ones, a_bits, out_bits = [self.object(self._view(x), "a") for x in views]
        times = self._ufunc("multiply")
        return [f"copyto({bits}, {ones})", f"{times}({a_bits}, {bits}, {out_bits})"]

    def _view(self, array: Any) -> Any:
        """One and the same object for the same view, so that it has one name."""
        where = (array.ctypes.data, array.shape, array.strides, array.dtype)
        return self._views.setdefault(where, array)


class Replay:
    """A Program that can be run.

    Args:
        program: with its captured arrays.
        fixed: results that are computed straight into arrays that last; see `Plan`.
        axes: how results lie in memory; see `Plan`.
        profile: whether it times its instructions.
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
        profile: bool = False,
    ):
        there = {**program.captures, **(fixed or {})}
        packer = Packer(program, there, axes or {})
        self.program, self.profile = packer.program, profile
        self.clock = [0] * (len(self.program.instructions) + 1)  # nanoseconds of each; and runs
        self.plan = Plan(self.program, {**there, **packer.arrays}, axes)
        self.plan.arena += packer.nbytes
        self.plan.naive += packer.naive
        source = Source(self.plan.arrays)
        inputs = [source.input(value) for value in program.inputs]
        body = self._body(source)
        self.run: Callable[..., tuple[Any, ...]] = source.compiled(inputs, body, program.outputs)
        self.source = source.text

    def _body(self, source: Source) -> list[str]:
        constants = self.plan.constants
        lines = [source.lines(i) if constants.isdisjoint(i.results) else []
                 for i in self.program.instructions]  # fmt: skip
        self.steps = [i for i, found in enumerate(lines) if found]
        if self.profile:
            lines = [source.timed(found, self.clock, i) for i, found in enumerate(lines)]
            lines.append([f"{source.object(self.clock, 'clock')}[-1] += 1"])
        return [line for found in lines for line in found]

    def lasting(self, i: int, value: Value) -> Any:
        """The array that holds output ``i`` after each run; None if each makes one."""
        return self.plan.arrays.get(value)

    def rows(self) -> list[Row]:
        """What `Step.explain` says of the instructions that run, one by one."""
        instructions, runs = self.program.instructions, self.clock[-1]
        return [_row(instructions[i], self.clock[i] * 1e-9 / runs if runs else None)
                for i in self.steps]  # fmt: skip

    def restart(self) -> None:
        """Set the clocks to 0."""
        self.clock[:] = [0] * len(self.clock)

    def described(self, program: Program) -> Described:
        """All that there is to tell; ``program`` is as it was heard."""
        sizes, count = (self.plan.arena, self.plan.naive), len(program.instructions)
        return Described("replay", str(program), count, self.source, *sizes, 1, self.rows())

    def explain(self) -> str:
        """The memory, and the Python that runs; the instructions, if they were timed."""
        memory = f"buffers {self.plan.arena:,} bytes for {self.plan.naive:,} bytes of results"
        table = f"\n{text(self.rows())}" if self.profile else ""
        return f"{memory}{table}\n\n{self.source}"


def _row(instruction: Instruction, seconds: float | None) -> Row:
    operands = instruction.values
    nbytes = sum([value.nbytes for value in {*operands, *instruction.results}])
    work = _work(instruction, operands)
    shape = "x".join(map(str, instruction.results[0].shape))
    reached = _reached(work, nbytes, seconds)
    return Row("numpy", shape, name_of(instruction), nbytes, work, seconds, reached)


def _work(instruction: Instruction, operands: list[Value]) -> int:
    """Operations: of sums of products two each, else one for each number that is made or read."""
    if instruction.opcode in REDUCTIONS:
        return operands[0].size
    if instruction.opcode in ELEMENTWISE:
        return instruction.results[0].size
    return 2 * multiply_adds(instruction)


def _reached(work: int, nbytes: int, seconds: float | None) -> float | None:
    """The share of what this machine can do at most, where llvmlite is there to measure that."""
    if not seconds or importlib.util.find_spec("llvmlite") is None:
        return None
    from .native.report import reached

    return reached(work, nbytes, seconds)
