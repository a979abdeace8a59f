"""lamina: a define-by-run deep-learning framework in readable Python.

The public names, in reading order.
"""

from . import arrays, config, errors, random
from .arrays import from_dlpack
from .config import current, no_grad, test_mode, using
from .core import Function, Variable, gradients
from .parameter import Buffer, Parameter
from .random import seed
from . import functions  # isort: split  (the operators register themselves on Variable)
from . import check, data, layers, optimizers
from .layers import Layer, Linear, Sequential

__version__ = "0.1.0"
