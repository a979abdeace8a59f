"""The further losses: what does not fit is named, extremes are finite, one agrees with another."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, gradients
from lamina.errors import DTypeError, RangeError, ShapeError
from lamina.listen import Program, run

ONES = np.ones((3, 4))
PAIRED = {
    "smooth_l1_loss": F.smooth_l1_loss,
    "log_cosh_loss": F.log_cosh_loss,
    "quantile_loss": F.quantile_loss,
    "poisson_nll_loss": F.poisson_nll_loss,
    "gaussian_nll_loss": lambda x, t, **o: F.gaussian_nll_loss(x, t, 1.0, **o),
    "hinge_loss": F.hinge_loss,
    "squared_hinge_loss": F.squared_hinge_loss,
    "soft_margin_loss": F.soft_margin_loss,
    "multi_label_margin_loss": F.multi_label_margin_loss,
    "multi_label_soft_margin_loss": F.multi_label_soft_margin_loss,
    "margin_ranking_loss": lambda x, t, **o: F.margin_ranking_loss(x, x, t, **o),
    "kl_divergence": F.kl_divergence,
    "js_divergence": F.js_divergence,
    "sigmoid_focal_loss": F.sigmoid_focal_loss,
    "tversky_loss": F.tversky_loss,
    "dice_loss": F.dice_loss,
    "iou_loss": F.iou_loss,
}
VECTORS = {
    "cosine_embedding_loss": lambda x, y, **o: F.cosine_embedding_loss(x, y, np.ones(3), **o),
    "contrastive_loss": lambda x, y, **o: F.contrastive_loss(x, y, np.ones(3), **o),
    "triplet_loss": lambda x, y, **o: F.triplet_loss(x, x, y, **o),
    "info_nce": F.info_nce,
}
LABELLED = {
    "nll_loss": F.nll_loss,
    "focal_loss": F.focal_loss,
    "multi_margin_loss": F.multi_margin_loss,
}


@pytest.mark.parametrize("name", PAIRED)
def test_t77_losses_of_elements_want_equal_shapes(name):
    message = rf"{name}: x and t should have one shape, got \(4, 1\) and \(4,\)"
    with pytest.raises(ShapeError, match=message):
        PAIRED[name](np.ones((4, 1)), np.ones(4))


@pytest.mark.parametrize("name", VECTORS)
def test_losses_of_vectors_want_equal_shapes(name):
    message = rf"{name}: vectors should have one shape \(\.\.\., size\), got .*\(3, 4\).*\(3, 1\)"
    with pytest.raises(ShapeError, match=message):
        VECTORS[name](ONES, ONES[:, :1])


@pytest.mark.parametrize("name", [*PAIRED, *VECTORS])
def test_the_reduction_is_one_of_three(name):
    message = rf"{name}: reduction should be 'mean', 'sum' or 'none', got 'avg'"
    with pytest.raises(RangeError, match=message):
        (PAIRED | VECTORS)[name](ONES, ONES, reduction="avg")


@pytest.mark.parametrize("name", [*PAIRED, *VECTORS, *LABELLED])
def test_a_mean_over_nothing_is_an_error(name):
    x, t = np.ones((0, 4)), np.ones((0, 4))
    with pytest.raises(ShapeError, match=rf"{name}: x of shape \(0.*\) is empty and has no mean"):
        (PAIRED | VECTORS | LABELLED)[name](x, np.zeros(0, int) if name in LABELLED else t)


@pytest.mark.parametrize("name", LABELLED)
def test_t78_label_minus_1_is_no_class(name):
    message = rf"{name}: label -1 at 1 is outside 0\.\.3 \(4 classes\)"
    with pytest.raises(RangeError, match=message):
        LABELLED[name](ONES, [0, -1, 2])


@pytest.mark.parametrize("name", LABELLED)
def test_labels_are_integers(name):
    message = rf"{name}: labels should be integers, got float64; convert them with astype\(int\)"
    with pytest.raises(DTypeError, match=message):
        LABELLED[name](ONES, np.ones(3))


SIGNED = ["hinge_loss", "squared_hinge_loss", "soft_margin_loss", "margin_ranking_loss"]


@pytest.mark.parametrize("name", SIGNED)
def test_signs_are_minus_1_and_1(name):
    message = rf"{name}: labels t should be -1 or 1, got 0; 2 \* t - 1 makes them of 0 and 1"
    with pytest.raises(RangeError, match=message):
        PAIRED[name](np.ones(3), [1, 0, -1])


def test_signs_that_are_not_there_yet_are_checked_when_they_come():
    program = Program()
    labels = program.input((2,), np.int64)
    program.outputs = (F.hinge_loss(np.array([0.5, 2.0]), labels).data,)
    assert run(program, np.array([1, -1]))[0] == 1.75
    with pytest.raises(RangeError, match="hinge_loss: labels t should be -1 or 1, got 3"):
        run(program, np.array([1, 3]))


WRONG = {
    "beta": (
        lambda: F.smooth_l1_loss(ONES, ONES, beta=0),
        RangeError,
        "smooth_l1_loss: beta should be above 0, got 0",
    ),
    "quantile": (
        lambda: F.quantile_loss(ONES, ONES, quantile=1.5),
        RangeError,
        r"quantile_loss: quantile should be from 0 to 1, got 1\.5",
    ),
    "counts": (
        lambda: F.poisson_nll_loss([-1.0], [2], log_input=False),
        RangeError,
        "poisson_nll_loss: means x should be 0 or more, got -1",
    ),
    "variance": (
        lambda: F.gaussian_nll_loss([1.0], [2.0], [-0.5]),
        RangeError,
        r"gaussian_nll_loss: variances should be 0 or more, got -0\.5",
    ),
    "variance of another shape": (
        lambda: F.gaussian_nll_loss(ONES, ONES, np.ones(3)),
        ShapeError,
        r"gaussian_nll_loss: variance should broadcast to x, \(3, 4\), got \(3,\)",
    ),
    "variance of more axes": (
        lambda: F.gaussian_nll_loss(np.ones(4), np.ones(4), ONES),
        ShapeError,
        r"gaussian_nll_loss: variance should broadcast to x, \(4,\), got \(3, 4\)",
    ),
    "power": (
        lambda: F.multi_margin_loss(ONES, [0, 1, 2], power=3),
        RangeError,
        "multi_margin_loss: power should be 1 or 2, got 3",
    ),
    "positions": (
        lambda: F.multi_margin_loss(np.ones((2, 3, 4)), np.zeros((2, 4), int)),
        ShapeError,
        r"multi_margin_loss: x should be \(n, classes\), got \(2, 3, 4\)",
    ),
    "many-hot": (
        lambda: F.multi_label_margin_loss(ONES, np.full((3, 4), -1)),
        RangeError,
        r"multi_label_margin_loss: label -1 at \(0, 0\) is outside 0\.\.1",
    ),
    "not a logarithm": (
        lambda: F.kl_divergence([0.0], [-1.0]),
        RangeError,
        r"kl_divergence: probabilities should be from 0 to 1, got -1; the true ones are not log",
    ),
    "a distribution of nothing": (
        lambda: F.js_divergence(0.5, 0.5),
        ShapeError,
        r"js_divergence: a distribution has an axis of outcomes, got shape \(\)",
    ),
    "gamma": (
        lambda: F.focal_loss(ONES, [0, 1, 2], gamma=-1),
        RangeError,
        "focal_loss: gamma should be 0 or more, got -1",
    ),
    "alpha": (
        lambda: F.sigmoid_focal_loss(ONES, ONES, alpha=2),
        RangeError,
        "sigmoid_focal_loss: alpha should be from 0 to 1 or None, got 2",
    ),
    "logits": (
        lambda: F.dice_loss([[3.0]], [[1]]),
        RangeError,
        "dice_loss: probabilities should be from 0 to 1, got 3; of logits take sigmoid or softmax",
    ),
    "smooth": (
        lambda: F.iou_loss([[0.5]], [[1]], smooth=-1),
        RangeError,
        "iou_loss: smooth should be 0 or more, got -1",
    ),
    "cost": (
        lambda: F.tversky_loss([[0.5]], [[1]], beta=-1),
        RangeError,
        "tversky_loss: beta should be 0 or more, got -1",
    ),
    "labels of pairs": (
        lambda: F.contrastive_loss(ONES, ONES, ONES),
        ShapeError,
        r"contrastive_loss: t of vectors \(3, 4\) should have shape \(3,\), got \(3, 4\)",
    ),
    "a label of pairs": (
        lambda: F.contrastive_loss(ONES, ONES, [0, 1, 2]),
        RangeError,
        "contrastive_loss: labels t should be from 0 to 1, got 2",
    ),
    "margin of cosines": (
        lambda: F.cosine_embedding_loss(ONES, ONES, [1, 1, 1], margin=2),
        RangeError,
        "cosine_embedding_loss: margin should be from -1 to 1, got 2",
    ),
    "temperature": (
        lambda: F.info_nce(ONES, ONES, temperature=0),
        RangeError,
        "info_nce: temperature should be above 0, got 0",
    ),
    "negatives": (
        lambda: F.info_nce(ONES, ONES, ONES[:, :2]),
        ShapeError,
        r"info_nce: negatives should be \(m, 4\), as keys are, got \(3, 2\)",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name):
    make, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        make()


# -- extremes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_log_cosh_of_large_errors_is_finite(dtype):
    x = Variable(np.array([1000, -1000], dtype))
    y = F.log_cosh_loss(x, np.zeros(2, dtype), reduction="none")
    y.sum().backward()
    assert y.data.tolist() == [dtype(1000 - np.log(2))] * 2
    assert x.grad.data.tolist() == [1, -1]


def test_log_cosh_of_small_errors_keeps_its_digits():
    y = F.log_cosh_loss(np.array([1e-6, 1e-3]), np.zeros(2), reduction="none")
    expected = [5e-13, 1e-6 / 2 - 1e-12 / 12]
    np.testing.assert_allclose(y.data, expected, rtol=1e-11)  # the next terms of the series


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_losses_of_huge_logits_are_finite_with_their_gradients(gamma):
    x = Variable([[1e4, -1e4], [-1e4, 1e4]])
    y = F.focal_loss(x, [0, 0], gamma=gamma, reduction="sum")
    y += F.sigmoid_focal_loss(x, [[1, 0], [1, 0]], gamma=gamma, reduction="sum")
    (g,) = gradients([y], [x], create_graph=True)
    g.sum().backward()
    assert y.item() == 2e4 + 0.25 * 1e4 + 0.75 * 1e4
    assert np.isfinite(g.data).all()
    assert np.isfinite(x.grad.data).all()


def test_focal_loss_of_gamma_0_is_cross_entropy(rng):
    x, t = rng.normal(size=(5, 3)), rng.integers(0, 3, 5)
    expected = F.softmax_cross_entropy(x, t).item()
    np.testing.assert_allclose(F.focal_loss(x, t, gamma=0).item(), expected, rtol=1e-14)


def test_nll_of_log_softmax_is_cross_entropy(rng):
    x, t = rng.normal(size=(5, 3, 2)), rng.integers(-1, 3, (5, 2))
    y = F.nll_loss(F.log_softmax(x, axis=1), t, weight=[1.0, 2.0, 0.5], ignore_index=-1)
    expected = F.softmax_cross_entropy(x, t, weight=[1.0, 2.0, 0.5], ignore_index=-1)
    np.testing.assert_allclose(y.item(), expected.item(), rtol=1e-14)  # another order of steps


def test_soft_margin_is_sigmoid_cross_entropy_with_signs(rng):
    x, t = rng.normal(size=20), rng.integers(0, 2, 20)
    y, expected = F.soft_margin_loss(x, 2 * t - 1), F.sigmoid_cross_entropy(x, t)
    np.testing.assert_allclose(y.item(), expected.item(), rtol=1e-14)  # another order of steps


def test_js_divergence_of_equals_is_0_and_of_strangers_log_2():
    eye = np.eye(2)
    y = F.js_divergence([eye[0], eye[0]], eye, reduction="none")
    assert y.data.tolist() == [0, np.log(2)]


def test_kl_divergence_of_log_softmax_has_the_gradient_of_cross_entropy(rng):
    x, q = Variable(rng.normal(size=(4, 3))), rng.dirichlet(np.ones(3), 4)
    (g,) = gradients([F.kl_divergence(F.log_softmax(x), q)], [x])
    (h,) = gradients([F.softmax_cross_entropy(x, q)], [x])
    np.testing.assert_allclose(g.data, h.data, rtol=1e-12, atol=1e-15)  # differences of parts


@pytest.mark.parametrize("f", [F.triplet_loss, F.contrastive_loss])
def test_equal_vectors_have_a_gradient(f):
    a = Variable(np.ones((2, 3)))
    args = (np.ones((2, 3)), np.zeros((2, 3))) if f is F.triplet_loss else (np.ones((2, 3)), [0, 0])
    f(a, *args, margin=5.0).backward()
    assert np.isfinite(a.grad.data).all()


def test_dice_of_two_empty_regions_is_0():
    assert F.dice_loss(np.zeros((1, 4)), np.zeros((1, 4))).item() == 0


def test_half_precision_counts_large_regions():
    p = np.ones((1, 100_000), np.float16)
    assert F.dice_loss(p, p).item() == 0
    assert F.iou_loss(p, p * np.float16(0.5)).item() == 0.5


def test_a_quantile_is_where_its_loss_is_least(rng):
    t = rng.normal(size=101)
    x = Variable(np.full(101, np.quantile(t, 0.2)))
    F.quantile_loss(x, t, quantile=0.2, reduction="sum").backward()
    # to the right of it the losses grow: one element of 101 stands on its own derivative
    assert abs(x.grad.data.sum()) <= 0.8


def test_info_nce_with_normalised_vectors_ignores_their_length(rng):
    q, k = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    y, expected = F.info_nce(q * 7.0, k * 0.5), F.info_nce(q, k)
    np.testing.assert_allclose(y.item(), expected.item(), rtol=1e-13)  # a division more
