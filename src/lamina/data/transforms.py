"""Transforms: what changes the samples of a batch, all at once.

A transform sees ``x: (n, ...)``; row ``i`` of its result depends on row ``i`` and on random numbers
of that sample. A dataset with transforms is a `Mapped`.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import Array, as_array, is_floating
from ..config import current
from ..errors import DTypeError, RangeError, ShapeError
from .dataset import as_dataset, collate
from .draws import Draws
from .take import take


class Transform(ABC):
    """Changes a batch. A subclass says how in `batch`.

    Attributes:
        whole: it is given the whole batch, and not one part of it.
    Example:
        >>> class Negative(Transform):
        ...     def batch(self, x, draws):
        ...         return np.where(draws.chance(0.5)[:, None], -x, x)
        >>> Negative()(np.ones((4, 2))).shape
        (4, 2)
    """

    whole = False

    @abstractmethod
    def batch(self, x: Any, draws: Draws) -> Any:
        """``x`` transformed, without changing it in place; ``draws`` is for its ``n`` samples."""

    def one(self, item: Any, draws: Draws) -> Any:
        """One item: a batch of one."""
        return _rows(self.batch(collate([item]), draws))[0]

    def __call__(self, x: Any, draws: Draws | None = None) -> Any:
        """A batch by hand; without ``draws``, what is random is as in epoch 0 of seed 0."""
        return self.batch(x, Draws(0, 0, np.arange(_length(x))) if draws is None else draws)


class Each(Transform):
    """A function of one item: ``f(x)``, or ``f(x, rng)`` with a NumPy generator for that sample.

    It is slower than a transform of whole batches: it is called once for each item.
    """

    def __init__(self, function: Callable[..., Any]):
        self.function = function
        self.is_random = _arguments(function) >= 2

    def batch(self, x: Any, draws: Draws) -> Any:
        """The function of each item, stacked."""
        if not self.is_random:
            return collate([self.function(item) for item in _rows(x)])
        return collate([self.function(*pair) for pair in zip(_rows(x), draws.generators())])

    def one(self, item: Any, draws: Draws) -> Any:
        """The function of the item as it is."""
        return self.function(item, *draws.generators()) if self.is_random else self.function(item)

    def __repr__(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))


class Compose(Transform):
    """Transforms and functions, one after the other.

    Example:
        >>> double_and_add = Compose(lambda x: 2 * x, lambda x: x + 1)
        >>> double_and_add(np.arange(3.0)).tolist()
        [1.0, 3.0, 5.0]
    """

    def __init__(self, *steps: Any):
        self.steps = as_steps(list(steps), "Compose")
        self.whole = any(step.whole for step in self.steps)

    def batch(self, x: Any, draws: Draws) -> Any:
        """Each step of the result of the one before."""
        for step in self.steps:
            x = at_part(
                step, x, 0 if self.whole else None, lambda part, s=step: s.batch(part, draws)
            )
        return x

    def one(self, item: Any, draws: Draws) -> Any:
        """The same for one item."""
        for step in self.steps:
            item = step.one(item, draws)
        return item

    def __repr__(self) -> str:
        return f"Compose({', '.join(map(repr, self.steps))})"


def at_part(step: Transform, batch: Any, at: Any, change: Callable[[Any], Any]) -> Any:
    """``batch``, or an item, changed where ``step`` wants it: all of it, or part ``at``."""
    if step.whole or at is None or not isinstance(batch, (tuple, list, dict)):
        return change(batch)
    try:
        part = batch[at]
    except (IndexError, KeyError, TypeError):
        found = list(batch) if isinstance(batch, dict) else f"{len(batch)} parts"
        raise RangeError(f"Mapped: there is no part {at!r} in items of {found}") from None
    if isinstance(batch, dict):
        return {**batch, at: change(part)}
    parts = list(batch)
    parts[at] = change(part)
    return tuple(parts)


def as_steps(transform: Any, what: str) -> list[Transform]:
    """A transform, a function or a list of them as a list of transforms."""
    if isinstance(transform, Compose):
        return transform.steps
    if isinstance(transform, Transform):
        return [transform]
    if isinstance(transform, (list, tuple)):
        return [step for each in transform for step in as_steps(each, what)]
    if callable(transform):
        return [Each(transform)]
    raise DTypeError(
        f"{what}: a transform should be a Transform or a function, got {transform!r:.60}"
    )


@dataclass
class Normalize(Transform):
    """``(x - mean) / std``, for each channel or column.

    Args:
        mean: a number, or one for each place of ``axis``.
        std: likewise, above 0.
        axis: of the channels: 1 for ``(n, c, h, w)`` and for ``(n, columns)``.
    Raises:
        RangeError: a ``std`` that is not above 0.
    Example:
        >>> x = np.array([[1.0, 10.0], [3.0, 10.0]])
        >>> Normalize.fit(x)(x).tolist()
        [[-1.0, 0.0], [1.0, 0.0]]
    """

    mean: Any
    std: Any
    axis: int = 1

    def __post_init__(self) -> None:
        self.mean = as_array(self.mean, "Normalize: mean")
        self.std = as_array(self.std, "Normalize: std")
        if not (self.std > 0).all():
            raise RangeError(f"Normalize: std should be above 0, got {self.std.tolist()!r:.80}")

    @classmethod
    def fit(cls, data: Any, axis: int = 1, at: Any = 0, batch_size: int = 1000) -> Normalize:
        """With mean and standard deviation of ``data``; a column that never changes gets std 1.

        Args:
            data: an array ``(n, ...)``, or a `Dataset`, which is read once in batches.
            axis: of the channels.
            at: which part of the items of a dataset, as in `Mapped`.
            batch_size: items of a dataset that are read at once.
        """
        total, square, count = 0.0, 0.0, 0
        shift = None  # near the mean: the difference of two large squares would lose digits
        for x in _batches(data, at, batch_size):
            others = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
            if shift is None:
                shift = _along(np.asarray(np.mean(x, others, np.float64)), axis, x)
            centred = x - shift
            total = total + centred.sum(others)
            square = square + np.square(centred).sum(others)
            count += x.size // x.shape[axis]
        if shift is None:
            raise RangeError("Normalize: there is nothing to fit")
        mean = total / count
        std = np.sqrt(np.maximum(square / count - mean**2, 0))
        return cls(np.ravel(shift) + mean, np.where(std > 0, std, 1.0), axis)

    def batch(self, x: Array, draws: Draws) -> Array:
        """Floating: in the dtype of ``x``; integers become ``current().dtype``, float32."""
        if not -x.ndim <= self.axis < x.ndim:
            raise ShapeError(f"Normalize: axis {self.axis} is not in a batch of shape {x.shape}")
        dtype = x.dtype if is_floating(x.dtype) else current().dtype
        mean, std = _along(self.mean, self.axis, x), _along(self.std, self.axis, x)
        return (x - mean.astype(dtype)) / std.astype(dtype)

    def __repr__(self) -> str:
        return f"Normalize({np.round(self.mean, 4).tolist()}, {np.round(self.std, 4).tolist()})"


@dataclass
class OneHot(Transform):
    """Labels ``(n, ...)`` as rows ``(n, ..., classes)`` with a 1 at the label and 0 elsewhere.

    Args:
        classes: how many.
    Raises:
        RangeError: a label that is not in 0 ... classes - 1.
        DTypeError: labels that are no integers.
    Example:
        >>> OneHot(3)(np.array([2, 0])).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """

    classes: int
    dtype: Any = field(default=None, repr=False)

    def batch(self, x: Array, draws: Draws) -> Array:
        """Of ``current().dtype``, unless a dtype was given."""
        return one_hot(x, self.classes, self.dtype, "OneHot")


def one_hot(labels: Array, classes: int, dtype: Any, what: str) -> Array:
    """``(..., classes)``, of ``labels: (...)``, integer."""
    t = as_array(labels, f"{what}: labels")
    if t.dtype.kind not in "iu":
        raise DTypeError(f"{what}: labels should be integers, got {t.dtype}")
    wrong = t[(t < 0) | (t >= classes)]
    if wrong.size:
        raise RangeError(f"{what}: label {wrong.ravel()[0]} is not in 0 ... {classes - 1}")
    rows = np.zeros((*t.shape, classes), dtype or current().dtype)
    np.put_along_axis(rows, t[..., None].astype(np.intp), 1, -1)
    return rows


def _along(values: Array, axis: int, x: Array) -> Array:
    """One number, or ``(c,)`` in the shape that meets ``axis`` of ``x``."""
    if values.ndim == 0:
        return values
    if values.shape != (x.shape[axis],):
        raise ShapeError(
            f"Normalize: {values.shape} numbers for axis {axis} of a batch of shape {x.shape}"
        )
    return values.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])


def _batches(data: Any, at: Any, size: int) -> Any:
    dataset = as_dataset(data)
    for start in range(0, len(dataset), size):
        rows = np.arange(start, min(start + size, len(dataset)))
        batch = take(dataset, rows, Draws(0, 0, rows))
        x = batch[at] if isinstance(batch, (tuple, list, dict)) else batch
        if x.ndim < 2:
            raise ShapeError(f"Normalize: data should be (n, channels, ...), got {x.shape}")
        yield x


def _arguments(function: Callable[..., Any]) -> int:
    """How many positional arguments a function must be given; 1 if it cannot be asked."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some that are written in C
        return 1
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p for p in parameters if p.kind in positional and p.default is p.empty]
    if len(needed) > 2:
        raise DTypeError(
            f"a transform should be a function of x, or of x and rng; {function!r:.60} needs "
            f"{len(needed)} arguments"
        )
    return len(needed)


def _rows(batch: Any) -> Sequence[Any]:
    """The items of a batch: what `collate` stacked."""
    if isinstance(batch, dict):
        columns = {key: _rows(value) for key, value in batch.items()}
        return [{key: columns[key][i] for key in columns} for i in range(_length(batch))]
    if isinstance(batch, (tuple, list)):
        return list(zip(*(_rows(part) for part in batch)))
    return batch


def _length(batch: Any) -> int:
    while isinstance(batch, (tuple, list, dict)):
        batch = next(iter(batch.values())) if isinstance(batch, dict) else batch[0]
    return len(batch)
