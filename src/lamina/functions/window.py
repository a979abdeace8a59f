"""Windows over images: where a kernel stands, and what lies under it. Convolution and pooling.

An image is ``(n, c, *size)`` to everybody, and lies in memory as ``(c, *size, n)``: samples last.
What lies under one number of the kernel, at all its places, is then long runs that are copied or
added at the speed of memory, and a convolution is one product of matrices without a transposition.
Elementwise operators keep the order in memory of what they are given, so it carries through a net.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, TypeAlias

import numpy as np

from ..core.variable import Shape
from ..errors import RangeError, ShapeError
from .operand import as_integer

Lengths: TypeAlias = "int | tuple[int, ...]"
"""What a user says of all spatial axes at once, or of each."""

Padding: TypeAlias = "int | tuple[int | tuple[int, int], ...] | str"
"""One length for every border, or for each axis a length or a pair; or ``"same"``."""

Pairs: TypeAlias = "tuple[tuple[int, int], ...]"

AXES = {1: "length", 2: "h, w", 3: "d, h, w"}


@dataclass(frozen=True)
class Window:
    """A kernel over an image: number ``i`` of it at place ``o`` lies on
    ``o stride + i dilation - before``, along each spatial axis; ``before`` from ``padding``.
    """

    size: Shape
    kernel: Shape
    stride: Shape
    padding: Pairs
    dilation: Shape

    @cached_property
    def padded(self) -> Shape:
        """The size of the image with its borders."""
        return tuple([n + a + b for n, (a, b) in zip(self.size, self.padding)])

    @cached_property
    def out(self) -> Shape:
        """How many places there are along each axis."""
        lengths = zip(self.padded, span(self.kernel, self.dilation), self.stride)
        return tuple([(n - k) // s + 1 for n, k, s in lengths])

    @cached_property
    def inside(self) -> tuple[slice, ...]:
        """Where the image lies between its borders."""
        return tuple([slice(a, a + n) for n, (a, _) in zip(self.size, self.padding)])

    @cached_property
    def bordered(self) -> bool:
        return self.padded != self.size

    @cached_property
    def pointwise(self) -> bool:
        """Whether the columns are the image itself, with its borders."""
        return all(k == s == 1 for k, s in zip(self.kernel, self.stride))

    def offsets(self, low: int = 0, high: int | None = None) -> Iterator[tuple[Any, Any]]:
        """For each number of the kernel: its index, and what lies under it in the padded image.

        Both after the axis of channels. ``low`` and ``high`` choose places along the first axis.
        """
        places = [(0, n) for n in self.out]
        places[0] = (low, self.out[0] if high is None else high)
        for index in product(*map(range, self.kernel)):
            steps = zip(index, self.dilation, self.stride, places)
            under = [slice(i * d + a * s, i * d + (b - 1) * s + 1, s) for i, d, s, (a, b) in steps]
            yield (slice(None), *index), (slice(None), *under)

    def blocks(self, numbers: int, least: int) -> Iterator[tuple[int, int]]:
        """Places along the first axis, in blocks whose columns fit into a cache.

        Args:
            numbers: in the columns of one place along the first axis.
            least: numbers that a block should have before it pays for one product more.
        """
        rows = max(1, max(BLOCK, least) // max(1, numbers))
        for low in range(0, self.out[0], rows):
            yield low, min(low + rows, self.out[0])


BLOCK = 1 << 21
"""Numbers of columns at a time: 8 MiB in float32, where a layer of ResNet-18 on 32 images of 32x32
has 75 MB of them. A step of it takes 1.4 s of one thread with this and with anything less, and 1.65
with all columns at once; more threads wait for one another less often if blocks are large."""


def span(kernel: Shape, dilation: Shape) -> Shape:
    """From the first to the last number of the kernel."""
    return tuple([(k - 1) * d + 1 for k, d in zip(kernel, dilation)])


# -- arrays --------------------------------------------------------------------------------------


def samples_last(x: Any) -> Any:
    """``(n, c, *size)`` as ``(c, *size, n)``."""
    return x.transpose(*range(1, len(x.shape)), 0)


def samples_first(x: Any) -> Any:
    """``(c, *size, n)`` as ``(n, c, *size)``."""
    last = len(x.shape) - 1
    return x.transpose(last, *range(last))


def packed(x: Any) -> Any:
    """``(n, c, *size)`` as ``(c, *size, n)``, in this order in memory."""
    turned = samples_last(x)
    return turned if turned.flags.c_contiguous else np.copy(turned, order="C")


def bordered(x: Any, window: Window, fill: Any = 0) -> Any:
    """`packed`, with the borders of ``window`` around it."""
    if not window.bordered:
        return packed(x)
    y = np.full((x.shape[1], *window.padded, x.shape[0]), fill, x.dtype, like=x)
    y[(slice(None), *window.inside)] = samples_last(x)
    return y


def unbordered(x: Any, window: Window) -> Any:
    """The image inside, ``(n, c, *size)``."""
    return samples_first(x[(slice(None), *window.inside)])


def columns(image: Any, window: Window, low: int, high: int) -> Any:
    """What lies under the kernel at its places: ``(c, *kernel, high - low, *out[1:], n)``."""
    if window.pointwise:
        kernel = (1,) * len(window.kernel)
        part = image[:, low:high]
        return part.reshape(part.shape[0], *kernel, *part.shape[1:])
    shape = (image.shape[0], *window.kernel, high - low, *window.out[1:], image.shape[-1])
    y = np.empty(shape, image.dtype, like=image)
    for index, under in window.offsets(low, high):
        y[index] = image[under]
    return y


def add_columns(image: Any, cols: Any, window: Window, low: int, high: int) -> None:
    """Add columns to what lies under them, in place: the transpose of `columns`."""
    for index, under in window.offsets(low, high):
        image[under] += cols[index]


# -- what the user said --------------------------------------------------------------------------


def window_of(
    size: Shape,
    kernel: Shape,
    stride: Lengths | None,
    padding: Padding,
    dilation: Lengths,
    operation: str,
) -> Window:
    """The window that these words mean, for an image of this size.

    Raises:
        RangeError: for words that mean nothing.
        ShapeError: if the kernel is larger than the padded image.
    """
    rank = len(size)
    steps = kernel if stride is None else lengths(stride, rank, f"{operation}: stride")
    gaps = lengths(dilation, rank, f"{operation}: dilation")
    pads = borders(padding, rank, operation)
    if pads == "same":
        pads = _same(size, span(kernel, gaps), steps)
    window = Window(size, kernel, steps, pads, gaps)
    if min(window.out) < 1:
        spread = span(kernel, gaps)
        dilated = "" if spread == kernel else f" (dilated: {spread})"
        borderless = "" if window.padded == size else f" (padded: {window.padded})"
        raise ShapeError(
            f"{operation}: the kernel {kernel}{dilated} is larger than the image "
            f"{size}{borderless}; use a smaller kernel or more padding"
        )
    return window


def lengths(word: Any, rank: int, what: str, least: int = 1) -> Shape:
    """One integer for all axes, or one for each, as one for each.

    Raises:
        RangeError: if one is less than ``least``, or there are not as many as axes.
        DTypeError: if one is not an integer.
    """
    if not isinstance(word, (tuple, list)):
        found = (as_integer(word, what),) * rank
    else:
        found = tuple([as_integer(n, what) for n in word])
    if len(found) != rank or min(found) < least:
        raise RangeError(
            f"{what} should be an integer of {least} or more, or {rank} of them, got {word!r}"
        )
    return found


def borders(word: Any, rank: int, operation: str) -> Any:
    """Padding as a pair for each axis; ``"same"`` as it is.

    Raises:
        RangeError: for a word that means nothing.
    """
    if isinstance(word, str) and word == "same":
        return word
    each = tuple(word) if isinstance(word, (tuple, list)) else (word,) * rank
    pairs = tuple([tuple(p) if isinstance(p, (tuple, list)) else (p, p) for p in each])
    plain = all(isinstance(n, (int, np.integer)) and n >= 0 for pair in pairs for n in pair)
    if len(pairs) != rank or not plain or any(len(pair) != 2 for pair in pairs):
        raise RangeError(
            f"{operation}: padding should be an integer of 0 or more, {rank} of them or of pairs "
            f"(before, after) in a tuple, or 'same', got {word!r}"
        )
    return tuple([(int(a), int(b)) for a, b in pairs])


def _same(size: Shape, spread: Shape, stride: Shape) -> Pairs:
    """Borders that give ``ceil(size / stride)`` places; an odd one more goes after."""
    totals = [max(0, (-(-n // s) - 1) * s + k - n) for n, k, s in zip(size, spread, stride)]
    return tuple([(t // 2, t - t // 2) for t in totals])


def image_check(shape: Shape, rank: int, operation: str) -> None:
    """Raise ShapeError unless this is the shape of images of so many spatial axes."""
    if len(shape) == rank + 2:
        return
    hint = "; one sample is a batch too: x[None]" if len(shape) == rank + 1 else ""
    raise ShapeError(f"{operation}: x should have shape (n, c, {AXES[rank]}), got {shape}{hint}")


def per_place(window: Window, n: int) -> int:
    """Numbers in a row of results: all places that share one along the first axis."""
    return prod(window.out[1:]) * n
