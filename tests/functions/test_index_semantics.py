"""Indexing: what NumPy does, what is a view, and what the operators are as values."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable
from lamina.check import gradient
from lamina.errors import DTypeError, InPlaceError, RangeError, ShapeError, TraceError
from lamina.functions.index import Gather, GetItem, PutItem
from lamina.listen import Program


def test_a_repeated_index_gets_all_its_gradients():
    x = Variable(np.zeros(3))
    (x[[1, 1, 2, 1]] * np.array([1.0, 10.0, 100.0, 1000.0])).sum().backward()
    assert x.grad.data.tolist() == [0, 1011, 100]


def test_wide_rows_add_up_in_float32_as_they_come():
    rows, places = np.ones((5, 256), np.float32), np.array([2, 0, 2, 2, -1])
    y = F.scatter_add(rows, places, (3, 256))
    assert y.data[:, 7].tolist() == [1, 0, 4]


def test_indexing_has_derivatives_of_third_order():
    gradient(lambda x: x[[0, 0, 2]] ** 4, np.array([0.5, 1.5, -1.0]), order=3)


def test_t83_a_variable_is_an_index():
    x, i = Variable(np.arange(12.0).reshape(3, 4)), Variable(np.array([2, 0]))
    assert x[i, Variable(1)].data.tolist() == [9, 1]


def test_an_index_gets_no_gradient():
    i = Variable(np.array([2, 0]))
    y = Variable(np.arange(3.0))[i].sum()
    y.backward()
    assert i.grad is None


def test_variables_bound_slices():
    x, n = Variable(np.arange(5.0)), Variable(np.array(2))
    assert x[n:].shape == (3,)


def test_a_mask_of_a_variable_chooses():
    x = Variable(np.array([1.0, -2.0, 3.0]))
    y = x[x > 0]
    y.sum().backward()
    assert (y.data.tolist(), x.grad.data.tolist()) == ([1, 3], [1, 0, 1])


@pytest.mark.parametrize("index", [True, np.False_, (True, 0), (..., True)])
def test_single_bools_are_masks_and_not_numbers(index):
    x = np.arange(12.0).reshape(3, 4)
    assert np.array_equal(Variable(x)[index].data, x[index])


@pytest.mark.parametrize("index", [0, (1, slice(None)), slice(0, 2), None, ..., (slice(2), None)])
def test_basic_indexing_is_a_view(index):
    x = Variable(np.zeros((3, 4)))
    assert np.shares_memory(x[index].data, x.data)


@pytest.mark.parametrize("index", [[0], (1, [2]), np.array([True, False, True])])
def test_indexing_with_arrays_is_a_copy(index):
    x = Variable(np.zeros((3, 4)))
    assert not np.shares_memory(x[index].data, x.data)


def test_a_change_of_the_source_is_a_change_of_its_slice():
    x = Variable(np.ones(4))
    y = x[1:] ** 3
    x.data += 1
    with pytest.raises(InPlaceError, match="data that"):
        y.sum().backward()


def test_a_change_of_the_source_does_not_reach_a_copy():
    x = Variable(np.ones(4))
    y = x[[1, 2]]
    z = y * y
    x.data += 1
    z.sum().backward()
    assert x.grad.data.tolist() == [0, 2, 2, 0]


def test_a_variable_is_iterated_by_its_first_axis():
    _, b = Variable(np.arange(6.0).reshape(2, 3))
    assert b.data.tolist() == [3, 4, 5]


@pytest.mark.parametrize("index", [3, (0, 4), [3], (slice(None), [-5])])
def test_places_outside_are_index_errors(index):
    with pytest.raises(IndexError, match="out of bounds"):
        Variable(np.zeros((3, 4)))[index]


def test_too_many_indices_are_index_errors():
    with pytest.raises(IndexError, match="too many indices"):
        Variable(np.zeros((3, 4)))[0, 0, 0]


@pytest.mark.parametrize("index", [[0.5], np.zeros(2), Variable(np.ones(1))])
def test_numbers_with_a_fraction_are_no_index(index):
    with pytest.raises(DTypeError, match="index: arrays should hold integers or bools, got float"):
        Variable(np.zeros(3))[index]


def test_a_name_is_no_index():
    with pytest.raises(DTypeError, match="index: arrays should hold integers or bools, got <U"):
        Variable(np.zeros(3))["array"]


def test_operators_with_equal_slices_are_equal():
    a, b = GetItem((slice(1, None), 0), (3, 4)), GetItem((slice(1, None), 0), (3, 4))
    assert a == b
    assert hash(a) == hash(b)


@pytest.mark.parametrize(
    "other",
    [
        GetItem((slice(2, None), 0), (3, 4)),
        GetItem((slice(1, None), 0), (5, 4)),
        PutItem((slice(1, None), 0), (3, 4)),
    ],
)
def test_operators_that_differ_are_not_equal(other):
    assert GetItem((slice(1, None), 0), (3, 4)) != other


def test_padding_with_another_number_is_another_operator():
    assert PutItem((slice(1, 3),), (4,), 0.0) != PutItem((slice(1, 3),), (4,), 1.0)


def test_the_operator_says_what_it_does():
    index = (slice(0, 2), 1)
    assert repr(GetItem(index, (3, 4))) == "GetItem(index=(slice(0, 2, None), 1), shape=(3, 4))"


def test_index_arrays_are_no_part_of_the_operator():
    x = Variable(np.zeros((3, 4)))
    one, other = x[[0, 1]], x[[2, 2]]
    assert one._edge.function == other._edge.function


@pytest.mark.parametrize("index", [[0, 1], slice(0, 2)])
def test_scatter_add_names_what_does_not_fit(index):
    message = r"scatter_add: x of shape \(3,\) does not fit the chosen places of \(4,\): "
    with pytest.raises(ShapeError, match=message):
        F.scatter_add(np.ones(3), index, (4,))


def test_scatter_add_repeats_what_broadcasts():
    x = Variable(np.ones((1, 200)))
    y = F.scatter_add(x, [0, 0, 2], (3, 200))
    y.sum().backward()
    assert (y.data[:, 5].tolist(), x.grad.data[0, 5]) == ([2, 0, 1], 3)


def test_take_needs_integers():
    with pytest.raises(DTypeError, match="take: indices should be integers, got bool"):
        F.take(np.zeros(3), [True, False, True])


def test_take_names_a_wrong_axis():
    with pytest.raises(RangeError, match="take: axis 2 is outside an array of 2 axes"):
        F.take(np.zeros((3, 4)), [0], axis=2)


def test_take_of_no_places_takes_nothing():
    assert F.take(np.zeros((3, 4)), []).shape == (0,)


def test_take_along_axis_names_different_ranks():
    message = r"take_along_axis: x and indices should have as many axes, got \(3, 4\) and \(3,\)"
    with pytest.raises(ShapeError, match=message):
        F.take_along_axis(np.zeros((3, 4)), [0, 1, 2], axis=1)


def test_take_along_axis_follows_an_argsort(rng):
    x = rng.standard_normal((3, 4, 5))
    y = F.take_along_axis(x, np.argsort(x, axis=1), axis=1)
    assert np.array_equal(y.data, np.sort(x, axis=1))


def test_one_hot_has_the_current_dtype():
    assert F.one_hot([1], 2).dtype == np.float32


def test_one_hot_checks_its_labels():
    message = r"one_hot: label 3 at \(1, 0\) is outside 0\.\.2 \(3 classes\); labels count from 0"
    with pytest.raises(RangeError, match=message):
        F.one_hot([[0, 2], [3, 5]], 3)


def test_one_hot_needs_integers():
    message = r"one_hot: labels should be integers, got float64; convert them with astype\(int\)"
    with pytest.raises(DTypeError, match=message):
        F.one_hot([0.0, 1.0], 3)


def test_one_hot_needs_a_count():
    with pytest.raises(RangeError, match="one_hot: classes should be 0 or more, got -1"):
        F.one_hot([], -1)


def heard(x, index):
    """The shape of ``x[index]``, without numbers; and with them."""
    value = Variable(Program().input(x.shape, x.dtype))
    return value[index].shape, x[index].shape


@pytest.mark.parametrize(
    "index",
    [
        np.array([2, 0]),
        (0, slice(None), np.array([[1], [0]])),
        (np.array([0]), None, ..., np.array([1, 1, 0])),
        (..., np.array([0, 1]), slice(0, 1)),
        np.array([True, False, True]),
        (slice(1, 1), np.array([0])),
    ],
)
def test_shapes_are_known_without_numbers(index):
    x = np.zeros((3, 4, 5))
    without, with_numbers = heard(x, index)
    assert without == with_numbers


def test_an_array_is_indexed_by_labels_that_are_not_there_yet():
    program = Program()
    labels = program.input((7,), np.int64)
    y = Variable(np.zeros((3, 4)))[labels]
    assert y.shape == (7, 4)


def test_how_many_a_mask_chooses_is_not_known_without_numbers():
    x = Variable(Program().input((3,), np.float64))
    with pytest.raises(TraceError, match=r"use F\.where\(mask, x, 0\)"):
        x[x > 0]


def test_gather_is_hashable_with_slices():
    assert len({Gather((slice(1), "array"), (3, 4)), Gather((slice(1), "array"), (3, 4))}) == 1


@pytest.mark.parametrize("shape", [(4,), (1, 4), (3, 1), (1,), ()])
def test_values_that_broadcast_are_added_and_no_foreign_memory(shape):
    places = np.arange(12).reshape(3, 4) % 5
    x = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    expected = np.zeros(8)
    for place, value in zip(places.ravel(), np.broadcast_to(x, (3, 4)).ravel()):
        expected[place] += value
    np.testing.assert_array_equal(F.scatter_add(x, places, (8,)).data, expected)
