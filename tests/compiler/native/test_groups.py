"""What runs together, as text: a line for each group, with its loops and its instructions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lamina.functions as F
from compiler.native.emitted import Emitted
from compiler.native.programs import random_program
from lamina import Variable
from lamina.compiler import fuse, sources
from lamina.compiler.trace import trace
from lamina.listen import Program, run


def groups(
    program: Program, targets: dict[int, Any] | None = None, far: int = sources.FAR
) -> list[str]:
    """The groups as text; what is computed again where it is needed is in none."""
    found = []
    for group in Emitted(program, targets, far=far).native.groups:
        words = [i.opcode for i in group.instructions]
        over = " in place" if group.in_place else ""
        space = " x ".join(map(str, group.space))
        found.append(f"{group.kind} {space}: {' '.join(words)}{over}".replace(" :", ":"))
    return found


def program_of(f: Any, *shapes: tuple[int, ...]) -> Program:
    """``f`` of float32 arrays, heard."""
    program = Program()
    made = f(*[program.input(shape, np.float32) for shape in shapes])
    program.outputs = made if isinstance(made, tuple) else (made,)
    return program


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def layer_norm(x, scale, shift):
    centred = x - x.mean(axis=1, keepdims=True)
    variance = np.square(centred).mean(axis=1, keepdims=True)
    return centred / np.sqrt(variance + 1e-5) * scale + shift


def bias_and_gelu(x, W, b):
    y = x @ W + b
    return 0.5 * y * (1 + np.tanh(0.8 * (y + 0.04 * y * y * y)))


def test_gelu_needs_no_call_of_numpy():
    heard = trace(F.gelu, (Variable(np.ones((40, 100), np.float32)),), {}).program
    (line,) = groups(heard)
    assert line.startswith("nest 40 x 100: ")


def test_softmax_is_one_nest():
    assert groups(program_of(softmax, (40, 100))) == ["nest 40 x 100: max exp sum divide"]


def test_layer_norm_is_one_nest():
    (line,) = groups(program_of(layer_norm, (40, 100), (100,), (100,)))
    assert line.startswith("nest 40 x 100: sum ")
    assert line.endswith(" add")


def test_bias_and_activation_run_on_the_blocks_of_their_product():
    (line,) = groups(program_of(bias_and_gelu, (40, 30), (30, 50), (50,)))
    assert line.startswith("nest 40 x 50: matmul ")
    assert "tanh" in line


def test_the_update_of_a_weight_runs_on_the_blocks_of_its_gradient():
    program, W = Program(), np.ones((30, 50), np.float32)
    m = np.zeros_like(W)
    x, gy = program.input((40, 30), np.float32), program.input((40, 50), np.float32)
    old, mean = program.capture(W), program.capture(m)
    g = x.T @ gy
    new_mean = 0.9 * mean + 0.1 * g
    program.outputs = (old - 0.01 * new_mean / (np.sqrt(np.square(g)) + 1e-8), new_mean)
    (line,) = groups(program, {0: W, 1: m})
    assert line.startswith("nest 30 x 50: matmul ")
    assert line.endswith(" in place")


def test_nests_of_other_loops_stay_apart():
    def f(x):
        return np.exp(x).sum(axis=0), np.tanh(x).sum(axis=1)

    assert groups(program_of(f, (40, 100))) == ["nest 40 x 100: exp sum", "nest 40 x 100: tanh sum"]


def test_a_product_is_not_read_at_other_places_by_what_follows_it():
    def f(x, W):
        y = x @ W
        return np.exp(y) + y[:1]

    found = groups(program_of(f, (40, 30), (30, 50)))
    assert found == ["product: matmul", "nest 40 x 50: exp add"]


def columns_and_rows(f):
    def both(x):
        y = f(x)
        return y.sum(axis=0), y.sum(axis=1)

    return program_of(both, (40, 100))


def test_a_chain_of_four_cheap_instructions_is_computed_again_however_often_it_reads_itself():
    four = columns_and_rows(lambda x: np.square(np.square(x + 1) * (x + 1)))
    five = columns_and_rows(lambda x: np.square(np.square(x + 1) * (x + 1)) - 1)
    assert groups(four) == ["nest 40 x 100: sum", "nest 40 x 100: sum"]
    assert groups(five) == ["nest 40 x 100: subtract sum", "nest 40 x 100: sum"]


def test_what_no_cache_holds_is_computed_again_with_one_dear_instruction_in_it():
    program = columns_and_rows(lambda x: np.tanh(x + 1) * 2)
    assert groups(program) == ["nest 40 x 100: tanh sum", "nest 40 x 100: sum"]
    assert groups(program, far=40 * 100 * 4) == ["nest 40 x 100: sum", "nest 40 x 100: sum"]
    twice = columns_and_rows(lambda x: np.exp(np.tanh(x)))
    assert groups(twice, far=0) == ["nest 40 x 100: exp sum", "nest 40 x 100: sum"]


def test_a_weight_is_updated_as_soon_as_its_gradient_is_there():
    program, arrays = Program(), [np.ones((30, 30), np.float32) for _ in range(3)]
    x = program.input((40, 30), np.float32)
    weights, gradients, kept = [program.capture(array) for array in arrays], [], [x]
    for W in weights:
        kept.append(np.exp(kept[-1] @ W))
    gy = kept.pop()
    for W in reversed(weights):
        gradients.append(kept.pop().T @ gy)
        gy = gy @ W.T
    pairs = zip(reversed(weights), gradients, strict=True)
    program.outputs = tuple([W - 0.1 * g for W, g in pairs])
    targets = dict(enumerate(reversed(arrays)))
    assert groups(program, targets) == [
        *["nest 40 x 30: matmul exp"] * 3,
        *["product: matmul", "nest 30 x 30: matmul subtract in place"] * 2,
        "nest 30 x 30: matmul subtract in place",
    ]


@pytest.mark.parametrize("change", ["alone", "nothing is cheap", "nothing is attached"])
def test_each_choice_may_be_left_out(change, monkeypatch):
    """Whatever runs together, the numbers are the same."""
    if change == "alone":
        monkeypatch.setattr(fuse.Fuser, "_merged", lambda *_: None)
    elif change == "nothing is cheap":
        monkeypatch.setattr(sources, "CHEAP", frozenset())
    else:
        monkeypatch.setattr(fuse.Fuser, "_attach", lambda _: None)
    for seed in range(8):
        maker = random_program(seed)
        inputs = maker.inputs()
        found = Emitted(maker.program).run(*inputs)
        for x, y in zip(found, run(maker.program, *inputs), strict=True):
            assert np.array_equal(x, y), seed
