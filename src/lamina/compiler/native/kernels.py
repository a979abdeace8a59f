"""Instructions that have native code of their own: what all have in common, and simple ones."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ...functions.index import ARRAY
from ...listen import Instruction, Value, multiply_adds
from ...machine.code import Code, Int
from ...machine.target import Target
from ..access import Layout, dense
from ..layout import Layouts
from ..lower import is_place
from ..nest import Nest, Node, Store, collapsed
from ..sources import KNOWN
from .walk import write_nest


class Kernel:
    """An instruction, planned: its operands are stored values, and so is its result.

    Attributes:
        values: whose addresses it is given.
        hosts: none.
        fixed: arrays that are there before the run, whose addresses it is given at the end.
        scratch: bytes for each thread.
        shared: bytes for all.
        work: operations.
    """

    kind = "kernel"
    scratch = shared = 0
    stacks = ()
    """Leading axes of the blocks on which a nest runs; see `Walk.block`."""

    def __init__(self, target: Target, instruction: Instruction, layouts: Layouts):
        self.target, self.instruction = target, instruction
        operands, results = instruction.values, instruction.results
        self.layouts: list[Layout] = [layouts.layout(x) or dense(x.shape) for x in operands]
        self.results = [layouts.layout(x) or dense(x.shape) for x in results]
        self.values = [layouts.base(x) for x in operands] + list(results)
        self.hosts: list[Any] = []
        self.fixed: dict[Value, Any] = {}
        sizes = sum([x.size for x in (*operands, *results)])
        self.work = 2 * multiply_adds(instruction) or sizes

    @classmethod
    def takes(cls, instruction: Instruction, made_by: dict[Value, Instruction]) -> bool:
        """Whether it can write this instruction: here, where arrays are of one dtype."""
        values = (*instruction.values, *instruction.results)
        return len({x.dtype for x in values}) == 1 and values[0].dtype in KNOWN

    @classmethod
    def takes_along(cls, instruction: Instruction) -> bool:
        """Whether `write` has a ``then`` for what runs on each block of the result."""
        return False

    def goes_to(self, into: Any) -> None:
        """Let the result go to the memory of a value that lies as it does."""
        self.values[-1] = into[0]

    def key(self) -> Any:
        """What is equal for equal code."""
        specs = [str(x.spec) for x in self.instruction.values]
        fields = [f"{k}={v!r}" for k, v in self.instruction.fields.items()]
        return type(self).__name__, specs, fields, self.layouts, self.results

    def write(self, code: Code, pointers: list[Any], scratch: Any, shared: Any) -> None:
        """Write it; every thread does its share, and a barrier follows."""
        raise NotImplementedError


class Concatenate(Kernel):
    """Arrays copied side by side."""

    def write(self, code: Code, pointers: list[Any], scratch: Any, shared: Any) -> None:
        """One nest for each of them."""
        *sources, target = pointers
        axis, to = self.instruction.fields["axis"], self.results[0]
        place = to.start
        for x, layout, source in zip(self.instruction.values, self.layouts, sources):
            nest = move(x, layout, Layout(to.strides, place))
            write_nest(nest, code, [source, target])
            place += x.shape[axis] * to.strides[axis]


class Pad(Kernel):
    """A number everywhere, then the array inside."""

    def write(self, code: Code, pointers: list[Any], scratch: Any, shared: Any) -> None:
        """Two nests."""
        x, y = self.instruction.values[0], self.instruction.results[0]
        to, width = self.results[0], self.instruction.fields["width"]
        write_nest(move(y, None, to, self.instruction.fields["value"]), code, pointers)
        code.barrier()
        start = to.start + sum([before * n for (before, _), n in zip(width, to.strides)])
        write_nest(move(x, self.layouts[0], Layout(to.strides, start)), code, pointers)


def move(x: Any, source: Layout | None, to: Layout, value: Any = None) -> Nest:
    """The nest that copies an array like ``x`` from one layout to another, or fills it."""
    order = sorted(range(x.ndim), key=lambda i: -abs(to.strides[i]))
    order = [i for i in order if x.shape[i] != 1]
    steps = tuple([to.strides[i] for i in order])
    if source is None:
        plain = repr(float(value)) if x.dtype.kind == "f" else value
        node = Node("constant", dtype=x.dtype, value=plain, steps=(0,) * len(order))
    else:
        along = tuple([source.strides[i] for i in order])
        node = Node("load", dtype=x.dtype, slot=0, steps=along, start=source.start)
    store = Store(0, 1, steps, to.start)
    lengths = [x.shape[i] for i in order]
    return collapsed(Nest(lengths, min(1, len(order)), False, [node], [store]))


class Scatter(Kernel):
    """Rows added up in the rows of a table; each thread has columns of its own."""

    @classmethod
    def takes(cls, instruction: Instruction, made_by: dict[Value, Instruction]) -> bool:
        """Whole rows of float32, at places that were checked."""
        function, (x, *places) = instruction.function, instruction.values
        return (
            function.index == (ARRAY,)
            and x.dtype == np.float32
            and places[0].dtype == np.int64
            and is_place(places[0], function.shape[0], made_by)
            and len(function.shape) > 1
        )

    def write(self, code: Code, pointers: list[Any], scratch: Any, shared: Any) -> None:
        """Zeros, then each row in turn."""
        x, places, y = pointers
        shape, lanes = self.instruction.results[0].shape, code.lanes
        width, count = prod(shape[1:]), self.instruction.values[1].size
        low, high = code.share(width, lanes)
        zero = code.number(0.0)
        for row in code.loop(0, shape[0]):
            for j, n in _vectors(code, low, high, width):
                code.store(zero, y, row * width + j, n)
        for i in code.loop(0, count):
            row = Int(code, code.scalar(places, i, np.int64))
            for j, n in _vectors(code, low, high, width):
                total = code.load(y, row * width + j, n) + code.load(x, i * width + j, n)
                code.store(total, y, row * width + j, n)


def _vectors(code: Code, low: Int, high: Int, width: int) -> Any:
    """``(place, numbers)`` of the vectors from ``low`` to ``high`` of a row of ``width``."""
    whole = width // code.lanes * code.lanes
    for j in code.loop(low, high.least(whole), code.lanes):
        yield j, code.lanes
    if width % code.lanes:
        with code.when(code.int(whole).below(high)):
            yield code.int(whole), width % code.lanes
