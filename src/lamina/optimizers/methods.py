"""The classical methods: descent, momentum, Adam. Each is a chain, its class a way to write it."""

from __future__ import annotations

from typing import ClassVar, Unpack

from ..errors import RangeError
from .groups import Chain
from .method import Common, Method
from .schedule import Schedule
from .transformation import AddMomentum, ScaleByAdam


def _momentum(momentum: float, nesterov: bool) -> Chain:
    link = AddMomentum(momentum, nesterov)
    return (link,) if momentum else ()


class SGD(Method):
    """Stochastic gradient descent: ``W -= lr * g``; with momentum ``v = momentum * v + g`` and
    ``W -= lr * v``.

    Args:
        lr: the learning rate, a number of 0 or more or a schedule.
        momentum: from 0 to below 1; 0 is none. See `AddMomentum`.
        nesterov: look ahead; needs a momentum.
        weight_decay: ``weight_decay * W`` is added to the gradient.
        **common: see `Common`.
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
        **common: Unpack[Common],
    ):
        if nesterov and not momentum:
            raise RangeError(f"{type(self).__name__}: nesterov needs a momentum, got {momentum!r}")
        super().__init__(
            _momentum, lr, common, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov
        )


class Momentum(SGD):
    """`SGD` with momentum: ``v = momentum * v + g``, ``W -= lr * v``.

    Args:
        lr: the learning rate, a number of 0 or more or a schedule.
        momentum: from 0 to below 1.
        weight_decay: as for `SGD`.
        **common: see `Common`.
    """

    def __init__(
        self,
        lr: float | Schedule = 0.01,
        momentum: float = 0.9,
        *,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(lr, momentum=momentum, weight_decay=weight_decay, **common)


class Nesterov(SGD):
    """`Momentum` that looks ahead: ``v = momentum * v + g``, ``W -= lr * (g + momentum * v)``."""

    def __init__(
        self,
        lr: float | Schedule = 0.01,
        momentum: float = 0.9,
        *,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(lr, momentum=momentum, weight_decay=weight_decay, nesterov=True, **common)


class Adam(Method):
    """Adaptive moments: steps of about ``lr`` in every coordinate. The formula is `ScaleByAdam`'s.

    Args:
        lr: the learning rate, a number of 0 or more or a schedule.
        beta1: of the mean of gradients, from 0 to below 1.
        beta2: of the mean of their squares, from 0 to below 1.
        eps: beside the root of the mean square; over 0.
        weight_decay: ``weight_decay * W`` is added to the gradient, before it is scaled: large
            gradients decay less. `AdamW` decays all alike.
        **common: see `Common`.
    Raises:
        RangeError: a number outside its range.
    Source:
        D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1.
    """

    link: ClassVar[type[ScaleByAdam]] = ScaleByAdam
    """Its kin differ in this."""

    def __init__(
        self,
        lr: float | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(
            self.link, lr, common, weight_decay=weight_decay, beta1=beta1, beta2=beta2, eps=eps
        )


class AdamW(Method):
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
        **common: see `Common`.
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
        **common: Unpack[Common],
    ):
        super().__init__(
            ScaleByAdam,
            lr,
            common,
            weight_decay=weight_decay,
            decoupled=True,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
        )
