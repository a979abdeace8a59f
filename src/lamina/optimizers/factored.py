"""Adafactor: mean squares kept as one number for each row and each column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import numpy as np

from ..arrays import Array
from ..config import host
from ..core import Variable
from .decay import InverseSqrt
from .groups import Chain
from .method import Common, Method
from .schedule import Schedule, real
from .transformation import (
    Count,
    State,
    Transformation,
    positive,
    real_numbers,
    square_sum,
    wide,
    zeros,
)


@dataclass(frozen=True)
class ScaleByFactored(Transformation):
    """``u / sqrt(v)``, then cut to a root mean square of ``limit``, where ``v`` is the mean square
    with weights ``t^-power``. Of two axes or more, only the means ``r`` along the last and ``c``
    along the last but one are kept: ``v = r c / mean(r)``.

    ``v`` is at least ``eps^2``, as in PyTorch; the paper adds ``eps^2`` to each square.

    Args:
        power: how slowly old squares fade, over 0 and up to 1.
        eps: over 0, dimension of a gradient.
        limit: of the root mean square, over 0.
    Source:
        N. Shazeer, M. Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", 2018,
        algorithms 4 and 5.
    """

    power: float = 0.8
    eps: float = 1e-15
    limit: float = 1.0

    def __post_init__(self) -> None:
        positive("power", real("power", self.power, high=1.0))
        positive("eps", self.eps)
        positive("limit", self.limit)

    def start(self, param: Variable) -> dict[str, Array]:
        """``r`` and ``c``, or ``v`` if there is one axis or none; zeros."""
        real_numbers("Adafactor", param)
        if param.ndim < 2:
            return {"v": zeros(param)}
        full = zeros(param)
        return {"r": full.sum(axis=-1, keepdims=True), "c": full.sum(axis=-2, keepdims=True)}

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Scale, then cut."""
        g = update.astype(wide(update.dtype), copy=False)
        if not g.size:
            return update
        least = self.eps * self.eps
        v = self._mean_square(g, state, host(lambda: step() ** -self.power), least)
        u = g / np.sqrt(np.maximum(v, least))
        size = np.sqrt(square_sum(u) / u.size)
        return (u / np.maximum(size / self.limit, 1.0).astype(u.dtype)).astype(
            update.dtype, copy=False
        )

    def _mean_square(self, g: Array, state: State, weight: float, least: float) -> Array:
        if g.ndim < 2:
            v = state["v"]
            v.data += weight * (g * g - v.data)
            return v.data
        r, c = state["r"], state["c"]
        squares = g * g
        r.data += weight * (squares.mean(axis=-1, keepdims=True) - r.data)
        c.data += weight * (squares.mean(axis=-2, keepdims=True) - c.data)
        whole = np.maximum(r.data.mean(axis=-2, keepdims=True), least)
        return r.data / whole * c.data  # in this order: the product alone may underflow


@dataclass(frozen=True)
class ScaleBySize(Transformation):
    """``max(rms(W), smallest) u``: steps are a part of the size of the numbers they change.

    Args:
        smallest: so that a parameter of zeros can leave them; over 0.
    Source:
        N. Shazeer, M. Stern, "Adafactor", 2018, section 8.
    """

    smallest: float = 1e-3

    def __post_init__(self) -> None:
        positive("smallest", self.smallest)

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Scale."""
        if not param.size:
            return update
        size = np.maximum(np.sqrt(square_sum(param.data) / param.size), self.smallest)
        return (update * size.astype(wide(update.dtype))).astype(update.dtype, copy=False)


class Adafactor(Method):
    """Adam's scaling in the memory of rows and columns, and steps in the size of ``W``.

    Formulas are `ScaleByFactored`'s and `ScaleBySize`'s. There is no momentum. PyTorch takes the
    smaller of ``lr`` and ``1 / sqrt(t)`` as the paper does; here that is the default schedule, and
    a number stays what it is.

    Args:
        lr: relative to the size of each parameter; None is ``min(0.01, 1 / sqrt(t))``.
        power: how slowly old squares fade.
        eps: over 0, dimension of a gradient.
        limit: of the root mean square of steps, before ``lr``.
        smallest: size that a parameter is taken to have.
        weight_decay: decoupled, in units of ``lr``.
        **common: see `Common`.
    """

    def __init__(
        self,
        lr: float | Schedule | None = None,
        power: float = 0.8,
        eps: float = 1e-15,
        limit: float = 1.0,
        smallest: float = 1e-3,
        *,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(
            _adafactor,
            InverseSqrt(0.01, hold=10_000) if lr is None else lr,
            common,
            weight_decay=weight_decay,
            decoupled=True,
            power=power,
            eps=eps,
            limit=limit,
            smallest=smallest,
        )


def _adafactor(power: float, eps: float, limit: float, smallest: float) -> Chain:
    return ScaleByFactored(power, eps, limit), ScaleBySize(smallest)
