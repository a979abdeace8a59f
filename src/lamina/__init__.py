"""lamina: a define-by-run deep-learning framework in readable Python.

The public names, in reading order.
"""

from . import (
    arrays,
    check,
    config,
    data,
    errors,
    functions,  # isort: split  (the operators register themselves on Variable)
    layers,
    optimizers,
    random,
)
from .arrays import from_dlpack
from .compiler import compile
from .config import current, no_grad, test_mode, using
from .core import Function, Variable, gradients
from .layers import Layer, Linear, Sequential
from .parameter import Buffer, Parameter
from .random import seed

__version__ = "0.1.0"
