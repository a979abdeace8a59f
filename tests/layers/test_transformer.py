"""Attention with shared keys and turned positions, transformers, cells, both directions."""

from __future__ import annotations

import numpy as np
import pytest

import lamina
from lamina import functions as F
from lamina import layers as L
from lamina import no_grad
from lamina.errors import DTypeError, RangeError, RegistrationError, ShapeError

RNG = np.random.default_rng(4)
X = RNG.normal(size=(2, 5, 6)).astype(np.float32)
CLOSE = {"rtol": 1e-5, "atol": 1e-6}  # float32, sums in another order


@pytest.fixture(autouse=True)
def seeded():
    lamina.seed(1)
    with no_grad():
        yield


def test_shared_keys_are_the_same_as_keys_repeated():
    shared = L.MultiHeadAttention(6, 3, kv_heads=1, nobias=True)
    y = shared(X)
    full = L.MultiHeadAttention(6, 3, nobias=True, in_size=6)
    W = shared.qkv.W.data
    full.qkv.W.data = np.hstack([W[:, :6], *[W[:, 6:8]] * 3, *[W[:, 8:]] * 3])
    full.out.W.data = shared.out.W.data
    np.testing.assert_allclose(full(X), y, **CLOSE)


def test_turned_attention_knows_distances_and_not_places():
    layer = L.MultiHeadAttention(8, 2, rotary=True)
    x = RNG.normal(size=(1, 4, 8)).astype(np.float32)
    swapped = x[:, [1, 0, 2, 3]]
    assert not np.allclose(layer(x).data[:, 2], layer(swapped).data[:, 2], atol=1e-3)
    plain = L.MultiHeadAttention(8, 2)
    np.testing.assert_allclose(plain(x).data[:, 2], plain(swapped).data[:, 2], **CLOSE)


def test_cross_attention_to_itself_is_self_attention():
    cross, self_ = L.CrossAttention(6, 2), L.MultiHeadAttention(6, 2, in_size=6)
    y = cross(X, X)
    self_.qkv.W.data = np.hstack([cross.q.W.data, cross.kv.W.data])
    self_.out.W.data = cross.out.W.data
    np.testing.assert_allclose(self_(X), y, **CLOSE)


def test_a_mask_hides_positions_of_the_memory():
    layer, memory = L.TransformerDecoder(1, 6, 2), RNG.normal(size=(2, 4, 6)).astype(np.float32)
    seen = np.array([[True, True, False, False]])
    y = layer(X, memory, memory_mask=seen)
    np.testing.assert_allclose(y, layer(X, memory[:, :2]), **CLOSE)


def test_a_causal_encoder_and_a_decoder_see_nothing_that_comes_later():
    changed = X.copy()
    changed[:, 3:] = 0
    encoder, decoder = L.TransformerEncoder(2, 6, 3, causal=True), L.TransformerDecoder(2, 6, 3)
    for run in (encoder, lambda x: decoder(x, X)):
        np.testing.assert_array_equal(run(X).data[:, :3], run(changed).data[:, :3])


def test_a_block_is_the_formula_of_its_docstring():
    layer = L.TransformerEncoderLayer(6, 2, 5, activation=F.relu)
    x = X + layer.attention(layer.norm1(X)).data
    np.testing.assert_allclose(layer(X), x + layer.network(layer.norm2(x)).data, **CLOSE)
    layer = L.TransformerEncoderLayer(6, 2, 5, norm_first=False)
    x = layer.norm1(X + layer.attention(X).data).data
    np.testing.assert_allclose(layer(X), layer.norm2(x + layer.network(x).data), **CLOSE)


@pytest.mark.parametrize(("cell", "whole"), [(L.GRUCell, L.GRU), (L.LSTMCell, L.LSTM)])
def test_a_cell_step_by_step_is_the_layer(cell, whole):
    layer, one = whole(4, in_size=6), cell(4, in_size=6)
    for (_, p), (_, q) in zip(layer.named_params(), one.named_params(), strict=True):
        q.data = p.data
    y, _ = layer(X)
    state = None
    for t in range(X.shape[1]):
        state = one(X[:, t], state)
        h = state[0] if isinstance(state, tuple) else state
        np.testing.assert_allclose(h, y.data[:, t], **CLOSE)


