"""What does the Trainer, with all callbacks that are there by default, cost over a loop by hand?

    python benchmarks/trainer.py --threads 2 [--only digits,convolution] [--rounds 25] [--small]

``digits`` is the training of ``lamina demo``: its network, eager, in batches of 64. ``convolution``
is examples/fashion.py, compiled, in batches of 100 pictures of 28 × 28: an epoch of Fashion-MNIST,
600 steps; where that is not found, or with ``--small``, ten epochs of the digits in its place, 14
steps each. The loop by hand calls the step for each batch and adds the losses up, and at the end it
saves a checkpoint; the Trainer has a folder and the callbacks Progress, Metrics and Checkpoint.
Both train one model, and do the same steps.

Whole runs are compared, with what is done before the first step and after the last. A round is one
of each, side by side: the Trainer pauses after some steps, inside of its step, and lets the loop by
hand, a generator, do twice as many; then it does twice as many itself, and so on. Each has its own
clocks, of the wall and of the processor, which stand while the other runs. So a machine that is
slower in one second than in the next, as virtual ones are, is so for both. Nothing is left out: no
round, and nothing of one.

Printed is the median of the ratios of the rounds, and the interval that holds the median of all
such rounds with 95 % confidence (order statistics: it needs no assumption about the noise). Beside
it stands what was counted directly: the time that passed outside of the steps, which is the same on
any run, where the steps vary by more than all of it; what the Trainer does to the caches of a step
is not in it. With ``--same`` a loop by hand stands on both sides: the ratio should be 1.
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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from setting import machine, start_clean, versions

EXAMPLES = Path(__file__).parents[1] / "examples"


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="digits,convolution")
    parser.add_argument("--rounds", type=int, default=25, help="of two runs; 6 or more")
    parser.add_argument("--block", type=int, default=5, help="steps from turn to turn, halved")
    parser.add_argument("--epochs", type=int, help="of a run")
    parser.add_argument("--small", action="store_true", help="digits in place of Fashion-MNIST")
    parser.add_argument("--same", action="store_true", help="by hand on both sides: should be 1")
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args()


class Side(NamedTuple):
    """What one whole run took, in seconds: by the wall, of the processor, outside of its steps."""

    wall: float
    cpu: float
    outside: float


class Clock:
    """Runs while one side does: by the wall, and of all of this process's threads."""

    def __init__(self) -> None:
        self.wall = self.cpu = self.inside = 0.0

    def __enter__(self) -> None:
        self.wall -= time.perf_counter()
        self.cpu -= time.process_time()

    def __exit__(self, *error: object) -> None:
        self.cpu += time.process_time()
        self.wall += time.perf_counter()

    def side(self) -> Side:
        return Side(self.wall, self.cpu, self.wall - self.inside)


class Parts:
    """A model, what trains it, how many epochs one run has, and a loader for each side.

    With ``same`` the Trainer's side is a loop by hand, too: what its ratio lacks to 1 is noise.
    """

    def __init__(self, model, loaders, epochs: int, compiled: bool):
        import lamina
        import lamina.functions as F
        import lamina.optimizers as O

        self.model, self.loaders, self.epochs = model, loaders, epochs
        self.same = False
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
        return self.epochs * len(self.loaders[0])

    def by_hand(self, folder: str, step: Any, loader: Any, block: int) -> Iterator[None]:
        """The loop by hand; it pauses after each block of steps."""
        from lamina.storage import save_checkpoint

        done = 0
        for _ in range(self.epochs):
            total, count = 0.0, 0
            for x, t in loader:
                total += step(x, t).item() * len(t)
                count += len(t)
                done += 1
                if done % block == 0:
                    yield
            print(f"loss {total / count:.4f}")
        save_checkpoint(
            Path(folder, "last.npz"), model=self.model, optimizer=self.optimizer, loader=loader
        )

    def by_trainer(self, folder: str, step: Callable[..., Any]) -> None:
        from lamina.training import Trainer

        if self.same:
            for _ in self.by_hand(folder, step, self.loaders[1], self.steps):
                pass
            return
        run = Path(folder, "run")
        Trainer(step, self.loaders[1], self.epochs, self.model, self.optimizer, run).run()

    def timed(self, clock: Clock) -> Callable[..., Any]:
        """The step, with a clock that is told how long it took."""

        def step(x, t):
            start = time.perf_counter()
            loss = self.step(x, t)
            clock.inside += time.perf_counter() - start
            return loss

        return step

    def round(self, block: int) -> dict[str, Side]:
        """A whole run of each, in turns of ``2 * block`` steps; the Trainer's first has one block:
        the turns that stand beside each other change their order from pair to pair."""
        hand, trainer = Clock(), Clock()
        done = 0

        def step(x, t):
            nonlocal done
            if done % (2 * block) == block:
                trainer.__exit__()
                with hand:
                    next(other, None)
                trainer.__enter__()
            done += 1
            return own(x, t)

        own = self.timed(trainer)
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            other = self.by_hand(folder, self.timed(hand), self.loaders[0], 2 * block)
            with trainer:
                self.by_trainer(folder, step)
            with hand:
                for _ in other:
                    pass
        return {"by_hand": hand.side(), "by_trainer": trainer.side()}


