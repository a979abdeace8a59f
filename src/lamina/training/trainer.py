"""Trainer: the loop over epochs and batches, with callbacks around its steps."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any, Self

import numpy as np

from ..errors import CheckpointError, DTypeError, RangeError
from ..layers import Layer
from ..log import logger
from . import values as numbers
from .callback import EVENTS, States, hook, rank_of
from .checkpoint import Checkpoint
from .compiled import keep_compiled
from .deferred import Deferred
from .hold import Hold
from .metrics import Metrics
from .progress import Progress
from .record import Record, resuming
from .run import Run
from .signals import Signals

USUAL = (Progress, Metrics, Checkpoint)
"""Callbacks that are there anyway; the last two need a folder."""


class Trainer:
    """Calls ``step`` with each batch of ``loader``, for some epochs, and callbacks around it.

    Ctrl-C, or SIGTERM, ends the training after the step that runs: everything is saved, and the
    command that goes on is printed. Ctrl-C again ends it at once. A loss that is not finite raises.

    Args:
        step: called with a batch, ``step(*batch)``; gives the loss, or a dict of numbers with
            ``"loss"`` in it. It does all the work: forward, backward, update. Eager, or made by
            `lamina.compile`.
        loader: gives batches, once over for each epoch. Resuming is exact with a `Loader`, and with
            whatever gives the same batches again, in the same order, in each epoch.
        epochs: how often; 1 or more.
        model: what is trained: saved, and described.
        optimizer: what trains it, after its ``setup``.
        folder: of the run; without it nothing is written.
        callbacks: in the order in which they are called, each `rank <Callback>` for itself. If
            there is none of its class among them, `Progress` is added, and with a folder `Metrics`
            and `Checkpoint`.
        config: what the run was made from: kept in ``run.json`` and in checkpoints. What JSON
            cannot hold, such as a date or a path, is kept as text.
    Attributes:
        iteration: steps done.
        epoch: epochs done.
        batch: what the newest step was given.
        metrics: the newest value of each name.
        seconds: of training, those before a resume included.
        samples: that were learnt from since the start or the last resume.
        status: ``"running"``, ``"finished"``, ``"stopped"``, ``"interrupted"`` or ``"failed"``.
        reason: why it ended before its last epoch.
        now: ``time.perf_counter()`` after the newest step, one clock for all callbacks.
        began: what it was at the start; or would have been, without the pause before a resume.
        run_folder: the `Run` that is written; None without a folder.
        resume_command: words of the command line that goes on; None if there is none.
    Raises:
        RangeError: ``epochs`` is out of range.
        DTypeError: an argument of the wrong kind.
    Example:
        >>> from lamina import functions as F, optimizers as O
        >>> from lamina.layers import Linear
        >>> x = np.array([[0.0], [1.0]], np.float32)
        >>> model = Linear(1, in_size=1)
        >>> optimizer = O.SGD(lr=0.5).setup(model)
        >>> def step(x, t):
        ...     loss = F.mean_squared_error(model(x), t)
        ...     model.cleargrads()
        ...     loss.backward()
        ...     optimizer.update()
        ...     return loss
        >>> trainer = Trainer(step, [(x, 2 * x)], epochs=100, callbacks=[Progress(False)])
        >>> trainer.run().iteration
        100
        >>> round(trainer.metrics["loss"], 3)
        0.0
    """

    def __init__(
        self,
        step: Callable[..., Any],
        loader: Iterable[Any],
        epochs: int,
        model: Layer | None = None,
        optimizer: Any = None,
        folder: str | os.PathLike[str] | None = None,
        callbacks: Iterable[Any] = (),
        config: dict[str, Any] | None = None,
    ):
        if not callable(step):
            raise DTypeError(f"Trainer: step should be a function, got {step!r:.60}")
        if not hasattr(loader, "__iter__") or hasattr(loader, "__next__"):
            raise DTypeError(
                f"Trainer: loader should be gone through once an epoch, such as a Loader or a list "
                f"of batches, got {loader!r:.60}"
            )
        if isinstance(epochs, bool) or not isinstance(epochs, (int, np.integer)) or epochs < 1:
            raise RangeError(f"Trainer: epochs should be an integer of 1 or more, got {epochs!r}")
        self.step, self.epochs = step, int(epochs)
        self.loader: Any = loader
        self.model, self.optimizer, self.config = model, optimizer, as_json(config or {})
        self.folder = None if folder is None else os.fspath(folder)
        self.run_folder: Run | None = None
        self.callbacks = _completed(list(callbacks), folder is not None)
        self.iteration = self.epoch = self.samples = 0
        self.batch: tuple[Any, ...] | None = None
        self.metrics: numbers.Values = {}
        self.status, self.reason = "new", ""
        self.resume_command: list[str] | None = None
        self._in_epoch = 0  # steps done of the epoch that runs
        self._means = numbers.Means()
        self._stopping: str | None = None
        self._before = self.began = self.now = 0.0  # seconds
        self._record = Record()
        self._deferred = Deferred()
        self._hooks: dict[str, list[Any]] = {}

    # -- from outside ------------------------------------------------------------------------

    def run(self, overwrite: bool = False) -> Self:
        """Train to the end; or go on, if this trainer was stopped. Gives itself back.

        Args:
            overwrite: remove the run that is in the folder.
        Raises:
            CheckpointError: there is a run in the folder, or another process writes there.
            NonFiniteError: the loss is not finite.
            SystemExit: it was interrupted, with the status that shells give such a process; in an
                interactive session KeyboardInterrupt.
        """
        with self._held():
            if self.status == "new":
                self._prepare(overwrite)
            return self._go()

    def resume(self) -> Self:
        """Go on where the folder's latest checkpoint was made, or start, if there is none.

        If the latest is damaged, the one before it is taken, and the log says so. What was written
        to the folder behind it is cut off.

        Raises:
            CheckpointError: the checkpoint does not fit what is there now, or no file is whole.
            NonFiniteError, SystemExit: as `run`.
        """
        if self.folder is None:
            raise RangeError("Trainer.resume: there is no folder to resume from; give folder=...")
        with self._held():
            self.run_folder = Run.make(self.folder)
            self.resume_command = self.resume_command or resuming()
            load(self)
            self.run_folder.cut(self.iteration, self.epoch)
            return self._go()

    def stop(self, reason: str) -> None:
        """End after the step that runs, or before the first."""
        self._stopping = self._stopping or reason

    @property
    def seconds(self) -> float:
        """Of training so far, those before a resume included."""
        return time.perf_counter() - self.began if self.status == "running" else self._before

    # -- the loop ----------------------------------------------------------------------------

    def _held(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.folder is None else Hold(Run.make(self.folder).folder)

    def _prepare(self, overwrite: bool) -> None:
        if self.folder is None:
            return
        self.run_folder = Run.make(self.folder)
        if overwrite:
            self.run_folder.clear()
        elif self.run_folder.is_begun():
            raise CheckpointError(
                f"Trainer.run: there is a run in {self.folder} already; resume() goes on with it, "
                "run(overwrite=True) removes it, or choose another folder"
            )

    def _go(self) -> Self:
        self._deferred = Deferred()  # as np.seterr says now
        self._hooks = {event: self._heard(event) for event in EVENTS}
        self.status, self.reason, self._stopping = "running", "", None
        self.samples, self.now = 0, time.perf_counter()
        self.began = self.now - self._before
        with Signals(self.stop) as signals:
            try:
                self._tell(force=True)
                self._call("start")
                with self._deferred:
                    self._train()
                self._finish("interrupted" if signals.heard else "stopped")
            except BaseException as error:
                self._failed(error)
                raise
        if signals.heard is not None:
            self._leave(signals.heard)
        return self

    def _heard(self, event: str) -> list[Any]:
        """What is called at an event, in order."""
        found = [(c, method) for c in self.callbacks if (method := hook(c, event))]
        inside = event in ("before_step", "after_step", "end_epoch")  # of the loop over batches
        return [
            self._deferred.outside(method) if inside and type(c) not in USUAL else method
            for c, method in found
        ]

    def _train(self) -> None:
        while self.epoch < self.epochs and self._stopping is None:
            batches = self._batches()
            try:
                for batch in batches:
                    self._step(batch if type(batch) is tuple else _as_tuple(batch))
                    if self._stopping is not None:
                        break
                else:
                    self._end_epoch()
            finally:
                close = getattr(batches, "close", None)
                if close is not None:  # a loader has processes that wait for its end
                    close()

    def _batches(self) -> Iterator[Any]:
        if self._in_epoch == 0:
            return iter(self.loader)
        if numbers.has_position(
            self.loader
        ):  # to the batch behind the newest, not to the next epoch
            self.loader.load_state_dict(self.loader.state_dict())
            return iter(self.loader)
        return skipped(iter(self.loader), self._in_epoch)

    def _step(self, batch: tuple[Any, ...]) -> None:
        """One step, and what is done after each: as little as can be (benchmarks/trainer.py)."""
        self.batch = batch
        for before in self._hooks["before_step"]:
            before(self, batch)
        values = numbers.read(self.step(*batch))
        count = numbers.size_of(batch)
        self.iteration += 1
        self._in_epoch += 1
        self.samples += count
        if not math.isfinite(values["loss"]):
            raise numbers.not_finite(self.iteration, values["loss"])
        if self._deferred.kept:
            self._deferred.tell()
        self._means.add(values, count)
        self.metrics.update(values)
        self.now = time.perf_counter()
        for after in self._hooks["after_step"]:
            after(self, batch, values)

    def _end_epoch(self) -> None:
        if self._in_epoch == 0:
            raise RangeError(
                f"Trainer: the loader gave no batch in epoch {self.epoch}; give one that can be "
                "gone through once an epoch, and that is not empty"
            )
        values = self._means.values()
        self._means.clear()
        self._in_epoch = 0
        self.epoch += 1
        for end_epoch in self._hooks["end_epoch"]:
            end_epoch(self, values)
            self.metrics.update(values)  # before the next: a checkpoint holds what it is told
        self._tell()

    def _call(self, event: str, *arguments: Any) -> None:
        for method in self._hooks[event]:
            method(self, *arguments)

    # -- the end -----------------------------------------------------------------------------

    def _finish(self, otherwise: str) -> None:
        ended, self.reason = self.epoch >= self.epochs, self._stopping or ""
        self._before = self.seconds
        self.status = "finished" if ended else otherwise
        if ended:
            self.reason = ""
        self._call("end")
        self._tell(force=True)

    def _failed(self, error: BaseException) -> None:
        self._before = self.seconds
        is_interrupt = isinstance(error, KeyboardInterrupt)
        self.status = "interrupted" if is_interrupt else "failed"
        self.reason = "Ctrl-C" if is_interrupt else f"{type(error).__name__}: {error}"
        with ExitStack() as all_of_them:  # each is called, whatever the others raise
            for fail in reversed(self._hooks["fail"]):
                all_of_them.callback(fail, self, error)
            all_of_them.callback(self._tell, force=True)

    def _tell(self, force: bool = False) -> None:
        if self.run_folder is not None:
            self._record.write(self.run_folder, self, force)
            if force and self.status != "running":
                keep_compiled(self.run_folder, self.step)

    def _leave(self, heard: signal.Signals) -> None:
        command = self._record.command(self)
        how = f", goes on with: {command}" if command else ", resume() goes on"
        if self.status == "finished" or self.run_folder is None:
            how = f", {self.status}"
        name = "Ctrl-C" if heard == signal.SIGINT else heard.name
        print(f"lamina: {name} after step {self.iteration}{how}", file=sys.stderr)
        if hasattr(sys, "ps1"):  # an interactive session should not be left
            raise KeyboardInterrupt
        raise SystemExit(128 + heard)

    # -- its own part of a checkpoint --------------------------------------------------------

    def parts(self) -> dict[str, Any]:
        """What a checkpoint holds, as the arguments of `lamina.storage.save_checkpoint`."""
        return {
            "model": self.model,
            "optimizer": self.optimizer,
            "loader": self.loader if numbers.has_position(self.loader) else None,
            "trainer": self,
            "callbacks": States(self.callbacks),
        }

    def state_dict(self) -> dict[str, Any]:
        """How far it is."""
        return {
            "iteration": self.iteration,
            "epoch": self.epoch,
            "in_epoch": self._in_epoch,
            "means": {name: list(sums) for name, sums in self._means.sums.items()},
            "metrics": dict(self.metrics),
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Be as far as when `state_dict` was taken.

        Raises:
            CheckpointError: ``state`` is not what it gives; nothing was changed.
        """
        if not isinstance(state, dict) or set(state) != set(self.state_dict()):
            raise CheckpointError(f"Trainer: a state should be of a Trainer, got {state!r:.100}")
        counts = [state["iteration"], state["epoch"], state["in_epoch"]]
        if not all(type(count) is int and count >= 0 for count in counts):
            raise CheckpointError(f"Trainer: counts should be integers of 0 or more, got {counts}")
        self.iteration, self.epoch, self._in_epoch = counts
        self._means.sums = {name: list(sums) for name, sums in state["means"].items()}
        self.metrics, self._before = dict(state["metrics"]), float(state["seconds"])

    def __repr__(self) -> str:
        return (
            f"Trainer(epoch={self.epoch}/{self.epochs}, iteration={self.iteration}, "
            f"status={self.status!r})"
        )


