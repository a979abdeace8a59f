"""All operators, in one namespace: ``import lamina.functions as F``."""

# ruff: noqa: F403 (each family lists its public names in __all__, and a test reads them all)

from . import interop as interop
from .activation import *
from .activation import __all__ as _activation
from .arith import *
from .arith import __all__ as _arith
from .arrange import *
from .arrange import __all__ as _arrange
from .compare import *
from .compare import __all__ as _compare
from .einsum import *
from .einsum import __all__ as _einsum
from .entropy import *
from .entropy import __all__ as _entropy
from .index import *
from .index import __all__ as _index
from .join import *
from .join import __all__ as _join
from .label import *
from .label import __all__ as _label
from .linear import *
from .linear import __all__ as _linear
from .loss import *
from .loss import __all__ as _loss
from .noise import *
from .noise import __all__ as _noise
from .reduce import *
from .reduce import __all__ as _reduce
from .scan import *
from .scan import __all__ as _scan
from .shape import *
from .shape import __all__ as _shape
from .trig import *
from .trig import __all__ as _trig
from .unary import *
from .unary import __all__ as _unary

__all__ = [
    *_arith,
    *_compare,
    *_unary,
    *_trig,
    *_activation,
    *_reduce,
    *_scan,
    *_shape,
    *_join,
    *_arrange,
    *_index,
    *_label,
    *_linear,
    *_einsum,
    *_loss,
    *_entropy,
    *_noise,
]
