"""L-BFGS: curvature from the last few steps, for losses of all data at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..core import Variable
from ..errors import DTypeError, NonFiniteError, RangeError
from .eager import not_compiled
from .optimizer import Optimizer
from .schedule import Schedule, check_whole, real
from .search import Point, strong_wolfe
from .slot import Slot
from .transformation import Transformation, real_numbers, wide, zeros

ENOUGH_CURVATURE = 1e-10
"""What ``s y`` has to exceed for a pair to be remembered, as in PyTorch."""

Closure = Callable[[], Any]
Vector = list[Array]


@dataclass(frozen=True)
class Remember(Transformation):
    """What L-BFGS keeps: the last ``memory`` steps ``s`` and changes ``y`` of the gradient, ``1 /
    (s y)`` as ``rho``, the last step and the gradient before it.
    """

    memory: int = 10

    def __post_init__(self) -> None:
        check_whole("memory", self.memory)

    def start(self, param: Variable) -> dict[str, Array]:
        """Zeros; a pair is there if its ``rho`` is not 0."""
        real_numbers("LBFGS", param)
        like, dtype = param.data, wide(param.dtype)
        pairs = np.zeros_like(like, dtype, shape=(self.memory, *param.shape))
        return {
            "s": pairs,
            "y": pairs.copy(),
            "rho": np.zeros_like(like, np.float64, shape=(self.memory,)),
            "step": zeros(param),
            "gradient": zeros(param),
        }


class LBFGS(Optimizer):
    """Limited-memory BFGS: ``W -= t H g``, with ``H`` from the last ``memory`` steps, and ``t``
    from a line search.

    It measures the loss several times an update, so it asks for a function that does::

        def measure():
            loss = F.mean_squared_error(model(x), t)
            model.cleargrads()
            loss.backward()
            return loss

        for _ in range(20):
            loss = optimizer.update(measure)

    The function may be compiled; `update` cannot be part of a compiled step, for it reads losses.

    Args:
        lr: the first ``t`` that is tried, or without a search the only one; at the first update it
            is at most ``lr / sum(|g|)``, as in PyTorch.
        memory: pairs, 1 or more.
        search: whether to search; without, every step is ``lr`` long.
        c1: of sufficient decrease, over 0 and below ``c2``.
        c2: of curvature, below 1.
        tries: measurements an update, at most.
    Raises:
        RangeError: a number outside its range.
    Source:
        J. Nocedal, S. Wright, "Numerical Optimization", 2nd edition, 2006, algorithms 7.4 and 7.5.
    Example:
        >>> W = Variable([-1.2, 1.0])
        >>> optimizer = LBFGS().setup({"W": W})
        >>> def measure():
        ...     W.cleargrad()
        ...     loss = 100 * (W[1] - W[0] ** 2) ** 2 + (1 - W[0]) ** 2
        ...     loss.backward()
        ...     return loss
        >>> loss = optimizer.update(measure, iterations=50)
        >>> [round(w, 6) for w in W.data.tolist()]
        [1.0, 1.0]
    """

    def __init__(
        self,
        lr: float | Schedule = 1.0,
        memory: int = 10,
        search: bool = True,
        c1: float = 1e-4,
        c2: float = 0.9,
        tries: int = 25,
    ):
        super().__init__(Remember(memory), lr=lr)
        if not isinstance(search, bool):
            raise DTypeError(f"LBFGS: search should be True or False, got {search!r}")
        if not 0 < real("LBFGS: c1", c1) < real("LBFGS: c2", c2) < 1:
            raise RangeError(f"LBFGS: should have 0 < c1 < c2 < 1, got {c1!r} and {c2!r}")
        check_whole("LBFGS: tries", tries)
        self.memory, self.search = memory, search
        self.c1, self.c2, self.tries = c1, c2, tries

    def update(self, measure: Closure | None = None, iterations: int = 1) -> float:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take up to ``iterations`` steps; stops early where the gradient is 0 or no step lowers
        the loss.

        Args:
            measure: clears gradients, computes the loss, calls ``backward``, returns the loss.
            iterations: 1 or more.
        Returns:
            The loss of the last measurement at the parameters as they are; before the last step,
            if there is no search.
        Raises:
            DTypeError: ``measure`` is no function, or gives no number.
            NonFiniteError: the loss is not finite at the start.
            TraceError: in a compiled step.
        """
        not_compiled(
            "LBFGS.update", "it reads losses", "compile the function that you give it instead"
        )
        if not callable(measure):
            raise DTypeError(
                "LBFGS.update: should get a function that clears gradients, computes the loss, "
                f"calls backward and returns the loss, got {measure!r:.60}"
            )
        check_whole("LBFGS.update: iterations", iterations)
        loss = self._loss(measure)
        if not math.isfinite(loss):
            raise NonFiniteError(f"LBFGS.update: the loss is {loss} before the first step")
        for i in range(iterations):
            if i and not self.search:
                loss = self._loss(measure)
            loss, moved = self._iterate(measure, loss)
            if not moved:
                break
        return loss

    def _loss(self, measure: Closure) -> float:
        loss = measure()
        number = loss.item() if hasattr(loss, "item") else loss
        if not isinstance(number, (int, float)):
            raise DTypeError(
                f"LBFGS.update: the function should return the loss, got {type(loss).__name__}"
            )
        return float(number)

    def _iterate(self, measure: Closure, loss: float) -> tuple[float, bool]:
        slots, gradients = self._due()
        # copies, for a compiled function writes its next gradients where the last ones are
        g = [x.astype(wide(x.dtype)) for x in gradients]
        self._remember(slots, g)
        d = self._direction(slots, g)
        slope = _dot(g, d)
        if not slope < 0:
            return loss, False
        length = min(1.0, 1.0 / sum(float(np.abs(x).sum()) for x in g)) if not self.step else 1.0
        found = Point(length * self._rate_now(), loss, slope)
        if self.search:
            found = self._searched(measure, slots, d, Point(0.0, loss, slope), found.t)
        else:
            _place(slots, [slot.param.data.copy() for slot in slots], d, found.t)
        for slot, direction, gradient in zip(slots, d, g):
            slot.state["step"].data[...] = found.t * direction
            slot.state["gradient"].data[...] = gradient
            if not found.t:
                slot.state["rho"].data[...] = 0  # this memory leads nowhere: begin anew
        self._count(slots)
        return found.loss, bool(found.t)

    def _searched(
        self, measure: Closure, slots: list[Slot], d: Vector, start: Point, first: float
    ) -> Point:
        """Go to the point that the line search finds; gradients are those there."""
        origin = [slot.param.data.copy() for slot in slots]
        last = start.t

        def at(t: float) -> Point:
            nonlocal last
            last = t
            _place(slots, origin, d, t)
            loss = self._loss(measure)
            return Point(t, loss, _dot([_gradient(slot) for slot in slots], d))

        found = strong_wolfe(at, start, first, self.c1, self.c2, self.tries)
        if found.t != last:
            at(found.t)  # so that weights and gradients are those of the point
        return found

    def _remember(self, slots: list[Slot], g: Vector) -> None:
        """Make a pair of the last step, if there was one and the loss curves upwards along it."""
        s = [slot.state["step"].data for slot in slots]
        y = [new - slot.state["gradient"].data for slot, new in zip(slots, g)]
        curvature = _dot(s, y)
        if not curvature > ENOUGH_CURVATURE:
            return
        for slot, step, change in zip(slots, s, y):
            for key, new in (("s", step), ("y", change), ("rho", 1 / curvature)):
                kept = slot.state[key].data
                kept[:-1] = kept[1:].copy()
                kept[-1] = new

    def _direction(self, slots: list[Slot], g: Vector) -> Vector:
        """``-H g`` by two loops over the pairs, the newest first and then the oldest."""
        rho = [float(x) for x in slots[0].state["rho"].data]
        pairs = [i for i in range(self.memory) if rho[i]]
        s = {i: [slot.state["s"].data[i] for slot in slots] for i in pairs}
        y = {i: [slot.state["y"].data[i] for slot in slots] for i in pairs}
        q, weights = [-x for x in g], {}
        for i in reversed(pairs):
            weights[i] = rho[i] * _dot(s[i], q)
            q = [a - weights[i] * b for a, b in zip(q, y[i])]
        if pairs:
            newest = pairs[-1]
            scale = 1 / (rho[newest] * _dot(y[newest], y[newest]))
            q = [scale * x for x in q]
        for i in pairs:
            change = weights[i] - rho[i] * _dot(y[i], q)
            q = [a + change * b for a, b in zip(q, s[i])]
        return q

    def __repr__(self) -> str:
        return f"LBFGS({self.chain[0]!r}, lr={self.lr!r}, search={self.search})"


def _dot(a: Vector, b: Vector) -> float:
    """The product of two vectors, given in parts; in float64."""
    return float(sum([(x * y).sum(dtype=np.float64) for x, y in zip(a, b)]))


def _gradient(slot: Slot) -> Array:
    grad = slot.param.grad
    return np.zeros_like(slot.param.data) if grad is None else grad.data


def _place(slots: list[Slot], origin: Vector, d: Vector, t: float) -> None:
    """Let parameters be ``origin + t d``, in place."""
    for slot, x, direction in zip(slots, origin, d):
        param = slot.param
        param.data[...] = x + t * direction
        param.data = param.data  # counts as a change
