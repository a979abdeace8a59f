"""Long series become short ones, and nothing that stuck out is lost."""

from __future__ import annotations

import numpy as np
import pytest

from lamina.report.thin import thin


def places(n: int) -> np.ndarray:
    return np.stack([np.arange(1, n + 1), np.arange(n) / 10, np.arange(n) / 4], axis=1)


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_a_short_series_is_kept_as_it_is(n, rng):
    y = rng.normal(size=n)
    curve = thin("loss", "step", places(n), y, 100)
    assert np.array_equal(curve.mean, y)
    assert np.array_equal(curve.x, places(n))


@pytest.mark.parametrize("n", [101, 999, 12_345])
@pytest.mark.parametrize("sign", [1, -1])
def test_one_spike_among_many_is_there_wherever_it_is(n, sign):
    for at in (0, n // 3, n - 1):
        y = np.zeros(n)
        y[at] = 5 * sign
        curve = thin("loss", "step", places(n), y, 100)
        assert (curve.high.max() if sign > 0 else curve.low.min()) == 5 * sign


def test_each_bucket_has_the_smallest_the_largest_and_the_mean_of_its_values(rng):
    y = rng.normal(size=1000)
    curve = thin("loss", "step", places(1000), y, 10)
    parts = y.reshape(10, 100)
    assert np.array_equal(curve.low, parts.min(axis=1))
    assert np.array_equal(curve.high, parts.max(axis=1))
    assert np.allclose(curve.mean, parts.mean(axis=1), rtol=1e-12)  # summed in another order


def test_a_thinned_curve_begins_at_the_first_record_and_ends_at_the_last():
    curve = thin("loss", "step", places(5000), np.ones(5000), 60)
    assert curve.x[[0, -1], 0].tolist() == [1, 5000]


def test_values_that_are_not_finite_are_counted_as_places_and_not_as_values():
    y = np.array([1.0, np.nan, 3.0, np.inf])
    curve = thin("loss", "step", places(4), y, 2)
    assert curve.mean.tolist() == [1.0, 3.0]
    assert curve.broken[:, 0].tolist() == [2, 4]


def test_a_bucket_of_nan_alone_is_a_gap():
    curve = thin("loss", "step", places(4), np.array([1.0, 2.0, np.nan, np.nan]), 2)
    assert np.isnan([curve.mean[1], curve.low[1], curve.high[1]]).all()


def test_a_million_values_of_nan_leave_few_places():
    curve = thin("loss", "step", places(10**6), np.full(10**6, np.nan), 60)
    assert len(curve.broken) <= 40


def test_the_last_value_is_the_newest():
    assert thin("loss", "step", places(3), np.array([3.0, 2.0, 1.5]), 2).last == 1.5
