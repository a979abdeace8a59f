"""What formulas of many terms are made of: polynomials, their quotients, whole powers."""

from __future__ import annotations

from typing import Any

from ..core import Function


def polynomial(x: Any, coefficients: tuple[float, ...]) -> Any:
    """By Horner's rule; two coefficients or more, that of the highest power first."""
    y = x * coefficients[0]
    for c in coefficients[1:-1]:
        y = (y + c) * x
    return y + coefficients[-1]


def quotient(x: Any, above: tuple[float, ...], below: tuple[float, ...]) -> Any:
    """One polynomial over another."""
    return polynomial(x, above) / polynomial(x, below)


def whole_power(x: Any, n: int) -> Any:
    """``xⁿ`` for n = 1, 2, ... by squaring: faster than ``x**n`` and the same on every path."""
    if n == 1:
        return x
    half = whole_power(x, n // 2)
    return half * half * x if n % 2 else half * half


class Elementwise(Function):
    """A kernel, although it is a formula: heard, it would be hundreds of instructions."""

    def spec(self, x):
        return x.shape, x.dtype
