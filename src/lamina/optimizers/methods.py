"""The optimizers by name: each is a chain, and its class a short way to write it."""

from __future__ import annotations

from ..errors import RangeError
from .optimizer import Optimizer
from .schedule import Schedule
from .transformation import (
    AddDecay,
    AddMomentum,
    ClipNorm,
    ClipValue,
    Filter,
    ScaleByAdam,
    Transformation,
)


def _clipping(clip_value: float | None, clip_norm: float | None) -> list[Transformation]:
    """What the raw gradients pass first: each number is limited, then the norm of all."""
    chain: list[Transformation] = []
    if clip_value is not None:
        chain.append(ClipValue(clip_value))
    if clip_norm is not None:
        chain.append(ClipNorm(clip_norm))
    return chain


def _decay(rate: float, decay: Filter) -> list[Transformation]:
    link = AddDecay(rate, decay)
    return [link] if rate else []


class SGD(Optimizer):
    """Stochastic gradient descent: ``W -= lr * g``; with momentum ``v = momentum * v + g`` and
    ``W -= lr * v``.

    Args:
        lr: the learning rate, a number of 0 or more or a schedule.
        momentum: from 0 to below 1; 0 is none. See `AddMomentum`.
        nesterov: look ahead; needs a momentum.
        weight_decay: adds ``weight_decay * W`` to the gradient.
        decay: which parameters decay: a glob, a function of (name, parameter), or None for those
            with two axes or more, so neither biases nor the parameters of normalisations.
        clip_norm: limit of the norm of all gradients together, applied after ``clip_value``.
        clip_value: limit of each number in them.
    Raises:
        RangeError: a number outside its range.
    Source:
        H. Robbins, S. Monro, "A Stochastic Approximation Method", 1951.
    Example:
        >>> from lamina import Variable, functions as F
        >>> W = Variable([1.0, -2.0])
        >>> optimizer = SGD(lr=0.25).setup([W])
        >>> F.sum(W * W).backward()
        >>> optimizer.update()
        >>> W
        Variable([ 0.5, -1. ], float64)
    """

    def __init__(
        self,
        lr: float | Schedule = 0.01,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        decay: Filter = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ):
        if nesterov and not momentum:
            raise RangeError(f"{type(self).__name__}: nesterov needs a momentum, got {momentum!r}")
        link = AddMomentum(momentum, nesterov)
        super().__init__(
            *_clipping(clip_value, clip_norm),
            *_decay(weight_decay, decay),
            *([link] if momentum else []),
            lr=lr,
        )


class Momentum(SGD):
    """`SGD` with momentum: ``v = momentum * v + g``, ``W -= lr * v``.

    Args:
        lr: the learning rate, a number of 0 or more or a schedule.
        momentum: from 0 to below 1.
        weight_decay: as for `SGD`, and so are the others.
        decay: which parameters decay.
        clip_norm: limit of the global norm.
        clip_value: limit of each number.
    """

    def __init__(
        self,
        lr: float | Schedule = 0.01,
        momentum: float = 0.9,
        *,
        weight_decay: float = 0.0,
        decay: Filter = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ):
        super().__init__(
            lr,
            momentum=momentum,
            weight_decay=weight_decay,
            decay=decay,
            clip_norm=clip_norm,
            clip_value=clip_value,
        )


class Nesterov(SGD):
    """`Momentum` that looks ahead: ``v = momentum * v + g``, ``W -= lr * (g + momentum * v)``."""

    def __init__(
        self,
        lr: float | Schedule = 0.01,
        momentum: float = 0.9,
        *,
        weight_decay: float = 0.0,
        decay: Filter = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ):
        super().__init__(
            lr,
            momentum=momentum,
            nesterov=True,
            weight_decay=weight_decay,
            decay=decay,
            clip_norm=clip_norm,
            clip_value=clip_value,
        )


class Adam(Optimizer):
    """Adaptive moments: steps of about ``lr`` in every coordinate. The formula is `ScaleByAdam`'s.

    Args:
        lr: the learning rate, a number of 0 or more or a schedule.
        beta1: of the mean of gradients, from 0 to below 1.
        beta2: of the mean of their squares, from 0 to below 1.
        eps: beside the root of the mean square; over 0.
        weight_decay: adds ``weight_decay * W`` to the gradient, before it is scaled: large
            gradients decay less. `AdamW` decays all alike.
        decay: which parameters decay, as for `SGD`.
        clip_norm: limit of the global norm.
        clip_value: limit of each number.
    Raises:
        RangeError: a number outside its range.
    Source:
        D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1.
    """

    def __init__(
        self,
        lr: float | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.0,
        decay: Filter = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ):
        super().__init__(
            *_clipping(clip_value, clip_norm),
            *_decay(weight_decay, decay),
            ScaleByAdam(beta1, beta2, eps),
            lr=lr,
        )


class AdamW(Optimizer):
    """`Adam` with decoupled weight decay: ``W -= lr * (adam(g) + weight_decay * W)``.

    In algorithm 2 of the source, ``W -= eta * (alpha * adam(g) + lambda * W)``: a schedule
    ``eta`` acts on both terms, the learning rate ``alpha`` on the first only. Here, as in PyTorch,
    ``lr = eta * alpha`` stands before both, so that the paper's ``lambda`` is
    ``alpha * weight_decay``.

    Args:
        lr: the learning rate, a number of 0 or more or a schedule.
        beta1: as for `Adam`, and so are the others.
        beta2: of the mean of squares.
        eps: beside the root.
        weight_decay: of each parameter that ``decay`` names, in units of ``lr``.
        decay: which parameters decay.
        clip_norm: limit of the global norm.
        clip_value: limit of each number.
    Source:
        I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2.
    """

    def __init__(
        self,
        lr: float | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.01,
        decay: Filter = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
    ):
        super().__init__(
            *_clipping(clip_value, clip_norm),
            ScaleByAdam(beta1, beta2, eps),
            *_decay(weight_decay, decay),
            lr=lr,
        )
