"""How a product is cut: into tiles that registers hold, and parts that caches hold."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..machine.code import Index, Int
from ..machine.target import Target
from .microkernel import most_rows


class Cut:
    """0..n in parts of nearly equal length: the first ``longer`` have ``size``, others one less.

    Args:
        n: the whole.
        most: how long a part may be.
    """

    def __init__(self, n: int, most: int):
        self.n = n
        self.parts = max(1, -(-n // most))
        self.size = max(1, -(-n // self.parts))
        self.longer = n - self.parts * (self.size - 1)

    def start(self, part: Int) -> Int:
        """Where a part begins."""
        if self.longer == self.parts:
            return part * self.size
        return part * (self.size - 1) + part.least(self.longer)

    def length(self, part: Int) -> Int:
        """How long a part is."""
        if self.longer == self.parts:
            return part * 0 + self.size
        return self.start(part + 1) - self.start(part)

    def part(self, place: Int) -> Int:
        """The part in which a place is."""
        if self.longer == self.parts or self.size == 1:
            return place // self.size
        first = self.longer * self.size  # behind it, parts are shorter
        before = place.least(first)
        return before // self.size + (place - before) // (self.size - 1)

    def kinds(self, low: Int, high: Int) -> Iterator[tuple[int, Int, Int]]:
        """``(size, from, to)``: the parts low..high, those of each size by themselves."""
        if self.longer == self.parts:
            yield self.size, low, high
            return
        yield self.size, low, high.least(self.longer)
        yield self.size - 1, at_least(low, self.longer), high


def at_least(x: Int, y: Index) -> Int:
    """The larger of two."""
    return x + y - x.least(y)


def tile_shape(target: Target, m: int, vectors: int, k: int) -> tuple[int, int]:
    """Rows and vectors of the tiles of a product; some have one less of one of them.

    The one that costs least. A turn of its loop takes half a cycle for each multiply-add, but not
    less than the four that a chain of them waits, and more the more it loads, above all of b, which
    comes from the second-level cache; then there is what a tile costs outside of its loop. Tiles of
    one kind only are preferred, for the time to compile.
    """
    best, result = math.inf, (1, 1)
    for wide in (1, 2, 3, 4, 6, 8, 12):
        panels = Cut(max(1, vectors), wide)
        if panels.size < wide:  # a narrower one gives the same
            continue
        for high in range(1, most_rows(target, wide) + 1):
            rows = Cut(max(1, m), high)
            if rows.size == high and (cost := _cost(rows, panels, max(1, k))) < best:
                best, result = cost, (rows.size, panels.size)
    return result


def _cost(rows: Cut, panels: Cut, k: int) -> float:
    """Cycles for each k."""
    cost = 0.0
    for r, down in ((rows.size, rows.longer), (rows.size - 1, rows.parts - rows.longer)):
        for v, across in (
            (panels.size, panels.longer),
            (panels.size - 1, panels.parts - panels.longer),
        ):
            turn = max(r * v / 2, 4) + 0.06 * (r + 4 * v) + (12 + 2 * r * v) / k
            cost += down * across * turn
    kinds = (rows.longer < rows.parts) + (panels.longer < panels.parts)
    return cost * (1 + 0.02 * kinds + 0.01 * (rows.size != 8))
