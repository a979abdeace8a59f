"""Averages of weights: of all so far, or of the last ones; and optimizers that work with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self, Unpack

import numpy as np

from ..arrays import Array, to_device
from ..config import after_run, host
from ..core import Variable
from ..errors import DTypeError, GraphError, RangeError, UninitializedError
from ..listen import Host
from . import state as states
from .decay import InverseTime
from .eager import not_compiled
from .groups import Group
from .method import Common, Method
from .optimizer import Optimizer
from .schedule import Schedule, check_whole, real
from .slot import Slot, named_parameters
from .transformation import AddDecay, Count, State, Transformation, zeros


@dataclass(frozen=True)
class KeepAverage(Transformation):
    """After each update ``a = (1 - w) a + w W``; the first time ``w`` is 1. It changes no update.

    ``a`` is float32 for float16 parameters: an average of many needs the digits.
    """

    finishes = True

    def weight(self, t: int) -> float:
        """``w`` at the ``t``-th time, from 1."""
        raise NotImplementedError

    def start(self, param: Variable) -> dict[str, Array]:
        """``average``."""
        return {"average": zeros(param)}

    def finish(self, state: State, param: Variable, step: Count) -> None:
        """Take the new numbers in."""
        average = state["average"]
        average.data *= host(lambda: 1 - self.weight(step()))
        average.data += host(lambda: self.weight(step())) * param.data.astype(
            average.data.dtype, copy=False
        )


@dataclass(frozen=True)
class KeepMean(KeepAverage):
    """`KeepAverage` of equal weights, ``w = 1 / (t - begin)``; up to ``begin``, of the last only.

    Args:
        begin: how many are left out.
    """

    begin: int = 0

    def __post_init__(self) -> None:
        check_whole("begin", self.begin, low=0)

    def weight(self, t: int) -> float:
        """``w`` at the ``t``-th time, from 1."""
        return 1 / max(1, t - self.begin)


@dataclass(frozen=True)
class KeepRecent(KeepAverage):
    """`KeepAverage` that forgets: ``w = 1 - decay``, with ``warmup`` at least ``9 / (9 + t)``.

    Args:
        decay: from 0 to below 1.
        warmup: shorten the memory at the beginning.
    """

    decay: float = 0.999
    warmup: bool = False

    def __post_init__(self) -> None:
        if real("decay", self.decay, high=1.0) == 1:
            raise RangeError(f"decay should be below 1, got {self.decay!r}")
        if not isinstance(self.warmup, bool):
            raise DTypeError(f"warmup should be True or False, got {self.warmup!r}")

    def weight(self, t: int) -> float:
        """``w`` at the ``t``-th time, from 1."""
        if t == 1:
            return 1.0
        return max(1 - self.decay, 9 / (9 + t)) if self.warmup else 1 - self.decay


class Swapping:
    """Puts averages into the parameters, in place, and takes them out again."""

    _slots: dict[str, Slot]
    _held: dict[str, Array] | None = None  # the numbers that averages stand in place of

    @property
    def is_swapped(self) -> bool:
        """Whether averages stand in the parameters now."""
        return self._held is not None

    def swap_in(self) -> None:
        """Let every parameter hold its average; `swap_out` gives the numbers back.

        Raises:
            GraphError: they are swapped in already, or there are none yet.
            TraceError: in a compiled step.
        """
        what = f"{type(self).__name__}.swap_in"
        not_compiled(what, "the parameters would change for it only", "swap around its call")
        self._not_swapped("swap_in")
        slots = [slot for slot in self._slots.values() if slot.count]
        if not slots:
            raise GraphError(f"{what}: there is no average yet; call update() first")
        self._held = {slot.name: slot.param.data.copy() for slot in slots}
        for slot in slots:
            _fill(slot.param, slot.state["average"].data)

    def swap_out(self) -> None:
        """Let every parameter hold its own numbers again.

        Raises:
            GraphError: nothing is swapped in.
        """
        if self._held is None:
            raise GraphError(f"{type(self).__name__}.swap_out: nothing is swapped in")
        held, self._held = self._held, None
        for name, array in held.items():
            if name in self._slots:
                _fill(self._slots[name].param, array)

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """Averages inside of a ``with`` block, the parameters' own numbers after it."""
        self.swap_in()
        try:
            yield
        finally:
            self.swap_out()

    def _not_swapped(self, method: str) -> None:
        if self._held is not None:
            raise GraphError(
                f"{type(self).__name__}.{method}: averages are swapped in; call swap_out() first"
            )


