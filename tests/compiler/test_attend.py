"""Attention is found in programs, as text: what becomes one instruction, and what does not."""

from __future__ import annotations

import numpy as np
import pytest

from lamina import Variable, gradients
from lamina import functions as F
from lamina.compiler.attend import attended
from lamina.compiler.simplify import simplify
from lamina.compiler.trace import trace
from lamina.config import changes
from lamina.listen import run, verify

Q, K, V = (2, 3, 5, 4), (2, 3, 5, 4), (2, 3, 5, 6)


def yes(*specs):
    return True


def arrays(rng, *shapes):
    return [Variable(rng.standard_normal(shape).astype(np.float32)) for shape in shapes]


def heard(f, *variables):
    return simplify(trace(f, variables, {}).program)


def forward_and_backward(causal):
    def f(q, k, v, gy):
        y = F.scaled_dot_product_attention(q, k, v, causal=causal, scale=1.0)
        return y, *gradients(y, [q, k, v], gy)

    return f


def test_forward_is_one_instruction_with_two_numbers_kept_of_each_query(rng):
    def f(q, k, v):
        return F.scaled_dot_product_attention(q, k, v, causal=True)

    program = attended(heard(f, *arrays(rng, Q, K, V)), yes)
    assert str(verify(program)).splitlines() == [
        "%0: float32[2, 3, 5, 4] = input('x0')",
        "%1: float32[2, 3, 5, 4] = input('x1')",
        "%2: float32[2, 3, 5, 6] = input('x2')",
        "%3: float32[2, 3, 5, 4] = multiply(%0, 0.5)",
        "%4: float32[2, 3, 5, 6], %5: float32[2, 3, 5, 2] = call(%3, %1, %2, "
        "function='Attention(causal=True)')",
        "return %4",
    ]


def test_backward_is_one_instruction(rng):
    program = heard(forward_and_backward(False), *arrays(rng, Q, K, V, V))
    assert str(verify(attended(program, yes))).splitlines()[5:] == [
        "%5: float32[2, 3, 5, 6], %6: float32[2, 3, 5, 2] = call(%4, %1, %2, "
        "function='Attention(causal=False)')",
        "%7: float32[2, 3, 5, 4], %8: float32[2, 3, 5, 4], %9: float32[2, 3, 5, 6] = "
        "call(%3, %6, %4, %1, %2, function='AttentionGradient(causal=False)')",
        "%10: float32[2, 3, 5, 4] = multiply(%7, 1.0)",
        "return %5, %10, %8, %9",
    ]


def test_a_derivative_that_nobody_wants_is_not_missed(rng):
    def f(q, k, v, gy):
        y = F.scaled_dot_product_attention(q, k, v)
        return y, gradients(y, k, gy)

    program = heard(f, *arrays(rng, Q, K, V, V))
    given = [x.data for x in arrays(rng, Q, K, V, V)]
    found = verify(attended(program, yes))
    assert [i.opcode for i in found.instructions] == ["multiply", "call", "call"]
    for x, y in zip(run(found, *given), run(program, *given), strict=True):
        assert x.tobytes() == y.tobytes()


@pytest.mark.parametrize("causal", [True, False])
def test_numbers_are_those_of_the_formulas(causal, rng):
    variables = arrays(rng, Q, K, V, V)
    program = heard(forward_and_backward(causal), *variables)
    found = run(attended(program, yes), *[x.data for x in variables])
    for x, y in zip(found, run(program, *[x.data for x in variables]), strict=True):
        assert x.tobytes() == y.tobytes()


def double(q, k, v):
    y = F.scaled_dot_product_attention(q, k, v, causal=True)
    (g,) = gradients(F.sum(y * y), [q], create_graph=True)
    return gradients(F.sum(g * g), [k])[0]


def with_weights(q, k, v):
    weights = F.softmax(q @ k.transpose(0, 1, 3, 2))
    return weights @ v, weights


def masked(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, mask=np.arange(5)[None] < 3)


def dropped(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, dropout=0.5)


@pytest.mark.parametrize("f", [double, with_weights, masked, dropped])
def test_weights_that_others_need_and_other_weights_are_left(f, rng):
    program = heard(f, *arrays(rng, Q, K, V))
    assert attended(program, yes) is program


def test_what_has_no_kernel_is_left(rng):
    program = heard(forward_and_backward(True), *arrays(rng, Q, K, V, V))
    assert attended(program, lambda q, k, v: (q.shape, v.shape) != (Q, V)) is program


def test_looking_for_attention_changes_no_model(rng):
    """Otherwise every compiled step would be heard anew at its next call."""
    program, before = heard(forward_and_backward(True), *arrays(rng, Q, K, V, V)), changes()
    attended(program, yes)
    assert changes() == before
