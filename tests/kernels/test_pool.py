"""Pooling as native code, against lamina's own operators: equal to the last bit."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kernels.convolutions import channels_last, memory
from lamina.functions import pool
from lamina.functions.window import Padding, Window, window_of
from lamina.kernels.pool import KINDS, PoolPlan
from lamina.machine.code import Code
from lamina.machine.module import Compiled, Module
from lamina.machine.target import host, narrowed
from lamina.machine.team import Team
from machine.sample import table

LANES = [lanes for lanes in (4, 8, 16) if lanes <= host().lanes]
OPERATORS = {
    "max": pool.MaxPool, "argmax": pool.PoolArgMax, "scatter": pool.PoolScatter,
    "sum": pool.PoolSum, "spread": pool.PoolSpread, "gather": pool.PoolGather,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A window over ``n`` images of ``c`` channels."""

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    n: int
    c: int
    stride: int | tuple[int, ...] | None = None
    padding: Padding = 0

    @property
    def window(self) -> Window:
        return window_of(self.size, self.kernel, self.stride, self.padding, 1, "pool")

    def operands(self, kind: str, rng: np.random.Generator) -> list[np.ndarray]:
        """As the operator takes them; many numbers are equal, and some are NaN."""
        x = rng.integers(-2, 3, (self.n, self.c, *self.size)).astype(np.float32)
        x[rng.random(x.shape) < 0.02] = np.nan
        y = pool.MaxPool(self.window).forward(x)
        at = pool.PoolArgMax(self.window).forward(x, y)
        z = rng.standard_normal(x.shape, np.float32)
        gy = rng.standard_normal(y.shape, np.float32)
        return {
            "max": [x], "argmax": [x, y], "scatter": [gy, at],
            "sum": [z], "spread": [gy], "gather": [z, at],
        }[kind]  # fmt: skip


CASES = [
    Case((6, 8), (2, 2), 2, 16),
    Case((7, 9), (2, 3), 2, 19),  # pixels at the end that no window meets
    Case((7, 8), (3, 3), 1, 33, stride=2, padding=1),
    Case((5, 6), (3, 2), 17, 5, stride=(1, 2), padding=((1, 0), (0, 1))),
    Case((9, 7), (2, 2), 1, 16, stride=3),
    Case((6, 7), (5, 5), 2, 8, stride=1, padding=2),  # a loop over the kernel
    Case((8, 8), (8, 8), 3, 20),
    Case((13,), (3,), 2, 7, stride=2),
    Case((4, 5, 6), (2, 3, 2), 2, 3, stride=2, padding=(0, 1, 1)),
    Case((1, 1), (1, 1), 1, 1),
]
ALL = [(case, kind) for case in CASES for kind in KINDS]
# narrow registers have the same code with other numbers: every second case shows that
NARROW = [(lanes, *both) for lanes in LANES[:-1] for both in ALL[::2] + ALL[7:18:2]]
WIDE = [(LANES[-1], *both) for both in ALL]


@functools.cache
def built(lanes: int) -> tuple[dict[tuple[Case, str], tuple[str, PoolPlan]], Compiled]:
    """All that a test asks for, compiled together."""
    module, plans = Module(narrowed(lanes)), {}
    wanted = [(case, kind) for n, case, kind in WIDE + NARROW if n == lanes]
    for number, (case, kind) in enumerate(wanted):
        plan = PoolPlan(module.target, kind, case.window, case.n, case.c)
        code = Code(module.ir, f"f{number}", module.target)
        scratch, result, *operands = (code.pointer(1 + i) for i in range(4))
        mine = code.at(scratch, code.tid * (plan.scratch // 4))
        plan.emit(code, operands[: 2 if kind in ("argmax", "scatter", "gather") else 1],
                  result, mine)  # fmt: skip
        code.b.ret_void()
        plans[case, kind] = (f"f{number}", plan)
    return plans, module.compile(verify=True)


@functools.cache
def team(threads: int) -> Team:
    """A team for all tests."""
    return Team(threads)


def run(lanes: int, case: Case, kind: str, operands: list[np.ndarray], threads: int) -> np.ndarray:
    """The result; memory behind it, and behind the scratch memory, stays as it was."""
    plans, code = built(lanes)
    name, plan = plans[case, kind]
    spec = OPERATORS[kind](case.window).spec(*operands)
    shape = (spec[0][0], *spec[0][2:], spec[0][1])
    result = np.full(np.prod(shape) + 64, 99, spec[1])
    scratch = memory(plan.scratch * threads)
    arrays = [channels_last(x) for x in operands]
    pointers = table(scratch, result, *arrays, *arrays[:1])
    team(threads).run(code.address(name), pointers.ctypes.data, threads)
    assert np.isnan(scratch[-16:]).all()
    assert (result[-64:] == 99).all()
    return result[:-64].reshape(shape)


@pytest.mark.parametrize(("lanes", "case", "kind"), WIDE + NARROW, ids=str)
def test_pooling_is_equal_to_the_operator(lanes, case, kind, rng):
    operands = case.operands(kind, rng)
    expected = channels_last(OPERATORS[kind](case.window).forward(*operands))
    found = run(lanes, case, kind, operands, 1)
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected, equal_nan=found.dtype.kind == "f")


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize(("case", "kind"), ALL, ids=str)
def test_results_do_not_depend_on_the_number_of_threads(case, kind, threads, rng):
    operands = case.operands(kind, rng)
    one = run(LANES[-1], case, kind, operands, 1)
    many = run(LANES[-1], case, kind, operands, threads)
    assert np.array_equal(one, many, equal_nan=one.dtype.kind == "f")


def test_what_there_is_no_code_for_is_refused():
    small, large = (window_of((20, 20), (k, k), 1, 0, 1, "pool") for k in (16, 17))
    assert PoolPlan.supports("argmax", small, 1, 1)
    assert not PoolPlan.supports("argmax", large, 1, 1)  # more numbers than a byte counts
    assert PoolPlan.supports("max", large, 1, 1)
    assert not PoolPlan.supports("max", small, 0, 1)
    assert not PoolPlan.supports("mean", small, 1, 1)
