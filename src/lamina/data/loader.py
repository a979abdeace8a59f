"""Loader: batches in an order that is a pure function of (seed, epoch), and an exact position."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import CheckpointError, DTypeError, LaminaError, RangeError
from .dataset import as_dataset, collate


class Loader:
    """Batches of a dataset; one ``for`` loop is one epoch.

    The position is exact: ``state_dict()`` in the middle of an epoch, given to a new Loader, makes
    its next loop go on with the very next batch; the epochs after it are what they would have been.
    A batch counts as given as soon as the loop has it: take the state after the training step.

    Every other loop is a whole epoch. One that was left early, with ``break``, is over: the next
    loop is the next epoch, in its own order, so that no part of the data is always left out.

    Args:
        dataset: an array, a tuple of arrays of one length, or a `Dataset`.
        batch_size: items a batch; the last batch of an epoch may be smaller.
        shuffle: a new order each epoch; False keeps the order of the dataset.
        seed: of the orders; 0 or more.
        workers: processes that prepare batches. Only 0, which is this process, for now.
        drop_last: leave out the last batch if it is smaller.
    Attributes:
        epoch: the epoch that is running, or comes next; 0 at first.
        batch: how many batches of it were given.
    Raises:
        RangeError: a number out of range, an empty dataset, or no whole batch with ``drop_last``.
        DTypeError: an argument of the wrong kind.
        ShapeError: arrays of different lengths.
    Example:
        >>> x, t = np.arange(10.0).reshape(5, 2), np.arange(5)
        >>> loader = Loader((x, t), batch_size=2, shuffle=False)
        >>> len(loader), [batch.tolist() for _, batch in loader]
        (3, [[0, 1], [2, 3], [4]])
        >>> loader.epoch
        1
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        shuffle: bool = True,
        seed: int = 0,
        workers: int = 0,
        drop_last: bool = False,
    ):
        self.dataset = as_dataset(dataset)
        self.batch_size = _integer("batch_size", batch_size, 1)
        self.shuffle = _bool("shuffle", shuffle)
        self.seed = _integer("seed", seed, 0)
        self.drop_last = _bool("drop_last", drop_last)
        if _integer("workers", workers, 0):
            raise RangeError(
                f"Loader: workers should be 0, got {workers}: batches are made in this process; "
                "other processes cannot make them yet"
            )
        self.size = len(self.dataset)
        if not len(self):
            raise RangeError(
                "Loader: the dataset is empty"
                if self.size == 0
                else f"Loader: {self.size} items give no batch of {batch_size} with drop_last=True"
            )
        self.epoch = 0
        self.batch = 0
        self._resumed = False  # the next loop starts at `batch`, not at a new epoch
        self._loop = 0  # which loop may move the position: the newest

    def __len__(self) -> int:
        """Batches in a whole epoch."""
        whole, rest = divmod(self.size, self.batch_size)
        return whole + bool(rest and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        if self.batch and not self._resumed:
            self._finish()  # the loop before this one was left early
        self._resumed = False
        self._loop += 1
        return self._batches(self._loop)

    def _batches(self, loop: int) -> Iterator[Any]:
        indices = self._order()
        while self.batch < len(self):
            start = self.batch * self.batch_size
            batch = self._take(indices[start : start + self.batch_size])
            self.batch += 1
            yield batch
            if loop != self._loop:
                raise LaminaError(
                    "Loader: this loop cannot go on, because another one has begun or a state was "
                    "loaded, and a Loader has one position: give each loop a Loader of its own"
                )
        self._finish()

    def _finish(self) -> None:
        self.epoch += 1
        self.batch = 0

    def _order(self) -> Array:
        if len(self.dataset) != self.size:
            raise RangeError(
                f"Loader: the dataset had {self.size} items and now has {len(self.dataset)}; "
                "make a new Loader when it changes"
            )
        return order(self.size, self.seed, self.epoch) if self.shuffle else np.arange(self.size)

    def _take(self, indices: Array) -> Any:
        take = getattr(self.dataset, "batch", None)
        if take is not None:
            return take(indices)
        return collate([self.dataset[i] for i in indices.tolist()])

    # -- where it is -------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The position and what it depends on: numbers and bools, fit for JSON."""
        return {**self._settings(), "epoch": self.epoch, "batch": self.batch}

    def _settings(self) -> dict[str, Any]:
        return {
            "size": self.size,
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "seed": self.seed,
            "drop_last": self.drop_last,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to the position where `state_dict` was taken; the next loop goes on from there.

        Raises:
            CheckpointError: see `check_state_dict`; nothing is changed then.
        """
        self.check_state_dict(state)
        self.epoch, self.batch = state["epoch"], state["batch"]
        self._resumed = True
        self._loop += 1  # a loop that is running cannot go on

    def check_state_dict(self, state: dict[str, Any]) -> None:
        """Raise unless `load_state_dict` would take ``state``.

        Raises:
            CheckpointError: ``state`` is no state of a Loader, or of one with another dataset size
                or other settings: the order of its batches was another.
        """
        settings = self._settings()
        expected = {*settings, "epoch", "batch"}
        if not isinstance(state, dict) or set(state) != expected:
            raise CheckpointError(
                f"Loader: a state should hold {', '.join(sorted(expected))}; got {state!r:.100}"
            )
        differences = [
            f"{name} {state[name]!r} there, {here!r} here"
            for name, here in settings.items()
            if state[name] != here
        ]
        if differences:
            raise CheckpointError(
                f"Loader: the state is of another Loader: {'; '.join(differences)}. Make this one "
                "with the same settings and data"
            )
        epoch, batch = state["epoch"], state["batch"]
        if not _is_count(epoch) or not _is_count(batch) or batch > len(self):
            raise CheckpointError(
                f"Loader: there is no epoch {epoch!r}, batch {batch!r} with {len(self)} batches "
                "an epoch"
            )

    def __repr__(self) -> str:
        return (
            f"Loader({self.dataset!r:.60}, batch_size={self.batch_size}, epoch={self.epoch}, "
            f"batch={self.batch}/{len(self)})"
        )


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


def _integer(name: str, value: Any, low: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise DTypeError(f"Loader: {name} should be an integer, got {value!r:.60}")
    if value < low:
        raise RangeError(f"Loader: {name} should be {low} or more, got {value}")
    return int(value)


def _bool(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise DTypeError(f"Loader: {name} should be True or False, got {value!r:.60}")
    return bool(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
