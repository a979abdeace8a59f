"""LSTM and GRU: sizes, states given and held, layers above one another."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import lamina
from lamina import functions as F
from lamina import test_mode
from lamina.errors import DTypeError, RangeError, ShapeError, TraceError
from lamina.layers import GRU, LSTM

X = np.random.default_rng(1).normal(size=(2, 6, 3))
KINDS = pytest.mark.parametrize("kind", [LSTM, GRU])


def operators_behind(v) -> int:
    """How many operators led to a Variable."""
    seen, waiting = set(), [v._edge]
    while waiting:
        edge = waiting.pop()
        node = getattr(edge, "node", edge)  # of several results
        if hasattr(node, "edges") and node not in seen:
            seen.add(node)
            waiting += node.edges
    return len(seen)


@KINDS
def test_t84_state_and_input_of_other_sizes_at_every_step(kind):
    layer = kind(5, in_size=3, layers=2)
    assert [w.shape[0] for w in (*layer.Wx, *layer.Wh)] == [3, 5, 5, 5]
    y, _ = layer(X)
    y.sum().backward()
    assert y.shape == (2, 6, 5)
    assert all(p.grad is not None for p in layer.params())


@KINDS
def test_t85_graph_does_not_grow_from_call_to_call(kind):
    layer = kind(4, stateful=True)
    counts = [operators_behind(layer(X)[0]) for _ in range(4)]
    assert counts == [counts[0]] * 4
    assert counts[0] > 1


@KINDS
def test_t85_each_call_can_be_walked_back_by_itself(kind):
    layer = kind(4, stateful=True)
    for _ in range(3):
        layer(X)[0].sum().backward()


@KINDS
def test_held_state_goes_on_where_the_call_before_ended(kind):
    layer = kind(4, layers=2, dtype=np.float64, stateful=True)
    parts = [layer(X[:, :2])[0].data, layer(X[:, 2:])[0].data]
    layer.reset()
    whole = layer(X)[0].data
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, rtol=1e-12)  # other products


@KINDS
def test_state_that_is_given_goes_on_and_lets_the_gradient_through(kind):
    layer = kind(4, layers=2, dtype=np.float64)
    x = lamina.Variable(X[:, :2])
    first, state = layer(x)
    second, _ = layer(X[:, 2:], state)
    both = np.concatenate([first.data, second.data], 1)
    np.testing.assert_allclose(both, layer(X)[0].data, rtol=1e-12)  # other products
    second.sum().backward()
    assert x.grad is not None
    assert x.grad.data.any()


@KINDS
def test_call_without_state_begins_anew(kind):
    layer = kind(4)
    assert layer(X)[0].data.tolist() == layer(X)[0].data.tolist()


@KINDS
def test_reset_begins_anew(kind):
    layer = kind(4, stateful=True)
    first = layer(X)[0].data
    second = layer(X)[0].data
    layer.reset()
    assert (layer(X)[0].data == first).all()
    assert (second != first).any()


@KINDS
def test_backward_after_the_next_call_still_knows_its_own_state(kind):
    layer = kind(4, stateful=True)
    layer(X)
    y, _ = layer(X)
    layer(X)
    y.sum().backward()
    assert layer.Wh[0].grad is not None


@KINDS
def test_building_holds_no_state(kind):
    layer = kind(4, stateful=True)
    layer.build((2, 6, 3))
    layer.summary((2, 6, 3))
    assert layer.held is None


@KINDS
def test_held_state_is_not_saved_and_is_copied_with_the_layer(kind):
    layer = kind(4, stateful=True)
    layer(X)
    other = copy.deepcopy(layer)
    assert list(layer.named_buffers()) == []
    assert other(X)[0].data.tolist() == layer(X)[0].data.tolist()


@KINDS
def test_held_state_shares_no_memory_with_the_results(kind):
    layer = kind(4, stateful=True)
    for _ in range(2):
        y, _ = layer(X)
        assert not any(np.shares_memory(v.data, y.data) for v in layer.held[0])


@KINDS
def test_held_state_goes_on_in_a_compiled_step(kind):
    def last_of(compiled):
        lamina.seed(2)
        layer = kind(4, stateful=True)
        layer(X)
        step = lamina.compile(lambda x: layer(x)[0]) if compiled else lambda x: layer(x)[0]
        return [step(X).data for _ in range(3)]

    for a, b in zip(last_of(True), last_of(False), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)  # float32, sums in another order


@KINDS
def test_compiled_step_does_not_begin_a_state(kind):
    layer = kind(4, stateful=True)
    step = lamina.compile(lambda x: layer(x)[0])
    step(X)  # as it is; the second call is heard
    layer.reset()
    with pytest.raises(TraceError, match="call the layer once before, on as many sequences"):
        step(X)
    assert layer.held is None


@KINDS
def test_held_state_of_other_sequences_is_refused(kind):
    layer = kind(4, stateful=True)
    layer(X)
    with pytest.raises(ShapeError, match=r"shape \(1, 4\), got \(2, 4\); call reset\(\) before"):
        layer(X[:1])


@KINDS
def test_state_of_other_layers_is_refused(kind):
    with pytest.raises(ShapeError, match="state should be a tuple for each of 2 layers"):
        kind(4, layers=2)(X, kind(4)(X)[1])


def test_state_is_cast_to_the_dtype_of_the_layer():
    y, _ = GRU(4)(X, ((np.ones((2, 4)),),))
    assert y.dtype == np.float32


def test_lstm_is_its_function():
    layer = LSTM(4, dtype=np.float64)
    y, ((h, c),) = layer(X)
    expected = F.lstm(X, None, None, layer.Wx[0], layer.Wh[0], layer.b[0])
    for a, b in zip((y, h, c), expected, strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_gru_is_its_function():
    layer = GRU(4, dtype=np.float64)
    y, ((h,),) = layer(X)
    expected = F.gru(X, None, layer.Wx[0], layer.Wh[0], layer.bx[0], layer.bh[0])
    for a, b in zip((y, h), expected, strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_forget_gate_begins_open():
    assert LSTM(2).b[0].data.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]


@KINDS
def test_dropout_acts_between_layers_in_training_alone(kind):
    lamina.seed(1)
    layer = kind(4, 2, 0.5)
    assert (layer(X)[0].data != layer(X)[0].data).any()
    with test_mode():
        assert layer(X)[0].data.tolist() == layer(X)[0].data.tolist()


@KINDS
def test_dropout_leaves_a_single_layer_alone(kind):
    layer = kind(4, dropout=0.9)
    assert layer(X)[0].data.tolist() == layer(X)[0].data.tolist()


@KINDS
def test_layer_shows_what_was_chosen(kind):
    layer = kind(4, 2, 0.25, stateful=True, dtype=np.float64)
    shown = "? -> 4, layers=2, dropout=0.25, stateful=True, dtype=float64"
    assert repr(layer) == f"{kind.__name__}({shown})"


@KINDS
def test_multiply_adds_count_the_loop(kind):
    gates = 4 if kind is LSTM else 3
    steps, width, size = 6, 3, 4
    expected = 2 * steps * (width + size) * gates * size
    assert kind(size).summary((2, steps, width)).multiply_adds == expected


@KINDS
@pytest.mark.parametrize("shape", [(6, 3), (2, 0, 3), (2, 6, 0)])
def test_input_that_is_no_sequence_is_refused(kind, shape):
    with pytest.raises(ShapeError, match=r"x should be \(n, steps, in_size\), 1 step or more, got"):
        kind(4)(np.ones(shape))


@KINDS
@pytest.mark.parametrize("sizes", [(0,), (4, 0), (4.0,)])
def test_size_that_is_no_length_is_refused(kind, sizes):
    with pytest.raises(RangeError, match=r"(size|layers) should be an integer of 1 or more, got"):
        kind(*sizes)


@KINDS
def test_dropout_outside_its_range_is_refused(kind):
    with pytest.raises(RangeError, match=f"{kind.__name__}: dropout should be from 0 to 1, got 2"):
        kind(4, dropout=2)


@KINDS
def test_stateful_that_is_no_bool_is_refused(kind):
    with pytest.raises(DTypeError, match="stateful should be True or False, got 1"):
        kind(4, stateful=1)
