"""ArrayDataset and collate: batches of rows, and of items of any structure."""

from __future__ import annotations

import numpy as np
import pytest

from lamina import using
from lamina.data import ArrayDataset, Dataset, collate
from lamina.errors import DTypeError, ShapeError


def test_a_row_of_several_arrays_is_a_tuple():
    x, t = ArrayDataset(np.eye(3), [7, 8, 9])[1]
    assert (x.tolist(), int(t)) == ([0, 1, 0], 8)


def test_a_row_of_one_array_is_a_row():
    assert ArrayDataset(np.eye(3))[1].tolist() == [0, 1, 0]


def test_a_batch_has_the_rows_asked_for_in_that_order():
    x, t = ArrayDataset(np.eye(3), [7, 8, 9]).batch(np.array([2, 0]))
    assert (x.tolist(), t.tolist()) == ([[0, 0, 1], [1, 0, 0]], [9, 7])


def test_arrays_are_held_and_not_copied():
    x = np.zeros((4, 2))
    assert ArrayDataset(x).arrays[0] is x


def test_an_array_dataset_is_a_dataset():
    assert isinstance(ArrayDataset(np.zeros(3)), Dataset)


def test_an_array_dataset_shows_its_arrays():
    dataset = ArrayDataset(np.zeros((4, 2), np.float32), np.zeros(4, np.int64))
    assert repr(dataset) == "ArrayDataset(float32 (4, 2), int64 (4,))"


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ((), DTypeError, "needs one array or more"),
        ((np.zeros(3), np.float32(1)), ShapeError, "each array should have a first axis"),
        ((np.zeros(3), np.zeros((4, 3)), np.zeros(3)), ShapeError, "of one length, got 3, 4, 3"),
        ((np.zeros(3), None), DTypeError, "array 1 should be an array"),
        ((["a", "b"],), DTypeError, "array 0 should hold numbers"),
    ],
    ids=["none", "0-d", "lengths", "None", "text"],
)
def test_arrays_that_make_no_dataset_are_refused(arrays, error, message):
    with pytest.raises(error, match=message):
        ArrayDataset(*arrays)


# -- collate -------------------------------------------------------------------------------------


def test_arrays_are_stacked_along_a_new_first_axis():
    assert collate([np.zeros((2, 5)), np.ones((2, 5)), np.ones((2, 5))]).shape == (3, 2, 5)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float64, np.bool_])
def test_arrays_keep_their_dtype(dtype):
    assert collate([np.zeros(2, dtype), np.ones(2, dtype)]).dtype == dtype


def test_structures_are_kept():
    batch = collate([{"a": (1, np.zeros(2))}, {"a": (3, np.ones(2))}])
    assert batch["a"][0].tolist() == [1, 3]
    assert batch["a"][1].tolist() == [[0, 0], [1, 1]]


def test_python_floats_become_the_default_dtype():
    assert collate([0.5, 1]).dtype == np.float32


def test_python_floats_follow_the_dtype_that_is_set():
    with using(dtype=np.float64):
        assert collate([0.5, 1.5]).dtype == np.float64


def test_python_integers_and_bools_stay_integers_and_bools():
    assert collate([1, 2]).dtype.kind == "i"
    assert collate([True, False]).dtype == np.bool_


def test_numpy_numbers_keep_their_dtype():
    assert collate([np.float64(1), np.float64(2)]).dtype == np.float64


@pytest.mark.parametrize(
    ("items", "error", "message"),
    [
        ([np.zeros(2), np.zeros(2), np.zeros(3)], ShapeError, r"items 0 and 2 have .*\(2,\).*\(3,"),
        ([(1, 2), (1, 2, 3)], ShapeError, "should be a tuple of 2"),
        ([(1, 2), 3], ShapeError, "should be a tuple of 2"),
        ([{"a": 1}, {"b": 1}], ShapeError, r"should have the keys \['a'\]"),
        ([{"a": 1}, 1], ShapeError, r"should have the keys \['a'\]"),
        (["one", "two"], DTypeError, "an item should be an array, a number or a list"),
        ([None, None], DTypeError, "an item should be an array, a number or a list"),
    ],
    ids=["shapes", "lengths", "tuple", "keys", "dict", "text", "None"],
)
def test_items_that_make_no_batch_are_refused(items, error, message):
    with pytest.raises(error, match=message):
        collate(items)
