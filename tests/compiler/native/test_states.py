"""Random programs that write over the arrays they read: no wrong value, and the right state.

``LAMINA_PROGRAMS=5000`` runs so many.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from compiler.native.emitted import Emitted
from compiler.native.states import random_state
from lamina.compiler import sources
from lamina.compiler.bound import _write
from lamina.machine.target import host

COUNT = int(os.environ.get("LAMINA_PROGRAMS", "96"))
BLOCKS = [range(i, min(i + 32, COUNT)) for i in range(0, COUNT, 32)]
FOUND = (1846, 2291, 3409, 4551)  # once wrong: a new value where the old one had gaps; a late view
LANES = [lanes for lanes in (16, 16, 8, 4) if lanes <= host().lanes]
FAR = [sources.FAR, 0, 0]  # what is large is computed again, and here all may be


def run(stateful, code, inputs, threads):
    """The outputs; then the state is changed, as a compiled step changes it."""
    found = code.run(*inputs, threads=threads)
    rest = [i for i in stateful.targets if i not in code.native.straight]
    _write([stateful.targets[i] for i in rest], [found[i] for i in rest])
    return found


@pytest.mark.parametrize("seeds", [*BLOCKS, FOUND], ids=str)
def test_programs_with_state(seeds):
    for seed in seeds:
        stateful = random_state(seed)
        lanes, far = LANES[seed % len(LANES)], FAR[seed % len(FAR)]
        code = Emitted(stateful.program, stateful.targets, lanes=lanes, far=far)
        for threads in (1, 2 + seed % 2):
            inputs = stateful.maker.inputs()
            values, state = stateful.expected(inputs)
            found = run(stateful, code, inputs, threads)
            for i, (x, y) in enumerate(zip(found, values, strict=True)):
                assert np.array_equal(x, y), (seed, threads, i)
            for array, y in zip(stateful.targets.values(), state, strict=True):
                assert np.array_equal(array, y), (seed, threads)


def test_about_half_of_the_state_is_computed_in_place():
    straight = total = 0
    for seed in range(24):
        stateful = random_state(seed)
        code = Emitted(stateful.program, stateful.targets)
        straight += len(code.native.straight)
        total += len(stateful.targets)
    assert straight > 0.3 * total
