"""The weights of a run: of its best checkpoint, its newest, or one of a given step."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...errors import CheckpointError
from ...log import logger
from ...storage.folder import NAME
from ...training import Checkpoint, Run
from ...training.callback import States
from .run import Work


def add_checkpoint(parser: argparse.ArgumentParser) -> None:
    """Add which checkpoint is meant."""
    parser.add_argument(
        "--checkpoint",
        metavar="STEP",
        type=_step,
        default="best",
        help="best (default: by its metric, where the run keeps one), newest, or a step",
    )


def _step(text: str) -> Any:
    if text in ("best", "newest"):
        return text
    if text.isascii() and text.isdigit():
        return int(text)
    raise argparse.ArgumentTypeError(
        f"should be best, newest or the number of a step, got {text!r}"
    )


def load_weights(run: Run, work: Work, which: Any) -> int:
    """Fill a model; the step whose weights it has now.

    Raises:
        CheckpointError: there is no such checkpoint, or it is damaged or of another model.
    """
    kept = next((c for c in work.experiment.training.callbacks if isinstance(c, Checkpoint)), None)
    larger = kept is not None and kept.larger
    files = run.checkpoints(best="largest" if larger else "smallest")
    steps = files.steps()
    if not steps:
        raise CheckpointError(
            f"{run.folder}: there is no checkpoint yet; lamina resume {run.folder} trains on"
        )
    if isinstance(which, int) and which not in steps:
        known = ", ".join(map(str, steps))
        raise CheckpointError(f"{run.folder}: there is no checkpoint {which}; there are {known}")
    best = files.best() if which == "best" else None
    step = which if isinstance(which, int) else step_of(best or files.latest())
    with quiet():
        others = {"callbacks": States(work.averages)} if work.averages else {}
        files.load(step, model=work.model, random=False, **others)
    return step


def step_of(path: str | None) -> int:
    """The step in the name of a checkpoint.

    Raises:
        CheckpointError: None was whole.
    """
    match = NAME.fullmatch(os.path.basename(path or ""))
    if match is None:
        raise CheckpointError("no checkpoint is whole; the lines above say why")
    return int(match[1])


@contextmanager
def quiet() -> Iterator[None]:
    """Without the lines that say what of a checkpoint was not asked for."""
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
