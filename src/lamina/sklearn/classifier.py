"""A network that tells classes apart, as an estimator of scikit-learn."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from .. import functions as F
from ..arrays import Array
from ..core import Variable
from ..errors import DTypeError, RangeError
from .base import Estimator
from .learner import Losses


class Classifier(ClassifierMixin, Estimator):
    """A network that tells classes apart; trained on the cross entropy of its softmax.

    Args:
        network: sizes of the hidden layers, ``(100,)`` or one number, ``()`` for none; or a Layer
            that gives one column for each class, of which each fit trains a copy; or a function
            that makes such a Layer, ``network(classes)``.
        activation: between hidden layers: a name in `lamina.functions`, or a function.
        optimizer: a name such as ``"adam"`` or ``"sgd"``, or an Optimizer, of which each fit uses a
            copy.
        learning_rate: a number or a schedule, for an optimizer given by name; None is its own.
        epochs: how often all samples are seen; with ``early_stopping`` at most.
        batch_size: samples of a step, at most; ``"auto"`` is 64. Batches of an epoch differ in
            length by 1 at most.
        class_weight: None, ``"balanced"`` (each class counts the same), or a dict of label to
            weight; a label that is missing in it has weight 1.
        early_stopping: hold out a part of the samples, stop when their loss has not been lower for
            ``patience`` epochs, and keep the weights of the lowest.
        validation_fraction: which part is held out, between 0 and 1; of each class the same, if
            there are enough.
        patience: see ``early_stopping``.
        tol: by how much the held-out loss must be lower to count.
        dtype: ``"float32"`` or ``"float64"``; None is that of X, and float64 for all but float32.
            A Layer that is given computes in its own. float32 is the fast one.
        compile: compile the training step; ``"auto"`` does where it pays, from 100 steps.
        warm_start: go on from the last fit, with its network and optimizer.
        random_state: of weights, order and dropout: None, an integer, or a NumPy ``RandomState``.
        verbose: print one line an epoch.
    Attributes:
        classes_: (classes,): the labels, in order.
        network_: the Layer that was trained.
        n_iter_: epochs that were trained, those before a warm start and of `partial_fit` too.
        loss_curve_: the mean loss of each epoch.
        validation_curve_: the held-out loss after each epoch; empty without ``early_stopping``.
        n_features_in_: columns of X.
        feature_names_in_: their names, if X had any.
    Raises:
        DTypeError, RangeError, ShapeError: by `fit`, for an argument that is none of the above.
    Example:
        >>> from sklearn.datasets import load_iris
        >>> x, y = load_iris(return_X_y=True)
        >>> model = Classifier(16, learning_rate=0.01, random_state=0).fit(x, y)
        >>> model.score(x, y) > 0.95
        True
    """

    classes_: Array

    def __init__(
        self,
        network: Any = (100,),
        *,
        activation: Any = "relu",
        optimizer: Any = "adam",
        learning_rate: Any = None,
        epochs: int = 100,
        batch_size: Any = "auto",
        class_weight: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        tol: float = 1e-4,
        dtype: Any = None,
        compile: Any = "auto",
        warm_start: bool = False,
        random_state: Any = None,
        verbose: bool = False,
    ):
        self.network = network
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.tol = tol
        self.dtype = dtype
        self.compile = compile
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    # -- training ----------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train from the start, or with ``warm_start`` from where the last fit ended.

        Args:
            X: (n, features), numbers; also a sparse matrix, of which one batch at a time is dense.
            y: (n,): labels, numbers or text.
            sample_weight: (n,): 0 or more. While a batch holds all samples, an integer weight does
                what so many copies of the sample do; in smaller batches it does so on average.
        """
        fresh = not self._goes_on()
        return self._learn(X, y, sample_weight, fresh, None, None)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One pass over these samples, from where the last one ended; nothing is held out.

        Args:
            X: as for `fit`.
            y: as for `fit`.
            classes: all labels there will ever be: at the first call, unless all are in ``y``.
            sample_weight: as for `fit`.
        """
        fresh = not hasattr(self, "_learner")
        return self._learn(X, y, sample_weight, fresh, 1, classes)

    def _learn(
        self, X: Any, y: Any, sample_weight: Any, fresh: bool, passes: int | None, classes: Any
    ) -> Self:
        x, labels = self._arrays(X, y, fresh)
        check_classification_targets(labels)
        w = self._weights(sample_weight, x)
        if fresh:
            self._begin()
            self.classes_ = np.unique(labels if classes is None else classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise RangeError(
                f"{self._who}: classes are {_shown(np.unique(classes))} now, and at the first fit "
                f"they were {_shown(self.classes_)}"
            )
        t = self._encode(labels)
        return self._fit(x, t, w * self._class_weights(t, w), fresh, passes)

    def _encode(self, labels: Array) -> Array:
        """Labels as numbers of their classes."""
        strange = np.setdiff1d(labels, self.classes_)
        if strange.size:
            raise RangeError(
                f"{self._who}: y has labels that are no classes, {_shown(strange)}; the classes "
                f"are {_shown(self.classes_)}"
            )
        return np.searchsorted(self.classes_, labels)

    def _class_weights(self, t: Array, w: Array) -> Array:
        """For each sample the weight of its class: (n,)."""
        given = self.class_weight
        if given is None:
            return np.ones(len(t))
        if isinstance(given, str) and given == "balanced":
            shares = np.bincount(t, w, len(self.classes_))
            there = np.count_nonzero(shares)
            return (shares.sum() / (max(there, 1) * np.where(shares > 0, shares, 1)))[t]
        if not isinstance(given, dict):
            raise DTypeError(
                f"{self._who}: class_weight should be None, 'balanced' or a dict of label to "
                f"weight, got {given!r:.60}"
            )
        labels = self.classes_.tolist()
        strange = [label for label in given if label not in labels]
        if strange:
            raise RangeError(
                f"{self._who}: class_weight names {strange!r:.60}, which is no class; the classes "
                f"are {_shown(self.classes_)}"
            )
        weights = np.array([float(given.get(label, 1.0)) for label in labels])
        if not (weights >= 0).all() or not np.isfinite(weights).all():
            raise RangeError(
                f"{self._who}: class_weight should be finite numbers of 0 or more, got "
                f"{given!r:.60}"
            )
        return weights[t]

    def _losses(self) -> Losses:
        return cross_entropies

    def _outputs(self) -> int:
        return len(self.classes_)

    def _strata(self, t: Array, held_out: int) -> Array | None:
        counts = np.bincount(t)
        counts = counts[counts > 0]
        small = min(held_out, len(t) - held_out)
        return t if counts.min() > 1 and small >= len(counts) else None

    # -- prediction --------------------------------------------------------------------------

    def predict(self, X: Any) -> Array:
        """The most probable label of each sample: (n,)."""
        best = self._predicted(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class: (n, classes), each row of sum 1."""
        z = self._predicted(X)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of `predict_proba`, without its rounding to 0: (n, classes)."""
        z = self._predicted(X)
        z = z - z.max(axis=1, keepdims=True)
        return z - np.log(np.exp(z).sum(axis=1, keepdims=True))

    def decision_function(self, X: Any) -> Array:
        """What the network gives for each class: (n, classes); of two classes, the second less the
        first: (n,), above 0 for the second.
        """
        z = self._predicted(X)
        return z[:, 1] - z[:, 0] if z.shape[1] == 2 else z


def cross_entropies(y: Variable, t: Any) -> Variable:
    """The cross entropy of each sample: (n,)."""
    return F.softmax_cross_entropy(y, t, reduction="none")


def _shown(labels: Array) -> str:
    shown = ", ".join(map(repr, labels.tolist()[:8]))
    return shown + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")
