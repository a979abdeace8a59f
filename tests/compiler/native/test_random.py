"""Random programs give what NumPy gives, on any number of threads, in vectors of any width.

``LAMINA_PROGRAMS=2000`` runs so many of each kind, ``LAMINA_FIRST_PROGRAM=2000`` others.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from compiler.native.emitted import Emitted
from compiler.native.error import bounds, distance
from compiler.native.programs import random_program
from lamina.compiler import sources
from lamina.listen import run
from lamina.machine.target import host
from machine.late import LateTeam

COUNT = int(os.environ.get("LAMINA_PROGRAMS", "48"))
FIRST = int(os.environ.get("LAMINA_FIRST_PROGRAM", "0"))
BLOCKS = [range(i, min(i + 16, FIRST + COUNT)) for i in range(FIRST, FIRST + COUNT, 16)]
CANCELLING = [297, 436, 629, 1562, 1630, 1672]  # sums that are small, of numbers that are not
LANES = [lanes for lanes in (16, 16, 8, 4) if lanes <= host().lanes]
FAR = [sources.FAR, 0, 0]  # what is large is computed again, and here all may be


def native(seed, exact):
    maker = random_program(seed, exact)
    lanes, far = LANES[seed % len(LANES)], FAR[seed % len(FAR)]
    return maker, Emitted(maker.program, lanes=lanes, far=far)


@pytest.mark.parametrize("seeds", BLOCKS, ids=str)
def test_numbers_that_are_exact_are_equal(seeds):
    for seed in seeds:
        maker, code = native(seed, exact=True)
        for threads in (1, 2 + seed % 2):
            inputs = maker.inputs()
            expected = run(maker.program, *inputs)
            for i, (x, y) in enumerate(zip(code.run(*inputs, threads=threads), expected)):
                assert (x.dtype, x.shape) == (y.dtype, y.shape), (seed, i)
                assert np.array_equal(x, y), (seed, threads, i)


@pytest.mark.parametrize("late", [0, 1])
def test_no_group_reads_what_a_late_thread_has_still_to_write(late):
    team = LateTeam(late)
    for seed in range(late, 12, 2):
        maker, code = native(seed, exact=True)
        inputs = maker.inputs()
        one = [x.tobytes() for x in code.run(*inputs)]
        code.crew.instead = team
        assert [x.tobytes() for x in code.run(*inputs, threads=2)] == one, seed


@pytest.mark.parametrize("seeds", [*BLOCKS, CANCELLING], ids=str)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # of inf - inf, in both
def test_other_numbers_are_as_close_as_float32_is(seeds):
    for seed in seeds:
        maker, code = native(seed, exact=False)
        inputs = maker.inputs()
        found = code.run(*inputs)
        for i, (x, (exact, bound)) in enumerate(zip(found, bounds(seed))):
            assert distance(x, exact) <= bound, (seed, i)
        again = code.run(*inputs, threads=2 + seed % 2)
        assert [x.tobytes() for x in again] == [x.tobytes() for x in found], seed
