"""Exponentials, logarithms and their relatives, on a million float32 numbers of all sizes."""

from __future__ import annotations

import ctypes
import functools

import numpy as np
import pytest
from scipy import special

pytest.importorskip("llvmlite")

from compiler.native.sample import table
from lamina.compiler.native import elementary
from lamina.compiler.native.code import Code
from lamina.compiler.native.elementwise import POWERS
from lamina.compiler.native.module import Compiled, Module
from lamina.compiler.native.target import host, narrowed

# Units in the last place: the largest error found over every fifth of the 2**32 numbers with FMA,
# and, in the second place, without it; rounded up.
FUNCTIONS = {
    "exp": (np.exp, 0.9, 1.2),
    "expm1": (np.expm1, 1.6, 1.8),
    "tanh": (np.tanh, 2.6, 2.6),
    "sigmoid": (special.expit, 2.5, 2.5),
    "log": (np.log, 0.9, 0.9),
    "log1p": (np.log1p, 1.5, 1.5),
}
LANES = [lanes for lanes in (16, 8, 4) if lanes <= host().lanes]
N = 1 << 20
EACH = 4099  # prime: every so many of the 2**32 bit patterns, NaN and both infinities among them
POINTS = np.arange(0, 2**32, EACH, dtype=np.uint64).astype(np.uint32)

ORDINARY = [
    0.0,
    -0.0,
    1,
    -1,
    np.inf,
    -np.inf,
    np.nan,
    1e-45,
    -1e-45,
    1e-38,
    -1e-38,
    3.4e38,
    -3.4e38,
]
ENDS = [88.72, 88.73, -87.3, -87.4, -103.9, -104.1, 127.9, 128, -126, -149, -150, -151, 9.0, -9.1]
SPECIAL = np.array([*ORDINARY, *ENDS], np.float32)


@functools.cache
def compiled(lanes: int) -> Compiled:
    module = Module(narrowed(lanes))
    for name in FUNCTIONS:
        code = Code(module.ir, f"all_{name}", module.target)
        x, y = code.pointer(1), code.pointer(2)
        for i in code.loop(0, N, lanes):
            code.store(getattr(elementary, name)(code.load(x, i)), y, i)
        code.b.ret_void()
    return module.compile(verify=True)


def run(name: str, lanes: int, x: np.ndarray) -> np.ndarray:
    """The native function on as many numbers as there are, up to N."""
    whole = np.ones((2, N), np.float32)
    whole[0, : x.size] = x
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 3)
    pointers = table(*whole)
    kind(compiled(lanes).address(f"all_{name}"))(pointers.ctypes.data, 0, 1)
    return whole[1, : x.size]


@functools.cache
def reference(name: str) -> np.ndarray:
    with np.errstate(all="ignore"):
        return FUNCTIONS[name][0](POINTS.view(np.float32).astype(np.float64))


def units(got: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """How far off, in units in the last place; inf where one is NaN or infinite and one is not."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(np.float32)
        finite = np.isfinite(got) & np.isfinite(rounded)
        one = np.spacing(np.where(finite, np.abs(rounded), 0)).astype(np.float64)
        equal = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
        return np.where(equal, 0, np.where(finite, np.abs(got - exact) / one, np.inf))


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_size_of_number_is_right_to_a_few_units(name, lanes):
    off = units(run(name, lanes, POINTS.view(np.float32)), reference(name))
    worst = int(np.argmax(off))
    limit = FUNCTIONS[name][1 if narrowed(lanes).fma else 2]
    assert off[worst] <= limit, f"at {POINTS.view(np.float32)[worst]!r}"


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values_and_the_ends_of_the_range_are_numpys(name, lanes):
    with np.errstate(all="ignore"):
        exact = FUNCTIONS[name][0](SPECIAL.astype(np.float64))
        expected = exact.astype(np.float32)
    got = run(name, lanes, SPECIAL)
    assert np.array_equal(np.isnan(got), np.isnan(expected))
    assert np.array_equal(np.isinf(got), np.isinf(expected))
    assert np.array_equal(got == 0, expected == 0)
    number = ~np.isnan(expected)
    assert np.array_equal(np.signbit(got[number]), np.signbit(expected[number]))


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_what_is_bounded_stays_within_its_bounds(name, lanes):
    got = run(name, lanes, np.linspace(0, 20, N, dtype=np.float32))
    assert got.max() == 1


@pytest.mark.parametrize("exponent", POWERS)
def test_a_power_that_is_a_small_number_is_made_of_products(exponent):
    module = Module(host())
    code = Code(module.ir, "f", module.target)
    code.store(POWERS[exponent](code.load(code.pointer(1))), code.pointer(2))
    code.b.ret_void()
    made = module.compile(verify=True)
    x = np.resize(np.array([0.3, -0.7, 2, -5, 1, 0.01], np.float32), code.lanes)
    y = np.zeros_like(x)
    pointers = table(x, y)
    ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 3)(made.address("f"))(pointers.ctypes.data, 0, 1)
    expected = np.power(x, np.float32(exponent))
    np.testing.assert_allclose(y, expected, rtol=2e-7)  # a cube by products is right to 1.5 units
