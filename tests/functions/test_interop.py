"""NumPy's functions on Variables: what gives a Variable, what only asks, and what is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable
from lamina.errors import DTypeError
from lamina.functions.interop import FUNCTIONS, METHODS, QUESTIONS, UFUNCS

A = np.array([[0.25, 0.5, 0.75], [0.5, 0.125, 0.25]])
B = np.array([[0.5, 0.25, 0.5], [0.75, 0.5, 0.25]])
SQUARE = np.array([[2.0, 0.5, 0.25], [0.5, 3.0, 0.125], [0.25, 0.125, 4.0]])
WHOLE = ("bitwise_and", "bitwise_or", "bitwise_xor", "invert")

ARGUMENTS = {
    "where": (A > 0.3, A, B),
    "concatenate": ([A, B], 1),
    "stack": ([A, B], -1),
    "split": (A, 3, 1),
    "moveaxis": (A, 0, 1),
    "swapaxes": (A, 0, 1),
    "expand_dims": (A, 1),
    "broadcast_to": (A, (4, 2, 3)),
    "repeat": (A, 2, 1),
    "roll": (A, 1, 0),
    "tile": (A, (1, 2)),
    "take": (A, [2, 0], 1),
    "take_along_axis": (A, np.array([[1], [0]]), 1),
    "dot": (A, B.T),
    "einsum": ("ij,kj->ik", A, B),
    "outer": (A[0], B[1]),
    "tensordot": (A, B, 2),
    "clip": (A, 0.2, 0.5),
    "reshape": (A, (3, 2)),
    "transpose": (A, (1, 0)),
    "pad": (A, 1),
    "astype": (A, np.float32),
    "quantile": (A, 0.3, 1),
    "inner": (A, B),
    "vdot": (A, B),
    "kron": (A, B),
    "meshgrid": (A[0], B[0]),
    "broadcast_arrays": (A, B[:1]),
    "hstack": ([A, B],),
    "vstack": ([A, B],),
    "dstack": ([A, B],),
    "inv": (SQUARE,),
    "solve": (SQUARE, B[0]),
    "det": (SQUARE,),
    "slogdet": (SQUARE,),
    "cholesky": (SQUARE,),
    "eigh": (SQUARE,),
    "eigvalsh": (SQUARE,),
    "matrix_power": (SQUARE, 3),
    "multi_dot": ([A, B.T, A],),
}


def wrapped(x: object) -> object:
    """Floating arrays as Variables, in lists too."""
    if isinstance(x, list):
        return [wrapped(item) for item in x]
    return Variable(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def same(y: object, expected: object) -> None:
    ys, others = (y, expected) if isinstance(y, tuple) else ([y], [expected])
    for one, other in zip(ys, others, strict=True):
        assert isinstance(one, Variable)
        np.testing.assert_allclose(one.data, other, rtol=1e-15)  # sums in another order


def operands(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Two that fit the ufunc of that name."""
    if name in WHOLE:
        return A > 0.3, B > 0.3
    if name == "ldexp":
        return A, (B * 4).astype(int)
    return (A, B.T) if name in ("matmul", "vecmat") else (A, B)


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda ufunc: ufunc.__name__)
def test_ufunc_of_variables_is_the_operator_of_the_same_meaning(ufunc: np.ufunc) -> None:
    a, b = operands(ufunc.__name__)
    a = a + 1 if ufunc is np.arccosh else a
    inputs = (a, b)[: ufunc.nin]
    same(ufunc(*[Variable(x) for x in inputs]), ufunc(*inputs))


@pytest.mark.parametrize("ufunc", [u for u in UFUNCS if u.nin == 2], ids=lambda u: u.__name__)
def test_ufunc_of_an_array_and_a_variable_gives_a_variable(ufunc: np.ufunc) -> None:
    a, b = operands(ufunc.__name__)
    same(ufunc(a, Variable(b)), ufunc(a, b))


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_function_of_variables_is_the_operator_of_the_same_name(f) -> None:
    given = ARGUMENTS.get(f.__name__, (A,))
    same(f(*[wrapped(x) for x in given]), f(*given))


@pytest.mark.parametrize("name", "sum mean max min prod all any argmax argmin var std".split())
def test_reduction_takes_numpys_keywords(name: str) -> None:
    f = getattr(np, name)
    same(f(Variable(A), axis=1, keepdims=True), f(A, axis=1, keepdims=True))


@pytest.mark.parametrize("name", ["var", "std"])
def test_deviation_takes_ddof(name: str) -> None:
    f = getattr(np, name)
    same(f(Variable(A), 1, ddof=1), f(A, 1, ddof=1))


