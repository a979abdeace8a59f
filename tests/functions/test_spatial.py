"""Windows, sizes and grids: what does not fit, and what agrees with what."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable
from lamina.errors import DTypeError, RangeError, ShapeError

IMAGE = np.arange(120.0).reshape(2, 3, 4, 5)
GRID = np.zeros((2, 6, 7, 2))

WRONG = {
    "unfold of one sample": (
        lambda: F.unfold(IMAGE[0, 0], 2),
        ShapeError,
        r"unfold: x should be \(n, c, \.\.\.\) of 1 to 3 spatial axes, got \(4, 5\)",
    ),
    "unfold with a large kernel": (
        lambda: F.unfold(IMAGE, (5, 2)),
        ShapeError,
        r"unfold: the kernel \(5, 2\) is larger than the image \(4, 5\)",
    ),
    "fold of other columns": (
        lambda: F.fold(np.ones((2, 5, 12)), (4, 5), (2, 2)),
        ShapeError,
        r"fold: x should have shape \(n, c 4, 12\) for images \(4, 5\) and a kernel \(2, 2\), "
        r"got \(2, 5, 12\)",
    ),
    "fold to four axes": (
        lambda: F.fold(np.ones((2, 4, 12)), (4, 5, 6, 7), 2),
        ShapeError,
        r"fold: size should be a tuple of 1 to 3 lengths, got \(4, 5, 6, 7\)",
    ),
    "adaptive of a matrix": (
        lambda: F.adaptive_average_pool(IMAGE[0, 0], 2),
        ShapeError,
        r"adaptive_average_pool: x should be \(n, c, size, \.\.\.\), not empty, got \(4, 5\)",
    ),
    "adaptive to nothing": (
        lambda: F.adaptive_max_pool(IMAGE, (0, 2)),
        RangeError,
        r"adaptive_max_pool: size should be an integer of 1 or more, or 2 of them, got \(0, 2\)",
    ),
    "power": (
        lambda: F.lp_pool(IMAGE, 0.5, 2),
        RangeError,
        r"lp_pool: power should be 1 or more, got 0\.5",
    ),
    "unpool of fractions": (
        lambda: F.max_unpool(IMAGE, IMAGE, (4, 5)),
        DTypeError,
        "max_unpool: indices should be integers, got float64",
    ),
    "unpool of other shapes": (
        lambda: F.max_unpool(IMAGE, np.zeros((2, 3, 4), int), (4, 5)),
        ShapeError,
        r"max_unpool: x and indices should have one shape .* got \(2, 3, 4, 5\) and \(2, 3, 4\)",
    ),
    "unpool out of the image": (
        lambda: F.max_unpool([[[1.0]]], [[[4]]], (4,)),
        RangeError,
        "max_unpool: indices should be from 0 to 3, got 4",
    ),
    "mode": (
        lambda: F.interpolate(IMAGE, 2, mode="bilinear"),
        RangeError,
        "interpolate: mode should be one of nearest, linear, cubic, got 'bilinear'",
    ),
    "no size": (
        lambda: F.interpolate(IMAGE),
        RangeError,
        "interpolate: give one of size and scale, got size=None, scale=None",
    ),
    "two sizes": (
        lambda: F.interpolate(IMAGE, 2, 2.0),
        RangeError,
        r"interpolate: give one of size and scale, got size=2, scale=2\.0",
    ),
    "scale to nothing": (
        lambda: F.interpolate(IMAGE, scale=0.1),
        RangeError,
        r"scale should be a number or 2 of them that leave a pixel of \(4, 5\), got 0\.1",
    ),
    "corners of the nearest": (
        lambda: F.interpolate(IMAGE, 2, align_corners=True),
        RangeError,
        "interpolate: align_corners has no meaning for mode 'nearest'",
    ),
    "theta": (
        lambda: F.affine_grid(np.ones((2, 3, 3)), (2, 2)),
        ShapeError,
        r"affine_grid: theta should be \(n, 2, 3\) or \(n, 3, 4\), got \(2, 3, 3\)",
    ),
    "size of a grid": (
        lambda: F.affine_grid(np.ones((2, 2, 3)), (2, 2, 2)),
        RangeError,
        "affine_grid: size should be an integer of 1 or more, or 2 of them",
    ),
    "grid of other samples": (
        lambda: F.grid_sample(IMAGE, GRID[:1]),
        ShapeError,
        r"grid_sample: grid of x \(2, 3, 4, 5\) should be \(2, \.\.\., 2\) of 4 axes, "
        r"got \(1, 6, 7, 2\)",
    ),
    "an image of one axis": (
        lambda: F.grid_sample(IMAGE[..., 0], GRID),
        ShapeError,
        r"grid_sample: x should be \(n, c, h, w\) or \(n, c, d, h, w\), not empty",
    ),
    "padding": (
        lambda: F.grid_sample(IMAGE, GRID, padding="reflect"),
        RangeError,
        "grid_sample: padding should be one of zeros, border, got 'reflect'",
    ),
    "channels": (
        lambda: F.pixel_shuffle(IMAGE, 2),
        RangeError,
        r"pixel_shuffle: 3 channels are not divided by 2\*\*2 = 4",
    ),
    "an odd image": (
        lambda: F.pixel_unshuffle(IMAGE, 2),
        RangeError,
        r"pixel_unshuffle: 2 does not divide the image \(4, 5\)",
    ),
    "factor": (
        lambda: F.pixel_shuffle(IMAGE, 0),
        RangeError,
        "pixel_shuffle: factor should be 1 or more, got 0",
    ),
    "groups": (
        lambda: F.channel_shuffle(IMAGE, 2),
        RangeError,
        "channel_shuffle: 2 groups do not divide 3 channels",
    ),
    "depthwise": (
        lambda: F.depthwise_conv(IMAGE, np.ones((3, 2, 1, 1))),
        ShapeError,
        r"depthwise_conv: .* W \(c m, 1, \.\.\.\), got \(2, 3, 4, 5\) and \(3, 2, 1, 1\)",
    ),
    "pointwise": (
        lambda: F.separable_conv(IMAGE, np.ones((3, 1, 1, 1)), np.ones((2, 3, 2, 1))),
        ShapeError,
        r"separable_conv: pointwise should be \(c_out, 3, 1, \.\.\.\) of 4 axes, got \(2",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name):
    make, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        make()


def test_a_convolution_is_a_product_with_columns(rng):
    x, W = rng.normal(size=(2, 3, 6, 5)), rng.normal(size=(4, 3, 3, 2))
    words = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2)}
    y = W.reshape(4, -1) @ F.unfold(x, (3, 2), **words).data
    expected = F.conv2d(x, W, **words).data
    np.testing.assert_allclose(y.reshape(expected.shape), expected, rtol=1e-12, atol=1e-13)


def test_folded_columns_are_counted_as_often_as_windows_cover_them():
    y = F.fold(F.unfold(np.ones((1, 1, 5)), 3), (5,), 3)
    assert y.data.ravel().tolist() == [1, 2, 3, 2, 1]


def test_windows_side_by_side_fold_back_to_the_image():
    words = {"kernel": (2, 5), "stride": (2, 5)}
    assert F.fold(F.unfold(IMAGE, **words), (4, 5), **words).data.tobytes() == IMAGE.tobytes()


def test_adaptive_pooling_to_one_is_global():
    y = F.adaptive_average_pool(IMAGE, 1)
    np.testing.assert_allclose(y.data[..., 0, 0], F.global_average_pool(IMAGE).data, rtol=1e-15)
    assert (F.adaptive_max_pool(IMAGE, 1).data[..., 0, 0] == IMAGE.max((2, 3))).all()


def test_adaptive_pooling_spares_other_windows_an_infinity():
    x = np.array([[[np.inf, 1.0, 2.0, 3.0, 4.0]]])
    assert F.adaptive_average_pool(x, 2).data.ravel().tolist() == [np.inf, 3]


@pytest.mark.parametrize("words", [{"kernel": 2}, {"kernel": 3, "stride": 2, "padding": 1}])
def test_indices_lead_to_the_largest(rng, words):
    x = rng.permutation(48).astype(float).reshape(1, 2, 4, 6)
    y, at = F.max_pool_with_indices(x, **words)
    assert y.data.tolist() == F.max_pool2d(x, **words).data.tolist()
    flat = np.take_along_axis(x.reshape(1, 2, 24), at.data.reshape(1, 2, -1), 2)
    assert flat.reshape(y.shape).tolist() == y.data.tolist()


def test_unpooling_puts_the_largest_back():
    y, at = F.max_pool_with_indices(IMAGE, (2, 5))
    back = F.max_unpool(y, at, (4, 5)).data
    assert (back[back != 0] == IMAGE[back != 0]).all()
    assert (back != 0).sum() == y.size


def test_pooling_by_powers_tends_to_the_maximum(rng):
    x = rng.uniform(0.5, 2, (1, 2, 4, 4))
    np.testing.assert_allclose(F.lp_pool(x, 400, 2).data, F.max_pool2d(x, 2).data, rtol=0.01)


def test_a_window_of_zeros_has_a_gradient():
    x = Variable(np.zeros((1, 1, 4)))
    F.lp_pool(x, 2, 2).sum().backward()
    assert x.grad.data.tolist() == [[[0, 0, 0, 0]]]


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_an_image_of_its_own_size_is_itself(mode):
    assert F.interpolate(IMAGE, (4, 5), mode=mode).data.tobytes() == IMAGE.tobytes()


@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_a_straight_line_stays_straight(mode):
    x = np.arange(8.0).reshape(1, 1, 8)
    y = F.interpolate(x, 15, mode=mode, align_corners=True).data.ravel()
    inside = slice(4, -4)  # cubic bends where the border is repeated
    np.testing.assert_allclose(y[inside], (np.arange(15) / 2)[inside], rtol=1e-13)


def test_the_identity_map_looks_at_every_pixel():
    theta = np.array([[[1.0, 0, 0], [0, 1.0, 0]]] * 2)
    for corners in (False, True):
        grid = F.affine_grid(theta, (4, 5), align_corners=corners)
        y = F.grid_sample(IMAGE, grid, align_corners=corners)
        np.testing.assert_allclose(y.data, IMAGE, rtol=1e-13, atol=1e-12)


def test_places_far_outside_are_zeros_without_gradient():
    grid = Variable(np.full((2, 1, 1, 2), 1e6))
    y = F.grid_sample(IMAGE, grid)
    y.sum().backward()
    assert not y.data.any()
    assert not grid.grad.data.any()


def test_shuffled_pixels_come_back():
    x = np.arange(96.0).reshape(2, 4, 4, 3)
    assert F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2).data.tobytes() == x.tobytes()


def test_channels_dealt_out_twice_come_back():
    x = np.arange(12.0).reshape(1, 6, 2)
    assert F.channel_shuffle(F.channel_shuffle(x, 2), 3).data.tobytes() == x.tobytes()