def digits_parts(small: bool) -> Parts:
    from lamina.cli.network import MLP
    from lamina.data import Loader, digits

    loaders = [Loader(digits(train=True), 64, seed=seed) for seed in (0, 1)]
    return Parts(MLP().build((64, 64)), loaders, epochs=20, compiled=False)


def convolution_parts(small: bool) -> Parts:
    from lamina.data import Loader

    spec = importlib.util.spec_from_file_location("fashion", EXAMPLES / "fashion.py")
    assert spec is not None
    assert spec.loader is not None
    fashion = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fashion)
    found = None if small else fashion.clothes(None, False)
    x, t = found[0] if found else fashion.small(True)
    loaders = [Loader((x, t), 100, seed=seed, drop_last=True) for seed in (0, 1)]
    epochs = 1 if found else 10
    return Parts(fashion.network().build(x[:1]), loaders, epochs, compiled=True)


MAKE = {"digits": digits_parts, "convolution": convolution_parts}


def measure(name: str, chosen: argparse.Namespace) -> dict[str, Any]:
    """The figures of one training."""
    parts = MAKE[name](chosen.small)
    parts.epochs, parts.same = chosen.epochs or parts.epochs, chosen.same
    parts.round(chosen.block)  # compiles, and makes what is made once
    found = [parts.round(chosen.block) for _ in range(chosen.rounds)]
    hand, trainer = ([each[side] for each in found] for side in ("by_hand", "by_trainer"))
    step = statistics.median(each.wall for each in hand)
    outside = [statistics.median(each.outside for each in side) for side in (hand, trainer)]
    return {
        "steps": parts.steps,
        "rounds": chosen.rounds,
        "block": chosen.block,
        "step_ms": 1e3 * step / parts.steps,
        "outside_ms": [1e3 * seconds for seconds in outside],
        "counted": 1 + (outside[1] - outside[0]) / step,
        "whole": median([b.wall / a.wall for a, b in zip(hand, trainer)]),
        "cpu": median([b.cpu / a.cpu for a, b in zip(hand, trainer)]),
        "ratios": [[b.wall / a.wall, b.cpu / a.cpu] for a, b in zip(hand, trainer)],
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


def shown(interval: tuple[float, float, float]) -> str:
    middle, low, high = interval
    return f"{middle:.4f} ({low:.4f} to {high:.4f})"


def main() -> None:
    chosen = options()
    start_clean(chosen.threads)
    print(f"{machine()}\n{versions()}\n")
    print("whole runs: the Trainer's seconds over those by hand; median, and 95 % of its interval")
    figures = {}
    for name in chosen.only.split(","):
        figures[name] = row = measure(name, chosen)
        by_hand, by_trainer = row["outside_ms"]
        print(
            f"\n{name}: {row['rounds']} rounds, {row['steps']} steps of {row['step_ms']:.3f} ms"
            f"\n  wall       {shown(row['whole'])}\n  processor  {shown(row['cpu'])}"
            f"\n  counted    {row['counted']:.4f}: outside of the steps of a run "
            f"{by_hand:.2f} ms by hand, {by_trainer:.2f} ms with the Trainer",
            flush=True,
        )
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
