"""``lamina eval``: how good a trained model is on data that it did not learn from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .answer import Answer, table
from .experiment.run import Work, of_run
from .experiment.weights import add_checkpoint, load_weights
from .parser import add_changes, add_run

DESCRIPTION = """\
Measure the loss and the metrics of a run's config on its held-out data, or on others,
with the weights of its best checkpoint, if it keeps one, or else of the newest.

  lamina eval runs/digits
  lamina eval runs/digits 'evaluation.metrics=["accuracy", "cohen_kappa"]'
  lamina eval runs/digits --data train"""


def add_to(commands: Any) -> None:
    """Add ``lamina eval`` to a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "eval", help="how good a run is on held-out data", description=DESCRIPTION
    )
    add_run(parser)
    add_changes(parser)
    parser.add_argument(
        "--data",
        metavar="DATA",
        default="held_out",
        help="held_out (default), train, or a .npz or .csv file: inputs, and the target last",
    )
    add_checkpoint(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Measure."""
    folder: Path = arguments.folder
    found, experiment = of_run(folder, arguments.changes)
    work = Work(experiment)
    step = load_weights(found, work, arguments.checkpoint)
    measuring = work.measuring(arguments.data)
    with work.evaluating():
        values = measuring.measure()
    samples = measuring.data.size
    rows = [(name, f"{value:.5g}") for name, value in values.items()]
    text = f"{folder}, checkpoint of step {step}, {samples:,} samples of {arguments.data}\n"
    data = {
        "folder": str(folder),
        "checkpoint": step,
        "data": arguments.data,
        "samples": samples,
        "metrics": values,
    }
    return Answer(text + table(rows), data)