def test_the_second_direction_reads_from_the_end_of_each_sequence():
    layer = L.Bidirectional(L.GRU(3), L.LSTM(4))
    y, (ahead, back) = layer(X, lengths=np.array([5, 2]))
    assert [v.shape for v in (*ahead[0], *back[0])] == [(2, 3), (2, 4), (2, 4)]
    alone, (last,) = layer.back(X[1:, 1::-1])
    np.testing.assert_allclose(y.data[1:, :2, 3:], alone.data[:, ::-1], **CLOSE)
    np.testing.assert_allclose(back[0][0].data[1:], last[0], **CLOSE)
    assert not y.data[1, 2:].any()


def test_both_directions_begin_with_the_states_they_are_given():
    layer = L.Bidirectional(L.RNN(3), L.RNN(3, activation="relu"))
    _, state = layer(X)
    again, _ = layer(X, state)
    assert not np.allclose(again, layer(X)[0], atol=1e-3)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: L.MultiHeadAttention(6, 3, kv_heads=2), RangeError, "kv_heads should divide 3"),
        (lambda: L.MultiHeadAttention(6, 2, rotary=True), RangeError, "rotary needs heads of an e"),
        (lambda: L.CrossAttention(6, 4), RangeError, "CrossAttention: heads should divide size 6"),
        (
            lambda: L.FeedForward(4, activation=3),
            DTypeError,
            "activation should be a function",
        ),
        (lambda: L.TransformerEncoder(0, 4, 2), RangeError, "TransformerEncoder: layers should be"),
        (
            lambda: L.RNN(3, activation="x"),
            RangeError,
            "RNN: activation should be one of tanh",
        ),
        (
            lambda: L.Bidirectional(L.GRU(3), L.Linear(3)),
            RangeError,
            "Bidirectional: should be",
        ),
        (lambda: L.WeightNorm(L.Dropout()), RegistrationError, "WeightNorm: should stand around a"),
        (lambda: L.GroupNorm(2, 3), RangeError, "GroupNorm: groups should divide the 3 channels"),
        (lambda: L.GatedLinear(2, "x"), RangeError, "GatedLinear: gate should be one of glu, gegl"),
    ],
)
def test_a_word_that_means_nothing_is_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_a_bidirectional_layer_needs_two():
    one = L.GRU(3)
    with pytest.raises(RangeError, match="Bidirectional: should be given two layers"):
        L.Bidirectional(one, one)


def test_repr_shows_what_was_chosen():
    layer = L.MultiHeadAttention(8, 4, True, 0.1, kv_heads=2, rotary=True)
    assert repr(layer).startswith(
        "MultiHeadAttention(4 heads of 2, 2 of keys, causal, rotary, dropout=0.1\n"
    )
    assert repr(L.RNN(3, activation="relu")) == "RNN(? -> 3, activation='relu')"
    assert repr(L.GroupNorm(2, 4, nobias=True)) == "GroupNorm(2 groups of 4, nobias=True)"
    assert repr(L.PReLU(1, 0.1)) == "PReLU(1, start=0.1)"


# -- around a layer ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [lambda: L.Linear(4), lambda: L.Conv1d(4, 2), lambda: L.ConvTranspose1d(4, 2)]
)
def test_weight_norm_changes_nothing_at_first_and_doubles_with_its_lengths(make):
    lamina.seed(1)
    bare = make()
    y = bare(X).data
    layer = L.WeightNorm(make())
    lamina.seed(1)
    layer.layer.W.data = bare.W.data
    np.testing.assert_allclose(layer(X), y, **CLOSE)
    layer.g.data = layer.g.data * 2
    np.testing.assert_allclose(layer(X), 2 * y, **CLOSE)


def test_spectral_norm_comes_to_a_largest_singular_value_of_one():
    layer = L.SpectralNorm(L.Linear(4, nobias=True))
    x = np.eye(6, dtype=np.float32)
    for _ in range(50):
        layer(x)
    assert np.linalg.svd(layer(x).data)[1][0] == pytest.approx(1, rel=1e-3)  # 50 iterations
    u = layer.u.data.copy()
    layer.eval()(x)
    np.testing.assert_array_equal(layer.u.data, u)


def test_what_a_group_norm_cannot_part_is_refused_at_the_first_call():
    with pytest.raises(RangeError, match="GroupNorm: groups should divide the 6 channels, got 4"):
        L.GroupNorm(4)(X.swapaxes(1, 2))


def test_a_weight_norm_tells_of_an_input_that_does_not_fit():
    layer = L.WeightNorm(L.Linear(3, in_size=4))
    with pytest.raises(ShapeError, match="last axis of x should be 4"):
        layer(X)
