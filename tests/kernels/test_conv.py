"""Convolutions as native code, against lamina's own operators in float64."""

from __future__ import annotations

import functools

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kernels.convolutions import Built, Case, build, run
from lamina.kernels.conv import KINDS, ConvPlan
from lamina.kernels.direct import ImageByStrips
from lamina.kernels.gemm import Tile
from lamina.machine.code import Code
from lamina.machine.module import Module
from lamina.machine.target import host, narrowed
from lamina.machine.team import Team
from machine.late import LateTeam

LANES = [lanes for lanes in (4, 8, 16) if lanes <= host().lanes]
TILES = [  # Winograd's: tiles within the image, and partly outside; channels that break registers
    Case((8, 8), (3, 3), 2, 16, 32, padding=1),
    Case((7, 9), (3, 3), 3, 20, 35, padding=((1, 0), (0, 2))),
    Case((5, 6), (3, 3), 1, 33, 17, padding=2),
    Case((4, 4), (3, 3), 1, 16, 80, padding=1),
    Case((9, 3), (3, 3), 41, 16, 16),
]
ADDRESSES = [
    Case((8, 8), (3, 3), 2, 16, 32, padding=1, winograd=False),
    Case((8, 9), (3, 3), 2, 16, 33, stride=2, padding=1),
    Case((7, 10), (3, 2), 3, 20, 35, stride=(2, 1), padding=((1, 0), (0, 1))),
    Case((9, 8), (2, 3), 2, 17, 5, stride=(3, 1), dilation=(1, 2)),  # pixels that no window meets
    Case((12, 13), (5, 3), 2, 3, 20, stride=2, padding=2, dilation=(2, 1)),  # few channels
    Case((6, 5), (3, 3), 2, 1, 7, padding=1),
    Case((5, 6), (2, 3), 2, 6, 20, padding=(1, 0), dilation=(1, 2), groups=2),
    Case((6, 7), (3, 3), 1, 18, 18, padding=1, groups=18),
    Case((13, 12), (5, 3), 2, 32, 32, padding=1, stride=2, groups=32),
    Case((5, 6), (2, 2), 1, 6, 12, groups=6),
    Case((9, 17), (3, 3), 2, 20, 20, padding=1, stride=2, groups=5),  # parts of strips, registers
    Case((5, 19), (3, 3), 2, 16, 32, padding=1, dilation=(1, 3), groups=8, stride=(1, 2)),
    Case((4, 5, 19), (1, 3, 2), 2, 48, 96, groups=3, padding=1),
    Case((33,), (29,), 2, 8, 8, groups=2, padding=2),  # rows of the kernel in pieces
    Case((40,), (37,), 2, 3, 20, padding=3),  # a kernel too long for one row
    Case((12, 8), (4, 4), 2, 3, 20, stride=4),
    Case((6, 5), (3, 3), 1, 300, 16, padding=1, stride=2),  # slices of k
    Case((3, 2), (1, 1), 2, 600, 64),  # parts of a run
    Case((9, 8), (1, 1), 2, 40, 37),
    Case((9, 8), (1, 1), 2, 16, 21, stride=(2, 3)),
    Case((1, 1), (1, 1), 5, 7, 3),
    Case((17,), (3,), 2, 5, 7, padding=1, stride=2),
    Case((5, 6, 7), (3, 2, 3), 2, 5, 18, padding=1, stride=(1, 2, 2)),
    Case((11, 11), (1, 11), 1, 16, 16, stride=4),
]
CHUNKS = [Case((16, 13), (3, 3), 4, 16, 20, padding=1)]  # Winograd's tiles in several chunks
BOTH = [(case, kind) for case in TILES + ADDRESSES + CHUNKS for kind in KINDS]
# narrow registers have the same code with other numbers: every second case shows that
NARROW = [(lanes, *both) for lanes in LANES[:-1] for both in BOTH[:9] + BOTH[15::2]]
WIDE = [(LANES[-1], *both) for both in BOTH]


@functools.cache
def built(lanes: int) -> Built:
    """All that a test asks for, compiled together."""
    return build(lanes, [(case, kind) for n, case, kind in NARROW + WIDE if n == lanes])


late = functools.cache(LateTeam)
"""Two for all tests."""


@functools.cache
def team(threads: int) -> Team:
    """A team for all tests."""
    return Team(threads)


def tolerance(case: Case, kind: str, lanes: int) -> float:
    """Of the largest number: Winograd's bound; or how far sums stray, whose errors are a random
    walk (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 2.8), doubled.
    """
    if case.plan(kind, lanes).algorithm.startswith("winograd"):
        return 1e-5
    return float(2 * np.finfo(np.float32).eps * case.terms(kind) ** 0.5)


