"""Native code for single operators in eager execution; see `functions.substitute`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import Function
from ..functions.conv import Conv, ConvTranspose, ConvWeight
from ..functions.linear import Linear, MatMul
from ..functions.recurrent import GRU, LSTM, GRUGradient, LSTMGradient
from ..resident import keep

WORTH = 100e-6
"""Seconds that NumPy needs for an operator below which no code is made, which takes 0.1 s."""

# How long NumPy takes, roughly (two cores of a Zen 5)
PRODUCTS = 4e10  # operations a second of a convolution
WINDOWS = 8e9  # and of pooling
STEP = 16e-6  # seconds for a step of a recurrent network


def offered(function: Function, specs: list[Any]) -> Callable[..., Any] | None:
    """`native_code` for eager execution, which also takes less memory anew from then on."""
    found = native_code(function, specs)
    if found is not None:
        keep()
    return found


def native_code(function: Function, specs: list[Any]) -> Callable[..., Any] | None:
    """What computes an operator; None if llvmlite is missing, or there is no code that pays.

    Args:
        function: the operator.
        specs: shape and dtype of each operand.
    """
    if importlib.util.find_spec("llvmlite") is None:
        return None
    if isinstance(function, (MatMul, Linear)):
        return product_code(specs)
    from .native.single import Single, supported  # needs llvmlite

    if not supported(function, specs):
        return None
    found = Single(function, specs)
    return found if numpy_seconds(function, specs, found.operations) >= WORTH else None


LEAST = 8, 4, 4
"""Rows, columns and inner length of a product from which there is code: less is bound by memory."""


def product_code(specs: list[Any]) -> Callable[..., Any] | None:
    """What computes ``a @ b``, or ``a @ b + bias``: the same code for all sizes and layouts."""
    (a, _), (b, _), *_ = specs
    if len(a) != len(b) or not 2 <= len(a) <= 4 or a[-1] != b[-2]:
        return None
    if any([dtype != np.float32 for _, dtype in specs]):
        return None
    alike = all([i == j or 1 in (i, j) for i, j in zip(a[:-2], b[:-2])])
    large = all([i >= j for i, j in zip((a[-2], b[-1], b[-2]), LEAST)])
    if not alike or not large or 0 in (*a, *b):
        return None
    from ..kernels.anysize import any_size  # needs llvmlite

    return any_size()


def numpy_seconds(function: Function, specs: list[Any], operations: int) -> float:
    """About how long an operator takes in NumPy."""
    if isinstance(function, (Conv, ConvTranspose, ConvWeight)):
        return operations / PRODUCTS
    if isinstance(function, (LSTM, LSTMGradient, GRU, GRUGradient)):
        return operations / PRODUCTS + STEP * specs[0][0][1]
    return operations / WINDOWS
