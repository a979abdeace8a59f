"""Where native code could differ from NumPy: ends of ranges, empty and long axes, odd arrays."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lamina
from compiler.native.emitted import Emitted
from lamina import Parameter, Variable
from lamina import functions as F
from lamina.errors import RangeError
from lamina.listen import Program, run

SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.5, 2.5, np.inf, -np.inf, np.nan, 1e-45, -1e-40, 3e38, -3e38, 2**31,
     -(2**31), 2**63, 0.5, 1e10, -1e10, 16777217.0],
    np.float32,
)  # fmt: skip


def emitted(f: Any, *arrays: Any, lanes: int | None = None) -> tuple[Emitted, Program]:
    """A function of arrays as native code."""
    program = Program()
    made = f(*[program.input(x.shape, x.dtype) for x in arrays])
    program.outputs = made if isinstance(made, tuple) else (made,)
    return Emitted(program, lanes=lanes), program


def both(f: Any, *arrays: Any, lanes: int | None = None) -> tuple[list[Any], list[Any]]:
    """What native code gives, and what NumPy gives."""
    code, program = emitted(f, *arrays, lanes=lanes)
    with np.errstate(all="ignore"):
        expected = run(program, *arrays)
        return code.run(*arrays), list(expected)


def assert_same(f: Any, *arrays: Any) -> None:
    """To the last bit, NaN being NaN; and 0 being 0, of whatever sign."""
    for found, expected in zip(*both(f, *arrays)):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert np.array_equal(found, expected, equal_nan=found.dtype.kind == "f")


UNARY = (
    "negative absolute fabs square sqrt sign floor ceil rint trunc isnan isinf isfinite "
    "reciprocal".split()
)
BINARY = (
    "add subtract multiply divide maximum minimum greater greater_equal less less_equal equal "
    "not_equal".split()
)


@pytest.mark.parametrize("name", UNARY)
def test_special_numbers_through(name):
    assert_same(getattr(np, name), SPECIAL)


@pytest.mark.parametrize("name", BINARY)
def test_special_numbers_together_through(name):
    assert_same(getattr(np, name), SPECIAL[:, None], SPECIAL[None, :])


@pytest.mark.parametrize(
    "to", [np.int32, np.int64, np.bool_, np.int8, np.uint8, np.float64, np.float16]
)
def test_special_numbers_cast(to):
    assert_same(lambda x: (x.astype(to), x + 1), SPECIAL)


@pytest.mark.parametrize("to", [np.int32, np.int64, np.float32, np.bool_, np.int16, np.uint64])
@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.bool_])
def test_integers_cast(dtype, to):
    x = np.array([0, 1, -1, 2**31 - 1, -(2**31), 12345, 16777217, 255]).astype(dtype)
    assert_same(lambda x: x.astype(to), x)
    assert_same(lambda x: np.where(x > 0, x, x + x).astype(to), x) if dtype != np.bool_ else None


@pytest.mark.parametrize("name", ["sum", "max", "min"])
@pytest.mark.parametrize("axis", [0, 1, None])
def test_special_numbers_reduced(name, axis):
    x = np.stack([np.roll(SPECIAL, i) for i in range(40)])
    x[3:] = np.where(np.isnan(x[3:]), 1, x[3:])
    x[7:] = np.where(np.isinf(x[7:]), 1, x[7:])
    if name == "sum":
        x = np.where(np.abs(x) > 1e6, np.sign(x) * np.where(np.isinf(x), np.inf, 1), x)
        x = x.astype(np.float32)
        found, expected = both(lambda x: x.sum(axis), x)
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-6, atol=1e-5)
    else:
        assert_same(lambda x: getattr(x, name)(axis), x)
        assert_same(lambda x: getattr(x, name)(axis), np.ascontiguousarray(x.T))


def test_softmax_of_rows_with_minus_infinity():
    x = np.random.default_rng(0).standard_normal((7, 33)).astype(np.float32)
    x[0, 5:], x[1, ::2], x[2, 0], x[3, -1] = -np.inf, -np.inf, -np.inf, -np.inf

    def softmax(x):
        e = np.exp(x - x.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    (found,), (expected,) = both(softmax, x)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=0)
    assert np.array_equal(found == 0, x == -np.inf)


def test_a_row_of_which_nothing_is_left_gives_nan_as_numpy_does():
    x = np.full((3, 20), -np.inf, np.float32)
    x[1] = 1
    (found,), (expected,) = both(lambda x: np.exp(x - x.max(1, keepdims=True)), x)
    assert np.array_equal(found, expected, equal_nan=True)


@pytest.mark.parametrize("divisor", [1e-40, 3e38, -1e-45, 2.0**-130, 2.0**127])
def test_quotients_by_a_number_that_stays_in_the_row(divisor):
    x = np.array([[0, 1e-40, -1e-38, 1e-20, 3e38, -3e38, 1, np.inf]], np.float32).repeat(3, 1)
    y = np.array([[divisor]], np.float32)
    (found,), (expected,) = both(lambda x, y: x / y, x, y)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-44)


@pytest.mark.parametrize(
    "shape", [(10**6,), (1, 10**6), (10**6, 1), (10**6, 3), (3, 10**6), (10**3, 10**3)]
)
def test_sums_of_a_million_numbers(shape):
    x = np.random.default_rng(0).uniform(1, 2, shape).astype(np.float32)
    axis = int(np.argmax(shape))
    for found, exact in zip(
        both(lambda x: (x.sum(axis), x.sum(), np.square(x).mean(axis), x.max(axis)), x)[0],
        (
            x.sum(axis, dtype=float),
            x.sum(dtype=float),
            np.square(x, dtype=float).mean(axis),
            x.max(axis),
        ),
    ):
        np.testing.assert_allclose(found, exact, rtol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 255, 256, 257, 511, 512, 513, 4097])
def test_bools_are_bytes_of_0_and_1(length):
    x = np.random.default_rng(0).standard_normal((3, length)).astype(np.float32)
    (a, b, c), expected = both(lambda x: (x > 0, ~(x > 0), (x > 0).T), x)
    for found, y in zip((a, b, c), expected):
        assert found.tobytes() == y.tobytes()


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (2, 0, 5)])
def test_nothing(shape):
    x = np.ones(shape, np.float32)
    assert_same(
        lambda x: (
            x + 1,
            x.sum(),
            x.sum(0),
            np.exp(x).reshape(-1),
            x.T,
            x @ x.mT if x.ndim > 1 else x,
        ),
        x,
    )


def test_outputs_that_are_what_was_given():
    x, y = np.arange(6, dtype=np.float32).reshape(2, 3), np.ones((2, 3), np.float32)
    program = Program()
    a, b, c = (
        program.input(x.shape, x.dtype),
        program.input(y.shape, y.dtype),
        program.capture(y * 7),
    )
    z = np.exp(a)
    made: Any = (
        a,
        a,
        a.T,
        c,
        c[::-1],
        z,
        z,
        z.T,
        b[:, 1],
        np.zeros_like(a),
        np.arange(3, like=a),
    )
    program.outputs = made
    for found, expected in zip(Emitted(program).run(x, y), run(program, x, y)):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def odd(kind: str, x: Any) -> Any:
    """The same numbers in an array of another kind."""
    if kind == "read-only":
        x = x.copy()
        x.flags.writeable = False
        return x
    if kind == "unaligned":
        raw = np.zeros(x.nbytes + 1, np.uint8)
        y = raw[1:].view(x.dtype).reshape(x.shape)
        y[...] = x
        return y
    return {
        "turned": lambda: np.asfortranarray(x),
        "reversed": lambda: np.ascontiguousarray(x[::-1])[::-1],
        "apart": lambda: np.repeat(x, 2, -1)[..., ::2],
        "swapped bytes": lambda: x.astype(x.dtype.newbyteorder()),
        "one for all": lambda: np.broadcast_to(x[:1, :1], x.shape),
        "matrix": lambda: x.view(Labelled),
    }[kind]()


class Labelled(np.ndarray):
    """A subclass, as users have them."""


KINDS = [
    "read-only",
    "unaligned",
    "turned",
    "reversed",
    "apart",
    "swapped bytes",
    "one for all",
    "matrix",
]


@pytest.mark.parametrize("rows", [5, 700])  # small inputs are copied, large ones are read in place
@pytest.mark.parametrize("kind", KINDS)
def test_an_input_of_any_kind(kind, rows):
    x = np.random.default_rng(0).standard_normal((rows, 33)).astype(np.float32)
    step = lamina.compile(lambda x, t: (F.exp(x), F.sum(x, 0), x + t), backend="native")
    y = odd(kind, x)
    for _ in range(3):
        found = step(y, x)
    for a, b in zip(found, (np.exp(y), np.sum(y, 0, dtype=np.float64), y + x)):
        np.testing.assert_allclose(np.asarray(getattr(a, "data", a)), b, rtol=2e-6, atol=1e-5)


@pytest.mark.parametrize("kind", ["turned", "reversed", "apart", "unaligned"])
@pytest.mark.parametrize("rows", [5, 700])
def test_a_parameter_of_any_kind(kind, rows):
    x = np.random.default_rng(0).standard_normal((rows, 33)).astype(np.float32)
    W = Parameter(np.ones((rows, 33), np.float32))
    W.data = odd(kind, x)
    held = W.data

    def step(g):
        y = F.sum(F.tanh(W) * g)
        W.cleargrad()
        y.backward()
        W.data -= 0.1 * W.grad.data  # pyright: ignore[reportOptionalMemberAccess]
        return y

    g = np.linspace(-1, 1, x.size, dtype=np.float32).reshape(x.shape)
    compiled = lamina.compile(step, backend="native")
    for _ in range(4):
        compiled(g)
    found = W.data.copy()
    assert W.data is held
    W.data = x.copy()
    for _ in range(4):
        step(g)
    np.testing.assert_allclose(found, W.data, rtol=2e-6, atol=1e-6)


def test_an_input_that_is_a_part_of_the_state():
    W = Parameter(np.arange(20_000, dtype=np.float32))

    def step(x):
        W.data = W.data + x[::-1]
        return F.sum(W)

    runs = []
    for wrap in (lambda f: f, lambda f: lamina.compile(f, backend="native")):
        W.data = np.arange(20_000, dtype=np.float32) % 13
        run = wrap(step)
        run(W.data)
        runs.append([run(W.data).item() for _ in range(3)] + W.data.tolist())
    assert runs[0] == runs[1]


def reshaped(x):
    y = np.maximum(x, np.floor(x))
    return y, y.reshape(17, 11).reshape(187) != 0


def multiplied(a, b):
    y = a @ b
    return np.sqrt(np.abs(y)) + np.abs(y.reshape(300, 400).reshape(400, 300))


@pytest.mark.parametrize(("f", "shapes"), [(reshaped, [187]), (multiplied, [(400, 8), (8, 300)])])
def test_what_is_turned_into_another_shape_is_read_when_all_of_it_is_there(f, shapes):
    rng = np.random.default_rng(0)
    arrays = [rng.integers(-2, 3, shape).astype(np.float32) for shape in shapes]
    code, program = emitted(f, *arrays)
    for threads in (1, 2, 3):
        for found, expected in zip(code.run(*arrays, threads=threads), run(program, *arrays)):
            assert np.array_equal(found, expected)


def test_two_threads_of_python_call_one_step():
    step = lamina.compile(lambda x: F.softmax(F.tanh(x) @ x), backend="native")
    xs = [np.random.default_rng(i).standard_normal((150, 150)).astype(np.float32) for i in range(4)]
    expected = [step(x).data for x in xs]
    wrong = []

    def work(i):
        for _ in range(30):
            if not np.allclose(step(xs[i]).data, expected[i], rtol=1e-5, atol=1e-6):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_check_that_fails_in_the_middle_leaves_the_state():
    W = Parameter(np.ones((5, 3), np.float32))
    m = Parameter(np.zeros((5, 3), np.float32))

    def step(x, t):
        loss = F.softmax_cross_entropy(x @ W, t)
        W.cleargrad()
        loss.backward()
        m.data = 0.9 * m.data + W.grad.data  # pyright: ignore[reportOptionalMemberAccess]
        W.data = W.data - 0.1 * m.data
        loss2 = F.softmax_cross_entropy(x @ W, t[::-1])
        return loss + loss2

    compiled = lamina.compile(step, backend="native")
    x, t = (
        np.random.default_rng(0).standard_normal((4, 5)).astype(np.float32),
        np.array([0, 1, 2, 0]),
    )
    for _ in range(3):
        compiled(x, t)
    held = W.grad.data  # pyright: ignore[reportOptionalMemberAccess]
    before = W.data.tobytes(), m.data.tobytes(), held.tobytes()
    with pytest.raises(RangeError, match="label 3 at 2"):
        compiled(x, np.array([0, 1, 3, 0]))
    assert (W.data.tobytes(), m.data.tobytes(), held.tobytes()) == before


def test_dropout_draws_what_eager_draws():
    x = np.ones((50, 40), np.float32)

    def step(x):
        return F.dropout(F.dropout(x, 0.5) * 2, 0.25), F.dropout(x, 0.5)

    runs = []
    for wrap in (lambda f: f, lambda f: lamina.compile(f, backend="native")):
        lamina.seed(5)
        run = wrap(step)
        runs.append([y.data.tobytes() for _ in range(4) for y in run(Variable(x))])
    assert runs[0] == runs[1]
