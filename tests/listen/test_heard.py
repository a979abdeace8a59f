"""What NumPy calls on Values become: the results that NumPy itself gives."""

from __future__ import annotations

import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest

from lamina import Variable
from lamina.errors import DTypeError, ShapeError
from lamina.listen import Program, Value, parse, run, verify
from listen.table import ROWS

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # 1 / 0 is computed on purpose

DTYPES = ["?", "i8", "f2", "f4", "f8"]


def arrays_of(text: str, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    made = []
    for item in text.split():
        dtype, _, shape = item.partition(":")
        lengths = tuple(int(n) for n in shape.split(",") if n)
        made.append(np.asarray(3 * rng.standard_normal(lengths)).astype(dtype))
    return made


def in_place(x: Any) -> Any:
    x += 1
    x /= x.sum(axis=-1, keepdims=True)
    return x


def evaluate(expression: str, arrays: list[Any]) -> Any:
    return eval(expression, {"np": np, "ip": in_place, **dict(zip("abc", arrays))})


def hear(expression: str, arrays: list[np.ndarray]) -> Program:
    program = Program()
    values = [program.input(x.shape, x.dtype) for x in arrays]
    program.outputs = (evaluate(expression, values),)
    return program


def same_bits(x: np.ndarray, y: np.ndarray) -> bool:
    return x.shape == y.shape and x.dtype == y.dtype and x.tobytes() == y.tobytes()


@pytest.mark.parametrize(("expression", "arrays"), ROWS)
class TestEachRow:
    def test_is_heard_with_the_shape_and_dtype_of_numpys_result(self, expression, arrays):
        given = arrays_of(arrays)
        heard = hear(expression, given).outputs[0]
        real = np.asarray(evaluate(expression, given))
        assert (heard.shape, heard.dtype) == (real.shape, real.dtype)

    def test_runs_to_the_bits_of_numpys_result(self, expression, arrays):
        given = arrays_of(arrays, seed=zlib.crc32(expression.encode()))
        real = np.asarray(evaluate(expression, [x.copy() for x in given]))
        assert same_bits(run(hear(expression, given), *given)[0], real)

    def test_is_read_back_from_its_text(self, expression, arrays):
        program = hear(expression, arrays_of(arrays))
        assert parse(str(program)) == program

    def test_passes_the_verifier(self, expression, arrays):
        program = hear(expression, arrays_of(arrays))
        assert verify(program) is program


def test_the_table_has_at_least_150_rows_and_none_twice():
    assert len(set(ROWS)) == len(ROWS) >= 150


BINARY = ["add", "subtract", "multiply", "divide", "floor_divide", "remainder", "power", "maximum"]
BINARY += ["fmin", "arctan2", "copysign", "hypot", "less", "equal", "logical_and", "bitwise_or"]
UNARY = ["negative", "absolute", "exp", "log", "sqrt", "square", "sign", "rint", "floor", "isnan"]
UNARY += ["logical_not", "reciprocal", "tanh", "cbrt", "trunc", "positive", "signbit", "invert"]
NUMBERS = [
    True,
    2,
    0.5,
    1j,
    np.float16(2),
    np.float32(2),
    np.float64(2),
    np.int64(2),
    np.bool_(True),
]


def dtype_or_refusal(function: Any, *operands: Any) -> Any:
    """The dtype of the result, or that there is none."""
    try:
        return function(*operands).dtype
    except (TypeError, ValueError):
        return "refused"


@pytest.mark.parametrize("name", BINARY)
def test_two_dtypes_meet_as_in_numpy(name):
    ufunc, program = getattr(np, name), Program()
    for a in DTYPES:
        for b in DTYPES:
            x, y = np.ones((2, 3), a), np.ones(3, b)
            heard = dtype_or_refusal(ufunc, program.input(x.shape, a), program.input(y.shape, b))
            assert (a, b, heard) == (a, b, dtype_or_refusal(ufunc, x, y))


@pytest.mark.parametrize("name", BINARY)
def test_a_number_on_either_side_changes_a_dtype_as_in_numpy(name):
    ufunc, program = getattr(np, name), Program()
    for dtype in DTYPES:
        x, value = np.ones((2, 3), dtype), program.input((2, 3), dtype)
        for n in NUMBERS:
            left = dtype_or_refusal(ufunc, n, value), dtype_or_refusal(ufunc, value, n)
            right = dtype_or_refusal(ufunc, n, x), dtype_or_refusal(ufunc, x, n)
            assert (dtype, n, left) == (dtype, n, right)


@pytest.mark.parametrize("name", UNARY)
def test_a_dtype_goes_through_a_function_as_in_numpy(name):
    ufunc, program = getattr(np, name), Program()
    for dtype in [*DTYPES, "i2", "u1", "c8"]:
        heard = dtype_or_refusal(ufunc, program.input((3,), dtype))
        assert (dtype, heard) == (dtype, dtype_or_refusal(ufunc, np.ones(3, dtype)))


@pytest.mark.parametrize("n", [2, 0.5, -1, 1, 0, 3.5])
def test_the_operator_for_powers_is_heard_as_numpys_arrays_compute_it(n, rng):
    for dtype in ["f2", "f4", "f8"]:
        x = rng.uniform(0.5, 3, 1000).astype(dtype)
        program = Program()
        program.outputs = (program.input(x.shape, x.dtype) ** n,)
        assert same_bits(run(program, x)[0], x**n)


@pytest.mark.parametrize(
    "expression",
    [
        "np.tanh(a * 2.0 + b) @ b[:1].T",
        "(a - a.mean(axis=0)) / np.sqrt(a.var(axis=0) + 1e-5)",
        "np.where(a > b, a, np.zeros_like(a)).sum()",
        "np.tril(a)[::2, None, ::-1]",
        "np.roll(np.pad(a, ((0, 0), (1, 1))), 3, axis=1)",
        "np.concatenate([a.reshape(-1), b.ravel()])",
        "np.einsum('ij,kj->ik', a, b)",
        "np.repeat(np.tile(a, (2, 1)), 2, axis=0)",
        "np.sort(a, axis=0).cumsum(axis=1)",
        "np.full((100_000, 100_000), 1.0, like=a)",
        "np.stack([a, b]).argmax(axis=0)",
    ],
)
def test_arrays_of_forty_gigabytes_are_heard_without_memory(expression):
    program = Program()
    values = [program.input((100_000, 100_000), np.float32) for _ in "ab"]
    tracemalloc.start()
    program.outputs = (evaluate(expression, values),)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert program.outputs[0].nbytes >= 4
    assert peak < 200_000  # instructions and their text; one row of the array has 400,000 bytes


class TestWhatNumpyRefuses:
    @pytest.mark.parametrize(
        ("expression", "arrays", "message"),
        [
            ("a + b", "f4:2,3 f4:4", r"add: float32\[2, 3\], float32\[4\]: shape mismatch"),
            ("a @ b", "f4:2,3 f4:4,5", r"matmul: \(2, 3\) @ \(4, 5\), inner lengths 3 and 4"),
            ("a @ b", "f4:3 f4:4", r"matmul: \(3,\) @ \(4,\), inner lengths 3 and 4 differ"),
            ("a @ b", "f4:2,3,4 f4:5,4,1", r"matmul: .*shape mismatch"),
            ("a @ b", "f4:2,3 f4:", r"matmul: \(2, 3\) @ \(\): a number is not a matrix"),
            ("a.reshape(4)", "f4:2,3", r"np.reshape: \(2, 3\), 4: cannot reshape array of size 6"),
            ("np.where(a, b, c)", "?:2 f4:3 f4:1", r"where: bool\[2\], float32\[3\]"),
            ("np.concatenate([a, b])", "f4:2,3 f4:2,4", "concatenate: .*lengths should be equal"),
            ("np.concatenate([a, b], axis=2)", "f4:2,3 f4:2,3", "np.concatenate: .*axis 2 is out"),
            ("a.sum(axis=2)", "f4:2,3", r"np.sum: \(2, 3\): axis 2 is out of bounds"),
            ("a.max()", "f4:0,3", r"max: float32\[0, 3\].*an axis has length 0"),
            ("a.argmax(axis=0)", "f4:0,3", r"argmax: float32\[0, 3\].*an axis has length 0"),
            ("a.transpose(0)", "f4:2,3", "np.transpose: .*axes don't match array"),
            ("a.squeeze(axis=0)", "f4:2,3", "np.squeeze: .*cannot select an axis to squeeze out"),
            ("np.broadcast_to(a, (3, 2))", "f4:2,3", "np.broadcast_to: .*could not be broadcast"),
            ("np.split(a, 4)", "f4:6", "np.split: .*does not fall into 4 equal parts"),
            ("a[b, c]", "f4:2,3 i8:4 i8:5", r"gather: float32\[2, 3\], int64\[4\], int64\[5\]"),
            ("np.einsum('ij,jk', a, b)", "f4:2,3 f4:4,5", "einsum: .*label j has lengths 3 and 4"),
            ("np.einsum('ij', a)", "f4:2,3,4", "np.einsum: .*do not name each axis"),
            ("np.tensordot(a, b, 1)", "f4:2,3 f4:4,5", "np.tensordot: .*lengths of axes"),
            ("np.pad(a, -1)", "f4:3", "pad: .*widths should not be negative"),
            ("np.stack([a, b])", "f4:2,3 f4:2,1", "concatenate: .*lengths should be equal"),
        ],
    )
    def test_shapes_that_do_not_fit_are_a_shape_error(self, expression, arrays, message):
        with pytest.raises(ShapeError, match=message):
            hear(expression, arrays_of(arrays))
        with pytest.raises((ValueError, IndexError), match=r"\w"):  # NumPy refuses it too
            evaluate(expression, arrays_of(arrays))

    @pytest.mark.parametrize(
        ("expression", "arrays", "message"),
        [
            ("np.bitwise_and(a, 1)", "f4:3", r"bitwise_and: float32\[3\], 1: "),
            ("-a", "?:3", r"negative: bool\[3\]: "),
            ("a[b]", "f4:3 f4:2", r"gather: .*should hold integers, got float32\[2\]"),
            ("a.astype(np.int64, casting='safe')", "f4:3", "astype: float32 to int64 is not safe"),
            ("np.add(t := a * 1, 0.5, out=t)", "i8:3", "np.add: a result of float64 does not fit"),
        ],
    )
    def test_dtypes_that_do_not_fit_are_a_dtype_error(self, expression, arrays, message):
        with pytest.raises(DTypeError, match=message):
            hear(expression, arrays_of(arrays))

    @pytest.mark.parametrize("index", ["a[2]", "a[0, -4]", "a[0, 0, 0]", "a[5, b]"])
    def test_an_index_outside_is_an_index_error(self, index):
        with pytest.raises(IndexError, match=r"out of bounds|too many indices"):
            hear(index, arrays_of("f4:2,3 i8:4"))

    def test_the_length_of_a_number_is_a_type_error(self):
        with pytest.raises(TypeError, match=r"len: an array of shape \(\)"):
            len(Program().input((), np.float32))


def test_a_value_is_left_as_it_is_where_nothing_changes():
    x = Program().input((2, 3), np.float32)
    for same in (x[...], x.reshape(2, 3), x.transpose(0, 1), x.astype("f4", copy=False), x.real):
        assert same is x


def test_the_same_array_is_captured_once_and_equal_arrays_apart():
    program = Program()
    x, weights = program.input((3,), np.float32), np.ones(3, np.float32)
    assert len({id(v) for v in [program.capture(weights), program.capture(weights)]}) == 1
    program.outputs = (x * weights + weights - np.ones(3, np.float32),)
    assert len(program.captures) == 2


def test_captured_arrays_are_read_at_each_run():
    program = Program()
    weights = np.ones(3)
    program.outputs = (program.input((3,), np.float64) + weights,)
    weights[...] = 5.0
    assert run(program, np.zeros(3))[0].tolist() == [5.0, 5.0, 5.0]


def test_numbers_of_python_and_of_numpy_are_constants_and_arrays_of_no_axes_are_captured():
    program = Program()
    x = program.input((3,), np.float32)
    program.outputs = (x * 2.0 * np.float32(3) * np.array(4.0, np.float32),)
    assert str(program).splitlines()[1:4] == [
        "%1: float32[] = capture()",
        "%2: float32[3] = multiply(%0, 2.0)",
        "%3: float32[3] = multiply(%2, float32(3.0))",
    ]


def test_a_value_prints_its_name_shape_and_dtype():
    program = Program()
    assert repr(program.input((2, 3), np.float32, "x")) == "Value(x: float32[2, 3])"
    assert f"{program.input((), np.int64)}" == "Value(int64[])"


def test_values_are_keys_by_identity():
    program = Program()
    x, y = program.input((3,), np.float32), program.input((3,), np.float32)
    assert {x: "x", y: "y"}[y] == "y"
    assert isinstance(x == y, Value)


@pytest.mark.parametrize(
    "call",
    [
        lambda x, v: x * v,
        lambda x, v: np.maximum(x, v),
        lambda x, v: np.concatenate([x, v]),
        lambda x, v: np.where(x > 0, x, v),
    ],
)
def test_a_variable_hears_for_itself_and_keeps_its_gradient(call):
    v = Variable(np.ones((2, 3), np.float32))
    y = call(Program().input((2, 3), np.float32), v)
    assert isinstance(y, Variable)
    assert y.requires_grad


def random_index(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Ints, slices, None, Ellipsis and index arrays, some of them out of range or too many."""
    broadcast = [(3,), (2, 1), (1, 3), ()]
    parts: list[Any] = []
    for n in shape[: rng.integers(0, len(shape) + 2)]:
        kind = rng.integers(0, 5)
        if kind == 0:
            parts.append(int(rng.integers(-n - (n == 0), n + (n == 0))))
        elif kind == 1:
            parts.append(
                np.asarray(rng.integers(-max(n, 1), max(n, 1), broadcast[rng.integers(4)]))
            )
        else:
            bounds = [None if rng.random() < 0.3 else int(rng.integers(-7, 8)) for _ in "ab"]
            parts.append(slice(*bounds, [None, 1, 2, -1, -3][rng.integers(5)]))
        if rng.random() < 0.2:
            parts.append(None)
    if rng.random() < 0.3:
        parts.insert(rng.integers(0, len(parts) + 1), Ellipsis)
    return tuple(parts)


def indexed(x: Any, index: Any) -> Any:
    try:
        return x[index]
    except (IndexError, DeprecationWarning):  # NumPy 2.0 warns, where the result is empty
        return "refused"


def test_a_thousand_random_indices_are_heard_as_numpy_takes_them(rng):
    compared = 0
    for _ in range(1000):
        x = rng.standard_normal(rng.integers(0, 6, rng.integers(0, 5)))
        index = random_index(rng, x.shape)
        program = Program()
        value = indexed(program.input(x.shape, x.dtype), index)
        real = indexed(x, index)
        if isinstance(value, str):
            assert isinstance(real, str), (x.shape, index)
        elif not isinstance(real, str):  # an index array may hold what only a run can refuse
            program.outputs = (value,)
            assert same_bits(run(program, x)[0], np.asarray(real)), (x.shape, index)
            compared += 1
    assert compared > 500
