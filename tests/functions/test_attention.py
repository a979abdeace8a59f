"""Attention: what is hidden, extremes, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import lamina
import lamina.functions as F
from lamina import Variable, gradients, test_mode
from lamina.errors import DTypeError, RangeError, ShapeError

attend = F.scaled_dot_product_attention
RNG = np.random.default_rng(4)
Q, K, V = RNG.normal(size=(3, 2)), RNG.normal(size=(4, 2)), RNG.normal(size=(4, 5))


@pytest.mark.parametrize("hidden", [False, -np.inf])
def test_query_that_sees_nothing_gives_zeros_and_gets_no_gradient(hidden) -> None:
    mask = np.full((3, 4), type(hidden)(not hidden) if hidden is False else 0.0)
    mask[1] = hidden
    q, k, v = Variable(Q), Variable(K), Variable(V)
    y = attend(q, k, v, mask)
    (g, gk, gv) = gradients(F.exp(y).sum(), [q, k, v])
    assert y.data[1].tolist() == [0] * 5
    assert g.data[1].tolist() == [0, 0]
    assert np.isfinite(gk.data).all()
    assert np.isfinite(gv.data).all()


def test_hidden_key_gets_no_gradient() -> None:
    k = Variable(K)
    mask = [[True, True, True, False]]
    assert gradients(F.exp(attend(Q, k, V, mask)).sum(), k).data[3].tolist() == [0, 0]


def test_causal_query_does_not_see_later_keys() -> None:
    later = V.copy()
    later[2:] = 100
    np.testing.assert_array_equal(
        attend(Q, K, V, causal=True).data[:2], attend(Q, K, later, causal=True).data[:2]
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_large_products_do_not_overflow(dtype: type) -> None:
    q = np.array([[40.0], [-40.0]], dtype)
    y = attend(q, q * 10, np.array([[1.0], [2.0]], dtype))
    assert y.data.tolist() == [[1], [2]]


def test_dropout_sets_weights_to_zero_in_training_alone() -> None:
    q, one = np.zeros((40, 1)), np.ones((50, 1))
    lamina.seed(2)
    y = attend(q, one, one, dropout=0.5)
    kept = np.round(y.data * 25)  # each weight is 1 / 50, doubled where it is kept
    np.testing.assert_allclose(y.data, kept / 25, rtol=1e-12)  # sums of 1 / 25
    assert 15 < kept.mean() < 35
    with test_mode():
        np.testing.assert_allclose(attend(q, one, one, dropout=0.5).data, 1, rtol=1e-12)


@pytest.mark.parametrize(
    ("q", "k", "v", "message"),
    [
        (Q[0], K, V, r"should be \(..., positions, size\), got q \(2,\)"),
        (Q, V, V, r"last axes of q and k should be equal, got q \(3, 2\), k \(4, 5\)"),
        (Q, K, V[:3], r"as many positions, 1 or more, got q .*, k \(4, 2\), v \(3, 5\)"),
        (Q, K[:0], V[:0], r"as many positions, 1 or more, got q .*, k \(0, 2\), v \(0, 5\)"),
        (Q[None].repeat(2, 0), K[None].repeat(3, 0), V, "leading axes should broadcast"),
    ],
)
def test_shapes_that_do_not_fit_are_named(q, k, v, message: str) -> None:
    with pytest.raises(ShapeError, match=f"scaled_dot_product_attention: .*{message}"):
        attend(q, k, v)


@pytest.mark.parametrize("shape", [(4, 3), (4,), (2, 2, 3, 4)])
def test_mask_that_does_not_fit_is_named(shape: tuple[int, ...]) -> None:
    q, k = Q[None, None].repeat(3, 0), K[None, None].repeat(3, 0)
    with pytest.raises(ShapeError, match=r"mask should broadcast to \(3, 1, 3, 4\), got \(4|\(2"):
        attend(q, k, V, np.ones(shape, bool))


def test_mask_of_integers_is_refused() -> None:
    with pytest.raises(DTypeError, match="mask should hold bools or floating numbers, got int64"):
        attend(Q, K, V, np.ones((3, 4), int))


def test_integers_are_refused() -> None:
    with pytest.raises(DTypeError, match="attention: k should be floating, got int64"):
        attend(Q, K.astype(int), V)


def test_dropout_outside_its_range_is_refused() -> None:
    with pytest.raises(RangeError, match="dropout: ratio should be from 0 to 1, got 2"):
        attend(Q, K, V, dropout=2)


def test_mask_of_float64_keeps_float32() -> None:
    q, k, v = [x.astype(np.float32) for x in (Q, K, V)]
    assert attend(q, k, v, np.zeros((3, 4))).dtype == np.float32
