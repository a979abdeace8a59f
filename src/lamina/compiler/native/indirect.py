"""Convolutions of any stride, dilation, padding and groups as products over addresses of pixels.

A block of the product takes, for each number of the kernel, the addresses of the pixels that lie
under it at neighbouring places; what lies outside of the image is the address of zeros. So nothing
is copied into columns. Images are (n, *size, c).

Source: M. Dukhan, "The indirect convolution algorithm", 2019.
"""

from __future__ import annotations

from math import prod
from typing import Any

from llvmlite import ir

from ...functions.window import Window
from .blocks import (
    Block,
    Weights,
    address,
    block_for,
    chunk_of,
    constants,
    digest,
    entry,
    line,
    multiply,
    present,
    store_present,
    turn,
)
from .code import I64, Code, Index, Int
from .geometry import Geometry, Sweep, three
from .lanes import Vec
from .microkernel import FLOAT32, load
from .target import Target

PIXELS = 96
"""Places at a time: their addresses and numbers stay in the first and second cache."""
DEPTH = 36 << 10
"""Bytes of the weights that a block reads again and again: most of a first-level cache."""


# -- weights, packed -----------------------------------------------------------------------------


def pack(
    code: Code, weights: Weights, order: list[int], block: Block, source: ir.Value, to: ir.Value
) -> None:
    """Weights in panels of the block's columns: ``to[panel][tap in order][k][column]``.

    The threads share it; a barrier has to follow.
    """
    wide = block.vectors * code.lanes
    panels = -(-weights.n // wide)

    def place(register: Int, position: Index, k: Index) -> ir.Value:
        panel, j = register // block.vectors, register % block.vectors
        row = (panel * weights.taps + position) * weights.k + k
        return code.at(to, row * wide + j * code.lanes)

    low, high = code.share(panels * block.vectors)
    for register in code.loop(low, high):
        n = (register * code.lanes).least(weights.n - 1)
        if weights.taps == 1 and weights.k_stride == 1 and weights.k >= code.lanes:
            _pack_turned(code, weights, source, n, place(register, 0, 0), wide)
            continue
        square = code.reserve(weights.taps * code.lanes * 4)
        for k in code.loop(0, weights.k):
            weights.squares(code, source, k, n, square)
            table = constants(code, "order_" + "_".join(map(str, order)), order)
            for tap in code.loop(0, weights.taps):
                x = code.load(square, tap * code.lanes)
                code.store(x, place(register, entry(code, table, tap), k))


def _pack_turned(
    code: Code, weights: Weights, source: ir.Value, n: Int, to: ir.Value, wide: int
) -> None:
    """Kernels of one number: a square of neighbouring ``k`` at a time."""
    lanes, last = code.lanes, code.int(weights.n - 1) - n
    square = code.reserve(lanes * lanes * 4)
    for i in code.loop(0, weights.k, lanes):
        k = i.least(weights.k - lanes)
        start = code.at(source, n * weights.n_stride + k)
        turn(code, start, weights.n_stride, last, lanes, square)
        for j in code.loop(0, lanes):
            code.store(code.load(square, j * lanes), to, (k + j) * wide)


# -- addresses -----------------------------------------------------------------------------------


def unravel(i: Int, grid: tuple[int, ...]) -> tuple[Int, list[Int]]:
    """Place ``i`` of all images as the number of the image and the place in it."""
    places: list[Int] = []
    for length in reversed(grid):
        places.append(i % length)
        i = i // length
    return i, places[::-1]


def ravel(i: Int, places: list[Int], size: tuple[int, ...]) -> Int:
    """A place in image ``i`` as a place of all images."""
    for place, length in zip(places, size):
        i = i * length + place
    return i


def put_address(code: Code, x: ir.Value, table: ir.Value, i: Int) -> None:
    """Store address ``i`` of a table."""
    code.b.store(x, code.b.gep(table, [i.value], source_etype=I64), align=8)


def under_taps(
    code: Code, sweep: Sweep, size: tuple[int, ...], n: Int, corner: list[Int], channels: int,
    image: ir.Value, nothing: ir.Value, table: ir.Value, p: Int, pixels: int,
) -> None:  # fmt: skip
    """What lies under each tap at one place: entries ``p + pixels``, ``p + 2 pixels``, ..."""
    b = code.b

    def axis(a: int, inside: ir.Value, place: Int, run: Int) -> None:
        offsets = [at for _, at in sweep.taps[a]]
        known = constants(code, "offsets_" + "_".join(str(at % 2**32) for at in offsets), offsets)
        for t in code.loop(0, len(offsets)):
            at = corner[a] + entry(code, known, t)
            here = b.and_(inside, b.icmp_unsigned("<", at.value, I64(size[a])))
            next_place, next_run = place * size[a] + at, run * len(offsets) + t
            if a < 2:
                axis(a + 1, here, next_place, next_run)
            else:
                pixel = b.select(here, code.at(image, next_place * channels), nothing)
                put_address(code, pixel, table, (next_run + 1) * pixels + p)

    axis(0, ir.IntType(1)(1), n, code.int(0))


def sum_of_runs(
    code: Code, block: Block, length: int, start: list[Vec], b: ir.Value, table: ir.Value,
    pixels: int, row: Int, low: Int, high: Int, k: Int,
) -> list[Vec]:  # fmt: skip
    """``start`` plus a block of places times weights, over runs ``low`` to ``high``."""
    wide = block.vectors * code.lanes
    loop = code.loop(low, high, carry=[x.value for x in start])
    for run in loop:
        rows = [
            code.at(address(code, table, (run + 1) * pixels + row + i), k)
            for i in range(block.rows)
        ]
        weights = code.at(b, (run - low) * (length * wide))

        def operands(turn: Int) -> Any:
            left = lambda i: code.splat(rows[i], turn)  # noqa: B023, E731
            return left, lambda j: code.load(weights, turn * wide + j * code.lanes)  # noqa: B023

        begun = [Vec(code, x, FLOAT32) for x in loop.now]
        loop.carry(*[x.value for x in multiply(code, block, begun, length, operands)])
    return [Vec(code, x, FLOAT32) for x in loop.now]


def clear(code: Code, place: ir.Value, numbers: int) -> None:
    """Zeros, in whole cache lines."""
    for i in code.loop(0, numbers, code.lanes):
        code.store(code.number(0.0), place, i)


def border(
    code: Code, n: int, window: Window, channels: int, image: ir.Value, to: ir.Value
) -> None:
    """A copy of ``n`` images with zeros around; the threads share it, a barrier has to follow."""
    size, padded = three(window.size, 1), three(window.padded, 1)
    before = [a for a, _ in three(window.padding, (0, 0))]
    low, high = code.share(n * padded[0] * padded[1])
    for row in code.loop(low, high):
        i, (z, y) = unravel(row, padded[:2])
        line_of, numbers = code.at(to, row * (padded[2] * channels)), size[2] * channels
        for k, width in code.unequal(padded[2] * channels, code.lanes):
            code.store(code.number(0.0), line_of, k, width)
        z, y = z - before[0], y - before[1]
        inside = code.b.and_(
            code.b.icmp_unsigned("<", z.value, I64(size[0])),
            code.b.icmp_unsigned("<", y.value, I64(size[1])),
        )
        with code.when(inside):
            source = code.at(image, ravel(i, [z, y], size[:2]) * numbers)
            for k, width in code.unequal(numbers, code.lanes):
                code.store(code.load(source, k, width), line_of, k + before[2] * channels, width)


def present_columns(code: Code, block: Block, column: Int, n: int) -> list[ir.Value | None]:
    """Which lanes of a block's columns there are, of ``n``; None: all, always."""
    if n % (block.vectors * code.lanes) == 0:
        return [None] * block.vectors
    return [present(code, column + j * code.lanes, code.int(n)) for j in range(block.vectors)]


def where(code: Code, lanes: ir.Value | None, bit: ir.Value) -> ir.Value:
    """Those lanes, or none of them where ``bit`` is not set."""
    kind = ir.VectorType(bit.type, code.lanes)
    first = code.b.insert_element(ir.Constant(kind, ir.Undefined), bit, ir.IntType(32)(0))
    order = ir.Constant(ir.VectorType(ir.IntType(32), code.lanes), [0] * code.lanes)
    every = code.b.shuffle_vector(first, first, order)
    return every if lanes is None else code.b.and_(every, lanes)


# -- images --------------------------------------------------------------------------------------


def pieces_of(run: int, most: int) -> int:
    """In how many equal parts a run is done, each at most ``most`` long if it can be."""
    fitting = [p for p in range(1, run + 1) if run % p == 0 and run // p <= most]
    return fitting[0] if fitting and run // fitting[0] >= 32 else 1


class ImageByAddress:
    """A convolution that gives images, as products over addresses.

    Attributes:
        scratch: bytes for each thread.
        shared: bytes for all.
    """

    def __init__(self, target: Target, geometry: Geometry, weights: Weights, groups: int):
        self.geometry, self.weights, self.groups = geometry, weights, groups
        self.block = block_for(target, min(PIXELS, geometry.places), weights.n)
        self.wide = self.block.vectors * target.lanes
        self.panels = -(-weights.n // self.wide)
        self.pixels = -(-min(PIXELS, geometry.places) // self.block.rows) * self.block.rows
        self.chunks = -(-geometry.places // self.pixels)
        self.parts = min(self.panels, -(-16 // (self.chunks * groups)))
        self.run = weights.k * geometry.merged
        self.depth = max(1, DEPTH // (self.wide * 4))  # numbers of runs at a time
        self.pieces = pieces_of(self.run, self.depth)
        self.most = max(s.runs for s in geometry.sweeps)
        self.panel = weights.taps * weights.k * self.wide
        self.shared = line(groups * self.panels * self.panel)
        self._parts = [line(2 * (self.most + 1) * self.pixels), line(self.run)]
        self.scratch = sum(self._parts) + line(weights.n)

    @property
    def name(self) -> str:
        """All that the code depends on."""
        return f"image_by_address_{digest(self.geometry, self.weights, self.groups)}"

    def emit(
        self, code: Code, image: ir.Value, weights: ir.Value, result: ir.Value, scratch: ir.Value,
        shared: ir.Value,
    ) -> None:  # fmt: skip
        """Write the convolution."""
        name = f"{self.name}_{code.lanes}"
        code.call(name, self._write, image, weights, result, scratch, shared)

    def _write(self, code: Code, *rest: Any) -> None:
        image, source, result, table, packed = rest
        w = self.weights
        nothing = code.at(table, self._parts[0] // 4)
        waste = code.at(table, sum(self._parts) // 4)
        clear(code, nothing, line(self.run) // 4)
        for group in code.loop(0, self.groups):
            kernels = code.at(source, group * (w.n * w.k * w.taps))
            panels = code.at(packed, group * (self.panels * self.panel))
            pack(code, w, self.geometry.order, self.block, kernels, panels)
        code.barrier()
        base = 0
        for sweep in self.geometry.sweeps:
            count = self.geometry.n * prod(sweep.grid)
            chunks = -(-count // self.pixels)
            low, high = code.share(chunks * self.groups * self.parts)
            for unit in code.loop(low, high):
                part, group = unit % self.parts, unit // self.parts % self.groups
                first, number = chunk_of(
                    code, unit // (self.parts * self.groups), self.pixels, count
                )
                x, y = code.at(image, group * w.k), code.at(result, group * w.n)
                self._addresses(code, sweep, first, number, x, y, nothing, waste, table)
                b = code.at(
                    packed, group * (self.panels * self.panel) + base * self.run * self.wide
                )
                start, end = (
                    self.panels * part // self.parts,
                    self.panels * (part + 1) // self.parts,
                )
                for panel in code.loop(start, end):
                    self._panel(code, sweep.runs, number, code.at(b, panel * self.panel),
                                panel * self.wide, table)  # fmt: skip
            base += sweep.runs

    def _addresses(
        self, code: Code, sweep: Sweep, first: Int, number: Int, image: ir.Value, result: ir.Value,
        nothing: ir.Value, waste: ir.Value, table: ir.Value,
    ) -> None:  # fmt: skip
        """The table: addresses under each tap at each place, and, first, those of the results."""
        g, w, b = self.geometry, self.weights, code.b
        c_read, c_written = w.k * self.groups, w.n * self.groups
        rows = self.block.rows
        for p in code.loop(0, (number + (rows - 1)) // rows * rows):
            there = p.below(number)
            at = (first + p).least(g.n * prod(sweep.grid) - 1)
            n, i = unravel(at, sweep.grid)
            to = ravel(n, [x * s + o for x, s, o in zip(i, g.step, sweep.start)], g.written)
            put_address(code, b.select(there, code.at(result, to * c_written), waste), table, p)
            corner = [x * s for x, s in zip(i, g.stride)]
            under_taps(
                code, sweep, g.read, n, corner, c_read, image, nothing, table, p, self.pixels
            )

    def _panel(
        self, code: Code, runs: int, number: Int, b: ir.Value, column: Int, table: ir.Value
    ) -> None:
        """All places times one panel of weights, in slices of ``k`` that stay in the cache."""
        rows = self.block.rows
        blocks = (number + (rows - 1)) // rows
        length = self.run // self.pieces
        together = max(1, self.depth // length) if self.pieces == 1 else 1
        if runs == 0:
            for i in code.loop(0, blocks):
                self._block(code, length, b, column, table, i * rows, 0, 0, 0)
        for run in code.loop(0, runs, together):
            for piece in code.loop(0, self.pieces):
                at = run * self.run + piece * length
                for i in code.loop(0, blocks):
                    self._block(code, length, code.at(b, at * self.wide), column, table, i * rows,
                                run, (run + together).least(runs), piece * length)  # fmt: skip

    def _block(
        self, code: Code, length: int, b: ir.Value, column: Int, table: ir.Value, row: Index,
        low: Index, high: Index, k: Index,
    ) -> None:  # fmt: skip
        """One block: runs ``low`` to ``high``, numbers ``k`` and so on; the first sets it."""
        n, pixels, block = self.weights.n, self.pixels, self.block

        def write(code: Code, *rest: Any) -> None:
            b, column, table, row, low, high, k = rest
            begun = code.b.icmp_signed("!=", (low + k).value, I64(0))
            there = present_columns(code, block, column, n)
            old = [where(code, lanes, begun) for lanes in there]
            to = [code.at(address(code, table, row + i), column) for i in range(block.rows)]
            start = [
                load(code, y, j * code.lanes, old[j]) for y in to for j in range(block.vectors)
            ]
            found = sum_of_runs(code, block, length, start, b, table, pixels, row, low, high, k)
            for i, y in enumerate(to):
                for j in range(block.vectors):
                    store_present(code, found[i * block.vectors + j], y, j * code.lanes, there[j])

        name = f"block_{code.lanes}_{block.rows}x{block.vectors}_{length}_{pixels}_{n}"
        numbers = [code.int(x) for x in (row, low, high, k)]
        code.call(name, write, b, column, table, *numbers)
