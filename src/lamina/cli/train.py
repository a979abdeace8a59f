"""``lamina train``: from a config to a run."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, ConfigError
from ..training import Trainer
from ..training.hold import Hold
from .answer import Answer, table
from .experiment.example import EXAMPLE
from .experiment.run import Work, keep, read
from .parser import add_changes, at_least

DESCRIPTION = """\
Train what a TOML file describes. It names layers, functions, data and optimizers
of lamina, or of your own (model.py:Net, beside the config), so it is code: run
only configs of those whom you trust.

Everything goes into the run's folder: metrics, checkpoints, and the config. Ctrl-C
ends after the step that runs, saves, and prints the command that goes on.

  lamina train --example > digits.toml
  lamina train digits.toml
  lamina train digits.toml optimizer.lr=0.01 epochs=3 folder=runs/short"""


def add_to(commands: Any) -> None:
    """Add ``lamina train`` to a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "train", help="train what a TOML file describes", description=DESCRIPTION
    )
    parser.add_argument("config", metavar="CONFIG", type=Path, nargs="?", help="a TOML file")
    add_changes(parser)
    parser.add_argument("--check", action="store_true", help="look for mistakes, and train nothing")
    parser.add_argument("--example", action="store_true", help="print a whole config, for digits")
    parser.add_argument(
        "--overwrite", action="store_true", help="remove the run that is in the folder"
    )
    parser.add_argument(
        "--epochs", metavar="N", type=at_least(1), help="the same as epochs=N", default=None
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Train, or check."""
    if arguments.example:
        return Answer(EXAMPLE.rstrip("\n"), {"example": EXAMPLE})
    if arguments.config is None:
        raise ConfigError(
            "train: which config? lamina train --example > digits.toml makes one to begin with"
        )
    path: Path = arguments.config
    epochs = [] if arguments.epochs is None else [f"epochs={arguments.epochs}"]
    experiment = read(path, [*arguments.changes, *epochs])
    work = Work(experiment)
    if arguments.check:
        return _checked(path, work)
    folder = Path(experiment.config.folder or Path("runs") / path.stem)
    if (folder / "run.json").exists() and not arguments.overwrite:
        raise CheckpointError(
            f"train: there is a run in {folder} already; {resuming(folder)} goes on with it, "
            "--overwrite removes it, folder=... takes another folder"
        )
    check_free(folder)
    if arguments.overwrite:
        (folder / "run.json").unlink(missing_ok=True)
    keep(experiment, folder)
    work.draw(folder / "graph.svg")
    return trained(work.trainer(folder), lambda trainer: trainer.run(arguments.overwrite))


def check_free(folder: Path) -> None:
    """See whether a run can be written to ``folder``, before anything is.

    Raises:
        ConfigError: it is a file, or in one.
        CheckpointError: another training writes there.
    """
    for path in (folder, *folder.parents):
        if path.exists() and not path.is_dir():
            raise ConfigError(f"folder={folder}: {path} is a file, and a run needs a folder")
    if folder.is_dir():
        Hold(folder).release()


def resuming(folder: Path | str) -> str:
    """The command line that goes on with a run."""
    return shlex.join(["lamina", "resume", str(folder)])


def _checked(path: Path, work: Work) -> Answer:
    experiment = work.experiment
    count = sum(parameter.size for parameter in work.model.params())
    updates = experiment.config.epochs * len(experiment.loader)
    words = (
        f"{path}: no mistakes; {type(work.model).__name__} with {count:,} parameters, "
        f"{type(work.optimizer).__name__}, {experiment.loader.size:,} samples, "
        f"{updates:,} updates in {experiment.config.epochs} epochs"
    )
    data = {
        "config": str(path),
        "problems": [],
        "parameters": count,
        "samples": experiment.loader.size,
        "updates": updates,
        "epochs": experiment.config.epochs,
    }
    return Answer(words, data)


def trained(trainer: Trainer, go: Any) -> Answer:
    """Let a trainer go, and say how it ended and what it wrote."""
    try:
        go(trainer)
        status = 0
    except SystemExit as left:  # after a signal; the trainer has said what there is to say
        status = int(left.code or 0)
    folder = str(trainer.folder)
    data = {
        "folder": folder,
        "status": trainer.status,
        "reason": trainer.reason,
        "epochs": trainer.epochs,
        "epoch": trainer.epoch,
        "iteration": trainer.iteration,
        "seconds": trainer.seconds,
        "metrics": trainer.metrics,
        "resume": None if trainer.status == "finished" else resuming(folder),
    }
    return Answer("" if status else _ended(trainer, folder), data, status)


def _ended(trainer: Trainer, folder: str) -> str:
    quoted = shlex.quote(folder)
    why = f" ({trainer.reason})" if trainer.reason else ""
    rows = [(name, f"{value:.5g}") for name, value in trainer.metrics.items()]
    return (
        f"\n{trainer.status}{why} after {trainer.epoch} epochs, {trainer.iteration:,} updates, "
        f"{trainer.seconds:.1f} s\n{table(rows)}\n{folder}: metrics, checkpoints, config; next: "
        f"lamina eval {quoted}, lamina report {quoted}"
    )
