"""The limits of the machine are measured, and are of this world."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from lamina.machine.limits import SHARE, accumulators, kernels, measure
from lamina.machine.target import host
from lamina.machine.team import Team
from machine.sample import table


@pytest.fixture
def pair():
    made = Team(2)
    yield made
    made.close()


def test_all_limits_are_positive_and_printed(pair):
    found = measure(pair, large=1 << 16, turns=100)
    numbers = [found.flops_alone, found.flops, found.read, found.copied]
    assert all(np.isfinite(numbers))
    assert min(*numbers, found.call, found.launch, found.barrier) > 0
    assert str(found).startswith(f"threads, lanes {f'2, {host().lanes}':>22}")


def test_the_products_and_the_sum_are_really_done(pair):
    code, n = kernels(1024, 3), 1024
    x, y = np.full(n, 2, np.float32), np.zeros(n, np.float32)
    sums = np.zeros(2 * SHARE, np.float32)
    pointers = table(x, y, sums)
    pair.run(code.address("products"), pointers.ctypes.data)
    assert sums[0] == sums[SHARE] == 30 * accumulators()  # 2 -> 2 * 2 + 2 -> 14 -> 30
    pair.run(code.address("read"), pointers.ctypes.data)
    assert sums[: host().lanes].sum() + sums[SHARE : SHARE + host().lanes].sum() == x.sum()
    pair.run(code.address("copy"), pointers.ctypes.data)
    assert np.array_equal(x, y)
