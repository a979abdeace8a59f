"""Steps that see a parameter as a matrix: Muon and Shampoo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod, sqrt
from typing import Any, Unpack

import numpy as np

from ..arrays import Array
from ..config import host
from ..core import Function, Variable
from ..errors import DTypeError, NonFiniteError
from .adaptive import ScaleByAdaGrad
from .groups import Chain
from .method import Common, Method
from .schedule import Schedule, check_whole, real
from .transformation import (
    AddMomentum,
    Count,
    Filter,
    ScaleByAdam,
    State,
    Transformation,
    below_one,
    check_filter,
    check_glob,
    chosen,
    positive,
    real_numbers,
    square_sum,
    wide,
    zeros,
)

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Jordan's quintic: its slope at 0 is as steep as can be, and it does not converge to 1. Five
iterations take every number from 0.005 to 1 to one between 0.68 and 1.16."""


def rows_and_columns(shape: tuple[int, ...]) -> tuple[int, int]:
    """The matrix that a parameter is taken for: axes after the first are one."""
    return shape[0], prod(shape[1:])


def as_matrix(update: Array) -> Array:
    """The update as that matrix, of float32 or finer."""
    return update.astype(wide(update.dtype), copy=False).reshape(rows_and_columns(update.shape))


def sides(param: Variable, largest: int) -> dict[str, int]:
    """Of ``left`` and ``right``, what is not too long, with its length."""
    lengths = zip(("left", "right"), rows_and_columns(param.shape))
    return {side: n for side, n in lengths if n <= largest}


def host_array(like: Array, number: Callable[[], float]) -> Array:
    """A number of the host as an array of no axes: a kernel takes no other."""
    return np.zeros_like(like, np.float32, shape=()) + host(number)


@dataclass(frozen=True)
class OfMatrices(Transformation):
    """A link for parameters of two axes or more, of those that ``only`` names."""

    only: Filter = None

    def __post_init__(self) -> None:
        check_filter("only", self.only)

    def check(self, names: list[str]) -> None:
        """Refuse a glob that matches nothing."""
        check_glob("only", self.only, names)

    def concerns(self, name: str, param: Variable) -> bool:
        """Whether it is a matrix, and meant."""
        return param.ndim >= 2 and param.size > 0 and chosen(self.only, name, param)


@dataclass(frozen=True)
class Others(Transformation):
    """``scale * link(u)`` for the parameters that are left out of ``matrices``."""

    matrices: OfMatrices
    link: Transformation
    scale: float = 1.0

    def __post_init__(self) -> None:
        real("others", self.scale)

    def concerns(self, name: str, param: Variable) -> bool:
        """Whether the matrices' link does not."""
        return not self.matrices.concerns(name, param)

    def start(self, param: Variable) -> dict[str, Array]:
        """As the link's."""
        return self.link.start(param)

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """The link, scaled."""
        change = self.link.apply(update, state, param, step)
        return change if self.scale == 1.0 else self.scale * change


