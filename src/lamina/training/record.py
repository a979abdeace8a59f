"""What ``run.json`` says of a training."""

from __future__ import annotations

import shlex
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..layers import Layer
from .environment import environment
from .run import Run

if TYPE_CHECKING:
    from .trainer import Trainer

PAUSE = 1.0  # seconds between two writings during training: an epoch may take a millisecond


class Record:
    """Writes ``run.json`` at the start, at the end, and now and then in between."""

    def __init__(self):
        self.started = ""
        self.environment: dict[str, Any] = {}
        self.written = 0.0

    def write(self, run: Run, trainer: Trainer, force: bool) -> None:
        """Write it, if it is time."""
        now = time.monotonic()
        if force or now - self.written >= PAUSE:
            self.written = now
            run.describe(self.describe(run, trainer))

    def describe(self, run: Run, trainer: Trainer) -> dict[str, Any]:
        """All there is to say."""
        if not self.started:
            self.started = self._began(run, trainer)
            self.environment = environment()
        return {
            "status": trainer.status,
            "reason": trainer.reason,
            "name": run.folder.resolve().name,
            "started": self.started,
            "seconds": round(trainer.seconds, 3),
            "command": list(sys.orig_argv),
            "resume": self.command(trainer),
            "config": trainer.config,
            "environment": self.environment,
            "model": describe_model(trainer.model),
            "epochs": trainer.epochs,
            "epoch": trainer.epoch,
            "iteration": trainer.iteration,
            "metrics": trainer.metrics,
        }

    def _began(self, run: Run, trainer: Trainer) -> str:
        """When the run began, before all resumes."""
        if trainer.iteration and (run.folder / "run.json").exists():
            return str(run.description.get("started", ""))
        return datetime.now(UTC).isoformat(timespec="seconds")

    def command(self, trainer: Trainer) -> str | None:
        """The command line that goes on; None if there is none, or nothing to be done."""
        if trainer.status == "finished" or trainer.resume_command is None:
            return None
        return shlex.join(trainer.resume_command)


def describe_model(model: Layer | None) -> dict[str, Any] | None:
    """Its class, and how many numbers are trained; None for those where a size is not known."""
    if model is None:
        return None
    sizes = [None if p.data is None else p.size for p in model.params()]
    known = None if None in sizes else sum(size for size in sizes if size is not None)
    return {"class": type(model).__name__, "parameters": known}


def resuming() -> list[str]:
    """The command line of this process: a program that calls ``resume`` goes on with it."""
    return list(sys.orig_argv)
