"""Pooling as native code: the six operators of `functions.pool`, vectors over channels.

Images lie as (n, *size, c) without gaps, and so do results and indices, which are bytes. A thread
takes whole images, or, where there are few, some of their channels: so no two write to one pixel.

    max      x -> y         `MaxPool`          sum      x -> y        `PoolSum`
    argmax   x, y -> at     `PoolArgMax`       spread   y -> x        `PoolSpread`
    scatter  y, at -> x     `PoolScatter`      gather   x, at -> y    `PoolGather`
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from llvmlite import ir

from ..functions.window import Window
from ..machine.code import Code, Int
from ..machine.lanes import Vec
from ..machine.target import Target
from .blocks import address, digest, fill, line, present
from .geometry import forward_geometry, three
from .strips import Strips, ravel, table_of, unravel

KINDS = ("max", "argmax", "scatter", "sum", "spread", "gather")
BYTE = np.dtype(np.uint8)
UNROLLED = 16  # numbers of a kernel that are written out, and not a loop


class PoolPlan:
    """One pooling operator, planned from its shapes.

    Args:
        target: the processor.
        kind: one of `KINDS`.
        window: the kernel over the image.
        n: images.
        c: channels.
    Attributes:
        scratch: bytes that each thread needs for itself.
        shared: 0.
    """

    shared = 0

    def __init__(self, target: Target, kind: str, window: Window, n: int, c: int):
        self.kind, self.window, self.n, self.c = kind, window, n, c
        self.taps = prod(window.kernel)
        self.size, self.out = three(window.size, 1), three(window.out, 1)
        self.registers = -(-c // target.lanes)
        self.parts = min(self.registers, -(-16 // n))  # of the channels
        self.writes = kind in ("scatter", "spread")  # windows of its result, not of its operand
        wide = window.kernel[-1]
        self.strips = Strips(forward_geometry(window, n), 0, wide, 0, 1, self.out[2], 1)
        self.table = self.strips.nbytes(1)
        self.scratch = self.table + line(c) if window.bordered else 0

    @staticmethod
    def supports(kind: str, window: Window, n: int, c: int) -> bool:
        """Whether there is code for it; if not, NumPy's operator computes it."""
        most = 4096 if kind in ("max", "sum", "spread") else 256  # others count it in bytes
        sizes = (n, c, *window.size, *window.out)
        return (
            kind in KINDS
            and prod(window.kernel) <= most
            and min(sizes) > 0
            and len(window.size) <= 3
        )

    def emit(
        self, code: Code, operands: Sequence[ir.Value], result: ir.Value, scratch: ir.Value
    ) -> None:
        """Write it: all threads take part, and a barrier has to follow.

        Args:
            code: where to.
            operands: the addresses of the operator's operands, in its order.
            result: the address of what comes of it.
            scratch: of `scratch` bytes that only this thread uses.
        """
        name = f"pool_{self.kind}_{code.lanes}_{digest(self.window, self.n, self.c)}"
        code.call(name, self._write, result, scratch, *operands)

    def _write(self, code: Code, result: ir.Value, scratch: ir.Value, *operands: Any) -> None:
        image = result if self.writes else operands[0]
        nothing = code.at(scratch, self.table // 4)
        if self.window.bordered and not self.writes:
            fill(code, nothing, self.c, -np.inf if self.kind in ("max", "argmax") else 0.0)
        low, high = code.share(self.n * self.parts)
        for unit in code.loop(low, high):
            n, part = unit // self.parts, unit % self.parts
            channels = [
                (self.registers * i // self.parts * code.lanes).least(self.c)
                for i in (part, part + 1)
            ]
            if self.writes and not self._covers():
                self._clear(code, n, channels, result)
            self._places(code, n, channels, image, scratch, nothing, result, operands)

    def _covers(self) -> bool:
        """Whether each pixel lies under one window, and one only."""
        w = self.window
        return w.kernel == w.stride and tuple(k * o for k, o in zip(w.kernel, w.out)) == w.size

    def _apart(self) -> bool:
        """Whether no pixel lies under two windows."""
        return all(s >= k for s, k in zip(self.window.stride, self.window.kernel))

    def _clear(self, code: Code, n: Int, channels: list[Int], image: ir.Value) -> None:
        pixels = prod(self.size)
        for pixel in code.loop(0, pixels):
            start = code.at(image, (n * pixels + pixel) * self.c)
            for c in code.loop(channels[0], channels[1], code.lanes):
                code.store(code.number(0.0), start, c, mask=present(code, c, self.c))

    def _places(
        self, code: Code, n: Int, channels: list[Int], image: ir.Value, table: ir.Value,
        nothing: ir.Value, result: ir.Value, operands: Sequence[ir.Value],
    ) -> None:  # fmt: skip
        """All windows of an image, line by line: backwards where they are written to.

        So a pixel gets what is added in the order of the kernel's numbers, as it does from NumPy.
        """
        strips, bordered = self.strips, self.window.bordered
        lines = prod(self.out[:2])
        for i in code.loop(0, lines):
            i = code.int(lines - 1) - i if self.writes else i
            s = n * lines + i
            if bordered:
                strips.write(code, table_of(code, [strips]), s, code.int(1), image, self.c, image,
                             self.c, nothing, table)  # fmt: skip
            for j in code.loop(0, strips.width):
                p = code.int(strips.width - 1) - j if self.writes else j
                place = [*unravel(i, self.out[:2])[1], p]
                under = (
                    self._anywhere(code, table, p)
                    if bordered
                    else self._inside(code, image, n, place)
                )
                for c in code.loop(channels[0], channels[1], code.lanes):
                    self._window(code, under, (s * strips.width + p) * self.c, c, result, operands)

    def _anywhere(self, code: Code, table: ir.Value, p: Int) -> Callable[[Int], ir.Value]:
        """``under(tap)``: the address of the pixel under a number of the kernel, from a table."""
        strips, row = self.strips, self.window.kernel[-1]
        apart = strips.taps[min(1, row - 1)]
        first = p * strips.stride + strips.head

        def under(tap: Int) -> ir.Value:
            return address(code, table, first + tap // row * strips.row + tap % row * apart)

        return under

    def _inside(
        self, code: Code, image: ir.Value, n: Int, place: list[Int]
    ) -> Callable[[Int], ir.Value]:
        """The same where no pixel lies outside."""
        kernel, apart = three(self.window.kernel, 1), three(self.window.dilation, 1)
        first = [i * step for i, step in zip(place, three(self.window.stride, 1))]
        corner = code.at(image, ravel(n, first, self.size) * self.c)

        def under(tap: Int) -> ir.Value:
            at = [i * step for i, step in zip(unravel(tap, kernel)[1], apart)]
            return code.at(corner, ravel(code.int(0), at, self.size) * self.c)

        return under

    def _window(
        self, code: Code, under: Callable[[Int], ir.Value], at: Int, c: Int, result: ir.Value,
        operands: Sequence[ir.Value],
    ) -> None:  # fmt: skip
        """One window of a register of channels."""
        there = present(code, c, self.c)

        def pixel(tap: Int) -> Vec:
            return code.load(under(tap), c, mask=there)

        if self.writes:
            self._add(code, under, at, c, there, operands)
            return
        if self.kind == "max":
            y = self._largest(code, pixel)
        elif self.kind == "sum":
            (y,) = self._fold(code, [], lambda y, tap: [y[0] + pixel(tap)] if y else [pixel(tap)])
        elif self.kind == "argmax":
            largest = code.load(operands[1], at + c, mask=there)
            last = code.number(self.taps - 1, np.int32)

            def earlier(found: list[Vec], tap: Int) -> list[Vec]:
                here = pixel(tap) == largest
                return [found[0].minimum(here.select(splat(code, tap), last))]

            y = self._fold(code, [last], earlier)[0].cast(BYTE)
        else:
            chosen = code.load(operands[1], at + c, dtype=BYTE, mask=there).cast(np.int32)

            def one(y: list[Vec], tap: Int) -> list[Vec]:
                return [(chosen == splat(code, tap)).select(pixel(tap), y[0])]

            (y,) = self._fold(code, [code.number(0.0)], one)
        code.store(y, result, at + c, mask=there)

    def _add(
        self, code: Code, under: Callable[[Int], ir.Value], at: Int, c: Int, there: Any,
        operands: Sequence[ir.Value],
    ) -> None:  # fmt: skip
        """One window of a register of channels, added to the pixels under it."""
        y = code.load(operands[0], at + c, mask=there)
        nothing, apart = code.number(0.0), self._apart()
        chosen = None
        if self.kind == "scatter":
            chosen = code.load(operands[1], at + c, dtype=BYTE, mask=there).cast(np.int32)

        def add(nothing_yet: list[Vec], tap: Int) -> list[Vec]:
            x = y if chosen is None else (chosen == splat(code, tap)).select(y, nothing)
            place = under(tap)
            now = x if apart else code.load(place, c, mask=there) + x
            code.store(now, place, c, mask=there)
            return nothing_yet

        self._fold(code, [], add)

    def _largest(self, code: Code, pixel: Callable[[Int], Vec]) -> Vec:
        """The largest number, NaN above all: one comparison a number, and NaN kept by itself."""

        def larger(found: list[Vec], tap: Int) -> list[Vec]:
            (y, bad), x = found, pixel(tap)
            return [(x > y).select(x, y), (x == x).select(bad, x)]

        y, bad = self._fold(code, [code.number(-np.inf), code.number(0.0)], larger)
        return (bad == bad).select(y, bad)

    def _fold(
        self, code: Code, start: list[Vec], step: Callable[[list[Vec], Int], list[Vec]]
    ) -> list[Vec]:
        """``step(step(start, 0), 1)`` and so on, over all numbers of the kernel."""
        found, first = step(start, code.int(0)), 1
        if self.taps <= UNROLLED:
            for tap in range(first, self.taps):
                found = step(found, code.int(tap))
            return found
        loop = code.loop(first, self.taps, carry=[x.value for x in found])
        for tap in loop:
            now = [Vec(code, x, known.dtype) for x, known in zip(loop.now, found)]
            loop.carry(*[x.value for x in step(now, tap)])
        return [Vec(code, x, known.dtype) for x, known in zip(loop.now, found)]


def splat(code: Code, x: Int) -> Vec:
    """An integer in all lanes, as int32."""
    if x.known is not None:
        return code.number(x.known, np.int32)
    return Vec.splat(code, code.b.trunc(x.value, ir.IntType(32)), np.dtype(np.int32))
