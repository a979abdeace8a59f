"""Loader: batches in an order that is a pure function of (seed, epoch), and an exact position."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import CheckpointError, DTypeError, LaminaError, RangeError
from .dataset import as_dataset
from .processes import ProcessTeam
from .take import Recipe
from .threads import ThreadTeam


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
        workers: threads or processes that make batches ahead of the loop; 0 makes them in it. The
            batches are the same, bit for bit, for any number of either kind, and a state taken with
            one number goes on with another.
        drop_last: leave out the last batch if it is smaller.
        kind: ``"thread"`` or ``"process"``. Threads start at once, share the dataset, need nothing
            of the program, and work side by side in NumPy, zlib and Pillow, which let go of
            Python's lock. Processes are for items that take long in Python itself, and for code
            that two threads must not run at once; the dataset is sent to them at the first loop.
        prefetch: batches that each worker may have ready or be making, 1 or more.
        timeout: seconds that the loop waits for a batch before it gives up; None waits for ever.
    Attributes:
        epoch: the epoch that is running, or comes next; 0 at first.
        batch: how many batches of it were given.
    Raises:
        RangeError: a number out of range, an empty dataset, or no whole batch with ``drop_last``.
        DTypeError: an argument of the wrong kind.
        ShapeError: arrays of different lengths.
        WorkerError: from the loop: a worker failed, ended or was killed, or made no batch in time.
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
        *,
        kind: str = "thread",
        prefetch: int = 2,
        timeout: float | None = None,
    ):
        self.dataset = as_dataset(dataset)
        self.batch_size = _integer("batch_size", batch_size, 1)
        self.shuffle = _bool("shuffle", shuffle)
        self.seed = _integer("seed", seed, 0)
        self.drop_last = _bool("drop_last", drop_last)
        self.workers = _integer("workers", workers, 0)
        self.kind = _kind(kind)
        self.prefetch = _integer("prefetch", prefetch, 1)
        self.timeout = _seconds(timeout)
        self.size = len(self.dataset)
        if not len(self):
            raise RangeError(
                "Loader: the dataset is empty"
                if self.size == 0
                else f"Loader: {self.size} items give no batch of {batch_size} with drop_last=True"
            )
        self.recipe = Recipe(self.dataset, self.size, self.batch_size, self.shuffle, self.seed)
        self._team = self._make_team()
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
        if len(self.dataset) != self.size:
            raise RangeError(
                f"Loader: the dataset had {self.size} items and now has {len(self.dataset)}; "
                "make a new Loader when it changes"
            )
        for batch in self._source():
            self.batch += 1
            yield batch
            if loop != self._loop:
                raise LaminaError(
                    "Loader: this loop cannot go on, because another one has begun or a state was "
                    "loaded, and a Loader has one position: give each loop a Loader of its own"
                )
        self._finish()

    def _source(self) -> Iterator[Any]:
        """What is left of the epoch."""
        if self._team is not None:
            return self._team.batches(self.epoch, self.batch, len(self))
        numbers = range(self.batch, len(self))
        return (self.recipe.make(self.epoch, number) for number in numbers)

    def _make_team(self) -> ThreadTeam | ProcessTeam | None:
        if not self.workers:
            return None
        make = ThreadTeam if self.kind == "thread" else ProcessTeam
        team = make(self.recipe, self.workers, self.prefetch, self.timeout)
        weakref.finalize(self, team.close)  # at the end of the program, too
        return team

    def close(self) -> None:
        """End worker processes now, and not with the Loader; the next loop starts new ones.

        They hold the dataset as it was when they started: so this makes them see its changes.
        """
        if self._team is not None:
            self._team.close()

    def _finish(self) -> None:
        self.epoch += 1
        self.batch = 0

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


def _kind(value: Any) -> str:
    if value not in ("thread", "process"):
        raise RangeError(f'Loader: kind should be "thread" or "process", got {value!r:.60}')
    if value == "process" and os.name != "posix":
        raise RangeError(
            'Loader: kind="process" needs Linux, macOS or another POSIX system, and this is '
            f'{os.name!r}; take kind="thread"'
        )
    return value


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise DTypeError(f"Loader: timeout should be seconds or None, got {value!r:.60}")
    if not value > 0:
        raise RangeError(f"Loader: timeout should be more than 0 seconds, got {value}")
    return float(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
