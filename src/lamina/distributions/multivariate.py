"""MultivariateNormal, and the triangular systems that it stands on."""

from __future__ import annotations

from math import e, log, pi
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Variable
from ..errors import RangeError, ShapeError
from ..functions import broadcast_to, diag_embed, diagonal, matmul, swapaxes, tril
from ..functions import log as ln
from ..functions.bound import floating
from .distribution import Distribution, above_0, outcomes
from .operator import LowerSolve

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class MultivariateNormal(Distribution):
    """Density ``e**(-‖z‖²/2) / ((2 pi)**(d/2) det L)`` with ``L z = x - loc``, the covariance L Lᵀ.

    Args:
        loc: (..., d), floating: the mean.
        cholesky: (..., d, d), floating: L; what is above its diagonal is not used, the diagonal is
            above 0.
        scale: in its place: (..., d), above 0: the diagonal of a diagonal L.
    Raises:
        ShapeError: if the shapes do not fit.
        RangeError: if a number of the diagonal is not above 0, or not one of both is given.
        DTypeError: if one is not floating.
    Example:
        >>> p = MultivariateNormal([0.0, 0.0], [[1.0, 0.0], [1.0, 2.0]])
        >>> p.covariance
        Variable([[1., 1.],
                  [1., 5.]], float64)
    """

    def __init__(
        self, loc: ArrayLike, cholesky: ArrayLike | None = None, *, scale: ArrayLike | None = None
    ):
        if (cholesky is None) == (scale is None):
            raise RangeError(f"{self.name}: give one of cholesky and scale")
        word = "cholesky" if scale is None else "scale"
        m = floating(loc, f"{self.name}: loc")
        s = floating(cholesky if scale is None else scale, f"{self.name}: {word}")
        axes = 2 if scale is None else 1
        fits = m.ndim and s.ndim >= axes and s.shape[-axes:] == m.shape[-1:] * axes
        try:
            shape = np.broadcast_shapes(m.shape[:-1], s.shape[:-axes])
        except ValueError:
            fits, shape = False, ()
        if not fits:
            rest = "d, d" if axes == 2 else "d"
            raise ShapeError(
                f"{self.name}: loc should be (..., d) and {word} (..., {rest}), got {m.shape} and "
                f"{s.shape}"
            )
        dtype = np.result_type(m.dtype, s.dtype)
        self.event = m.shape[-1:]
        super().__init__(shape, dtype)
        self.loc, s = m.astype(dtype), s.astype(dtype)
        self.cholesky = tril(s) if axes == 2 else None
        on_it = diagonal(s, axis1=-2, axis2=-1) if axes == 2 else s
        self.scale = above_0(on_it, f"{self.name}: the diagonal of {word}")

    @property
    def lower(self) -> Variable:
        """(..., d, d): L, also if it is diagonal."""
        return diag_embed(self.scale) if self.cholesky is None else self.cholesky

    @property
    def covariance(self) -> Variable:
        """(..., d, d): ``L Lᵀ``."""
        return matmul(self.lower, swapaxes(self.lower, -1, -2))

    def rsample(self, shape: Any = ()) -> Variable:
        """``loc + L z``."""
        z = self.drawn("normal", shape, self.loc)
        if self.cholesky is None:
            return z * self.scale + self.loc
        return matmul(self.cholesky, z.reshape(*z.shape, 1)).reshape(z.shape) + self.loc

    def log_prob(self, x: ArrayLike) -> Variable:
        """``-‖z‖²/2 - log det L - d log(2 pi) / 2``."""
        z = self.whitened(outcomes(x, self) - self.loc)
        return (z * z).sum(-1) * -0.5 - ln(self.scale).sum(-1) - 0.5 * self.event[0] * log(2 * pi)

    def whitened(self, d: Variable) -> Variable:
        """``L⁻¹ d``; d: (..., d)."""
        if self.cholesky is None:
            return d / self.scale
        y = LowerSolve()(self.cholesky, d.reshape(*d.shape, 1))
        return y.reshape(y.shape[:-1])

    def entropy(self) -> Variable:
        """``log det L + d log(2 pi e) / 2``."""
        return self.full(ln(self.scale).sum(-1) + 0.5 * self.event[0] * log(2 * pi * e))

    @property
    def mean(self) -> Variable:
        """``loc``."""
        return self._whole(self.loc)

    @property
    def variance(self) -> Variable:
        """(..., d): the diagonal of the covariance."""
        lower = self.cholesky
        return self._whole(self.scale**2 if lower is None else (lower**2).sum(-1))

    def _whole(self, y: Variable) -> Variable:
        whole = (*self.shape, *self.event)
        return y if y.shape == whole else broadcast_to(y, whole)
