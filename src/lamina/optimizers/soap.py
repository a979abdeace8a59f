"""SOAP: Adam in the eigenbasis of Shampoo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import numpy as np

from ..arrays import Array
from ..config import host
from ..core import Function, Variable
from ..errors import NonFiniteError
from .groups import Chain
from .matrix import OfMatrices, Others, as_matrix, host_array, rows_and_columns, sides
from .method import Common, Method
from .schedule import Schedule, check_whole
from .transformation import (
    Count,
    Filter,
    ScaleByAdam,
    State,
    below_one,
    positive,
    real_numbers,
    wide,
)


class Eigenbasis(Function):
    """Orthonormal columns near the eigenvectors of ``mean``: from ``old`` by one step of orthogonal
    iteration if ``due`` is 2, the eigenvectors of ``first`` if it is 1, ``old`` itself if it is 0.

    A kernel, because a compiled step cannot branch.
    """

    def forward(self, due, mean, first, old):
        """What is due."""
        kind = int(due.item())
        if not kind:
            return old.copy()
        matrix = first if kind == 1 else mean
        if not np.isfinite(matrix).all():
            raise NonFiniteError(
                "SOAP: the mean of the products of gradients is not finite; lower the learning "
                "rate, or clip gradients with clip_norm"
            )
        matrix = matrix.astype(np.float64)
        if kind == 1:
            # the largest first: orthogonal iteration turns each towards the first that are left
            return np.linalg.eigh(matrix)[1][:, ::-1].astype(old.dtype)
        return np.linalg.qr(matrix @ old)[0].astype(old.dtype)

    def spec(self, due, mean, first, old):
        """Shape and dtype of ``old``."""
        return old.shape, old.dtype


@dataclass(frozen=True)
class ScaleBySOAP(OfMatrices):
    """Adam on ``P' u Q``, turned back: ``P (m' / (sqrt(v) + eps)) Q'``, ``m' = P' m Q``, with both
    means corrected as in `ScaleByAdam`.

    ``P`` and ``Q`` are near the eigenvectors of ``L = b2 L + (1 - b2) u u'`` and of ``R``, with
    ``u' u``. At first they are those of ``u u'`` and ``u' u``; every ``every`` updates they follow
    by one step of orthogonal iteration. As in the authors' code, ``eps`` stands outside the root
    and biases are corrected, unlike in algorithm 3; but the first update is not left out. A side
    longer than ``largest`` is not turned. Where the first gradients had nothing, as with batches
    smaller than a side, roundings choose the basis: runs that differ by one drift apart.

    Args:
        beta1: of ``m``, from 0 to below 1.
        beta2: of ``v``, ``L`` and ``R``, from 0 to below 1.
        eps: over 0.
        every: updates between two steps of iteration.
        largest: side that has a basis.
    Source:
        N. Vyas et al., "SOAP: Improving and Stabilizing Shampoo using Adam", 2024, algorithms 3
        and 4.
    """

    beta1: float = 0.95
    beta2: float = 0.95
    eps: float = 1e-8
    every: int = 10
    largest: int = 2048

    def __post_init__(self) -> None:
        super().__post_init__()
        below_one("beta1", self.beta1)
        below_one("beta2", self.beta2)
        positive("eps", self.eps)
        check_whole("every", self.every)
        check_whole("largest", self.largest)

    def concerns(self, name: str, param: Variable) -> bool:
        """Whether it is a matrix, with a side that is not too long."""
        return super().concerns(name, param) and bool(sides(param, self.largest))

    def start(self, param: Variable) -> dict[str, Array]:
        """``m`` and ``v`` as matrices, the means ``left`` and ``right``, and their bases; zeros."""
        real_numbers("SOAP", param)
        like, dtype = param.data, wide(param.dtype)
        shapes = {key: rows_and_columns(param.shape) for key in ("m", "v")}
        for side, n in sides(param, self.largest).items():
            shapes |= {side: (n, n), f"{side}_basis": (n, n)}
        return {key: np.zeros_like(like, dtype, shape=shape) for key, shape in shapes.items()}

    def apply(self, update: Array, state: State, param: Variable, step: Count) -> Array:
        """Turn, scale, turn back; then take the update into the means of products."""
        u = as_matrix(update)
        due = host_array(param.data, lambda: self._due(step()))
        for side in sides(param, self.largest):
            mean, basis = state[side], state[f"{side}_basis"]
            product = u @ u.T if side == "left" else u.T @ u
            made = Eigenbasis()(due, mean.data, product, basis.data).data
            basis.data = np.positive(made, out=basis.data)
            mean.data *= self.beta2
            mean.data += (1 - self.beta2) * product
        m, v = state["m"], state["v"]
        m.data *= self.beta1
        m.data += (1 - self.beta1) * u
        turned = self._turned(u, state)
        v.data *= self.beta2
        v.data += (1 - self.beta2) * turned * turned
        scale = np.sqrt(v.data / host(lambda: 1 - self.beta2 ** step())) + self.eps
        mean = self._turned(m.data, state) / host(lambda: 1 - self.beta1 ** step())
        made = self._turned(mean / scale, state, back=True)
        return made.reshape(param.shape).astype(update.dtype, copy=False)

    def _due(self, t: int) -> float:
        return 1.0 if t == 1 else 2.0 * ((t - 1) % self.every == 0)

    def _turned(self, x: Array, state: State, back: bool = False) -> Array:
        """``P' x Q``, or back, ``P x Q'``."""
        if "left" in state:
            basis = state["left_basis"].data
            x = (basis if back else basis.T) @ x
        if "right" in state:
            basis = state["right_basis"].data
            x = x @ (basis.T if back else basis)
        return x


class SOAP(Method):
    """Adam in the basis in which Shampoo's matrices are nearly diagonal: see `ScaleBySOAP`.
    Vectors, and matrices that ``only`` leaves out, follow Adam itself.

    Args:
        lr: the learning rate, a number of 0 or more or a schedule.
        beta1: of the mean of gradients, from 0 to below 1.
        beta2: of squares and products, from 0 to below 1.
        eps: over 0.
        every: updates between two changes of the bases.
        largest: side that has a basis.
        only: which matrices: a glob, a function of (name, parameter), or None for all.
        weight_decay: decoupled, in units of ``lr``.
        **common: see `Common`.
    """

    def __init__(
        self,
        lr: float | Schedule = 0.003,
        beta1: float = 0.95,
        beta2: float = 0.95,
        eps: float = 1e-8,
        every: int = 10,
        *,
        largest: int = 2048,
        only: Filter = None,
        weight_decay: float = 0.01,
        **common: Unpack[Common],
    ):
        super().__init__(
            _soap,
            lr,
            common,
            weight_decay=weight_decay,
            decoupled=True,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            every=every,
            largest=largest,
            only=only,
        )


def _soap(beta1: float, beta2: float, eps: float, every: int, largest: int, only: Filter) -> Chain:
    matrices = ScaleBySOAP(only, beta1, beta2, eps, every, largest)
    return matrices, Others(matrices, ScaleByAdam(beta1, beta2, eps))
