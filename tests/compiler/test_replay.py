"""What the replay emitter writes: NumPy calls that are cheap, and right to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

import lamina
from lamina import functions as F
from lamina import optimizers as O
from lamina.layers import Linear

SPECIAL = [np.nan, -np.nan, np.inf, -np.inf, -0.0, 0.0, 1.5, -2.5]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(2, 8), (2, 1), (8,)])
def test_a_choice_between_an_array_and_zero_keeps_every_bit(dtype, shape):
    x = np.array([SPECIAL, SPECIAL[::-1]], dtype)
    positive = np.resize([1.0, -1.0, 2.0], shape).astype(dtype)

    def step(x, c):
        return F.where(F.greater(c, 0), x * 1, 0)

    compiled = lamina.compile(step, backend="replay")
    expected = step(x, positive).numpy()
    for _ in range(3):
        assert compiled(x, positive).numpy().tobytes() == expected.tobytes()
    assert "copyto(bits" in compiled.explain()


def test_a_learning_rate_is_read_once_a_run_and_a_changed_one_is_seen():
    models = [Linear(3, in_size=4) for _ in range(2)]
    models[1].W.data[...] = models[0].W.data
    x = np.ones((2, 4), np.float32)
    optimizers = [O.SGD(lr=0.1).setup(model) for model in models]

    def step_of(model, optimizer):
        def step(x):
            loss = F.sum(model(x) ** 2)
            model.cleargrads()
            loss.backward()
            optimizer.update()
            return loss

        return step

    eager = step_of(models[0], optimizers[0])
    compiled = lamina.compile(step_of(models[1], optimizers[1]), backend="replay")
    for rate in (0.1, 0.1, 0.1, 0.01, 0.03):
        for optimizer in optimizers:
            optimizer.lr = rate
        assert eager(x).item() == compiled(x).item()
    assert models[0].W.data.tobytes() == models[1].W.data.tobytes()
    assert compiled.explain().count(".now()") == 1


def test_a_number_too_large_for_the_dtype_is_infinite_as_it_is_eager():
    x = np.ones(3, np.float16)

    def step(x):
        return F.minimum(x * 1e6, 7.0)

    compiled = lamina.compile(step, backend="replay")
    with np.errstate(over="ignore"):
        for _ in range(3):
            assert compiled(x).numpy().tolist() == step(x).numpy().tolist() == [7.0] * 3


NUMBERS = np.array([[-1.5, 0.0, 3.0], [0.0, -0.0, 2.0]])


@pytest.mark.parametrize(
    ("shapes", "dtype", "call"),
    [
        (((2, 3), (3, 4)), "float32", "dot"),
        (((2, 1), (1, 4)), "float64", "dot"),
        (((1, 1), (1, 4)), "float32", "matmul"),  # dot takes a single number as a factor
        (((2, 3), (3, 4)), "float16", "matmul"),  # none of BLAS
        (((5, 2, 3), (3, 4)), "float32", "dot"),  # one product of all rows
        (((5, 2, 3), (5, 3, 4)), "float32", "matmul"),
    ],
)
def test_a_product_of_matrices_without_gaps_is_the_cheaper_call(shapes, dtype, call):
    a, b = [np.resize(NUMBERS, shape).astype(dtype) for shape in shapes]

    def step(a, b):
        return F.matmul(a * 1, b * -1)

    compiled = lamina.compile(step, backend="replay")
    for _ in range(3):
        assert compiled(a, b).numpy().tobytes() == step(a, b).numpy().tobytes()
    assert f" {call}(a" in compiled.explain()


@pytest.mark.parametrize("transposed", [False, True])
def test_a_product_of_an_input_is_the_cheaper_call_in_runs_that_are_given_one_without_gaps(
    rng, transposed
):
    def step(x, t):
        return F.matmul(x.T, t) if transposed else F.matmul(x, t)

    x, t = rng.normal(size=(18, 18)), rng.normal(size=(9, 9))
    compiled = lamina.compile(step, backend="replay")
    for given in (x[:9, :9].copy(), x[:9, :9].copy(), x[::2, ::2], x[:9, :9], x[::2, 9:].T):
        assert compiled(given, t).numpy().tobytes() == step(given, t).numpy().tobytes()
    assert "v0_v1_product = dot if v0.flags.c_contiguous and v1.flags" in compiled.explain()
    assert f"v0_v1_product({'v2' if transposed else 'v0'}, v1, a" in compiled.explain()


def test_results_in_one_place_are_one_object_so_that_numpy_need_not_compare_them():
    step = lamina.compile(lambda x: F.exp(F.sin(F.tanh(x)) * 2), backend="replay")
    for _ in range(2):
        step(np.ones(5))
    assert "sin(a0, a0)" in step.explain()


@pytest.mark.parametrize("function", [F.maximum, F.minimum])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("number", [0, -0.0, 1.5, np.nan])
def test_the_larger_of_a_number_and_an_array_keeps_every_bit(function, turned, number):
    x = np.resize(np.array(SPECIAL, np.float32), (3, 45))

    def step(x):
        x = x.T * 1  # the result lies as NumPy lays it
        return function(number, x) if turned else function(x, number)

    compiled = lamina.compile(step, backend="replay")
    for _ in range(3):
        assert compiled(x).numpy().tobytes() == step(x).numpy().tobytes()


@pytest.mark.parametrize("shape", [(1,), (1, 1), ()])
def test_one_number_beside_an_array_is_given_without_axes(shape):
    b = lamina.Parameter(np.full(shape, 0.1, np.float32))
    x = np.resize(SPECIAL, (4, 3)).astype("f")
    step = lamina.compile(lambda x: F.exp(x) + b, backend="replay")
    for _ in range(3):
        assert step(x).numpy().tobytes() == step.function(x).numpy().tobytes()
    given = [c.cell_contents for c in step._traced()[0].emitted.run.__closure__]
    assert [x.shape for x in given if type(x) is np.ndarray and np.may_share_memory(x, b.data)] == [
        ()
    ]
    b.data[...] = 0.2  # a view of what is there, and no copy
    assert step(x).numpy().tobytes() == step.function(x).numpy().tobytes()


def test_what_is_made_of_constants_is_made_once():
    W = lamina.Parameter(np.arange(3.0))

    def step():
        loss = F.mean(W * W)
        W.cleargrad()
        loss.backward()
        return loss

    compiled = lamina.compile(step, backend="replay")
    for _ in range(3):
        compiled()
    assert W.grad is not None
    assert W.grad.numpy().tolist() == (2 * W.data / 3).tolist()
    assert compiled.explain().partition("def run")[2].count("multiply(") == 2


def test_clocks_change_no_bit_and_count_runs():
    @lamina.compile(backend="replay", profile=True)
    def step(x, t):
        return F.softmax_cross_entropy(F.tanh(x) @ x.T, t)

    x, t = np.linspace(-2, 2, 12, dtype=np.float32).reshape(4, 3), np.array([0, 3, 1, 2])
    expected = step.function(lamina.Variable(x), t).numpy().tobytes()
    for _ in range(5):
        assert step(lamina.Variable(x), t).numpy().tobytes() == expected
    [found] = step.described()
    assert {"tanh", "matmul", "SoftmaxCrossEntropy"} <= {row.what for row in found.rows}
    assert "clock" in found.source
    assert "[-1] += 1" in found.source
    assert all([row.seconds is not None for row in found.rows])


def test_without_clocks_there_are_none_in_the_source():
    step = lamina.compile(lambda x: F.sum(F.exp(x)), backend="replay")
    for _ in range(3):
        step(np.ones(5, np.float32))
    [found] = step.described()
    assert [row.what for row in found.rows] == ["exp", "sum"]
    assert [row.nbytes for row in found.rows] == [40, 24]
    assert [row.work for row in found.rows] == [5, 5]
    assert found.seconds is None
    assert "clock" not in found.source
