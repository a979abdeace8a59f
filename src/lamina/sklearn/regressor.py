"""A network that predicts numbers, as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin

from .. import functions as F
from ..arrays import Array
from ..core import Variable
from ..errors import RangeError, ShapeError
from .base import Estimator
from .learner import Losses

LOSSES: dict[str, Callable[..., Variable]] = {
    "squared_error": F.mean_squared_error,
    "absolute_error": F.mean_absolute_error,
    "huber": F.huber_loss,
}


class Regressor(RegressorMixin, Estimator):
    """A network that predicts one number or several for each sample.

    Targets are trained as ``(y - mean) / deviation``, by column, and predictions are brought back:
    so it learns prices in millions as fast as angles. What is not said here is as in `Classifier`.

    Args:
        network: as for `Classifier`; a Layer gives one column for each target.
        loss: ``"squared_error"``, ``"absolute_error"``, ``"huber"``, or a function of prediction
            and target, both (n, targets), that gives one loss an element or one a sample.
        scale_targets: see above; False trains on y as it is, for a loss that needs it.
    Attributes:
        network_: the Layer that was trained; it gives scaled targets.
        target_mean_: (targets,): what was taken away from y.
        target_scale_: (targets,): what y was divided by; 1 where a column is constant.
        loss_curve_: the mean loss of each epoch, of scaled targets.
    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> x, y = load_diabetes(return_X_y=True)
        >>> model = Regressor(16, learning_rate=0.01, epochs=50, random_state=0).fit(x, y)
        >>> model.score(x, y) > 0.5
        True
    """

    target_mean_: Array
    target_scale_: Array

    def __init__(
        self,
        network: Any = (100,),
        *,
        activation: Any = "relu",
        loss: Any = "squared_error",
        optimizer: Any = "adam",
        learning_rate: Any = None,
        epochs: int = 100,
        batch_size: Any = "auto",
        scale_targets: bool = True,
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
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.scale_targets = scale_targets
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
            y: (n,) or (n, targets): numbers.
            sample_weight: (n,): 0 or more, as for `Classifier.fit`.
        """
        return self._learn(X, y, sample_weight, not self._goes_on(), None)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One pass over these samples, from where the last one ended; nothing is held out.

        Targets are scaled as at the first call.

        Args:
            X: as for `fit`.
            y: as for `fit`.
            sample_weight: as for `fit`.
        """
        return self._learn(X, y, sample_weight, not hasattr(self, "_learner"), 1)

    def _learn(self, X: Any, y: Any, sample_weight: Any, fresh: bool, passes: int | None) -> Self:
        x, targets = self._arrays(X, y, fresh, multi_output=True, y_numeric=True)
        w = self._weights(sample_weight, x)
        t = np.asarray(targets, np.float64)
        columns = t.reshape(len(t), -1)
        if fresh:
            self._begin()
            self._flat = t.ndim == 1
            self._learn_scale(columns, w)
        elif columns.shape[1] != len(self.target_mean_):
            raise ShapeError(
                f"{self._who}: y has {columns.shape[1]} targets, and had {len(self.target_mean_)} "
                "at the first fit"
            )
        return self._fit(x, (columns - self.target_mean_) / self.target_scale_, w, fresh, passes)

    def _learn_scale(self, y: Array, w: Array) -> None:
        """Mean and deviation of each column, weighted."""
        count = y.shape[1]
        self.target_mean_, self.target_scale_ = np.zeros(count), np.ones(count)
        if self.scale_targets and w.any():
            self.target_mean_ = np.average(y, axis=0, weights=w)
            deviation = np.sqrt(np.average((y - self.target_mean_) ** 2, axis=0, weights=w))
            self.target_scale_ = np.where(deviation > 0, deviation, 1.0)

    def _losses(self) -> Losses:
        if isinstance(self.loss, str) and self.loss not in LOSSES:
            raise RangeError(
                f"{self._who}: loss should be one of {', '.join(LOSSES)}, or a function, got "
                f"{self.loss!r}"
            )
        return ErrorOf(self.loss)

    def _outputs(self) -> int:
        return len(self.target_mean_)

    # -- prediction --------------------------------------------------------------------------

    def predict(self, X: Any) -> Array:
        """(n,) or (n, targets), as y was."""
        scaled = self._predicted(X)
        y = scaled * self.target_scale_ + self.target_mean_
        return y[:, 0] if self._flat else y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class ErrorOf:
    """The mean loss of the targets of each sample.

    Args:
        loss: a name of `LOSSES`, or a function.
    """

    def __init__(self, loss: Any):
        self.loss = loss

    def __call__(self, y: Variable, t: Any) -> Variable:
        """(n, targets) twice to (n,)"""
        if isinstance(self.loss, str):
            each = LOSSES[self.loss](y, t, reduction="none")
        else:
            each = self.loss(y, t)
        if not isinstance(each, Variable) or each.shape not in (y.shape, y.shape[:1]):
            got = f"shape {each.shape}" if isinstance(each, Variable) else type(each).__name__
            raise ShapeError(
                f"Regressor: loss should give a Variable with one number for each element, "
                f"{y.shape}, or each sample, {y.shape[:1]}, got {got}"
            )
        return F.mean(each, axis=1) if each.ndim == 2 else each

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ErrorOf) and self.loss == other.loss

    def __hash__(self) -> int:
        return hash(self.loss)
