"""Activations with options, as Layers; those without stand in a `Sequential` as functions."""

from __future__ import annotations

from dataclasses import dataclass

from .. import functions as F
from .checked import as_choice
from .plain import Plain

GELUS = {"exact": F.gelu, "tanh": F.gelu_tanh, "quick": F.gelu_quick}


class ReLU(Plain):
    """``max(x, 0)``: `lamina.functions.relu`, for who looks for it here."""

    apply = staticmethod(F.relu)


class Sigmoid(Plain):
    """``1 / (1 + exp(-x))``: `lamina.functions.sigmoid`."""

    apply = staticmethod(F.sigmoid)


class Tanh(Plain):
    """Hyperbolic tangent: `lamina.functions.tanh`."""

    apply = staticmethod(F.tanh)


class LogSigmoid(Plain):
    """``-log(1 + exp(-x))``: `lamina.functions.log_sigmoid`."""

    apply = staticmethod(F.log_sigmoid)


class Softsign(Plain):
    """``x / (1 + |x|)``: `lamina.functions.softsign`."""

    apply = staticmethod(F.softsign)


class SELU(Plain):
    """``scale max(x, alpha (exp(x) - 1))``, self-normalising: `lamina.functions.selu`."""

    apply = staticmethod(F.selu)


class ReLU6(Plain):
    """``min(max(x, 0), 6)``: `lamina.functions.relu6`."""

    apply = staticmethod(F.relu6)


class HardSigmoid(Plain):
    """``min(max(x + 3, 0), 6) / 6``: `lamina.functions.hard_sigmoid`."""

    apply = staticmethod(F.hard_sigmoid)


class SiLU(Plain):
    """``x sigmoid(x)``, also called Swish: `lamina.functions.silu`."""

    apply = staticmethod(F.silu)


class Mish(Plain):
    """``x tanh(softplus(x))``: `lamina.functions.mish`."""

    apply = staticmethod(F.mish)


class HardSwish(Plain):
    """``x min(max(x + 3, 0), 6) / 6``: `lamina.functions.hard_swish`."""

    apply = staticmethod(F.hard_swish)


@dataclass(eq=False, repr=False)
class LeakyReLU(Plain):
    """``x`` for x > 0, else ``slope x``: `lamina.functions.leaky_relu`.

    Args:
        slope: of the negative half.
    Raises:
        DTypeError: for what is no number.
    Example:
        >>> LeakyReLU(0.5)([-2.0, 2.0])
        Variable([-1.,  2.], float64)
        >>> LeakyReLU(0.5)
        LeakyReLU(slope=0.5)
    """

    apply = staticmethod(F.leaky_relu)
    slope: float = 0.01


@dataclass(eq=False, repr=False)
class ELU(Plain):
    """``x`` for x > 0, else ``alpha (exp(x) - 1)``: `lamina.functions.elu`.

    Args:
        alpha: what it tends to is ``-alpha``.
    """

    apply = staticmethod(F.elu)
    alpha: float = 1.0


@dataclass(eq=False, repr=False)
class CELU(Plain):
    """``x`` for x > 0, else ``alpha (exp(x / alpha) - 1)``: `lamina.functions.celu`.

    Args:
        alpha: above 0.
    """

    apply = staticmethod(F.celu)
    alpha: float = 1.0


@dataclass(eq=False, repr=False)
class GELU(Plain):
    """``x Φ(x)``, with the normal distribution's Φ, or close to it.

    Args:
        form: ``"exact"``: `lamina.functions.gelu`; ``"tanh"``: `lamina.functions.gelu_tanh`, as in
            GPT-2 and BERT's first code; ``"quick"``: `lamina.functions.gelu_quick`, as in CLIP.
    Raises:
        RangeError: for another form.
    Example:
        >>> GELU("tanh")
        GELU(form='tanh')
    """

    form: str = "exact"

    def __post_init__(self) -> None:
        as_choice(self.form, GELUS, "GELU: form")

    def forward(self, x):
        """``x`` of any shape, floating, to the same."""
        return GELUS[self.form](x)


@dataclass(eq=False, repr=False)
class Softplus(Plain):
    """``log(1 + exp(beta x)) / beta``, a smooth ReLU: `lamina.functions.softplus`.

    Args:
        beta: how sharp the bend is; not 0.
    """

    beta: float = 1.0

    def forward(self, x):
        """``x`` of any shape, floating, to the same."""
        return F.softplus(x) if self.beta == 1 else F.softplus(x * self.beta) / self.beta


@dataclass(eq=False, repr=False)
class Squareplus(Plain):
    """``(x + √(x² + b)) / 2``: `lamina.functions.squareplus`.

    Args:
        b: how round the bend is, 0 or more.
    """

    apply = staticmethod(F.squareplus)
    b: float = 4.0


@dataclass(eq=False, repr=False)
class HardTanh(Plain):
    """``x`` kept in [low, high]: `lamina.functions.hard_tanh`.

    Args:
        low: the smallest result.
        high: the largest.
    """

    apply = staticmethod(F.hard_tanh)
    low: float = -1.0
    high: float = 1.0


@dataclass(eq=False, repr=False)
class HardShrink(Plain):
    """``x``, but 0 for ``|x| <= limit``: `lamina.functions.hard_shrink`.

    Args:
        limit: 0 or more.
    """

    apply = staticmethod(F.hard_shrink)
    limit: float = 0.5


@dataclass(eq=False, repr=False)
class SoftShrink(Plain):
    """``sign(x) max(|x| - limit, 0)``: `lamina.functions.soft_shrink`.

    Args:
        limit: 0 or more.
    """

    apply = staticmethod(F.soft_shrink)
    limit: float = 0.5


@dataclass(eq=False, repr=False)
class Threshold(Plain):
    """``x`` for x > limit, else ``value``: `lamina.functions.threshold`.

    Args:
        limit: above it ``x`` stays.
        value: what stands for the rest.
    """

    apply = staticmethod(F.threshold)
    limit: float
    value: float = 0.0


@dataclass(eq=False, repr=False)
class CReLU(Plain):
    """``relu(x)`` and ``relu(-x)`` side by side, twice as long: `lamina.functions.crelu`.

    Args:
        axis: where; 1 for channels.
    """

    apply = staticmethod(F.crelu)
    axis: int = -1


@dataclass(eq=False, repr=False)
class Softmax(Plain):
    """``exp(x) / Σ exp(x)`` along an axis: `lamina.functions.softmax`.

    A loss takes scores, not these: `lamina.functions.softmax_cross_entropy`.

    Args:
        axis: the results along it sum to 1.
    """

    apply = staticmethod(F.softmax)
    axis: int = -1


@dataclass(eq=False, repr=False)
class LogSoftmax(Plain):
    """``x - log Σ exp(x)`` along an axis: `lamina.functions.log_softmax`.

    Args:
        axis: the exponentials along it sum to 1.
    """

    apply = staticmethod(F.log_softmax)
    axis: int = -1


@dataclass(eq=False, repr=False)
class Sparsemax(Plain):
    """The point of the simplex that is nearest to ``x``: `lamina.functions.sparsemax`.

    Args:
        axis: the results along it sum to 1, and many are 0.
    """

    apply = staticmethod(F.sparsemax)
    axis: int = -1


@dataclass(eq=False, repr=False)
class GLU(Plain):
    """Half of an axis, times the sigmoid of the other half: `lamina.functions.glu`.

    With the product of a matrix in front it is `GatedLinear`.

    Args:
        axis: of an even length, halved.
    """

    apply = staticmethod(F.glu)
    axis: int = -1
