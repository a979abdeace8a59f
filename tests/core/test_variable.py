"""Variable as a Python object: what it holds, what may be set, how it converts."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, from_dlpack, gradients
from lamina.errors import DTypeError, GraphError, ShapeError


def test_array_is_held_and_not_copied() -> None:
    array = np.ones(3)
    assert Variable(array).data is array


def test_numbers_and_nested_lists_become_arrays() -> None:
    assert (Variable(3.0).shape, Variable([[1, 2], [3, 4]]).shape) == ((), (2, 2))


def test_floating_data_requires_a_gradient_and_integers_do_not() -> None:
    assert [Variable(x).requires_grad for x in (1.0, 1, True, 1j)] == [True, False, False, True]


def test_shape_ndim_size_dtype_device() -> None:
    x = Variable(np.ones((2, 3), np.float32))
    assert (x.shape, x.ndim, x.size, x.dtype, x.device) == ((2, 3), 2, 6, np.float32, "cpu")


@pytest.mark.parametrize(
    "data",
    [None, "text", b"bytes", {1, 2}, {"a": 1}, object()],
    ids=lambda data: type(data).__name__,
)
def test_what_is_not_made_of_numbers_is_refused(data: object) -> None:
    with pytest.raises(DTypeError, match="Variable: data should"):
        Variable(data)


def test_ragged_list_is_refused() -> None:
    with pytest.raises(DTypeError, match="Variable: data should be a rectangular array"):
        Variable([[1.0, 2.0], [3.0]])


def test_array_of_strings_is_refused() -> None:
    with pytest.raises(DTypeError, match="data should hold numbers or bools, got dtype <U1"):
        Variable(np.array(["a"]))


def test_variable_of_a_variable_is_refused() -> None:
    with pytest.raises(DTypeError, match=r"is a Variable already; use detach\(\)"):
        Variable(Variable(1.0))


def test_t83_gradient_of_integers_is_refused() -> None:
    with pytest.raises(DTypeError, match="int64 has no gradient; use a floating dtype"):
        Variable([1, 2], requires_grad=True)


def test_t83_backward_from_integers_is_refused() -> None:
    with pytest.raises(GraphError, match="requires no gradient"):
        (Variable([3]) * Variable([2])).backward()


def test_requires_grad_of_a_result_cannot_be_set() -> None:
    with pytest.raises(GraphError, match=r"result of an operator follows its inputs; detach\(\)"):
        (Variable(1.0) * 2.0).requires_grad = False


# -- data ----------------------------------------------------------------------------------------


def test_data_may_be_replaced_by_another_array() -> None:
    x = Variable([1.0, 2.0])
    x.data = [3.0, 4.0, 5.0]
    assert (x.data.tolist(), x.shape) == ([3.0, 4.0, 5.0], (3,))


def test_data_in_place_keeps_the_array() -> None:
    x = Variable([1.0, 2.0])
    array = x.data
    x.data -= 1.0
    assert x.data is array


def test_new_data_of_another_shape_drops_the_gradient() -> None:
    x = Variable([1.0, 2.0])
    (x * x).sum().backward()
    x.data = np.ones(3)
    assert x.grad is None


def test_new_data_of_one_shape_keeps_the_gradient() -> None:
    x = Variable([1.0, 2.0])
    (x * x).sum().backward()
    x.data = np.ones(2)
    assert x.grad.data.tolist() == [2.0, 4.0]


def test_integers_cannot_replace_data_that_requires_a_gradient() -> None:
    x = Variable([1.0])
    with pytest.raises(DTypeError, match="a gradient is required, so int64 cannot be held"):
        x.data = [1]


def test_data_cannot_become_none() -> None:
    x = Variable([1.0])
    with pytest.raises(
        DTypeError, match="data should be an array, a number or a list, got NoneType"
    ):
        x.data = None


def test_variable_cannot_be_assigned_into() -> None:
    x = Variable([1.0, 2.0])
    with pytest.raises(GraphError, match=r"cannot be assigned into: .*F.where\(mask, value, x\)"):
        x[0] = 3.0


def test_unknown_attribute_cannot_be_set() -> None:
    with pytest.raises(AttributeError, match="'Variable' object has no attribute 'gard'"):
        Variable(1.0).gard = None


# -- grad ----------------------------------------------------------------------------------------


def test_grad_may_be_set_from_an_array() -> None:
    x = Variable([1.0, 2.0])
    x.grad = np.array([3.0, 4.0])
    assert (type(x.grad), x.grad.data.tolist(), x.grad.requires_grad) == (
        Variable,
        [3.0, 4.0],
        False,
    )


def test_grad_of_another_shape_is_refused() -> None:
    x = Variable([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"grad: should have shape \(2,\), got \(3,\)"):
        x.grad = np.ones(3)


def test_grad_of_a_result_may_be_set_and_cleared() -> None:
    y = Variable([1.0, 2.0]) * 2.0
    y.grad = np.ones(2)
    y.cleargrad()
    assert y.grad is None


# -- detach --------------------------------------------------------------------------------------


def test_detach_shares_memory_and_ends_the_graph() -> None:
    x = Variable([1.0, 2.0])
    d = (x * 2.0).detach()
    assert (d.requires_grad, d.is_leaf) == (False, True)


def test_detached_value_is_a_constant_in_the_derivative() -> None:
    x = Variable(3.0)
    (x * x.detach()).backward()
    assert x.grad.item() == 3.0


# -- conversions ---------------------------------------------------------------------------------


def test_item_float_int_bool_complex() -> None:
    x = Variable([[2.5]])
    assert (x.item(), float(x), int(x), bool(x), complex(x)) == (2.5, 2.5, 2, True, 2.5 + 0j)


def test_item_is_a_python_number() -> None:
    assert [type(Variable(v).item()) for v in (1.0, 1, True)] == [float, int, bool]


def test_item_of_several_numbers_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"item: needs exactly one number, got shape \(2,\)"):
        Variable([1.0, 2.0]).item()


def test_truth_of_several_numbers_is_refused() -> None:
    with pytest.raises(ShapeError, match="needs exactly one number"):
        bool(Variable([1.0, 2.0]))


def test_t83_integer_variable_is_an_index() -> None:
    assert ["a", "b", "c"][Variable(1)] == "b"


def test_t83_integer_variable_indexes_variables_and_arrays() -> None:
    x, i = Variable([1.0, 2.0, 3.0]), Variable([2, 0])
    assert x[i].data.tolist() == [3.0, 1.0]


def test_t83_floating_variable_is_no_index() -> None:
    with pytest.raises(TypeError, match="index: a Variable of float64 is no integer"):
        ["a", "b"][Variable(1.0)]


def test_len_and_iteration_go_along_the_first_axis() -> None:
    x = Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert (len(x), [row.data.tolist() for row in x]) == (3, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def test_iteration_can_be_differentiated() -> None:
    x = Variable([1.0, 2.0])
    a, b = x
    (a * 3.0 + b * 4.0).backward()
    assert x.grad.data.tolist() == [3.0, 4.0]


def test_single_number_has_no_length() -> None:
    with pytest.raises(TypeError, match=r"a Variable of shape \(\) has no length"):
        len(Variable(1.0))


def test_single_number_cannot_be_iterated() -> None:
    with pytest.raises(TypeError, match=r"shape \(\)"):
        iter(Variable(1.0))


def test_in_looks_for_a_number() -> None:
    x = Variable([1.0, 2.0])
    assert (2.0 in x, 3.0 in x) == (True, False)


def test_numpy_reads_a_variable_without_copy() -> None:
    x = Variable([1.0, 2.0])
    assert np.shares_memory(np.asarray(x), x.data)
    assert np.asarray(x, np.float32).dtype == np.float32


def test_numpy_copies_where_it_is_asked_to() -> None:
    x = Variable([1.0, 2.0])
    assert not np.shares_memory(np.array(x), x.data)


def test_numpy_refuses_a_conversion_without_copy() -> None:
    with pytest.raises(ValueError, match="float64 as float32 needs a copy"):
        np.asarray(Variable([1.0]), np.float32, copy=False)


# -- NumPy's numbers and arrays as operands --------------------------------------------------------


@pytest.mark.parametrize(
    "formula",
    [
        lambda x: x * 2.0,
        lambda x: 2.0 * x,
        lambda x: x + 1,
        lambda x: 1 + x,
        lambda x: x / 3,
        lambda x: 3 / x,
        lambda x: 2 - x,
        lambda x: x - 2.5,
        lambda x: x**2,
        lambda x: 2.0**x,
        lambda x: x * 0.5 * (1 + F.tanh(x)),
        lambda x: x.mean(),
        lambda x: x.sum() * 2,
        lambda x: -x,
        lambda x: abs(x) * True,
        lambda x: F.maximum(x, 0.0),
        lambda x: F.where(x > 0, x, 0.0),
        lambda x: x.clip(0.0, 1.0),
    ],
)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_t65_python_number_never_changes_a_dtype(formula, dtype) -> None:
    x = Variable(np.array([0.5, 1.5], dtype))
    y = formula(x)
    y.sum().backward()
    assert (y.dtype, x.grad.dtype) == (dtype, dtype)


def test_t65_second_derivative_keeps_the_dtype() -> None:
    x = Variable(np.array([0.5, 1.5], np.float32))
    g = gradients((x**3 * 2.0 / 3 + 1).sum(), x, create_graph=True)
    assert (g.dtype, gradients(g.sum(), x).dtype) == (np.float32, np.float32)


def test_numpy_array_times_variable_is_a_variable() -> None:
    x = Variable([1.0, 2.0])
    y = np.array([3.0, 4.0]) * x
    y.sum().backward()
    assert (type(y), x.grad.data.tolist()) == (Variable, [3.0, 4.0])


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (lambda a, x: a + x, [4.0, 6.0]),
        (lambda a, x: a - x, [2.0, 2.0]),
        (lambda a, x: a * x, [3.0, 8.0]),
        (lambda a, x: a / x, [3.0, 2.0]),
        (lambda a, x: a**x, [3.0, 16.0]),
        (lambda a, x: a @ x, 11.0),
        (lambda a, x: a > x, [True, True]),
        (lambda a, x: a == x, [False, False]),
    ],
    ids="+ - * / ** @ > ==".split(),
)
def test_numpy_array_on_the_left_gives_a_variable(formula, expected) -> None:
    y = formula(np.array([3.0, 4.0]), Variable([1.0, 2.0]))
    assert (type(y), y.data.tolist()) == (Variable, expected)


def test_numpy_number_on_the_left_gives_a_variable() -> None:
    assert type(np.float64(2.0) * Variable([1.0])) is Variable


def test_t83_numpy_function_of_a_variable_is_the_operator() -> None:
    x = Variable(0.0)
    np.sin(x).backward()
    assert x.grad.item() == 1.0


def test_t83_numpy_function_that_is_no_operator_says_what_to_do() -> None:
    with pytest.raises(DTypeError, match=r"np.spacing of a Variable: .* pass its \.data"):
        np.spacing(Variable([1.0]))


def test_comparison_is_elementwise_and_hash_is_identity() -> None:
    x = Variable([1.0, 2.0])
    assert ((x == x).data.tolist(), len({x, x, Variable([1.0, 2.0])})) == ([True, True], 2)


# -- DLPack --------------------------------------------------------------------------------------


def test_dlpack_gives_the_same_memory() -> None:
    x = Variable([1.0, 2.0])
    assert np.shares_memory(np.from_dlpack(x), x.data)


def test_dlpack_brings_memory_in() -> None:
    array = np.array([1.0, 2.0])
    assert np.shares_memory(from_dlpack(array), array)


def test_dlpack_of_a_variable_comes_back() -> None:
    x = Variable(np.arange(6.0).reshape(2, 3))
    y = Variable(from_dlpack(x))
    assert (y.data.tolist(), np.shares_memory(x.data, y.data)) == (x.data.tolist(), True)


def test_moving_to_a_gpu_without_cupy_is_one_clear_error(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cupy", None)
    with pytest.raises(RuntimeError, match=r"CuPy is needed .* install it with: pip install"):
        Variable([1.0]).to_gpu()


def test_result_of_an_operator_cannot_move() -> None:
    with pytest.raises(GraphError, match="only a leaf can move"):
        (Variable([1.0]) * 2.0).to_cpu()


def test_to_cpu_gives_itself_back() -> None:
    x = Variable([1.0])
    assert x.to_cpu() is x
