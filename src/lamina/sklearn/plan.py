"""What an estimator's words stand for: a network and an optimizer, made anew for each fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import isclass, signature
from typing import Any

import numpy as np

from .. import functions as F
from .. import optimizers as O
from ..config import using
from ..core import Variable
from ..errors import DTypeError, RangeError, ShapeError
from ..layers import Layer, Linear
from ..layers.initializers import he_normal, lecun_normal
from ..optimizers import Optimizer

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    name.lower(): kind
    for name in O.__all__
    if isclass(kind := getattr(O, name)) and issubclass(kind, O.Method)
}
OPTIMIZERS.pop("method", None)


class Hidden(Layer):
    """Linear layers of the given sizes with an activation between them.

    Args:
        sizes: of the outputs of each layer, the last of them those of the network.
        activation: between them, of one array.
        dtype: of the parameters.
    """

    def __init__(self, sizes: Sequence[int], activation: Callable[..., Any], dtype: Any):
        super().__init__()
        halves = activation in (F.relu, F.leaky_relu)  # He's rule makes up for it
        init = he_normal() if halves else lecun_normal()
        self.hidden = [Linear(size, dtype=dtype, init=init) for size in sizes[:-1]]
        self.last = Linear(sizes[-1], dtype=dtype)
        self.activation = activation

    def forward(self, x: Any) -> Variable:
        """(n, features) to (n, sizes[-1])"""
        for layer in self.hidden:
            x = self.activation(layer(x))
        return self.last(x)


@dataclass(frozen=True)
class Plan:
    """From what a network and its optimizer are made, and for which data.

    Args:
        who: the estimator's name, for messages.
        network: sizes of hidden layers, a Layer, or a function that makes one for so many outputs.
        activation: a name in `lamina.functions`, or a function; for sizes only.
        optimizer: a name, or an Optimizer that was not set up.
        learning_rate: of an optimizer given by name; None is its own.
        features: columns of X.
        outputs: columns of the result.
        dtype: of X.
    """

    who: str
    network: Any
    activation: Any
    optimizer: Any
    learning_rate: Any
    features: int
    outputs: int
    dtype: np.dtype[Any]

    def make(self) -> tuple[Layer, Optimizer]:
        """A network whose parameters have their numbers, and an optimizer that is set up.

        Raises:
            ShapeError: the network gives something else than (n, outputs).
            DTypeError: a word that stands for no network or optimizer.
        """
        network = self._network()
        with using(grad=False, train=False):
            y = network(np.zeros((2, self.features), self.dtype_of(network)))
        if getattr(y, "shape", None) != (2, self.outputs):
            got = f"shape {y.shape}" if isinstance(y, Variable) else type(y).__name__
            raise ShapeError(
                f"{self.who}: network should give ({2}, {self.outputs}) for {2} samples of "
                f"{self.features} features, one column for each class or target, got {got}"
            )
        return network, self._optimizer().setup(network)

    def dtype_of(self, network: Layer) -> np.dtype[Any]:
        """The dtype that a network computes in."""
        return next((p.dtype for p in network.params()), self.dtype)

    def _network(self) -> Layer:
        given = self.network
        if isinstance(given, Layer):
            return deepcopy(given)
        if isinstance(given, (int, np.integer)) and not isinstance(given, bool):
            given = (given,)
        if isinstance(given, (tuple, list, np.ndarray)):
            sizes = [_size(self.who, size) for size in given]
            activation = _activation(self.who, self.activation)
            return Hidden([*sizes, self.outputs], activation, self.dtype)
        made = given(self.outputs) if callable(given) else given
        if not isinstance(made, Layer):
            raise DTypeError(
                f"{self.who}: network should be sizes of hidden layers such as (100,), a Layer, or "
                f"a function that makes a Layer for so many outputs, got {made!r:.60}"
            )
        return made

    def _optimizer(self) -> Optimizer:
        given = self.optimizer
        if isinstance(given, str):
            kind = OPTIMIZERS.get(given.lower())
            if kind is None:
                near = get_close_matches(given.lower(), OPTIMIZERS, 1)
                hint = f"do you mean {near[0]!r}?" if near else f"there are {', '.join(OPTIMIZERS)}"
                raise RangeError(f"{self.who}: there is no optimizer {given!r}; {hint}")
            return kind() if self.learning_rate is None else kind(lr=self.learning_rate)
        if not isinstance(given, Optimizer) or signature(given.update).parameters:
            raise DTypeError(
                f"{self.who}: optimizer should be a name such as 'adam', or an Optimizer whose "
                f"update() takes nothing, got {given!r:.60}"
            )
        if self.learning_rate is not None:
            raise DTypeError(
                f"{self.who}: learning_rate is for an optimizer given by name; this one has its "
                f"own, {given.lr!r:.60}, got {self.learning_rate!r:.60}"
            )
        return deepcopy(given)


def _size(who: str, size: Any) -> int:
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise RangeError(
            f"{who}: network: the size of a hidden layer should be an integer of 1 or more, "
            f"got {size!r:.60}"
        )
    return int(size)


def _activation(who: str, given: Any) -> Callable[..., Any]:
    found = getattr(F, given, None) if isinstance(given, str) and given in F.__all__ else given
    if isinstance(found, str) or not callable(found):
        near = get_close_matches(str(given), F.__all__, 1)
        hint = f"; do you mean {near[0]!r}?" if near else ""
        raise RangeError(
            f"{who}: activation should be a name in lamina.functions such as 'relu', or a "
            f"function, got {given!r:.60}{hint}"
        )
    return found
