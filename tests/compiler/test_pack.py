"""Updates of many small arrays as one: what comes together, and that no bit changes by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamina
from lamina import functions as F
from lamina import optimizers as O
from lamina.compiler.pack import LIMIT, Packer, leveled
from lamina.compiler.replay import Replay
from lamina.layers import Linear, Sequential
from lamina.listen import Program, run, verify

BINARY = [np.add, np.subtract, np.multiply, np.maximum]
UNARY = [np.tanh, np.square, np.negative]


def random_update(rng):
    """A program that ends with the same done to each of several arrays; but for a slip now and
    then, and with some of them captured, given, needed elsewhere, or of another dtype.
    """
    program = Program()
    shapes = [(2, 3), (3,), (1,), (0, 4), ()]
    values, old = [], []
    for n in range(4):
        shape, dtype = shapes[rng.integers(5)], [np.float32, np.float64][int(rng.integers(5) == 0)]
        x = program.input(shape, dtype)
        values.append(np.exp(x) if rng.integers(4) else x)
        old.append(program.capture(rng.standard_normal(shape).astype(dtype)))
        program.outputs += (values[n].sum(),) if rng.integers(2) else ()
    before = [[*values], [*old]]
    for _ in range(rng.integers(2, 8)):
        kind, unary, binary = rng.integers(4), UNARY[rng.integers(3)], BINARY[rng.integers(4)]
        other, number = before[rng.integers(len(before))], float(rng.normal())
        for n in range(4):
            x, slip = values[n], rng.integers(12) == 0
            choices = [x * number, unary(x), binary(x, other[n]), x * (other[n] > x)]
            values[n] = choices[0 if slip else kind]
        before.append([*values])
    program.outputs += (*values, *before[rng.integers(len(before))])
    return verify(program)


@pytest.mark.parametrize("seed", range(6))
def test_random_updates_give_what_the_reference_gives(seed):
    rng, fewer = np.random.default_rng(seed), 0
    for _ in range(50):
        program = random_update(rng)
        replay = Replay(leveled(program))
        fewer += len(program.instructions) - len(replay.program.instructions)
        for _ in range(2):
            given = [np.asarray(rng.standard_normal(v.shape), v.dtype) for v in program.inputs]
            expected = [x.tobytes() for x in run(program, *given)]
            assert [x.tobytes() for x in replay.run(*given)] == expected
    assert fewer > 100


def trained(optimizer, compiled, frozen=False, dtype=np.float32):
    rng = np.random.default_rng(0)
    model = Sequential(Linear(5), F.tanh, Linear(4), F.tanh, Linear(1))
    x, t = rng.normal(size=(6, 3)).astype(dtype), rng.normal(size=(6, 1)).astype(dtype)
    lamina.seed(0)
    model(x)
    if frozen:
        model[0].freeze()
    optimizer = optimizer().setup(model)

    def step(x, t):
        loss = F.mean_squared_error(model(x), t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    run = lamina.compile(step, backend="replay") if compiled else step
    losses = [run(x, t).item() for _ in range(6)]
    return losses, [p.data.tobytes() for p in model.params()], run


@pytest.mark.parametrize(
    ("optimizer", "calls"),
    [
        (lambda: O.SGD(lr=0.1), {"multiply(h": 1}),
        (lambda: O.SGD(lr=0.1, weight_decay=0.1), {"multiply(h": 2}),  # weights, and biases
        (lambda: O.SGD(lr=0.1, clip_norm=0.5), {"multiply(h": 1}),
        (lambda: O.Momentum(lr=0.1), {}),
        (lambda: O.Adam(lr=0.01), {"sqrt(": 1, "multiply(h": 1}),
    ],
)
@pytest.mark.parametrize("frozen", [False, True])
def test_one_call_updates_all_parameters_and_no_bit_changes(optimizer, calls, frozen):
    *expected, _ = trained(optimizer, False, frozen)
    *found, step = trained(optimizer, True, frozen)
    assert found == expected
    body = step.explain().partition("def run")[2]
    assert {call: body.count(f" {call}") for call in calls} == calls


def test_what_is_large_is_left_as_it_is():
    program: Any = Program()
    made = [np.exp(program.input((LIMIT // 8, 1), np.float64)) for _ in range(2)]
    sums = [np.sum(x) for x in made]
    program.outputs = (*sums, *[x * 2.0 * 3.0 for x in made])
    assert leveled(program).instructions == program.instructions
    assert Packer(program, {}, {}).arrays == {}


def test_arrays_lie_in_one_piece_which_a_result_takes_over_when_it_is_free():
    program: Any = Program()
    xs = [program.input(shape, np.float32) for shape in ((2, 3), (4,))]
    given = [x @ x.T if x.ndim > 1 else x.sum(keepdims=True) for x in xs]
    program.outputs = tuple([np.tanh(x * 2.0) - 1.0 for x in given])
    packer = Packer(leveled(program), {}, {})
    assert [i.opcode for i in packer.program.instructions][-3:] == ["multiply", "tanh", "subtract"]
    assert packer.nbytes == sum([x.nbytes for x in given])
    assert packer.naive == 4 * packer.nbytes
