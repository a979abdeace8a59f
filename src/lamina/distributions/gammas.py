"""Random numbers with a gamma distribution, that can be differentiated by its shape.

A draw X of shape a is ``G U**(1/a)`` with G of shape a + 1 and a uniform U: the logarithm of X does
not underflow for small a.

Source: G. Marsaglia and W. Tsang, "A Simple Method for Generating Gamma Variables", 2000.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Variable
from ..core.variable import Shape
from ..functions import broadcast_to, log
from ..functions.sample import draw
from .operator import DrawGamma


def log_gammas(a: Variable, shape: Shape, stream: str) -> Variable:
    """Logarithms of gamma draws of shape parameter ``a``, broadcast to ``shape``."""
    a = broadcast_to(a, shape)
    half = a.dtype == np.float16
    wide: Any = a.astype(np.float32) if half else a
    waited = draw("exponential", stream, shape, wide.dtype, wide.data)
    y = log(DrawGamma(stream)(wide + 1)) - waited / wide
    return y.astype(np.float16) if half else y
