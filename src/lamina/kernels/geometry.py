"""Where the kernel of a convolution stands: which places of two images meet, and through which tap.

Axes are three: shorter images have 1 in front. The gradient of an image with a stride is one sweep
for each remainder of its pixels by the stride: only some numbers of the kernel meet them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from ..functions.window import Window


@dataclass(frozen=True)
class Sweep:
    """Places ``i`` of a grid: the result at ``i step + start`` sums over taps of the image.

    Attributes:
        grid: places along each axis.
        start: of the result along each axis.
        taps: along each axis pairs of a number of the kernel, and where it lies from ``i stride``.
    """

    grid: tuple[int, ...]
    start: tuple[int, ...]
    taps: tuple[tuple[tuple[int, int], ...], ...]

    @property
    def runs(self) -> int:
        """How many numbers of the kernel there are in it."""
        return prod(map(len, self.taps))


@dataclass(frozen=True)
class Geometry:
    """An image that is read, one that is written, and how places of the two meet.

    Attributes:
        n: images.
        read, written: sizes.
        stride: from place to place in the image that is read.
        step: from place to place in the one that is written.
        kernel: its size.
        sweeps: all places.
    """

    n: int
    read: tuple[int, ...]
    written: tuple[int, ...]
    stride: tuple[int, ...]
    step: tuple[int, ...]
    kernel: tuple[int, ...]
    sweeps: tuple[Sweep, ...]

    @cached_property
    def order(self) -> list[int]:
        """Where each number of the kernel comes in the sweeps, one after another."""
        strides = [prod(self.kernel[a + 1 :]) for a in range(3)]
        met = [
            sum(k * s for (k, _), s in zip(tap, strides))
            for sweep in self.sweeps
            for tap in product(*sweep.taps)
        ]
        return [met.index(tap) for tap in range(prod(self.kernel))]


def three(lengths: Any, fill: Any) -> tuple[Any, ...]:
    """One to three lengths as three."""
    return (fill,) * (3 - len(lengths)) + tuple(lengths)


def forward_geometry(window: Window, n: int) -> Geometry:
    """The places of a convolution."""
    ones = (1, 1, 1)
    kernel, padding = three(window.kernel, 1), three(window.padding, (0, 0))
    taps = [
        tuple([(k, k * d - before) for k in range(length)])
        for length, d, (before, _) in zip(kernel, three(window.dilation, 1), padding)
    ]
    out = three(window.out, 1)
    sweep = Sweep(out, (0, 0, 0), tuple(taps))
    return Geometry(n, three(window.size, 1), out, three(window.stride, 1), ones, kernel, (sweep,))


def data_geometry(window: Window, n: int) -> Geometry:
    """The places of its transpose: pixels of the image, by their remainders."""
    kernel, stride = three(window.kernel, 1), three(window.stride, 1)
    size = three(window.size, 1)
    axes = [
        [_remainder(*axis, r) for r in range(min(axis[0], axis[3]))]
        for axis in zip(
            size, kernel, three(window.dilation, 1), stride, three(window.padding, (0, 0))
        )
    ]
    sweeps = [Sweep(*map(tuple, zip(*axes_of))) for axes_of in product(*axes)]
    ones = (1, 1, 1)
    return Geometry(n, three(window.out, 1), size, ones, stride, kernel, tuple(sweeps))


def _remainder(
    size: int, kernel: int, dilation: int, stride: int, padding: tuple[int, int], r: int
) -> tuple[int, int, tuple[tuple[int, int], ...]]:
    """Pixels ``r + i stride`` along one axis: how many, from where, and which taps meet them."""
    places = [r + padding[0] - k * dilation for k in range(kernel)]
    taps = [(k, p // stride) for k, p in enumerate(places) if p % stride == 0]
    return -(-(size - r) // stride), r, tuple(taps)
