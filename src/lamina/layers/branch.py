"""Residual, Parallel and Concatenate: steps around, and beside one another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core import Variable
from ..errors import ShapeError
from ..functions import concatenate
from ..functions.operand import as_integer, as_variable
from .container import Sequential


class Residual(Sequential):
    """``y = x + f_n(... f_1(f_0(x)))``: steps, and a way around them.

    Args:
        *steps: as in `Sequential`; together they keep the shape.
    Raises:
        ShapeError: at a call, if they do not.
    Example:
        >>> import numpy as np
        >>> import lamina.functions as F
        >>> from lamina.layers import Linear
        >>> Residual(Linear(8), F.tanh, Linear(4))(np.ones((3, 4), np.float32)).shape
        (3, 4)

    Source:
        K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", 2015,
        equation 1.
    """

    def forward(self, x: Any, **kwargs: Any) -> Variable:
        """``x`` to the same shape; keywords go to the first step."""
        v = as_variable(x, "Residual")
        y = super().forward(v, **kwargs)
        if y.shape != v.shape:
            raise ShapeError(
                f"Residual: the steps make {y.shape} of {v.shape}; they should keep it"
            )
        return v + y


class Parallel(Sequential):
    """``y_i = f_i(x)``: what each step makes of the same input, as a tuple.

    Args:
        *steps: Layers and functions.
    Example:
        >>> import numpy as np
        >>> from lamina.layers import Linear
        >>> mean, spread = Parallel(Linear(2), Linear(3))(np.ones((5, 4), np.float32))
        >>> mean.shape, spread.shape
        ((5, 2), (5, 3))
    """

    def forward(self, x: Any, **kwargs: Any) -> tuple[Any, ...]:
        """``x`` to the results of all steps; keywords go to each."""
        return tuple([step(x, **kwargs) for step in self])


class Concatenate(Parallel):
    """`Parallel`, with the results side by side along an axis, as in an Inception block.

    Args:
        *steps: Layers and functions.
        axis: along which; 1 for channels.
    Example:
        >>> import numpy as np
        >>> from lamina.layers import Conv2d, Identity
        >>> Concatenate(Identity(), Conv2d(8, 3, padding=1))(np.ones((1, 4, 5, 5))).shape
        (1, 12, 5, 5)

    Source:
        C. Szegedy and others, "Going Deeper with Convolutions", 2014, section 4.
    """

    def __init__(self, *steps: Callable[..., Any], axis: int = 1):
        self.axis = as_integer(axis, "Concatenate: axis")
        super().__init__(*steps)

    def forward(self, x: Any, **kwargs: Any) -> Variable:
        """``x`` to the results of all steps, side by side; keywords go to each."""
        return concatenate(super().forward(x, **kwargs), self.axis)