def load(trainer: Trainer) -> None:
    """Fill a trainer, and all that it trains, from the latest checkpoint of its folder."""
    if trainer.run_folder is None:
        return
    parts = {name: part for name, part in trainer.parts().items() if part is not None}
    found = trainer.run_folder.checkpoints().load(**parts)
    if found is not None and found.get("config") != trainer.config:
        changes = "; ".join(differences(found.get("config"), trainer.config))
        logger.info(
            f"{trainer.run_folder.folder}: the configuration is another one than when it was "
            f"saved: {changes}"
        )


def differences(old: Any, new: Any, name: str = "") -> list[str]:
    """In what two configurations differ, name by name.

    >>> differences({"lr": 0.1, "net": {"sizes": [8]}}, {"lr": 0.2, "net": {"sizes": [8], "p": 1}})
    ['lr was 0.1 and is 0.2', 'net.p was not there and is 1']
    """
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return [] if old == new else [f"{name or 'it'} was {_told(old)} and is {_told(new)}"]
    names = dict.fromkeys([*old, *new])
    inner = {n: f"{name}.{n}" if name else str(n) for n in names}
    return [
        line
        for n in names
        for line in differences(old.get(n, ABSENT), new.get(n, ABSENT), inner[n])
    ]


ABSENT = object()


