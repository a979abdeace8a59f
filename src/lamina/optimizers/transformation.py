"""Transformations: what happens to a gradient before it is subtracted. An optimizer is a chain.

Each is a frozen value with two small methods over one parameter: ``start`` makes what has to be
remembered, ``apply`` turns one update into another. Two rules make them correct and traceable:

- What comes in is never written into: a gradient may be shared, or read-only.
- What lasts is a Buffer, and changes only by ``buffer.data += ...`` and the like. On an array that
  happens in place; on an array that is not there yet it makes a new one, so a compiler hears the
  same line. (Formulas without any in-place step, copied into the state at the end, took 2.1 times
  as long for Adam on a million float32, 8.4 against 4.1 ms: fresh memory is dear.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from ..arrays import Array, DType
from ..config import host
from ..core import Variable
from ..errors import DTypeError, RangeError
from ..parameter import Buffer
from .schedule import real

if TYPE_CHECKING:
    from .slot import Slot

State: TypeAlias = "dict[str, Buffer]"
Count: TypeAlias = "Callable[[], int]"
Filter: TypeAlias = "str | Callable[[str, Variable], bool] | None"


class Transformation:
    """One link of the chain. Subclass it as a frozen dataclass and write ``start`` and ``apply``.

    Example:
        >>> @dataclass(frozen=True)
        ... class Sign(Transformation):
        ...     def apply(self, update, state, param, step):
        ...         return np.sign(update)
    """

    finishes: ClassVar[bool] = False
    """Whether `finish` has something to do."""

    def start(self, param: Variable) -> dict[str, Array]:
        """What to remember of ``param``, by name: arrays on its device, most of its shape."""
        return {}

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """The next update of ``param``, of the same shape and dtype.

        Args:
            update: the gradient, or what the link before made of it; not to be written into.
            state: what ``start`` gave, as Buffers.
            param: its ``data`` are the numbers before the update.
            step: gives which update of this parameter it is, from 1; a function, because a
                compiled update asks anew at each run. Use it inside `lamina.config.host`.
        """
        return update

    def finish(self, state: State, param: Variable, step: Count) -> None:
        """Called after ``param`` was changed, with the same arguments; needs ``finishes = True``.

        May change state and parameter, in the same way: ``buffer.data += ...``.
        """

    def concerns(self, name: str, param: Variable) -> bool:
        """Whether it is applied to this parameter; asked when the shape is known."""
        return True

    def check(self, names: list[str]) -> None:
        """Look at the names of all parameters, at ``setup``; may raise."""

    def apply_all(self, updates: Iterable[Array], slots: list[Slot]) -> Iterator[Array]:
        """``apply`` for all parameters, one at a time, each when the next link asks for it."""
        for update, slot in zip(updates, slots, strict=True):
            if self in slot.spared:
                yield update
            else:
                yield self.apply(update, slot.state, slot.param, slot.next_count)


@dataclass(frozen=True)
class ClipValue(Transformation):
    """``min(max(u, -limit), limit)``, elementwise.

    Args:
        limit: over 0.
    """

    limit: float

    def __post_init__(self) -> None:
        positive("clip_value", self.limit)

    def start(self, param: Variable) -> dict[str, Array]:
        """Nothing; refuses complex numbers, which have no order."""
        real_numbers("clip_value", param)
        return {}

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Clip."""
        return np.clip(update, -self.limit, self.limit)


@dataclass(frozen=True)
class ClipNorm(Transformation):
    """``u * min(1, limit / norm)``, where ``norm`` is that of all updates together.

    The norm is summed in float64: the squares of float32 overflow from 1.8e19 on, and gradients
    that explode are what this is for.

    Args:
        limit: of the global norm, over 0.
    Source:
        R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural
        networks", 2013, algorithm 1.
    """

    limit: float

    def __post_init__(self) -> None:
        positive("clip_norm", self.limit)

    def apply_all(self, updates: Iterable[Array], slots: list[Slot]) -> Iterator[Array]:
        """Measure all updates, then scale each."""
        updates = list(updates)
        norm = np.sqrt(sum(square_sum(update) for update in updates))
        factor = self.limit / np.maximum(norm, self.limit)
        return (self._scaled(update, factor) for update in updates)

    def _scaled(self, update: Array, factor: Array) -> Array:
        # in float16 the factor itself could be lost
        return (update * factor.astype(wide(update.dtype))).astype(update.dtype, copy=False)


def square_sum(update: Array) -> Array:
    """The sum of the squares, in float64."""
    numbers = (np.abs(update) if update.dtype.kind == "c" else update).astype(np.float64)
    return (numbers * numbers).sum()


