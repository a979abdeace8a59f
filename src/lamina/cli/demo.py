"""``lamina demo``: a network of user-written Layers learns to read handwritten digits."""

from __future__ import annotations

import argparse
import hashlib
import inspect
import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from .. import functions as F
from .. import optimizers as O
from ..arrays import Array
from ..config import no_grad, test_mode
from ..data import Loader, digits
from ..errors import CheckpointError, DependencyError, LaminaError
from ..files import atomic_write
from ..layers import Layer
from ..random import seed
from .network import MLP, Block
from .plots import draw_run
from .progress import Progress, progress

# Chosen by what a fifth of the training digits said after training on the others, not by the test.
NETWORK = {"width": 256, "depth": 2, "dropout": 0.5}
BATCH_SIZE = 64
LEARNING_RATE = 2e-3  # at first; then along half a cosine to 0

DESCRIPTION = """\
Train a small network on 1,437 real handwritten digits, test it on 360 others, and save it. Then a
second process loads what was saved and computes the same scores, to the last bit."""


def add_to(commands: Any) -> None:
    """Add ``lamina demo`` to a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "demo", help="learn to read handwritten digits, in seconds", description=DESCRIPTION
    )
    parser.add_argument(
        "--epochs", type=_at_least(1), default=20, help="passes over the digits (default: 20)"
    )
    parser.add_argument(
        "--seed", type=_at_least(0), default=0, help="of weights, order and dropout (default: 0)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/demo"), help="folder to write (default: runs/demo)"
    )
    parser.add_argument(
        "--check",
        type=Path,
        metavar="FOLDER",
        help="train nothing: load a saved run, compute its scores again and compare",
    )
    parser.set_defaults(run=run)


def _at_least(low: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < low:
            raise argparse.ArgumentTypeError(f"should be an integer of {low} or more, got {text!r}")
        return int(text)

    return parse


def run(arguments: argparse.Namespace) -> int:
    """Train, save, and check in a second process; or only check."""
    if arguments.check is not None:
        return check(arguments.check)
    train_set, held_out = digits(train=True), digits(train=False)
    folder: Path = arguments.out
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").unlink(missing_ok=True)  # until this run is complete, there is none
    seed(arguments.seed)
    model = MLP(**NETWORK).build((BATCH_SIZE, 64))
    introduce(model, len(train_set[0]), len(held_out[0]))
    with open(folder / "metrics.jsonl", "w", encoding="utf-8") as log:
        metrics = train(model, arguments.epochs, arguments.seed, train_set, held_out, log)
    logits = scores(model, held_out[0])
    right = int((logits.argmax(axis=1) == held_out[1]).sum())
    print(
        f"\nheld-out digits read right: {right} of {len(logits)}, {right / len(logits):.1%}, "
        f"after {metrics[-1]['seconds']:.1f} s of training\n"
    )
    save(folder, model, arguments.seed, metrics, held_out, logits)
    return second_process(folder, digest(logits))


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


def train(
    model: Layer,
    epochs: int,
    seed: int,
    train_set: tuple[Array, Array],
    held_out: tuple[Array, Array],
    log: TextIO,
) -> list[dict[str, Any]]:
    """Train for some epochs.

    Returns:
        One record an epoch, as written to ``log``, one JSON object a line.
    """
    loader = Loader(train_set, BATCH_SIZE, seed=seed)
    schedule = O.Cosine(LEARNING_RATE, steps=epochs * len(loader))
    optimizer = O.Adam(lr=schedule).setup(model)
    records = []
    with progress(epochs, len(train_set[0])) as shown:
        while loader.epoch < epochs:
            shown.start_epoch()
            for x, t in loader:
                y = model(x)
                loss = F.softmax_cross_entropy(y, t)
                model.cleargrads()
                loss.backward()
                optimizer.update()
                shown.step(len(t), loss.item(), int((y.data.argmax(axis=1) == t).sum()))
            records.append(record(loader.epoch, shown, model, held_out))
            log.write(json.dumps(records[-1]) + "\n")
            log.flush()
            shown.end_epoch(records[-1])
    return records


def record(
    epoch: int, shown: Progress, model: Layer, held_out: tuple[Array, Array]
) -> dict[str, Any]:
    """What is known at the end of an epoch."""
    x, t = held_out
    logits = scores(model, x)
    with no_grad():
        held_out_loss = F.softmax_cross_entropy(logits, t).item()
    return {
        "epoch": epoch,
        "loss": shown.loss,
        "accuracy": shown.accuracy,
        "held_out_loss": held_out_loss,
        "held_out_accuracy": float((logits.argmax(axis=1) == t).mean()),
        "samples_per_second": shown.rate,
        "seconds": shown.seconds,
    }


def scores(model: Layer, x: Array) -> Array:
    """The model's predictions, ``(n, 10)``: no gradients, no dropout."""
    with no_grad(), test_mode():
        return model(x).numpy()


def digest(logits: Array) -> str:
    """SHA-256 of the bytes: equal only if every bit is."""
    return hashlib.sha256(np.ascontiguousarray(logits).tobytes()).hexdigest()


# -- what is kept --------------------------------------------------------------------------------


def save(
    folder: Path,
    model: Layer,
    seed: int,
    metrics: list[dict[str, Any]],
    held_out: tuple[Array, Array],
    logits: Array,
) -> None:
    """Write weights, curves and, last, ``run.json``; say where."""
    model.save_weights(folder / "weights.npz")
    try:
        draw_run(folder / "curves.png", metrics, held_out, logits)
        curves = "curves and digits, as a picture"
    except DependencyError as error:
        curves = f"not drawn: {error}"
    description = {
        "network": NETWORK,
        "seed": seed,
        "epochs": len(metrics),
        "held_out_accuracy": metrics[-1]["held_out_accuracy"],
        "logits_sha256": digest(logits),
    }
    text = json.dumps(description, indent=2) + "\n"
    atomic_write(folder / "run.json", lambda file: file.write(text.encode()))
    print(f"{folder / 'weights.npz'}: every weight, for numpy.load or model.load_weights")
    print(f"{folder / 'metrics.jsonl'}: one line an epoch")
    print(f"{folder / 'curves.png'}: {curves}")
    print(f"{folder / 'run.json'}: what the second process needs to know\n", flush=True)


def second_process(folder: Path, here: str) -> int:
    """Run this command's ``--check`` as a process of its own, and compare its scores with ours."""
    print("A second process builds the network anew, loads the weights, and scores the held-out")
    print(f"digits. SHA-256 of all scores here:  {here}", flush=True)
    command = [sys.executable, "-m", "lamina", "demo", "--check", str(folder)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    print(answer.stdout, end="")
    if answer.returncode != 0 or here not in answer.stdout:
        raise LaminaError(
            f"demo: the second process failed or computed other scores (status {answer.returncode})"
        )
    return 0


def check(folder: Path) -> int:
    """Load a saved run, compute its scores again and compare.

    Raises:
        CheckpointError: the files are missing, damaged, or give other scores.
    """
    description = read_description(folder / "run.json")
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
    """What `save` wrote into ``run.json``.

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
