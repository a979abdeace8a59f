"""The learner: a network, its optimizer and its random numbers, which is all that training changes.

Its random numbers are its own. While it trains, lamina's streams stand where it left them, and
afterwards they are put back: nothing outside moves, and nothing outside moves it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import functions as F
from .. import random
from ..arrays import Array
from ..compiler import compile
from ..config import using
from ..core import Variable
from ..errors import NonFiniteError, StateMismatchError, TraceError
from .plan import Plan

CHUNK = 1024
"""Rows that are predicted at once: enough to keep the processor busy, little enough to fit."""

REPLAY_FROM, NATIVE_FROM = 100, 6000
"""From how many steps it pays to compile. Batch 64, float32, two cores of an AMD EPYC 9005: one
hidden layer of 100 takes 0.22 ms a step as it is, and as a replayed program 0.10 ms, and 10 ms
once. Machine code, which is for float32, takes 0.3 s once, and saves 0.05 ms a step with 17,000
parameters (two layers of 100) and 2.9 ms with 1,069,000 (two of 1,000): so a step counts the more,
the larger the network is."""
LARGE = 17_000
"""So many parameters make a step count once more."""

Losses = Callable[[Variable, Any], Variable]

_streams = threading.RLock()  # lamina's random streams are one for all threads


@dataclass
class Data:
    """Samples.

    Args:
        x: (n, features), an array or a sparse matrix of rows.
        t: (n,) or (n, outputs): what the loss compares with.
        w: (n,): weights, of mean 1.
    """

    x: Any
    t: Array
    w: Array

    def __len__(self) -> int:
        return self.x.shape[0]

    def take(self, rows: Any, dtype: Any) -> tuple[Array, Array, Array]:
        """A batch; ``None`` for all rows in their order."""
        if rows is None:
            return dense(self.x, dtype), self.t, self.w
        return dense(self.x[rows], dtype), self.t[rows], self.w[rows]


def dense(x: Any, dtype: Any) -> Array:
    """Rows as an array that lies in order, of one dtype."""
    return np.ascontiguousarray(x.toarray() if hasattr(x, "toarray") else x, dtype)


@dataclass
class Schedule:
    """How long to train.

    Args:
        epochs: at most.
        batch_size: rows of a step, at most.
        patience: epochs without a better held-out loss, after which it ends.
        tol: how much lower is better.
        compile: ``"auto"``, or whether to compile the step.
        verbose: print one line an epoch.
    """

    epochs: int
    batch_size: int
    patience: int = 10
    tol: float = 1e-4
    compile: Any = "auto"
    verbose: bool = False


@dataclass
class History:
    """What was seen: the mean loss of each epoch, of training and of what is held out."""

    train: list[float] = field(default_factory=list)
    held_out: list[float] = field(default_factory=list)


class Learner:
    """A network in training.

    Args:
        plan: what to make.
        seed: of all random numbers.
    """

    def __init__(self, plan: Plan, seed: int):
        self.plan, self.seed, self.epoch = plan, seed, 0
        self._state: dict[str, Any] = {"seed": seed, "counts": {}}
        self._steps: dict[Any, Any] = {}
        with self._own():
            self.network, self.optimizer = plan.make()
        self.dtype = plan.dtype_of(self.network)

    @contextmanager
    def _own(self) -> Iterator[None]:
        """Its own random streams in place of lamina's."""
        with _streams:
            outside = random.state_dict()
            random.load_state_dict(self._state)
            try:
                yield
            finally:
                self._state = random.state_dict()
                random.load_state_dict(outside)

    # -- training ----------------------------------------------------------------------------

    def train(
        self, data: Data, losses: Losses, schedule: Schedule, held_out: Data | None = None
    ) -> History:
        """Some epochs; with ``held_out`` it may end earlier, and the best weights stay.

        Raises:
            NonFiniteError: the loss is NaN or infinity.
        """
        history, best, since = History(), (math.inf, self._arrays()), 0
        step = self._step(losses, schedule, len(data))
        # what overflows is told by the loss, once, and not by each operator on its way
        quiet = np.errstate(over="ignore", invalid="ignore", divide="ignore")
        with self._own(), using(grad=True, train=True, debug=False), quiet:
            for _ in range(schedule.epochs):
                history.train.append(self._run_epoch(step, data, schedule.batch_size))
                self._tell(history.train[-1], "", schedule)
                if held_out is None:
                    continue
                loss = self.loss(held_out, losses)
                history.held_out.append(loss)
                self._tell(loss, "held-out ", schedule)
                since += 1
                if loss < best[0] - schedule.tol:
                    best, since = (loss, self._arrays()), 0
                if since >= schedule.patience:
                    break
        if held_out is not None:
            self._fill(best[1])
        return history

    def _tell(self, loss: float, what: str, schedule: Schedule) -> None:
        if not math.isfinite(loss):
            raise NonFiniteError(
                f"{self.plan.who}: the {what}loss of epoch {self.epoch} is {loss}; scale X to mean "
                "0 and deviation 1, or take a smaller learning_rate"
            )
        if schedule.verbose:
            print(f"{self.plan.who}: epoch {self.epoch}, {what}loss {loss:.6g}")

    def _run_epoch(self, step: Any, data: Data, batch_size: int) -> float:
        total, count = 0.0, len(data)
        for rows in self._batches(count, batch_size):
            batch = data.take(rows, self.dtype)
            total += float(step(*batch).item()) * len(batch[0])
        self.epoch += 1
        return total / count

    def _batches(self, count: int, size: int) -> list[Any]:
        """Rows of each step, in a new order each epoch. Lengths differ by 1 at most, so that a
        compiled step needs two programs at most.
        """
        if size >= count:
            return [None]
        order = np.random.default_rng([self.seed, self.epoch]).permutation(count)
        return np.array_split(order, -(-count // size))

    def _step(self, losses: Losses, schedule: Schedule, count: int) -> Any:
        network, optimizer = self.network, self.optimizer

        def step(x: Any, t: Any, w: Any) -> Variable:
            loss = F.mean(losses(network(x), t) * w)
            network.cleargrads()
            loss.backward()
            optimizer.update()
            return loss

        backend = self._backend(schedule, count)
        if backend is None:
            return step
        if (losses, backend) not in self._steps:
            compiled = compile(step, backend=backend)
            self._steps[losses, backend] = (
                compiled if schedule.compile is True else _Trying(compiled, step)
            )
        return self._steps[losses, backend]

    def _backend(self, schedule: Schedule, count: int) -> str | None:
        if schedule.compile != "auto":
            return "auto" if schedule.compile else None
        steps = schedule.epochs * -(-count // schedule.batch_size)
        if steps < REPLAY_FROM:
            return None
        size = sum(p.size for p in self.network.params())
        pays = steps * (1 + size / LARGE) >= NATIVE_FROM and self.dtype == np.float32
        return "auto" if pays else "replay"

    # -- looking -----------------------------------------------------------------------------

    def predict(self, x: Any) -> Array:
        """(n, features) to (n, outputs), in the dtype of the network."""
        parts = []
        with using(grad=False, train=False):
            for start in range(0, x.shape[0], CHUNK):
                parts.append(self.network(dense(x[start : start + CHUNK], self.dtype)).numpy())
        return np.concatenate(parts)

    def loss(self, data: Data, losses: Losses) -> float:
        """The weighted mean of the losses of data, without training on them."""
        with using(grad=False, train=False):
            each = losses(Variable(self.predict(data.x), requires_grad=False), data.t).numpy()
        return float(np.sum(each * data.w, dtype=np.float64) / len(data))

    # -- its state ---------------------------------------------------------------------------

    def _arrays(self) -> dict[str, Array]:
        return {name: v.numpy().copy() for name, v in self._named()}

    def _named(self) -> Iterator[tuple[str, Any]]:
        yield from self.network.named_params()
        yield from self.network.named_buffers()

    def _fill(self, arrays: dict[str, Array]) -> None:
        named = dict(self._named())
        if named.keys() != arrays.keys():
            differ = sorted(named.keys() ^ arrays.keys())
            raise StateMismatchError(
                f"{self.plan.who}: the network that was made anew has other parameters than the "
                f"one that was pickled: {', '.join(differ):.200}"
            )
        for name, variable in named.items():
            variable.data[...] = arrays[name]

    def __getstate__(self) -> dict[str, Any]:
        """The plan, and plain arrays: no graph, no compiled step."""
        return {
            "plan": self.plan,
            "seed": self.seed,
            "epoch": self.epoch,
            "streams": self._state,
            "arrays": self._arrays(),
            "optimizer": self.optimizer.state_dict(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["plan"], state["seed"])
        self.epoch, self._state = state["epoch"], state["streams"]
        self._fill(state["arrays"])
        self.optimizer.load_state_dict(state["optimizer"])


class _Trying:
    """A compiled step, or from the first thing that cannot be compiled the step itself."""

    def __init__(self, compiled: Any, step: Any):
        self.run, self.step = compiled, step

    def __call__(self, *batch: Any) -> Any:
        try:
            return self.run(*batch)
        except TraceError:  # raised while it is heard, before anything was changed
            self.run = self.step
            return self.step(*batch)
