"""``lamina summary``: what a model is made of, and how much memory its training takes."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import RangeError
from ..insight.memory import BACKENDS
from ..insight.memory_units import read_bytes
from ..insight.summary import Summary, summary
from .answer import Answer
from .experiment.run import Work, of_run, read
from .parser import add_changes

DESCRIPTION = """\
Print a table of a model's layers, with shapes, parameters and work, and the memory that
a training step takes, all predicted from shapes. SUBJECT is a config, or the folder of a
run.

  lamina summary digits.toml
  lamina summary digits.toml --memory "8 GiB"
  lamina summary runs/digits data.batch_size=1000"""


def add_to(commands: Any) -> None:
    """Add ``lamina summary`` to a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "summary", help="layers, parameters, work and memory of a model", description=DESCRIPTION
    )
    parser.add_argument(
        "subject", metavar="CONFIG|RUN", type=Path, help="a TOML file, or the folder of a run"
    )
    add_changes(parser)
    parser.add_argument(
        "--memory", metavar="SIZE", type=_size, help='which batch is the largest for "8 GiB"?'
    )
    parser.set_defaults(run=run)


def _size(text: str) -> int:
    try:
        return read_bytes(text)
    except RangeError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(arguments: argparse.Namespace) -> Answer:
    """Print the table."""
    subject: Path = arguments.subject
    if subject.is_dir():
        _, experiment = of_run(subject, arguments.changes)
    else:
        experiment = read(subject, arguments.changes)
    found = summarised(Work(experiment), arguments.memory)
    return Answer(str(found), found.description(), show=found.show)


def summarised(work: Work, limit: int | None) -> Summary:
    """The table of an experiment.

    Args:
        work: with its model and first batch.
        limit: bytes of memory, to know the largest batch.
    """
    experiment = work.experiment
    if experiment.takes == "model":  # what its loss does with the model is its own affair
        if limit is not None:
            raise RangeError(
                "summary: --memory needs a loss of outputs and targets; this one takes the model"
            )
        return summary(work.model, *work.first[:1])
    *inputs, target = work.first
    backend = _backend(experiment.training.compile)
    return summary(
        work.model,
        *inputs,
        loss=experiment.loss,
        target=target,
        optimizer=work.optimizer,
        memory=limit,
        backend=backend,
    )


def _backend(how: str) -> str:
    """How the step will run."""
    if how == "auto":
        return "native" if find_spec("llvmlite") is not None else "replay"
    return how if how in BACKENDS else "eager"
