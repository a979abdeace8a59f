"""MultiHeadAttention against one head after the other."""

from __future__ import annotations

import numpy as np
import pytest

import lamina
from lamina import functions as F
from lamina import test_mode
from lamina.errors import DTypeError, RangeError, ShapeError
from lamina.layers import MultiHeadAttention

X = np.random.default_rng(1).normal(size=(2, 5, 3))


def head_by_head(layer, x):
    d = layer.size // layer.heads
    z = x @ layer.qkv.W.data + layer.qkv.b.data
    parts = []
    for h in range(layer.heads):
        q, k, v = [z[..., n * layer.size + h * d :][..., :d] for n in range(3)]
        parts.append(F.scaled_dot_product_attention(q, k, v, causal=layer.causal).data)
    return np.concatenate(parts, -1) @ layer.out.W.data + layer.out.b.data


@pytest.mark.parametrize("causal", [False, True])
def test_heads_are_independent_of_each_other(causal):
    layer = MultiHeadAttention(8, 2, causal, dtype=np.float64)
    y = layer(X)
    np.testing.assert_allclose(y.data, head_by_head(layer, X), rtol=1e-10)  # products, other order


@pytest.mark.parametrize("shape", [(5, 3), (1, 3), (2, 4, 5, 3), (0, 5, 3)])
def test_any_leading_axes(shape):
    layer = MultiHeadAttention(8, 2)
    assert layer(np.ones(shape, np.float32)).shape == (*shape[:-1], 8)


def test_causal_positions_do_not_see_later_ones():
    layer = MultiHeadAttention(8, 2, causal=True)
    changed = X.copy()
    changed[:, 3:] = 7
    # the same rows of products, which a library may sum in another order
    np.testing.assert_allclose(layer(changed).data[:, :3], layer(X).data[:, :3], rtol=1e-5)


def test_mask_hides_positions():
    layer = MultiHeadAttention(8, 2, dtype=np.float64)
    changed = X.copy()
    changed[:, 4] = 7
    mask = np.array([True, True, True, True, False])[None]
    np.testing.assert_allclose(
        layer(changed, mask).data[:, :4], layer(X, mask=mask).data[:, :4], rtol=1e-10
    )


def test_dropout_acts_in_training_alone():
    lamina.seed(1)
    layer = MultiHeadAttention(8, 2, dropout=0.5)
    assert (layer(X).data != layer(X).data).any()
    with test_mode():
        assert layer(X).data.tolist() == layer(X).data.tolist()


def test_without_biases():
    layer = MultiHeadAttention(8, 2, nobias=True)
    layer(X)
    assert [name for name, _ in layer.named_params()] == ["qkv/W", "out/W"]


def test_layer_shows_what_was_chosen():
    text = repr(MultiHeadAttention(8, 4, True, 0.1))
    assert text.startswith("MultiHeadAttention(4 heads of 2, causal, dropout=0.1\n")


def test_heads_that_do_not_divide_the_size_are_refused():
    with pytest.raises(RangeError, match="heads should divide size 8, got 3"):
        MultiHeadAttention(8, 3)


@pytest.mark.parametrize("sizes", [(0, 1), (8, 0), (8, 2.0)])
def test_size_that_is_no_length_is_refused(sizes):
    with pytest.raises(RangeError, match=r"(size|heads) should be an integer of 1 or more, got"):
        MultiHeadAttention(*sizes)


def test_dropout_outside_its_range_is_refused():
    with pytest.raises(RangeError, match="MultiHeadAttention: dropout should be from 0 to 1"):
        MultiHeadAttention(8, 2, dropout=-1)
    with pytest.raises(DTypeError, match=r"MultiHeadAttention: dropout should be .* got 'half'"):
        MultiHeadAttention(8, 2, dropout="half")


def test_causal_that_is_no_bool_is_refused():
    with pytest.raises(DTypeError, match=r"causal should be True or False, got 0\.1"):
        MultiHeadAttention(8, 2, 0.1)


def test_vector_is_refused():
    with pytest.raises(ShapeError, match=r"\(..., positions, size\), got shape \(3,\)"):
        MultiHeadAttention(8, 2)(np.ones(3))
