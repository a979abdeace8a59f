"""How parameters start: ``init(shape, dtype, generator)`` draws an array in exactly that dtype.

Each function below gives a small frozen dataclass that is such an ``init``; it compares, hashes and
prints. float32 is drawn in float32, so nothing larger than the result is ever made; float16 is
drawn in float32 and then cast (NumPy draws no float16). Only `orthogonal` computes in float64.

Which axes count as inputs and which as outputs (`fans`): ``(in, out)`` for the matrix of a
`Linear`; ``(out, in, *kernel)``, the kernel of a convolution, for three axes or more. The kernel of
a transposed convolution, ``(in, out, *kernel)``, takes the other mode, ``"fan_out"`` for inputs.

=====================  ============================  ====================================
name                   standard deviation            source
=====================  ============================  ====================================
``lecun_*``            ``gain / sqrt(fan_in)``       LeCun, Bottou, Orr, Müller 1998, §4.6
``glorot_*, xavier_*`` ``gain / sqrt(fan_avg)``      Glorot, Bengio 2010, eq. 12 and 16
``he_*``               ``gain / sqrt(fan_in)``,      He, Zhang, Ren, Sun 2015, eq. 10
                       gain ``sqrt(2)``
=====================  ============================  ====================================

What some programs call Xavier, ``randn(in, out) * sqrt(1 / in)``, is LeCun's rule; Xavier Glorot's
divides by the mean of both fans.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array, DType
from ..errors import DTypeError, RangeError, ShapeError
from ..parameter import Initializer as Initializer

Shape = tuple[int, ...]

MODES = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("normal", "uniform", "truncated_normal")

TRUNCATED_STD = 0.87962566103423978
"""Standard deviation of a standard normal variable that is kept within [-2, 2].

``sqrt(1 - 4 φ(2) / (2 Φ(2) - 1))``. Source: Johnson, Kotz, Balakrishnan, *Continuous Univariate
Distributions* vol. 1, 1994, chapter 13, section 10.1."""


@dataclass(frozen=True)
class Constant:
    """``w = value`` everywhere."""

    value: float

    def __post_init__(self) -> None:
        _finite("constant", value=self.value)

    def __call__(self, shape: Shape, dtype: Any, generator: np.random.Generator) -> Array:
        """Args and result as every initializer has them; nothing is drawn."""
        return np.full(shape, self.value, _floating("constant", dtype))


@dataclass(frozen=True)
class Normal:
    """``w ~ N(0, std²)``; if ``truncated``, what lies beyond two sigma is drawn again."""

    std: float
    truncated: bool = False

    def __post_init__(self) -> None:
        _finite("normal", std=self.std)
        if self.std < 0:
            raise RangeError(f"normal: std should be 0 or more, got {self.std}")

    def __call__(self, shape: Shape, dtype: Any, generator: np.random.Generator) -> Array:
        """Draw: see the module."""
        target = _floating("normal", dtype)
        w = generator.standard_normal(shape, dtype=_drawn_in(target))
        if self.truncated:
            _redraw_tails(w, generator)
        w *= self.std / TRUNCATED_STD if self.truncated else self.std
        return w.astype(target, copy=False)


@dataclass(frozen=True)
class Uniform:
    """``w ~ U[low, high]``; rounding may reach ``high`` itself."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _finite("uniform", low=self.low, high=self.high)
        if self.low > self.high:
            raise RangeError(f"uniform: low {self.low} should not be above high {self.high}")

    def __call__(self, shape: Shape, dtype: Any, generator: np.random.Generator) -> Array:
        """Draw: see the module."""
        target = _floating("uniform", dtype)
        w = generator.random(shape, dtype=_drawn_in(target))
        w *= self.high - self.low
        w += self.low
        return w.astype(target, copy=False)


