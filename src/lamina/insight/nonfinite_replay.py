"""Back to a kept state, and again to the step whose loss was not finite."""

# pyright: reportPrivateUsage=false
# (it sees whether parameters have numbers)

from __future__ import annotations

import json
import math
import os
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from ..errors import CheckpointError, NonFiniteError, RangeError
from ..files import atomic_write
from ..log import logger
from ..storage import Checkpoints
from .nonfinite import Look, number_of
from .nonfinite_origin import Origin
from .nonfinite_state import State
from .nonfinite_words import check_language

FILE = "nonfinite.json"
REFUSALS = (ArithmeticError, ValueError, RuntimeError)


@dataclass
class Kept:
    """Where training stood.

    Args:
        iteration: steps that were done.
        state: of model, optimizer and random streams.
        loader: its position; None if it cannot tell it.
        batches: of the epoch that were given.
    """

    iteration: int
    state: State
    loader: dict[str, Any] | None
    batches: int

    @staticmethod
    def of(trainer: Any, batches: int) -> Kept:
        """Copy where a trainer stands."""
        place = trainer.loader.state_dict() if has_position(trainer.loader) else None
        state = State.of(trainer.model, trainer.optimizer)
        return Kept(trainer.iteration, state, place, batches)


class NonFinite:
    """A callback of `Trainer`: finds out why the first loss that is not finite is not.

    Such a loss ends the training. The callback goes back to the last state that was kept, makes the
    steps since then once more, the one that fails under a look at every operator, and adds what it
    saw to the error. The same stands in ``nonfinite.json`` of the run's folder. Model and optimizer
    are then as they were before that step.

    Kept are the state at the start, in memory, until there are checkpoints, and these. Until
    something fails nothing is computed: the loss is a number that the Trainer has read anyway.
    Without checkpoints all steps since the start are made again; ``keep`` shortens that.

    The steps are made again to the last bit if they depend on lamina's random streams, the loader's
    position, and nothing else.

    Args:
        keep: also copy weights and the optimizer's state every so many steps; None does not.
        language: of the report: ``"en"``, or ``"zh"`` for Chinese.
    Attributes:
        origin: what was found, an `Origin`; None before.
    Raises:
        RangeError: ``keep`` is no integer of 1 or more, or there is no such language.
    Example:
        >>> NonFinite(keep=100)
        NonFinite(keep=100)
    """

    def __init__(self, keep: int | None = None, language: str = "en"):
        if keep is not None and (isinstance(keep, bool) or not isinstance(keep, int) or keep < 1):
            raise RangeError(f"NonFinite: keep should be an integer of 1 or more, got {keep!r}")
        self.keep, self.origin = keep, None
        self.language = check_language("NonFinite", language)
        self._kept: Kept | None = None
        self._iteration, self._batches, self._batch = 0, 0, None

    def start(self, trainer: Any) -> None:
        """Keep the state at the start."""
        self._batches = getattr(trainer, "_in_epoch", 0)  # not 0 after a resume
        self._kept = Kept.of(trainer, self._batches)

    def before_step(self, trainer: Any, batch: Any) -> None:
        """Note where training stands."""
        self._iteration, self._batch = trainer.iteration, batch

    def after_step(self, trainer: Any, batch: Any, values: dict[str, float]) -> None:
        """Look at the loss, for a loop that does not, and keep the state if it is time.

        Raises:
            NonFiniteError: it is NaN or infinite.
        """
        if not math.isfinite(values["loss"]):
            raise NonFiniteError(self._look(trainer, values["loss"]).text(self.language))
        done = self._iteration + 1
        self._batches += 1
        if self.keep is not None and done % self.keep == 0:
            kept = Kept.of(trainer, self._batches)
            if kept.state.is_finite:
                self._kept = replace(kept, iteration=done)

    def end_epoch(self, trainer: Any, values: dict[str, float]) -> None:
        """Note that the next batch is the first of its epoch; and forget the state at the start,
        if there are checkpoints to go back to.
        """
        self._batches = 0
        if self.keep is None and len(_steps(trainer)) > 1:  # one may turn out to be spoilt
            self._kept = None

    def fail(self, trainer: Any, error: BaseException) -> None:
        """Add what was found to the error of a Trainer that refuses such a loss itself."""
        if isinstance(error, NonFiniteError) and self.origin is None and self._batch is not None:
            error.add_note(self._look(trainer, math.nan).text(self.language))

    def _look(self, trainer: Any, loss: float) -> Origin:
        replay = Replay(trainer, self._iteration, loss)
        self.origin = found = replay.origin(self._latest(trainer), self._batch)
        folder = folder_of(trainer)
        if folder is not None:
            known = found.as_dict(self.language)
            text = json.dumps(known, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
            atomic_write(os.path.join(folder, FILE), lambda file: file.write(text.encode()))
        return found

    def _latest(self, trainer: Any) -> Kept | None:
        """The latest state that is kept and finite: in memory, or a checkpoint."""
        least = -1 if self._kept is None else self._kept.iteration
        steps = [step for step in _steps(trainer) if least < step <= self._iteration]
        for step in reversed(steps):
            try:
                _checkpoints(trainer).load(
                    step,
                    model=trainer.model,
                    optimizer=trainer.optimizer,
                    loader=trainer.loader,
                )
            except (CheckpointError, OSError) as error:
                logger.warning(f"NonFinite: checkpoint {step} is passed over: {error}")
                continue
            kept = replace(Kept.of(trainer, 0), iteration=step)
            if kept.state.is_finite:
                return kept
        return self._kept

    def __repr__(self) -> str:
        chosen = [] if self.keep is None else [f"keep={self.keep}"]
        chosen += [] if self.language == "en" else [f"language={self.language!r}"]
        return f"NonFinite({', '.join(chosen)})"


def _checkpoints(trainer: Any) -> Checkpoints:
    return Checkpoints(os.path.join(str(folder_of(trainer)), "checkpoints"))


def _steps(trainer: Any) -> list[int]:
    """The steps of the checkpoints that training can be taken back to."""
    if folder_of(trainer) is None or trainer.model is None or not has_position(trainer.loader):
        return []
    return _checkpoints(trainer).steps()


class Replay:
    """The steps since a kept state, once more.

    Args:
        trainer: whose steps.
        iteration: steps that were done before the one that failed.
        loss: what came out of that one.
    """

    def __init__(self, trainer: Any, iteration: int, loss: float):
        self.trainer, self.iteration, self.loss = trainer, iteration, loss
        self.step, self.model, self.optimizer = trainer.step, trainer.model, trainer.optimizer
        self.function = getattr(self.step, "function", self.step)  # what was compiled

    def origin(self, kept: Kept | None, batch: Any) -> Origin:
        """Find the step that fails, and look at it."""
        if kept is None:
            return self._look(self.iteration, batch, None) or self._vanished(self.iteration)
        first = self.function if kept.state.lacks(self.optimizer) else self.step
        kept.state.restore(self.optimizer)
        with closing(self._batches(kept, batch)) as batches:
            return self._find(kept.iteration, first, batches)

    def _find(self, since: int, first: Any, batches: Iterator[tuple[int, Any]]) -> Origin:
        """Make step after step, until one fails."""
        for iteration, again in batches:
            before = State.of(self.model, self.optimizer)
            # what makes parameters or the optimizer's state runs as it is, also of a compiled step
            if self._fails(first if iteration == since else self.step, again):
                before.restore(self.optimizer)
                found = self._look(iteration, again, before)
                return found or self._only_compiled(iteration)
        return self._vanished(since)

    def _batches(self, kept: Kept, last: Any) -> Generator[tuple[int, Any]]:
        """Pairs of iteration and batch, from the kept state to the step that failed."""
        loader, skip = self.trainer.loader, kept.batches
        if kept.loader is not None and kept.iteration < self.iteration:
            loader.load_state_dict(kept.loader)
            skip = 0
        with closing(_endless(loader, skip)) as again:
            for iteration in range(kept.iteration, self.iteration):
                yield iteration, next(again)
        yield self.iteration, last

    def _fails(self, step: Any, batch: Any) -> bool:
        """Make a step; whether its loss or a parameter is not finite."""
        try:
            values = step(*batch)
        except REFUSALS:  # it looks at its numbers itself
            return True
        loss = number_of(values.get("loss") if isinstance(values, dict) else values)
        return not math.isfinite(loss or 0.0) or not State.of(self.model, self.optimizer).is_finite

    def _look(self, iteration: int, batch: Any, before: State | None) -> Origin | None:
        try:
            found = Look(self.function, tuple(batch), self.model, self.optimizer).origin()
        except REFUSALS:
            found = None  # the error that is raised already tells
        if before is not None:
            before.restore(self.optimizer)
        return None if found is None else replace(found, iteration=iteration + 1)

    def _only_compiled(self, iteration: int) -> Origin:
        return Origin(
            "forward",
            "nan" if self.loss != self.loss else "inf",
            "the compiled step",
            reason="made again without being compiled, from the same state, all of it is finite",
            remedy="Something in it is at the edge of what its dtype holds, and rounds otherwise; "
            "or the compiler is wrong: compare with backend='replay', and tell us",
            loss=self.loss,
            iteration=iteration + 1,
        )

    def _vanished(self, since: int) -> Origin:
        return Origin(
            "forward",
            "nan" if self.loss != self.loss else "inf",
            "",
            reason=f"made again, the steps since step {since} give finite numbers",
            remedy="The step depends on something that lamina cannot put back: random numbers from "
            "elsewhere, a schedule kept in a callback, the clock. Keep states more often, with "
            "NonFinite(keep=...)",
            loss=self.loss,
            iteration=self.iteration + 1,
        )


def _endless(loader: Any, skip: int) -> Generator[Any]:
    """Batches, epoch after epoch, without the first few."""
    while True:
        batches = iter(loader)
        try:
            for batch in batches:
                if skip:
                    skip -= 1
                else:
                    yield tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
        finally:
            getattr(batches, "close", lambda: None)()  # there may be processes behind it


def has_position(loader: Any) -> bool:
    """Whether a loader can tell where it is, and go there."""
    return hasattr(loader, "state_dict") and hasattr(loader, "load_state_dict")


def folder_of(trainer: Any) -> str | None:
    """The folder of a trainer's run; None if it has none."""
    run = getattr(trainer, "run_folder", None)
    return None if run is None else os.fspath(getattr(run, "folder", run))
