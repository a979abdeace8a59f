"""Attention as native code, against its formulas in float64."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from compiler.native.emitted import Emitted
from lamina.compiler.attend import Attention, AttentionGradient
from lamina.compiler.native.operators import attends
from lamina.listen import Program, Spec, run
from lamina.machine.target import host

NARROW = [lanes for lanes in (8, 4) if lanes < host().lanes]
SIZES = [(7, 16, 32), (64, 16, 16), (69, 48, 16), (1, 16, 16), (550, 16, 16)]
"""Queries, numbers of a key, and of a value: less than some, whole, a rest, one, a second chunk."""
CASES = [(host().lanes, causal, *sizes) for causal in (True, False) for sizes in SIZES]
# narrow registers have the same code with other numbers
CASES += [(lanes, causal, 69, 48, 16) for lanes in NARROW for causal in (True, False)]


def program_of(causal, lead, length, size, depth, dtype=np.float32):
    program = Program()
    shapes = [(*lead, length, n) for n in (size, size, depth, depth)]
    q, k, v, gy = [program.input(shape, dtype) for shape in shapes]
    y, kept = program.emit("call", q, k, v, function=Attention(causal))
    found = program.emit("call", gy, kept, q, k, v, function=AttentionGradient(causal))
    program.outputs = (y, kept, *found)
    return program


def given(rng, program):
    """Products of about 1, as attention divides them by the root of their length."""
    return [(0.5 * rng.standard_normal(x.shape)).astype(np.float32) for x in program.inputs]


def as_exact(found, program, inputs):
    """Each within 1e-6 of the largest number of its own in float64; float32 may be 6e-8 off."""
    exact = run(program, *[x.astype(np.float64) for x in inputs])
    return [
        np.abs(x - y).max() <= 1e-6 * max(np.abs(y).max(), 1)
        for x, y in zip(found, exact, strict=True)
    ]


@pytest.mark.parametrize(("lanes", "causal", "length", "size", "depth"), CASES)
def test_values_and_derivatives(lanes, causal, length, size, depth, rng):
    sizes = causal, (2, 3), length, size, depth
    code = Emitted(program_of(*sizes), lanes=lanes)
    inputs = given(rng, code.native.program)
    found = code.run(*inputs)
    assert all(as_exact(found, program_of(*sizes, np.float64), inputs))
    assert [x.tobytes() for x in code.run(*inputs, threads=3)] == [x.tobytes() for x in found]


def test_operands_are_read_where_they_lie(rng):
    """Queries, keys and values that are parts of one array, heads apart, need no copies."""
    n, heads, length, size = 2, 3, 37, 16

    def program_of(dtype):
        program = Program()
        joint = program.input((n, length, 3 * heads * size), dtype)
        parts = [joint[..., i * heads * size : (i + 1) * heads * size] for i in range(3)]
        q, k, v = [x.reshape(n, length, heads, size).transpose(0, 2, 1, 3) for x in parts]
        y, _ = program.emit("call", q, k, v, function=Attention(causal=True))
        program.outputs = (y,)
        return program

    code = Emitted(program_of(np.float32))
    inputs = given(rng, code.native.program)
    assert [i.opcode for g in code.native.groups for i in g.instructions] == ["call"]
    assert all(as_exact(code.run(*inputs), program_of(np.float64), inputs))


def test_columns_of_keys_are_copied_to_rows(rng):
    def program_of(dtype):
        program = Program()
        q, k, v = [program.input(s, dtype) for s in ((3, 9, 16), (3, 16, 9), (3, 9, 16))]
        y, _ = program.emit("call", q, k.transpose(0, 2, 1), v, function=Attention(causal=False))
        program.outputs = (y,)
        return program

    code = Emitted(program_of(np.float32))
    inputs = given(rng, code.native.program)
    assert [i.opcode for g in code.native.groups for i in g.instructions] == ["copy", "call"]
    assert all(as_exact(code.run(*inputs), program_of(np.float64), inputs))


@pytest.mark.parametrize("causal", [True, False])
def test_products_of_minus_infinity_have_no_weight_and_all_of_them_give_zeros(causal):
    q = np.ones((1, 4, 16), np.float32)
    k, v = q.copy(), np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 4, 16)
    q[0, 2] = -np.inf
    sizes = causal, (1,), 4, 16, 16
    y, kept, *_ = Emitted(program_of(*sizes)).run(q, k, v, v)
    exact = program_of(*sizes, np.float64)
    exact.outputs, exact.instructions = exact.outputs[:2], exact.instructions[:1]
    assert not y[0, 2].any()
    assert kept[0, 2].tolist() == [0, 1]
    assert all(as_exact((y, kept), exact, (q, k, v, v)))


def test_which_are_taken():
    q, v, wide = Spec((2, 5, 16), np.float32), Spec((2, 5, 32), np.float32), host().lanes
    assert attends(q, q, v)
    assert not attends(q, Spec((2, 6, 16), np.float32), Spec((2, 6, 32), np.float32))
    assert not attends(q, q, Spec((2, 5, wide + 1), np.float32))
    assert not attends(*[Spec((2, 5, 16), np.float64)] * 3)
    assert not attends(*[Spec((0, 5, 16), np.float32)] * 3)
    assert not attends(q, Spec((1, 5, 16), np.float32), v)