@pytest.mark.parametrize(("lanes", "case", "kind"), WIDE + NARROW, ids=str)
def test_a_convolution_is_right(lanes, case, kind, rng):
    operands = case.operands(kind, rng)
    found = run(built(lanes), team(1), case, kind, operands, 1)
    expected = case.expected(kind, operands)
    assert np.abs(found - expected).max() <= tolerance(case, kind, lanes) * np.abs(expected).max()


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize(("case", "kind"), BOTH, ids=str)
def test_results_do_not_depend_on_the_number_of_threads(case, kind, threads, rng):
    operands = case.operands(kind, rng)
    one = run(built(LANES[-1]), team(1), case, kind, operands, 1)
    many = run(built(LANES[-1]), team(threads), case, kind, operands, threads)
    assert np.array_equal(one, many)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(("case", "kind"), BOTH, ids=str)
def test_nothing_is_read_that_a_late_thread_has_still_to_write(case, kind, which, rng):
    operands = case.operands(kind, rng)
    one = run(built(LANES[-1]), team(1), case, kind, operands, 1)
    assert np.array_equal(run(built(LANES[-1]), late(which), case, kind, operands, 2), one)


@pytest.mark.parametrize("case", ADDRESSES, ids=str)
def test_an_infinite_pixel_reaches_only_the_numbers_of_a_kernel_that_meet_it(case, rng):
    x, gy = case.operands("weight", rng)
    x[(0, 0, *[-1] * len(case.size))] = np.inf
    found = run(built(LANES[-1]), team(1), case, "weight", [x, gy], 1)
    with np.errstate(invalid="ignore"):
        expected = case.expected("weight", [x, gy])
    assert np.array_equal(np.isfinite(found), np.isfinite(expected))


def doubled(code: Code, tile: Tile) -> None:
    """Each number of a tile times two."""
    for i in code.loop(tile.i0, tile.i1):
        row = code.at(tile.pointer, (i - tile.i0) * tile.row_stride)
        for j in code.loop(tile.j0, tile.j1):
            x = code.scalar(row, j - tile.j0)
            code.put(code.b.fadd(x, x), row, j - tile.j0)


FOLLOWED = [
    (Case((3, 14), (3, 3), 2, 3, 20, padding=1), "forward"),  # strips that lie one behind the other
    (Case((3, 17), (3, 3), 2, 3, 20, padding=1), "forward"),  # of two lengths
    (Case((5, 4), (3, 3), 2, 20, 50, padding=1, winograd=False), "forward"),  # of several lines
    (Case((6, 9), (3, 3), 2, 20, 18, padding=1, stride=(2, 1)), "data"),  # every second line
    (Case((6, 9), (3, 3), 2, 20, 18, padding=1, stride=2), "data"),  # and every second pixel
    (Case((5, 6), (3, 3), 2, 40, 3, padding=1), "forward"),  # few channels
    (Case((1, 2), (1, 1), 1, 40, 300), "forward"),  # each thread takes some channels
]


@pytest.mark.parametrize(("case", "kind"), FOLLOWED, ids=str)
def test_what_follows_a_convolution_by_strips_meets_each_number_once(case, kind, rng):
    plan = case.plan(kind, LANES[-1])
    assert isinstance(plan._by, ImageByStrips)
    module = Module(narrowed(LANES[-1]))
    code = Code(module.ir, "f", module.target)
    pointers = [code.pointer(slot) for slot in range(1, 6)]
    pointers[3] = code.at(pointers[3], code.tid * (plan.scratch // 4))
    plan._by.emit(code, *pointers, then=functools.partial(doubled, code))
    code.b.ret_void()
    operands = case.operands(kind, rng)
    built = Built({(case, kind): ("f", plan)}, module.compile())
    found = run(built, team(2), case, kind, operands, 2)
    expected = 2 * case.expected(kind, operands)
    allowed = tolerance(case, kind, LANES[-1])
    assert np.abs(found - expected).max() <= allowed * np.abs(expected).max()


@pytest.mark.parametrize("kind", KINDS)
def test_winograd_is_chosen_for_kernels_of_3x3_and_can_be_switched_off(kind):
    case = TILES[0]
    assert case.plan(kind, 16).algorithm.startswith("winograd")
    plain = ConvPlan(host(), kind, case.window, 1, case.n, case.c_in, case.c_out, winograd=False)
    assert plain.algorithm == "strips"


@pytest.mark.parametrize("kind", KINDS)
def test_what_there_is_no_code_for_is_refused(kind):
    window = TILES[0].window
    assert ConvPlan.supports(kind, window, 1, 2, 16, 32)
    assert not ConvPlan.supports(kind, window, 1, 0, 16, 32)
    assert not ConvPlan.supports("backward", window, 1, 2, 16, 32)
    large = Case((40, 40), (33, 33), 1, 1, 1).window
    assert not ConvPlan.supports(kind, large, 1, 1, 1, 1)
