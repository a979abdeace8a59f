"""Every row of the operator table: a replayed program gives what eager gives, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from functions.tables import RANDOM, ROWS
from lamina import Variable, no_grad
from lamina.compiler.replay import Replay
from lamina.compiler.simplify import simplify
from lamina.core import gradients
from lamina.listen import Program, verify

# random rows set the seed inside the operator, which no replay repeats: see test_draws.py
HEARD = [row for row in ROWS if not row.unheard and row.name not in RANDOM]


def is_real(x):
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def hear(row, inputs, work):
    """Hear ``work`` on stand-ins for the arrays among ``inputs``, and run it twice by replay."""
    program = Program()
    values = [program.input(x.shape, x.dtype) if isinstance(x, np.ndarray) else x for x in inputs]
    program.outputs = tuple(y.data for y in work(row, values))
    replay = Replay(simplify(verify(program)))
    arrays = [x for x in inputs if isinstance(x, np.ndarray)]
    replay.run(*arrays)
    return [y.copy() for y in replay.run(*arrays)]


def forward(row, inputs):
    with no_grad():
        return row.run(*inputs)


def backward(row, inputs):
    """The gradients of the sum of all results by all floating inputs that have one."""
    variables = [Variable(x) if hasattr(x, "dtype") and x.dtype.kind == "f" else x for x in inputs]
    results = [y for y in row.run(*variables) if y.requires_grad]
    wanted = [v for v in variables if isinstance(v, Variable)]
    if not results or not wanted:
        return ()
    found = gradients([y.sum() for y in results], wanted)
    return tuple(g for g in found if g is not None)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", HEARD, ids=lambda row: row.name)
def test_replay_of_an_operator_equals_eager(row, dtype):
    for inputs in row.samples(dtype):
        expected = [y.data for y in forward(row, inputs)]
        found = hear(row, inputs, forward)
        assert [(x.dtype, x.shape) for x in found] == [(y.dtype, y.shape) for y in expected]
        assert [x.tobytes() for x in found] == [y.tobytes() for y in expected]


@pytest.mark.parametrize("row", [r for r in HEARD if r.order], ids=lambda row: row.name)
def test_replay_of_a_gradient_equals_eager(row):
    for inputs in row.samples(np.float64):
        expected = [g.data for g in backward(row, inputs)]
        found = hear(row, inputs, backward)
        assert [x.tobytes() for x in found] == [y.tobytes() for y in expected]
