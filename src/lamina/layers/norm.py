"""LayerNorm and BatchNorm: inputs brought to mean 0 and variance 1."""

# pyright: reportPrivateUsage=false
# (a Statistic is a Variable that has no numbers at first)

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..arrays import DType, to_device
from ..config import current
from ..core import Variable
from ..core.variable import Shape
from ..errors import RangeError, ShapeError, UninitializedError
from ..functions import fixed_batch_norm, layer_norm
from ..functions.bound import positive
from ..functions.norm import affine, batch_axes, standardized
from ..functions.operand import as_variable
from ..parameter import Buffer, Parameter
from .checked import as_floating, as_input, as_size
from .initializers import ones
from .layer import Layer
from .options import bias_unless, shown_rest


class LayerNorm(Layer):
    """``y = gamma (x - mean) / √(variance + eps) + beta``, mean and variance over the last axes of
    each sample. gamma starts at 1, beta at 0.

    A layer computes in its own dtype: ``x`` is cast to it. float16 is computed in float32.

    Args:
        size: length of the last axis, or a tuple of those of several last axes; None learns that
            of the last axis at the first call.
        eps: a positive number.
        dtype: of the parameters, floating.
        nobias: True leaves ``beta`` out; then ``beta`` is None.
    Raises:
        RangeError: a size that is not a positive integer.
        DTypeError: ``nobias`` that is not a bool, or a ``dtype`` that is not floating.
    Example:
        >>> layer = LayerNorm()
        >>> layer(np.ones((2, 5, 4), np.float32)).shape
        (2, 5, 4)
        >>> layer
        LayerNorm(4)

    Source:
        J. Ba, J. Kiros and G. Hinton, "Layer Normalization", 2016, equation 4.
    """

    def __init__(
        self,
        size: int | tuple[int, ...] | None = None,
        eps: float = 1e-5,
        dtype: Any = np.float32,
        *,
        nobias: bool = False,
    ):
        super().__init__()
        given = size if isinstance(size, (tuple, list)) else (size,)
        shape = tuple([n if n is None else as_size(n, "LayerNorm: size") for n in given])
        self.eps = positive(eps, "LayerNorm: eps")
        dtype = as_floating(dtype, "LayerNorm")
        self.gamma = Parameter(None, name="gamma", shape=shape, dtype=dtype, init=ones())
        self.beta = bias_unless(nobias, "LayerNorm", "beta", shape, dtype)

    def forward(self, x: Any) -> Variable:
        """``x: (..., *size)`` to the same shape, in the dtype of ``gamma``."""
        x = as_input(x, self.gamma.dtype, "LayerNorm")
        if self.gamma.state == "lazy" and (not x.shape or x.shape[-1] == 0):
            raise ShapeError(
                f"LayerNorm: x should have a last axis of length 1 or more, got shape {x.shape}"
            )
        size = x.shape[-1:] if self.gamma.state == "lazy" else self.gamma.shape
        if x.shape[-len(size) :] != size:
            raise ShapeError(f"LayerNorm: last axes of x should be {size}, got shape {x.shape}")
        _learn(self, size)
        return layer_norm(x, self.gamma, self.beta, tuple(range(-len(size), 0)), self.eps)

    def describe(self) -> str:
        known = self.gamma.state != "lazy"
        size = ", ".join(map(str, self.gamma.shape)) if known else "?"
        size = f"({size})" if known and self.gamma.ndim > 1 else size
        eps = f", eps={self.eps:g}" if self.eps != 1e-5 else ""
        return size + eps + shown_rest(self.gamma.dtype, self.beta)


