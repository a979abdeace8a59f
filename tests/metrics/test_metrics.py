"""Metrics against scikit-learn, on random data with ties; where that warns, by definition."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from lamina import Variable, metrics
from lamina.errors import DTypeError, RangeError, ShapeError

CLOSE = {"rtol": 1e-12, "atol": 1e-15}  # sums in another order


def case(seed, n=60, classes=4):
    """Predictions, labels, and scores with many ties."""
    rng = np.random.default_rng(seed)
    t = rng.integers(0, classes, n)
    y = np.where(rng.random(n) < 0.6, t, rng.integers(0, classes, n))
    return y, t, rng.integers(0, 8, (n, classes)) / 8


SEEDS = range(5)
AVERAGES = ["micro", "macro", "weighted", "none"]
RATIOS = {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}


def undefined_is_0(f, t, y, **words):
    return f(t, y, zero_division=0.0, **words)


@pytest.mark.parametrize("seed", SEEDS)
def test_accuracies_are_those_of_scikit_learn(seed):
    y, t, _ = case(seed)
    assert metrics.accuracy(y, t) == sk.accuracy_score(t, y)
    np.testing.assert_allclose(
        metrics.balanced_accuracy(y, t), sk.balanced_accuracy_score(t, y), **CLOSE
    )
    assert (metrics.confusion_matrix(y, t) == sk.confusion_matrix(t, y)).all()


@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_accuracy_is_that_of_scikit_learn_without_ties(k):
    rng = np.random.default_rng(k)
    scores, t = rng.random((50, 5)), rng.integers(0, 5, 50)
    expected = sk.top_k_accuracy_score(t, scores, k=k, labels=range(5))
    np.testing.assert_allclose(metrics.top_k_accuracy(scores, t, k), expected, **CLOSE)


def test_of_equal_scores_the_first_class_comes_first():
    flat = np.zeros((3, 3))
    assert metrics.top_k_accuracy(flat, [0, 1, 2], 2) == 2 / 3
    assert metrics.accuracy(flat, [0, 1, 2]) == 1 / 3


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("name", RATIOS)
def test_ratios_are_those_of_scikit_learn(name, average):
    for seed in SEEDS:
        y, t, _ = case(seed, n=12)  # few, so that some classes are missing
        found = getattr(metrics, name)(y, t, average, classes=4)
        words = {"average": None, "labels": range(4)} if average == "none" else {"average": average}
        expected = undefined_is_0(RATIOS[name], t, y, **words)
        np.testing.assert_allclose(found, expected, **CLOSE)


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize("name", RATIOS)
def test_binary_ratios_are_those_of_scikit_learn(name, positive):
    for seed in SEEDS:
        y, t, _ = case(seed, n=9, classes=2)
        expected = undefined_is_0(RATIOS[name], t, y, pos_label=positive)
        found = getattr(metrics, name)(y, t, positive=positive)
        np.testing.assert_allclose(found, expected, **CLOSE)


@pytest.mark.parametrize("name", RATIOS)
def test_ratios_of_nothing_are_0(name):
    assert getattr(metrics, name)([0, 0], [0, 0]) == 0
    assert getattr(metrics, name)([0, 0], [0, 0], "none", classes=3).tolist() == [1, 0, 0]
    assert getattr(metrics, name)([0, 0], [0, 0], "macro", classes=3) == 1


def test_precision_where_nothing_was_predicted_is_0():
    assert metrics.precision([0, 0], [1, 1]) == 0
    assert metrics.recall([1, 1], [0, 0]) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_agreement_is_that_of_scikit_learn(seed):
    y, t, _ = case(seed)
    np.testing.assert_allclose(metrics.matthews(y, t), sk.matthews_corrcoef(t, y), **CLOSE)
    for weights in (None, "linear", "quadratic"):
        expected = sk.cohen_kappa_score(t, y, weights=weights)
        np.testing.assert_allclose(metrics.cohen_kappa(y, t, weights), expected, rtol=1e-11)


def test_agreement_about_one_class_is_0():
    assert metrics.cohen_kappa([1, 1], [1, 1]) == 0
    assert metrics.matthews([1, 1], [1, 1]) == 0
    assert metrics.matthews([1, 1], [0, 1]) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_rankings_are_those_of_scikit_learn_with_ties(seed):
    _, t, scores = case(seed, classes=2)
    found = metrics.roc_auc(scores[:, 0], t)
    np.testing.assert_allclose(found, sk.roc_auc_score(t, scores[:, 0]), **CLOSE)
    found = metrics.average_precision(scores[:, 0], t)
    np.testing.assert_allclose(found, sk.average_precision_score(t, scores[:, 0]), **CLOSE)


@pytest.mark.parametrize("seed", SEEDS)
def test_rankings_of_several_classes_are_the_mean_of_one_against_all(seed):
    _, t, scores = case(seed)
    hot = np.eye(4)[t]
    found = metrics.roc_auc(scores, t)
    np.testing.assert_allclose(found, sk.roc_auc_score(hot, scores, average="macro"), **CLOSE)
    found = metrics.average_precision(scores, t)
    np.testing.assert_allclose(found, sk.average_precision_score(hot, scores), **CLOSE)


def test_equal_scores_rank_nothing():
    assert metrics.roc_auc(np.zeros(4), [0, 1, 1, 0]) == 0.5
    assert metrics.average_precision(np.zeros(4), [0, 1, 1, 1]) == 0.75


@pytest.mark.parametrize("outputs", [(), (3,)])
def test_errors_are_those_of_scikit_learn(outputs):
    rng = np.random.default_rng(1)
    t = rng.normal(size=(20, *outputs))
    x = t + rng.normal(size=t.shape)
    pairs = {
        "mean_squared_error": sk.mean_squared_error,
        "root_mean_squared_error": sk.root_mean_squared_error,
        "mean_absolute_error": sk.mean_absolute_error,
        "mean_absolute_percentage_error": sk.mean_absolute_percentage_error,
        "r2": sk.r2_score,
    }
    if not outputs:
        pairs |= {
            "median_absolute_error": sk.median_absolute_error,
            "max_error": sk.max_error,
        }
    else:
        pairs.pop("root_mean_squared_error")  # theirs is the mean of the roots
    for name, expected in pairs.items():
        np.testing.assert_allclose(getattr(metrics, name)(x, t), expected(t, x), **CLOSE)


def test_r2_of_a_constant_is_1_or_0():
    assert metrics.r2([2.0, 2.0], [2.0, 2.0]) == 1
    assert metrics.r2([2.0, 3.0], [2.0, 2.0]) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_overlap_is_that_of_scikit_learn(seed):
    y, t, _ = case(seed)
    expected = sk.jaccard_score(t, y, average=None)
    np.testing.assert_allclose(metrics.iou(y.reshape(6, 10), t.reshape(6, 10)), expected, **CLOSE)
    np.testing.assert_allclose(metrics.mean_iou(y, t), expected.mean(), **CLOSE)
    np.testing.assert_allclose(metrics.dice_score(y, t), sk.f1_score(t, y, average=None), **CLOSE)


def test_a_class_that_nobody_has_has_no_overlap():
    assert np.isnan(metrics.iou([0, 1], [0, 1], 3)).tolist() == [False, False, True]
    assert np.isnan(metrics.dice_score([0, 1], [0, 1], 3)).tolist() == [False, False, True]
    assert metrics.mean_iou([0, 1], [0, 1], 3) == 1


def test_regions_may_be_bools():
    a, b = np.array([[True, False], [True, True]]), np.array([[True, True], [False, True]])
    assert metrics.iou(a, b)[1] == 0.5


def test_perplexity_is_e_to_the_cross_entropy():
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(30, 5)), rng.integers(0, 5, 30)
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    expected = np.exp(sk.log_loss(t, p, labels=range(5)))
    np.testing.assert_allclose(metrics.perplexity(x, t), expected, **CLOSE)
    np.testing.assert_allclose(metrics.perplexity(x[None].swapaxes(1, 2), t[None]), expected)


def test_perplexity_leaves_out_what_is_ignored():
    x = np.array([[0.0, 0.0, 0.0], [50.0, 0.0, 0.0]])
    np.testing.assert_allclose(metrics.perplexity(x, [2, -1], ignore_index=-1), 3, rtol=1e-15)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metrics.perplexity([[0.0, 1e4]], [0]) == np.inf


def test_scores_are_taken_for_the_best_class():
    _, t, scores = case(0)
    assert metrics.accuracy(scores, t) == metrics.accuracy(scores.argmax(1), t)
    image = scores.reshape(6, 10, 4).transpose(0, 2, 1)
    assert metrics.mean_iou(image, t.reshape(6, 10)) == metrics.mean_iou(scores.argmax(1), t)


def test_variables_are_welcome():
    y, t = Variable([[0.1, 0.9], [0.8, 0.2]]), Variable([1, 1])
    assert metrics.accuracy(y, t) == 0.5
    assert metrics.perplexity(y, t) == metrics.perplexity(y.data, t.data)
    assert metrics.r2(Variable([1.0, 2.0]), [1.0, 2.0]) == 1


def test_matrices_of_parts_add_up():
    y, t, _ = case(3)
    parts = [metrics.confusion_matrix(y[s], t[s], 4) for s in (slice(20), slice(20, None))]
    assert (sum(parts) == metrics.confusion_matrix(y, t, 4)).all()


WRONG = {
    "shapes": (
        lambda: metrics.accuracy([1, 0], [1, 0, 1]),
        ShapeError,
        r"accuracy: y should have the shape of the labels t, .*, got \(2,\) and \(3,\)",
    ),
    "nothing": (
        lambda: metrics.f1([], np.zeros(0, int)),
        ShapeError,
        r"f1: there is nothing to judge, got shape \(0,\)",
    ),
    "fractions": (
        lambda: metrics.accuracy([1, 0], [1.0, 0.0]),
        DTypeError,
        "accuracy: labels t should be integers, got float64",
    ),
    "negative": (
        lambda: metrics.recall([1, 0], [1, -1]),
        RangeError,
        "recall: labels t should be 0 or more, got -1",
    ),
    "a class too many": (
        lambda: metrics.iou([1, 3], [1, 0], 3),
        RangeError,
        r"iou: predictions y should be in 0\.\.2, got 3",
    ),
    "three classes": (
        lambda: metrics.precision([0, 1, 2], [0, 1, 2]),
        RangeError,
        "precision: there are more than two classes; average='macro', 'micro', 'weighted' or",
    ),
    "average": (
        lambda: metrics.f1([0, 1], [0, 1], "mean"),
        RangeError,
        "f1: average should be one of binary, micro, macro, weighted, none, got 'mean'",
    ),
    "k": (
        lambda: metrics.top_k_accuracy([[0.5, 0.5]], [0], 0),
        RangeError,
        "top_k_accuracy: k should be 1 or more, got 0",
    ),
    "one class": (
        lambda: metrics.roc_auc([0.5, 0.5], [1, 1]),
        RangeError,
        "roc_auc: of class 1 are 2 samples, and 0 are not; there should be both",
    ),
    "nothing to find": (
        lambda: metrics.average_precision([0.5, 0.5], [0, 0]),
        RangeError,
        "average_precision: no sample is of class 1, nothing can be found",
    ),
    "NaN": (
        lambda: metrics.roc_auc([0.5, np.nan], [0, 1]),
        RangeError,
        "roc_auc: scores y should be without NaN, got 1 of them",
    ),
    "weights": (
        lambda: metrics.cohen_kappa([0], [0], "cubic"),
        RangeError,
        "cohen_kappa: weights should be None, 'linear' or 'quadratic', got 'cubic'",
    ),
    "broadcast": (
        lambda: metrics.mean_squared_error(np.ones((3, 1)), np.ones(3)),
        ShapeError,
        r"mean_squared_error: x and t should have one shape, got \(3, 1\) and \(3,\)",
    ),
    "one sample": (
        lambda: metrics.r2([1.0], [1.0]),
        ShapeError,
        r"r2: x should be \(n,\) or \(n, outputs\), of two samples or more, got \(1,\)",
    ),
    "all ignored": (
        lambda: metrics.perplexity([[0.0, 1.0]], [-1], -1),
        ShapeError,
        "perplexity: there is nothing to judge",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name):
    make, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        make()


def test_every_metric_is_documented():
    for name in metrics.__all__:
        text = getattr(metrics, name).__doc__ or ""
        assert "Args:" in text or "`" in text, name