@pytest.mark.parametrize(("ufunc", "method"), METHODS, ids=lambda m: getattr(m, "__name__", m))
def test_method_of_a_ufunc_goes_along_the_first_axis(ufunc: np.ufunc, method: str) -> None:
    same(getattr(ufunc, method)(Variable(A)), getattr(ufunc, method)(A))


@pytest.mark.parametrize(("ufunc", "method"), METHODS, ids=lambda m: getattr(m, "__name__", m))
def test_method_of_a_ufunc_takes_an_axis(ufunc: np.ufunc, method: str) -> None:
    same(getattr(ufunc, method)(Variable(A), axis=1), getattr(ufunc, method)(A, axis=1))


def test_gradient_goes_through_numpys_functions() -> None:
    x = Variable(A)
    y = np.sum(np.concatenate([B * np.sin(x), np.exp(x)]))
    y.backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.data, B * np.cos(A) + np.exp(A), rtol=1e-15)  # one rounding


def test_every_table_of_operators_is_reached_by_this_test() -> None:
    assert {f.__name__ for f in FUNCTIONS} >= set(ARGUMENTS) - {"astype"}


def test_operator_in_place_on_an_array_is_refused() -> None:
    a = A.copy()
    with pytest.raises(
        DTypeError, match=r"np\.add of a Variable: .*'out'; call lamina\.functions\.add"
    ):
        a += Variable(B)


def test_operator_in_place_on_a_variable_makes_a_new_one() -> None:
    x = y = Variable(A)
    x += B
    assert x is not y
    assert y.data is A


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: np.nextafter(v, 1), r"np\.nextafter of a Variable: lamina has no such operator"),
        (lambda v: np.divmod(v, 2), r"np\.divmod of a Variable: lamina has no such operator"),
        (lambda v: np.add.at(v, 0, 1), r"np\.add\.at of a Variable: lamina has no such operator"),
        (lambda v: np.add.outer(v, v), r"np\.add\.outer of a Variable"),
        (lambda v: np.sin(v, where=[True]), r"np\.sin .*'where'; call lamina\.functions\.sin, or"),
        (lambda v: np.sin(v, dtype=np.float32), r"np\.sin of a Variable: .*'dtype'"),
        (lambda v: np.sum(v, 0, np.float32), r"np\.sum .*positional.*lamina\.functions\.sum"),
        (lambda v: np.sum(v, initial=1), r"np\.sum of a Variable: .*'initial'"),
        (lambda v: np.round(v, 2), r"np\.round of a Variable: too many positional"),
        (lambda v: np.lexsort(v), r"np\.lexsort of a Variable: lamina has no such operator"),
        (lambda v: np.linalg.eigvals(v), r"np\.linalg\.eigvals of a Variable"),
        (lambda v: np.add.reduce(v, initial=1), r"np\.add\.reduce of a Variable: .*'initial'"),
    ],
)
def test_what_lamina_has_not_is_refused_with_a_way_out(call, message: str) -> None:
    with pytest.raises(DTypeError, match=message + r".*pass its \.data"):
        call(Variable(A))


def test_refusal_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"np\.lexsort"):
        np.lexsort(Variable(A))


def test_questions_are_answered_about_the_array() -> None:
    x = Variable(A)
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((2, 3), 2, 6)
    assert np.result_type(x, np.float32) == np.float64
    assert np.may_share_memory(x, A)
    assert np.array_str(x) == str(A)


def test_comparing_questions_take_variables_on_both_sides() -> None:
    assert np.array_equal(Variable(A), Variable(A))
    assert np.allclose(A, Variable(A))
    assert np.isclose([Variable(A), Variable(A)], A).all()


def test_numpys_assertions_take_variables() -> None:
    np.testing.assert_allclose(Variable(A), A)
    np.testing.assert_array_equal(A, Variable(A))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        np.testing.assert_allclose(Variable(A), B)


def test_arrays_like_a_variable_are_plain() -> None:
    made = np.zeros_like(Variable(A))
    assert (type(made), made.shape, made.dtype) == (np.ndarray, A.shape, A.dtype)


def test_variable_is_written_by_numpy() -> None:
    file = io.BytesIO()
    np.save(file, Variable(A))
    file.seek(0)
    np.testing.assert_array_equal(np.load(file), A)


def test_array_of_a_variable_is_its_own() -> None:
    assert np.asarray(Variable(A)) is A


def test_numpy_number_on_the_left_gives_a_variable() -> None:
    same(np.float64(2) * Variable(A), 2 * A)


def test_every_question_is_a_function_of_numpy() -> None:
    assert all(callable(f) for f in QUESTIONS)


def test_operators_of_python_and_numpy_agree_with_the_functions() -> None:
    x = Variable(A)
    np.testing.assert_array_equal(np.multiply(B, x).data, F.mul(B, x).data)
