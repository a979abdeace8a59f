"""Where a C library puts arrays: how much memory a process has, for what it asks.

Freed memory is not given back at once. The rules are those of glibc's ``malloc``, as far as they
matter for arrays:

- an array of `Heap.apart` bytes or more has pages of its own, which go back when it is freed; and
  then ``apart``, at first 128 KiB, rises to the size of this array, but not over 32 MiB;
- smaller ones lie in one heap, in the smallest gap that is wide enough, else at its end;
- the end of the heap goes back when twice ``apart`` or more is free there.

Once a kernel of machine code runs eagerly, lamina changes two of these numbers: see `Heap.keep`.

Other libraries, such as those of macOS and Windows, have other rules, and a result alike.

Source:
    The GNU C Library, ``malloc/malloc.c``: "M_MMAP_THRESHOLD", dynamic since 2.5; ``systrim``.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from ..resident import KEPT, WHOLE

PAGE = 4096
FIRST_APART, LAST_APART = 128 << 10, 32 << 20
GRAIN = 16


class Heap:
    """The memory of a process that asks for arrays, and frees them.

    Attributes:
        apart: bytes from which an array has pages of its own.
        mapped: bytes of those.
        end: how long the heap is.
    """

    def __init__(self) -> None:
        self.apart = FIRST_APART
        self.mapped = self.end = self.top = 0  # what lies between top and end is free
        self._kept = 0  # bytes that may be free at the end; 0: twice ``apart``
        self._gaps: list[tuple[int, int]] = []  # length and start, sorted
        self._starts: dict[int, int] = {}  # of gaps: their lengths
        self._ends: dict[int, int] = {}  # where gaps end: their starts

    @property
    def size(self) -> int:
        """What the process has."""
        return self.mapped + self.end

    def keep(self) -> None:
        """From now on as `resident.keep` lets glibc do it."""
        self.apart, self._kept = WHOLE, KEPT

    def take(self, nbytes: int) -> int:
        """Memory for an array: where it begins, or -1 for pages of its own."""
        if nbytes >= self.apart:
            self.mapped += _rounded(nbytes, PAGE)
            return -1
        nbytes = _rounded(nbytes + GRAIN // 2, GRAIN)
        i = bisect_left(self._gaps, (nbytes, 0))
        if i == len(self._gaps):
            start, self.top = self.top, self.top + nbytes
            self.end = max(self.end, _rounded(self.top, PAGE))
            return start
        length, start = self._gaps[i]
        self._remove(length, start)
        if length > nbytes:
            self._add(length - nbytes, start + nbytes)
        return start

    def give(self, start: int, nbytes: int) -> None:
        """An array is free."""
        if start < 0:
            self.mapped -= _rounded(nbytes, PAGE)
            if nbytes <= LAST_APART and not self._kept:
                self.apart = max(self.apart, nbytes)
            return
        nbytes = _rounded(nbytes + GRAIN // 2, GRAIN)
        before = self._ends.get(start)
        if before is not None:
            self._remove(start - before, before)
            start, nbytes = before, nbytes + start - before
        after = self._starts.get(start + nbytes)
        if after is not None:
            self._remove(after, start + nbytes)
            nbytes += after
        if start + nbytes < self.top:
            self._add(nbytes, start)
            return
        self.top = start
        if self.end - self.top >= (self._kept or 2 * self.apart):
            self.end = _rounded(self.top + FIRST_APART, PAGE)

    def _add(self, length: int, start: int) -> None:
        insort(self._gaps, (length, start))
        self._starts[start], self._ends[start + length] = length, start

    def _remove(self, length: int, start: int) -> None:
        del self._gaps[bisect_left(self._gaps, (length, start))]
        del self._starts[start], self._ends[start + length]


def _rounded(nbytes: int, to: int) -> int:
    return -(-nbytes // to) * to
