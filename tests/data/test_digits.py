"""digits: real data, one fixed split, and a clear word where scikit-learn is missing."""

from __future__ import annotations

import hashlib
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from lamina.data import Loader, digits
from lamina.errors import DependencyError, DTypeError, LaminaError


@pytest.mark.parametrize(("train", "n"), [(True, 1437), (False, 360), (None, 1797)])
def test_the_parts_have_their_sizes_and_dtypes(train, n):
    x, t = digits(train)
    assert (x.shape, x.dtype) == ((n, 64), np.float32)
    assert (t.shape, t.dtype) == ((n,), np.int64)


def test_ink_is_between_0_and_1_in_sixteenths():
    x, _ = digits(None)
    assert set(np.unique(x * 16)) == set(range(17))


def test_all_digits_are_those_of_the_source_in_its_order():
    x, t = digits(None)
    source = load_digits()
    assert np.array_equal(x * 16, source.data)
    assert np.array_equal(t, source.target)


def test_the_two_parts_are_all_digits_and_share_none():
    def rows(train):
        return [row.tobytes() for row in np.column_stack(digits(train))]

    assert sorted(rows(True) + rows(False)) == sorted(rows(None))


def test_labels_belong_to_their_images():
    known = {ink.tobytes(): label for ink, label in zip(*digits(None))}
    x, t = digits(False)
    assert [known[ink.tobytes()] for ink in x] == t.tolist()


@pytest.mark.parametrize("train", [True, False])
def test_every_digit_is_in_both_parts_in_fair_numbers(train):
    counts = np.bincount(digits(train)[1]) / len(digits(train)[1])
    # Tenths, off by five standard deviations of a draw of 360 at most: 5 * sqrt(0.09 / 360)
    assert np.abs(counts - 0.1).max() < 0.08


def test_the_split_is_fixed_for_ever():
    digest = hashlib.sha256(digits(False)[0].astype("<f4").tobytes()).hexdigest()
    assert digest[:16] == "ddde9128f080c48a"


def test_images_are_the_same_numbers_in_two_axes():
    flat, _ = digits(False)
    x, _ = digits(False, images=True)
    assert x.shape == (360, 1, 8, 8)
    assert np.array_equal(x.reshape(360, 64), flat)


def test_each_call_gives_fresh_arrays():
    digits(None)[0][:] = -1
    assert digits(None)[0].min() == 0


def test_digits_go_straight_into_a_loader():
    x, t = next(iter(Loader(digits(), 32)))
    assert (x.shape, t.shape) == ((32, 64), (32,))


@pytest.mark.parametrize("train", ["test", 1, 0])
def test_an_unknown_part_is_refused(train):
    with pytest.raises(DTypeError, match="train should be True, False or None"):
        digits(train)


def test_without_scikit_learn_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(DependencyError, match=r"pip install 'lamina\[demo\]'"):
        digits()


def test_a_missing_package_is_an_import_error_too():
    assert issubclass(DependencyError, ImportError)
    assert issubclass(DependencyError, LaminaError)
