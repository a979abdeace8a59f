"""Rates from the squares of gradients: AdaGrad, AdaDelta, RMSprop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import numpy as np

from ..arrays import Array
from ..core import Variable
from .groups import Chain
from .method import Common, Method
from .schedule import Schedule, real
from .transformation import (
    AddMomentum,
    Count,
    State,
    Transformation,
    below_one,
    positive,
    real_numbers,
    zeros,
)


@dataclass(frozen=True)
class ScaleByAdaGrad(Transformation):
    """``s = s + u u``; the update is ``u / (sqrt(s) + eps)``.

    ``eps`` stands outside the root, as in PyTorch. Optax has ``u / sqrt(s + eps)``, and starts
    ``s`` at 0.1.

    Args:
        start_sum: of the squares, before the first; 0 or more.
        eps: over 0.
    Source:
        J. Duchi, E. Hazan, Y. Singer, "Adaptive Subgradient Methods for Online Learning and
        Stochastic Optimization", 2011, figure 1, diagonal form.
    """

    start_sum: float = 0.0
    eps: float = 1e-10

    def __post_init__(self) -> None:
        real("start_sum", self.start_sum)
        positive("eps", self.eps)

    def start(self, param: Variable) -> dict[str, Array]:
        """``s``."""
        real_numbers("AdaGrad", param)
        return {"s": zeros(param) + self.start_sum}

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Scale."""
        s = state["s"]
        g = update.astype(s.data.dtype, copy=False)
        s.data += g * g
        return (g / (np.sqrt(s.data) + self.eps)).astype(update.dtype, copy=False)


@dataclass(frozen=True)
class ScaleByAdaDelta(Transformation):
    """``s = rho s + (1 - rho) u u``; the update is ``d = sqrt(e + eps) / sqrt(s + eps) u``, and
    then ``e = rho e + (1 - rho) d d``.

    Args:
        rho: of both means, from 0 to below 1.
        eps: over 0; it is what the first steps are made of.
    Source:
        M. Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012, algorithm 1.
    """

    rho: float = 0.9
    eps: float = 1e-6

    def __post_init__(self) -> None:
        below_one("rho", self.rho)
        positive("eps", self.eps)

    def start(self, param: Variable) -> dict[str, Array]:
        """``s`` of gradients and ``e`` of steps, zeros."""
        real_numbers("AdaDelta", param)
        return {"s": zeros(param), "e": zeros(param)}

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Scale."""
        s, e = state["s"], state["e"]
        g = update.astype(s.data.dtype, copy=False)
        s.data *= self.rho
        s.data += (1 - self.rho) * g * g
        d = np.sqrt(e.data + self.eps) / np.sqrt(s.data + self.eps) * g
        e.data *= self.rho
        e.data += (1 - self.rho) * d * d
        return d.astype(update.dtype, copy=False)


@dataclass(frozen=True)
class ScaleByRMS(Transformation):
    """``v = rho v + (1 - rho) u u``; the update is ``u / (sqrt(v) + eps)``; with ``centered``,
    ``m = rho m + (1 - rho) u`` and ``u / (sqrt(v - m m) + eps)``.

    The lecture has no ``eps``. It stands outside the root, as in PyTorch; TensorFlow and Optax put
    it inside.

    Args:
        rho: of the means, from 0 to below 1.
        eps: over 0.
        centered: divide by the standard deviation, not by the root mean square.
    Source:
        T. Tieleman, G. Hinton, "Neural Networks for Machine Learning", lecture 6e, 2012; centered:
        A. Graves, "Generating Sequences With Recurrent Neural Networks", 2013, equations 38-40.
    """

    rho: float = 0.9
    eps: float = 1e-8
    centered: bool = False

    def __post_init__(self) -> None:
        below_one("rho", self.rho)
        positive("eps", self.eps)

    def start(self, param: Variable) -> dict[str, Array]:
        """``v``, and ``m`` if it is centered, zeros."""
        real_numbers("RMSprop", param)
        return {"v": zeros(param), "m": zeros(param)} if self.centered else {"v": zeros(param)}

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Scale."""
        v = state["v"]
        g = update.astype(v.data.dtype, copy=False)
        v.data *= self.rho
        v.data += (1 - self.rho) * g * g
        variance = v.data
        if self.centered:
            m = state["m"]
            m.data *= self.rho
            m.data += (1 - self.rho) * g
            # a variance is never negative, its rounding may be
            variance = np.maximum(v.data - m.data * m.data, 0.0)
        return (g / (np.sqrt(variance) + self.eps)).astype(update.dtype, copy=False)


class AdaGrad(Method):
    """Rates that fall where gradients were large: ``s = s + g g``, ``W -= lr g / (sqrt(s) + eps)``.

    Args:
        lr: the learning rate, a number of 0 or more or a schedule; PyTorch's ``lr_decay`` is
            `InverseTime`.
        start_sum: of the squares, before the first.
        eps: over 0. See `ScaleByAdaGrad`.
        weight_decay: ``weight_decay * W`` is added to the gradient.
        **common: see `Common`.
    """

    def __init__(
        self,
        lr: float | Schedule = 0.01,
        start_sum: float = 0.0,
        eps: float = 1e-10,
        *,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(
            ScaleByAdaGrad, lr, common, weight_decay=weight_decay, start_sum=start_sum, eps=eps
        )


class AdaDelta(Method):
    """Steps in the unit of ``W``, from the sizes of gradients and of steps; see `ScaleByAdaDelta`.

    Args:
        lr: 1 is the paper's method.
        rho: of both means, from 0 to below 1.
        eps: over 0.
        weight_decay: ``weight_decay * W`` is added to the gradient.
        **common: see `Common`.
    """

    def __init__(
        self,
        lr: float | Schedule = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        *,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(ScaleByAdaDelta, lr, common, weight_decay=weight_decay, rho=rho, eps=eps)


class RMSprop(Method):
    """``v = rho v + (1 - rho) g g``, ``W -= lr g / (sqrt(v) + eps)``; centered, and with momentum
    on what comes out, if wanted.

    Args:
        lr: the learning rate, a number of 0 or more or a schedule.
        rho: of the mean of squares, from 0 to below 1.
        eps: over 0.
        centered: divide by the standard deviation; see `ScaleByRMS`.
        momentum: from 0 to below 1; see `AddMomentum`.
        weight_decay: ``weight_decay * W`` is added to the gradient.
        **common: see `Common`.
    """

    def __init__(
        self,
        lr: float | Schedule = 0.01,
        rho: float = 0.99,
        eps: float = 1e-8,
        *,
        centered: bool = False,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(
            _rms_prop,
            lr,
            common,
            weight_decay=weight_decay,
            rho=rho,
            eps=eps,
            centered=centered,
            momentum=momentum,
        )


def _rms_prop(rho: float, eps: float, centered: bool, momentum: float) -> Chain:
    scale, link = ScaleByRMS(rho, eps, centered), AddMomentum(momentum)
    return (scale, link) if momentum else (scale,)
