"""A compiled step does what the step does: losses, weights, gradients, state, to the last bit."""

from __future__ import annotations

import functools
import threading

import numpy as np
import pytest

import lamina
from lamina import Buffer, Layer, Linear, Parameter, Sequential, Variable, no_grad
from lamina import functions as F
from lamina import optimizers as O
from lamina.compiler import compile as compile_any

OPTIMIZERS = {
    "sgd": lambda: O.SGD(lr=0.1),
    "momentum": lambda: O.Momentum(lr=0.05),
    "nesterov": lambda: O.Nesterov(lr=0.05),
    "adam": lambda: O.Adam(lr=0.01),
    "adamw": lambda: O.AdamW(lr=0.01, weight_decay=0.1),
    "adam, clipped, on a schedule": lambda: O.Adam(
        lr=O.Warmup(O.Cosine(0.1, 20), 3), clip_norm=0.5, clip_value=0.1
    ),
}

compile = functools.partial(compile_any, backend="replay")
"""The same to the last bit; tests/compiler/native has the other backend."""


class Counting(Layer):
    """A Linear that counts its calls in a Buffer."""

    def __init__(self, size):
        super().__init__()
        self.inner = Linear(size)
        self.calls = Buffer(np.zeros(()))

    def forward(self, x):
        self.calls.data += 1
        return self.inner(x) * F.exp(-0.01 * self.calls)


def batches(count=8, size=5):
    rng = np.random.default_rng(7)
    return [
        (rng.standard_normal((size, 4)).astype(np.float32), rng.integers(0, 3, size))
        for _ in range(count)
    ]


def training(optimizer, dtype=np.float32):
    lamina.seed(3)
    model = Sequential(
        Linear(7, dtype=dtype), F.tanh, Counting(6), lambda x: F.dropout(x, 0.2), Linear(3, True)
    )
    updates = optimizer().setup(model)

    def step(x, t):
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        updates.update()
        return loss

    return model, updates, step


def contents(model, optimizer):
    arrays = [v.data.tobytes() for v in (*model.params(), *model.buffers())]
    grads = [p.grad.data.tobytes() for p in model.params()]
    return arrays, grads, optimizer.step, repr(optimizer.state_dict())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_is_equal_to_the_last_bit(name):
    model, updates, step = training(OPTIMIZERS[name])
    losses = [step(x, t).item() for x, t in batches()]
    expected = contents(model, updates)
    model, updates, step = training(OPTIMIZERS[name])
    compiled = compile(step)
    assert [compiled(x, t).item() for x, t in batches()] == losses
    assert contents(model, updates) == expected


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_dtypes_are_equal_too(dtype):
    runs = []
    for wrap in (lambda f: f, compile):
        model, updates, step = training(OPTIMIZERS["adam"], dtype)
        run = wrap(step)
        losses = [run(x.astype(dtype), t).item() for x, t in batches()]
        runs.append((losses, contents(model, updates)))
    assert runs[0] == runs[1]


def test_the_python_of_a_step_runs_three_times_and_then_never():
    calls = []

    @compile
    def step(x):
        calls.append(1)
        return F.sum(x * x)

    for i in range(10):
        assert step(Variable([float(i), 2.0])).item() == i * i + 4
    assert len(calls) == 3  # as it is, and heard twice


def test_inputs_may_be_arrays_variables_and_trees_of_them():
    @compile
    def step(pair, *, scale, options):
        return {"sum": pair[0] + pair[1].data * scale, "name": options["name"], "x": [pair[0]]}

    for i in range(4):
        a, b = Variable([1.0 * i]), Variable([2.0])
        found = step((a, b), scale=3, options={"name": "n"})
        assert found["sum"].data.tolist() == [i + 6.0]
        assert found["name"] == "n"
        assert found["x"][0].data.tolist() == [i]


def test_gradients_of_inputs_are_not_left_behind_but_of_parameters_they_are():
    W = Parameter(np.ones((2, 2)))

    @compile
    def step(x):
        F.sum(x @ W).backward()

    for _ in range(3):
        W.cleargrad()
        step(np.array([[1.0, 2.0]]))
    assert W.grad.data.tolist() == [[1, 1], [2, 2]]


def test_gradients_accumulate_over_calls():
    W = Parameter(np.ones(2))

    @compile
    def step(x):
        F.sum(x * W).backward()

    for _ in range(5):
        step(np.array([1.0, 2.0]))
    assert W.grad.data.tolist() == [5, 10]


def test_second_derivatives():
    W = Parameter(np.array([0.5, 2.0]))

    def step(x):
        y = F.sum(F.tanh(W * x))
        (g,) = lamina.gradients(y, [W], create_graph=True)
        W.cleargrad()
        F.sum(g * g).backward()
        return g

    x = np.array([1.0, 3.0])
    g, grad = step(x).data, W.grad.data
    compiled = compile(step)
    for _ in range(3):
        assert compiled(x).data.tolist() == g.tolist()
    assert W.grad.data.tolist() == grad.tolist()


def test_prediction_under_no_grad():
    model = Sequential(Linear(5), F.relu, Linear(2))
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    with no_grad():
        expected = model(x).data
        predict = compile(model)
        for _ in range(3):
            assert np.array_equal(predict(x).data, expected)


def test_a_backend_that_there_is_not():
    with pytest.raises(TypeError, match=r"backend should be one of .*'replay'.*, got 'gpu'"):
        compile_any(lambda x: x, backend="gpu")


def test_compile_is_a_decorator_with_options_and_keeps_the_name():
    @compile_any(backend="replay")
    def step(x):
        """Doubles."""
        return x * 2

    assert step.__name__ == "step"
    assert step.__doc__ == "Doubles."


def test_explain_shows_program_memory_and_source():
    @compile
    def step(x):
        return F.sum(F.exp(x) * 2.0)

    for _ in range(2):
        step(np.ones((3, 4)))
    text = step.explain()
    assert "%1: float64[3, 4] = exp(%0)" in text
    assert "buffers 104 bytes for 200 bytes of results" in text
    assert "exp(v0, a0)" in text


def test_a_million_numbers_take_the_memory_of_one_buffer():
    @compile
    def step(x):
        for _ in range(20):
            x = F.tanh(x) + 1.0
        return F.sum(x)

    with no_grad():
        for _ in range(2):
            step(np.ones(10**6, np.float32))
    assert "buffers 4,000,004 bytes for 160,000,004 bytes" in step.explain()


def test_threads_take_turns():
    @compile
    def step(x):
        return F.sum(F.exp(F.tanh(x) * 0.5) * x)

    xs = [np.full((50, 50), i / 10) for i in range(8)]
    expected = [step(x).item() for x in xs]
    found = {}

    def work(i):
        found[i] = [step(xs[i]).item() for _ in range(50)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[i] == [expected[i]] * 50 for i in range(8))


def test_calls_that_are_unlike_the_last_one_in_anything_get_their_own_program():
    @compile_any(backend="replay")
    def step(x, y=2.0):
        return F.exp(x) * y

    a, b = np.ones((2, 3)), np.full((2, 3), 5.0)
    v = Variable(b)
    others = [(a,), (a, 3.0), (a, v), (v, a), (a[:1], b[:1]), (a.astype("f"), b.astype("f"))]
    for other in others:
        for call in [(a, b), (a, b), (a, b), other, other, other]:
            assert step(*call).numpy().tobytes() == step.function(*call).numpy().tobytes()
    with pytest.raises(TypeError, match="takes from 1 to 2 positional arguments but 3"):
        step(a, a, a)
