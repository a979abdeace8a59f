"""An array as a page shows it: whole if it is small; else a corner, a picture, and figures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays import Array

WHOLE, SIDE = 144, 12  # numbers, and numbers in a row, of an array that is shown whole
CORNER, BINS = 6, 24
LEAST, MOST = 8, 24  # rows and columns of a heat map
TONES = "abcdefghijklmnopqrs"  # from the most negative to the most positive; the middle one is 0
THIN = ((6, 24), (4, 12), (2, 8), (0, 8), (0, 0))
"""Corners and bins, for pages that would grow too large: each is less than the one before."""


@dataclass(frozen=True)
class Numbers:
    """What is shown of an array.

    Attributes:
        shape, dtype: of the array.
        whole: whether ``tables`` hold all of it.
        tables: pairs of an index, such as ``[0, :, :]``, and rows of numbers as text, each with as
            many digits as its dtype needs to give it back.
        figures: ``min``, ``mean`` and ``max`` of what is finite.
        strange: how many are not finite.
        zeros: how many are 0.
        counts: of a histogram from ``min`` to ``max``; empty for few numbers.
        heat: rows of a heat map, one of `TONES` for each block of a matrix: that of its number
            which is largest in size; ``?`` where one is not finite.
    """

    shape: tuple[int, ...]
    dtype: str
    whole: bool
    tables: list[tuple[str, list[list[str]]]]
    figures: dict[str, str]
    strange: int
    zeros: int
    counts: list[int]
    heat: list[str]

    def json(self) -> dict[str, Any]:
        """As a page gets it."""
        return {
            "shape": text_of(self.shape),
            "dtype": self.dtype,
            "whole": self.whole,
            "tables": self.tables,
            "figures": self.figures,
            "strange": self.strange,
            "zeros": self.zeros,
            "size": int(np.prod(self.shape)),
            "counts": self.counts,
            "heat": self.heat,
        }

    def thinned(self, level: int) -> Numbers:
        """The same with less of it."""
        side, bins = THIN[level]
        if level == 0 or (self.whole and len(self.tables) == 1 and len(self.tables[0][1]) <= 1):
            return self
        corner = [(at, [row[:side] for row in rows[:side]]) for at, rows in self.tables[:1]]
        cut = self.tables if self.whole and side and _count(self.tables) <= side**2 else corner
        counts = np.reshape(self.counts, (bins, -1)).sum(axis=1) if bins and self.counts else []
        return replace(
            self,
            whole=cut is self.tables and self.whole,
            tables=cut if side else [],
            counts=[int(c) for c in counts],
            heat=self.heat if level < 2 else [],
        )


def numbers(array: Array) -> Numbers:
    """Look at an array."""
    whole = array.size <= WHOLE and array.shape[-1:] <= (SIDE,)
    finite = array.ravel()
    if array.dtype.kind in "fc" and not (known := np.isfinite(finite)).all():
        finite = finite[known]
    real = finite.dtype.kind in "fiu" and finite.size > 0
    pictured = real and not whole and array.dtype.kind == "f"
    return Numbers(
        array.shape,
        str(array.dtype),
        whole,
        _tables(array, array.size if whole else CORNER),
        _figures(finite) if real and array.ndim else {},
        array.size - finite.size,
        int(array.size - np.count_nonzero(array)),
        _histogram(finite) if pictured else [],
        _heat(_matrix(array)) if pictured else [],
    )


def text_of(shape: tuple[int, ...]) -> str:
    """A shape as Python writes it."""
    return str(tuple(int(n) for n in shape))


def _count(tables: list[tuple[str, list[list[str]]]]) -> int:
    return sum(len(row) for _, rows in tables for row in rows)


def _tables(array: Array, side: int) -> list[tuple[str, list[list[str]]]]:
    """Its matrices if it is whole, else a corner of the first one."""
    if not array.size:
        return []
    matrices = array.reshape((-1, *array.shape[-2:])) if array.ndim > 2 else [np.atleast_2d(array)]
    lead = array.shape[:-2] if array.ndim > 2 else ()
    every = range(len(matrices)) if side >= array.size else range(1)
    found: list[tuple[str, list[list[str]]]] = []
    for i in every:
        at = ", ".join([*map(str, np.unravel_index(i, lead)), ":", ":"]) if lead else ""
        corner = np.asarray(matrices[i])[:side, :side]
        found.append((f"[{at}]" if at else "", [[str(x) for x in row] for row in corner]))
    return found


def _figures(finite: Array) -> dict[str, str]:
    mean = finite.mean(dtype=np.float64)
    return {"min": str(finite.min()), "mean": f"{mean:.6g}", "max": str(finite.max())}


def _histogram(finite: Array) -> list[int]:
    """Counts between the smallest and the largest; none if these are one, or too far apart."""
    low, high = float(finite.min()), float(finite.max())
    if not low < high or not np.isfinite(high - low):
        return []
    steps = finite.astype(np.float64)
    steps -= low
    steps /= high - low
    steps *= BINS
    if not np.isfinite(steps).all():  # they differ by less than a step can be
        return []
    places = np.minimum(steps.astype(np.int64), BINS - 1)
    return [int(c) for c in np.bincount(places, minlength=BINS)]


def _matrix(array: Array) -> Array:
    """What a heat map shows: all of up to three axes, else the first matrix."""
    if array.ndim > 3:
        return array[(0,) * (array.ndim - 2)]
    return array.reshape(-1, array.shape[-1])


def _heat(matrix: Array) -> list[str]:
    """The tones of its blocks, at most 24 in a row and in a column; none if it is small."""
    if min(matrix.shape) < LEAST:
        return []
    high, low = matrix, matrix
    for axis, length in enumerate(matrix.shape):
        count = min(length, MOST)
        starts = np.arange(count) * length // count
        high = np.maximum.reduceat(high, starts, axis=axis)
        low = np.minimum.reduceat(low, starts, axis=axis)
    extreme = np.where(high > -low, high, low).astype(np.float64)
    known = np.isfinite(extreme)
    largest = np.abs(extreme[known]).max(initial=0) or 1.0
    middle = len(TONES) // 2
    tones = np.rint(np.where(known, extreme, 0) / largest * middle).astype(int) + middle
    texts = np.where(known, np.array(list(TONES))[tones], "?")
    return ["".join(row) for row in texts]
