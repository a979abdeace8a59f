"""Products of matrices of any size by one piece of code, which eager execution uses."""

from __future__ import annotations

import functools
import sys
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lamina.functions as F
from kernels.products import Case, before_a_wall
from lamina import Variable, using
from lamina.compiler.substitutes import native_code
from lamina.functions import substitute
from lamina.functions.linear import PRODUCTS
from lamina.kernels.anysize import AnySize, heights
from lamina.machine.target import host, narrowed
from lamina.machine.team import Team

LANES = [lanes for lanes in (4, 8, 16) if lanes <= host().lanes]
LAYOUTS = ["NN", "NT", "TN", "TT", "HH", "NR", "RT", "BN", "NB"]
# around the sizes of tiles, vectors and panels; the last ones where sums and columns are cut
SIZES = [(1, 1, 1), (8, 32, 5), (15, 49, 33), (33, 100, 17), (65, 47, 1), (7, 530, 9)]
LONG = [(70, 33, 1030), (530, 19, 1090), (20, 600, 700)]
CASES = [Case(*sizes, layouts) for sizes in SIZES for layouts in LAYOUTS]
CASES += [Case(*sizes, layouts) for sizes in LONG for layouts in ("NN", "TT")]
CASES += [Case(9, 20, 13, "NT", (5,)), Case(9, 35, 13, "TN", (2, 3))]


@functools.cache
def products(lanes: int, threads: int = 1) -> AnySize:
    return AnySize(narrowed(lanes), Team(threads))


def operands(case: Case, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both, and a bias."""
    a, b, _ = Case(case.m, case.n, case.k, f"{case.layouts}N", case.stack).operands(rng)
    return a, b, rng.standard_normal(case.n, dtype=np.float32)


def assert_product(y: np.ndarray, a: np.ndarray, b: np.ndarray, bias: np.ndarray | float = 0.0):
    """At most k + 1 roundings of the sum of all sizes (Higham 2002, 3.5)."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    size = np.abs(a) @ np.abs(b) + np.abs(bias)
    assert y.dtype == np.float32
    limit = (a.shape[-1] + 1) * np.finfo(np.float32).eps * size
    assert np.all(np.abs(y - (a @ b + bias)) <= limit)


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_product_of_any_size_is_right(case, lanes, rng):
    a, b, _ = operands(case, rng)
    assert_product(products(lanes)(a, b), a, b)


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("case", CASES[::5] + CASES[-8:], ids=str)
def test_a_bias_is_added_to_each_row(case, lanes, rng):
    a, b, bias = operands(case, rng)
    assert_product(products(lanes)(a, b, bias), a, b, bias)


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_its_results_do_not_depend_on_the_number_of_threads(case, threads, rng):
    a, b, bias = operands(case, rng)
    one, many = [products(LANES[-1], count)(a, b, bias) for count in (1, threads)]
    assert np.array_equal(one, many)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="protects memory as Linux does")
@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("case", [case for case in CASES if case.layouts == "NN"], ids=str)
def test_it_reads_nothing_behind_its_operands(case, lanes, rng):
    a, b, bias = (before_a_wall(array) for array in operands(case, rng))
    assert_product(products(lanes)(a, b, bias), a, b, bias)


@pytest.mark.parametrize("lengths", [(1, 3), (3, 1)])
def test_stacks_broadcast(lengths, rng):
    a, b = [rng.standard_normal((2, n, 9, 9), dtype=np.float32) for n in lengths]
    assert_product(products(LANES[-1])(a, b), a, b)


def test_numbers_between_two_are_left_to_numpy(rng):
    bytes_ = np.zeros(4 * 90 + 1, np.uint8)
    a = bytes_[1:].view(np.float32).reshape(9, 10)
    assert products(LANES[-1])(a, a.T.copy()) is None


@pytest.mark.parametrize("lanes", LANES)
def test_heights_make_up_any_number_of_rows(lanes):
    sizes = heights(narrowed(lanes))
    assert sizes[-1] == 1
    assert all([2 * low <= high <= 2 * low + 1 for high, low in pairwise(sizes)])


# -- eager execution -----------------------------------------------------------------------------

REAL, WIDE = np.dtype(np.float32), np.dtype(np.float64)


@pytest.mark.parametrize(
    ("shapes", "dtype", "there"),
    [
        (((200, 300), (300, 100)), REAL, True),
        (((200, 300), (300, 100), (100,)), REAL, True),
        (((2, 5, 80, 90), (2, 1, 90, 70)), REAL, True),
        (((200, 300), (300, 100)), WIDE, False),
        (((200, 300), (200, 100)), REAL, False),  # NumPy says what does not fit
        (((3, 80, 90), (2, 90, 70)), REAL, False),
        (((1, 3000), (3000, 1000)), REAL, False),
        (((3000, 1000), (1000, 1)), REAL, False),
        (((2, 2, 2, 80, 90), (2, 2, 2, 90, 70)), REAL, False),
    ],
)
def test_which_products_there_is_code_for(shapes, dtype, there):
    specs = [(shape, dtype) for shape in shapes]
    assert (native_code(PRODUCTS[False, False], specs) is not None) is there


@pytest.fixture
def counted(monkeypatch):
    """How often native code computed a product."""
    calls: list[tuple[int, ...]] = []

    def made(function, specs):
        found = native_code(function, specs)
        return (
            None
            if found is None
            else lambda *arrays: calls.append(arrays[0].shape) or found(*arrays)
        )

    monkeypatch.setattr(substitute, "_makers", [made])
    monkeypatch.setattr(substitute, "_known", {})
    return calls


def test_large_products_of_a_linear_layer_are_native(counted, rng):
    x, W = [Variable(rng.standard_normal(shape, dtype=np.float32), requires_grad=True)
            for shape in ((4, 60, 96), (96, 130))]  # fmt: skip
    b = Variable(rng.standard_normal(130, dtype=np.float32))
    y = F.linear(x, W, b)
    gy = rng.standard_normal(y.shape, dtype=np.float32)
    y.backward(gy)
    assert counted == [(240, 96), (240, 130), (96, 240)]
    assert_product(y.data, x.data, W.data, b.data)
    assert x.grad is not None
    assert W.grad is not None
    assert_product(x.grad.data, gy, W.data.T)
    assert_product(W.grad.data, x.data.reshape(240, 96).T, gy.reshape(240, 130))


@pytest.mark.parametrize("native", [False, True])
def test_native_false_leaves_products_to_numpy(native, counted, rng):
    a, b = [rng.standard_normal(shape, dtype=np.float32) for shape in ((128, 100), (100, 96))]
    with using(native=native):
        y = F.matmul(a, b)
    assert bool(counted) is native
    assert native or np.array_equal(y.data, a @ b)


def test_small_products_are_left_to_numpy(counted):
    F.matmul(np.ones((64, 100), np.float32), np.ones((100, 64), np.float32))
    assert not counted
