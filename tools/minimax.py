"""The coefficients of src/lamina/machine/elementary.py: polynomials of least largest error.

``python tools/minimax.py [NAME...]`` prints, for each function, the coefficients, highest power
first, rounded to float32 one after another with the rest fitted anew, and the largest error that
is left, in exact arithmetic.

Source:
    C. Lawson, "Contributions to the Theory of Linear Least Maximum Approximation", 1961: weights
    that turn least squares into least maximum. N. Brisebarre and S. Chevillard, "Efficient
    Polynomial L-approximations", 2007, for what rounding costs if the rest is not fitted anew.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import numpy as np

Array = np.ndarray
Function = Callable[[Array], Array]
POINTS = 1500


def fit(
    wanted: Function, weight: Function, low: float, high: float, degree: int, dtype: type
) -> tuple[Array, float]:
    """The polynomial nearest to a function: coefficients, lowest power first, and its error.

    Args:
        wanted: the function.
        weight: what an error counts: 1 / wanted for the relative one.
        low: where the interval begins.
        high: where it ends.
        degree: of the polynomial.
        dtype: what its coefficients are rounded to.
    """
    angles = (np.arange(POINTS) + 0.5) * math.pi / POINTS
    x = (low + high) / 2 - (high - low) / 2 * np.cos(angles)
    scale = max(abs(low), abs(high))
    powers, y, w = (x[:, None] / scale) ** np.arange(degree + 1), wanted(x), weight(x)
    found = np.zeros(degree + 1)
    for i in range(degree + 1):
        rest = y - powers[:, :i] @ found[:i]
        found[i:] = least_maximum(powers[:, i:], rest, w)
        found[i] = float(dtype(found[i] / scale**i)) * scale**i
    error = np.abs((powers @ found - y) * w).max()
    return found / scale ** np.arange(degree + 1), float(error)


def least_maximum(rows: Array, y: Array, w: Array, rounds: int = 150) -> Array:
    """The coefficients for which the largest of ``|rows c - y| w`` is least."""
    lawson = np.full(y.shape, 1 / y.size)
    best, smallest = np.zeros(rows.shape[1]), math.inf
    for _ in range(rounds):
        factor = np.sqrt(lawson) * np.abs(w)
        c = np.linalg.lstsq(rows * factor[:, None], y * factor, rcond=None)[0]
        error = np.abs((rows @ c - y) * w)
        if error.max() < smallest:
            best, smallest = c, error.max()
        lawson = lawson * error
        lawson = lawson / lawson.sum()
    return best


# Near 0 a difference such as e**x - 1 loses its digits, so there the series itself is summed.


def series(term: Callable[[int], float], count: int = 25) -> Function:
    """``sum(term(i) * x**i)``"""
    return lambda x: sum((term(i) * x**i for i in range(count)), np.zeros_like(x))


def joined(near: Function, far: Function, limit: float) -> Function:
    """``near`` up to |x| = limit, ``far`` beyond."""

    def f(x: Array) -> Array:
        close = np.abs(x) < limit
        return np.where(close, near(np.where(close, x, 0)), far(np.where(close, 1, x)))

    return f


EXP = series(lambda i: 1 / math.factorial(i + 2))  # (e**x - 1 - x) / x**2
EXP2 = joined(
    series(lambda i: math.log(2) ** (i + 1) / math.factorial(i + 1)), lambda x: (2**x - 1) / x, 0.5
)
LOG = joined(  # (log(1 + x) - x + x**2 / 2) / x**3
    series(lambda i: (-1) ** i / (i + 3), 40), lambda x: (np.log1p(x) - x + x**2 / 2) / x**3, 0.3
)
LOG2 = joined(  # log2(1 + x) / x
    series(lambda i: (-1) ** i / (i + 1) / math.log(2), 40), lambda x: np.log2(1 + x) / x, 0.3
)
SIN = series(lambda i: (-1) ** (i + 1) / math.factorial(2 * i + 3))  # (sin(x) - x) / x**3 of x**2
COS = series(lambda i: (-1) ** i / math.factorial(2 * i + 4))  # (cos(x) - 1 + x**2/2) / x**4
ATAN = series(lambda i: (-1) ** (i + 1) / (2 * i + 3), 60)  # (atan(x) - x) / x**3 of x**2
LOG_2_HALF = math.log(2) / 2
EIGHTH = (math.pi / 4 + 1e-3) ** 2
FITS = {
    "EXP": (EXP, lambda x: x**2 * np.exp(-x), -LOG_2_HALF, LOG_2_HALF, 4, np.float32),
    "EXPM1": (EXP, lambda x: x**2 / np.expm1(x), -LOG_2_HALF, LOG_2_HALF, 4, np.float32),
    "EXP2": (EXP2, lambda x: x * 2**-x, -0.5, 0.5, 5, np.float32),
    "EXP2_64": (np.exp2, lambda x: 2**-x, -0.5, 0.5, 7, np.float64),
    "LOG": (LOG, lambda x: x**3 / np.log1p(x), -0.25, 0.5, 7, np.float32),
    "LOG2_64": (LOG2, lambda x: 1 / LOG2(x), -0.25, 0.5, 13, np.float64),
    "SIN": (SIN, lambda z: z, 0.0, EIGHTH, 2, np.float32),
    "COS": (COS, lambda z: z**2 / np.cos(np.sqrt(z)), 0.0, EIGHTH, 2, np.float32),
    "ATAN": (ATAN, lambda z: z, 0.0, math.tan(math.pi / 8) ** 2, 4, np.float32),
}


def main(names: list[str]) -> None:
    for name in names or FITS:
        coefficients, error = fit(*FITS[name])
        print(f"{name}  # error {error:.2e} = 2**{math.log2(error):.1f}")
        print("   ", ", ".join(repr(float(c)) for c in coefficients[::-1]))


if __name__ == "__main__":
    main(sys.argv[1:])