class BatchNorm(Layer):
    """``y = gamma (x - mean) / √(variance + eps) + beta``, for each channel, which are axis 1.

    In training, mean and variance are those of the batch, over all axes but 1, and the running
    statistics move towards them; in prediction (``train(False)``, ``test_mode()``) the running
    statistics are used. gamma starts at 1, beta and the running mean at 0, the running variance
    at 1.

    The convention is PyTorch's: ``running = (1 - momentum) running + momentum batch``, and the
    variance that goes in is the unbiased one, divided by n - 1, while the batch itself is divided
    by n. Chainer's and Keras's ``decay`` is ``1 - momentum``.

    The running statistics are Buffers, ``mean`` and ``variance``: saved, but neither trained nor
    decayed. They are float32 for a float16 layer, which computes in float32.

    Args:
        size: how many channels; None learns it at the first call.
        momentum: the weight of a new batch, in [0, 1].
        eps: a positive number.
        dtype: of the parameters, floating; ``x`` is cast to it.
        nobias: True leaves ``beta`` out; then ``beta`` is None.
    Raises:
        RangeError: a size that is not a positive integer, or ``momentum`` outside [0, 1].
        DTypeError: ``nobias`` that is not a bool, or a ``dtype`` that is not floating.
    Example:
        >>> layer = BatchNorm()
        >>> layer(np.array([[1.0], [3.0]], np.float32)).data.round(3).tolist()
        [[-1.0], [1.0]]
        >>> layer.mean, layer.variance  # 0.1 of 2, and 0.9 + 0.1 of 2
        (Statistic([0.2], float32, name='mean'), Statistic([1.1], float32, name='variance'))

    Source:
        S. Ioffe and C. Szegedy, "Batch Normalization: Accelerating Deep Network Training by
        Reducing Internal Covariate Shift", 2015, algorithms 1 and 2.
    """

    def __init__(
        self,
        size: int | None = None,
        momentum: float = 0.1,
        eps: float = 1e-5,
        dtype: Any = np.float32,
        *,
        nobias: bool = False,
    ):
        super().__init__()
        if not 0 <= momentum <= 1:
            raise RangeError(f"BatchNorm: momentum should be from 0 to 1, got {momentum!r}")
        self.momentum = float(momentum)
        self.eps = positive(eps, "BatchNorm: eps")
        shape = (None if size is None else as_size(size, "BatchNorm: size"),)
        dtype = as_floating(dtype, "BatchNorm")
        wide = np.result_type(dtype, np.float32)
        self.gamma = Parameter(None, name="gamma", shape=shape, dtype=dtype, init=ones())
        self.beta = bias_unless(nobias, "BatchNorm", "beta", shape, dtype)
        self.mean = Statistic(0.0, shape, wide, "mean")
        self.variance = Statistic(1.0, shape, wide, "variance")

    def forward(self, x: Any) -> Variable:
        """``x: (n, channels, ...)`` to the same shape, in the dtype of ``gamma``."""
        x = as_variable(as_input(x, self.gamma.dtype, "BatchNorm"), "BatchNorm")
        axes = batch_axes(x, "BatchNorm")
        channels = x.shape[1:2]
        lazy = self.gamma.state == "lazy"
        if channels == (0,) if lazy else channels != self.gamma.shape:
            expected = "1 or more" if lazy else self.gamma.shape[0]
            raise ShapeError(f"BatchNorm: axis 1 of x should be {expected}, got shape {x.shape}")
        _learn(self, channels)
        if not current().train:
            return fixed_batch_norm(x, self.mean, self.variance, self.gamma, self.beta, self.eps)
        count = prod([x.shape[i] for i in axes])
        if count == 1:
            raise ShapeError(
                f"BatchNorm: training needs more than one number a channel, got shape {x.shape}"
            )
        y, mean, variance = standardized(x, axes, self.eps, "BatchNorm")
        self._follow(mean, variance, count)
        return affine(y, self.gamma, self.beta, (1,), x.dtype, "BatchNorm")

    def _follow(self, mean: Variable, variance: Variable, count: int) -> None:
        """Move the running statistics towards those of a batch."""
        old, new = 1 - self.momentum, self.momentum
        shape = self.gamma.shape
        self.mean.data = self.mean.data * old + mean.data.reshape(shape) * new
        new *= count / (count - 1)
        self.variance.data = self.variance.data * old + variance.data.reshape(shape) * new

    def describe(self) -> str:
        size = "?" if self.gamma.state == "lazy" else str(self.gamma.shape[0])
        momentum = f", momentum={self.momentum:g}" if self.momentum != 0.1 else ""
        eps = f", eps={self.eps:g}" if self.eps != 1e-5 else ""
        return size + momentum + eps + shown_rest(self.gamma.dtype, self.beta)


class Statistic(Buffer):
    """A Buffer that may get its shape later, and then holds one number everywhere.

    Args:
        start: that number.
        shape: None stands for a length that is learnt later.
        dtype: floating.
        name: shown in messages.
    """

    __slots__ = ("_device", "_dtype", "owner", "pattern", "start")

    def __init__(self, start: float, shape: tuple[int | None, ...], dtype: DType, name: str):
        self._start(None, name)
        self.start, self.pattern, self._dtype, self._device = start, shape, dtype, "cpu"
        self.owner: Any = None
        self.forget()

    @property
    def state(self) -> str:
        """``"lazy"`` or ``"ready"``."""
        return "lazy" if self._data is None else "ready"

    def plan(self, shape: Shape) -> None:
        """Get a shape, and numbers."""
        self._data = to_device(np.full(shape, self.start, self._dtype), self._device)

    def admits(self, shape: Shape) -> bool:
        """Whether ``shape`` agrees with what is known of the shape."""
        return len(shape) == len(self.pattern)

    def forget(self) -> None:
        """Become what it was when it was made."""
        self._data = None
        if None not in self.pattern:
            self.plan(self.pattern)  # pyright: ignore[reportArgumentType]

    def _known(self) -> Any:
        if self._data is None:
            raise UninitializedError(
                f"{self._name} is uninitialised: its shape is learnt at the first call; call the "
                "model once, or model.build(shape)"
            )
        return self.data

    @property
    def shape(self) -> Shape:
        """The shape.

        Raises:
            UninitializedError: while it is lazy.
        """
        return self._known().shape

    @property
    def dtype(self) -> DType:
        """Of the numbers, there or not."""
        return self._dtype if self._data is None else self._data.dtype

    @property
    def device(self) -> str:
        """Where they lie, or will."""
        return self._device

    def _to(self, device: str) -> Variable:
        to_device(np.zeros(0), device)  # a missing GPU is an error now, not at the first call
        self._device = device
        return super()._to(device)

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {
            "start": self.start,
            "pattern": self.pattern,
            "dtype": self._dtype,
            "device": self._device,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._start(state["data"], state["name"])
        self.start, self.pattern = state["start"], state["pattern"]
        self._dtype, self._device = state["dtype"], state["device"]
        self.owner = None


def _learn(layer: Layer, shape: Shape) -> None:
    """Give what is lazy its shape; not always all: a file may have had a part."""
    held: Any = (*layer.params(), *layer.buffers())
    for variable in held:
        if variable.state == "lazy":
            layer.initialize(variable, shape)