@dataclass(frozen=True)
class VarianceScaling:
    """``std = gain / sqrt(fan)``, with the fan that ``mode`` names."""

    gain: float = 1.0
    mode: str = "fan_in"
    distribution: str = "normal"

    def __post_init__(self) -> None:
        _finite("variance_scaling", gain=self.gain)
        if self.gain <= 0:
            raise RangeError(f"variance_scaling: gain should be above 0, got {self.gain}")
        _one_of("mode", self.mode, MODES)
        _one_of("distribution", self.distribution, DISTRIBUTIONS)

    def __call__(self, shape: Shape, dtype: Any, generator: np.random.Generator) -> Array:
        """Draw: see the module.

        Raises:
            ShapeError: fewer than two axes, or one of length 0.
        """
        return self.of(shape)(shape, dtype, generator)

    def of(self, shape: Shape) -> Normal | Uniform:
        """What is drawn from for one shape.

        Example:
            >>> lecun_normal().of((100, 10))
            Normal(std=0.1, truncated=False)
        """
        fan_in, fan_out = fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        std = self.gain / math.sqrt(fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3) * std  # U[-a, a] has the variance a² / 3
            return Uniform(-limit, limit)
        return Normal(std, truncated=self.distribution == "truncated_normal")


@dataclass(frozen=True)
class Orthogonal:
    """``w.T @ w = gain² I`` for a matrix with no fewer rows than columns, else ``w @ w.T``."""

    gain: float = 1.0

    def __post_init__(self) -> None:
        _finite("orthogonal", gain=self.gain)

    def __call__(self, shape: Shape, dtype: Any, generator: np.random.Generator) -> Array:
        """Draw: see `orthogonal`.

        Raises:
            ShapeError: fewer than two axes, or one of length 0.
        """
        target = _floating("orthogonal", dtype)
        fans(shape)  # for its checks
        rows, columns = shape[0], math.prod(shape[1:])
        tall = generator.standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(tall)
        q *= np.where(np.diagonal(r) < 0, -self.gain, self.gain)
        q = (q if rows >= columns else q.T).reshape(shape)
        return np.ascontiguousarray(q, target)  # Q comes with its columns in order


def constant(value: float) -> Constant:
    """``value`` everywhere.

    Args:
        value: a finite number.
    Raises:
        RangeError: if it is not finite.
    Example:
        >>> constant(0.5)((2,), np.float32, np.random.default_rng(0))
        array([0.5, 0.5], dtype=float32)
    """
    return Constant(value)


def zeros() -> Constant:
    """0 everywhere: the usual start of a bias."""
    return Constant(0.0)


def ones() -> Constant:
    """1 everywhere: the usual start of a scale."""
    return Constant(1.0)


def normal(std: float = 0.01) -> Normal:
    """``N(0, std²)``, whatever the shape.

    Raises:
        RangeError: if ``std`` is negative or not finite.
    """
    return Normal(std)


def truncated_normal(std: float = 0.01) -> Normal:
    """A normal distribution cut at two sigma whose standard deviation is ``std`` *after* the cut.

    The cut lies at ``± 2 std / 0.8796``. Keras and JAX correct for the cut in the same way in their
    variance scaling; PyTorch's ``trunc_normal_`` does not, and gives 12 % less than it is asked.

    Raises:
        RangeError: if ``std`` is negative or not finite.
    """
    return Normal(std, truncated=True)


def uniform(low: float = -0.05, high: float = 0.05) -> Uniform:
    """``U[low, high]``, whatever the shape.

    Raises:
        RangeError: if ``low`` is above ``high``, or one is not finite.
    """
    return Uniform(low, high)


