"""``lamina demo``: a network of user-written Layers learns to read handwritten digits."""

from __future__ import annotations

import argparse
import hashlib
import inspect
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from .. import functions as F
from .. import optimizers as O
from .. import report
from ..arrays import Array
from ..config import no_grad, test_mode
from ..data import Loader, digits
from ..errors import CheckpointError, DependencyError, LaminaError
from ..files import atomic_write
from ..insight import graph
from ..layers import Layer
from ..random import seed
from ..training import Evaluate, Run, Statistics, Trainer
from .network import MLP, Block
from .parser import at_least
from .plots import draw_reading, draw_run

# Chosen by what a fifth of the training digits said after training on the others, not by the test.
NETWORK = {"width": 256, "depth": 2, "dropout": 0.5}
BATCH_SIZE = 64
LEARNING_RATE = 2e-3  # at first; then along half a cosine to 0
CHECK = "check.json"  # what the second process needs to know

DESCRIPTION = """\
Train a small network on 1,437 real handwritten digits, test it on 360 others, and save it. Then a
second process loads what was saved and computes the same scores, to the last bit. A report, one
HTML page, shows how it learnt.

Ctrl-C ends it after the step that runs; with --resume it goes on from there."""


def add_to(commands: Any) -> None:
    """Add ``lamina demo`` to a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "demo", help="learn to read handwritten digits, in seconds", description=DESCRIPTION
    )
    parser.add_argument(
        "--epochs", type=at_least(1), default=20, help="passes over the digits (default: 20)"
    )
    parser.add_argument(
        "--seed", type=at_least(0), default=0, help="of weights, order and dropout (default: 0)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/demo"), help="folder to write (default: runs/demo)"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with a demo that was stopped; --epochs and --seed are those it began with",
    )
    parser.add_argument(
        "--check",
        type=Path,
        metavar="FOLDER",
        help="train nothing: load a saved run, compute its scores again and compare",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train, save, check in a second process, and report; or only check."""
    if arguments.check is not None:
        return check(arguments.check)
    folder: Path = arguments.out
    train_set, held_out = digits(train=True), digits(train=False)
    config = config_of(folder, arguments)
    seed(config["seed"])
    model = MLP(**NETWORK).build((BATCH_SIZE, 64))
    introduce(model, len(train_set[0]), len(held_out[0]))
    trainer = trainer_of(model, config, train_set, held_out, folder)
    trainer.resume_command = [*COMMAND, "--resume", "--out", str(folder)]
    if arguments.resume:
        trainer.resume()
    else:
        trainer.run(overwrite=True)
    logits = scores(model, held_out[0])
    right = int((logits.argmax(axis=1) == held_out[1]).sum())
    print(
        f"\nheld-out digits read right: {right} of {len(logits)}, {right / len(logits):.1%}, "
        f"after {trainer.seconds:.1f} s of training\n"
    )
    save(trainer, model, train_set, held_out, logits)
    second_process(folder, digest(logits))
    print(f"\nReport, curves and all: {report.write(folder)}")
    return 0


COMMAND = [sys.executable, "-m", "lamina", "demo"]


def config_of(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """What the run is made from, and, unless it goes on, room for it in the folder.

    Raises:
        CheckpointError: another run is there; or nothing to go on with.
    """
    there = _config_in(folder)
    if there is not None and there.get("network") != NETWORK:
        raise CheckpointError(f"demo: {folder} holds another run; choose a folder with --out")
    if arguments.resume:
        if there is None:
            raise CheckpointError(f"demo: there is no run in {folder} to go on with")
        return there
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CHECK).unlink(missing_ok=True)  # until this run is complete, there is none
    return {
        "data": "lamina.data.digits",
        "network": NETWORK,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
        "epochs": arguments.epochs,
        "seed": arguments.seed,
    }


def _config_in(folder: Path) -> dict[str, Any] | None:
    """That of the run in a folder; None if there is no run."""
    path = folder / "run.json"
    if not path.exists() or b'"logits_sha256"' in path.read_bytes():  # of a demo of lamina 0.1
        return None
    return Run(folder).description.get("config") or {}


def introduce(model: Layer, train_size: int, held_out_size: int) -> None:
    """Say what will happen, and show the network's code."""
    print("A network learns to read handwritten digits. This is all of its code:\n")
    for layer in (Block, MLP):
        print(textwrap.indent(inspect.getsource(layer), "    "))
    count = sum(parameter.size for parameter in model.params())
    print(
        f"{count:,} parameters, Adam, batches of {BATCH_SIZE}; "
        f"{train_size:,} digits to learn from, {held_out_size} held out\n",
        flush=True,
    )


# -- training ------------------------------------------------------------------------------------


