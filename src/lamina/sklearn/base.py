"""What Classifier and Regressor share: their words, checked, and the way from X and y to a fit."""

from __future__ import annotations

from math import ceil
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..arrays import Array
from ..errors import DTypeError, RangeError, ShapeError
from ..layers import Layer
from .learner import Data, Learner, Losses, Schedule
from .plan import Plan

BATCH = 64  # of batch_size="auto", if there are so many samples


class Estimator(BaseEstimator):
    """The common part; its words are documented where they are given."""

    network: Any
    activation: Any
    optimizer: Any
    learning_rate: Any
    epochs: Any
    batch_size: Any
    early_stopping: Any
    validation_fraction: Any
    patience: Any
    tol: Any
    dtype: Any
    compile: Any
    warm_start: Any
    random_state: Any
    verbose: Any
    loss_curve_: list[float]
    validation_curve_: list[float]
    n_iter_: int
    n_features_in_: int
    _learner: Learner

    @property
    def network_(self) -> Layer:
        """The network that was trained."""
        check_is_fitted(self)
        return self._learner.network

    # -- what the subclass says --------------------------------------------------------------

    def _losses(self) -> Losses:
        """One loss for each sample, from predictions and targets."""
        raise NotImplementedError

    def _outputs(self) -> int:
        """Columns of what the network gives."""
        raise NotImplementedError

    def _strata(self, t: Array, held_out: int) -> Array | None:
        """What should be spread evenly over both parts of a split; None if that cannot be."""
        return None

    # -- training ----------------------------------------------------------------------------

    def _fit(self, x: Any, t: Array, w: Array, fresh: bool, passes: int | None) -> Self:
        """Train on checked data; ``passes`` is 1 for `partial_fit`, None for `fit`."""
        schedule = self._schedule(x.shape[0], passes)
        used = np.flatnonzero(w)
        if not used.size:
            raise RangeError(f"{self._who}: every sample weight is zero: there is nothing to learn")
        if used.size < len(w):  # as if the others were not there
            x, t, w = x[used], t[used], w[used]
        if fresh:
            self._learner = self._new_learner(x)
            self.n_iter_, self.loss_curve_, self.validation_curve_ = 0, [], []
        data, held_out = Data(x, t, w), None
        if self.early_stopping and passes is None:
            data, held_out = self._split(data)
        dtype = self._learner.dtype
        for part in (data, held_out):
            if part is not None:
                part.w = (part.w / part.w.mean()).astype(dtype)
                part.t = part.t if part.t.dtype.kind == "i" else part.t.astype(dtype)
        history = self._learner.train(data, self._losses(), schedule, held_out)
        self.n_iter_ += len(history.train)
        self.loss_curve_ = [*self.loss_curve_, *history.train]
        self.validation_curve_ = [*self.validation_curve_, *history.held_out]
        return self

    def _new_learner(self, x: Any) -> Learner:
        plan = Plan(
            who=self._who,
            network=self.network,
            activation=self.activation,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            features=x.shape[1],
            outputs=self._outputs(),
            dtype=x.dtype,
        )
        source: Any = check_random_state(self.random_state)
        return Learner(plan, int(source.randint(np.iinfo(np.int32).max)))

    def _split(self, data: Data) -> tuple[Data, Data]:
        rows = np.arange(len(data))
        count = ceil(self.validation_fraction * len(data))
        if count >= len(data):
            raise RangeError(
                f"{self._who}: of {len(data)} samples {count} would be held out, and none is left "
                "to learn from; set early_stopping=False"
            )
        train, held_out = train_test_split(
            rows,
            test_size=count,
            random_state=self._learner.seed,
            stratify=self._strata(data.t, count),
        )
        return (
            Data(data.x[train], data.t[train], data.w[train]),
            Data(data.x[held_out], data.t[held_out], data.w[held_out]),
        )

    # -- what comes in -----------------------------------------------------------------------

    def _arrays(self, x: Any, y: Any, fresh: bool, **options: Any) -> tuple[Any, Array]:
        """X and y as scikit-learn checks them."""
        checked: Any = validate_data(
            self, x, y, reset=fresh, accept_sparse="csr", dtype=self._dtypes(), **options
        )
        return checked

    def _predicted(self, x: Any) -> Array:
        """What the network gives for X: (n, outputs)."""
        check_is_fitted(self)
        checked: Any = validate_data(
            self, x, reset=False, accept_sparse="csr", dtype=self._dtypes()
        )
        return self._learner.predict(checked)

    def _dtypes(self) -> Any:
        if self.dtype is None:
            return [np.float64, np.float32]
        try:
            dtype = np.dtype(self.dtype)
        except TypeError:
            dtype = None
        if dtype not in (np.float64, np.float32):
            raise DTypeError(
                f"{self._who}: dtype should be 'float32', 'float64' or None, got {self.dtype!r}"
            )
        return dtype

    def _weights(self, given: Any, x: Any) -> Array:
        """Sample weights: (n,), float64, 0 or more."""
        count = x.shape[0]
        if given is None:
            return np.ones(count)
        w = np.asarray(given, np.float64)
        if w.shape not in ((), (count,)):
            raise ShapeError(
                f"{self._who}: sample_weight should have shape ({count},), one number a sample, "
                f"got {w.shape}"
            )
        if not np.isfinite(w).all() or (w < 0).any():
            raise RangeError(
                f"{self._who}: sample_weight should be finite and 0 or more, got "
                f"{w[~np.isfinite(w) | (w < 0)].flat[0]}"
            )
        return np.broadcast_to(w, (count,))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_learner")

    # -- the words ---------------------------------------------------------------------------

    @property
    def _who(self) -> str:
        return type(self).__name__

    def _schedule(self, count: int, passes: int | None) -> Schedule:
        epochs = self._integer("epochs", 1)
        size = self.batch_size
        size = min(BATCH, count) if size == "auto" else self._integer("batch_size", 1)
        fraction = self.validation_fraction
        if not isinstance(fraction, Real) or not 0 < float(fraction) < 1:
            raise RangeError(
                f"{self._who}: validation_fraction should be between 0 and 1, got {fraction!r}"
            )
        if not isinstance(self.tol, Real) or float(self.tol) < 0:
            raise RangeError(f"{self._who}: tol should be a number of 0 or more, got {self.tol!r}")
        if self.compile not in ("auto", True, False):
            raise RangeError(
                f"{self._who}: compile should be 'auto', True or False, got {self.compile!r}"
            )
        return Schedule(
            epochs if passes is None else passes,
            size,
            self._integer("patience", 1),
            float(self.tol),
            self.compile,
            bool(self.verbose),
        )

    def _integer(self, name: str, low: int) -> int:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, Integral) or value < low:
            also = " or 'auto'" if name == "batch_size" else ""
            raise RangeError(
                f"{self._who}: {name} should be an integer of {low} or more{also}, got {value!r}"
            )
        return int(value)

    def _begin(self) -> None:
        """Forget the last fit: should this one fail, half of it would be old."""
        vars(self).pop("_learner", None)

    def _goes_on(self) -> bool:
        """Whether a fit starts where the last one ended."""
        return bool(self.warm_start) and hasattr(self, "_learner")

    def __sklearn_tags__(self) -> Any:
        tags: Any = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
