"""Words and data that the estimators refuse, and that scikit-learn is optional."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError

import lamina.functions as F
import lamina.optimizers as O
from lamina import Linear, Sequential
from lamina.errors import DTypeError, LaminaError, NonFiniteError, RangeError, ShapeError
from lamina.sklearn import Classifier, Regressor

x, labels = make_blobs(120, 5, centers=3, cluster_std=2.0, random_state=3)
line = x @ np.arange(1.0, 6.0)
quick = {"epochs": 3, "batch_size": 50, "random_state": 0}

REFUSED = [
    ({"network": (100, 0)}, RangeError, "size of a hidden layer should be .* got 0"),
    ({"network": "mlp"}, DTypeError, "network should be sizes of hidden layers .* got 'mlp'"),
    ({"network": Sequential(Linear(4))}, ShapeError, r"should give \(2, 3\) .* got shape \(2, 4\)"),
    ({"activation": "rleu"}, RangeError, "got 'rleu'; do you mean 'relu'"),
    ({"optimizer": "adm"}, RangeError, "there is no optimizer 'adm'; do you mean 'adam'"),
    ({"optimizer": O.LBFGS()}, DTypeError, "optimizer should be a name .* got LBFGS"),
    ({"optimizer": O.Adam(), "learning_rate": 1.0}, DTypeError, "learning_rate is for an optim"),
    ({"learning_rate": -1.0}, RangeError, "-1"),
    ({"epochs": 0}, RangeError, "epochs should be an integer of 1 or more, got 0"),
    ({"batch_size": "all"}, RangeError, "batch_size should be .* or 'auto', got 'all'"),
    ({"validation_fraction": 1.0}, RangeError, "validation_fraction should be .* got 1.0"),
    ({"patience": 0}, RangeError, "patience should be an integer of 1 or more, got 0"),
    ({"tol": -1}, RangeError, "tol should be a number of 0 or more, got -1"),
    ({"compile": "yes"}, RangeError, "compile should be 'auto', True or False, got 'yes'"),
    ({"dtype": "int8"}, DTypeError, "dtype should be 'float32', 'float64' or None, got 'int8'"),
    ({"class_weight": "equal"}, DTypeError, "class_weight should be .* got 'equal'"),
    ({"class_weight": {0: -1.0}}, RangeError, r"finite numbers of 0 or more, got \{0: -1.0\}"),
    ({"class_weight": {7: 1.0}}, RangeError, r"class_weight names \[7\], .* classes are 0, 1, 2"),
]


@pytest.mark.parametrize(("words", "kind", "text"), REFUSED)
def test_a_wrong_word_is_named(words: dict[str, Any], kind: type[LaminaError], text: str):
    with pytest.raises(kind, match=text):
        Classifier(**{**quick, **words}).fit(x, labels)


def test_a_wrong_loss_is_named():
    with pytest.raises(RangeError, match=r"loss should be one of squared_error, .* got 'mse'"):
        Regressor(4, loss="mse", **quick).fit(x, line)


def test_a_loss_of_one_number_is_refused():
    with pytest.raises(ShapeError, match=r"one number for each element.* got shape \(\)"):
        Regressor(4, loss=F.mean_squared_error, **quick).fit(x, line)


def test_labels_that_came_later_are_named():
    model = Classifier(4, **quick).partial_fit(x[labels < 2], labels[labels < 2])
    with pytest.raises(RangeError, match=r"y has labels that are no classes, 2; .* are 0, 1"):
        model.partial_fit(x, labels)


def test_other_classes_at_a_later_call_are_refused():
    model = Classifier(4, **quick).partial_fit(x, labels)
    with pytest.raises(RangeError, match=r"classes are 0, 1 now, and at the first fit .* 0, 1, 2"):
        model.partial_fit(x, labels, classes=[0, 1])


def test_another_number_of_targets_is_refused():
    model = Regressor(4, **quick).partial_fit(x, line)
    with pytest.raises(ShapeError, match=r"y has 2 targets, and had 1"):
        model.partial_fit(x, np.stack([line, line], 1))


@pytest.mark.parametrize(
    ("w", "text"),
    [(np.ones(3), r"shape \(120,\).* got \(3,\)"), (np.r_[np.ones(119), -1], "0 or more, got -1")],
)
def test_wrong_sample_weights_are_refused(w: Any, text: str):
    with pytest.raises(ValueError, match=text):
        Classifier(4, **quick).fit(x, labels, sample_weight=w)


def test_a_loss_that_overflows_is_told():
    with pytest.raises(NonFiniteError, match=r"loss of epoch \d+ is (nan|inf); scale X"):
        Regressor(4, optimizer="sgd", learning_rate=1e200, **quick).fit(x, line)


@pytest.mark.parametrize("kind", [Classifier, Regressor])
def test_a_fit_that_fails_leaves_no_half_of_an_old_one(kind: Any):
    model = kind(4, **quick).fit(x, labels)
    with pytest.raises(RangeError):
        model.set_params(optimizer="adm").fit(x, labels * 2)
    with pytest.raises(NotFittedError):
        model.predict(x)


def test_a_clone_has_the_words_and_not_the_weights():
    model = clone(Classifier((9, 8), class_weight={0: 2.0}, **quick).fit(x, labels))
    assert model.get_params()["network"] == (9, 8)
    assert not hasattr(model, "classes_")


# -- it is optional ------------------------------------------------------------------------------


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_lamina_does_not_import_scikit_learn():
    assert run("import sys, lamina; print('sklearn' in sys.modules)") == "False"


def test_without_scikit_learn_the_message_says_what_to_install():
    program = """
import sys
sys.modules["sklearn"] = sys.modules["sklearn.utils.validation"] = None
try:
    import lamina.sklearn
except ImportError as error:
    print(type(error).__name__, error)
"""
    assert run(program).startswith(
        "DependencyError lamina.sklearn: needs scikit-learn 1.6 or newer"
    )
