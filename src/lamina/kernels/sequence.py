"""Recurrent networks over whole sequences: what follows the product in each step, LSTM and GRU."""

from __future__ import annotations

from typing import Any

from ..machine.code import Code, Int
from ..machine.elementary import sigmoid, tanh
from ..machine.lanes import Vec
from .recurrence import Backward, Forward


class LSTMForward(Forward):
    """Of an LSTM: z, h, c, Wh to y, cells, gates."""

    gates = 4

    def emit(self, code: Code, pointers: list[Any], scratch: Any, shared: Any) -> None:
        """Pack, then all steps."""
        z, h, c, Wh, y, cells, gates = pointers
        size = self.size
        self._pack(code, Wh, shared)

        def cell(t: Int, row: Int, unit: Int, width: int, sums: list[Vec]) -> None:
            place = t * self.n + row
            at = place * (4 * size) + unit
            i, f, g, o = [s + code.load(z, at + k * size, width) for k, s in enumerate(sums)]
            i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
            before = self._before(code, t, c, cells, row, unit, width)
            now = f * before + i * g
            for k, x in enumerate((i, f, g, o)):
                code.store(x, gates, at + k * size, width)
            code.store(now, cells, place * size + unit, width)
            code.store(o * tanh(now), y, place * size + unit, width)

        self._loop(code, shared, h, y, cell)


class LSTMBackward(Backward):
    """Of an LSTM's derivative: gy, gcells, c, Wh, cells, gates to gz, gh, gc."""

    gates = 4

    def emit(self, code: Code, pointers: list[Any], scratch: Any, shared: Any) -> None:
        """Pack, then all steps."""
        gy, gcells, c, Wh, cells, gates, gz, gh, gc = pointers
        size = self.size
        self._pack(code, Wh, shared)

        def cell(t: Int, row: Int, unit: Int, width: int, state: Vec, later: bool) -> None:
            place = t * self.n + row
            one, four = place * size + unit, place * (4 * size) + unit
            i, f, g, o = [code.load(gates, four + k * size, width) for k in range(4)]
            bent = tanh(code.load(cells, one, width))
            state = state + code.load(gy, one, width)
            x = code.load(gcells, one, width) + state * o * (1.0 - bent * bent)
            if later:  # but for the last step, which comes first
                x = x + code.load(gc, row * size + unit, width)
            before = self._before(code, t, c, cells, row, unit, width)
            found = (
                x * g * (i * (1.0 - i)),
                x * before * (f * (1.0 - f)),
                x * i * (1.0 - g * g),
                state * bent * (o * (1.0 - o)),
            )
            for k, gradient in enumerate(found):
                code.store(gradient, gz, four + k * size, width)
            code.store(x * f, gc, row * size + unit, width)

        self._loop(code, shared, gz, gh, cell)


class GRUForward(Forward):
    """Of a GRU: z, h, Wh, bh to y, inner, gates."""

    gates = 3

    def emit(self, code: Code, pointers: list[Any], scratch: Any, shared: Any) -> None:
        """Pack, then all steps."""
        z, h, Wh, bh, y, inner, gates = pointers
        size = self.size
        self._pack(code, Wh, shared)

        def cell(t: Int, row: Int, unit: Int, width: int, sums: list[Vec]) -> None:
            place = t * self.n + row
            one, three = place * size + unit, place * (3 * size) + unit
            s = [x + code.load(bh, unit + k * size, width) for k, x in enumerate(sums)]
            zr, zu, zn = [code.load(z, three + k * size, width) for k in range(3)]
            r, u = sigmoid(zr + s[0]), sigmoid(zu + s[1])
            n = tanh(zn + r * s[2])
            state = self._before(code, t, h, y, row, unit, width)
            for k, x in enumerate((r, u, n)):
                code.store(x, gates, three + k * size, width)
            code.store(s[2], inner, one, width)
            code.store(n + u * (state - n), y, one, width)

        self._loop(code, shared, h, y, cell)


class GRUBackward(Backward):
    """Of a GRU's derivative: gy, h, Wh, y, inner, gates to gz, gs, gh.

    What of a state's gradient goes past the product waits in gh for the step before.
    """

    gates = 3

    def emit(self, code: Code, pointers: list[Any], scratch: Any, shared: Any) -> None:
        """Pack, then all steps."""
        gy, h, Wh, y, inner, gates, gz, gs, gh = pointers
        size = self.size
        self._pack(code, Wh, shared)

        def past(t: Int, row: Int, unit: Int, width: int) -> Vec:
            return code.load(gh, row * size + unit, width)

        def cell(t: Int, row: Int, unit: Int, width: int, state: Vec, later: bool) -> None:
            place = t * self.n + row
            one, three = place * size + unit, place * (3 * size) + unit
            r, u, n = [code.load(gates, three + k * size, width) for k in range(3)]
            state = state + code.load(gy, one, width)
            bent = state * (1.0 - u) * (1.0 - n * n)
            before = self._before(code, t, h, y, row, unit, width)
            gr = bent * code.load(inner, one, width) * (r * (1.0 - r))
            gu = state * (before - n) * (u * (1.0 - u))
            for target, found in ((gz, (gr, gu, bent)), (gs, (gr, gu, bent * r))):
                for k, gradient in enumerate(found):
                    code.store(gradient, target, three + k * size, width)
            code.store(state * u, gh, row * size + unit, width)

        self._loop(code, shared, gs, gh, cell, past)