def _fill(param: Variable, array: Array) -> None:
    param.data[...] = to_device(array, param.device)
    param.data = param.data  # counts as a change, if a graph still waits for its backward


class Average(Swapping):
    """Averages of the parameters of a model, beside any optimizer: see `EMA` and `SWA`.

    Buffers, such as the running statistics of normalisations, are not averaged. Those belong to
    the numbers of training: with averages swapped in, run some batches in training mode to renew
    them (Izmailov et al., 2018).
    """

    def __init__(self, link: KeepAverage):
        self.link = link
        self.step = 0
        self._group = Group("*", (link,))
        self._slots: dict[str, Slot] = {}

    def setup(self, model: Any) -> Self:
        """Take on the parameters of ``model``, as `Optimizer.setup` does; gives itself back."""
        self._not_swapped("setup")
        known = {slot.param: slot for slot in self._slots.values()}
        named = named_parameters(f"{type(self).__name__}.setup", model)
        self._slots = {n: known.get(p) or Slot(n, p, self._group) for n, p in named}
        for name, slot in self._slots.items():
            slot.settle(name, self._group)
        return self

    def update(self) -> None:
        """Take in what the parameters hold now; call it after the optimizer's ``update``.

        Raises:
            UninitializedError: before `setup`, or a parameter has no numbers yet.
            GraphError: averages are swapped in.
        """
        self._not_swapped("update")
        slots = list(self._known("update").values())
        for slot in slots:
            if slot.param.data is not slot.array:
                slot.fit()
        for slot in slots:
            self.link.finish(slot.state, slot.param, slot.next_count)
        after_run(lambda: self._count(slots))

    def _count(self, slots: list[Slot]) -> None:
        for slot in slots:
            slot.count += 1
        self.step += 1

    def _known(self, method: str) -> dict[str, Slot]:
        if not self._slots:
            raise UninitializedError(
                f"{type(self).__name__}.{method}: there are no parameters yet; call setup(model) "
                "first"
            )
        return self._slots

    def state_dict(self) -> dict[str, Any]:
        """Averages by the names of parameters, as `Optimizer.state_dict` gives them."""
        return states.save(self._known("state_dict"), self.step, None)

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken; as `Optimizer.load_state_dict`."""
        self._not_swapped("load_state_dict")
        what = f"{type(self).__name__}.load_state_dict"
        self.step, _ = states.load(what, self._known("load_state_dict"), {}, saved)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.link!r})"


class EMA(Average):
    """Exponential moving average of weights: ``a = decay a + (1 - decay) W``; at first ``a = W``.

    Args:
        decay: from 0 to below 1.
        warmup: at most ``t / (9 + t)`` at the ``t``-th update: early weights are forgotten soon.
    Source:
        B. Polyak, A. Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992, for
        the idea; the form as in PyTorch's ``AveragedModel``, the warm-up as in TensorFlow's
        ``ExponentialMovingAverage``.
    Example:
        >>> W = Variable([0.0])
        >>> average = EMA(decay=0.5).setup({"W": W})
        >>> for number in [2.0, 4.0, 6.0]:
        ...     W.data[...] = number
        ...     average.update()
        >>> with average.swapped():
        ...     W
        Variable([4.5], float64)
        >>> W
        Variable([6.], float64)
    """

    def __init__(self, decay: float = 0.999, warmup: bool = False):
        super().__init__(KeepRecent(decay, warmup))


class SWA(Average):
    """Stochastic weight averaging: the mean of the weights at each `update`.

    Call `update` now and then, as after each epoch, once the learning rate is constant or cyclic.

    Args:
        begin: how many updates are left out.
    Source:
        P. Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization",
        2018, algorithm 1.
    Example:
        >>> W = Variable([0.0])
        >>> average = SWA().setup({"W": W})
        >>> for number in [2.0, 4.0, 9.0]:
        ...     W.data[...] = number
        ...     average.update()
        >>> with average.swapped():
        ...     print(round(W.item(), 6))
        5.0
    """

    def __init__(self, begin: int = 0):
        super().__init__(KeepMean(begin))


# -- optimizers ----------------------------------------------------------------------------------


class ASGD(Swapping, Method):
    """Averaged descent: ``W -= r_t (g + shrink W)`` with ``r_t = lr / (1 + shrink lr (t - 1)) **
    power``, and the mean of ``W`` after update ``begin``, which `swapped` puts in place.

    PyTorch's ``t0`` is ``begin - 1``; its averages can only be read. All parameters shrink.

    Args:
        lr: at the first update; a schedule stands for ``r_t`` as it is.
        shrink: 0 or more.
        power: of the rate, 0 or more.
        begin: how many updates are left out of the mean.
        weight_decay: ``weight_decay * W`` is added to the gradient.
        **common: see `Common`.
    Source:
        B. Polyak, A. Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992; the
        rates are those of L. Bottou, "Stochastic Gradient Descent Tricks", 2012.
    """

    def __init__(
        self,
        lr: float | Schedule = 0.01,
        shrink: float = 1e-4,
        power: float = 0.75,
        begin: int = 0,
        *,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        rate = lr if callable(lr) else real("ASGD: lr", lr)
        falling = lr if callable(rate) else InverseTime(rate, real("shrink", shrink) * rate, power)
        super().__init__(
            _averaged, falling, common, weight_decay=weight_decay, shrink=shrink, begin=begin
        )

    def update(self) -> None:
        """As `Optimizer.update`."""
        self._not_swapped("update")
        super().update()


def _averaged(shrink: float, begin: int) -> tuple[Any, ...]:
    return ..., AddDecay(shrink, "*"), KeepMean(begin)


@dataclass(frozen=True)
class KeepSlow(Transformation):
    """After every ``every``-th update ``s = s + part (W - s)`` and ``W = s``; see `Lookahead`."""

    every: int = 5
    part: float = 0.5
    finishes = True

    def __post_init__(self) -> None:
        check_whole("every", self.every)
        real("part", self.part, high=1.0)

    def start(self, param: Variable) -> dict[str, Array]:
        """``slow``: what the parameter holds before its first update."""
        return {"slow": zeros(param) + param.data}

    def finish(self, state: State, param: Variable, step: Count) -> None:
        """Meet half way, if it is time."""
        due = host(lambda: float(step() % self.every == 0))
        if not due and not isinstance(due, Host):
            return
        slow = state["slow"]
        # a compiled step cannot branch: it chooses, with an array of one number
        now = np.zeros_like(param.data, np.float32, shape=()) + due > 0.5
        met = slow.data + self.part * (param.data.astype(slow.data.dtype, copy=False) - slow.data)
        slow.data = np.positive(np.where(now, met, slow.data), out=slow.data)
        new = np.where(now, slow.data.astype(param.data.dtype, copy=False), param.data)
        param.data = np.positive(new, out=param.data)


class Lookahead(Optimizer):
    """Lets another optimizer run ``every`` steps, then goes only ``part`` of the way: ``s = s +
    part (W - s)``, ``W = s``.

    What the other remembers, such as its momentum, stays.

    Args:
        optimizer: the other, before its ``setup``: its chain, rate and groups are taken over.
        every: steps, 1 or more.
        part: of the way, from 0 to 1.
    Source:
        M. Zhang et al., "Lookahead Optimizer: k steps forward, 1 step back", 2019, algorithm 1.
    Example:
        >>> from lamina.optimizers import SGD
        >>> W = Variable([1.0])
        >>> optimizer = Lookahead(SGD(lr=0.5), every=2, part=0.5).setup({"W": W})
        >>> for _ in range(4):
        ...     W.grad = [1.0]
        ...     optimizer.update()
        ...     print(W.item())
        0.5
        0.5
        0.0
        0.0
    """

    def __init__(self, optimizer: Optimizer, every: int = 5, part: float = 0.5):
        link = KeepSlow(every, part)
        super().__init__(lr=0.0)
        self.take_over(optimizer, link)
