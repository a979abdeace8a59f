"""How a batch is taken from a dataset; and the recipe by which every worker makes the same ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import Array
from .dataset import collate
from .draws import Draws


class Drawn(ABC):
    """A dataset whose items depend on random numbers, or that wraps one that may.

    A `Loader` gives it the numbers: they depend on its seed, the epoch and the sample, so that the
    items do not depend on which worker makes them. Indexed without a Loader, ``dataset[i]`` is what
    a Loader of seed 0 gives in epoch 0.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def item(self, index: int, draws: Draws) -> Any:
        """Item ``index``; ``draws`` is for this one sample."""

    def draw(self, indices: Array, draws: Draws) -> Any:
        """A batch; ``draws`` is for the samples at ``indices``."""
        return collate(take_items(self, indices, draws))

    @property
    def batched(self) -> bool:
        """Whether `draw` is more than the items one after the other, which then have one shape."""
        return False

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(f"{type(self).__name__}: no item {index} among {len(self)}")
        index %= len(self)
        return self.item(index, Draws(0, 0, [index]))


def take(dataset: Any, indices: Array, draws: Draws) -> Any:
    """One batch: by ``draw`` of a `Drawn`, by ``batch``, or item after item, collated.

    Args:
        dataset: a `Dataset`.
        indices: ``(n,)``, which items.
        draws: random numbers for these ``n`` samples.
    """
    if isinstance(dataset, Drawn):
        return dataset.draw(indices, draws)
    batch = getattr(dataset, "batch", None)
    if batch is not None:
        return batch(indices)
    return collate(take_items(dataset, indices, draws))


def take_items(dataset: Any, indices: Array, draws: Draws) -> list[Any]:
    """The items at ``indices``, one after the other; an error names the sample."""
    items, draws_on = [], isinstance(dataset, Drawn)
    for position, index in enumerate(indices.tolist()):
        with Blame(index):
            items.append(dataset.item(index, draws.at([position])) if draws_on else dataset[index])
    return items


def take_item(dataset: Any, index: int, draws: Draws) -> Any:
    """Item ``index``; ``draws`` is for this one sample."""
    return dataset.item(index, draws) if isinstance(dataset, Drawn) else dataset[index]


def is_batched(dataset: Any) -> bool:
    """Whether a whole batch at once is possible: it is if all items have one shape."""
    return dataset.batched if isinstance(dataset, Drawn) else hasattr(dataset, "batch")


class Blame:
    """A context that writes on an error which sample it came from."""

    def __init__(self, index: int):
        self.index = index

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if isinstance(error, Exception):
            error.sample = self.index  # pyright: ignore[reportAttributeAccessIssue] (kept for Failure)
            error.add_note(f"in sample {self.index} of the dataset")


@dataclass
class Recipe:
    """Batch ``number`` of ``epoch``, from nothing else: so it does not matter who makes it."""

    dataset: Any
    size: int
    batch_size: int
    shuffle: bool
    seed: int
    _order: tuple[int, Array] | None = field(default=None, repr=False)

    def make(self, epoch: int, number: int) -> Any:
        """The batch; its arrays are contiguous, as they are after a way through shared memory."""
        indices = self.indices(epoch, number)
        return contiguous(take(self.dataset, indices, Draws(self.seed, epoch, indices)))

    def indices(self, epoch: int, number: int) -> Array:
        """Which samples are in it."""
        start = number * self.batch_size
        if not self.shuffle:
            return np.arange(start, min(start + self.batch_size, self.size))
        kept = self._order
        if kept is None or kept[0] != epoch:
            self._order = kept = (epoch, order(self.size, self.seed, epoch))
        return kept[1][start : start + self.batch_size]


def order(size: int, seed: int, epoch: int) -> Array:
    """A random permutation of ``0 ... size - 1``, the same for the same three numbers for ever.

    It sorts numbers straight from the PCG64 bit generator. NumPy promises that those never change
    (NEP 19), which it does not promise for ``Generator.permutation``.

    Returns:
        ``(size,)``, int64.
    Example:
        >>> order(5, seed=0, epoch=0).tolist() == order(5, seed=0, epoch=0).tolist()
        True
    """
    source = np.random.SeedSequence(seed, spawn_key=(epoch,))
    return np.argsort(np.random.PCG64(source).random_raw(size), kind="stable")


def contiguous(batch: Any) -> Any:
    """``batch`` with each array as a plain one in C order."""
    return each_array(batch, lambda array: np.asarray(array, order="C"))


def each_array(batch: Any, change: Any) -> Any:
    """``batch`` with ``change(array)`` for each NumPy array in its tuples, lists and dicts."""
    if isinstance(batch, np.ndarray):
        return change(batch)
    if isinstance(batch, dict):
        return {key: each_array(value, change) for key, value in batch.items()}
    if isinstance(batch, list):
        return [each_array(value, change) for value in batch]
    if isinstance(batch, tuple):
        values = [each_array(value, change) for value in batch]
        return type(batch)(*values) if hasattr(batch, "_fields") else tuple(values)
    return batch
