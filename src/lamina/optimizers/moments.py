"""The kin of Adam: Adamax, AMSGrad, NAdam, RAdam."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Unpack

import numpy as np

from ..arrays import Array
from ..config import host
from ..core import Variable
from .method import Common, Method
from .methods import Adam
from .schedule import Schedule, real
from .transformation import Count, ScaleByAdam, State, real_numbers, zeros


@dataclass(frozen=True)
class ScaleByAdamax(ScaleByAdam):
    """``m = b1 m + (1 - b1) u``, ``n = max(b2 n, |u| + eps)``; the update is
    ``m / (1 - b1^t) / n``.

    The paper has no ``eps``; without it, a gradient of 0 at the first step is 0 / 0.

    Args:
        beta1: of the mean, from 0 to below 1.
        beta2: by which the norm fades, from 0 to below 1.
        eps: over 0.
    Source:
        D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 2.
    """

    def start(self, param: Variable) -> dict[str, Array]:
        """``m`` and ``n``, zeros."""
        real_numbers("Adamax", param)
        return {"m": zeros(param), "n": zeros(param)}

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Scale."""
        m, n = state["m"], state["n"]
        g = update.astype(m.data.dtype, copy=False)
        m.data *= self.beta1
        m.data += (1 - self.beta1) * g
        n.data *= self.beta2
        n.data = np.maximum(n.data, np.abs(g) + self.eps, out=n.data)
        mean = m.data / host(lambda: 1 - self.beta1 ** step())
        return (mean / n.data).astype(update.dtype, copy=False)


@dataclass(frozen=True)
class ScaleByAMSGrad(ScaleByAdam):
    """`ScaleByAdam` whose ``v`` is the largest so far: ``(m / (1 - b1^t)) / (sqrt(w / (1 - b2^t))
    + eps)`` with ``w = max(w, v)``.

    The paper has no corrections of bias. With them this is PyTorch's form, which takes the largest
    ``v`` and corrects it then; Optax corrects first, which is another sequence.

    Source:
        S. Reddi, S. Kale, S. Kumar, "On the Convergence of Adam and Beyond", 2018, algorithm 2.
    """

    def start(self, param: Variable) -> dict[str, Array]:
        """``m``, ``v`` and ``w``, zeros."""
        return {**super().start(param), "w": zeros(param)}

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Scale."""
        m, v, w = state["m"], state["v"], state["w"]
        self._take_in(update, state)
        w.data = np.maximum(w.data, v.data, out=w.data)
        scale = np.sqrt(w.data / host(lambda: 1 - self.beta2 ** step())) + self.eps
        mean = m.data / host(lambda: 1 - self.beta1 ** step())
        return (mean / scale).astype(update.dtype, copy=False)


@dataclass(frozen=True)
class ScaleByNAdam(ScaleByAdam):
    """Adam with Nesterov's momentum, which warms up: with ``c_t = b1 (1 - 0.96^(t psi) / 2)`` and
    ``p_t = c_1 ... c_t``, ``(c_{t+1} m / (1 - p_{t+1}) + (1 - c_t) u / (1 - p_t)) / (sqrt(v / (1 -
    b2^t)) + eps)``.

    This is the paper's schedule of momentum, as in PyTorch. Optax holds ``c`` constant.

    Args:
        beta1: as for `ScaleByAdam`, and so are the others.
        beta2: of the mean square.
        eps: over 0.
        psi: how fast momentum warms up, 0 or more.
    Source:
        T. Dozat, "Incorporating Nesterov Momentum into Adam", 2016, algorithm 2.
    """

    psi: float = 0.004

    def __post_init__(self) -> None:
        super().__post_init__()
        real("psi", self.psi)

    def start(self, param: Variable) -> dict[str, Array]:
        """``m``, ``v``, and the product ``p``, which is one number."""
        return {**super().start(param), "p": np.ones_like(param.data, np.float64, shape=())}

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Scale."""
        m, v, p = state["m"], state["v"], state["p"]
        g = self._take_in(update, state)
        now = host(lambda: self._momentum(step()))
        then = host(lambda: self._momentum(step() + 1))
        p.data *= now
        old = ((1 - now) / (1 - p.data)).astype(g.dtype)
        new = (then / (1 - p.data * then)).astype(g.dtype)
        scale = np.sqrt(v.data / host(lambda: 1 - self.beta2 ** step())) + self.eps
        return ((new * m.data + old * g) / scale).astype(update.dtype, copy=False)

    def _momentum(self, t: int) -> float:
        return self.beta1 * (1 - 0.5 * 0.96 ** (t * self.psi))


