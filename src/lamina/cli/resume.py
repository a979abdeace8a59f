"""``lamina resume``: a run goes on, from its folder alone."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..training import Trainer
from .answer import Answer
from .experiment.run import Work, keep, of_run
from .parser import add_changes, add_run
from .train import check_free, trained

DESCRIPTION = """\
Go on with a run that was stopped or killed, from its folder alone: the config, its
Python files and the newest whole checkpoint are in there. It ends with the weights
of a run that was never interrupted, to the last bit. epochs=30 trains longer than
the config says; a schedule then is that of the longer run."""


def add_to(commands: Any) -> None:
    """Add ``lamina resume`` to a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "resume", help="go on with a run that was stopped or killed", description=DESCRIPTION
    )
    add_run(parser)
    add_changes(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Go on."""
    folder: Path = arguments.folder
    found, experiment = of_run(folder, arguments.changes)
    work = Work(experiment)
    trainer = work.trainer(folder)
    check_free(folder)
    if arguments.changes:
        print(f"{folder} goes on with {' '.join(arguments.changes)}", flush=True)
        keep(experiment, folder)
        trainer.callbacks.insert(0, Changed(trainer.config))
        trainer.config = dict(found.description["config"])  # that of its checkpoints
    return trained(trainer, lambda trainer: trainer.resume())


class Changed:
    """Gives a run another config, once its checkpoint is loaded: somebody asked for it.

    Args:
        config: that the run goes on with.
    """

    def __init__(self, config: dict[str, Any]):
        self.config = config

    def start(self, trainer: Trainer) -> None:
        """Now."""
        trainer.config = self.config
