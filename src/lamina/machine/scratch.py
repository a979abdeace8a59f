"""Memory for native code: it begins at a cache line, and scratch is kept for the next call."""

from __future__ import annotations

import threading
from math import prod
from typing import Any

import numpy as np

LINE = 64
"""Bytes of a cache line."""

PAGE = 1 << 21
"""Bytes of a large page; memory of several begins at one, which saves the processor look-ups."""


def aligned(nbytes: int) -> Any:
    """Bytes that begin at a cache line, or at a large page if there are many."""
    line = PAGE if nbytes >= 4 * PAGE else LINE
    raw = np.empty(nbytes + line, np.uint8)
    start = -raw.ctypes.data % line
    return raw[start : start + nbytes]


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """An array that begins at a cache line."""
    nbytes = prod(shape) * dtype.itemsize
    return aligned(nbytes)[:nbytes].view(dtype).reshape(shape)


class Workspace(threading.local):
    """Scratch memory, which every Python thread has for itself; it grows, and is kept."""

    def __init__(self) -> None:
        self.memory = aligned(0)

    def of(self, nbytes: int) -> Any:
        """So many bytes or more."""
        if self.memory.size < nbytes:
            self.memory = aligned(nbytes)
        return self.memory


workspace = Workspace()
