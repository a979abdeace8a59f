"""Augmentation: what each transform does to pixels, and that it is the same for every worker."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina.data import (
    CenterCrop,
    CutMix,
    Cutout,
    Draws,
    Jitter,
    Loader,
    Mapped,
    Mixup,
    Noise,
    RandomAffine,
    RandomCrop,
    RandomErasing,
    RandomFlip,
)
from lamina.errors import DTypeError, RangeError, ShapeError

N, C, H, W = 40, 3, 7, 5

TRANSFORMS = [
    RandomFlip(),
    RandomFlip(0.3, axis=-2),
    RandomCrop((4, 3)),
    RandomCrop((7, 5), padding=2, fill=0.5),
    Cutout(3),
    RandomErasing(0.6),
    RandomAffine(30, 0.2, (0.8, 1.3), 10),
    Jitter(),
]
FLOATING = [*TRANSFORMS, Noise(0.1)]


@pytest.fixture
def x(rng) -> np.ndarray:
    return rng.random((N, C, H, W), np.float32)


def numbered(n: int = N, h: int = H, w: int = W) -> np.ndarray:
    return np.arange(n * h * w, dtype=np.float64).reshape(n, 1, h, w)


@pytest.mark.parametrize("transform", FLOATING, ids=repr)
def test_an_image_is_changed_in_the_same_way_alone_and_in_a_batch(transform, x):
    rows = np.array([7, 0, 33])
    whole = transform(x, Draws(1, 2, np.arange(N)))
    assert np.array_equal(transform(x[rows], Draws(1, 2, rows)), whole[rows])


@pytest.mark.parametrize("transform", FLOATING, ids=repr)
def test_each_epoch_changes_images_anew(transform, x):
    first, second = (transform(x, Draws(1, epoch, np.arange(N))) for epoch in (0, 1))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("transform", FLOATING, ids=repr)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floating_dtypes_are_kept(transform, dtype, x):
    assert transform(x.astype(dtype)).dtype == dtype


@pytest.mark.parametrize("transform", TRANSFORMS, ids=repr)
def test_bytes_stay_bytes(transform, x):
    assert transform((x * 255).astype(np.uint8)).dtype == np.uint8


@pytest.mark.parametrize("transform", FLOATING, ids=repr)
def test_the_given_images_stay_as_they_are(transform, x):
    before = x.copy()
    transform(x)
    assert np.array_equal(x, before)


@pytest.mark.parametrize("transform", FLOATING, ids=repr)
def test_no_images_are_none_afterwards(transform, x):
    assert len(transform(x[:0])) == 0


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_augmented_batches_do_not_depend_on_the_workers(kind, x):
    data = Mapped((x, np.arange(N) % 4), [*FLOATING, Mixup(4)])
    plain = Loader(data, 16, seed=3)
    loader = Loader(data, 16, seed=3, workers=2, kind=kind)
    for _ in range(2):
        for (a, s), (b, t) in zip(plain, loader, strict=True):
            assert np.array_equal(a, b)
            assert np.array_equal(s, t)


# -- what they do --------------------------------------------------------------------------------


def test_a_flip_of_all_turns_left_to_right():
    x = numbered()
    assert np.array_equal(RandomFlip(1)(x), x[..., ::-1])


def test_a_flip_of_none_changes_nothing():
    assert np.array_equal(RandomFlip(0)(numbered()), numbered())


def test_about_half_of_the_images_are_flipped():
    x = numbered(1000, 1, 2)
    flipped = (RandomFlip()(x) != x).any(axis=(1, 2, 3)).sum()
    # five standard deviations of 1,000 fair coins: 5 * sqrt(250)
    assert abs(flipped - 500) < 80


def test_a_crop_is_a_piece_of_its_own_image():
    x = numbered()
    for before, after in zip(x[:, 0], RandomCrop((3, 2))(x)[:, 0]):
        top, left = np.argwhere(before == after[0, 0])[0]
        assert np.array_equal(before[top : top + 3, left : left + 2], after)


def test_crops_come_from_all_places():
    corners = RandomCrop((6, 4))(np.tile(numbered(1), (200, 1, 1, 1)))[:, 0, 0, 0]
    assert sorted(set(corners)) == [0, 1, W, W + 1]


def test_a_crop_of_the_whole_is_the_whole():
    assert np.array_equal(RandomCrop((H, W))(numbered()), numbered())


def test_padding_is_filled():
    y = RandomCrop((H, W), padding=H, fill=-1)(numbered())
    assert (y == -1).any()
    assert set(y.ravel()) <= {-1, *numbered().ravel()}


def test_the_middle_is_cut_out():
    assert np.array_equal(CenterCrop((3, 1))(numbered()), numbered()[:, :, 2:5, 2:3])


def test_a_cutout_is_one_square_cut_at_the_border():
    y = Cutout(3, fill=-1)(numbered(300))
    areas = (y == -1).sum(axis=(1, 2, 3))
    assert set(areas) == {4, 6, 9}
    for image in y[:, 0]:
        rows, columns = (image == -1).any(1), (image == -1).any(0)
        assert (image == -1).sum() == rows.sum() * columns.sum()


def test_erased_rectangles_have_the_area_asked_for():
    y = RandomErasing(1, area=(0.1, 0.3), fill=-1)(numbered(300, 30, 40))
    areas = (y == -1).mean(axis=(1, 2, 3))
    # rounding each side of a rectangle of 0.1 * 1200 pixels, 6 at least, by half a pixel
    assert 0.1 * (1 - 0.2) < areas.min() < areas.max() < 0.3 * (1 + 0.2)


class Largest(Draws):
    """The largest number that may come, each time."""

    def uniform(self, low=0.0, high=1.0, shape=()):
        return np.full((len(self), *shape), high, float)


LARGEST = Largest(0, 0, np.arange(2))


@pytest.mark.parametrize("turns", [1, 2])
def test_an_affine_turn_by_right_angles_is_clockwise(turns):
    x = numbered(2, 5, 5)
    y = RandomAffine(90 * turns)(x, LARGEST)
    # sines and cosines of right angles are off by an ulp: values up to 50 by 1e-13
    assert np.allclose(y, np.rot90(x, -turns, (2, 3)), atol=1e-12)


def test_an_affine_shift_by_whole_pixels_moves_them():
    x = numbered(2, 5, 5)
    y = RandomAffine(shift=0.4, fill=-1)(x, LARGEST)
    assert np.array_equal(y[:, :, 2:, 2:], x[:, :, :3, :3])
    assert (y[:, :, :2] == -1).all()


def test_an_affine_shear_by_45_degrees_moves_each_row_by_one_more():
    x = numbered(2, 5, 5)
    y = RandomAffine(shear=45, fill=-1)(x, LARGEST)
    # the tangent of 45 degrees is off by an ulp: values up to 50 by 1e-13
    for row, by in enumerate([-2, -1, 0, 1, 2]):
        there, here = slice(max(by, 0), 5 + min(by, 0)), slice(max(-by, 0), 5 + min(-by, 0))
        assert np.allclose(y[:, :, row, here], x[:, :, row, there], atol=1e-12)


def test_an_affine_of_nothing_changes_nothing():
    assert np.array_equal(RandomAffine()(numbered()), numbered())


def test_a_larger_scale_shows_less_of_the_image():
    x = np.zeros((1, 1, 9, 9))
    x[:, :, 4, 4] = 1
    # bilinear: one pixel, twice as wide and high, spreads over (1/2 + 1 + 1/2)**2 = 4
    assert RandomAffine(scale=(2, 2))(x).sum() == 4


def test_brightness_moves_the_mean_and_contrast_keeps_it(x):
    wide = (-10.0, 10.0)
    brighter = Jitter(0.2, 0, wide)(x).mean(axis=(1, 2, 3)) - x.mean(axis=(1, 2, 3))
    assert 3 < np.abs(brighter).max() < 0.2 * 20 + 1e-5  # float32 means of numbers about 1
    stronger = Jitter(0, 0.5, wide)(x)
    # the mean of 105 float32 numbers about 1: some units in the last place
    assert np.allclose(stronger.mean(axis=(1, 2, 3)), x.mean(axis=(1, 2, 3)), atol=1e-6)
    assert not np.allclose(stronger.std(axis=(1, 2, 3)), x.std(axis=(1, 2, 3)), rtol=0.1)


@pytest.mark.parametrize(("dtype", "low", "high"), [(np.float32, 0, 1), (np.uint8, 0, 255)])
def test_jitter_stays_within_the_range_of_values(dtype, low, high, x):
    y = Jitter(1, 1)((x * high).astype(dtype))
    assert (y.min(), y.max()) == (low, high)


# -- mixtures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mix", [Mixup(4), CutMix(4)], ids=repr)
def test_mixed_labels_are_probabilities_that_a_loss_takes(mix, x):
    y, t = mix((x, np.arange(N) % 4))
    assert (y.shape, y.dtype, t.shape, t.dtype) == (x.shape, x.dtype, (N, 4), x.dtype)
    # sums of two float32 numbers that add up to 1, each rounded
    assert np.allclose(t.sum(axis=1), 1, atol=1e-6)
    assert F.softmax_cross_entropy(t * 3, t).item() > 0


def test_mixup_mixes_images_as_it_mixes_labels():
    t = np.arange(N)
    x = np.broadcast_to(np.eye(N)[:, None, :, None], (N, 1, N, 2))  # image i shows its label
    y, mixed = Mixup(N, alpha=1)((x, t))
    assert np.array_equal(y[:, 0, :, 0], mixed)
    assert ((mixed > 0).sum(axis=1) == 2).sum() > N / 2


def test_cutmix_mixes_labels_by_area():
    t = np.arange(N)
    x = np.broadcast_to(t[:, None, None, None], (N, 1, 9, 11)).astype(np.float64)
    y, mixed = CutMix(N)((x, t))
    for image, row in zip(y, mixed):
        shown = np.bincount(image.astype(int).ravel(), minlength=N) / 99
        # two shares of 1, computed once as a difference and once as a sum
        assert np.allclose(row, shown, atol=1e-12)


def test_labels_that_are_probabilities_can_be_mixed_again(x):
    _, t = Mixup(4)(CutMix(4)((x, np.arange(N) % 4)))
    assert np.allclose(t.sum(axis=1), 1, atol=1e-6)  # as above


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "transform",
    [RandomCrop(2), CenterCrop(2), Cutout(2), RandomErasing(), RandomAffine()],
    ids=repr,
)
def test_what_is_no_image_is_refused(transform):
    name = type(transform).__name__
    with pytest.raises(
        ShapeError, match=rf"{name}: images should be \(n, c, h, w\), got .*\(4, 9\)"
    ):
        transform(np.zeros((4, 9)))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RandomFlip(1.5), RangeError, "RandomFlip: p should be from 0 to 1, got 1.5"),
        (lambda: RandomErasing(-1), RangeError, "RandomErasing: p should be from 0 to 1, got -1"),
        (lambda: RandomErasing(area=(0.5, 0.2)), RangeError, "no rectangles of"),
        (lambda: Mixup(3, 0), RangeError, "Mixup: alpha should be above 0, got 0"),
        (lambda: Cutout(0), RangeError, "Cutout: size should be 1 or more, got 0"),
        (lambda: RandomCrop(3, -1), RangeError, "padding should be 0 or more, got -1"),
        (lambda: RandomAffine(scale=(0, 1)), RangeError, "two factors above 0"),
        (lambda: RandomCrop(9)(numbered()), ShapeError, r"no piece of 9 x 9 in \(7, 5\)"),
        (lambda: CenterCrop(9)(numbered()), ShapeError, r"no piece of 9 x 9 in \(7, 5\)"),
        (lambda: RandomCrop(0)(numbered()), RangeError, "size should be 1 or more, got 0"),
        (lambda: RandomFlip(axis=0)(numbered()), ShapeError, "axis 0 is no axis"),
        (lambda: Noise(1)(np.arange(3)), DTypeError, "x should be floating, got int64"),
        (lambda: Mixup(3)(numbered()), DTypeError, r"a batch should be \(x, t\), got ndarray"),
        (lambda: Mixup(3)((numbered(), np.full(N, 3))), RangeError, "label 3 is not in 0 ... 2"),
        (lambda: CutMix(3)((numbered(), np.ones((N, 2)))), ShapeError, r"should be \(40, 3\)"),
    ],
)
def test_wrong_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
