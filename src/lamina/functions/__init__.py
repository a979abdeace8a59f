"""All operators, in one namespace: ``import lamina.functions as F``."""

# ruff: noqa: F403 (each family lists its public names in __all__, and a test reads them all)

from . import activation as _activation
from . import adaptive as _adaptive
from . import arith as _arith
from . import arrange as _arrange
from . import attention as _attention
from . import bessel as _bessel
from . import cell as _cell
from . import compare as _compare
from . import contrast as _contrast
from . import conv as _conv
from . import count as _count
from . import ctc as _ctc
from . import decompose as _decompose
from . import diagonal as _diagonal
from . import divergence as _divergence
from . import einsum as _einsum
from . import embed as _embed
from . import entropy as _entropy
from . import fourier as _fourier
from . import gamma as _gamma
from . import gate as _gate
from . import gauss as _gauss
from . import grid as _grid
from . import groupnorm as _groupnorm
from . import imaginary as _imaginary
from . import index as _index
from . import interop as interop
from . import inverse as _inverse
from . import join as _join
from . import label as _label
from . import length as _length
from . import linear as _linear
from . import loss as _loss
from . import margin as _margin
from . import mesh as _mesh
from . import noise as _noise
from . import norm as _norm
from . import normal as _normal
from . import order as _order
from . import pool as _pool
from . import position as _position
from . import product as _product
from . import rectifier as _rectifier
from . import recurrent as _recurrent
from . import reduce as _reduce
from . import regression as _regression
from . import resize as _resize
from . import sample as _sample
from . import scan as _scan
from . import scatter as _scatter
from . import segment as _segment
from . import segmentation as _segmentation
from . import separable as _separable
from . import sequence as _sequence
from . import shape as _shape
from . import shuffle as _shuffle
from . import simplex as _simplex
from . import special as _special
from . import squash as _squash
from . import statistic as _statistic
from . import stft as _stft
from . import trig as _trig
from . import unary as _unary
from . import unfold as _unfold
from .activation import *
from .adaptive import *
from .arith import *
from .arrange import *
from .attention import *
from .bessel import *
from .cell import *
from .compare import *
from .contrast import *
from .conv import *
from .count import *
from .ctc import *
from .decompose import *
from .diagonal import *
from .divergence import *
from .einsum import *
from .embed import *
from .entropy import *
from .fourier import *
from .gamma import *
from .gate import *
from .gauss import *
from .grid import *
from .groupnorm import *
from .imaginary import *
from .index import *
from .inverse import *
from .join import *
from .label import *
from .length import *
from .linear import *
from .loss import *
from .margin import *
from .mesh import *
from .noise import *
from .norm import *
from .normal import *
from .order import *
from .pool import *
from .position import *
from .product import *
from .rectifier import *
from .recurrent import *
from .reduce import *
from .regression import *
from .resize import *
from .sample import *
from .scan import *
from .scatter import *
from .segment import *
from .segmentation import *
from .separable import *
from .sequence import *
from .shape import *
from .shuffle import *
from .simplex import *
from .special import *
from .squash import *
from .statistic import *
from .stft import *
from .trig import *
from .unary import *
from .unfold import *

__all__: list[str] = []
__all__ += _arith.__all__
__all__ += _compare.__all__
__all__ += _unary.__all__
__all__ += _trig.__all__
__all__ += _special.__all__
__all__ += _normal.__all__
__all__ += _gamma.__all__
__all__ += _bessel.__all__
__all__ += _activation.__all__
__all__ += _rectifier.__all__
__all__ += _squash.__all__
__all__ += _gate.__all__
__all__ += _simplex.__all__
__all__ += _reduce.__all__
__all__ += _scan.__all__
__all__ += _order.__all__
__all__ += _statistic.__all__
__all__ += _count.__all__
__all__ += _shape.__all__
__all__ += _join.__all__
__all__ += _arrange.__all__
__all__ += _index.__all__
__all__ += _scatter.__all__
__all__ += _segment.__all__
__all__ += _diagonal.__all__
__all__ += _mesh.__all__
__all__ += _label.__all__
__all__ += _linear.__all__
__all__ += _einsum.__all__
__all__ += _inverse.__all__
__all__ += _decompose.__all__
__all__ += _product.__all__
__all__ += _imaginary.__all__
__all__ += _fourier.__all__
__all__ += _stft.__all__
__all__ += _loss.__all__
__all__ += _entropy.__all__
__all__ += _regression.__all__
__all__ += _margin.__all__
__all__ += _divergence.__all__
__all__ += _segmentation.__all__
__all__ += _contrast.__all__
__all__ += _ctc.__all__
__all__ += _sample.__all__
__all__ += _noise.__all__
__all__ += _norm.__all__
__all__ += _groupnorm.__all__
__all__ += _length.__all__
__all__ += _conv.__all__
__all__ += _pool.__all__
__all__ += _adaptive.__all__
__all__ += _unfold.__all__
__all__ += _resize.__all__
__all__ += _grid.__all__
__all__ += _shuffle.__all__
__all__ += _separable.__all__
__all__ += _embed.__all__
__all__ += _attention.__all__
__all__ += _position.__all__
__all__ += _recurrent.__all__
__all__ += _cell.__all__
__all__ += _sequence.__all__
__all__ += _gauss.__all__
