"""The first call of a native step is heard, although parameters and state are made by it."""

from __future__ import annotations

import numpy as np
import pytest

import lamina
from lamina import Linear, Sequential
from lamina import functions as F
from lamina import optimizers as O
from lamina.compiler.trace import trace
from lamina.errors import ShapeError, TraceError
from lamina.layers import BatchNorm

pytest.importorskip("llvmlite")

x = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)


def trainer(model, optimizer, backend="native"):
    @lamina.compile(backend=backend)
    def step(x):
        loss = F.mean(model(x) ** 2)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    return step


def programs(step):
    return step.explain().partition("\n")[0]


@pytest.mark.parametrize("in_size", [None, 3], ids=["lazy", "planned"])
@pytest.mark.parametrize("method", [O.SGD, O.Adam, O.RMSprop])
def test_a_first_call_is_heard_although_numbers_have_to_be_made(in_size, method):
    model = Sequential(Linear(4, in_size=in_size), BatchNorm())
    step = trainer(model, method(lr=0.1).setup(model))
    step(x)
    assert programs(step) == "1 program"


def test_a_first_call_that_cannot_be_heard_runs_as_it_is_on_the_same_numbers():
    lamina.seed(1)
    model = Linear(4)

    @lamina.compile(backend="native")
    def step(x):
        y = model(x)
        float(y.data.sum())
        return y

    y = step(x)
    assert programs(step) == "0 programs"
    lamina.seed(1)
    assert Linear(4)(x).data.tobytes() == y.data.tobytes()


def test_what_cannot_be_heard_leaves_no_size_behind():
    model = Linear(4)

    def step(x):
        if model(x).data.sum() > 0:
            raise AssertionError

    with pytest.raises(TraceError, match="bool"):
        trace(step, (x,), {})
    assert [p.state for p in model.params()] == ["lazy", "ready"]
    assert model(x[:, :2]).shape == (6, 4)


@pytest.mark.parametrize("method", [O.SGD, O.Adam])
def test_the_program_of_the_first_call_is_that_of_all_others(method):
    model = Linear(4, in_size=3)
    step = trainer(model, method(lr=0.1).setup(model))
    step(x)
    (first,) = step._runs.values()
    model.cleargrads()
    for _ in range(3):
        step(x)
    assert list(step._runs.values()) == [first]


def test_a_step_that_adds_to_gradients_is_heard_anew_when_there_are_some():
    def added(backend):
        lamina.seed(1)
        model = Linear(4, in_size=3)

        @lamina.compile(backend=backend)
        def step(x):
            F.sum(model(x)).backward()

        for _ in range(3):
            step(x)
        return model.b.grad.data.tolist()

    assert added("native") == added("replay") == [18.0] * 4


def test_an_average_that_starts_from_changed_weights_starts_as_it_does_elsewhere():
    def averages(backend):
        lamina.seed(1)
        model = Linear(4, in_size=3)
        optimizer, average = O.SGD(lr=0.1).setup(model), O.EMA(0.5).setup(model)

        @lamina.compile(backend=backend)
        def step(x):
            model.cleargrads()
            F.mean(model(x) ** 2).backward()
            optimizer.update()
            average.update()

        for _ in range(3):
            step(x)
        return average.state_dict()["arrays"]

    for name, array in averages("replay").items():
        # float32, a few steps
        assert np.allclose(averages("native")[name], array, rtol=1e-6, atol=1e-7), name


def test_a_lazy_model_starts_from_the_same_numbers():
    models = []
    for backend in ("replay", "native"):
        lamina.seed(1)
        model = Sequential(Linear(4), F.tanh, Linear(2))
        trainer(model, O.SGD(lr=0.0).setup(model), backend)(x)
        models.append([p.data.tobytes() for p in model.params()])
    assert models[0] == models[1]


def test_with_state_there_the_first_call_is_heard():
    model = Linear(4, in_size=3)
    optimizer = O.Adam(lr=0.1).setup(model)
    trainer(model, optimizer)(x)
    again = trainer(model, optimizer)
    again(x)
    assert programs(again) == "1 program"
    again(x[:2])  # a smaller last batch
    assert programs(again) == "2 programs"


def test_one_step_for_the_first_time_or_the_third_rounds_alike():
    def trained(steps):
        """What the weights are when that many steps of three are those of another function."""
        lamina.seed(1)
        model = Sequential(Linear(40), F.tanh, Linear(4))
        optimizer = O.Adam(lr=0.1).setup(model)
        first, second = trainer(model, optimizer), trainer(model, optimizer)
        for n in range(3):
            (first if n < steps else second)(x)
        return [p.data.tobytes() for p in model.params()]

    assert trained(1) == trained(2) == trained(3)


def test_a_first_call_that_is_wrong_says_so_as_it_always_does():
    model = Linear(4, in_size=5)
    step = trainer(model, O.SGD(lr=0.1).setup(model))
    with pytest.raises(ShapeError, match="5") as caught:
        model(x)
    with pytest.raises(ShapeError) as compiled:
        step(x)
    assert str(compiled.value) == str(caught.value)
