"""Augmentation: random changes of images ``(n, c, h, w)`` that leave what they show.

Floating and integer dtypes are kept. Each image is changed by random numbers of its own; those of
`Mixup` and `CutMix`, which mix the images of a batch, belong to the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from ..arrays import Array, is_floating
from ..errors import DTypeError, RangeError, ShapeError
from .draws import Draws
from .transforms import Transform, one_hot


@dataclass
class RandomFlip(Transform):
    """Turns an axis round, with probability ``p``: -1 is left and right, -2 top and bottom."""

    p: float = 0.5
    axis: int = -1

    def __post_init__(self) -> None:
        _check_probability(self.p, self)

    def batch(self, x: Array, draws: Draws) -> Array:
        """Any shape that has the axis."""
        if not -x.ndim < self.axis < x.ndim or self.axis == 0:
            raise ShapeError(f"RandomFlip: axis {self.axis} is no axis of samples of {x.shape[1:]}")
        y, rows = x.copy(), draws.chance(self.p)
        y[rows] = np.flip(x[rows], self.axis)
        return y


@dataclass
class RandomCrop(Transform):
    """A piece of the image, from anywhere, after ``padding`` rows and columns were put around it.

    Args:
        size: height and width, or one number for both.
        padding: on each side.
        fill: what the padding holds.
    Source: 32 x 32 with a padding of 4 is how CIFAR is augmented since K. He and others, "Deep
        Residual Learning for Image Recognition", 2015, section 4.2.
    """

    size: int | tuple[int, int]
    padding: int = 0
    fill: float = 0

    def __post_init__(self) -> None:
        if self.padding < 0:
            raise RangeError(f"RandomCrop: padding should be 0 or more, got {self.padding}")

    def batch(self, x: Array, draws: Draws) -> Array:
        """``(n, c, *size)``."""
        _check_images(x, "RandomCrop")
        h, w = _pair(self.size, "RandomCrop")
        around = ((0, 0), (0, 0), *[(self.padding, self.padding)] * 2)
        padded = np.pad(x, around, constant_values=self.fill) if self.padding else x
        room = np.array([padded.shape[2] - h, padded.shape[3] - w])
        if (room < 0).any():
            raise ShapeError(f"RandomCrop: no piece of {h} x {w} in {padded.shape[2:]}")
        top, left = draws.integers(0, room + 1, (2,)).T
        pieces = np.lib.stride_tricks.sliding_window_view(padded, (h, w), axis=(2, 3))
        return pieces[np.arange(len(x)), :, top, left]


@dataclass
class CenterCrop(Transform):
    """The middle of the image, ``size`` high and wide: for images that are only looked at."""

    size: int | tuple[int, int]

    def batch(self, x: Array, draws: Draws) -> Array:
        """``(n, c, *size)``."""
        _check_images(x, "CenterCrop")
        h, w = _pair(self.size, "CenterCrop")
        top, left = (x.shape[2] - h) // 2, (x.shape[3] - w) // 2
        if top < 0 or left < 0:
            raise ShapeError(f"CenterCrop: no piece of {h} x {w} in {x.shape[2:]}")
        return x[:, :, top : top + h, left : left + w]


@dataclass
class Cutout(Transform):
    """Fills a square whose middle is anywhere in the image; at the border there is less of it.

    Args:
        size: of its sides.
        fill: what it then holds; 0 is the mean of normalised images.
    Source: T. DeVries and G. Taylor, "Improved Regularization of Convolutional Neural Networks with
        Cutout", 2017.
    """

    size: int
    fill: float = 0

    def __post_init__(self) -> None:
        if self.size < 1:
            raise RangeError(f"Cutout: size should be 1 or more, got {self.size}")

    def batch(self, x: Array, draws: Draws) -> Array:
        """The shape of ``x``."""
        _check_images(x, "Cutout")
        middle = draws.integers(0, np.array(x.shape[2:]), (2,))
        first = middle - self.size // 2
        return _filled(x, first, first + self.size, self.fill)


@dataclass
class RandomErasing(Transform):
    """Fills a rectangle inside the image, with probability ``p``.

    Args:
        p: how often.
        area: smallest and largest part of the image.
        ratio: smallest and largest height by width.
        fill: what it then holds.
    Source: Z. Zhong and others, "Random Erasing Data Augmentation", 2017, algorithm 1. Where a
        rectangle would stick out it is cut there, and not drawn again.
    """

    p: float = 0.5
    area: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 1 / 0.3)
    fill: float = 0

    def __post_init__(self) -> None:
        _check_probability(self.p, self)
        if not (0 < self.area[0] <= self.area[1] <= 1 and 0 < self.ratio[0] <= self.ratio[1]):
            raise RangeError(f"RandomErasing: no rectangles of {self.area} and {self.ratio}")

    def batch(self, x: Array, draws: Draws) -> Array:
        """The shape of ``x``."""
        _check_images(x, "RandomErasing")
        h, w = x.shape[2:]
        rows = draws.chance(self.p)
        area = draws.uniform(*self.area) * h * w
        ratio = np.exp(draws.uniform(log(self.ratio[0]), log(self.ratio[1])))
        sides = np.stack([np.sqrt(area * ratio), np.sqrt(area / ratio)], axis=1)
        sides = np.clip(np.rint(sides).astype(np.int64), 1, (h, w))
        first = draws.integers(0, np.array([h, w]) - sides + 1, (2,))
        return _filled(x, first, first + sides * rows[:, None], self.fill)


@dataclass
class RandomAffine(Transform):
    """Turns, shifts, scales and shears about the middle; numbers between pixels are bilinear.

    Args:
        degrees: turned by up to so many, either way.
        shift: by up to this part of height and width.
        scale: smallest and largest factor.
        shear: by up to so many degrees, along the width.
        fill: what lies outside of the image.
    """

    degrees: float = 0
    shift: float = 0
    scale: tuple[float, float] = (1, 1)
    shear: float = 0
    fill: float = 0

    def __post_init__(self) -> None:
        if not 0 < self.scale[0] <= self.scale[1]:
            raise RangeError(f"RandomAffine: scale should be two factors above 0, got {self.scale}")

    def batch(self, x: Array, draws: Draws) -> Array:
        """The shape of ``x``."""
        _check_images(x, "RandomAffine")
        angle = np.deg2rad(draws.uniform(-self.degrees, self.degrees))
        factor = draws.uniform(*self.scale)
        slant = np.tan(np.deg2rad(draws.uniform(-self.shear, self.shear)))
        shift = draws.uniform(-self.shift, self.shift, (2,)) * x.shape[2:]
        cos, sin = np.cos(angle) / factor, np.sin(angle) / factor
        # where each pixel of the result comes from: turned back, then sheared
        back = np.stack(
            [np.stack([cos, -sin], 1), np.stack([sin + slant * cos, cos - slant * sin], 1)], 1
        )
        return _sampled(x, back, shift, self.fill)


@dataclass
class Jitter(Transform):
    """Changes brightness and contrast: ``m + k (x - m) + b``, where m is the image's mean.

    Args:
        brightness: b is up to this part of the range of values, either way.
        contrast: k is within this of 1.
        limits: the range of values, to which the result is cut. By default that of the dtype for
            integers, and 0 to 1 for floating numbers.
    """

    brightness: float = 0.2
    contrast: float = 0.2
    limits: tuple[float, float] | None = None

    def batch(self, x: Array, draws: Draws) -> Array:
        """The shape of ``x``, any."""
        low, high = self.limits or _limits(x)
        shape = (-1,) + (1,) * (x.ndim - 1)
        k = draws.uniform(1 - self.contrast, 1 + self.contrast).reshape(shape)
        b = draws.uniform(-self.brightness, self.brightness).reshape(shape) * (high - low)
        mean = x.mean(axis=tuple(range(1, x.ndim)), keepdims=True, dtype=np.float64)
        dtype = x.dtype if is_floating(x.dtype) else np.dtype(np.float32)
        y = x * k.astype(dtype) + (mean * (1 - k) + b).astype(dtype)
        return _as(np.clip(y, low, high), x.dtype)


@dataclass
class Noise(Transform):
    """Adds normal noise of standard deviation ``std`` to each number."""

    std: float

    def batch(self, x: Array, draws: Draws) -> Array:
        """The shape of ``x``, any; floating."""
        if not is_floating(x.dtype):
            raise DTypeError(f"Noise: x should be floating, got {x.dtype}")
        return x + (self.std * draws.normal(x.shape[1:])).astype(x.dtype)


# -- of whole batches ----------------------------------------------------------------------------


@dataclass
class Mixup(Transform):
    """Mixes each sample and its label with another of the batch: ``k x + (1 - k) x'``.

    A batch is ``(x, t)``, with labels ``t: (n,)``, integer, or probabilities ``(n, classes)``;
    it becomes ``(x, probabilities)``, which `softmax_cross_entropy` takes.

    Args:
        classes: how many.
        alpha: k is drawn from Beta(alpha, alpha), for each sample.
    Source: H. Zhang and others, "mixup: Beyond Empirical Risk Minimization", 2017; k for each
        sample and not for the batch, as in its reference code's option.
    """

    classes: int
    alpha: float = 0.2
    whole = True

    def __post_init__(self) -> None:
        _check_alpha(self.alpha, self)

    def batch(self, x: Any, draws: Draws) -> Any:
        """``(x, t)`` mixed."""
        images, t, other, k = _mixing(x, self.classes, self.alpha, draws, "Mixup")
        part = k.astype(images.dtype).reshape((-1,) + (1,) * (images.ndim - 1))
        return images * part + images[other] * (1 - part), _mixed(t, other, k)


@dataclass
class CutMix(Transform):
    """Puts a rectangle of another image of the batch into each; labels mix by area.

    Arguments, batches and results are as of `Mixup`; x is images.

    Source: S. Yun and others, "CutMix: Regularization Strategy to Train Strong Classifiers with
        Localizable Features", 2019, section 3.1; a rectangle for each image.
    """

    classes: int
    alpha: float = 1.0
    whole = True

    def __post_init__(self) -> None:
        _check_alpha(self.alpha, self)

    def batch(self, x: Any, draws: Draws) -> Any:
        """``(x, t)`` mixed."""
        images, t, other, k = _mixing(x, self.classes, self.alpha, draws, "CutMix")
        _check_images(images, "CutMix")
        h, w = images.shape[2:]
        sides = np.sqrt(1 - k)[:, None] * (h, w)
        middle = draws.uniform(0, (h, w), (2,))
        first = np.clip(np.rint(middle - sides / 2), 0, (h, w)).astype(np.int64)
        last = np.clip(np.rint(middle + sides / 2), 0, (h, w)).astype(np.int64)
        inside = _inside(images, first, last)
        kept = 1 - (last - first).prod(axis=1) / (h * w)
        return np.where(inside, images[other], images), _mixed(t, other, kept)


def _mixing(
    batch: Any, classes: int, alpha: float, draws: Draws, what: str
) -> tuple[Array, Array, Array, Array]:
    """Images, label probabilities, who is mixed with whom, and how much of each stays."""
    if not isinstance(batch, tuple) or len(batch) != 2:
        raise DTypeError(f"{what}: a batch should be (x, t), got {type(batch).__name__}")
    x, t = batch
    if not is_floating(x.dtype):
        raise DTypeError(f"{what}: x should be floating, got {x.dtype}")
    if t.ndim == 1:
        t = one_hot(t, classes, x.dtype, what)
    if t.shape != (len(x), classes):
        raise ShapeError(f"{what}: labels should be ({len(x)}, {classes}), got {t.shape}")
    other = np.argsort(draws.uniform(), kind="stable")
    k = draws.together().beta(alpha, alpha, len(x))
    return x, t, other, k


def _mixed(t: Array, other: Array, k: Array) -> Array:
    part = k.astype(t.dtype)[:, None]
    return t * part + t[other] * (1 - part)


# -- pieces --------------------------------------------------------------------------------------


def _filled(x: Array, first: Array, last: Array, fill: float) -> Array:
    return np.where(_inside(x, first, last), np.asarray(fill, x.dtype), x)


def _inside(x: Array, first: Array, last: Array) -> Array:
    """``(n, 1, h, w)``, bool: rows ``first[:, 0] ... last[:, 0] - 1``, and columns likewise."""
    n, _, h, w = x.shape
    rows, columns = np.arange(h), np.arange(w)
    tall = (rows >= first[:, :1]) & (rows < last[:, :1])
    wide = (columns >= first[:, 1:]) & (columns < last[:, 1:])
    return tall.reshape(n, 1, h, 1) & wide.reshape(n, 1, 1, w)


def _sampled(x: Array, back: Array, shift: Array, fill: float) -> Array:
    """Row and column of each pixel are turned by ``back: (n, 2, 2)`` to where its value is read."""
    n, c, h, w = x.shape
    middle = np.array([(h - 1) / 2, (w - 1) / 2])
    grid = np.stack(np.meshgrid(np.arange(h), np.arange(w), indexing="ij")).reshape(2, -1)
    centred = grid[None] - (middle + shift)[:, :, None]
    place = back @ centred + middle[:, None]  # (n, 2, h * w)
    corner = np.floor(place).astype(np.int64)
    weight = place - corner
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=fill)
    flat = padded.reshape(n, c, (h + 2) * (w + 2))
    total = 0.0
    for down in (0, 1):
        for right in (0, 1):
            row = np.clip(corner[:, 0] + down, -1, h) + 1  # the padding is all that lies outside
            column = np.clip(corner[:, 1] + right, -1, w) + 1
            values = np.take_along_axis(flat, (row * (w + 2) + column)[:, None], axis=2)
            part = (weight[:, 0] if down else 1 - weight[:, 0]) * (
                weight[:, 1] if right else 1 - weight[:, 1]
            )
            total = total + values * part[:, None]
    return _as(np.asarray(total).reshape(x.shape), x.dtype)


def _as(y: Array, dtype: Any) -> Array:
    return (y if is_floating(dtype) else np.rint(y)).astype(dtype, copy=False)


def _limits(x: Array) -> tuple[float, float]:
    if is_floating(x.dtype):
        return 0.0, 1.0
    return float(np.iinfo(x.dtype).min), float(np.iinfo(x.dtype).max)


def _pair(size: int | tuple[int, int], what: str) -> tuple[int, int]:
    h, w = (size, size) if isinstance(size, int) else size
    if h < 1 or w < 1:
        raise RangeError(f"{what}: size should be 1 or more, got {size}")
    return h, w


def _check_images(x: Array, what: str) -> None:
    if x.ndim != 4:
        raise ShapeError(f"{what}: images should be (n, c, h, w), got shape {x.shape}")


def _check_probability(p: float, transform: Transform) -> None:
    if not 0 <= p <= 1:
        raise RangeError(f"{type(transform).__name__}: p should be from 0 to 1, got {p}")


def _check_alpha(alpha: float, transform: Transform) -> None:
    if not alpha > 0:
        raise RangeError(f"{type(transform).__name__}: alpha should be above 0, got {alpha}")
