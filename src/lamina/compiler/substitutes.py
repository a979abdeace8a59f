"""Native code for single operators in eager execution; see `functions.substitute`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

from ..core import Function
from ..functions.conv import Conv, ConvTranspose, ConvWeight
from ..functions.recurrent import GRU, LSTM, GRUGradient, LSTMGradient

WORTH = 100e-6
"""Seconds that NumPy needs for an operator below which no code is made, which takes 0.1 s."""

# How long NumPy takes, roughly (two cores of a Zen 5)
PRODUCTS = 4e10  # operations a second of a convolution
WINDOWS = 8e9  # and of pooling
STEP = 16e-6  # seconds for a step of a recurrent network


def native_code(function: Function, specs: list[Any]) -> Callable[..., Any] | None:
    """What computes an operator; None if llvmlite is missing, or there is no code that pays.

    Args:
        function: the operator.
        specs: shape and dtype of each operand.
    """
    if importlib.util.find_spec("llvmlite") is None:
        return None
    from .native.single import Single, supported  # needs llvmlite

    if not supported(function, specs):
        return None
    found = Single(function, specs)
    return found if numpy_seconds(function, specs, found.operations) >= WORTH else None


def numpy_seconds(function: Function, specs: list[Any], operations: int) -> float:
    """About how long an operator takes in NumPy."""
    if isinstance(function, (Conv, ConvTranspose, ConvWeight)):
        return operations / PRODUCTS
    if isinstance(function, (LSTM, LSTMGradient, GRU, GRUGradient)):
        return operations / PRODUCTS + STEP * specs[0][0][1]
    return operations / WINDOWS
