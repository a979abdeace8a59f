"""``lamina predict``: what a trained model says about new inputs."""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array
from ..data import Loader
from ..files import atomic_write, save_npz
from .answer import Answer
from .experiment.held_out import array_of
from .experiment.run import Work, of_run
from .experiment.table import read_arrays
from .experiment.weights import add_checkpoint, load_weights
from .parser import add_run

DESCRIPTION = """\
Run a trained model on inputs, in test mode. INPUT is a .npy array, a .npz archive
(each of its arrays is one input, in order) or a .csv table of numbers (each column a
feature; a first line of names is left out). The outputs go to --out, or as CSV to
standard output.

  lamina predict runs/digits new.npy
  lamina predict runs/digits new.csv --argmax --out classes.csv"""

WRITTEN = (".npy", ".npz", ".csv")


def add_to(commands: Any) -> None:
    """Add ``lamina predict`` to a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "predict", help="what a run says about new inputs", description=DESCRIPTION
    )
    add_run(parser)
    parser.add_argument("input", metavar="INPUT", type=Path, help=".npy, .npz or .csv")
    parser.add_argument("--out", metavar="FILE", type=_written, help=".npy, .npz or .csv")
    parser.add_argument(
        "--argmax", action="store_true", help="the position of the largest output: the class"
    )
    add_checkpoint(parser)
    parser.set_defaults(run=run)


def _written(text: str) -> Path:
    if not text.endswith(WRITTEN):
        raise argparse.ArgumentTypeError(f"should end in .npy, .npz or .csv, got {text!r}")
    return Path(text)


def run(arguments: argparse.Namespace) -> Answer:
    """Predict."""
    found, experiment = of_run(arguments.folder, [])
    work = Work(experiment)
    step = load_weights(found, work, arguments.checkpoint)
    inputs = work.inputs(read_arrays(arguments.input), str(arguments.input))
    outputs = predicted(work, inputs)
    if arguments.argmax:
        outputs = outputs.argmax(axis=-1)
    data = {
        "folder": str(arguments.folder),
        "checkpoint": step,
        "shape": outputs.shape,
        "dtype": str(outputs.dtype),
    }
    if arguments.out is None:
        return Answer(as_csv(outputs).rstrip("\n"), {**data, "outputs": outputs})
    write(arguments.out, outputs)
    shown = " x ".join(map(str, outputs.shape))
    text = f"{arguments.out}: {shown} numbers, {outputs.dtype}, by step {step}"
    return Answer(text, {**data, "out": str(arguments.out)})


def predicted(work: Work, inputs: Loader) -> Array:
    """The outputs for all inputs, some at once."""
    parts = []
    with work.evaluating():
        for batch in inputs:
            rows = batch if isinstance(batch, tuple) else (batch,)
            parts.append(array_of(work.model(*rows)))
    return np.concatenate(parts)


def as_csv(outputs: Array) -> str:
    r"""A line for each sample; numbers as short as they can be read back exactly.

    Example:
        >>> as_csv(np.array([[0.5, 1e-20], [1.0, 2.0]], np.float32))
        '0.5,1e-20\n1.0,2.0\n'
    """
    rows = outputs.reshape(len(outputs), -1) if outputs.size else outputs.reshape(0, 1)
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def write(path: Path, outputs: Array) -> None:
    """Write outputs as the name's ending says."""
    if path.suffix == ".npz":
        save_npz(path, {"outputs": outputs}, make_folders=True)
        return
    if path.suffix == ".csv":
        content = as_csv(outputs).encode()
    else:
        buffer = io.BytesIO()
        np.save(buffer, outputs, allow_pickle=False)
        content = buffer.getvalue()
    atomic_write(path, lambda file: file.write(content), make_folders=True)
