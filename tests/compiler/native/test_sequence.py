"""LSTM and GRU as native code, against the same formulas in float64."""

from __future__ import annotations

import functools

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lamina.compiler.native.single import Single
from lamina.functions.recurrent import GRU, LSTM, GRUGradient, LSTMGradient
from lamina.machine.target import host, narrowed
from lamina.machine.team import Team

SHAPES = [  # samples, steps, units
    (7, 1, 1), (6, 2, 1), (1, 7, 5), (6, 1, 16), (7, 2, 16), (6, 7, 33),
    (3, 2, 70), (2, 3, 130),  # panels of 2 and of 4 vectors
]  # fmt: skip
OPERATORS = [LSTM, LSTMGradient, GRU, GRUGradient]
LANES = [lanes for lanes in (4, 8, 16) if lanes <= host().lanes]
# narrow registers have the same code with other numbers: one case shows that
ALL = [(LANES[-1], *shape) for shape in SHAPES] + [(lanes, 3, 2, 13) for lanes in LANES[:-1]]


def operands(operator, n, steps, size, rng) -> list[np.ndarray]:
    """In float64; those of a gradient are what the operator itself gave."""
    gates = 4 if operator in (LSTM, LSTMGradient) else 3
    z, gy, gcells = (rng.standard_normal((n, steps, k * size)) for k in (gates, 1, 1))
    h, c = rng.standard_normal((2, n, size))
    Wh = rng.standard_normal((size, gates * size)) / size**0.5
    bh = rng.standard_normal(gates * size)
    if operator is LSTM:
        return [z, h, c, Wh]
    if operator is GRU:
        return [z, h, Wh, bh]
    if operator is LSTMGradient:
        return [gy, gcells, c, Wh, *LSTM().forward(z, h, c, Wh)[1:]]
    return [gy, h, Wh, *GRU().forward(z, h, Wh, bh)]


@functools.cache
def team() -> Team:
    """A team for all tests."""
    return Team(3)


@functools.cache
def single(operator, n: int, steps: int, size: int, lanes: int) -> Single:
    """The native code of an operator."""
    shapes = operands(operator, n, steps, size, np.random.default_rng(0))
    specs = [(x.shape, np.dtype(np.float32)) for x in shapes]
    return Single(operator(), specs, narrowed(lanes), team())


def run(operator, given, lanes=LANES[-1], threads=1):
    """The results, from operands in float64."""
    n, steps, size = given[0].shape
    if operator in (LSTM, GRU):
        size = given[1].shape[1]
    made = single(operator, n, steps, size, lanes)
    return made(*[x.astype(np.float32) for x in given], threads=threads)


def bound(size: int) -> float:
    """How far a result may be off, as a part of the largest: rounding of sums of ``size`` terms,
    which is a random walk (Higham 2002, section 2.8), and of two elementary functions that follow
    one another and err by up to 4 last places each. It does not grow with the steps: gates damp it.
    """
    return float(np.finfo(np.float32).eps * (size**0.5 + 8))


@pytest.mark.parametrize(("lanes", "n", "steps", "size"), ALL)
@pytest.mark.parametrize("operator", OPERATORS)
def test_a_sequence_is_right(operator, lanes, n, steps, size, rng):
    given = operands(operator, n, steps, size, rng)
    found = run(operator, given, lanes)
    for x, y in zip(found, operator().forward(*given), strict=True):
        assert x.shape == y.shape
        assert np.abs(x - y).max() <= bound(size) * max(1, np.abs(y).max())


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize(("n", "steps", "size"), SHAPES)
@pytest.mark.parametrize("operator", OPERATORS)
def test_results_do_not_depend_on_the_number_of_threads(operator, n, steps, size, threads, rng):
    given = operands(operator, n, steps, size, rng)
    for one, many in zip(run(operator, given), run(operator, given, threads=threads), strict=True):
        assert np.array_equal(one, many)


@pytest.mark.parametrize("operator", [LSTM, GRU])
def test_states_lie_in_the_order_of_time(operator, rng):
    y, *_ = run(operator, operands(operator, 6, 7, 33, rng))
    assert y.transpose(1, 0, 2).flags.c_contiguous
