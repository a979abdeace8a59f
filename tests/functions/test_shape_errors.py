"""Shape, joining and arranging: what does not fit is named; views are views."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable
from lamina.errors import DTypeError, InPlaceError, RangeError, ShapeError


def zeros(*shape):
    return Variable(np.zeros(shape))


WRONG = {
    "reshape size": (
        lambda: F.reshape(zeros(2, 3), 4, 2),
        ShapeError,
        r"reshape: \(2, 3\) holds 6 elements, which do not fit into \(4, 2\)",
    ),
    "reshape rest": (
        lambda: zeros(2, 3).reshape(4, -1),
        ShapeError,
        r"reshape: \(2, 3\) holds 6 elements, which do not fit into \(4, -1\)",
    ),
    "reshape two rests": (
        lambda: zeros(2, 3).reshape(-1, -1),
        ShapeError,
        r"do not fit into \(-1, -1\); only one length may be -1",
    ),
    "reshape rest of nothing": (
        lambda: zeros(0, 3).reshape(0, -1),
        ShapeError,
        r"reshape: \(0, 3\) holds 0 elements, which do not fit into \(0, -1\)",
    ),
    "reshape negative": (
        lambda: zeros(2, 3).reshape(-2, -3),
        ShapeError,
        r"do not fit into \(-2, -3\)",
    ),
    "reshape fraction": (
        lambda: zeros(2, 3).reshape(1.5, 4),
        DTypeError,
        r"reshape: a length should be an integer, got 1\.5",
    ),
    "transpose too few": (
        lambda: F.transpose(zeros(2, 3, 5), 1, 0),
        ShapeError,
        r"transpose: shape \(2, 3, 5\) has 3 axes, got 2: \(1, 0\)",
    ),
    "transpose twice": (
        lambda: F.transpose(zeros(2, 3), (1, -1)),
        RangeError,
        r"transpose: axes \(1, -1\) name one axis twice",
    ),
    "transpose axis": (
        lambda: zeros(2, 3).transpose(0, 2),
        RangeError,
        "transpose: axis 2 is outside an array of 2 axes",
    ),
    "swapaxes": (
        lambda: zeros(4).swapaxes(0, 1),
        RangeError,
        "swapaxes: axis 1 is outside an array of 1 axis$",
    ),
    "moveaxis counts": (
        lambda: F.moveaxis(zeros(2, 3, 5), (0, 1), 2),
        ShapeError,
        r"moveaxis: 2 axes \(0, 1\) need as many places, got \(2,\)",
    ),
    "squeeze": (
        lambda: F.squeeze(zeros(1, 3), 1),
        ShapeError,
        r"squeeze: axis 1 of \(1, 3\) has length 3, not 1",
    ),
    "expand_dims": (
        lambda: F.expand_dims(zeros(2), 2),
        RangeError,
        "expand_dims: axis 2 is outside an array of 2 axes",
    ),
    "expand_dims twice": (
        lambda: F.expand_dims(zeros(2), (0, -3)),
        RangeError,
        r"expand_dims: axes \(0, -3\) name one axis twice",
    ),
    "broadcast_to": (
        lambda: F.broadcast_to(zeros(2, 3), (3, 2)),
        ShapeError,
        r"broadcast_to: \(2, 3\) does not broadcast to \(3, 2\); counted from the last axis",
    ),
    "broadcast_to fewer axes": (
        lambda: F.broadcast_to(zeros(1, 3), (3,)),
        ShapeError,
        r"broadcast_to: \(1, 3\) does not broadcast to \(3,\)",
    ),
    "flatten": (
        lambda: F.flatten(zeros(2, 3), start=2),
        RangeError,
        "flatten: axis 2 is outside an array of 2 axes",
    ),
    "concatenate shapes": (
        lambda: F.concatenate([zeros(2, 3), zeros(2, 4)]),
        ShapeError,
        r"concatenate: shapes should be equal except along axis 0, got \(2, 3\), \(2, 4\)",
    ),
    "concatenate ranks": (
        lambda: F.concatenate([zeros(2, 3), zeros(3)]),
        ShapeError,
        r"concatenate: .* got \(2, 3\), \(3,\)",
    ),
    "concatenate numbers": (
        lambda: F.concatenate([zeros(), zeros()]),
        RangeError,
        "concatenate: axis 0 is outside an array of 0 axes",
    ),
    "concatenate nothing": (
        lambda: F.concatenate([]),
        ShapeError,
        "concatenate: needs one array or more, got none",
    ),
    "stack shapes": (
        lambda: F.stack([zeros(2), zeros(3)]),
        ShapeError,
        r"stack: shapes should be equal, got \(2,\), \(3,\)",
    ),
    "stack axis": (
        lambda: F.stack([zeros(2)], axis=2),
        RangeError,
        "stack: axis 2 is outside an array of 2 axes",
    ),
    "split uneven": (
        lambda: F.split(zeros(2, 5), 2, axis=1),
        ShapeError,
        r"split: axis 1 of \(2, 5\) has length 5, which is no 2 equal pieces; give the places",
    ),
    "split no pieces": (
        lambda: F.split(zeros(4), 0),
        ShapeError,
        "no 0 equal pieces",
    ),
    "split places": (
        lambda: F.split(zeros(4), [3, 2]),
        RangeError,
        r"split: places \(3, 2\) should rise from 0 to 4, the length of axis 0 of \(4,\)",
    ),
    "split beyond": (
        lambda: F.split(zeros(4), [5]),
        RangeError,
        r"split: places \(5,\) should rise from 0 to 4",
    ),
    "pad mode": (
        lambda: F.pad(zeros(2), 1, "mirror"),
        RangeError,
        "pad: mode should be one of constant, edge, reflect, symmetric, wrap, got 'mirror'",
    ),
    "pad width": (
        lambda: F.pad(zeros(2, 3), -1),
        RangeError,
        r"pad: widths should be 0 or more, got -1; cut with x\[a:b\]",
    ),
    "pad widths": (
        lambda: F.pad(zeros(2, 3), ((1, 1), (2, 2), (3, 3))),
        ShapeError,
        r"pad: width should be .* 2 such pairs for \(2, 3\), got \(\(1, 1\), \(2, 2\), \(3, 3\)\)",
    ),
    "pad fraction": (
        lambda: F.pad(zeros(2, 3), 0.5),
        DTypeError,
        r"pad: width should be an integer, got 0\.5",
    ),
    "pad nothing": (
        lambda: F.pad(zeros(2, 0), 1, "edge"),
        ShapeError,
        r"pad: axis 1 of \(2, 0\) is empty, 'edge' has no source",
    ),
    "flip": (
        lambda: F.flip(zeros(2), 1),
        RangeError,
        "flip: axis 1 is outside an array of 1 axis$",
    ),
    "roll": (
        lambda: F.roll(zeros(2, 3), (1, 2, 3), (0, 1)),
        ShapeError,
        r"roll: 2 axes need as many shifts, got \(1, 2, 3\)",
    ),
    "repeat count": (
        lambda: F.repeat(zeros(2, 3), (1, 2), axis=1),
        ShapeError,
        r"repeat: axis 1 of \(2, 3\) needs 3 repeats, got 2",
    ),
    "repeat negative": (
        lambda: F.repeat(zeros(2), -1),
        RangeError,
        "repeat: repeats should be 0 or more, got -1",
    ),
    "tile": (
        lambda: F.tile(zeros(2), (2, -1)),
        RangeError,
        r"tile: repeats should be 0 or more, got \(2, -1\)",
    ),
    "tril": (
        lambda: F.tril(zeros(3)),
        ShapeError,
        r"tril: x should be \(\.\.\., m, n\), got \(3,\)",
    ),
    "diag": (
        lambda: F.diag(zeros(2, 3, 5)),
        ShapeError,
        r"diag: x should be \(n,\) or \(m, n\), got \(2, 3, 5\)",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name):
    make, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        make()


VIEWS = {
    "reshape": lambda x: x.reshape(3, 2),
    "transpose": lambda x: x.transpose(),
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "squeeze": lambda x: x.squeeze(),
    "expand_dims": lambda x: F.expand_dims(x, 1),
    "broadcast_to": lambda x: F.broadcast_to(x, (4, 2, 3)),
    "ravel": F.ravel,
    "flatten": lambda x: x.flatten(),
    "split": lambda x: F.split(x, 3, axis=1)[1],
    "flip": F.flip,
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_shares_memory(name):
    x = Variable(np.zeros((2, 3)))
    assert np.shares_memory(VIEWS[name](x).data, x.data)


@pytest.mark.parametrize("name", VIEWS)
def test_a_change_of_the_source_is_a_change_of_its_view(name):
    x = Variable(np.ones((2, 3)))
    y = VIEWS[name](x)
    z = y * y
    x.data += 1
    with pytest.raises(InPlaceError, match="Mul"):
        z.sum().backward()


def test_reshape_keeps_nothing_of_its_input():
    x = Variable(np.ones((2, 3)))
    y = x.reshape(3, 2).sum()
    x.data += 1  # the gradient does not depend on it
    y.backward()
    assert x.grad.shape == (2, 3)


def test_mt_transposes_matrices_of_a_stack():
    x = np.arange(24).reshape(2, 3, 4)
    assert np.array_equal(Variable(x).mT.data, x.swapaxes(1, 2))


def test_lengths_may_be_numpys_integers_and_lists():
    assert F.reshape(zeros(2, 3), [np.int64(3), np.int8(2)]).shape == (3, 2)


def test_split_gives_zeros_to_pieces_that_are_not_used():
    x = Variable(np.ones(6))
    _, middle, _ = F.split(x, 3)
    (middle * 5.0).sum().backward()
    assert x.grad.data.tolist() == [0, 0, 5, 5, 0, 0]


def test_concatenate_gives_each_its_own_dtype_back():
    a, b = Variable(np.ones(2, np.float32)), Variable(np.ones(3))
    F.concatenate([a, b]).sum().backward()
    assert (a.grad.dtype, b.grad.dtype) == (np.float32, np.float64)


def test_an_infinity_outside_a_triangle_leaves_no_nan():
    x = Variable(np.full((2, 2), np.inf))
    y = F.tril(x)
    y.sum().backward()
    assert y.data[0, 1] == 0


def test_padding_adds_to_the_elements_that_it_repeats():
    x = Variable(np.array([1.0, 2.0, 3.0]))
    F.pad(x, (2, 1), "edge").sum().backward()
    assert x.grad.data.tolist() == [3, 1, 2]
