"""Exponentials, logarithms and their relatives, on a million float32 numbers of all sizes."""

from __future__ import annotations

import ctypes
import functools

import numpy as np
import pytest
from scipy import special

pytest.importorskip("llvmlite")

from lamina.machine import elementary
from lamina.machine.code import Code
from lamina.machine.module import Compiled, Module
from lamina.machine.target import host, narrowed
from machine.sample import table

# Units in the last place: the largest error found over every fifth of the 2**32 numbers with FMA
# (every thirteenth from log10 on), and, in the second place, without it; rounded up.
FUNCTIONS = {
    "exp": (np.exp, 0.9, 1.2),
    "exp2": (np.exp2, 0.9, 1.2),
    "expm1": (np.expm1, 1.6, 1.8),
    "tanh": (np.tanh, 2.6, 2.6),
    "sigmoid": (special.expit, 2.5, 2.5),
    "log": (np.log, 0.9, 0.9),
    "log2": (np.log2, 2.0, 2.0),
    "log1p": (np.log1p, 1.5, 1.5),
    "log10": (np.log10, 2.1, 2.1),
    "sin": (np.sin, 1.6, 1.6),
    "cos": (np.cos, 1.6, 1.6),
    "tan": (np.tan, 3.7, 3.7),
    "arctan": (np.arctan, 2.6, 2.6),
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
    for name in [*FUNCTIONS, "power"]:
        code = Code(module.ir, f"all_{name}", module.target)
        x, y, z = code.pointer(1), code.pointer(2), code.pointer(3)
        for i in code.loop(0, N, lanes):
            operands = (code.load(x, i), code.load(y, i))
            result = getattr(elementary, name)(*operands[: 2 if name == "power" else 1])
            code.store(result, z, i)
        code.b.ret_void()
    return module.compile(verify=True)


def run(name: str, lanes: int, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
    """The native function on as many numbers as there are, up to N."""
    whole = np.ones((3, N), np.float32)
    whole[0, : x.size] = x
    whole[1, : x.size] = x if y is None else y
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 3)
    pointers = table(*whole)
    kind(compiled(lanes).address(f"all_{name}"))(pointers.ctypes.data, 0, 1)
    return whole[2, : x.size]


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


# -- power ---------------------------------------------------------------------------------------

WHOLE = [2, -2, 3, -3, 2**24 + 2, -(2**24), 2**23 + 1, 2**24 - 1]
BASES = np.array([*ORDINARY, *WHOLE, 0.5, -0.5, 1.5, -1.5, 0.99999994, 1.0000001], np.float32)


@pytest.mark.parametrize("lanes", LANES)
def test_powers_of_special_values_are_numpys(lanes):
    x, y = (a.ravel() for a in np.meshgrid(BASES, BASES))
    with np.errstate(all="ignore"):
        expected = np.power(x, y)
    got = run("power", lanes, x, y)
    assert np.array_equal(np.isnan(got), np.isnan(expected))
    assert np.array_equal(np.isinf(got), np.isinf(expected))
    number = ~np.isnan(expected)
    assert np.array_equal(np.signbit(got[number]), np.signbit(expected[number]))
    np.testing.assert_allclose(got, expected, rtol=2e-7)  # both are right to one unit or so


@pytest.mark.parametrize("lanes", LANES)
def test_powers_are_right_to_little_more_than_half_a_unit(lanes, rng):
    x = np.exp(rng.uniform(-100, 88, N)).astype(np.float32)
    y = (rng.uniform(-105, 90, N) / np.log(x.astype(np.float64))).astype(np.float32)
    with np.errstate(all="ignore"):
        exact = np.power(x.astype(np.float64), y.astype(np.float64))
    assert units(run("power", lanes, x, y), exact).max() <= 0.51


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, 2.5, -0.5])
def test_a_power_that_is_a_number_is_the_general_one(exponent):
    module = Module(host())
    code = Code(module.ir, "f", module.target)
    code.store(elementary.power(code.load(code.pointer(1)), exponent), code.pointer(2))
    code.b.ret_void()
    made = module.compile(verify=True)
    x = np.resize(np.array([0.3, -0.7, 2, -5, 1, 0.01], np.float32), code.lanes)
    y = np.zeros_like(x)
    pointers = table(x, y)
    ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 3)(made.address("f"))(pointers.ctypes.data, 0, 1)
    with np.errstate(invalid="ignore"):
        expected = np.power(x, np.float32(exponent))
    np.testing.assert_allclose(y, expected, rtol=2e-7)  # a cube by products is right to 1.5 units
