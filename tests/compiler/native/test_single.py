"""One operator as a native function."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lamina
import lamina.functions as F
from lamina import Function, using
from lamina.compiler.native.single import Single, supported
from lamina.compiler.substitutes import native_code
from lamina.functions.conv import Conv
from lamina.functions.pool import MaxPool
from lamina.functions.unary import Exp
from lamina.functions.window import window_of

REAL = np.dtype(np.float32)
WINDOW = window_of((40, 40), (3, 3), 1, 1, 1, "conv")


class Opaque(Function):
    """A kernel that nobody wrote native code for."""

    def forward(self, x):
        return x

    def backward(self, gy):
        return gy

    def spec(self, x):
        return x.shape, x.dtype


def specs(n, dtype: np.dtype = REAL):
    return [((n, 16, 40, 40), dtype), ((16, 16, 3, 3), dtype)]


@pytest.mark.parametrize(
    ("function", "given", "there"),
    [
        (Conv(WINDOW), specs(2), True),
        (Conv(WINDOW), specs(0), False),
        (Conv(WINDOW), specs(2, np.dtype(np.float64)), False),
        (MaxPool(WINDOW), specs(2)[:1], True),
        (Exp(), specs(2)[:1], False),
        (Opaque(), specs(2)[:1], False),
    ],
)
def test_what_there_is_code_for_is_known_beforehand(function, given, there):
    assert supported(function, given) is there
    assert (native_code(function, given) is not None) is there


def test_an_operator_without_code_is_refused():
    with pytest.raises(KeyError, match=r"there is no native code for Opaque\(\)"):
        Single(Opaque(), specs(2)[:1])


def test_small_work_is_left_to_numpy():
    window = window_of((8, 8), (3, 3), 1, 1, 1, "conv")
    small = [((16, 4, 8, 8), REAL), ((4, 4, 3, 3), REAL)]
    assert supported(Conv(window), small)
    assert native_code(Conv(window), small) is None


def test_compile_takes_numpy_where_native_code_is_switched_off():
    step = lamina.compile(lambda x: F.sum(F.exp(x) * 2.0))
    x = np.ones((4, 5), np.float32)
    with using(native=False):
        for _ in range(3):
            step(x)
        assert "native functions" not in step.explain()
    for _ in range(2):
        step(x)
    assert "native functions" in step.explain()