@dataclass(frozen=True)
class ScaleByRAdam(ScaleByAdam):
    """Adam that waits until its variance is known: with ``r_t`` from the length of the memory,
    ``r_t (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)``, and before that ``m / (1 - b1^t)``.

    With ``l = 2 / (1 - b2) - 1`` and ``l_t = l - 2 t b2^t / (1 - b2^t)``, ``r_t = sqrt((l_t - 4)
    (l_t - 2) l / ((l - 4) (l - 2) l_t))`` from ``l_t > 5`` on. The paper begins at ``l_t > 4``, its
    authors' code, PyTorch and Optax at 5: close to 4 the estimate is still poor. ``eps`` is beside
    the corrected root, as in Optax; PyTorch has it beside the uncorrected one.

    Source:
        L. Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", 2020,
        algorithm 2.
    """

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Scale."""
        m, v = state["m"], state["v"]
        self._take_in(update, state)
        scale = np.sqrt(v.data / host(lambda: 1 - self.beta2 ** step())) + self.eps
        # a compiled step cannot branch: one of the two weights is 0
        scale *= host(lambda: self._slowness(step()))
        scale += host(lambda: float(not self._slowness(step())))
        mean = m.data / host(lambda: 1 - self.beta1 ** step())
        return (mean / scale).astype(update.dtype, copy=False)

    def _slowness(self, t: int) -> float:
        """``1 / r_t``, or 0 as long as there is none."""
        power = self.beta2**t
        longest = 2 / (1 - self.beta2) - 1
        length = longest - 2 * t * power / (1 - power)
        if length <= 5:
            return 0.0
        part = (length - 4) * (length - 2) * longest
        return sqrt((longest - 4) * (longest - 2) * length / part)


class Adamax(Adam):
    """Adam in the largest norm: steps of ``lr`` at most. The formula is `ScaleByAdamax`'s.

    Arguments and errors as for `Adam`; ``beta2`` is of the norm.
    """

    link = ScaleByAdamax

    def __init__(
        self,
        lr: float | Schedule = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(lr, beta1, beta2, eps, weight_decay=weight_decay, **common)


class AMSGrad(Adam):
    """Adam whose rates never grow again. The formula is `ScaleByAMSGrad`'s.

    Arguments and errors as for `Adam`.
    """

    link = ScaleByAMSGrad


class RAdam(Adam):
    """Adam that waits until its variance is known. The formula is `ScaleByRAdam`'s.

    Arguments and errors as for `Adam`.
    """

    link = ScaleByRAdam


class NAdam(Method):
    """Adam with Nesterov's momentum. The formula is `ScaleByNAdam`'s.

    Args:
        lr: the learning rate, a number of 0 or more or a schedule.
        beta1: of the mean of gradients, from 0 to below 1.
        beta2: of the squares, from 0 to below 1.
        eps: over 0.
        psi: how fast momentum warms up, 0 or more.
        weight_decay: ``weight_decay * W`` is added to the gradient.
        **common: see `Common`.
    """

    def __init__(
        self,
        lr: float | Schedule = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        psi: float = 0.004,
        *,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(
            ScaleByNAdam,
            lr,
            common,
            weight_decay=weight_decay,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            psi=psi,
        )
