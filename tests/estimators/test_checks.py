"""scikit-learn's own checks of an estimator, all of them, on estimators as they come."""

from __future__ import annotations

from typing import Any
from unittest import SkipTest

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks

from lamina.sklearn import Classifier, Regressor

EXPECTED_FAILURES: dict[str, str] = {}

marked = parametrize_with_checks(
    [Classifier(), Regressor()], expected_failed_checks=lambda estimator: EXPECTED_FAILURES
).mark
# a list: up to scikit-learn 1.8 it is a generator, and pytest 9 warns of those
NAMES, CHECKS = marked.args[0], list(marked.args[1])


@pytest.mark.parametrize(NAMES, CHECKS, **marked.kwargs)
def test_an_estimator_passes_a_check_of_scikit_learn(estimator: Any, check: Any):
    try:
        check(estimator)
    except SkipTest as reason:
        if "pandas is not installed" in str(reason):
            raise
        pytest.fail(f"the check was left out: {reason}")


def test_there_are_many_checks_and_none_is_expected_to_fail():
    assert len(CHECKS) > 100
    assert EXPECTED_FAILURES == {}