def trainer_of(
    model: Layer,
    config: dict[str, Any],
    train_set: tuple[Array, Array],
    held_out: tuple[Array, Array],
    folder: Path,
) -> Trainer:
    """What trains the model, measures it after each epoch, and writes the folder."""
    epochs = config["epochs"]
    loader = Loader(train_set, BATCH_SIZE, seed=config["seed"])
    schedule = O.Cosine(LEARNING_RATE, steps=epochs * len(loader))
    optimizer = O.Adam(lr=schedule).setup(model)

    def measured(x: Array, t: Array) -> dict[str, Any]:
        y = model(x)
        accuracy = (y.data.argmax(axis=1) == t).mean()
        return {"loss": F.softmax_cross_entropy(y, t), "accuracy": accuracy}

    def step(x: Array, t: Array) -> dict[str, Any]:
        values = measured(x, t)
        model.cleargrads()
        values["loss"].backward()
        optimizer.update()
        return values

    callbacks = [Evaluate(held_out, measured), Statistics(every=10)]
    return Trainer(step, loader, epochs, model, optimizer, folder, callbacks, config)


def scores(model: Layer, x: Array) -> Array:
    """The model's predictions, ``(n, 10)``: no gradients, no dropout."""
    with no_grad(), test_mode():
        return model(x).numpy()


def digest(logits: Array) -> str:
    """SHA-256 of the bytes: equal only if every bit is."""
    return hashlib.sha256(np.ascontiguousarray(logits).tobytes()).hexdigest()


# -- what is kept --------------------------------------------------------------------------------


def save(
    trainer: Trainer,
    model: Layer,
    train_set: tuple[Array, Array],
    held_out: tuple[Array, Array],
    logits: Array,
) -> None:
    """Write weights, pictures and, last, ``check.json``; say where."""
    folder = Path(str(trainer.folder))
    model.save_weights(folder / "weights.npz")
    x, t = (array[:BATCH_SIZE] for array in train_set)
    with test_mode():
        graph(F.softmax_cross_entropy(model(x), t)).save(folder / "graph.svg")
    try:
        draw_run(folder / "curves.png", Run(folder).metrics("epoch"), held_out, logits)
        draw_reading(folder / f"samples/digits-{trainer.iteration:09d}.png", held_out, logits)
        curves = "curves and digits, as a picture"
    except DependencyError as error:
        curves = f"not drawn: {error}"
    text = json.dumps({"network": NETWORK, "logits_sha256": digest(logits)}, indent=2) + "\n"
    atomic_write(folder / CHECK, lambda file: file.write(text.encode()))
    print(f"{folder / 'weights.npz'}: every weight, for numpy.load or model.load_weights")
    print(f"{folder / 'metrics.jsonl'}: one line a step, and one an epoch")
    print(f"{folder / 'checkpoints'}: all that it takes to train on from here")
    print(f"{folder / 'curves.png'}: {curves}")
    print(f"{folder / CHECK}: what the second process needs to know\n", flush=True)


def second_process(folder: Path, here: str) -> None:
    """Run this command's ``--check`` as a process of its own, and compare its scores with ours."""
    print("A second process builds the network anew, loads the weights, and scores the held-out")
    print(f"digits. SHA-256 of all scores here:  {here}", flush=True)
    answer = subprocess.run(
        [*COMMAND, "--check", str(folder)], stdout=subprocess.PIPE, text=True, check=False
    )
    print(answer.stdout, end="")
    if answer.returncode != 0 or here not in answer.stdout:
        raise LaminaError(
            f"demo: the second process failed or computed other scores (status {answer.returncode})"
        )


def check(folder: Path) -> int:
    """Load a saved run, compute its scores again and compare.

    Raises:
        CheckpointError: the files are missing, damaged, or give other scores.
    """
    description = read_description(folder / CHECK)
    model = MLP(**description["network"])
    model.build((1, 64))
    loaded = model.load_weights(folder / "weights.npz", quiet=True)
    there = digest(scores(model, digits(train=False)[0]))
    print(f"the same there, from {len(loaded)} loaded arrays:  {there}")
    if there != description["logits_sha256"]:
        raise CheckpointError(
            f"demo: the scores of {folder / 'weights.npz'} have another SHA-256 than the one that "
            f"training recorded, {description['logits_sha256']}"
        )
    print("They are equal to the last bit.")
    return 0


def read_description(path: Path) -> dict[str, Any]:
    """What `save` wrote into ``check.json``.

    Raises:
        CheckpointError: it is not there, or not that.
    """
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        network = description["network"]
        known = {name: type(value)(network[name]) for name, value in NETWORK.items()}
        return {"network": known, "logits_sha256": str(description["logits_sha256"])}
    except FileNotFoundError:
        raise CheckpointError(f"demo: there is no {path}; run lamina demo first") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"demo: {path} is not what lamina demo wrote: {error!r}") from None
