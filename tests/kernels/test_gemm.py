"""Products of matrices as native code, against float64, in every layout and on several threads."""

from __future__ import annotations

import functools
import sys

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kernels.products import Built, Case, before_a_wall, build, run
from lamina.kernels.blocking import Cut
from lamina.kernels.gemm import Product, Strides
from lamina.machine.target import host, narrowed
from lamina.machine.team import Team

LANES = [lanes for lanes in (4, 8, 16) if lanes <= host().lanes]
LAYOUTS = ["NNN", "NTN", "TNN", "TTT", "HHH", "NRT", "TTH", "BN-"]
# around the sizes of tiles and vectors, and where panels and sums are cut
SIZES = [(1, 1, 1), (7, 17, 5), (8, 48, 16), (15, 49, 33), (29, 31, 64), (33, 100, 17)]
FEW = [(1, 130, 70), (70, 1, 130), (3, 5, 0), (0, 3, 5), (3, 0, 5), (2, 5, 1), (31, 2, 3)]
LONG = [Case(17, 50, 1030), Case(40, 33, 3500, "NTN"), Case(19, 70, 3500, "TN-")]
STACKS = [Case(9, 20, 13, "NTN", (2, 3)), Case(33, 18, 40, "TNH", (5,)), Case(4, 4, 4, "NN-", (0,))]
CASES = [
    *(Case(*sizes, layouts) for sizes in SIZES for layouts in LAYOUTS),
    *(Case(*sizes, layouts) for sizes in FEW for layouts in ("NNN", "NTT", "HHH")),
    *LONG,
    *STACKS,
    Case(300, 180, 150),
    Case(30, 90, 21, "NBR"),
    Case(1, 90, 21, "RTN"),
    Case(1, 75, 64, "NTN"),
    Case(21, 1, 48, "NT-", (3,)),
    Case(90, 470, 600, "TN-"),
]
FOLLOWED = [case for case in CASES if case.n == 1 or case.layouts[2] != "T"]


def followed(lanes: int) -> list[Case]:
    """Those compiled with a `then`: all for the widest registers, some for others, to save time."""
    return FOLLOWED if lanes == LANES[-1] else FOLLOWED[::4]


@functools.cache
def built(lanes: int) -> Built:
    """All cases, with a `then` where there may be one."""
    plain = [(case, False) for case in CASES if case.layouts[2] != "-"]
    return build(lanes, plain + [(case, True) for case in followed(lanes)])


@functools.cache
def team(threads: int) -> Team:
    """A team for all tests."""
    return Team(threads)


def bound(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How far a float32 product may be from the exact one: k eps sum |a| |b| (Higham 2002, 3.5)."""
    eps = np.finfo(np.float32).eps
    return a.shape[-1] * eps * (np.abs(a, dtype=np.float64) @ np.abs(b, dtype=np.float64))


def exact(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a.astype(np.float64) @ b.astype(np.float64)


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("case", [case for case in CASES if case.layouts[2] != "-"], ids=str)
def test_a_product_is_right(case, lanes, rng):
    a, b, c = arrays = case.operands(rng)
    c, _, _ = run(built(lanes), team(1), case, False, arrays, 1)
    assert np.all(np.abs(c - exact(a, b)) <= bound(a, b))


@pytest.mark.parametrize(
    ("case", "lanes"), [(case, lanes) for lanes in LANES for case in followed(lanes)], ids=str
)
def test_what_follows_sees_every_result_once(case, lanes, rng):
    a, b, _ = arrays = case.operands(rng)
    _, out, seen = run(built(lanes), team(1), case, True, arrays, 1)
    assert np.all(seen == 1)
    assert np.all(np.abs(out - 2 * exact(a, b)) <= 2 * bound(a, b))


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("case", FOLLOWED, ids=str)
def test_results_do_not_depend_on_the_number_of_threads(case, threads, rng):
    arrays = case.operands(rng)
    one = run(built(LANES[-1]), team(1), case, True, arrays, 1)
    many = run(built(LANES[-1]), team(threads), case, True, arrays, threads)
    for x, y in zip(one, many):
        assert np.array_equal(x, y, equal_nan=True)


@pytest.mark.parametrize("lanes", LANES)
def test_holes_in_c_are_left_alone(lanes, rng):
    case = Case(33, 100, 17, "NNH")
    code = build(lanes, [(case, False)])
    arrays = case.operands(rng)
    run(code, team(1), case, False, arrays, 1)
    around = arrays[2].base
    assert around is not None
    assert np.count_nonzero(around == around) == arrays[2].size


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="protects memory as Linux does")
@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("case", [case for case in CASES if case.layouts == "NNN"], ids=str)
def test_nothing_is_read_behind_the_operands(case, lanes, rng):
    a, b, c = (before_a_wall(array) for array in case.operands(rng))
    c, _, _ = run(built(lanes), team(1), case, False, [a, b, c], 1)
    assert np.all(np.abs(c - exact(a, b)) <= bound(a, b))


def test_a_follower_needs_rows_of_results():
    plan = Product(host(), 3, 4, 5, Strides(5, 1), Strides(4, 1), Strides(1, 3))
    with pytest.raises(ValueError, match="column stride 1, got Strides"):
        plan.emit(None, None, None, None, None, then=print)  # pyright: ignore


def test_scratch_memory_is_whole_lines():
    plan = Product(narrowed(4), 50, 70, 90, Strides(90, 1), Strides(1, 90), None)
    assert plan.scratch > 0
    assert plan.scratch % 64 == 0


@pytest.mark.parametrize(("n", "most"), [(1, 3), (7, 3), (8, 3), (9, 3), (64, 5), (65, 64)])
def test_a_cut_has_parts_of_nearly_equal_length(n, most):
    cut = Cut(n, most)
    lengths = [cut.size] * cut.longer + [cut.size - 1] * (cut.parts - cut.longer)
    assert sum(lengths) == n
    assert max(lengths) <= most
    assert cut.parts == -(-n // most)
