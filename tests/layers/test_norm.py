"""LayerNorm, BatchNorm and its running statistics, Dropout."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import lamina
from lamina import Buffer, Layer, gradients, test_mode
from lamina import functions as F
from lamina.check import gradient
from lamina.errors import DTypeError, RangeError, ShapeError, UninitializedError
from lamina.layers import BatchNorm, Dropout, Embedding, LayerNorm

X = np.random.default_rng(1).normal(2, 3, (5, 3, 4)).astype(np.float32)


def trained(**options) -> BatchNorm:
    layer = BatchNorm(**options)
    layer(X)
    return layer


def test_t19_running_statistics_are_buffers_and_not_parameters():
    layer = trained()
    assert [name for name, _ in layer.named_params()] == ["gamma", "beta"]
    assert [name for name, _ in layer.named_buffers()] == ["mean", "variance"]
    assert all(isinstance(b, Buffer) and not b.requires_grad for b in layer.buffers())


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 4)])
def test_t72_batch_norm_has_both_derivatives_in_training_and_in_prediction(mode, shape):
    layer = BatchNorm(3, eps=0.1, dtype=np.float64).train(mode)
    layer.variance.data = np.array([0.5, 1.0, 2.0])
    rng = np.random.default_rng(2)
    gradient(lambda x: F.exp(layer(x)), rng.normal(size=shape), order=2)


@pytest.mark.parametrize("kind", [BatchNorm, Embedding, LayerNorm])
def test_t86_only_forward_is_overridden(kind):
    assert "forward" in vars(kind)
    assert kind.__call__ is Layer.__call__


def test_t86_embedding_is_float32():
    assert Embedding(5, 3).W.data.dtype == np.float32


def test_running_statistics_follow_the_convention_of_pytorch():
    layer = trained(momentum=0.25)
    mean, variance = X.mean((0, 2)), X.var((0, 2), ddof=1)
    np.testing.assert_allclose(layer.mean.data, 0.25 * mean, rtol=1e-5)  # float32, two orders
    np.testing.assert_allclose(layer.variance.data, 0.75 + 0.25 * variance, rtol=1e-5)


def test_momentum_one_keeps_the_last_batch_alone():
    layer = trained(momentum=1)
    np.testing.assert_allclose(layer.mean.data, X.mean((0, 2)), rtol=1e-5)  # float32, two orders


def test_prediction_uses_the_running_statistics():
    layer = trained(dtype=np.float64)
    with test_mode():
        y = layer(X[:1]).data
    mean, variance = layer.mean.data[:, None], layer.variance.data[:, None]
    np.testing.assert_allclose(y, (X[:1] - mean) / np.sqrt(variance + 1e-5), rtol=1e-12)


def test_change_of_the_statistics_is_counted():
    layer = trained()
    before = layer.mean._version[0]
    layer(X)
    assert layer.mean._version[0] == before + 1


def test_statistics_are_part_of_no_graph():
    layer = trained()
    assert layer.mean.is_leaf
    assert not isinstance(layer.mean.data, lamina.Variable)


def test_statistics_of_a_float16_layer_are_float32():
    assert trained(dtype=np.float16).variance.dtype == np.float32


def test_one_number_a_channel_is_refused_in_training():
    with pytest.raises(ShapeError, match=r"more than one number a channel, got shape \(1, 3\)"):
        BatchNorm()(np.ones((1, 3)))


def test_one_number_a_channel_is_fine_in_prediction():
    with test_mode():
        assert BatchNorm()(np.ones((1, 3), np.float32)).shape == (1, 3)


def test_empty_batch_is_fine_in_prediction():
    with test_mode():
        assert trained()(np.ones((0, 3), np.float32)).shape == (0, 3)


@pytest.mark.parametrize(
    "make", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_lazy_statistics_can_be_copied(make):
    layer = make(BatchNorm(momentum=0.5))
    layer(X)
    np.testing.assert_allclose(layer.mean.data, X.mean((0, 2)) / 2, rtol=1e-5)


def test_lazy_statistics_have_no_shape_and_say_why():
    with pytest.raises(UninitializedError, match=r"mean is uninitialised: .* at the first call"):
        _ = BatchNorm().mean.shape


def test_layer_norm_of_several_axes():
    layer = LayerNorm((3, 4))
    assert repr(layer) == "LayerNorm((3, 4))"
    np.testing.assert_array_equal(layer(X).data, F.layer_norm(X, axis=(1, 2)).data)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (LayerNorm(), "LayerNorm(?)"),
        (LayerNorm(4, eps=0.5, nobias=True), "LayerNorm(4, eps=0.5, nobias=True)"),
        (BatchNorm(), "BatchNorm(?)"),
        (BatchNorm(4, 0.2, dtype=np.float64), "BatchNorm(4, momentum=0.2, dtype=float64)"),
        (Embedding(5, 3, padding=-1), "Embedding(5 -> 3, padding=-1)"),
        (Dropout(0.25), "Dropout(0.25)"),
    ],
)
def test_layer_shows_what_was_chosen(layer, text):
    assert repr(layer) == text


@pytest.mark.parametrize("kind", [LayerNorm, BatchNorm])
def test_layer_without_beta_has_no_beta(kind):
    layer = kind(nobias=True)
    layer(X)
    assert [name for name, _ in layer.named_params()] == ["gamma"]
    assert layer.beta is None


@pytest.mark.parametrize("kind", [LayerNorm, BatchNorm])
@pytest.mark.parametrize("size", [0, -1, 2.0, True])
def test_size_that_is_no_length_is_refused(kind, size):
    with pytest.raises(RangeError, match=f"{kind.__name__}: size should be an integer of 1 or"):
        kind(size)


@pytest.mark.parametrize("kind", [LayerNorm, BatchNorm])
def test_eps_that_is_not_positive_is_refused(kind):
    with pytest.raises(RangeError, match=f"{kind.__name__}: eps should be above 0, got 0"):
        kind(eps=0)


@pytest.mark.parametrize("kind", [LayerNorm, BatchNorm])
def test_nobias_that_is_no_bool_is_refused(kind):
    with pytest.raises(DTypeError, match=f"{kind.__name__}: nobias should be True or False, got 3"):
        kind(nobias=3)


def test_momentum_outside_its_range_is_refused():
    with pytest.raises(RangeError, match=r"BatchNorm: momentum should be from 0 to 1, got 1\.5"):
        BatchNorm(momentum=1.5)


@pytest.mark.parametrize(("layer", "shape"), [(LayerNorm(), (3, 0)), (BatchNorm(), (3, 0))])
def test_no_features_are_refused_at_the_first_call(layer, shape):
    with pytest.raises(ShapeError, match=r"should .*1 or more, got shape \(3, 0\)"):
        layer(np.ones(shape, np.float32))


def test_complex_input_is_refused():
    with pytest.raises(DTypeError, match=r"LayerNorm: x is complex128 .* take x\.real"):
        LayerNorm()(np.ones(3, complex))


def test_dropout_drops_in_training_and_nothing_in_prediction():
    lamina.seed(5)
    layer, x = Dropout(0.5), np.ones((40, 50), np.float32)
    assert set(np.unique(layer(x).data).tolist()) == {0, 2}
    assert layer.eval()(x).data.tolist() == x.tolist()


def test_dropout_lets_the_gradient_of_what_it_kept_through():
    lamina.seed(5)
    x = lamina.Variable(np.ones((40, 50), np.float32))
    y = Dropout(0.2)(x)
    np.testing.assert_array_equal(gradients(y.sum(), x).data, y.data)


@pytest.mark.parametrize("ratio", [-0.1, 1.5, float("nan")])
def test_ratio_outside_its_range_is_refused(ratio):
    with pytest.raises(RangeError, match="Dropout: ratio should be from 0 to 1"):
        Dropout(ratio)


@pytest.mark.parametrize("sizes", [(0, 3), (5, 0), (5, 1.5)])
def test_embedding_of_no_size_is_refused(sizes):
    with pytest.raises(
        RangeError, match=r"Embedding: (rows|size) should be an integer of 1 or more"
    ):
        Embedding(*sizes)
