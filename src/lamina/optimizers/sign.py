"""Steps that only the signs of gradients decide: Lion and Rprop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import numpy as np

from ..arrays import Array
from ..core import Variable
from ..errors import RangeError
from .method import Common, Method
from .schedule import Schedule, real
from .transformation import Count, State, Transformation, below_one, positive, real_numbers, zeros


@dataclass(frozen=True)
class ScaleByLion(Transformation):
    """The update is ``sign(b1 m + (1 - b1) u)``, and then ``m = b2 m + (1 - b2) u``.

    Args:
        beta1: how much of the memory is in the step, from 0 to below 1.
        beta2: how long the memory is, from 0 to below 1.
    Source:
        X. Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023, program 1.
    """

    beta1: float = 0.9
    beta2: float = 0.99

    def __post_init__(self) -> None:
        below_one("beta1", self.beta1)
        below_one("beta2", self.beta2)

    def start(self, param: Variable) -> dict[str, Array]:
        """``m``, zeros."""
        real_numbers("Lion", param)
        return {"m": zeros(param)}

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """The sign."""
        m = state["m"]
        g = update.astype(m.data.dtype, copy=False)
        direction = np.sign(self.beta1 * m.data + (1 - self.beta1) * g)
        m.data *= self.beta2
        m.data += (1 - self.beta2) * g
        return direction.astype(update.dtype, copy=False)


@dataclass(frozen=True)
class ScaleByRprop(Transformation):
    """The update is ``size * sign(u)``, where ``size`` grows while the sign of ``u`` stays, and
    shrinks when it changes; then this step is left out.

    Sizes start at 1: they are in units of the learning rate. This is the variant without weight
    backtracking, iRprop-, as in PyTorch.

    Args:
        shrink: factor on ``size`` when the sign changes, over 0 and up to 1.
        grow: factor while it stays, 1 or more.
        smallest: of the sizes, over 0.
        largest: of the sizes.
    Source:
        M. Riedmiller, H. Braun, "A Direct Adaptive Method for Faster Backpropagation Learning: The
        RPROP Algorithm", 1993; C. Igel, M. Hüsken, "Improving the Rprop Learning Algorithm", 2000.
    """

    shrink: float = 0.5
    grow: float = 1.2
    smallest: float = 1e-4
    largest: float = 5e3

    def __post_init__(self) -> None:
        positive("shrink", real("shrink", self.shrink, high=1.0))
        real("grow", self.grow, low=1.0)
        positive("smallest", self.smallest)
        if real("largest", self.largest) < self.smallest:
            raise RangeError(
                f"largest should be at least smallest, {self.smallest!r}, got {self.largest!r}"
            )

    def start(self, param: Variable) -> dict[str, Array]:
        """``size``, ones, and ``sign``, zeros: the first step neither grows nor shrinks."""
        real_numbers("Rprop", param)
        return {"size": zeros(param) + 1, "sign": zeros(param)}

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Grow or shrink, then step."""
        size, sign = state["size"], state["sign"]
        now = np.sign(update.astype(size.data.dtype, copy=False))
        agreement = now * sign.data
        turned = agreement < 0
        size.data *= np.where(turned, self.shrink, np.where(agreement > 0, self.grow, 1.0)).astype(
            size.data.dtype
        )
        size.data = np.clip(size.data, self.smallest, self.largest, out=size.data)
        sign.data = np.multiply(now, np.logical_not(turned), out=sign.data)
        return (size.data * sign.data).astype(update.dtype, copy=False)


class Lion(Method):
    """Steps of ``lr`` in every coordinate, along the sign of a mean: see `ScaleByLion`.

    All steps are of full length, so ``lr`` should be a third to a tenth of Adam's, and
    ``weight_decay`` as much larger, as the source advises.

    Args:
        lr: the learning rate, a number of 0 or more or a schedule.
        beta1: how much of the memory is in the step, from 0 to below 1.
        beta2: how long the memory is, from 0 to below 1.
        weight_decay: decoupled, in units of ``lr``, as for `AdamW`.
        **common: see `Common`.
    """

    def __init__(
        self,
        lr: float | Schedule = 1e-4,
        beta1: float = 0.9,
        beta2: float = 0.99,
        *,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(
            ScaleByLion,
            lr,
            common,
            weight_decay=weight_decay,
            decoupled=True,
            beta1=beta1,
            beta2=beta2,
        )


class Rprop(Method):
    """Each coordinate has a step of its own, and the gradient gives its direction only.

    For gradients of all data at once: in small batches signs change by chance, and steps shrink.
    The formula is `ScaleByRprop`'s.

    Args:
        lr: the first step; a schedule scales all steps.
        shrink: factor when a sign changes, over 0 and up to 1.
        grow: factor while it stays, 1 or more.
        smallest: step, in units of ``lr``. PyTorch's ``step_sizes`` are absolute; the defaults, for
            its ``lr`` of 0.01, are the same.
        largest: step, in units of ``lr``.
        weight_decay: ``weight_decay * W`` is added to the gradient.
        **common: see `Common`.
    """

    def __init__(
        self,
        lr: float | Schedule = 0.01,
        shrink: float = 0.5,
        grow: float = 1.2,
        smallest: float = 1e-4,
        largest: float = 5e3,
        *,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(
            ScaleByRprop,
            lr,
            common,
            weight_decay=weight_decay,
            shrink=shrink,
            grow=grow,
            smallest=smallest,
            largest=largest,
        )
