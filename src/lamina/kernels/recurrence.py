"""The loop over time of a recurrent network as native code, forward and backward.

Each thread has units of its own, and the columns of the weights that belong to them, packed once. A
tile of the product with the state holds all gates of its units in registers, so that they are bent
and combined there, and only states, cells and gates go to memory. One barrier a step: the next one
needs the states of all units.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from ..machine.code import Code, Int
from ..machine.lanes import Vec
from ..machine.target import Target
from .blocking import Cut
from .microkernel import FLOAT32, micro, most_rows, zeros
from .packing import pack_columns


class Recurrence:
    """A loop over time with one product in each step.

    Args:
        target: the processor.
        n: samples.
        steps: how many.
        size: units.
    Attributes:
        gates: how many there are.
        shared: bytes of memory for all threads.
    """

    gates = scratch = 0

    def __init__(self, target: Target, n: int, steps: int, size: int):
        self.target, self.n, self.steps, self.size = target, n, steps, size
        self.vectors = -(-size // target.lanes)
        self.shared = self._packed() * 4

    def _packed(self) -> int:
        """Numbers of packed weights."""
        raise NotImplementedError

    def _before(
        self, code: Code, t: Int, first: ir.Value, all_: ir.Value, row: Int, unit: Int, width: int
    ) -> Vec:
        """The cell, or the state, that a step began with."""
        here = code.at(first, row * self.size + unit)
        if t.known == 0:
            return code.load(here, 0, width)
        there = code.at(all_, ((t - 1) * self.n + row) * self.size + unit)
        if t.known is None:  # the first step may be among those that this code runs for
            there = code.b.select(t.equals(0), here, there)
        return code.load(there, 0, width)

    def _rows(self, code: Code, vectors: int, body: Callable[[Int, int], None]) -> None:
        """``body(first row, rows)`` for tiles over all samples."""
        cut = Cut(self.n, most_rows(self.target, vectors))
        for rows, low, high in cut.kinds(code.int(0), code.int(cut.parts)):
            if rows:
                for part in code.loop(low, high):
                    body(cut.start(part), rows)

    def _chunks(self, code: Code, wide: int, body: Callable[[Int, int, int], None]) -> None:
        """``body(first unit, vectors, width of the last)`` for the units of this thread.

        Args:
            code: where to.
            wide: vectors side by side.
            body: what is done.
        """
        lanes = code.lanes
        whole, rest = divmod(self.vectors, wide)
        tail = self.size - (self.vectors - 1) * lanes
        if tail != lanes and not rest:
            whole, rest = whole - 1, wide
        low, high = code.share(whole + bool(rest))
        for chunk in code.loop(low, high.least(whole)):
            body(chunk * (wide * lanes), wide, lanes)
        if rest:
            with code.when(code.int(whole).below(high)):
                body(code.int(whole * wide * lanes), rest, tail)


class Forward(Recurrence):
    """From ``z = x Wx + b`` to all states: one vector of units a tile, with all its gates."""

    def _packed(self) -> int:
        return self.vectors * self.target.lanes * self.gates * self.size

    def _pack(self, code: Code, Wh: ir.Value, packed: ir.Value) -> None:
        """For each vector of units: [k][gate][unit]."""
        lanes, gates, size = code.lanes, self.gates, self.size

        def pack(unit: Int, vectors: int, width: int) -> None:
            panel = code.at(packed, unit * (gates * size))
            for k in code.loop(0, size):
                for g in range(gates):
                    w = code.load(Wh, k * (gates * size) + unit + g * size, width)
                    code.store(w, panel, (k * gates + g) * lanes)

        self._chunks(code, 1, pack)

    def _loop(
        self,
        code: Code,
        packed: ir.Value,
        h: ir.Value,
        y: ir.Value,
        cell: Callable[..., None],
    ) -> None:
        """All steps; ``cell(step, row, unit, width, products)`` does what follows the product."""
        size, gates, lanes, steps = self.size, self.gates, code.lanes, self.steps

        def step(t: Int, state: ir.Value, stride: int) -> None:
            def chunk(unit: Int, vectors: int, width: int) -> None:
                panel = code.at(packed, unit * (gates * size))

                def tile(row: Int, rows: int) -> None:
                    starts = [code.at(state, (row + i) * stride) for i in range(rows)]
                    sums = micro(
                        code, zeros(code, rows, gates), starts, 1, panel, gates * lanes, size
                    )
                    for i in range(rows):
                        found = [Vec(code, x, FLOAT32) for x in sums[i * gates : (i + 1) * gates]]
                        cell(t, row + i, unit, width, found)

                self._rows(code, gates, tile)

            self._chunks(code, 1, chunk)

        step(code.int(0), h, size)
        for t in code.loop(1, steps):
            code.barrier()
            step(t, code.at(y, (t - 1) * (self.n * size)), size)


class Backward(Recurrence):
    """From the gradients of all states back: some vectors of units a tile."""

    @property
    def wide(self) -> int:
        """Vectors of units side by side."""
        return 4 if self.vectors >= 8 else 2 if self.vectors >= 4 else 1

    def _packed(self) -> int:
        return (self.vectors + self.wide) * self.target.lanes * self.gates * self.size

    def _pack(self, code: Code, Wh: ir.Value, packed: ir.Value) -> None:
        """For each panel of units: [gate and unit][units of the panel], the weights turned."""
        lanes, total = code.lanes, self.gates * self.size

        def pack(unit: Int, vectors: int, width: int) -> None:
            panel = code.at(packed, unit * total)
            for v in range(vectors):
                held = width if v == vectors - 1 else lanes
                if total < lanes:
                    for lane in code.loop(0, held):
                        for k in code.loop(0, total):
                            w = code.scalar(Wh, (unit + v * lanes + lane) * total + k)
                            code.put(w, panel, k * (vectors * lanes) + v * lanes + lane)
                    continue
                source = code.at(Wh, (unit + v * lanes) * total)
                to, row = code.at(panel, v * lanes), vectors * lanes
                pack_columns(code, source, total, to, row, total, held)

        self._chunks(code, self.wide, pack)

    def _loop(
        self,
        code: Code,
        packed: ir.Value,
        gs: ir.Value,
        gh: ir.Value,
        cell: Callable[..., None],
        carry: Callable[..., Vec] | None = None,
    ) -> None:
        """All steps from the last to the first.

        Args:
            code: where to.
            packed: the weights.
            gs: (steps, n, gates size), the gradients at the product, which ``cell`` fills.
            gh: (n, size): the gradient of the first state goes here.
            cell: ``cell(step, row, unit, width, gh, later)``; not ``later`` at the last step.
            carry: ``carry(step, row, unit, width)``: what is added to the product with the weights.
        """
        lanes, size, steps = code.lanes, self.size, self.steps
        total = self.gates * size

        def step(t: Int, product: bool, done: Callable[..., None]) -> None:
            def chunk(unit: Int, vectors: int, width: int) -> None:
                panel = code.at(packed, unit * total)

                def tile(row: Int, rows: int) -> None:
                    sums = zeros(code, rows, vectors)
                    if product:
                        starts = [
                            code.at(gs, ((t + 1) * self.n + row + i) * total) for i in range(rows)
                        ]
                        sums = micro(code, sums, starts, 1, panel, vectors * lanes, total)
                    for i in range(rows):
                        for v in range(vectors):
                            held = width if v == vectors - 1 else lanes
                            x = Vec(code, sums[i * vectors + v], FLOAT32)
                            at = unit + v * lanes
                            if product and carry is not None:
                                x = x + carry(t + 1, row + i, at, held)
                            done(t, row + i, at, held, x, product)

                self._rows(code, vectors, tile)

            self._chunks(code, self.wide, chunk)

        def first_state(t: Int, row: Int, unit: Int, width: int, x: Vec, _: bool) -> None:
            code.store(x, gh, row * size + unit, width)

        step(code.int(steps - 1), False, cell)
        for turn in code.loop(1, steps):
            code.barrier()
            step(code.int(steps - 1) - turn, True, cell)
        code.barrier()
        step(code.int(-1), True, first_state)
