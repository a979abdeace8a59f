"""Checkpoints: a folder that keeps the last few, and the best."""

from __future__ import annotations

import math
import os
import re
from typing import Any

import numpy as np

from ..errors import CheckpointError, CorruptFileError, DTypeError, RangeError
from ..files import load_npz, save_npz
from ..files.atomic import SUFFIX, sweep
from ..layers import Layer
from ..log import logger
from .checkpoint import Snapshot, check_kind, read, restore, take
from .tree import unpack

NAME = re.compile(r"step-(\d{9,18})\.npz")
LEFT_BEHIND = re.compile(rf"\.(step-\d{{9,18}}\.npz)\..*{re.escape(SUFFIX)}")
NOTHING = "\0"  # no array is called so: of a file only its words are read


class Checkpoints:
    """The last checkpoints of a run, as files ``step-000001200.npz`` in one folder.

    Args:
        folder: made when the first is saved.
        keep: how many of the latest steps to keep, 1 or more.
        best: ``"smallest"`` or ``"largest"``: keep the one whose ``metric`` is that, too.
    Raises:
        RangeError: ``keep`` or ``best`` is something else.
    Example:
        >>> import tempfile
        >>> from lamina import Linear
        >>> model = Linear(2, in_size=3)
        >>> checkpoints = Checkpoints(tempfile.mkdtemp(), keep=2, best="smallest")
        >>> for step, loss in enumerate([0.9, 0.2, 0.5, 0.4]):
        ...     path = checkpoints.save(step, model=model, metric=loss)
        >>> checkpoints.steps()
        [1, 2, 3]
        >>> checkpoints.load(model=model)
        {'step': 3, 'metric': 0.4}
    """

    def __init__(self, folder: str | os.PathLike[str], keep: int = 3, best: str | None = None):
        self.folder = os.fspath(folder)
        if isinstance(keep, bool) or not isinstance(keep, (int, np.integer)) or keep < 1:
            raise RangeError(f"Checkpoints: keep should be an integer of 1 or more, got {keep!r}")
        if best not in (None, "smallest", "largest"):
            raise RangeError(f"Checkpoints: best should be smallest, largest or None, got {best!r}")
        self.keep, self.largest = int(keep), {"smallest": False, "largest": True}.get(best or "")

    # -- saving ------------------------------------------------------------------------------

    def save(
        self,
        step: int,
        *,
        model: Layer | None = None,
        optimizer: Any = None,
        loader: Any = None,
        metric: Any = None,
        **extra: Any,
    ) -> str:
        """Save one, then remove those that are not to be kept; its path.

        What is removed is removed when the new file is on the disk. The new one stays in any case.

        Args:
            step: how far training is, 0 or more.
            model: see `save_checkpoint`, also for what follows.
            optimizer: what trains it.
            loader: where it is.
            metric: a number, which is saved beside; NaN is never the best.
            **extra: values, and whatever else has a state.
        Raises:
            RangeError: ``step`` or ``metric`` is none.
            LaminaError: as `save_checkpoint`.
        """
        parts = {"model": model, "optimizer": optimizer, "loader": loader, **extra}
        return self.write(step, self.take(step, metric=metric, **parts))

    def take(self, step: int, *, metric: Any = None, **parts: Any) -> Snapshot:
        """What `save` would write now. To be written by another thread, it has to be `copied`."""
        return take(step=_as_step(step), metric=self._as_metric(metric), **parts)

    def write(self, step: int, snapshot: Snapshot) -> str:
        """Write what `take` gave, and remove as `save` does; the path."""
        path = self._path(_as_step(step))
        save_npz(path, snapshot.arrays, meta=snapshot.meta, make_folders=True)
        self._sweep()
        for old in self._superfluous(int(step)):
            os.remove(self._path(old))
        return path

    def _as_metric(self, metric: Any) -> float | None:
        if metric is None and self.largest is None:
            return None
        number = getattr(metric, "item", lambda: metric)()
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise RangeError(
                f"Checkpoints.save: metric should be a number, to know the best, got {metric!r:.60}"
                if self.largest is not None
                else f"Checkpoints.save: metric should be a number or None, got {metric!r:.60}"
            )
        return float(number)

    def _superfluous(self, newest: int) -> list[int]:
        steps = self.steps()
        kept: set[int | None] = {*steps[-self.keep :], newest}
        if self.largest is not None:
            kept.add(self._best_step(steps))
        return [step for step in steps if step not in kept]

    def _sweep(self) -> None:
        """Remove what killed processes left of saves: of other steps than this one, too."""
        found = map(LEFT_BEHIND.fullmatch, os.listdir(self.folder))
        for name in {match[1] for match in found if match}:
            sweep(self.folder, name)

    # -- what is there -----------------------------------------------------------------------

    def steps(self) -> list[int]:
        """The steps of the files that are there, in order; whole or not."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return sorted(int(match[1]) for match in map(NAME.fullmatch, names) if match)

    def latest(self) -> str | None:
        """The path of the latest file that is whole; None if there is none.

        It is read to see that. One that is damaged is named in the log, with the reason.
        """
        for step in reversed(self.steps()):
            if self._read(step) is not None:
                return self._path(step)
        return None

    def best(self) -> str | None:
        """The path of the file with the best metric; None if there is none.

        Raises:
            RangeError: it was not said what is best.
        """
        if self.largest is None:
            raise RangeError("Checkpoints.best: make it with best='smallest' or best='largest'")
        step = self._best_step(self.steps())
        return None if step is None else self._path(step)

    def _best_step(self, steps: list[int]) -> int | None:
        metrics = {step: self._metric(step) for step in steps}
        sign = -1 if self.largest else 1
        ranked = [(sign * m, step) for step, m in metrics.items() if not math.isnan(m)]
        return min(ranked)[1] if ranked else None

    def _metric(self, step: int) -> float:
        """What was measured at a step; NaN if nothing was, or it cannot be read."""
        try:
            _, meta = load_npz(self._path(step), prefix=NOTHING)
            check_kind(self._path(step), meta)
            metric = unpack(meta.get("extra"), {}, self._path(step)).get("metric")
        except (CheckpointError, OSError, AttributeError):
            return math.nan  # a damaged file is told of when it is to be loaded
        return metric if isinstance(metric, float) else math.nan

    # -- loading -----------------------------------------------------------------------------

    def load(
        self,
        step: int | None = None,
        *,
        model: Layer | None = None,
        optimizer: Any = None,
        loader: Any = None,
        random: bool = True,
        **others: Any,
    ) -> dict[str, Any] | None:
        """Continue from the latest file that is whole; None if nothing was saved yet.

        If the latest is damaged, the one before it is taken, and so on; a line in the log names the
        file and the reason.

        Args:
            step: take this one and no other.
            model: see `load_checkpoint`, also for what follows.
            optimizer: what trains it.
            loader: where it is.
            random: whether random streams go on, too.
            **others: objects whose state was saved.
        Returns:
            The values that were saved beside, with ``step`` and ``metric``.
        Raises:
            StateMismatchError: it does not fit: then those before would not, either.
            CorruptFileError: files are there, and none is whole.
            LaminaError, OSError: as `load_checkpoint`.
        """
        parts = {"optimizer": optimizer, "loader": loader, **others}
        if step is not None:
            saved = read(self._path(_as_step(step)))
            restore(saved, model, parts, random)
            return saved.extra
        steps = self.steps()
        for number in reversed(steps):
            saved = self._read(number)
            if saved is not None:
                restore(saved, model, parts, random)
                return saved.extra
        if steps:
            raise CorruptFileError(
                f"Checkpoints.load: {self.folder}: none of its {len(steps)} files is whole, the "
                "log says why; start anew in another folder, or bring back a copy"
            )
        return None

    def _read(self, step: int) -> Any:
        """A checkpoint, or None, and a line in the log, if it cannot be read."""
        try:
            return read(self._path(step))
        except (CheckpointError, OSError) as error:
            logger.warning(f"{self._path(step)} is passed over: {error}")
            return None

    def _path(self, step: int) -> str:
        return os.path.join(self.folder, f"step-{step:09d}.npz")

    def __repr__(self) -> str:
        return f"Checkpoints({self.folder!r}, keep={self.keep}, steps={self.steps()})"


def _as_step(step: Any) -> int:
    if isinstance(step, bool) or not isinstance(step, (int, np.integer)):
        raise DTypeError(f"Checkpoints: step should be an integer, got {step!r:.60}")
    if not 0 <= step < 10**18:
        raise RangeError(f"Checkpoints: step should be from 0 to below 10**18, got {step}")
    return int(step)
