"""The first call of a native step: heard if all that lasts is there, else run as it is."""

from __future__ import annotations

import numpy as np
import pytest

import lamina
from lamina import Linear, Sequential
from lamina import functions as F
from lamina import optimizers as O
from lamina.errors import ShapeError

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


@pytest.mark.parametrize("in_size", [None, 3], ids=["lazy", "ready"])
@pytest.mark.parametrize("method", [O.SGD, O.Adam])
def test_a_first_call_that_makes_state_runs_as_it_is(in_size, method):
    model = Linear(4, in_size=in_size)
    step = trainer(model, method(lr=0.1).setup(model))
    step(x)
    assert programs(step) == "0 programs"
    step(x)
    assert programs(step) == "1 program"


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
