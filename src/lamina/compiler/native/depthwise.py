"""Depthwise convolutions: each channel by itself, so there is nothing to multiply as matrices.

Vectors run over channels; a thread packs the few weights for itself.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from .blocks import (
    Weights,
    address,
    chunk_of,
    constants,
    digest,
    entry,
    line,
    present,
    store_present,
    turn_taps,
)
from .code import I64, Code, Index, Int
from .geometry import Geometry
from .gradient import spread
from .indirect import PIXELS, clear, where
from .lanes import Vec
from .microkernel import FLOAT32, load
from .places import Sweeps, addresses, table_bytes
from .target import Target

TOGETHER = 8  # places at a time: sums that do not wait for one another
TAPS = 12  # numbers of the kernel whose sums stay in registers


class ImageByChannel:
    """A depthwise convolution that gives images.

    Attributes:
        scratch: bytes for each thread.
        shared: 0.
    """

    shared = 0

    def __init__(self, target: Target, geometry: Geometry, channels: int):
        self.geometry, self.c = geometry, channels
        self.row = -(-channels // target.lanes) * target.lanes
        self.weights = Weights(channels, 1, len(geometry.order), len(geometry.order), 1)
        most = max(s.runs for s in geometry.sweeps)
        self._parts = [table_bytes(most, PIXELS), line(channels), line(channels)]
        self.scratch = sum(self._parts) + line(self.weights.taps * self.row)

    def emit(
        self, code: Code, image: ir.Value, weights: ir.Value, result: ir.Value, scratch: ir.Value,
        shared: ir.Value,
    ) -> None:  # fmt: skip
        """Write the convolution."""
        name = f"image_by_channel_{code.lanes}_{digest(self.geometry, self.c)}"
        code.call(name, self._write, image, weights, result, scratch)

    def _write(self, code: Code, *rest: Any) -> None:
        image, source, result, table = rest
        nothing = code.at(table, self._parts[0] // 4)
        waste = code.at(nothing, self._parts[1] // 4)
        packed = code.at(waste, self._parts[2] // 4)
        clear(code, nothing, self._parts[1] // 4)
        self._pack(code, source, packed)
        sweeps = Sweeps(code, self.geometry, self.c, self.c)
        for sweep in code.loop(0, sweeps.count):
            row = sweeps.row(sweep)
            count, before, runs = [entry(code, row, i) for i in range(3)]
            low, high = code.share((count + (PIXELS - 1)) // PIXELS)
            for chunk in code.loop(low, high):
                first, number = chunk_of(code, chunk, PIXELS, count)
                addresses(code, row, first, number, TOGETHER, image, result, nothing, waste, table,
                          PIXELS)  # fmt: skip
                self._places(code, table, number, runs, code.at(packed, before * self.row))

    def _pack(self, code: Code, source: ir.Value, to: ir.Value) -> None:
        """The weights as ``to[tap in order][channel]``."""
        taps, order = self.weights.taps, self.geometry.order
        square = code.reserve(taps * code.lanes * 4)
        table = constants(code, f"order_{digest(order)}", order)
        for c in code.loop(0, self.c, code.lanes):
            turn_taps(code, taps, code.at(source, c * taps), taps, code.int(self.c - 1) - c, square)
            for tap in code.loop(0, taps):
                x = code.load(square, tap * code.lanes)
                code.store(x, to, entry(code, table, tap) * self.row + c)

    def _places(
        self, code: Code, table: ir.Value, number: Int, runs: Int, weights: ir.Value
    ) -> None:
        """All channels of some places."""
        ragged = self.c % code.lanes > 0

        def write(code: Code, *rest: Any) -> None:
            table, number, runs, weights, channels, row = rest
            for p in code.loop(0, number, TOGETHER):
                for c in code.loop(0, channels, code.lanes):
                    there = present(code, c, channels) if ragged else None
                    loop = code.loop(0, runs, carry=[code.number(0.0).value] * TOGETHER)
                    for run in loop:
                        w, at = code.load(weights, run * row + c), (run + 1) * PIXELS + p
                        under = [address(code, table, at + i) for i in range(TOGETHER)]
                        sums = [Vec(code, x, FLOAT32) for x in loop.now]
                        loop.carry(*[load(code, x, c, there).fma(w, y).value
                                     for x, y in zip(under, sums)])  # fmt: skip
                    for i, x in enumerate(loop.now):
                        to = address(code, table, p + i)
                        store_present(code, Vec(code, x, FLOAT32), to, c, there)

        name = f"channels_{code.lanes}{'_ragged' * ragged}"
        code.call(name, write, table, number, runs, weights, code.int(self.c), code.int(self.row))


class WeightByChannel:
    """The gradient of a depthwise kernel: a thread takes some registers of channels.

    Attributes:
        scratch: bytes for each thread.
        shared: 0.
    """

    shared = 0

    def __init__(self, target: Target, geometry: Geometry, channels: int):
        self.geometry, self.c = geometry, channels
        (self.sweep,) = geometry.sweeps
        self.row = -(-channels // target.lanes) * target.lanes
        self._parts = [table_bytes(self.sweep.runs, PIXELS), line(channels)]
        self.scratch = sum(self._parts) + line(self.sweep.runs * self.row)

    def emit(
        self, code: Code, image: ir.Value, gradient: ir.Value, result: ir.Value, scratch: ir.Value,
        shared: ir.Value,
    ) -> None:  # fmt: skip
        """Write the sums."""
        name = f"weight_by_channel_{code.lanes}_{digest(self.geometry, self.c)}"
        code.call(name, self._write, image, gradient, result, scratch)

    def _write(self, code: Code, *rest: Any) -> None:
        image, gradient, result, table = rest
        nothing = code.at(table, self._parts[0] // 4)
        sums = code.at(nothing, self._parts[1] // 4)
        clear(code, nothing, self._parts[1] // 4)
        row, places, runs = Sweeps(code, self.geometry, self.c, 0).table, 0, self.sweep.runs
        places = self.geometry.places
        low, high = code.share(self.row // code.lanes)
        for chunk in code.loop(0, -(-places // PIXELS)):
            first, number = chunk_of(code, chunk, PIXELS, places)
            addresses(code, row, first, number, 1, image, nothing, nothing, nothing, table, PIXELS)
            y = code.at(gradient, first * self.c)
            for register in code.loop(low, high):
                for tap in range(0, runs, TAPS):
                    self._sums(code, min(TAPS, runs - tap), tap, register * code.lanes, number,
                               chunk, y, table, sums)  # fmt: skip
        for register in code.loop(low, high):
            c = register * code.lanes
            count = (code.int(self.c) - c).least(code.lanes)
            spread(code, runs, code.at(sums, c), self.row, code.at(result, c * runs), count)

    def _sums(
        self, code: Code, taps: int, tap: Index, c: Int, number: Int, chunk: Int, y: ir.Value,
        table: ir.Value, sums: ir.Value,
    ) -> None:  # fmt: skip
        """A register of channels, some numbers of the kernel, the places of one chunk."""
        ragged = self.c % code.lanes > 0

        def write(code: Code, *rest: Any) -> None:
            tap, c, number, chunk, y, table, sums, channels, row = rest
            there = present(code, c, channels) if ragged else None
            old = where(code, None, code.b.icmp_signed("!=", chunk.value, I64(0)))
            places = [code.at(sums, (tap + i) * row + c) for i in range(taps)]
            loop = code.loop(0, number, carry=[load(code, x, 0, old).value for x in places])
            for p in loop:
                z = load(code, y, p * channels + c, there)
                new: list[ir.Value] = []
                for i, now in enumerate(loop.now):
                    x = load(code, address(code, table, (tap + i + 1) * PIXELS + p), c, there)
                    new.append(x.fma(z, Vec(code, now, FLOAT32)).value)
                loop.carry(*new)
            for x, place in zip(loop.now, places):
                code.store(Vec(code, x, FLOAT32), place)

        name = f"channel_sums_{code.lanes}_{taps}{'_ragged' * ragged}"
        numbers = code.int(self.c), code.int(self.row)
        code.call(name, write, code.int(tap), c, number, chunk, y, table, sums, *numbers)
