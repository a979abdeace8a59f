"""Pooling as native code: the six operators of `functions.pool`, vectors over channels.

Images lie as (n, *size, c) without gaps, and so do results and indices, which are bytes. A thread
takes whole images, or, where there are few, some of their channels: so no two write to one pixel.

    max      x -> y         `MaxPool`          sum      x -> y        `PoolSum`
    argmax   x, y -> at     `PoolArgMax`       spread   y -> x        `PoolSpread`
    scatter  y, at -> x     `PoolScatter`      gather   x, at -> y    `PoolGather`
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
from llvmlite import ir

from ..functions.window import Window
from ..machine.code import I64, Code, Int
from ..machine.lanes import Vec
from ..machine.target import Target
from .blocks import address, constants, digest, entry, line, present
from .geometry import forward_geometry, three
from .strips import ravel

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
        self.scratch = line(c) if window.bordered else 0
        self.geometry = forward_geometry(window, n)

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
        if self.window.bordered and not self.writes:
            fill = -np.inf if self.kind in ("max", "argmax") else 0.0
            for c in code.loop(0, line(self.c) // 4, code.lanes):
                code.store(code.number(fill), scratch, c)
        low, high = code.share(self.n * self.parts)
        for unit in code.loop(low, high):
            n, part = unit // self.parts, unit % self.parts
            channels = [
                (self.registers * i // self.parts * code.lanes).least(self.c)
                for i in (part, part + 1)
            ]
            if self.writes and not self._covers():
                self._clear(code, n, channels, result)
            self._places(code, n, channels, image, scratch, result, operands)

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
        self, code: Code, n: Int, channels: list[Int], image: ir.Value, scratch: ir.Value,
        result: ir.Value, operands: Sequence[ir.Value],
    ) -> None:  # fmt: skip
        """All windows of an image: backwards where they are written to.

        So a pixel gets what is added in the order of the kernel's numbers, as it does from NumPy.
        """
        table = code.reserve(self.taps * 8) if self.window.bordered else None
        for z in code.loop(0, self.out[0]):
            for y in code.loop(0, self.out[1]):
                for x in code.loop(0, self.out[2]):
                    place = [z, y, x]
                    if self.writes:
                        place = [code.int(o - 1) - i for o, i in zip(self.out, place)]
                    at = ravel(n, place, self.out) * self.c

                    def channel_by_channel(under: Any, at: Int = at) -> None:
                        for c in code.loop(channels[0], channels[1], code.lanes):
                            self._window(code, under, at, c, result, operands)

                    self._under(code, n, place, image, scratch, table, channel_by_channel)

    def _under(
        self, code: Code, n: Int, place: list[Int], image: ir.Value, other: ir.Value, table: Any,
        then: Callable[[Callable[[Int], ir.Value]], None],
    ) -> None:  # fmt: skip
        """``then(under)`` with the address of the pixel under each number of the kernel.

        Outside of the image it is ``other``. Windows that lie inside need no table: there is code
        for those, and for the others.
        """
        (sweep,), stride = self.geometry.sweeps, self.geometry.stride
        taps = [[at for _, at in taps] for taps in sweep.taps]
        corner = [i * s for i, s in zip(place, stride)]
        if table is None:
            then(self._inside(code, n, corner, taps, image))
            return
        inside = ir.IntType(1)(1)
        for x, at, length in zip(corner, taps, self.size):
            fits = code.b.icmp_signed("<=", (x + at[-1]).value, I64(length - 1))
            fits = code.b.and_(fits, code.b.icmp_signed(">=", (x + at[0]).value, I64(0)))
            inside = code.b.and_(inside, fits)
        with code.b.if_else(inside) as (all_of_it, part):
            with all_of_it:
                then(self._inside(code, n, corner, taps, image))
            with part:
                under_taps(code, taps, self.size, n, corner, self.c, image, other, table)
                then(lambda tap: address(code, table, tap))

    def _inside(
        self, code: Code, n: Int, corner: list[Int], taps: list[list[int]], image: ir.Value
    ) -> Callable[[Int], ir.Value]:
        """Addresses that lie at known distances."""
        first = code.at(image, ravel(n, corner, self.size) * self.c)
        strides = [prod(self.size[a + 1 :]) * self.c for a in range(3)]
        offsets = [sum(x * s for x, s in zip(tap, strides)) for tap in product(*taps)]

        def under(tap: Int) -> ir.Value:
            if tap.known is not None:
                return code.at(first, offsets[tap.known])
            known = constants(code, f"offsets_{digest(offsets)}", offsets)
            return code.at(first, entry(code, known, tap))

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


def under_taps(
    code: Code, taps: Sequence[Sequence[int]], size: Sequence[int], n: Int, corner: Sequence[Int],
    channels: int, image: ir.Value, nothing: ir.Value, table: ir.Value,
) -> None:  # fmt: skip
    """The address of the pixel under each tap at one place, or that of nothing."""
    b = code.b

    def axis(a: int, inside: ir.Value, place: Int, run: Int) -> None:
        known = constants(code, f"taps_{digest(taps[a])}", taps[a])
        for t in code.loop(0, len(taps[a])):
            at = corner[a] + entry(code, known, t)
            here = b.and_(inside, b.icmp_unsigned("<", at.value, I64(size[a])))
            next_place, next_run = place * size[a] + at, run * len(taps[a]) + t
            if a < 2:
                axis(a + 1, here, next_place, next_run)
            else:
                pixel = b.select(here, code.at(image, next_place * channels), nothing)
                b.store(pixel, code.at(table, next_run, np.int64), align=8)

    axis(0, ir.IntType(1)(1), n, code.int(0))
