"""Losses: labels and shapes are checked, extremes are finite, options agree with one another."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, gradients
from lamina.check import gradient
from lamina.errors import DTypeError, RangeError, ShapeError
from lamina.listen import Program, run

X = np.array([[1.0, -2.0, 0.5], [0.0, 0.25, 3.0], [2.0, 2.0, -1.0], [0.5, 0.0, 1.0]])
T = np.array([2, 0, 1, 1])
ELEMENTWISE = {
    f.__name__: f
    for f in (
        F.mean_squared_error,
        F.mean_absolute_error,
        F.huber_loss,
        F.sigmoid_cross_entropy,
        F.binary_cross_entropy,
    )
}


def half(*shape):
    return np.full(shape, 0.5)


# -- shapes and options --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_t77_losses_of_elements_want_equal_shapes(name):
    message = (
        rf"{name}: x and t should have one shape, got \(4, 1\) and \(4,\); "
        r"t\.reshape\(4, 1\) makes them equal"
    )
    with pytest.raises(ShapeError, match=message):
        ELEMENTWISE[name](half(4, 1), half(4))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_losses_of_elements_name_a_broadcast(name):
    message = r"got \(4, 3\) and \(3,\); one would be broadcast over the other"
    with pytest.raises(ShapeError, match=message):
        ELEMENTWISE[name](half(4, 3), half(3))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_mean_over_nothing_is_an_error(name):
    message = rf"{name}: x of shape \(0, 3\) is empty and has no mean; leave out empty batches"
    with pytest.raises(ShapeError, match=message):
        ELEMENTWISE[name](half(0, 3), half(0, 3))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_reduction_is_one_of_three(name):
    message = rf"{name}: reduction should be 'mean', 'sum' or 'none', got 'avg'"
    with pytest.raises(RangeError, match=message):
        ELEMENTWISE[name](half(3), half(3), reduction="avg")


def test_t76_the_mean_is_over_all_elements():
    assert F.mean_squared_error(np.ones((2, 10)), np.zeros((2, 10))).item() == 1.0


def test_huber_needs_a_positive_delta():
    with pytest.raises(RangeError, match="huber_loss: delta should be above 0, got 0"):
        F.huber_loss([1.0], [2.0], delta=0)


def test_huber_pulls_no_harder_than_delta():
    x = Variable([100.0, -100.0, 0.25])
    F.huber_loss(x, np.zeros(3), delta=2.0, reduction="sum").backward()
    assert x.grad.data.tolist() == [2, -2, 0.25]


def test_both_sides_of_a_loss_have_gradients():
    x, t = Variable([1.0, 2.0]), Variable([0.0, 4.0])
    F.mean_squared_error(x, t).backward()
    assert t.grad.data.tolist() == (-x.grad.data).tolist() == [-1, 2]


# -- softmax_cross_entropy -----------------------------------------------------------------------

WRONG = {
    "fractions": (
        lambda: F.softmax_cross_entropy(X, T.astype(float)),
        DTypeError,
        r"labels should be integers, got float64; convert them with astype\(int\)",
    ),
    "bools": (
        lambda: F.softmax_cross_entropy(X, T > 0),
        DTypeError,
        "labels should be integers, got bool",
    ),
    "column": (
        lambda: F.softmax_cross_entropy(X, T[:, None]),
        ShapeError,
        r"labels t of x \(4, 3\) should have shape \(4,\), got \(4, 1\); t\.reshape\(4,\) makes it",
    ),
    "fewer": (
        lambda: F.softmax_cross_entropy(X, T[:2]),
        ShapeError,
        r"labels t of x \(4, 3\) should have shape \(4,\), got \(2,\)$",
    ),
    "one-hot": (
        lambda: F.softmax_cross_entropy(X, np.eye(3, dtype=int)[T]),
        ShapeError,
        r"should have shape \(4,\), got \(4, 3\); one-hot vectors should be floating",
    ),
    "positions": (
        lambda: F.softmax_cross_entropy(np.zeros((2, 5, 7)), np.zeros((2, 5), int)),
        ShapeError,
        r"labels t of x \(2, 5, 7\) should have shape \(2, 7\), got \(2, 5\)",
    ),
    "probabilities": (
        lambda: F.softmax_cross_entropy(X, half(4, 2)),
        ShapeError,
        r"probabilities t should have shape \(4, 3\), got \(4, 2\)",
    ),
    "integer logits": (
        lambda: F.softmax_cross_entropy(X.astype(int), T),
        DTypeError,
        "softmax_cross_entropy: x should be floating, got int64",
    ),
    "one sample": (
        lambda: F.softmax_cross_entropy(X[0], 2),
        ShapeError,
        r"softmax_cross_entropy: x should be \(n, classes, \.\.\.\), got \(3,\)",
    ),
    "no classes": (
        lambda: F.softmax_cross_entropy(np.zeros((4, 0)), T),
        ShapeError,
        r"x should be \(n, classes, \.\.\.\), got \(4, 0\)",
    ),
    "no samples": (
        lambda: F.softmax_cross_entropy(np.zeros((0, 3)), np.zeros(0, int)),
        ShapeError,
        r"x of shape \(0, 3\) is empty and has no mean",
    ),
    "weight": (
        lambda: F.softmax_cross_entropy(X, T, weight=[1.0, 2.0]),
        ShapeError,
        r"softmax_cross_entropy: weight should have shape \(3,\), got \(2,\)",
    ),
    "smoothing": (
        lambda: F.softmax_cross_entropy(X, T, label_smoothing=1.5),
        RangeError,
        r"softmax_cross_entropy: label_smoothing should be from 0 to 1, got 1\.5",
    ),
    "reduction": (
        lambda: F.softmax_cross_entropy(X, T, reduction="max"),
        RangeError,
        "softmax_cross_entropy: reduction should be 'mean', 'sum' or 'none', got 'max'",
    ),
    "ignored probabilities": (
        lambda: F.softmax_cross_entropy(X, half(4, 3), ignore_index=0),
        DTypeError,
        "ignore_index needs integer labels, got float64",
    ),
    "label too large": (
        lambda: F.softmax_cross_entropy(X, [0, 1, 3, 5]),
        RangeError,
        r"^softmax_cross_entropy: label 3 at 2 is outside 0\.\.2 \(3 classes\); "
        "labels count from 0$",
    ),
    "label in a row": (
        lambda: F.softmax_cross_entropy(np.zeros((2, 3, 2)), [[0, 0], [0, 9]]),
        RangeError,
        r"label 9 at \(1, 1\) is outside 0\.\.2",
    ),
    "label beside an ignored one": (
        lambda: F.softmax_cross_entropy(X, [-1, 1, -2, 0], ignore_index=-1),
        RangeError,
        r"label -2 at 2 is outside 0\.\.2 \(3 classes\); ignore_index=-2 leaves such samples out",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name):
    make, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        make()


def test_t78_label_minus_1_is_no_class():
    message = (
        r"label -1 at 1 is outside 0\.\.2 \(3 classes\); ignore_index=-1 leaves such samples out"
    )
    with pytest.raises(RangeError, match=message):
        F.softmax_cross_entropy(X, [0, -1, 2, 0])


def test_labels_may_be_small_and_unsigned():
    small = F.softmax_cross_entropy(X, T.astype(np.uint8))
    assert small.item() == F.softmax_cross_entropy(X, T).item()


def test_labels_may_be_a_variable():
    assert F.softmax_cross_entropy(X, Variable(T)).item() == F.softmax_cross_entropy(X, T).item()


OPTIONS = {
    "weight": {"weight": [1.0, 1.0, 1.0]},
    "ignore_index": {"ignore_index": -1},
    "label_smoothing": {"label_smoothing": 1e-300},
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("option", OPTIONS)
def test_the_kernel_and_the_composition_agree(option, reduction):
    plain = F.softmax_cross_entropy(X, T, reduction=reduction)
    composed = F.softmax_cross_entropy(X, T, reduction=reduction, **OPTIONS[option])
    np.testing.assert_allclose(composed.data, plain.data, rtol=1e-14)  # another order of steps


def test_labels_and_one_hot_probabilities_agree():
    y = F.softmax_cross_entropy(X, np.eye(3)[T], label_smoothing=0.1)
    expected = F.softmax_cross_entropy(X, T, label_smoothing=0.1)
    np.testing.assert_allclose(y.data, expected.data, rtol=1e-14)  # another order of steps


def test_probabilities_have_gradients(rng):
    gradient(F.softmax_cross_entropy, X, rng.uniform(0.1, 1.0, (4, 3)))


def test_class_weights_have_gradients():
    gradient(lambda x, w: F.softmax_cross_entropy(x, T, weight=w), X, np.array([0.5, 1.0, 2.0]))


def test_class_weights_do_not_change_the_dtype():
    y = F.softmax_cross_entropy(X.astype(np.float32), T, weight=[0.5, 1.0, 2.0])
    assert y.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_huge_logits_stay_finite(dtype):
    huge = np.finfo(dtype).max / 4
    x = Variable(np.array([[huge, -huge], [-huge, 0]], dtype))
    y = F.softmax_cross_entropy(x, [0, 1], reduction="sum")
    y.backward()
    assert (y.item(), x.grad.data.tolist()) == (0, [[0, 0], [0, 0]])


def test_a_shift_of_all_logits_changes_nothing():
    x = X * 4  # whole multiples of 1/4 below 2**20: the shift is exact
    assert F.softmax_cross_entropy(x + 2.0**20, T).item() == F.softmax_cross_entropy(x, T).item()


def test_a_class_that_is_ruled_out_does_no_harm():
    x = Variable(np.array([[1.0, -np.inf, 2.0]]))
    F.softmax_cross_entropy(x, [0]).backward()
    assert x.grad.data[0, 1] == 0


def test_ignored_samples_have_no_gradient():
    x = Variable(X)
    F.softmax_cross_entropy(x, [2, -1, 1, -1], ignore_index=-1).backward()
    assert not x.grad.data[[1, 3]].any()


def test_ignored_samples_may_be_nan():
    x = np.where(np.arange(4)[:, None] == 1, np.nan, X)
    y = F.softmax_cross_entropy(x, [2, -1, 1, 1], ignore_index=-1)
    expected = F.softmax_cross_entropy(X[[0, 2, 3]], [2, 1, 1])
    np.testing.assert_allclose(y.data, expected.data, rtol=1e-14)  # another order of steps


def test_the_mean_of_ignored_samples_alone_is_0():
    x = Variable(X)
    y = F.softmax_cross_entropy(x, [-1] * 4, ignore_index=-1)
    y.backward()
    assert (y.item(), x.grad.data.any()) == (0, False)


def test_the_gradient_is_softmax_less_one_hot():
    x = Variable(X)
    F.softmax_cross_entropy(x, T).backward()
    expected = (F.softmax(X).data - np.eye(3)[T]) / 4
    np.testing.assert_allclose(x.grad.data, expected, rtol=1e-14)  # another order of steps


def test_labels_that_are_not_there_yet_are_checked_when_they_come():
    program = Program()
    labels = program.input((4,), np.int64)
    program.outputs = (F.softmax_cross_entropy(X, labels).data,)
    (y,) = run(program, T)
    assert y == F.softmax_cross_entropy(X, T).item()
    with pytest.raises(RangeError, match=r"label 7 at 3 is outside 0\.\.2"):
        run(program, np.array([0, 1, 2, 7]))


# -- sigmoid and binary --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_t74_confident_logits_are_never_nan(dtype):
    x = Variable(np.array([1000, -1000, 1000, -1000], dtype))
    y = F.sigmoid_cross_entropy(x, [1, 0, 0, 1], reduction="none")
    y.sum().backward()
    assert y.data.tolist() == [0, 0, 1000, 1000]
    assert x.grad.data.tolist() == [0, 0, 1, -1]


def test_small_losses_keep_their_precision():
    y = F.sigmoid_cross_entropy(np.array([30.0, -30.0]), [1, 0], reduction="none")
    np.testing.assert_allclose(y.data, np.log1p(np.exp(-30.0)), rtol=1e-15)  # one rounding


@pytest.mark.parametrize("t", [[1, 0, 1], [True, False, True], np.array([1, 0, 1], np.uint8)])
def test_yes_and_no_do_not_change_the_dtype(t):
    assert F.sigmoid_cross_entropy(np.zeros(3, np.float32), t).dtype == np.float32


@pytest.mark.parametrize("f", [F.sigmoid_cross_entropy, F.binary_cross_entropy])
def test_yes_and_no_are_1_and_0(f):
    message = rf"{f.__name__}: label -1 at 2 is outside 0\.\.1 \(2 classes\)"
    with pytest.raises(RangeError, match=message):
        f(half(3), [1, 0, -1])


@pytest.mark.parametrize("f", [F.sigmoid_cross_entropy, F.binary_cross_entropy])
def test_predictions_are_floating(f):
    with pytest.raises(DTypeError, match=f"{f.__name__}: x should be floating, got int64"):
        f([1, 0], [1, 0])


def test_pos_weight_multiplies_what_should_be_found():
    y = F.sigmoid_cross_entropy(np.zeros(2), [1, 0], pos_weight=3, reduction="none")
    np.testing.assert_allclose(y.data, [3 * np.log(2), np.log(2)], rtol=1e-15)  # one rounding


def test_pos_weight_may_be_one_a_class():
    y = F.sigmoid_cross_entropy(np.zeros((1, 2)), [[1, 1]], pos_weight=[2.0, 3.0], reduction="none")
    np.testing.assert_allclose(y.data, [[2 * np.log(2), 3 * np.log(2)]], rtol=1e-15)  # one rounding


def test_pos_weight_of_more_axes_is_named():
    message = r"pos_weight of shape \(4, 3\) does not broadcast to x, \(3,\)"
    with pytest.raises(ShapeError, match=message):
        F.sigmoid_cross_entropy(np.zeros(3), [1, 0, 1], pos_weight=np.ones((4, 3)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_t75_a_perfect_prediction_costs_nothing(dtype):
    y = F.binary_cross_entropy(np.array([1, 0], dtype), [1, 0], reduction="none")
    assert y.data.tolist() == [0, 0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_t75_the_worst_prediction_costs_what_the_dtype_can_tell(dtype):
    y = F.binary_cross_entropy(np.array([0, 1], dtype), [1, 0], reduction="none")
    expected = -np.log(np.finfo(dtype).eps)
    assert y.data.tolist() == [expected, expected]


@pytest.mark.parametrize("p", [1.5, -0.25])
def test_probabilities_are_no_logits(p):
    message = rf"probabilities should be from 0 to 1, got {p}; for logits use sigmoid_cross_entropy"
    with pytest.raises(RangeError, match=message):
        F.binary_cross_entropy([0.5, p], [1, 0])


def test_binary_and_sigmoid_cross_entropy_agree():
    x = Variable(X)
    one = F.binary_cross_entropy(F.sigmoid(x), X > 0)
    other = F.sigmoid_cross_entropy(x, X > 0)
    (g,), (h,) = gradients([one], [x]), gradients([other], [x])
    np.testing.assert_allclose(g.data, h.data, rtol=1e-12)  # 1 - p loses digits near 1
