"""What does the Trainer, with all callbacks that are there by default, cost over a loop by hand?

    python benchmarks/trainer.py --threads 2 [--only digits,convolution] [--epochs 3]

``digits`` is the training of ``lamina demo``: its network, eager, in batches of 64. ``convolution``
is the network of examples/fashion.py, compiled, in batches of 100 pictures of 28 × 28. The loop by
hand calls the step for each batch and adds the losses up, and at the end it saves a checkpoint; the
Trainer has a folder and the callbacks Progress, Metrics and Checkpoint. Both run in turns, with the
order changed each round, on one model. Printed are medians: of milliseconds a step, and of the
ratios of two runs that stand beside one another, with and without what is done before the first
step and after the last.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from setting import machine, start_clean, versions

EXAMPLES = Path(__file__).parents[1] / "examples"


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="digits,convolution")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--epochs", type=int, help="of a run: few, for many pairs in a short time")
    parser.add_argument("--steps", type=int, help="compare so many single steps")
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args()


class Parts:
    """A model, what trains it, and how many epochs one run has."""

    def __init__(self, model, loader, epochs: int, compiled: bool):
        import lamina
        import lamina.functions as F
        import lamina.optimizers as O

        self.model, self.loader, self.epochs = model, loader, epochs
        rate = O.Cosine(1e-3, steps=100_000)
        self.optimizer = O.Adam(lr=rate).setup(model)

        def step(x, t):
            loss = F.softmax_cross_entropy(model(x), t)
            model.cleargrads()
            loss.backward()
            self.optimizer.update()
            return loss

        self.step = lamina.compile(step) if compiled else step

    @property
    def steps(self) -> int:
        return self.epochs * len(self.loader)

    def by_hand(self, folder: str) -> tuple[float, float]:
        """Seconds of all, and of the loop."""
        from lamina.storage import save_checkpoint

        start = time.perf_counter()
        for _ in range(self.epochs):
            total, count = 0.0, 0
            for x, t in self.loader:
                total += self.step(x, t).item() * len(t)
                count += len(t)
            print(f"loss {total / count:.4f}")
        loop = time.perf_counter() - start
        save_checkpoint(
            Path(folder, "last.npz"),
            model=self.model,
            optimizer=self.optimizer,
            loader=self.loader,
        )
        return time.perf_counter() - start, loop

    def by_trainer(self, folder: str) -> tuple[float, float]:
        """The same of the Trainer."""
        from lamina.training import Trainer

        start = time.perf_counter()
        trainer = Trainer(
            self.step, self.loader, self.epochs, self.model, self.optimizer, Path(folder, "run")
        )
        trainer.run()
        return time.perf_counter() - start, trainer.seconds


class Turns:
    """Gives batches to a Trainer, and makes a step by hand beside each of its steps."""

    def __init__(self, parts: Parts):
        self.parts = parts
        self.hand: list[float] = []
        self.trainer: list[float] = []

    def __iter__(self):
        total = 0.0
        for number, batch in enumerate(self.parts.loader):
            for side in (number % 2, 1 - number % 2):  # each is the first every other time
                start = time.perf_counter()
                if side:
                    yield batch
                else:
                    total += self.parts.step(*batch).item() * len(batch[1])
                (self.trainer if side else self.hand).append(time.perf_counter() - start)


def measure_steps(name: str, steps: int) -> dict[str, Any]:
    """The figures of single steps."""
    from lamina.training import Trainer

    parts = MAKE[name]()
    turns = Turns(parts)
    epochs = 1 + -(-steps // len(parts.loader))  # the first is left out
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        Trainer(parts.step, turns, epochs, parts.model, parts.optimizer, folder).run()
    first = len(parts.loader)
    hand, trainer = turns.hand[first:], turns.trainer[first:]
    ratios = [t / h - 1 for h, t in zip(hand, trainer, strict=True)]
    return {
        "step_ms": 1e3 * statistics.median(hand),
        "trainer_ms": 1e3 * statistics.median(trainer),
        "pairs": len(hand),
        "step": statistics.quantiles(ratios, n=4),
        "sums": sum(trainer) / sum(hand) - 1,
    }


def digits_parts() -> Parts:
    from lamina.cli.network import MLP
    from lamina.data import Loader, digits

    loader = Loader(digits(train=True), 64, seed=0)
    return Parts(MLP().build((64, 64)), loader, epochs=20, compiled=False)


def convolution_parts() -> Parts:
    from lamina.data import Loader

    spec = importlib.util.spec_from_file_location("fashion", EXAMPLES / "fashion.py")
    assert spec is not None
    assert spec.loader is not None
    fashion = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fashion)
    x, t = fashion.small(True)
    loader = Loader((x, t), 100, seed=0, drop_last=True)
    return Parts(fashion.network().build(x[:1]), loader, epochs=10, compiled=True)


MAKE = {"digits": digits_parts, "convolution": convolution_parts}


def measure(name: str, rounds: int, epochs: int | None) -> dict[str, Any]:
    """The figures of one training."""
    parts = MAKE[name]()
    parts.epochs = epochs or parts.epochs
    found: dict[str, list[tuple[float, float]]] = {"hand": [], "trainer": []}
    for number in range(rounds + 1):
        order = [("hand", parts.by_hand), ("trainer", parts.by_trainer)]
        for side, run in order if number % 2 else reversed(order):
            with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
                seconds = run(folder)
            if number:  # the first compiles, and makes what is made once
                found[side].append(seconds)
    pairs = list(zip(found["hand"], found["trainer"], strict=True))
    whole, loop = ([t[part] / h[part] - 1 for h, t in pairs] for part in (0, 1))
    return {
        "step_ms": 1e3 * statistics.median(loop for _, loop in found["hand"]) / parts.steps,
        "steps": parts.steps,
        "rounds": rounds,
        "loop": statistics.quantiles(loop, n=4),  # the middle one is the median
        "whole": statistics.quantiles(whole, n=4),
    }


def shown(quarters: list[float]) -> str:
    low, middle, high = quarters
    return f"{middle:+7.2%} ({low:+.2%} to {high:+.2%})"


def main() -> None:
    chosen = options()
    start_clean(chosen.threads)
    print(f"{machine()}\n{versions()}\n")
    names = chosen.only.split(",")
    if chosen.steps:
        figures = {name: measure_steps(name, chosen.steps) for name in names}
        print(f"{'':12} {'pairs':>6} {'by hand':>8} {'Trainer':>8}  ratio of a step")
        for name, row in figures.items():
            print(
                f"{name:12} {row['pairs']:6} {row['step_ms']:5.3f} ms {row['trainer_ms']:5.3f} ms  "
                f"{shown(row['step'])}; of the sums {row['sums']:+.2%}"
            )
    else:
        figures = {name: measure(name, chosen.rounds, chosen.epochs) for name in names}
        print(f"{'':12} {'steps':>6} {'ms a step':>10}  {'loop':28} whole run")
        for name, row in figures.items():
            print(
                f"{name:12} {row['steps']:6} {row['step_ms']:10.3f}  {shown(row['loop']):28} "
                f"{shown(row['whole'])}"
            )
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