def _told(value: Any) -> str:
    return "not there" if value is ABSENT else f"{value!r:.100}"


def as_json(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration as it comes back from JSON.

    Raises:
        DTypeError: it is no dict.
    """
    if not isinstance(config, dict):
        raise DTypeError(f"Trainer: config should be a dict, got {config!r:.60}")
    return json.loads(json.dumps(config, default=str))


def skipped(batches: Iterator[Any], count: int) -> Iterator[Any]:
    """``batches`` without the first ``count``, which were learnt from before."""
    for given in range(count):
        if next(batches, None) is None:
            raise CheckpointError(
                f"Trainer: {count} batches of this epoch were learnt from before, and the loader "
                f"gives {given}: it is not the one that was saved"
            )
    return batches


def _as_tuple(batch: Any) -> tuple[Any, ...]:
    return tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)


def _completed(callbacks: list[Any], in_folder: bool) -> list[Any]:
    """With those that are there anyway, in the order of their ranks."""
    for callback in callbacks:
        if not any(hasattr(callback, event) for event in EVENTS):
            raise DTypeError(
                f"Trainer: a callback has one of the methods {', '.join(EVENTS)}, "
                f"got {callback!r:.60}"
            )
    usual = USUAL if in_folder else USUAL[:1]
    missing = [kind for kind in usual if not any(isinstance(c, kind) for c in callbacks)]
    return sorted([*callbacks, *[kind() for kind in missing]], key=rank_of)
