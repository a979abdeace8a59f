"""What does the Trainer, with all callbacks that are there by default, cost over a loop by hand?

    python benchmarks/trainer.py --threads 2 [--only digits,convolution] [--rounds 25] [--small]

``digits`` is the training of ``lamina demo``: its network, eager, in batches of 64. ``convolution``
is examples/fashion.py, compiled, in batches of 100 pictures of 28 × 28: an epoch of Fashion-MNIST,
600 steps; where that is not found, or with ``--small``, ten epochs of the digits in its place, 14
steps each. The loop by hand calls the step for each batch and adds the losses up, and at the end it
saves a checkpoint; the Trainer has a folder and the callbacks Progress, Metrics and Checkpoint.
Both train one model, and do the same steps.

Whole runs are compared, with what is done before the first step and after the last. A round is four
of them, hand, Trainer, Trainer, hand, or the other way round, so that a machine that gets slower or
faster in a round favours neither; its ratio is that of the two sums. Printed is the median of the
ratios, and the interval that holds the median of all such rounds with 95 % confidence (order
statistics: it needs no assumption about the noise). Beside it stands what was counted directly: the
time that passed outside of the steps, which is the same on any run, where the steps vary by more
than all of it; what the Trainer does to the caches of a step is not in it.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import math
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
    parser.add_argument("--rounds", type=int, default=25, help="of four runs; 6 or more")
    parser.add_argument("--epochs", type=int, help="of a run")
    parser.add_argument("--small", action="store_true", help="digits in place of Fashion-MNIST")
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

        self.inner = lamina.compile(step) if compiled else step
        self.inside = 0.0

    def step(self, x, t):
        """One step, and the seconds that pass in it."""
        start = time.perf_counter()
        loss = self.inner(x, t)
        self.inside += time.perf_counter() - start
        return loss

    @property
    def steps(self) -> int:
        return self.epochs * len(self.loader)

    def by_hand(self, folder: str) -> None:
        from lamina.storage import save_checkpoint

        for _ in range(self.epochs):
            total, count = 0.0, 0
            for x, t in self.loader:
                total += self.step(x, t).item() * len(t)
                count += len(t)
            print(f"loss {total / count:.4f}")
        save_checkpoint(
            Path(folder, "last.npz"),
            model=self.model,
            optimizer=self.optimizer,
            loader=self.loader,
        )

    def by_trainer(self, folder: str) -> None:
        from lamina.training import Trainer

        run = Path(folder, "run")
        Trainer(self.step, self.loader, self.epochs, self.model, self.optimizer, run).run()

    def seconds(self, side: str) -> tuple[float, float]:
        """Of a whole run, and of that outside of its steps."""
        self.inside = 0.0
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            start = time.perf_counter()
            getattr(self, side)(folder)
            whole = time.perf_counter() - start
        return whole, whole - self.inside


def digits_parts(small: bool) -> Parts:
    from lamina.cli.network import MLP
    from lamina.data import Loader, digits

    loader = Loader(digits(train=True), 64, seed=0)
    return Parts(MLP().build((64, 64)), loader, epochs=20, compiled=False)


def convolution_parts(small: bool) -> Parts:
    from lamina.data import Loader

    spec = importlib.util.spec_from_file_location("fashion", EXAMPLES / "fashion.py")
    assert spec is not None
    assert spec.loader is not None
    fashion = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fashion)
    found = None if small else fashion.clothes(None, False)
    x, t = found[0] if found else fashion.small(True)
    loader = Loader((x, t), 100, seed=0, drop_last=True)
    epochs = 1 if found else 10
    return Parts(fashion.network().build(x[:1]), loader, epochs, compiled=True)


MAKE = {"digits": digits_parts, "convolution": convolution_parts}


def measure(name: str, chosen: argparse.Namespace) -> dict[str, Any]:
    """The figures of one training."""
    parts, rounds = MAKE[name](chosen.small), chosen.rounds
    parts.epochs = chosen.epochs or parts.epochs
    sides: tuple[str, str] = ("by_hand", "by_trainer")
    for side in sides:  # compiles, and makes what is made once
        parts.seconds(side)
    found: list[dict[str, tuple[float, float]]] = []
    for number in range(rounds):
        sums: dict[str, tuple[float, float]] = dict.fromkeys(sides, (0.0, 0.0))
        first, second = sides if number % 2 else reversed(sides)
        for side in (first, second, second, first):
            whole, outside = parts.seconds(side)
            sums[side] = sums[side][0] + whole, sums[side][1] + outside
        found.append(sums)
    hand = statistics.median(each["by_hand"][0] / 2 for each in found)
    between = {side: statistics.median(each[side][1] / 2 for each in found) for side in sides}
    return {
        "steps": parts.steps,
        "rounds": rounds,
        "step_ms": 1e3 * hand / parts.steps,
        "outside_ms": {side: 1e3 * seconds for side, seconds in between.items()},
        "counted": 1 + (between["by_trainer"] - between["by_hand"]) / hand,
        "whole": median([each["by_trainer"][0] / each["by_hand"][0] for each in found]),
    }


def median(values: list[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """The median, and between which of the values that of all there could be lies.

    Below the k-th smallest of n values it lies with the chance that a coin shows heads fewer than
    k times in n throws.
    Source: H. A. David, H. N. Nagaraja, "Order Statistics", 3rd edition, 2003, section 7.1.
    """
    ordered, n = sorted(values), len(values)
    k, below = 0, 0.5**n  # the chance of at most k heads
    while below <= (1 - confidence) / 2:
        k += 1
        below += math.comb(n, k) * 0.5**n
    if k == 0:
        raise SystemExit(f"{n} rounds are too few for {confidence:.0%}; take --rounds 6 or more")
    return statistics.median(ordered), ordered[k - 1], ordered[n - k]


def main() -> None:
    chosen = options()
    start_clean(chosen.threads)
    print(f"{machine()}\n{versions()}\n")
    names = chosen.only.split(",")
    print(f"{'':12} steps  ms a step  outside of steps, ms    counted  whole runs")
    figures = {}
    for name in names:
        figures[name] = row = measure(name, chosen)
        by_hand, by_trainer = row["outside_ms"].values()
        middle, low, high = row["whole"]
        print(
            f"{name:12} {row['steps']:5}  {row['step_ms']:9.3f}  {by_hand:8.2f} -> "
            f"{by_trainer:<8.2f} {row['counted']:10.4f}  {middle:.4f} ({low:.4f} to {high:.4f}) "
            f"of {row['rounds']} rounds",
            flush=True,
        )
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
