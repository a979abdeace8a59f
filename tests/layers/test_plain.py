"""Layers without parameters are their functions, over all rows of tests/layers/plain.py."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import lamina
from lamina import Sequential, Variable, no_grad
from lamina import layers as L
from lamina.errors import DTypeError, RangeError, ShapeError
from layers.every import ROWS
from layers.plain import PLAIN, Plain

each = pytest.mark.parametrize("row", PLAIN, ids=lambda row: row.shown)
X = np.random.default_rng(3).normal(size=(2, 3, 4, 5)).astype(np.float32)
# Layers that draw numbers, hold other Layers, or are tested in a file of their own.
ELSEWHERE = {
    *("TransformerEncoderLayer", "TransformerDecoderLayer"),
    *("Layer", "Summary", "Sequential", "Residual", "Parallel", "Concatenate", "MaxUnpool"),
    *("Dropout", "ChannelDropout", "AlphaDropout", "GaussianDropout", "DropPath", "GaussianNoise"),
    *("AveragePool1d", "AveragePool2d", "AveragePool3d", "GlobalAveragePool", "GlobalMaxPool"),
    *("MaxPool1d", "MaxPool2d", "MaxPool3d", "Conv1d", "Conv2d", "Conv3d"),
    *("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"),
}


def results(y):
    return list(y) if isinstance(y, tuple) else [y]


def test_every_public_layer_has_a_row_or_a_place_of_its_own():
    public = {name for name in L.__all__ if isinstance(getattr(L, name), type)}
    rows = {row.name for row in (*PLAIN, *ROWS)}
    assert public - rows - ELSEWHERE == set()
    assert ELSEWHERE - public == set()


def test_there_are_more_than_seventy_layers():
    assert len([name for name in L.__all__ if isinstance(getattr(L, name), type)]) >= 72


@each
@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_it_gives_what_its_function_gives_in_the_dtype_of_x(row: Plain, dtype):
    given = results(row.make(**row.words)(*row.inputs(dtype)))
    expected = results(row.function(*map(Variable, row.inputs(dtype))))
    # another order of the same roundings, at most a few of each dtype
    rtol = 1e-2 if dtype == np.float16 else 1e-12
    for y, z in zip(given, expected, strict=True):
        assert y.dtype == z.dtype
        np.testing.assert_allclose(y, z.data if isinstance(z, Variable) else z, rtol, rtol / 10)


@each
def test_it_shows_what_was_chosen(row: Plain):
    assert repr(row.make(**row.words)) == row.shown


@each
def test_its_copy_is_its_own_and_gives_the_same(row: Plain):
    layer = row.make(**row.words)
    other = copy.deepcopy(layer)
    assert other is not layer
    assert repr(other) == repr(layer)
    for y, z in zip(*[results(one(*row.inputs(np.float32))) for one in (layer, other)]):
        np.testing.assert_array_equal(y, z)


@each
def test_it_has_no_parameters_and_shapes_are_known_without_numbers(row: Plain):
    layer = row.make(**row.words)
    inputs = row.inputs(np.float32)
    shapes = ", ".join(f"{y.dtype} {y.shape}" for y in results(layer(*inputs)))
    summary = layer.summary(*inputs)
    assert (summary.rows[0].output, summary.params) == (shapes, 0)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: L.LeakyReLU("0.1"), DTypeError, "LeakyReLU: slope should be a number, got '0.1'"),
        (lambda: L.ELU(float("nan")), RangeError, "ELU: alpha should be finite, got nan"),
        (lambda: L.Softmax(1.5), DTypeError, "Softmax: axis should be an integer, got 1.5"),
        (lambda: L.GELU("fast"), RangeError, "GELU: form should be one of exact, tanh, quick, got"),
        (lambda: L.Upsample(), RangeError, "Upsample: one of scale and size should be given, got"),
        (lambda: L.Upsample(2, mode="x"), RangeError, "Upsample: mode should be one of nearest"),
        (lambda: L.Upsample(2, align_corners=1), DTypeError, "align_corners should be True or Fa"),
        (lambda: L.PixelShuffle(0), RangeError, "PixelShuffle: factor should be an integer of 1"),
        (lambda: L.ChannelShuffle(0), RangeError, "ChannelShuffle: groups should be an integer"),
        (lambda: L.ConstantPad(-1), RangeError, "ConstantPad: width should be 0 or more, got -1"),
        (lambda: L.ReflectionPad(((0, -2),)), RangeError, "ReflectionPad: width should be 0 or m"),
        (lambda: L.DropPath(1.5), RangeError, "DropPath: ratio should be from 0 to 1, got 1.5"),
        (lambda: L.ChannelDropout("a"), DTypeError, "ChannelDropout: ratio should be a number"),
        (lambda: L.GaussianNoise(-1), RangeError, "GaussianNoise: std should be 0 or more, got -1"),
        (lambda: L.PairwiseDistance(0), RangeError, "PairwiseDistance: power should be above 0"),
        (lambda: L.PositionalEncoding(0), RangeError, "PositionalEncoding: base should be above 0"),
        (lambda: L.LPPool(None, 2), DTypeError, "LPPool: power should be a number, got None"),
    ],
)
def test_a_word_that_means_nothing_is_refused_at_once(make, error, text):
    with pytest.raises(error, match=text):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "text"),
    [
        (L.ConstantPad((1, 2)), (2, 3, 4), r"ConstantPad: x should be \(n, c, ...\), with a width"),
        (L.Unflatten(1, (2, 2)), (2, 3), r"Unflatten: axis 1 of \(2, 3\) has length 3, which is n"),
        (L.Unflatten(1, (2, -1)), (2, 3), r"Unflatten: axis 1 of \(2, 3\) has length 3"),
        (L.Reshape((2,)), (), r"Reshape: x should have an axis of samples, got shape \(\)"),
        (L.PositionalEncoding(), (2, 3), r"PositionalEncoding: x should be .* size even, got"),
        (L.Residual(L.Linear(5)), (2, 3), r"Residual: the steps make \(2, 5\) of \(2, 3\); they"),
    ],
)
def test_an_input_that_does_not_fit_is_named(layer, shape, text):
    with pytest.raises(ShapeError, match=text):
        Sequential(layer)(np.ones(shape, np.float32))


NOISES = [
    L.ChannelDropout(0.4),
    L.AlphaDropout(0.4),
    L.GaussianDropout(0.4),
    L.DropPath(0.4),
    L.GaussianNoise(0.4),
]


@pytest.mark.parametrize("layer", NOISES, ids=repr)
def test_noise_is_there_in_training_and_not_in_prediction(layer):
    lamina.seed(2)
    layer = copy.deepcopy(layer)
    assert not np.array_equal(layer(X), X)
    np.testing.assert_array_equal(layer.eval()(X), X)


@pytest.mark.parametrize("layer", NOISES[:4], ids=repr)
def test_noise_shows_its_ratio(layer):
    assert repr(layer) == f"{type(layer).__name__}(0.4)"


def test_max_unpool_puts_each_number_where_it_was():
    y, indices = L.MaxPoolWithIndices((1, 5))(X)
    z = L.MaxUnpool((4, 5))(y, indices)
    np.testing.assert_array_equal(z, np.where(X == X.max(-1, keepdims=True), X, 0))


def test_residual_adds_and_names_the_parameters_of_its_steps():
    layer = L.Residual(L.Linear(3), L.ReLU(), L.Linear(5))
    x = X[0, 0]
    with no_grad():
        y = layer(x)
        np.testing.assert_array_equal(y, x + layer[2](layer[1](layer[0](x))).data)
    assert [path for path, _ in layer.named_params()] == ["0/W", "0/b", "2/W", "2/b"]
    assert repr(layer).startswith("Residual(\n  0: Linear(5 -> 3)\n  1: ReLU()")


def test_parallel_gives_a_tuple_and_concatenate_one_array():
    a, b = L.Linear(2), L.Linear(3)
    parts = L.Parallel(a, b)(X)
    assert [part.shape[-1] for part in parts] == [2, 3]
    whole = L.Concatenate(a, b, axis=-1)(X)
    np.testing.assert_array_equal(whole, np.concatenate([p.data for p in parts], -1))
