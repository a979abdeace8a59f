"""Channels and places exchanged: pixel_shuffle, pixel_unshuffle, channel_shuffle."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from ..core import Variable
from ..errors import RangeError, ShapeError
from .operand import as_integer, as_variable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["pixel_shuffle", "pixel_unshuffle", "channel_shuffle"]


def pixel_shuffle(x: ArrayLike, factor: int) -> Variable:
    """Channels laid out as places: ``y[n, c, h r + i, w r + j] = x[n, (c r + i) r + j, h, w]``.

    Args:
        x: (n, c r**rank, ...), with one spatial axis or more, their number being the rank.
        factor: r: each spatial axis becomes so many times as long.
    Returns:
        (n, c, ...), each spatial axis r times as long.
    Raises:
        ShapeError: if there is no spatial axis.
        RangeError: if ``factor`` is less than 1, or r**rank does not divide the channels.
    Source:
        W. Shi and others, "Real-Time Single Image and Video Super-Resolution Using an Efficient
        Sub-Pixel Convolutional Neural Network", 2016, with PyTorch's order of channels.
    Example:
        >>> pixel_shuffle([[[1.0, 2.0], [3.0, 4.0]]], 2)
        Variable([[[1., 3., 2., 4.]]], float64)
    """
    v, r = _image(x, factor, "pixel_shuffle")
    n, channels, *size = v.shape
    rank = len(size)
    if channels % r**rank:
        raise RangeError(
            f"pixel_shuffle: {channels} channels are not divided by {r}**{rank} = {r**rank}"
        )
    parted = v.reshape(n, channels // r**rank, *[r] * rank, *size)
    pairs = chain(*[(2 + rank + i, 2 + i) for i in range(rank)])
    return parted.transpose(0, 1, *pairs).reshape(n, channels // r**rank, *[r * s for s in size])


def pixel_unshuffle(x: ArrayLike, factor: int) -> Variable:
    """Places laid out as channels: the inverse of `pixel_shuffle`.

    Args:
        x: (n, c, ...), with one spatial axis or more, their number being the rank.
        factor: r: each spatial axis becomes so many times as short.
    Returns:
        (n, c r**rank, ...), each spatial axis r times as short.
    Raises:
        ShapeError: if there is no spatial axis.
        RangeError: if ``factor`` is less than 1, or does not divide an axis.
    Example:
        >>> pixel_unshuffle([[[1.0, 3.0, 2.0, 4.0]]], 2)
        Variable([[[1., 2.],
                   [3., 4.]]], float64)
    """
    v, r = _image(x, factor, "pixel_unshuffle")
    n, channels, *size = v.shape
    rank = len(size)
    if any(s % r for s in size):
        raise RangeError(f"pixel_unshuffle: {r} does not divide the image {tuple(size)}")
    parted = v.reshape(n, channels, *chain(*[(s // r, r) for s in size]))
    order = (0, 1, *range(3, 3 + 2 * rank, 2), *range(2, 2 + 2 * rank, 2))
    return parted.transpose(*order).reshape(n, channels * r**rank, *[s // r for s in size])


def channel_shuffle(x: ArrayLike, groups: int) -> Variable:
    """Channels of groups dealt out in turn: ``y[n, i groups + g] = x[n, g size + i]``.

    Args:
        x: (n, channels, ...).
        groups: how many; it divides the channels.
    Returns:
        The shape of ``x``.
    Raises:
        ShapeError: if ``x`` has no axis 1.
        RangeError: if ``groups`` does not divide the channels.
    Source:
        X. Zhang and others, "ShuffleNet: An Extremely Efficient Convolutional Neural Network for
        Mobile Devices", 2018.
    Example:
        >>> channel_shuffle([[1.0, 2.0, 3.0, 4.0]], 2)
        Variable([[1., 3., 2., 4.]], float64)
    """
    v, count = as_variable(x, "channel_shuffle"), as_integer(groups, "channel_shuffle: groups")
    if v.ndim < 2:
        raise ShapeError(f"channel_shuffle: x should be (n, channels, ...), got {v.shape}")
    n, channels, *size = v.shape
    if count < 1 or channels % count:
        raise RangeError(f"channel_shuffle: {count} groups do not divide {channels} channels")
    return v.reshape(n, count, channels // count, *size).swapaxes(1, 2).reshape(v.shape)


def _image(x: Any, factor: Any, name: str) -> tuple[Variable, int]:
    v, r = as_variable(x, name), as_integer(factor, f"{name}: factor")
    if v.ndim < 3:
        raise ShapeError(f"{name}: x should be (n, channels, size, ...), got {v.shape}")
    if r < 1:
        raise RangeError(f"{name}: factor should be 1 or more, got {r}")
    return v, r