def variance_scaling(
    scale: float = 1.0, mode: str = "fan_in", distribution: str = "normal"
) -> VarianceScaling:
    """Variance ``scale / fan``: the family that LeCun, Glorot and He belong to.

    Args:
        scale: the variance times the fan: ``gain ** 2``.
        mode: ``"fan_in"``, ``"fan_out"`` or ``"fan_avg"``, their mean.
        distribution: ``"normal"``, ``"uniform"`` or ``"truncated_normal"``; all have that variance.
    Raises:
        RangeError: if ``scale`` is not above 0, or a name is unknown.
    Example:
        >>> variance_scaling(2.0, "fan_out", "uniform").of((5, 6))
        Uniform(low=-1.0, high=1.0)
    """
    _finite("variance_scaling", scale=scale)
    if scale <= 0:
        raise RangeError(f"variance_scaling: scale should be above 0, got {scale}")
    return VarianceScaling(math.sqrt(scale), mode, distribution)


def lecun_normal(gain: float = 1.0, truncated: bool = False) -> VarianceScaling:
    """``N(0, gain² / fan_in)``: keeps the variance of a linear layer's input.

    Chainer's and PyTorch's normal rules are not cut, as here; those of Keras and JAX are cut at two
    sigma, as with ``truncated=True``.

    Args:
        gain: see `gain_for`.
        truncated: draw again what lies beyond two sigma; the variance is the same.
    Source: Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, "Efficient BackProp", 1998, section 4.6.
    """
    return VarianceScaling(gain, "fan_in", _cut(truncated))


def lecun_uniform(gain: float = 1.0) -> VarianceScaling:
    """``U[-a, a]``, ``a = gain sqrt(3 / fan_in)``; see `lecun_normal`."""
    return VarianceScaling(gain, "fan_in", "uniform")


def glorot_normal(gain: float = 1.0, truncated: bool = False) -> VarianceScaling:
    """``N(0, 2 gain² / (fan_in + fan_out))``: between keeping activations and keeping gradients.

    Args:
        gain: see `gain_for`.
        truncated: as in `lecun_normal`.
    Source: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010, eq. 12.
    """
    return VarianceScaling(gain, "fan_avg", _cut(truncated))


def glorot_uniform(gain: float = 1.0) -> VarianceScaling:
    """``U[-a, a]``, ``a = gain sqrt(6 / (fan_in + fan_out))``: eq. 16 of `glorot_normal`."""
    return VarianceScaling(gain, "fan_avg", "uniform")


xavier_normal = glorot_normal
xavier_uniform = glorot_uniform


def he_normal(
    gain: float = math.sqrt(2), mode: str = "fan_in", truncated: bool = False
) -> VarianceScaling:
    """``N(0, gain² / fan)``: the rule for ReLU, whose gain is the default.

    ``gain`` replaces ``sqrt(2)``, as in PyTorch's Kaiming rules; Chainer's ``scale`` multiplies it.

    Args:
        gain: ``gain_for("leaky_relu", slope)`` for leaky ReLU.
        mode: ``"fan_out"`` keeps the size of gradients instead of that of activations.
        truncated: as in `lecun_normal`.
    Source: K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", 2015, eq. 10 and 14.
    """
    return VarianceScaling(gain, mode, _cut(truncated))


def he_uniform(gain: float = math.sqrt(2), mode: str = "fan_in") -> VarianceScaling:
    """``U[-a, a]``, ``a = gain sqrt(3 / fan)``; see `he_normal`."""
    return VarianceScaling(gain, mode, "uniform")


def orthogonal(gain: float = 1.0) -> Orthogonal:
    """A random orthogonal matrix times ``gain``, every one equally likely.

    More than two axes are seen as a matrix of the first axis by all others. Drawn and computed in
    float64, as NumPy's QR does for every dtype: a float32 result is orthogonal to its own rounding,
    at the price of some float64 matrices of its size for a moment.

    Source: A. Saxe, J. McClelland, S. Ganguli, "Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks", 2014. The signs of R's diagonal are given to Q's
    columns, without which Q is not uniform: F. Mezzadri, "How to generate random matrices from the
    classical compact groups", 2007, section 5.
    """
    return Orthogonal(gain)