@dataclass(frozen=True)
class AddDecay(Transformation):
    """``u + rate * W``: in front of the chain the gradient of ``rate / 2 * sum(W ** 2)``; behind
    it, decoupled weight decay.

    Args:
        rate: 0 or more.
        decay: which parameters: a glob such as ``"*/W"``, a function of (name, parameter), or
            None: those with two axes or more. That leaves out biases and the scales and shifts of
            normalisations: pulling these to zero regularises nothing, and it hurts.
    Source:
        A. Krogh, J. Hertz, "A Simple Weight Decay Can Improve Generalization", 1991.
    """

    rate: float
    decay: Filter = None

    def __post_init__(self) -> None:
        real("weight_decay", self.rate)
        check_filter("decay", self.decay)

    def check(self, names: list[str]) -> None:
        """Refuse a glob that matches nothing."""
        check_glob("decay", self.decay, names)

    def concerns(self, name: str, param: Variable) -> bool:
        """Whether ``decay`` says so."""
        return chosen(self.decay, name, param)

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Add."""
        return update + self.rate * param.data


@dataclass(frozen=True)
class AddMomentum(Transformation):
    """``v = momentum * v + u``, which is the update; with ``nesterov``, ``u + momentum * v`` is.

    ``v`` starts at 0. The learning rate comes after this, as in PyTorch: ``W -= lr * v``. Where
    it is inside ``v`` (Sutskever, Chainer: ``v = momentum * v - lr * g``), a rate that changes acts
    on new gradients only; with a constant rate the two are the same.

    Args:
        momentum: from 0 to below 1.
        nesterov: look ahead.
    Source:
        B. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964;
        Y. Nesterov, 1983, in the form of I. Sutskever et al., "On the importance of initialization
        and momentum in deep learning", 2013, section 2.
    """

    momentum: float = 0.9
    nesterov: bool = False

    def __post_init__(self) -> None:
        below_one("momentum", self.momentum)
        if not isinstance(self.nesterov, bool):
            raise DTypeError(f"nesterov should be True or False, got {self.nesterov!r}")

    def start(self, param: Variable) -> dict[str, Array]:
        """``velocity``, zeros."""
        return {"velocity": zeros(param)}

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Accelerate."""
        velocity = state["velocity"]
        velocity.data *= self.momentum
        velocity.data += update
        if self.nesterov:
            return (update + self.momentum * velocity.data).astype(update.dtype, copy=False)
        return velocity.data.astype(update.dtype, copy=False)


@dataclass(frozen=True)
class ScaleByAdam(Transformation):
    """``m = b1 m + (1 - b1) u``, ``v = b2 v + (1 - b2) u u``; the update is
    ``(m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)``.

    ``m`` and ``v`` start at 0, and ``t`` counts the updates of this parameter, from 1: one that
    joins later starts without bias too. ``eps`` stands where algorithm 1 has it, outside the root
    and beside the corrected ``v``; the shortcut before section 2.1, which moves both corrections
    into the learning rate, means another ``eps``.

    ``m`` and ``v`` are float32 for float16 parameters, where the squares would vanish.

    Args:
        beta1: of the mean, from 0 to below 1.
        beta2: of the mean square, from 0 to below 1.
        eps: over 0, dimension of a gradient.
    Source:
        D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        below_one("beta1", self.beta1)
        below_one("beta2", self.beta2)
        positive("eps", self.eps)

    def start(self, param: Variable) -> dict[str, Array]:
        """``m`` and ``v``, zeros."""
        real_numbers("Adam", param)
        return {"m": zeros(param), "v": zeros(param)}

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Scale."""
        m, v = state["m"], state["v"]
        self._take_in(update, state)
        scale = np.sqrt(v.data / host(lambda: 1 - self.beta2 ** step()))
        scale += self.eps
        mean = m.data / host(lambda: 1 - self.beta1 ** step())
        mean /= scale
        return mean.astype(update.dtype, copy=False)

    def _take_in(self, update: Array, state: State) -> Array:
        """Both means take the update in; gives it in their dtype."""
        m, v = state["m"], state["v"]
        g = update.astype(m.data.dtype, copy=False)
        m.data *= self.beta1
        m.data += (1 - self.beta1) * g
        v.data *= self.beta2
        v.data += (1 - self.beta2) * g * g
        return g


# -- choosing parameters -------------------------------------------------------------------------


def check_filter(what: str, choice: Any) -> None:
    """Raise DTypeError unless ``choice`` is a `Filter`."""
    if choice is not None and not isinstance(choice, str) and not callable(choice):
        raise DTypeError(
            f"{what} should be a glob, a function of (name, parameter) or None, got {choice!r:.60}"
        )


def check_glob(what: str, choice: Filter, names: list[str]) -> None:
    """Raise RangeError if ``choice`` is a glob that matches none of ``names``."""
    if isinstance(choice, str) and not any(fnmatchcase(name, choice) for name in names):
        raise RangeError(
            f"{what}: no parameter matches {choice!r}; there are {', '.join(names):.500}"
        )


def chosen(choice: Filter, name: str, param: Variable) -> bool:
    """Whether ``choice`` means this parameter; None means those with two axes or more."""
    if choice is None:
        return param.ndim >= 2
    if isinstance(choice, str):
        return fnmatchcase(name, choice)
    return bool(choice(name, param))


# -- numbers -------------------------------------------------------------------------------------


def wide(dtype: DType) -> DType:
    """``dtype``, or float32 where that is finer."""
    return np.promote_types(dtype, np.float32)


def zeros(param: Variable) -> Array:
    """Zeros like ``param``, in its dtype or float32, whichever is finer."""
    return np.zeros_like(param.data, dtype=wide(param.dtype))


def positive(what: str, value: Any) -> None:
    """Raise RangeError unless ``value`` is a finite number over 0."""
    if not real(what, value):
        raise RangeError(f"{what} should be over 0, got {value!r}")


def below_one(what: str, value: Any) -> None:
    """Raise RangeError unless ``value`` is a number from 0 to below 1."""
    if real(what, value, high=1.0) == 1:
        raise RangeError(f"{what} should be below 1, got {value!r}")


def real_numbers(what: str, param: Variable) -> None:
    """Raise DTypeError if ``param`` is complex."""
    if param.dtype.kind == "c":
        raise DTypeError(
            f"{what}: {param.name or 'a parameter'} is {param.dtype}, and only real numbers can be "
            "ordered and averaged; hold real and imaginary part in two parameters"
        )
