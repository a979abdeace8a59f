"""Dropout: its probability, its scale, its streams, and when it does nothing."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, seed, test_mode
from lamina.errors import DTypeError, RangeError
from lamina.listen import Program, run
from lamina.random import state_dict


def ones(*shape, dtype=np.float32):
    return Variable(np.ones(shape, dtype))


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.8])
def test_the_ratio_is_the_probability_of_zero(ratio):
    y = F.dropout(ones(100_000), ratio)
    deviation = (ratio * (1 - ratio) / 100_000) ** 0.5
    assert abs((y.data == 0).mean() - ratio) < 4 * deviation  # one seed in 16,000 would fail


@pytest.mark.parametrize("ratio", [0.25, 0.5, 0.75])
def test_what_is_kept_is_scaled(ratio):
    y = F.dropout(ones(1000), ratio)
    assert set(y.data.tolist()) == {0.0, float(np.float32(1 / (1 - ratio)))}


def test_t81_a_ratio_of_1_gives_zeros():
    x = ones(5)
    y = F.dropout(x, 1.0)
    y.sum().backward()
    assert (y.data.tolist(), x.grad.data.tolist()) == ([0] * 5, [0] * 5)


@pytest.mark.parametrize("ratio", [-0.1, 1.5, float("nan")])
def test_the_ratio_is_from_0_to_1(ratio):
    with pytest.raises(RangeError, match=f"dropout: ratio should be from 0 to 1, got {ratio}"):
        F.dropout(ones(3), ratio)


def test_a_ratio_is_checked_in_test_mode_too():
    with test_mode(), pytest.raises(RangeError, match="ratio should be from 0 to 1, got 2"):
        F.dropout(ones(3), 2)


def test_integers_are_not_dropped():
    with pytest.raises(DTypeError, match="dropout: x should be floating, got int64"):
        F.dropout([1, 2, 3], 0.5)


def test_a_ratio_of_0_gives_the_variable_itself():
    x = ones(3)
    assert F.dropout(x, 0) is x


def test_prediction_gives_the_variable_itself():
    x = ones(3)
    with test_mode():
        assert F.dropout(x, 0.9) is x


def test_prediction_draws_nothing():
    with test_mode():
        F.dropout(ones(3), 0.9)
    assert state_dict()["counts"] == {}


def test_each_call_draws_anew():
    x = ones(100)
    assert (F.dropout(x).data != F.dropout(x).data).any()


def test_a_seed_repeats_the_draws():
    x = ones(100)
    seed(3)
    one = [F.dropout(x).data for _ in range(2)]
    seed(3)
    assert all((a == F.dropout(x).data).all() for a in one)


def test_the_gradient_has_the_mask_of_the_result():
    x = ones(100)
    y = F.dropout(x, 0.3)
    y.sum().backward()
    assert (x.grad.data == y.data).all()


def test_the_mask_is_the_same_in_every_dtype():
    masks = []
    for dtype in (np.float16, np.float32, np.float64):
        seed(1)
        masks.append(F.dropout(ones(100, dtype=dtype), 0.3).data != 0)
    assert (masks[0] == masks[1]).all()
    assert (masks[1] == masks[2]).all()


def test_the_mask_is_a_constant():
    x = ones(4)
    y = F.dropout(x, 0.5)
    mask = y._edge.edges[1]
    assert mask is None


def test_a_program_draws_from_the_same_stream_at_each_run():
    program = Program()
    program.outputs = (F.dropout(Variable(program.input((50,), np.float32)), 0.4).data,)
    x = np.ones(50, np.float32)
    seed(5)
    eager = [F.dropout(x, 0.4).data for _ in range(2)]
    seed(5)
    replayed = [run(program, x)[0] for _ in range(2)]
    assert all((a == b).all() for a, b in zip(eager, replayed, strict=True))
