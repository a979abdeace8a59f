"""What scikit-learn's checks do not ask: our own words, and that nothing depends on chance."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy.sparse import csr_array
from sklearn.datasets import make_blobs
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import lamina
import lamina.functions as F
import lamina.optimizers as O
from lamina import Linear, Sequential, random
from lamina.data import digits
from lamina.errors import (
    RangeError,
    ShapeError,
    TraceError,
)
from lamina.layers import BatchNorm, Dropout, Layer
from lamina.sklearn import Classifier, Regressor

x, labels = make_blobs(120, 5, centers=3, cluster_std=2.0, random_state=3)
x = (x - x.mean(axis=0)) / x.std(axis=0)
line = x @ np.arange(1.0, 6.0) + 0.5 * x[:, 0] ** 2
quick = {"epochs": 3, "batch_size": 50, "random_state": 0}


def same_weights(a: Any, b: Any) -> bool:
    pairs = zip(a.network_.named_params(), b.network_.named_params(), strict=True)
    return all(n == m and np.array_equal(p.numpy(), q.numpy()) for (n, p), (m, q) in pairs)


# -- it learns -----------------------------------------------------------------------------------


def test_a_classifier_reads_digits_in_a_pipeline():
    train, test = digits(), digits(train=False)
    model = make_pipeline(StandardScaler(), Classifier(64, epochs=15, random_state=0))
    assert model.fit(*train).score(*test) > 0.95


def test_a_regressor_learns_targets_far_from_0():
    y = 1e6 + 1e5 * line
    assert Regressor(32, learning_rate=0.01, random_state=0).fit(x, y).score(x, y) > 0.95


def test_a_regressor_learns_several_targets_of_different_scales():
    y = np.stack([1e-3 * line, 50 + line**2], axis=1)
    model = Regressor(32, learning_rate=0.01, random_state=0).fit(x, y)
    assert model.predict(x).shape == (120, 2)
    assert model.score(x, y) > 0.9


@pytest.mark.parametrize("loss", ["absolute_error", "huber", lambda y, t: abs(y - t)])
def test_a_regressor_learns_with_another_loss(loss: Any):
    model = Regressor(32, loss=loss, learning_rate=0.01, random_state=0)
    assert model.fit(x, line).score(x, line) > 0.9


def test_a_loss_that_needs_counts_gets_them_as_they_are():
    counts = np.random.default_rng(0).poisson(np.exp(1 + 0.5 * x[:, 0]))
    model = Regressor(
        (),
        loss=lambda y, t: F.poisson_nll_loss(y, t, reduction="none"),
        scale_targets=False,
        learning_rate=0.05,
        random_state=0,
    ).fit(x[:, :1], counts)
    slope = model.network_.last.W.numpy()[0, 0]
    assert 0.34 < slope < 0.66  # 0.5, and three times the noise of 120 counts of about 3


def test_labels_are_text_and_come_back_as_text():
    names = np.array(["ant", "bee", "cat"])[labels]
    model = Classifier(16, learning_rate=0.01, random_state=0).fit(x, names)
    assert model.classes_.tolist() == ["ant", "bee", "cat"]
    assert np.mean(model.predict(x) == names) > 0.9


def test_a_search_finds_the_rate_that_learns():
    search = GridSearchCV(
        Classifier(16, epochs=20, random_state=0), {"learning_rate": [1e-9, 1e-2]}, cv=2
    )
    assert search.fit(x, labels).best_params_ == {"learning_rate": 1e-2}


def test_cross_validation_scores_a_regressor():
    model = Regressor(16, optimizer=O.Adam(lr=0.02), epochs=50, random_state=0)
    assert cross_val_score(model, x, line, cv=3).min() > 0.8


# -- networks and optimizers ---------------------------------------------------------------------


def test_a_layer_is_copied_and_stays_as_it_was():
    layer = Sequential(Linear(8), BatchNorm(), F.relu, Dropout(0.2), Linear(3))
    model = Classifier(layer, **quick).fit(x.astype(np.float32), labels)
    assert [layer[i].W.state for i in (0, 4)] == ["lazy", "lazy"]
    assert model.network_ is not layer
    assert model.predict_proba(x).dtype == np.float32


def test_a_function_makes_a_network_for_so_many_classes():
    model = Classifier(lambda classes: Sequential(Linear(7), F.tanh, Linear(classes)), **quick)
    model.fit(x, labels)
    assert [p.shape for p in model.network_.params()] == [(5, 7), (7,), (7, 3), (3,)]


def test_an_optimizer_is_copied_and_not_set_up():
    optimizer = O.SGD(lr=0.1, momentum=0.9)
    Classifier(4, optimizer=optimizer, **quick).fit(x, labels)
    assert not list(optimizer.named_params())


def test_no_hidden_layer_is_logistic_regression():
    model = Classifier((), **quick).fit(x, labels)
    assert [p.shape for p in model.network_.params()] == [(5, 3), (3,)]


def test_dtype_follows_x_or_what_was_said():
    kinds = [
        Classifier(4, dtype=dtype, **quick).fit(data, labels).predict_proba(x).dtype
        for dtype, data in [(None, x), (None, x.astype("f4")), ("float32", x), (np.float64, x)]
    ]
    assert kinds == [np.float64, np.float32, np.float32, np.float64]


# -- chance --------------------------------------------------------------------------------------


def dropping(classes: int) -> Layer:
    return Sequential(Linear(8), Dropout(0.5), F.relu, Linear(classes))


def test_a_random_state_gives_the_same_weights_whatever_the_seed_of_lamina():
    lamina.seed(1)
    a = Classifier(dropping, **quick).fit(x, labels)
    lamina.seed(2)
    random.draw("dropout")
    b = Classifier(dropping, **quick).fit(x, labels)
    assert same_weights(a, b)


def test_another_random_state_gives_other_weights():
    a, b = (Classifier(4, **quick | {"random_state": i}).fit(x, labels) for i in (1, 2))
    assert not same_weights(a, b)


def test_fitting_leaves_the_streams_of_lamina_alone():
    before = random.state_dict()
    Classifier(dropping, **quick).fit(x, labels).predict(x)
    assert random.state_dict() == before


def test_a_fit_that_fails_leaves_the_streams_of_lamina_alone():
    before = random.state_dict()
    with pytest.raises(ShapeError):
        Classifier(Sequential(Linear(4)), **quick).fit(x, labels)
    assert random.state_dict() == before


def test_fits_in_threads_give_what_they_give_one_by_one():
    def fit(i: int) -> Classifier:
        return Classifier(dropping, epochs=10, random_state=i).fit(x, labels)

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fit, range(4)))
    assert all(same_weights(a, fit(i)) for i, a in enumerate(together))


# -- going on ------------------------------------------------------------------------------------


def test_a_warm_start_goes_on_as_if_it_had_never_stopped():
    whole = Classifier(dropping, **quick | {"epochs": 6}).fit(x, labels)
    parts = Classifier(dropping, warm_start=True, **quick).fit(x, labels).fit(x, labels)
    assert same_weights(whole, parts)
    assert parts.n_iter_ == 6
    assert parts.loss_curve_ == whole.loss_curve_


def test_passes_of_partial_fit_are_the_epochs_of_fit():
    whole = Regressor(8, **quick).fit(x, line)
    parts = Regressor(8, **quick)
    for _ in range(3):
        parts.partial_fit(x, line)
    assert same_weights(whole, parts)


def test_partial_fit_knows_classes_that_come_later():
    model = Classifier(8, **quick).partial_fit(x[labels < 2], labels[labels < 2], classes=[0, 1, 2])
    assert model.partial_fit(x, labels).predict_proba(x).shape == (120, 3)


def test_without_a_warm_start_a_fit_begins_anew():
    model = Classifier(8, **quick).fit(x, labels)
    first = deepcopy(model)
    assert same_weights(first, model.fit(x, labels))


@pytest.mark.parametrize(
    "network", [(8, 6), dropping, Sequential(Linear(5), BatchNorm(), Linear(3))]
)
def test_a_pickled_estimator_predicts_and_goes_on_to_the_last_bit(network: Any):
    model = Classifier(network, **quick).fit(x, labels)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict_proba(x), model.predict_proba(x))
    assert same_weights(model.partial_fit(x, labels), again.partial_fit(x, labels))


def test_what_is_pickled_of_a_learner_is_plain():
    state = Classifier(8, **quick).fit(x, labels)._learner.__getstate__()
    assert {type(array) for array in state["arrays"].values()} == {np.ndarray}
    assert "network" not in state


# -- weights -------------------------------------------------------------------------------------


def test_balanced_weights_are_those_that_make_classes_equal():
    few = np.flatnonzero(labels != 2)[:50]
    y = labels[few]
    counts = np.bincount(y, minlength=2)
    by_hand = (len(y) / (2 * counts))[y]
    a = Classifier(4, class_weight="balanced", **quick).fit(x[few], y)
    b = Classifier(4, **quick).fit(x[few], y, sample_weight=by_hand)
    c = Classifier(4, class_weight=dict(enumerate(len(y) / (2 * counts))), **quick).fit(x[few], y)
    np.testing.assert_allclose(a.predict_proba(x), b.predict_proba(x), rtol=1e-9)  # rounding
    np.testing.assert_allclose(a.predict_proba(x), c.predict_proba(x), rtol=1e-9)


def test_balanced_weights_count_the_weights_of_samples():
    w = 1.0 + np.arange(120) % 4
    shares = np.bincount(labels, w)
    by_hand = w * (w.sum() / (3 * shares))[labels]
    a = Classifier(4, class_weight="balanced", **quick).fit(x, labels, sample_weight=w)
    b = Classifier(4, **quick).fit(x, labels, sample_weight=by_hand)
    np.testing.assert_allclose(a.predict_proba(x), b.predict_proba(x), rtol=1e-9)  # rounding


def test_a_sample_of_weight_0_is_as_if_it_were_not_there():
    w = (np.arange(120) % 3 > 0).astype(float)
    a = Regressor(4, **quick).fit(x, line, sample_weight=w)
    b = Regressor(4, **quick).fit(x[w > 0], line[w > 0])
    assert same_weights(a, b)


# -- stopping early ------------------------------------------------------------------------------


def test_early_stopping_keeps_the_weights_of_the_lowest_held_out_loss():
    noise = np.random.default_rng(0).integers(0, 3, 120)  # nothing to learn but by heart
    settings = {"learning_rate": 0.05, "early_stopping": True, "random_state": 0, "patience": 4}
    model = Classifier(64, epochs=200, **settings).fit(x, noise)
    best = int(np.argmin(model.validation_curve_)) + 1
    assert len(model.validation_curve_) == len(model.loss_curve_) == model.n_iter_ < 200
    shorter = Classifier(64, epochs=best, **settings).fit(x, noise)
    # eager here, replayed there: the same bits, see lamina.compile
    assert same_weights(model, shorter)


def test_a_class_with_one_sample_is_held_out_or_not_as_chance_will():
    model = Classifier(4, early_stopping=True, **quick).fit(x[:9], [0, 0, 0, 0, 1, 1, 1, 1, 2])
    assert len(model.validation_curve_) == 3


def test_one_sample_cannot_be_held_out():
    with pytest.raises(RangeError, match="of 1 samples 1 would be held out, and none is left"):
        Classifier(4, early_stopping=True, **quick).fit(x[:1], [0])


def test_without_early_stopping_nothing_is_held_out():
    model = Classifier(4, **quick).fit(x, labels)
    assert (model.n_iter_, model.validation_curve_) == (3, [])


# -- compiled, sparse ----------------------------------------------------------------------------


def test_a_replayed_step_gives_the_bits_of_the_eager_one():
    settings = {"epochs": 60, "batch_size": 50, "random_state": 0}
    a = Classifier(dropping, compile=False, **settings).fit(x, labels)
    assert same_weights(a, Classifier(dropping, compile="auto", **settings).fit(x, labels))


def test_machine_code_gives_nearly_the_same():
    pytest.importorskip("llvmlite")
    settings = {"epochs": 2, "batch_size": 50, "random_state": 0, "dtype": "float32"}
    a, b = (Classifier(8, compile=c, **settings).fit(x, labels) for c in (False, True))
    # six steps of Adam in float32, which is exact to 6e-8
    np.testing.assert_allclose(a.predict_proba(x), b.predict_proba(x), rtol=1e-4)


class Looks(Layer):
    """Asks an array for its numbers, which no compiled step can."""

    def __init__(self, classes: int):
        super().__init__()
        self.last = Linear(classes)

    def forward(self, x: Any) -> Any:
        y = self.last(x)
        return y if float(F.sum(y).item()) > 0 else y * 2


def test_a_network_that_cannot_be_compiled_is_trained_as_it_is():
    settings = {"epochs": 60, "batch_size": 50, "random_state": 0}
    a = Classifier(Looks, compile=False, **settings).fit(x, labels)
    assert same_weights(a, Classifier(Looks, compile="auto", **settings).fit(x, labels))


def test_asked_to_compile_what_cannot_be_it_says_why():
    with pytest.raises(TraceError, match=r"item: .* has no numbers yet"):
        Classifier(Looks, compile=True, **quick).fit(x, labels)


def test_sparse_rows_train_as_dense_ones():
    thin = np.where(x > 0.5, x, 0)
    a = Classifier(8, **quick).fit(thin, labels)
    b = Classifier(8, **quick).fit(csr_array(thin), labels)
    assert same_weights(a, b)
    assert np.array_equal(a.predict(thin), b.predict(csr_array(thin)))
