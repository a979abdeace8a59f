"""The memory that kernels need for themselves while they run, beside operands and results."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from ..compiler.substitutes import native_code
from ..functions.conv import Conv, ConvTranspose, ConvWeight
from ..functions.entropy import SoftmaxCrossEntropy
from ..functions.linear import MANY, MatMul
from ..functions.noise import KeepMask
from ..functions.pool import MaxPool, PoolArgMax, PoolGather, PoolScatter, PoolSpread, PoolSum
from ..functions.recurrent import (
    GRU,
    GRU_GRADIENT,
    LSTM,
    LSTM_GRADIENT,
    GRUGradient,
    LSTMGradient,
)
from ..functions.substitute import FLOAT32, LEAST
from ..functions.window import per_place
from ..listen import Spec
from .memory_strides import Strides, is_packed, order_of, packed_strides

CODE_OF_A_KERNEL = 512 << 10
"""Bytes that the machine code of one kernel takes, about: 0.48 MiB for each of the 32 that an eager
step of ResNet-18 uses (benchmarks/memory.py measures all of it together)."""


@dataclass(frozen=True)
class Workspace:
    """What a kernel needs.

    Attributes:
        strides: how each result lies; None: its last axis fastest.
        passing: bytes for the time of the call.
        kept: bytes that it keeps for the next call.
        more: bytes that the result's memory has beyond its elements, as borders.
        views: whether results are views of longer arrays.
        code: the machine code that runs it; None for NumPy.
    """

    strides: tuple[Strides | None, ...]
    passing: int = 0
    kept: int = 0
    more: int = 0
    views: bool = False
    code: Any = None


def workspace(
    function: Any, specs: tuple[Any, ...], values: Any, results: Any, native: bool
) -> Workspace:
    """What an operator with a ``spec`` needs, as it is run eagerly.

    Args:
        function: the operator.
        specs: of its operands, or numbers.
        values: the operands, with strides.
        results: specs of what it gives.
        native: whether machine code may run it.
    """
    first = specs[0] if specs else None
    if native and isinstance(first, Spec) and first.size >= LEAST and first.dtype == FLOAT32:
        if all([isinstance(spec, Spec) for spec in specs]):
            found = machine_code(function, tuple([(x.shape, x.dtype) for x in specs]))
            if found is not None:
                return _of_machine_code(found, specs, values)
    rule = RULES.get(type(function))
    if rule is None:
        return Workspace((None,) * len(results))
    return rule(function, specs, values, results)


@functools.lru_cache(maxsize=512)
def machine_code(function: Any, specs: Any) -> Any:
    """The code that stands for an operator in eager execution; None if there is none."""
    return native_code(function, list(specs))


def is_product_code(specs: tuple[Any, ...]) -> bool:
    """Whether machine code computes a product that is run eagerly."""
    a, b = specs
    if not (isinstance(a, Spec) and isinstance(b, Spec) and a.dtype == b.dtype == FLOAT32):
        return False
    if a.size * b.shape[-1] < MANY:
        return False
    return machine_code(MatMul(), ((a.shape, a.dtype), (b.shape, b.dtype))) is not None


def _of_machine_code(single: Any, specs: Any, values: Any) -> Workspace:
    copied = [
        spec.nbytes
        for spec, value, order in zip(specs, values, single.orders)
        if not is_packed(spec.shape, value.strides, order)
    ]
    strides = tuple(
        [tuple([packed_strides(shape)[axis] for axis in back]) for shape, _, back in single.results]
    )
    kept = single.each * single.threads + single.shared
    return Workspace(strides, sum(copied), kept, views=True, code=single)


# -- NumPy's formulas ----------------------------------------------------------------------------


def _samples_last(spec: Spec) -> Strides:
    """``(n, c, *size)`` that lies as ``(c, *size, n)``."""
    return packed_strides(spec.shape, (*range(1, spec.ndim), 0))


def _image(window: Any, x: Spec, value: Any) -> int:
    """Bytes of an image in the order of the kernels, with its borders; 0 if it lies so already."""
    order = (*range(1, x.ndim), 0)
    if not window.bordered and is_packed(x.shape, value.strides, order):
        return 0
    return x.shape[0] * x.shape[1] * prod(window.padded) * x.dtype.itemsize


def _packed(x: Spec, value: Any) -> int:
    return 0 if is_packed(x.shape, value.strides, (*range(1, x.ndim), 0)) else x.nbytes


def _columns(function: Any, channels: int, n: int, weights: int, itemsize: int) -> int:
    """Bytes of the columns of the largest block."""
    window = function.window
    numbers = per_place(window, n) * channels * prod(window.kernel)
    low, high = next(iter(window.blocks(numbers, 2 * weights)))
    return (high - low) * numbers * itemsize


def _conv(function: Any, specs: Any, values: Any, results: Any) -> Workspace:
    x, W = specs
    cols = _columns(function, x.shape[1], x.shape[0], W.size, x.dtype.itemsize)
    if function.window.pointwise:
        cols = 0  # the image itself, or a part of it
    passing = _image(function.window, x, values[0]) + cols
    return Workspace((_samples_last(results[0]),), passing, views=True)


def _conv_transpose(function: Any, specs: Any, values: Any, results: Any) -> Workspace:
    y, W = specs
    (x,) = results
    cols = _columns(function, x.shape[1], y.shape[0], W.size, y.dtype.itemsize)
    whole = x.shape[0] * x.shape[1] * prod(function.window.padded) * x.dtype.itemsize
    passing = _packed(y, values[0]) + cols
    return Workspace((_samples_last(x),), passing, more=whole - x.nbytes, views=True)


def _conv_weight(function: Any, specs: Any, values: Any, results: Any) -> Workspace:
    x, y = specs
    (W,) = results
    cols = _columns(function, x.shape[1], x.shape[0], W.size, x.dtype.itemsize)
    passing = _image(function.window, x, values[0]) + _packed(y, values[1]) + cols + W.nbytes
    return Workspace((None,), passing)


def _pool(function: Any, specs: Any, values: Any, results: Any) -> Workspace:
    x = specs[0]
    passing = _image(function.window, x, values[0])
    passing += sum([_packed(spec, value) for spec, value in zip(specs[1:], values[1:])])
    return Workspace((_samples_last(results[0]),), passing + results[0].size, views=True)


def _spread(function: Any, specs: Any, values: Any, results: Any) -> Workspace:
    y, (x,) = specs[0], results
    whole = x.shape[0] * x.shape[1] * prod(function.window.padded) * x.dtype.itemsize
    passing = sum([_packed(spec, value) for spec, value in zip(specs, values)])
    passing += (y.nbytes + y.size) if len(specs) > 1 else 0
    return Workspace((_samples_last(x),), passing, more=whole - x.nbytes, views=True)


def _recurrent(function: Any, specs: Any, values: Any, results: Any) -> Workspace:
    """States lie with their last axis fastest, gates as they came."""
    gates = values[-1] if function in GRADIENTS else values[0]
    lying = packed_strides(gates.shape, order_of(gates.strides))
    return Workspace(tuple([lying if x.shape == gates.shape else None for x in results]))


GRADIENTS = (LSTM_GRADIENT, GRU_GRADIENT)


def _passing(results_of: Callable[[Any, Any], int]) -> Callable[..., Workspace]:
    def rule(function: Any, specs: Any, values: Any, results: Any) -> Workspace:
        return Workspace((None,) * len(results), results_of(specs, results))

    return rule


RULES: dict[type, Callable[..., Workspace]] = {
    Conv: _conv,
    ConvTranspose: _conv_transpose,
    ConvWeight: _conv_weight,
    MaxPool: _pool,
    PoolSum: _pool,
    PoolArgMax: _pool,
    PoolGather: _pool,
    PoolSpread: _spread,
    PoolScatter: _spread,
    LSTM: _recurrent,
    LSTMGradient: _recurrent,
    GRU: _recurrent,
    GRUGradient: _recurrent,
    KeepMask: _passing(lambda specs, results: results[0].size * 5),  # float32, and a bool
    SoftmaxCrossEntropy: _passing(lambda specs, results: specs[0].nbytes),
}
"""For operators that need memory of their own: what it is. Others need none, or little."""
