"""Small pictures: how the values of a parameter were spread, over time."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from .read import number

ROWS, SHADES = 40, 16
BLUE = (59, 130, 216)  # seen on white and on near black; how much of it is the number of values


@dataclass(frozen=True)
class Histogram:
    """How many values of a parameter lay where, at one time.

    Attributes:
        counts: (k,), of bins of equal width from ``low`` to ``high``.
    """

    low: float
    high: float
    counts: Array


def read_histogram(found: Any) -> Histogram | None:
    """From JSON; None if it is none."""
    if not isinstance(found, dict) or not isinstance(found.get("counts"), list):
        return None
    low, high = number(found.get("low")), number(found.get("high"))
    counts = [number(count) for count in found["counts"][:1024]]
    if low is None or high is None or not counts or None in counts or not low <= high:
        return None
    array = np.array(counts, float)
    sound = np.isfinite([low, high, high - low]).all() and np.isfinite(array).all()
    return Histogram(low, high, array) if sound and array.min() >= 0 < array.max() else None


def spread(histograms: list[Histogram | None]) -> tuple[str, float, float] | None:
    """A picture with time to the right and values upward, each time as dark as its fullest place.

    Returns:
        A ``data:`` address, and which values are at the bottom and at the top; None if there is no
        histogram.
    """
    there = [histogram for histogram in histograms if histogram is not None]
    if not there:
        return None
    low, high = min(h.low for h in there), max(h.high for h in there)
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, ROWS + 1)
    columns = [np.zeros(ROWS) if h is None else _rows(h, edges) for h in histograms]
    picture = np.array(columns).T[::-1]
    shades = np.sqrt(picture / np.maximum(picture.max(axis=0), 1e-300)) * (SHADES - 1)
    return _png(np.ceil(shades).astype(np.uint8)), low, high


def _rows(histogram: Histogram, edges: Array) -> Array:
    """The counts, spread over bins with other edges."""
    own = np.linspace(histogram.low, histogram.high, len(histogram.counts) + 1)
    if not own[0] < own[1]:  # no width: all values are one
        place = min(int(np.searchsorted(edges, own[0], "right")) - 1, ROWS - 1)
        return histogram.counts.sum() * (np.arange(ROWS) == place)
    below = np.concatenate([[0], np.cumsum(histogram.counts)])
    return np.maximum(np.diff(np.interp(edges, own, below)), 0)


def _png(shades: Array) -> str:
    """A ``data:`` address of a PNG: one colour, each pixel as opaque as its shade says.

    Source: PNG specification, third edition (W3C, 2025), sections 5 and 11: PLTE, tRNS.
    """
    height, width = shades.shape
    opacity = bytes(round(255 * i / (SHADES - 1)) for i in range(SHADES))
    lines = np.concatenate([np.zeros((height, 1), np.uint8), shades], axis=1)  # 0: no filter
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(*part)
        for part in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            (b"PLTE", bytes(BLUE) * SHADES),
            (b"tRNS", opacity),
            (b"IDAT", zlib.compress(lines.tobytes(), 9)),
            (b"IEND", b""),
        )
    )
    return "data:image/png;base64," + base64.b64encode(content).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )
