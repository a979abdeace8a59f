"""One rate for each parameter, from its length: LARS and LAMB, for very large batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np

from ..arrays import Array
from ..core import Variable
from .groups import Chain
from .method import Common, Method
from .schedule import Schedule, real
from .transformation import (
    AddMomentum,
    Count,
    Filter,
    ScaleByAdam,
    State,
    Transformation,
    check_filter,
    check_glob,
    chosen,
    positive,
    square_sum,
    wide,
)


@dataclass(frozen=True)
class ScaleByTrust(Transformation):
    """``coefficient |W| / (|u| + eps) u``, with norms of the whole parameter: steps are a part of
    its length. Where one of the norms is 0, ``u``.

    Args:
        coefficient: over 0.
        eps: 0 or more.
        adapt: which parameters: a glob, a function of (name, parameter), or None: those with two
            axes or more.
    """

    coefficient: float = 1.0
    eps: float = 0.0
    adapt: Filter = "*"

    def __post_init__(self) -> None:
        positive("coefficient", self.coefficient)
        real("eps", self.eps)
        check_filter("adapt", self.adapt)

    def check(self, names: list[str]) -> None:
        """Refuse a glob that matches nothing."""
        check_glob("adapt", self.adapt, names)

    def concerns(self, name: str, param: Variable) -> bool:
        """Whether ``adapt`` says so."""
        return chosen(self.adapt, name, param)

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Scale."""
        length, size = np.sqrt(square_sum(param.data)), np.sqrt(square_sum(update))
        none = np.logical_or(length == 0, size == 0)
        trust = self.coefficient * length / np.where(none, 1.0, size + self.eps)
        trust = np.where(none, 1.0, trust).astype(wide(update.dtype))
        return (update * trust).astype(update.dtype, copy=False)


class LARS(Method):
    """`Momentum` whose steps are a part of each parameter's length: with ``d = g + weight_decay *
    W``, ``v = momentum v + coefficient |W| / (|d| + eps) d``, ``W -= lr v``.

    ``|d|`` is the norm of the sum, as in Optax; the paper adds the norms of ``g`` and of
    ``weight_decay W``. The learning rate comes after momentum, as in `AddMomentum`; in the paper
    it is inside ``v``, which is the same while it does not change.

    Args:
        lr: the learning rate, a number of 0 or more or a schedule.
        momentum: from 0 to below 1.
        coefficient: of trust, over 0: which part of its length a parameter may move.
        eps: beside the norm, 0 or more.
        nesterov: look ahead.
        adapt: which parameters; all, or as ``decay``. Biases and scales of normalisations are
            often left out: ``adapt=None``.
        weight_decay: ``weight_decay * W`` is added to the gradient.
        **common: see `Common`.
    Source:
        Y. You, I. Gitman, B. Ginsburg, "Large Batch Training of Convolutional Networks", 2017,
        algorithm 1.
    """

    def __init__(
        self,
        lr: float | Schedule = 1.0,
        momentum: float = 0.9,
        coefficient: float = 0.001,
        eps: float = 0.0,
        *,
        nesterov: bool = False,
        adapt: Filter = "*",
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(
            _lars,
            lr,
            common,
            weight_decay=weight_decay,
            momentum=momentum,
            coefficient=coefficient,
            eps=eps,
            nesterov=nesterov,
            adapt=adapt,
        )


def _lars(momentum: float, coefficient: float, eps: float, nesterov: bool, adapt: Filter) -> Chain:
    return ScaleByTrust(coefficient, eps, adapt), AddMomentum(momentum, nesterov)


class LAMB(Method):
    """`AdamW` whose steps are ``lr`` times each parameter's length: with ``r = adam(g) +
    weight_decay W``, ``W -= lr |W| / |r| r``.

    The paper's bound ``phi`` of ``|W|`` is the identity, as in Optax.

    Args:
        lr: the learning rate, a number of 0 or more or a schedule.
        beta1: as for `Adam`.
        beta2: as for `Adam`.
        eps: beside the root.
        adapt: which parameters; all, or as ``decay``.
        weight_decay: is part of the step that is scaled.
        **common: see `Common`.
    Source:
        Y. You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes",
        2020, algorithm 2.
    """

    def __init__(
        self,
        lr: float | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-6,
        *,
        adapt: Filter = "*",
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(
            _lamb,
            lr,
            common,
            weight_decay=weight_decay,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            adapt=adapt,
        )


def _lamb(beta1: float, beta2: float, eps: float, adapt: Filter) -> tuple[Any, ...]:
    return ScaleByAdam(beta1, beta2, eps), ..., ScaleByTrust(adapt=adapt)
