"""WeightNorm and SpectralNorm: around a layer, whose ``W`` is computed anew at each call."""

# pyright: reportPrivateUsage=false
# (a Direction is a Variable that has no numbers at first)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import functions as F
from ..arrays import to_device, to_numpy
from ..config import current
from ..core import Variable
from ..core.variable import Shape
from ..errors import RegistrationError
from ..functions.operand import as_variable
from ..parameter import Parameter
from .bilinear import Bilinear
from .checked import as_input, as_number, as_size
from .conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .layer import Layer
from .linear import Linear
from .norm import Statistic

TRANSPOSED = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)


class _Around(Layer):
    """A layer with one weight, and what is made of that."""

    def __init__(self, layer: Layer):
        super().__init__()
        name = type(self).__name__
        W = getattr(layer, "W", None) if isinstance(layer, Layer) else None
        if not isinstance(W, Parameter) or isinstance(layer, Bilinear):
            raise RegistrationError(
                f"{name}: should stand around a layer with a Parameter W, such as Linear or "
                f"Conv2d, got {layer!r:.60}"
            )
        self.layer = layer
        self.axis = -1 if isinstance(layer, Linear) else 1 if isinstance(layer, TRANSPOSED) else 0

    def _known(self, x: Any) -> tuple[Variable, Parameter]:
        """``x`` in the layer's dtype, and the weight, which has a shape now."""
        W: Parameter = vars(self.layer)["W"]
        if W.state == "lazy":
            self.layer.build(x)
        name = type(self).__name__
        return as_variable(as_input(x, W.dtype, name), name), W

    def _with(self, W: Variable, x: Variable) -> Variable:
        """What the layer makes of ``x`` with this weight: a double of it runs, that holds it."""
        double = type(self.layer).__new__(type(self.layer))
        vars(double).update(vars(self.layer), W=W)
        return double.forward(x)


class WeightNorm(_Around):
    """A layer whose weight is ``W = g v / ‖v‖``, direction and length apart, one length an output.

    The layer's own Parameter ``W`` is v; ``g: (outputs,)`` starts at ‖v‖, so that nothing changes
    at first.

    Args:
        layer: one with a Parameter ``W``: `Linear`, a convolution or its transpose.
    Raises:
        RegistrationError: for something else.
    Example:
        >>> from lamina.layers import Linear
        >>> layer = WeightNorm(Linear(3))
        >>> layer(np.ones((2, 4), np.float32)).shape
        (2, 3)
        >>> [path for path, _ in layer.named_params()]
        ['layer/W', 'layer/b', 'g']

    Source:
        T. Salimans, D. Kingma, "Weight Normalization: A Simple Reparameterization to Accelerate
        Training of Deep Neural Networks", 2016, equation 2.
    """

    def __init__(self, layer: Layer):
        super().__init__(layer)
        W: Parameter = vars(layer)["W"]
        length = None if W.state == "lazy" else W.shape[self.axis]  # then v can be drawn
        init = _LengthsOf(layer, self.axis)
        self.g = Parameter(None, name="g", shape=(length,), dtype=W.dtype, init=init)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.g._init = _LengthsOf(self.layer, self.axis)  # a copy measures its own weight

    def forward(self, x: Any) -> Variable:
        """As the layer."""
        v, W = self._known(x)
        if self.g.state == "lazy":
            self.initialize(self.g, (W.shape[self.axis],))
        return self._with(F.weight_norm(W, self.g, self.axis), v)


@dataclass(frozen=True)
class _LengthsOf:
    """The norm of each output's weights, over all other axes."""

    layer: Layer
    axis: int

    def __call__(self, shape: Shape, dtype: Any, generator: Any) -> Any:
        W = np.moveaxis(to_numpy(vars(self.layer)["W"].data), self.axis, 0).reshape(*shape, -1)
        return np.sqrt((W.astype(np.float64) ** 2).sum(1)).astype(dtype)


class SpectralNorm(_Around):
    """A layer whose weight is ``W / σ``, with the largest singular value σ of W as a matrix of
    (all others, outputs): it changes no length by more than 1, however W is trained.

    σ is estimated by power iteration from the Buffer ``u: (outputs,)``, which is kept from step to
    step: see `lamina.functions.spectral_norm`. In prediction ``u`` stays.

    Args:
        layer: one with a Parameter ``W``: `Linear`, a convolution or its transpose.
        iterations: how many at each call, 1 or more; the more, the better the estimate at first.
        eps: what a length is at least, above 0.
    Raises:
        RegistrationError: for something else than such a layer.
        RangeError: if an option is outside its range.
    Example:
        >>> from lamina.layers import Linear
        >>> layer = SpectralNorm(Linear(3, nobias=True), iterations=50)
        >>> bool((layer(np.eye(4, dtype=np.float32)).data ** 2).sum(1).max() <= 1.001)
        True

    Source:
        T. Miyato, T. Kataoka, M. Koyama, Y. Yoshida, "Spectral Normalization for Generative
        Adversarial Networks", 2018, algorithm 1.
    """

    def __init__(self, layer: Layer, iterations: int = 1, eps: float = 1e-12):
        super().__init__(layer)
        self.iterations = as_size(iterations, "SpectralNorm: iterations")
        self.eps = as_number(eps, "SpectralNorm: eps")
        W: Parameter = vars(layer)["W"]
        length = None if W.pattern is None else W.pattern[self.axis]
        self.u = Direction((length,), np.result_type(W.dtype, np.float32), "u")

    def forward(self, x: Any) -> Variable:
        """As the layer."""
        v, W = self._known(x)
        if self.u.state == "lazy":
            self.initialize(self.u, (W.shape[self.axis],))  # pyright: ignore[reportArgumentType]
        y, u = F.spectral_norm(W, self.u, self.axis, iterations=self.iterations, eps=self.eps)
        if current().train:
            self.u.data = u.data.astype(self.u.dtype)
        return self._with(y, v)


class Direction(Statistic):
    """A Buffer that starts at numbers of a normal distribution, always the same: nearly any vector
    will do to begin a power iteration.
    """

    __slots__ = ()

    def __init__(self, shape: tuple[int | None, ...], dtype: Any, name: str):
        super().__init__(0.0, shape, dtype, name)

    def plan(self, shape: Shape) -> None:
        """Get a shape, and numbers."""
        numbers = np.random.default_rng(0).standard_normal(shape).astype(self._dtype)
        self._data = to_device(numbers, self._device)
