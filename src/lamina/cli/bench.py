"""``lamina bench``: what this machine can do at most, and how long training steps take on it."""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .. import functions as F
from .. import optimizers as O
from ..compiler import compile
from ..layers import Linear, Sequential
from ..random import seed
from .answer import Answer
from .info import facts, installed

DESCRIPTION = """\
Print the limits of this machine (products, memory, launch, barrier), as generated code measures
them, and the time of training steps: eager, compiled as calls of NumPy, compiled as native code.
Other programs that run meanwhile make all of it slower."""

NEEDS = "not measured: native code needs llvmlite; pip install 'lamina[fast]'"
WARM = 4  # steps before the first that counts: the third one is compiled


@dataclass(frozen=True)
class Network:
    """A step that is timed: layers of tanh or relu, their widths, and what is trained how."""

    title: str
    batch: int
    widths: tuple[int, ...]
    classes: bool


NETWORKS = {
    "tiny": Network("MLP 10-64-64-1, tanh, batch 32, SGD", 32, (10, 64, 64, 1), False),
    "mlp": Network("MLP 784-1000-1000-10, relu, batch 128, Adam", 128, (784, 1000, 1000, 10), True),
}
"""The first is all overhead, the second all products."""


def add_to(commands: Any) -> None:
    """Add ``lamina bench`` to a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "bench",
        help="limits of this machine, and times of training steps",
        description=DESCRIPTION,
    )
    parser.add_argument(
        "--seconds", type=_positive, default=1.0, help="for each of the times (default: 1)"
    )
    parser.set_defaults(run=run)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"should be a number above 0, got {text!r}")
    return value


def run(arguments: argparse.Namespace) -> Answer:
    """Measure."""
    found = measured(arguments.seconds)
    return Answer(table(found), found)


def measured(seconds: float) -> dict[str, Any]:
    """All figures.

    Args:
        seconds: for each of the times.
    Returns:
        ``machine``: names and values; ``limits``: those of `native.limits.Limits`, None without
        llvmlite; ``steps``: for each network its title, and seconds for each backend.
    """
    native = importlib.util.find_spec("llvmlite") is not None
    backends = ("eager", "replay", *(["native"] if native else []))
    steps = {
        name: {"title": network.title, **{b: step_time(network, b, seconds) for b in backends}}
        for name, network in NETWORKS.items()
    }
    machine = {**facts(), "llvmlite": installed("llvmlite") or "not installed"}
    return {"machine": machine, "limits": limits() if native else None, "steps": steps}


def limits() -> dict[str, float]:
    """What the machine can do at most."""
    from ..machine.limits import limits  # needs llvmlite

    return asdict(limits())


def step_time(network: Network, backend: str, seconds: float) -> float:
    """The median time of a training step, in seconds."""
    step = training(network)
    if backend != "eager":
        step = compile(step, backend=backend)
    inputs = batch(network)
    for _ in range(WARM):
        step(*inputs)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        step(*inputs)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def training(network: Network) -> Callable[..., Any]:
    """A step: forward, backward, update."""
    seed(0)
    between = F.relu if network.classes else F.tanh
    *hidden, last = network.widths[1:]
    layers = [part for width in hidden for part in (Linear(width), between)]
    model = Sequential(*layers, Linear(last))
    loss_of = F.softmax_cross_entropy if network.classes else F.mean_squared_error
    optimizer = (O.Adam(lr=1e-3) if network.classes else O.SGD(lr=1e-3)).setup(model)

    def step(x: Any, t: Any) -> Any:
        loss = loss_of(model(x), t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    return step


def batch(network: Network) -> tuple[Any, Any]:
    """Random inputs, and targets."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((network.batch, network.widths[0]), np.float32)
    if network.classes:
        return x, rng.integers(0, network.widths[-1], network.batch)
    return x, rng.standard_normal((network.batch, network.widths[-1]), np.float32)


def table(found: dict[str, Any]) -> str:
    """All figures as text."""
    lines = [f"{name:<22} {value}" for name, value in found["machine"].items()]
    lines += ["", *(NEEDS,) * (found["limits"] is None)]
    if found["limits"] is not None:
        from ..machine.limits import Limits  # needs llvmlite

        lines.append(str(Limits(**found["limits"])))
    for times in found["steps"].values():
        lines += ["", times["title"]]
        lines += [f"  {name:<20} {in_words(t):>14}" for name, t in times.items() if name != "title"]
    return "\n".join(lines)


def in_words(seconds: float) -> str:
    """A time with its unit, in three digits or so."""
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} us"
