"""A team of threads: same results on any number of them, whatever else the process does."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from compiler.native.sample import compiled, run
from lamina.compiler.native.team import Team


@pytest.fixture
def teams():
    made: list[Team] = []

    def make(threads: int) -> Team:
        made.append(Team(threads))
        return made[-1]

    yield make
    for team in made:
        team.close()


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_a_function_gives_the_same_on_any_number_of_threads(teams, threads):
    x = np.arange(1001, dtype=np.float32)
    y = np.zeros_like(x)
    run(teams(threads), compiled(1001), x, y)
    assert np.array_equal(x, np.arange(1001)[::-1])
