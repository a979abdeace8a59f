"""scikit-learn's own checks of an estimator, all of them, on estimators as they come."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks

from lamina.sklearn import Classifier, Regressor

EXPECTED_FAILURES: dict[str, str] = {}


@parametrize_with_checks(
    [Classifier(), Regressor()], expected_failed_checks=lambda estimator: EXPECTED_FAILURES
)
def test_an_estimator_passes_a_check_of_scikit_learn(estimator: Any, check: Any):
    check(estimator)