# By Gauss-Hermite quadrature of E[f(z)²]; the tests compute them anew.
_GAINS: dict[str, float] = {
    "linear": 1.0,
    "sigmoid": 1.8462285453386054,
    "tanh": 1.5925374197228301,
    "relu": math.sqrt(2),
    "elu": 1.2451983007007064,
    "selu": 1.0,
    "gelu": 1.5335304411955353,
    "silu": 1.6765324703310909,
}


def gain_for(nonlinearity: str, slope: float = 0.01) -> float:
    """The gain that undoes what a nonlinearity ``f`` takes: ``1 / sqrt(E[f(z)²])``, z ~ N(0, 1).

    The layer after ``f`` then sees inputs of the size that the layer before it saw. PyTorch has
    5/3 for tanh (1.59 here), 3/4 for SELU and 1 for sigmoid, which do not follow from this rule.

    Args:
        nonlinearity: ``linear``, ``sigmoid``, ``tanh``, ``relu``, ``leaky_relu``, ``elu``,
            ``selu``, ``gelu`` or ``silu``.
        slope: of leaky ReLU on the negative side; others ignore it.
    Raises:
        RangeError: for any other name.
    Source: He et al. 2015, eq. 7 to 10, where ``E[f(z)²]`` is 1/2 for ReLU and ``(1 + slope²) / 2``
    for leaky ReLU, eq. 15. SELU: G. Klambauer et al. 2017, which fixes it at 1.
    Example:
        >>> he_normal(gain_for("relu")) == he_normal()
        True
    """
    if nonlinearity == "leaky_relu":
        _finite("gain_for", slope=slope)
        return math.sqrt(2 / (1 + slope**2))
    _one_of("nonlinearity", nonlinearity, (*_GAINS, "leaky_relu"))
    return _GAINS[nonlinearity]


def fans(shape: Shape) -> tuple[int, int]:
    """How many inputs each output has, and how many outputs each input reaches.

    Args:
        shape: ``(in, out)``, or ``(out, in, *kernel)`` for three axes or more. In grouped
            convolutions ``in`` is the inputs of one group.
    Returns:
        ``(fan_in, fan_out)``: ``(in, out)``, or both times the size of the kernel.
    Raises:
        ShapeError: fewer than two axes, or one of length 0.
    Example:
        >>> fans((784, 100)), fans((32, 3, 5, 7))
        ((784, 100), (105, 1120))
    """
    if len(shape) < 2:
        raise ShapeError(
            f"fans: shape {tuple(shape)} should have two axes or more: (in, out) or "
            "(out, in, *kernel); for others use constant, normal(std) or uniform(low, high)"
        )
    if 0 in shape:
        raise ShapeError(
            f"fans: shape {tuple(shape)} has an axis of length 0, which leaves nothing to scale by"
        )
    if len(shape) == 2:
        return shape[0], shape[1]
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def _cut(truncated: bool) -> str:
    return "truncated_normal" if truncated else "normal"


def _redraw_tails(w: Array, generator: np.random.Generator) -> None:
    flat = w.reshape(-1)  # a view: w was just made
    far = np.flatnonzero(np.abs(flat) > 2)
    while far.size:  # one number in 22 is redrawn, so a handful of rounds
        again = generator.standard_normal(far.size, dtype=flat.dtype)
        flat[far] = again
        far = far[np.abs(again) > 2]


def _drawn_in(dtype: DType) -> Any:
    """The dtype that NumPy draws in: float32 for it and float16, else float64."""
    return np.float32 if dtype.itemsize <= 4 else np.float64


def _floating(name: str, dtype: Any) -> DType:
    target = np.dtype(dtype)
    if target.kind != "f":
        raise DTypeError(f"{name}: dtype should be real and floating, got {target}")
    return target


def _finite(name: str, **numbers: float) -> None:
    for word, value in numbers.items():
        if not isinstance(value, (int, float, np.number)) or not math.isfinite(value):
            raise RangeError(f"{name}: {word} should be a finite number, got {value!r}")


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise RangeError(f"{what} should be one of {', '.join(allowed)}, got {value!r}")