# -- Muon ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Orthogonalize(OfMatrices):
    """``m = momentum m + (1 - momentum) u``; the update is the matrix nearest to ``m``, or with
    ``nesterov`` to ``momentum m + (1 - momentum) u``, whose columns or rows are orthonormal, times
    ``sqrt(max(1, out / in))``.

    It is nearly that matrix, for it comes of ``steps`` iterations ``X = a X + (b A + c A A) X``,
    ``A = X X'``, from ``m / |m|``. ``in, out`` are the first and the second axis of a matrix; of a
    kernel with more axes, which is ``(out, in, ...)``, what follows the first, and the first.

    Args:
        momentum: from 0 to below 1.
        nesterov: look ahead.
        steps: iterations, 1 or more.
        eps: the least norm that is divided by, over 0.
    Source:
        K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024, with its
        coefficients. PyTorch iterates in bfloat16, here it is the dtype of the state; Optax
        corrects the bias of ``m``, which changes the first steps with ``nesterov``.
    """

    momentum: float = 0.95
    nesterov: bool = True
    steps: int = 5
    eps: float = 1e-7

    def __post_init__(self) -> None:
        super().__post_init__()
        below_one("momentum", self.momentum)
        if not isinstance(self.nesterov, bool):
            raise DTypeError(f"nesterov should be True or False, got {self.nesterov!r}")
        check_whole("steps", self.steps)
        positive("eps", self.eps)

    def start(self, param: Variable) -> dict[str, Array]:
        """``m``, zeros."""
        real_numbers("Muon", param)
        return {"m": zeros(param)}

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Remember, then orthogonalize."""
        m = state["m"]
        g = update.astype(m.data.dtype, copy=False)
        m.data *= self.momentum
        m.data += (1 - self.momentum) * g
        ahead = (1 - self.momentum) * g + self.momentum * m.data if self.nesterov else m.data
        rows, columns = rows_and_columns(param.shape)
        made = self._orthogonal(ahead.reshape((rows, columns)))
        out_to_in = columns / rows if param.ndim == 2 else rows / columns
        made = (sqrt(max(1.0, out_to_in)) * made).reshape(param.shape)
        return made.astype(update.dtype, copy=False)

    def _orthogonal(self, x: Array) -> Array:
        tall = x.shape[0] > x.shape[1]
        x = x.T if tall else x  # A is the smaller product
        x = x / np.maximum(np.sqrt(square_sum(x)), self.eps).astype(x.dtype)
        a, b, c = NEWTON_SCHULZ
        for _ in range(self.steps):
            square = x @ x.T
            x = a * x + (b * square + c * (square @ square)) @ x
        return x.T if tall else x


class Muon(Method):
    """Orthogonal steps for matrices, Adam for the rest: see `Orthogonalize`.

    Source and PyTorch agree that embeddings and the last layer belong to the rest: name the others
    with ``only``.

    Args:
        lr: of matrices; their steps have singular values of about 1.
        momentum: from 0 to below 1.
        nesterov: look ahead.
        steps: iterations, 1 or more.
        only: which matrices: a glob, a function of (name, parameter), or None for all.
        others: the rate of Adam for the rest, as a part of ``lr``; its betas are 0.9 and 0.95.
        weight_decay: decoupled, in units of ``lr``.
        **common: see `Common`.
    """

    def __init__(
        self,
        lr: float | Schedule = 0.02,
        momentum: float = 0.95,
        nesterov: bool = True,
        steps: int = 5,
        *,
        only: Filter = None,
        others: float = 0.015,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(
            _muon,
            lr,
            common,
            weight_decay=weight_decay,
            decoupled=True,
            momentum=momentum,
            nesterov=nesterov,
            steps=steps,
            only=only,
            others=others,
        )


def _muon(momentum: float, nesterov: bool, steps: int, only: Filter, others: float) -> Chain:
    matrices = Orthogonalize(only, momentum, nesterov, steps)
    return matrices, Others(matrices, ScaleByAdam(0.9, 0.95, 1e-10), others)


# -- Shampoo -------------------------------------------------------------------------------------


class InverseRoot(Function):
    """``matrix ** -power`` of a symmetric matrix, if it is due; else ``old``.

    A kernel, because eigenvectors are no formula, and because a compiled step cannot branch: it is
    told at each run whether to compute. Eigenvalues are at least ``floor``.
    """

    power: float
    floor: float

    def forward(self, due, matrix, old):
        """Compute, if it is due."""
        if not due.item():
            return old.copy()
        if not np.isfinite(matrix).all():
            raise NonFiniteError(
                "Shampoo: the sum of the products of gradients is not finite; lower the learning "
                "rate, or clip gradients with clip_norm"
            )
        values, vectors = np.linalg.eigh(matrix.astype(np.float64))
        scaled = vectors * np.maximum(values, self.floor) ** -self.power
        return (scaled @ vectors.T).astype(old.dtype)

    def spec(self, due, matrix, old):
        """Shape and dtype of ``old``."""
        return old.shape, old.dtype


@dataclass(frozen=True)
class ScaleByShampoo(OfMatrices):
    """``L = L + u u'``, ``R = R + u' u``; the update is ``L^(-1/4) u R^(-1/4)``.

    Both start at ``eps`` times the identity. Of kernels with more than two axes, those after the
    first are one. A side longer than ``largest`` is left out, and then the power is -1/2.

    Args:
        eps: over 0.
        every: updates between two computations of the roots; the first has one.
        largest: side that has a matrix.
    Source:
        V. Gupta, T. Koren, Y. Singer, "Shampoo: Preconditioned Stochastic Tensor Optimization",
        2018, algorithm 1; ``every`` as in R. Anil et al., "Scalable Second Order Optimization for
        Deep Learning", 2020.
    """

    eps: float = 1e-4
    every: int = 1
    largest: int = 2048

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("eps", self.eps)
        check_whole("every", self.every)
        check_whole("largest", self.largest)

    def concerns(self, name: str, param: Variable) -> bool:
        """Whether it is a matrix, with a side that is not too long."""
        return super().concerns(name, param) and bool(sides(param, self.largest))

    def start(self, param: Variable) -> dict[str, Array]:
        """``left`` and ``right``, and their roots."""
        real_numbers("Shampoo", param)
        made: dict[str, Array] = {}
        for side, n in sides(param, self.largest).items():
            made[side] = self.eps * np.eye(n, dtype=wide(param.dtype), like=param.data)
            made[f"{side}_root"] = np.zeros_like(made[side])
        return made

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Add to the sums, then multiply with their roots."""
        u = as_matrix(update)
        turned = sides(param, self.largest)
        root = InverseRoot(0.5 / len(turned), self.eps)
        due = host_array(param.data, lambda: float((step() - 1) % self.every == 0))
        made = u
        for side in turned:
            whole, kept = state[side], state[f"{side}_root"]
            whole.data += u @ u.T if side == "left" else u.T @ u
            kept.data = np.positive(root(due, whole.data, kept.data).data, out=kept.data)
            made = kept.data @ made if side == "left" else made @ kept.data
        return made.reshape(param.shape).astype(update.dtype, copy=False)


class Shampoo(Method):
    """AdaGrad with a matrix for each side of each matrix: see `ScaleByShampoo`. Vectors, and
    matrices that ``only`` leaves out, follow AdaGrad itself.

    Args:
        lr: the learning rate, a number of 0 or more or a schedule.
        momentum: from 0 to below 1, of what comes out.
        eps: over 0.
        every: updates between two computations of the roots, which cost the cube of a side.
        largest: side that has a matrix.
        only: which matrices: a glob, a function of (name, parameter), or None for all.
        weight_decay: ``weight_decay * W`` is added to the gradient.
        **common: see `Common`.
    """

    def __init__(
        self,
        lr: float | Schedule = 0.1,
        momentum: float = 0.0,
        eps: float = 1e-4,
        every: int = 1,
        largest: int = 2048,
        *,
        only: Filter = None,
        weight_decay: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(
            _shampoo,
            lr,
            common,
            weight_decay=weight_decay,
            momentum=momentum,
            eps=eps,
            every=every,
            largest=largest,
            only=only,
        )


def _shampoo(momentum: float, eps: float, every: int, largest: int, only: Filter) -> Any:
    matrices = ScaleByShampoo(only, eps, every, largest)
    links = (matrices, Others(matrices, ScaleByAdaGrad()))
    return (*links, AddMomentum(momentum)) if momentum else links
