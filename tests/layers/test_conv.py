"""Layers of convolution and pooling: lazy channels, files, copies, errors, dtypes."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from lamina import Sequential, Variable
from lamina import functions as F
from lamina.errors import DTypeError, RangeError, ShapeError
from lamina.layers import (
    AveragePool1d,
    AveragePool2d,
    AveragePool3d,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    Flatten,
    GlobalAveragePool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    initializers,
)
from lamina.random import seed

CONVS = [Conv1d, Conv2d, Conv3d]
TRANSPOSES = [ConvTranspose1d, ConvTranspose2d, ConvTranspose3d]
SIZE = (5, 6, 7)

each_kind = pytest.mark.parametrize("kind", [*CONVS, *TRANSPOSES])


def image(kind, n=2, c=4, dtype=np.float32):
    shape = (n, c, *SIZE[: kind.rank])
    return np.linspace(-1, 1, int(np.prod(shape)), dtype=dtype).reshape(shape)


def function_of(kind):
    name = kind.__name__.replace("ConvTranspose", "conv_transpose").replace("Conv", "conv")
    return vars(F)[name]


# -- channels learnt at the first call -------------------------------------------------------------


@each_kind
def test_lazy_layer_equals_one_that_was_told_its_channels(kind):
    seed(3)
    lazy = kind(6, 3, groups=2)
    y = lazy(image(kind))
    seed(3)
    told = kind(6, 3, groups=2, in_channels=4)
    np.testing.assert_array_equal(told(image(kind)).data, y.data)


@each_kind
def test_channels_are_none_until_the_first_call(kind):
    layer = kind(6, 3, groups=2)
    before = layer.in_channels
    layer(image(kind))
    assert (before, layer.in_channels) == (None, 4)


@each_kind
def test_layer_applies_its_function_with_its_words(kind):
    layer = kind(6, 2, stride=2, padding=1, dilation=3, groups=2)
    y = layer(image(kind))
    words = {"stride": 2, "padding": 1, "dilation": 3, "groups": 2}
    expected = function_of(kind)(image(kind), layer.W, layer.b, **words)
    np.testing.assert_array_equal(y.data, expected.data)


def test_kernel_of_a_convolution_has_the_layout_of_others():
    layer = Conv2d(6, (3, 2), groups=2, in_channels=4)
    assert (layer.W.shape, layer.b.shape) == ((6, 2, 3, 2), (6,))


def test_kernel_of_a_transposed_convolution_has_the_layout_of_others():
    layer = ConvTranspose2d(6, (3, 2), groups=2, in_channels=4)
    assert (layer.W.shape, layer.b.shape) == ((4, 3, 3, 2), (6,))


def test_output_padding_makes_the_result_larger():
    layer = ConvTranspose2d(3, 3, stride=2, output_padding=(1, 0))
    assert layer(image(ConvTranspose2d)).shape == (2, 3, 12, 13)


def test_build_learns_the_channels_from_a_shape():
    model = Sequential(Conv2d(3, 3), ConvTranspose2d(5, 2)).build((2, 4, 5, 6))
    assert [p.shape for p in model.params()] == [(3, 4, 3, 3), (3,), (3, 5, 2, 2), (5,)]


def test_a_failed_first_call_leaves_the_channels_open():
    model = Sequential(Conv2d(3, 2), Conv2d(3, 9))
    with pytest.raises(ShapeError, match=r"kernel \(9, 9\) is larger than the image \(4, 5\)"):
        model(image(Conv2d))
    assert model[0].in_channels is None


# -- starts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "seen"),
    [
        (Conv2d(128, (3, 2), in_channels=64), 64 * 6),
        (Conv2d(128, (3, 2), groups=4, in_channels=64), 16 * 6),
        (ConvTranspose2d(128, (3, 2), in_channels=64), 64 * 6),
        (ConvTranspose2d(128, (4, 2), groups=4, stride=2, in_channels=64), 16 * 2),
        (ConvTranspose2d(128, (1, 2), stride=2, in_channels=64), 64),
    ],
    ids=["plain", "groups", "transposed", "transposed groups", "transposed small"],
)
def test_kernel_starts_with_variance_one_over_how_many_numbers_a_result_sees(layer, seen):
    # 24,576 draws or more (16,384 for the last): four standard errors of a variance
    assert layer.W.data.var() * seen == pytest.approx(1.0, rel=4 * (2 / 12288) ** 0.5)


def test_bias_starts_at_zero():
    assert not Conv2d(3, 2, in_channels=4).b.data.any()


def test_kernel_starts_as_asked():
    layer = Conv2d(3, 2, in_channels=4, init=initializers.constant(0.5))
    assert (layer.W.data == 0.5).all()


# -- gradients and dtypes --------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gradients_reach_every_parameter_in_its_dtype(kind, dtype):
    layer = kind(3, 2, dtype=dtype)
    y = layer(image(kind, dtype=np.float32))
    (y * y).sum().backward()
    assert [y.dtype, *[p.grad.dtype for p in layer.params()]] == [np.dtype(dtype)] * 3
    assert all(p.grad.data.any() for p in layer.params())


def test_layer_without_bias_has_none():
    layer = Conv2d(3, 2, nobias=True)
    layer(image(Conv2d))
    assert ([name for name, _ in layer.named_params()], layer.b) == (["W"], None)


def test_gradient_reaches_the_image_through_a_stack():
    model = Sequential(Conv2d(3, 2, padding="same"), F.relu, MaxPool2d(2), ConvTranspose2d(2, 2))
    x = Variable(image(Conv2d))
    model(x).sum().backward()
    assert x.grad.shape == x.shape


# -- files and copies ------------------------------------------------------------------------------


@each_kind
def test_saved_layer_loads_into_a_lazy_one(kind, tmp_path):
    layer, other = kind(6, 2, groups=2), kind(6, 2, groups=2)
    y = layer(image(kind))
    layer.save_weights(tmp_path / "w.npz")
    other.load_weights(tmp_path / "w.npz")
    np.testing.assert_array_equal(other(image(kind)).data, y.data)


@each_kind
def test_deep_copy_computes_the_same_and_is_its_own(kind):
    layer = kind(6, 2)
    y = layer(image(kind))
    other = copy.deepcopy(layer)
    layer.W.data[...] = 0
    np.testing.assert_array_equal(other(image(kind)).data, y.data)


# -- how it is shown -------------------------------------------------------------------------------

SHOWN = [
    (Conv2d(8, 3), "Conv2d(? -> 8, kernel=3)"),
    (
        Conv2d(8, (3, 2), 2, "same", (1, 2), 2, True, np.float64, 4),
        "Conv2d(4 -> 8, kernel=(3, 2), stride=2, padding='same', dilation=(1, 2), groups=2, "
        "nobias=True, dtype=float64)",
    ),
    (
        ConvTranspose1d(8, 4, stride=2, output_padding=1),
        "ConvTranspose1d(? -> 8, kernel=4, stride=2, output_padding=1)",
    ),
    (MaxPool2d((3, 2), 2, 1), "MaxPool2d(kernel=(3, 2), stride=2, padding=1)"),
    (
        AveragePool1d(3, padding=1, count_include_pad=False),
        "AveragePool1d(kernel=3, padding=1, count_include_pad=False)",
    ),
    (GlobalAveragePool(), "GlobalAveragePool()"),
    (GlobalMaxPool(), "GlobalMaxPool()"),
    (Flatten(), "Flatten()"),
]


@pytest.mark.parametrize(("layer", "text"), SHOWN, ids=[text for _, text in SHOWN])
def test_repr_shows_what_was_chosen(layer, text):
    assert repr(layer) == text


def test_summary_counts_multiply_adds_of_convolutions():
    model = Sequential(Conv2d(6, 3, padding=1), MaxPool2d(2), ConvTranspose2d(3, 2))
    summary = model.summary((2, 4, 8, 10))
    work = [2 * 8 * 10 * 6 * 4 * 9, 0, 2 * 4 * 5 * 6 * 3 * 4]
    assert [row.multiply_adds for row in summary.rows[1:]] == work


# -- what does not fit -----------------------------------------------------------------------------

WRONG = {
    "out_channels": (
        lambda: Conv2d(0, 3),
        RangeError,
        r"^Conv2d: out_channels should be an integer of 1 or more, got 0$",
    ),
    "in_channels": (
        lambda: Conv2d(4, 3, in_channels=-1),
        RangeError,
        r"^Conv2d: in_channels should be an integer of 1 or more, got -1$",
    ),
    "kernel": (
        lambda: Conv3d(4, (3, 3)),
        RangeError,
        r"^Conv3d: kernel should be an integer of 1 or more, or 3 of them, got \(3, 3\)$",
    ),
    "stride": (
        lambda: Conv1d(4, 3, stride=0),
        RangeError,
        r"^Conv1d: stride should be an integer of 1 or more, or 1 of them, got 0$",
    ),
    "padding": (
        lambda: Conv2d(4, 3, padding="valid"),
        RangeError,
        r"^Conv2d: padding should be .* or 'same', got 'valid'$",
    ),
    "dilation": (
        lambda: Conv2d(4, 3, dilation=-2),
        RangeError,
        r"^Conv2d: dilation should be an integer of 1 or more, or 2 of them, got -2$",
    ),
    "groups": (
        lambda: Conv2d(4, 3, groups=3),
        RangeError,
        r"^Conv2d: groups=3 does not divide out_channels=4$",
    ),
    "groups of in_channels": (
        lambda: Conv2d(4, 3, groups=2, in_channels=5),
        RangeError,
        r"^Conv2d: groups=2 does not divide in_channels=5$",
    ),
    "groups learnt": (
        lambda: Conv2d(6, 3, groups=3)(image(Conv2d)),
        RangeError,
        r"^Conv2d: groups=3 does not divide in_channels=4\n",
    ),
    "nobias": (
        lambda: Conv2d(4, 3, nobias=1),
        DTypeError,
        r"^Conv2d: nobias should be True or False, got 1$",
    ),
    "dtype": (
        lambda: Conv2d(4, 3, dtype=np.int32),
        DTypeError,
        r"^Conv2d: dtype should be floating, got int32$",
    ),
    "rank": (
        lambda: Conv2d(4, 3)(np.ones((4, 5, 6), np.float32)),
        ShapeError,
        r"^Conv2d: x should have shape \(n, c, h, w\), got \(4, 5, 6\); one sample is a batch too",
    ),
    "no channels": (
        lambda: Conv2d(4, 3)(np.ones((2, 0, 5, 6), np.float32)),
        ShapeError,
        r"^Conv2d: x should have one channel or more, got shape \(2, 0, 5, 6\)\n",
    ),
    "output_padding": (
        lambda: ConvTranspose2d(4, 3, stride=2, output_padding=2),
        RangeError,
        r"^ConvTranspose2d: output_padding \(2, 2\) should be less than stride \(2, 2\)$",
    ),
    "transposed same": (
        lambda: ConvTranspose2d(4, 3, padding="same"),
        RangeError,
        r"^ConvTranspose2d: padding should be numbers; 'same' says not what to cut off$",
    ),
    "pool kernel": (
        lambda: MaxPool2d((2, 0)),
        RangeError,
        r"^MaxPool2d: kernel should be an integer of 1 or more, or 2 of them, got \(2, 0\)$",
    ),
    "pool stride": (
        lambda: MaxPool3d(2, stride=0),
        RangeError,
        r"^MaxPool3d: stride should be an integer of 1 or more, or 3 of them, got 0$",
    ),
    "pool padding": (
        lambda: AveragePool2d((3, 2), padding=2),
        RangeError,
        r"^AveragePool2d: padding 2 should be less than the kernel \(3, 2\)$",
    ),
    "count_include_pad": (
        lambda: AveragePool3d(2, count_include_pad=None),
        DTypeError,
        r"^AveragePool3d: count_include_pad should be True or False, got None$",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), WRONG.values(), ids=list(WRONG))
def test_what_does_not_fit_is_named_with_its_values(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_wrong_input_is_named_with_the_path_of_the_layer():
    model = Sequential(Conv2d(3, 2), F.relu, Conv2d(5, 2, in_channels=4))
    with pytest.raises(ShapeError, match=r"takes 4 channels, x of shape .* has 3") as caught:
        model(image(Conv2d))
    assert "2 (Conv2d 4 -> 5, kernel=2)" in caught.value.__notes__[0]


# -- pooling ---------------------------------------------------------------------------------------

POOLS = [MaxPool1d, MaxPool2d, MaxPool3d, AveragePool1d, AveragePool2d, AveragePool3d]


@pytest.mark.parametrize("kind", POOLS)
def test_pooling_applies_its_function_with_its_words(kind):
    name = kind.__name__.replace("MaxPool", "max_pool").replace("AveragePool", "average_pool")
    y = kind(3, 2, 1)(image(kind))
    np.testing.assert_array_equal(y.data, vars(F)[name](image(kind), 3, 2, 1).data)


def test_average_pooling_passes_on_what_it_counts():
    y = AveragePool1d(2, padding=1, count_include_pad=False)([[[3.0, 6.0]]])
    assert y.data.tolist() == [[[3.0, 6.0]]]


@pytest.mark.parametrize(
    ("layer", "f"), [(GlobalAveragePool(), np.mean), (GlobalMaxPool(), np.max)]
)
def test_global_pooling_leaves_samples_and_channels(layer, f):
    x = image(Conv2d, dtype=np.float64)
    # NumPy may add the 30 numbers in another order
    np.testing.assert_allclose(layer(x).data, f(x, (2, 3)), rtol=1e-14, atol=1e-16)


def test_flatten_keeps_samples_apart():
    x = image(Conv2d)
    np.testing.assert_array_equal(Flatten()(x).data, x.reshape(2, -1))
