"""Datasets made of others: parts, sums, and with a transform."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..arrays import Array, as_array, is_array
from ..errors import DTypeError, RangeError, ShapeError
from .dataset import as_dataset, collate
from .draws import Draws
from .take import Blame, Drawn, is_batched, order, take, take_item
from .transforms import Transform, as_steps, at_part


class Subset(Drawn):
    """Some items of a dataset, in an order of their own.

    Args:
        dataset: a `Dataset`, an array or a tuple of arrays.
        indices: ``(n,)``, integer: which items.
    Raises:
        RangeError: an index that the dataset has not.
    Example:
        >>> Subset(np.arange(5) * 10, [3, 1])[0]
        np.int64(30)
    """

    def __init__(self, dataset: Any, indices: Any):
        self.dataset = as_dataset(dataset)
        self.indices: Array = as_array(indices, "Subset: indices")
        if self.indices.size == 0:
            self.indices = self.indices.astype(np.int64)
        if self.indices.ndim != 1 or self.indices.dtype.kind not in "iu":
            raise DTypeError(
                "Subset: indices should be integers in one axis, got "
                f"{self.indices.dtype} {self.indices.shape}"
            )
        size = len(self.dataset)
        wrong = self.indices[(self.indices < 0) | (self.indices >= size)]
        if len(wrong):
            raise RangeError(f"Subset: no item {wrong[0]} in a dataset of {size}")

    def __len__(self) -> int:
        return len(self.indices)

    def item(self, index: int, draws: Draws) -> Any:
        """Item ``indices[index]`` of the dataset."""
        return take_item(self.dataset, int(self.indices[index]), draws)

    def draw(self, indices: Array, draws: Draws) -> Any:
        """A batch of the dataset."""
        return take(self.dataset, self.indices[indices], draws)

    @property
    def batched(self) -> bool:
        """As of the dataset."""
        return is_batched(self.dataset)

    def __repr__(self) -> str:
        return f"Subset({len(self)} of {self.dataset!r:.60})"


class Concatenated(Drawn):
    """Datasets one after the other; their items are of one structure.

    Example:
        >>> both = Concatenated(np.zeros(3), np.ones(2))
        >>> len(both), float(both[3])
        (5, 1.0)
    """

    def __init__(self, *datasets: Any):
        if not datasets:
            raise DTypeError("Concatenated: needs one dataset or more")
        self.datasets = [as_dataset(dataset) for dataset in datasets]
        self.ends: Array = np.cumsum([len(dataset) for dataset in self.datasets])

    def __len__(self) -> int:
        return int(self.ends[-1])

    def item(self, index: int, draws: Draws) -> Any:
        """The item, from the dataset that has it."""
        which, inside = self._place(np.array([index]))
        return take_item(self.datasets[which[0]], int(inside[0]), draws.branch())

    def draw(self, indices: Array, draws: Draws) -> Any:
        """A batch: what each dataset has of it, put together."""
        if not self.batched:
            return super().draw(indices, draws)
        which, inside = self._place(indices)
        own, parts, places = draws.branch(), [], []
        for number in np.unique(which):
            rows = np.flatnonzero(which == number)
            parts.append(take(self.datasets[number], inside[rows], own.at(rows)))
            places.append(rows)
        return merged(parts, np.argsort(np.concatenate(places), kind="stable"))

    def _place(self, indices: Array) -> tuple[Array, Array]:
        """Which dataset, and which item of it."""
        which = np.searchsorted(self.ends, indices, side="right")
        return which, indices - np.concatenate([[0], self.ends])[which]

    @property
    def batched(self) -> bool:
        """Whether all of them are."""
        return all(is_batched(dataset) for dataset in self.datasets)

    def __repr__(self) -> str:
        return f"Concatenated({len(self.datasets)} datasets, {len(self)} items)"


class Mapped(Drawn):
    """A dataset with a transform, which sees each item anew in each epoch.

    What is random in it depends on the seed of the `Loader`, the epoch and the sample, and on
    nothing else.

    Args:
        dataset: a `Dataset`, an array or a tuple of arrays.
        transform: a `Transform`; a function of one item's part, ``f(x)``, or with a NumPy generator
            for what is random, ``f(x, rng)``; or a list of these, one after the other.
        at: which part of an item the transform is given, and replaces: a place in a tuple, a key of
            a dict, or None for the whole item. An item without parts is given whole; transforms
            that need the whole batch, such as `Mixup`, get it anyway.
    Example:
        >>> from lamina.data import Loader, RandomFlip
        >>> x, t = np.arange(8.0).reshape(2, 1, 2, 2), np.arange(2)
        >>> flipped = Mapped((x, t), [RandomFlip(p=1), lambda x: x / 2])
        >>> flipped[0][0].tolist()
        [[[0.5, 0.0], [1.5, 1.0]]]
    """

    def __init__(self, dataset: Any, transform: Any, at: int | str | None = 0):
        self.dataset = as_dataset(dataset)
        self.steps = as_steps(transform, "Mapped")
        self.at = at

    def __len__(self) -> int:
        return len(self.dataset)

    def item(self, index: int, draws: Draws) -> Any:
        """The item, transformed as a batch of one."""
        inner, own = draws.branch(), draws.branch()
        item = take_item(self.dataset, index, inner)
        for step in self.steps:
            item = self._apply_to_one(step, item, own)
        return item

    def draw(self, indices: Array, draws: Draws) -> Any:
        """A batch of the dataset, transformed: at once where all items have one shape."""
        inner, own = draws.branch(), draws.branch()
        if self.batched:
            batch = take(self.dataset, indices, inner)
            for step in self.steps:
                batch = self._apply(step, batch, own)
            return batch
        return self._one_by_one(indices, inner, own)

    def _one_by_one(self, indices: Array, inner: Draws, own: Draws) -> Any:
        """Item after item, until a step needs all of them."""
        first_whole = next((i for i, step in enumerate(self.steps) if step.whole), len(self.steps))
        single, rest = self.steps[:first_whole], self.steps[first_whole:]
        items, numbers = [], own
        for position, index in enumerate(indices.tolist()):
            numbers = own.at([position])
            with Blame(index):
                item = take_item(self.dataset, index, inner.at([position]))
                for step in single:
                    item = self._apply_to_one(step, item, numbers)
            items.append(item)
        batch = collate(items)
        own.follow(numbers)
        for step in rest:
            batch = self._apply(step, batch, own)
        return batch

    def _apply(self, step: Transform, batch: Any, draws: Draws) -> Any:
        return at_part(step, batch, self.at, lambda part: step.batch(part, draws))

    def _apply_to_one(self, step: Transform, item: Any, draws: Draws) -> Any:
        return at_part(step, item, self.at, lambda part: step.one(part, draws))

    @property
    def batched(self) -> bool:
        """As of the dataset."""
        return is_batched(self.dataset)

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self.steps))
        return f"Mapped({self.dataset!r:.60}, [{shown}])"


def merged(parts: Sequence[Any], rows: Array) -> Any:
    """Batches of one structure, end to end, and then their ``rows``."""
    first = parts[0]
    if isinstance(first, dict):
        return {key: merged([part[key] for part in parts], rows) for key in first}
    if isinstance(first, (tuple, list)):
        return tuple(merged(column, rows) for column in zip(*parts))
    try:
        return np.concatenate(parts)[rows]
    except ValueError as error:
        raise ShapeError(
            f"Concatenated: the datasets have items of several shapes: {error}"
        ) from None


# -- dividing ------------------------------------------------------------------------------------


def split(dataset: Any, *parts: int | float, seed: int = 0, labels: Any = None) -> list[Subset]:
    """Divide a dataset at random, the same way for ever.

    Args:
        dataset: a `Dataset`, an array or a tuple of arrays.
        *parts: numbers of items, or fractions of them. If they do not use up the dataset, the rest
            is one more part.
        seed: of the order.
        labels: ``(n,)``; where given, each part has its share of each label.
    Raises:
        RangeError: parts that are more than the whole, or less than one item.
    Example:
        >>> [len(part) for part in split(np.arange(10), 0.7)]
        [7, 3]
        >>> [len(part) for part in split(np.arange(10), 2, 3, 5)]
        [2, 3, 5]
    """
    data = as_dataset(dataset)
    sizes = _sizes(len(data), parts)
    shuffled = _shared_out(len(data), seed, labels)
    ends = np.cumsum([0, *sizes])
    return [Subset(data, shuffled[a:b]) for a, b in pairwise(ends)]


def folds(dataset: Any, k: int, seed: int = 0, labels: Any = None) -> list[tuple[Subset, Subset]]:
    """Cross validation: ``k`` pairs of a training part and a held-out part.

    Each item is held out once. Arguments and errors as of `split`.

    Example:
        >>> [(len(train), len(held_out)) for train, held_out in folds(np.arange(7), 3)]
        [(4, 3), (5, 2), (5, 2)]
    """
    data = as_dataset(dataset)
    if isinstance(k, bool) or not isinstance(k, int) or not 2 <= k <= len(data):
        raise RangeError(
            f"folds: k should be from 2 to {len(data)}, the number of items, got {k!r}"
        )
    held_out = np.array_split(_shared_out(len(data), seed, labels), k)
    return [
        (Subset(data, np.concatenate(held_out[:i] + held_out[i + 1 :])), Subset(data, held_out[i]))
        for i in range(k)
    ]


def _sizes(size: int, parts: tuple[int | float, ...]) -> list[int]:
    sizes = []
    for part in parts:
        if isinstance(part, bool) or not isinstance(part, (int, float, np.integer, np.floating)):
            raise DTypeError(f"split: a part should be a number, got {part!r:.60}")
        whole = isinstance(part, (int, np.integer))
        if not (0 < part if whole else 0 < part < 1):
            raise RangeError(
                f"split: a part should be 1 item or more, or a fraction between 0 and 1, got {part}"
            )
        sizes.append(int(part) if whole else round(part * size))
    if all(isinstance(part, float) for part in parts) and abs(sum(parts) - 1) < 1e-9:
        sizes[-1] = size - sum(sizes[:-1])  # rounding is no reason for one more part
    rest = size - sum(sizes)
    if not parts or rest < 0 or 0 in sizes:
        raise RangeError(f"split: {size} items cannot be divided into {parts}")
    return sizes + [rest] * (rest > 0)


def _shared_out(size: int, seed: int, labels: Any) -> Array:
    """A random order; with labels, any stretch of it has about its share of each."""
    shuffled = order(size, seed, 0)
    if labels is None:
        return shuffled
    values = as_array(labels, "split: labels") if not is_array(labels) else np.asarray(labels)
    if values.shape != (size,):
        raise ShapeError(f"split: labels should have shape ({size},), got {values.shape}")
    place = np.empty(size)
    for label in np.unique(values):
        rows = shuffled[values[shuffled] == label]
        place[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    return shuffled[np.argsort(place[shuffled], kind="stable")]
