"""Variables and Buffers shown, copied and pickled."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from lamina import Buffer, Variable
from lamina.errors import GraphError

# -- shown ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("v", "text"),
    [
        (Variable([1.0, 2.0]), "Variable([1., 2.], float64)"),
        (Variable(np.float32(3.0)), "Variable(3., float32)"),
        (Variable([1, 2], name="t"), "Variable([1, 2], int64, name='t')"),
        (Variable(np.zeros((0, 3))), "Variable([], shape (0, 3), float64)"),
        (Buffer([1.0]), "Buffer([1.], float64)"),
        (
            Variable([[1.0, 2.0], [3.0, 4.0]]),
            "Variable([[1., 2.],\n          [3., 4.]], float64)",
        ),
    ],
)
def test_repr(v: Variable, text: str) -> None:
    assert repr(v) == text


def test_repr_of_a_large_one_is_short_and_names_its_shape() -> None:
    text = repr(Variable(np.zeros((100, 200))))
    assert "shape (100, 200)" in text
    assert len(text) < 700


def test_html_shows_name_shape_range_and_escapes() -> None:
    text = Variable([1.0, 2.5], name="<W>")._repr_html_()
    assert "&lt;W&gt;" in text
    assert "(2,)" in text
    assert "1 … 2.5" in text
    assert "<W>" not in text


def test_html_of_an_empty_one_has_no_range() -> None:
    assert "range" not in Variable(np.zeros((0, 3)))._repr_html_()


# -- copies --------------------------------------------------------------------------------------


def trained() -> Variable:
    x = Variable([1.0, 2.0], name="x")
    (x * x).sum().backward()
    return x


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copy_keeps_data_gradient_name_and_flag(how) -> None:
    y = how(trained())
    assert (y.data.tolist(), y.grad.data.tolist(), y.name, y.requires_grad) == (
        [1.0, 2.0],
        [2.0, 4.0],
        "x",
        True,
    )


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_in_every_protocol(protocol: int) -> None:
    assert pickle.loads(pickle.dumps(trained(), protocol)).grad.data.tolist() == [2.0, 4.0]


def test_copy_shares_memory_and_deepcopy_does_not() -> None:
    x = trained()
    assert np.shares_memory(copy.copy(x).data, x.data)
    assert not np.shares_memory(copy.deepcopy(x).data, x.data)
    assert not np.shares_memory(copy.deepcopy(x).grad.data, x.grad.data)


def test_deepcopy_of_one_variable_in_two_places_is_one_variable() -> None:
    x = trained()
    a, b = copy.deepcopy([x, x])
    assert a is b


def test_copy_of_a_result_is_a_leaf() -> None:
    x = Variable([1.0, 2.0])
    y = copy.deepcopy(x * 2.0)
    assert (y.is_leaf, y.requires_grad, y.data.tolist()) == (True, True, [2.0, 4.0])


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copy_of_a_buffer_is_a_buffer(how) -> None:
    assert type(how(Buffer([1.0]))) is Buffer


def test_copy_goes_backward_by_itself() -> None:
    x = Variable([1.0, 2.0])
    y = copy.deepcopy(x)
    (y * y).sum().backward()
    assert (x.grad, y.grad.data.tolist()) == (None, [2.0, 4.0])


# -- buffers -------------------------------------------------------------------------------------


def test_buffer_requires_no_gradient() -> None:
    b = Buffer([1.0])
    assert (b.requires_grad, (b * 2.0).requires_grad) == (False, False)


def test_buffer_cannot_be_trained() -> None:
    with pytest.raises(GraphError, match="a Buffer is never trained; use a Parameter"):
        Buffer([1.0]).requires_grad = True
