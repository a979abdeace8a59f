"""A native function as it is written: integers, loops, memory, and the share of each thread.

Everything that emits code holds a `Code`. A loop is a Python loop, whose body runs once::

    for i in code.loop(0, n):
        code.store(code.load(x, i) * 2.0, y, i)

Indices are `Int`s: Python numbers as long as possible, IR values otherwise, with the same
operators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir

from .barrier import BARRIER, TEAM
from .lanes import Vec, first_lanes, memory_type, number
from .target import Target

I64 = ir.IntType(64)
I32 = ir.IntType(32)
BIT = ir.IntType(1)
POINTER = ir.PointerType()
INT32 = np.dtype(np.int32)
VOID = ir.VoidType()
STEP = ir.FunctionType(VOID, [POINTER, I64, I64])  # table, tid, threads

Index: TypeAlias = "Int | int"


class Int:
    """A 64-bit integer of the code: known now (``known`` is the number), or when it runs (None)."""

    __slots__ = ("code", "value", "known")

    def __init__(self, code: Code, value: ir.Value | int):
        self.code = code
        self.known = value if isinstance(value, int) else None
        self.value = I64(value) if isinstance(value, int) else value

    def _with(self, other: Index, fold: Any, emit: str) -> Int:
        other = self.code.int(other)
        if self.known is not None and other.known is not None:
            return Int(self.code, fold(self.known, other.known))
        return Int(self.code, getattr(self.code.b, emit)(self.value, other.value))

    def __add__(self, other: Index) -> Int:
        if self.known == 0:
            return self.code.int(other)
        return self if other_is(other, 0) else self._with(other, int.__add__, "add")

    def __sub__(self, other: Index) -> Int:
        return self if other_is(other, 0) else self._with(other, int.__sub__, "sub")

    def __mul__(self, other: Index) -> Int:
        if self.known == 0 or other_is(other, 1):
            return self
        if other_is(other, 0) or self.known == 1:
            return self.code.int(other)
        return self._with(other, int.__mul__, "mul")

    def __floordiv__(self, other: Index) -> Int:
        """Neither may be negative."""
        return self if other_is(other, 1) else self._with(other, int.__floordiv__, "udiv")

    def __mod__(self, other: Index) -> Int:
        """Neither may be negative."""
        if other_is(other, 1):
            return self.code.int(0)
        return self._with(other, int.__mod__, "urem")

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: Index) -> Int:
        return self.code.int(other) - self

    def least(self, other: Index) -> Int:
        """The smaller of two."""
        other = self.code.int(other)
        if self.known is not None and other.known is not None:
            return Int(self.code, min(self.known, other.known))
        b = self.code.b
        smaller = b.icmp_signed("<", self.value, other.value)
        return Int(self.code, b.select(smaller, self.value, other.value))

    def below(self, other: Index) -> ir.Value:
        """``self < other``, a bit."""
        return self.code.b.icmp_signed("<", self.value, self.code.int(other).value)

    def equals(self, other: Index) -> ir.Value:
        """``self == other``, a bit."""
        return self.code.b.icmp_signed("==", self.value, self.code.int(other).value)


def other_is(other: Index, number: int) -> bool:
    """Whether an index is known to be a number."""
    return (other.known if isinstance(other, Int) else other) == number


class Loop:
    """``for i in loop``: the body is written once, and runs for low, low + step, ... below high.

    With ``carry``, values that go from turn to turn: in the body `now` are those that came, `carry`
    takes those that go on; after the loop, `now` are the last ones.
    """

    def __init__(self, code: Code, low: Index, high: Index, step: Index, carry: Sequence[ir.Value]):
        self.code, self.step = code, code.int(step)
        self.low, self.high = code.int(low), code.int(high)
        self.now: list[ir.Value] = list(carry)
        self._next: list[ir.Value] | None = None

    def carry(self, *values: ir.Value) -> None:
        """What goes on to the next turn."""
        self._next = list(values)

    def __iter__(self) -> Iterator[Int]:
        b, start = self.code.b, self.now
        known = (self.low.known, self.high.known, self.step.known)
        turns = None if None in known else len(range(*known))  # pyright: ignore[reportArgumentType]
        if turns == 0:
            return
        if turns == 1:
            yield self.low
            self.now = self._next or start
            return
        before = b.block
        body, after = b.append_basic_block("loop"), b.append_basic_block("after")
        if turns is None:
            b.cbranch(self.low.below(self.high), body, after)
        else:
            b.branch(body)
        b.position_at_end(body)
        i = b.phi(I64)
        i.add_incoming(self.low.value, before)
        phis = [b.phi(x.type) for x in start]
        for phi, x in zip(phis, start):
            phi.add_incoming(x, before)
        self.now = list(phis)
        yield Int(self.code, i)
        ended = self._next or self.now
        next_i = b.add(i, self.step.value)
        i.add_incoming(next_i, b.block)
        for phi, x in zip(phis, ended):
            phi.add_incoming(x, b.block)
        last = b.block
        b.cbranch(b.icmp_signed("<", next_i, self.high.value), body, after)
        b.position_at_end(after)
        self.now = ended
        if turns is None and start:
            self.now = []
            for x, end in zip(start, ended):
                phi = b.phi(x.type)
                phi.add_incoming(x, before)
                phi.add_incoming(end, last)
                self.now.append(phi)


def write_barrier(module: ir.Module) -> ir.Function:
    """``barrier(table, tid, threads)``: the one of the team that runs, if it has several threads.

    Where it is stands in the team's state, and where that is in the table: the code of a module
    needs no linking, and runs on one thread without a team.
    """
    function = ir.Function(module, STEP, "barrier")
    function.linkage = "internal"
    function.attributes.add("noinline")
    b = ir.IRBuilder(function.append_basic_block("entry"))
    table, tid, threads = function.args
    with b.if_then(b.icmp_signed(">", threads, I64(1))):
        state = b.load(b.gep(table, [I64(TEAM)], source_etype=POINTER), typ=POINTER)
        place = b.gep(state, [I64(BARRIER)], source_etype=ir.IntType(8))
        address = b.inttoptr(b.load(place, typ=I64), STEP.as_pointer())
        b.call(address, [table, tid, threads])
    b.ret_void()
    return function


class Code:
    """A function ``name(table, tid, threads)`` that every thread of a team runs.

    Slot `TEAM` (0) of the table belongs to the team; arrays begin at slot 1.

    Args:
        module: where it goes.
        name: of the function.
        target: the processor.
        parameters: types of what it is given besides, for `call` and `run`.
        threaded: whether it has a table and threads at all; without, it is what `run` calls.
    Attributes:
        b: llvmlite's builder, at the place where the next instruction goes.
        lanes: numbers in a vector.
        tid: the number of the thread.
        threads: how many there are; results must not depend on it.
        parameters: what it was given besides; integers as `Int`.
    """

    def __init__(
        self, module: ir.Module, name: str, target: Target, parameters: Sequence[ir.Type] = (),
        threaded: bool = True,
    ):  # fmt: skip
        self.target, self.lanes = target, target.lanes
        head = [POINTER, I64, I64] if threaded else []
        self.function = ir.Function(module, ir.FunctionType(VOID, [*head, *parameters]), name)
        self.module = module
        self.b = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.head, more = self.function.args[: len(head)], self.function.args[len(head) :]
        self.table, tid, threads = self.head or (None, 0, 1)
        self.tid, self.threads = Int(self, tid), Int(self, threads)
        self.parameters: list[Any] = [Int(self, x) if x.type == I64 else x for x in more]

    def call(self, name: str, write: Callable[..., None], *arguments: ir.Value | Index) -> None:
        """Run another function of the module, ``name(table, tid, threads, *arguments)``.

        Args:
            name: of it; what it does may depend on nothing else.
            write: called as ``write(code, *parameters)`` the first time, to write its body.
            arguments: addresses and integers.
        """
        self._call(self.head, name, write, arguments)

    def run(self, name: str, write: Callable[..., None], *arguments: ir.Value | Index) -> None:
        """The same without table and threads, for what is called very often: it has no shares."""
        self._call([], name, write, arguments)

    def _call(self, head: Sequence[ir.Value], name: str, write: Any, arguments: Any) -> None:
        values = [x if isinstance(x, ir.Value) else self.int(x).value for x in arguments]
        function = self.module.globals.get(name)
        if function is None:
            kinds = [x.type for x in values]
            inner = Code(self.module, name, self.target, kinds, threaded=bool(head))
            function = inner.function
            function.linkage = "internal"
            function.attributes.add("noinline")  # it may be called from many places
            write(inner, *inner.parameters)
            inner.b.ret_void()
        self.b.call(function, [*head, *values])

    # -- integers and loops ------------------------------------------------------------------

    def int(self, x: Index | ir.Value) -> Int:
        """``x`` as an `Int`."""
        return x if isinstance(x, Int) else Int(self, x)

    def loop(
        self, low: Index, high: Index, step: Index = 1, carry: Sequence[ir.Value] = ()
    ) -> Loop:
        """A `Loop`."""
        return Loop(self, low, high, step, carry)

    def unequal(self, high: int, step: int) -> Iterator[tuple[Any, int]]:
        """``(place, width)`` over 0..high: a loop of whole steps, then the rest by itself.

        The body is written twice where there is a rest: keep it small, or make it a `Loop`.
        """
        whole = high // step * step
        for i in self.loop(0, whole, step):
            yield i, step
        if high % step:
            yield self.int(whole), high % step

    def when(self, condition: ir.Value) -> Any:
        """``with code.when(bit):`` what runs only if it is set."""
        return self.b.if_then(condition)

    # -- threads -----------------------------------------------------------------------------

    def share(self, n: Index, grain: int = 1) -> tuple[Int, Int]:
        """The part ``low, high`` of 0..n that this thread does, in multiples of ``grain``."""
        n = self.int(n)
        units = (n + (grain - 1)) // grain
        low, high = units * self.tid // self.threads, units * (self.tid + 1) // self.threads
        return low * grain, (high * grain).least(n)

    def barrier(self) -> None:
        """Wait until all threads are here; what they wrote before can be read after."""
        function = self.module.globals.get("barrier") or write_barrier(self.module)
        self.b.call(function, self.head)

    @contextmanager
    def alone(self, thread: int = 0) -> Iterator[None]:
        """``with code.alone():`` what one thread does for all; a barrier has to follow."""
        with self.b.if_then(self.tid.equals(self.int(thread) % self.threads)):
            yield

    # -- memory ------------------------------------------------------------------------------

    def pointer(self, slot: int) -> ir.Value:
        """The address in a slot of the table."""
        place = self.b.gep(self.table, [I64(slot)], source_etype=POINTER)
        return self.b.load(place, typ=POINTER)

    def at(self, pointer: ir.Value, offset: Index, dtype: Any = np.float32) -> ir.Value:
        """The address of element ``offset`` of an array of ``dtype``."""
        if other_is(offset, 0):
            return pointer
        kind = memory_type(np.dtype(dtype))
        return self.b.gep(pointer, [self.int(offset).value], source_etype=kind)

    def scalar(self, pointer: ir.Value, offset: Index = 0, dtype: Any = np.float32) -> ir.Value:
        """One element, as an IR value of `lanes.element_type`."""
        dtype = np.dtype(dtype)
        x = self.b.load(self.at(pointer, offset, dtype), typ=memory_type(dtype))
        return self.b.trunc(x, BIT) if dtype.kind == "b" else x

    def put(self, x: ir.Value, pointer: ir.Value, offset: Index = 0) -> None:
        """Store one element, an IR value."""
        if x.type == BIT:
            x = self.b.zext(x, ir.IntType(8))
        place = self.b.gep(pointer, [self.int(offset).value], source_etype=x.type)
        self.b.store(x, place)

    def splat(self, pointer: ir.Value, offset: Index = 0, dtype: Any = np.float32) -> Vec:
        """One element in all lanes."""
        return Vec.splat(self, self.scalar(pointer, offset, dtype), np.dtype(dtype))

    def number(self, x: Any, dtype: Any = np.float32) -> Vec:
        """A number in all lanes."""
        return number(self, x, np.dtype(dtype))

    def load(
        self, pointer: ir.Value, offset: Index = 0, width: int = 0, dtype: Any = np.float32,
        mask: ir.Value | None = None,
    ) -> Vec:  # fmt: skip
        """``width`` neighbours (0: as many as there are lanes), or those of a mask; else 0."""
        place = self.at(pointer, offset, dtype)
        return Vec.load(self, place, np.dtype(dtype), mask or self._mask(width))

    def store(
        self, x: Vec, pointer: ir.Value, offset: Index = 0, width: int = 0,
        mask: ir.Value | None = None,
    ) -> None:  # fmt: skip
        """Store the first ``width`` lanes (0: all), or those of a mask."""
        x.store(self.at(pointer, offset, x.dtype), mask or self._mask(width))

    def _mask(self, width: int) -> ir.Value | None:
        return first_lanes(self, width) if 0 < width < self.lanes else None

    def first(self, width: Index) -> ir.Value:
        """The mask of the first ``width`` lanes, a number that the running code knows."""
        numbers = ir.Constant(ir.VectorType(I32, self.lanes), list(range(self.lanes)))
        limit = self.b.trunc(self.int(width).value, I32)
        return (Vec(self, numbers, INT32) < Vec.splat(self, limit, INT32)).value

    def reserve(self, nbytes: int) -> ir.Value:
        """Memory of this thread's stack, made once at the entry of the function; up to 64 KiB."""
        with self.b.goto_entry_block():
            place = self.b.alloca(ir.ArrayType(ir.IntType(8), nbytes))
            place.align = 64
        place.type = POINTER  # llvmlite remembers what it points to; LLVM does not
        return place
