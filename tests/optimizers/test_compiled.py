"""Every optimizer in a compiled step: weights, losses and state as without, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

import lamina
from lamina import Linear, Sequential
from lamina import functions as F
from optimizers.methods import METHODS

rng = np.random.default_rng(3)
BATCHES = [
    (rng.standard_normal((5, 4)).astype(np.float32), rng.integers(0, 3, 5)) for _ in range(8)
]


def training(optimizer, dtype=np.float32):
    lamina.seed(3)
    model = Sequential(Linear(6, dtype=dtype), F.tanh, Linear(3, dtype=dtype))
    updates = optimizer.setup(model)

    def step(x, t):
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        updates.update()
        return loss

    return model, updates, step


def results(make, wrap, dtype):
    """Losses, weights and the state after all batches."""
    model, updates, step = training(make(), dtype)
    run = wrap(step)
    losses = [run(x.astype(dtype), t).item() for x, t in BATCHES]
    state = updates.state_dict()
    arrays = {name: a.tobytes() for name, a in state["arrays"].items()}
    weights = [p.data.tobytes() for p in model.params()]
    return losses, weights, arrays, state["scalars"]


def compiled(step):
    return lamina.compile(step, backend="replay")


# float16 is what makes the state wider than the parameter
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", METHODS)
def test_training_is_equal_to_the_last_bit(name, dtype):
    options = {"weight_decay": 0.1, "clip_norm": 0.5}

    def make():
        return METHODS[name](**options)

    assert results(make, compiled, dtype) == results(make, lambda step: step, dtype)


# those whose updates are more than products and sums: maxima, roots of means, kernels
@pytest.mark.parametrize("name", ["AdaDelta", "RMSprop, centered", "NAdam", "Shampoo"])
def test_native_training_agrees(name):
    pytest.importorskip("llvmlite")
    found, _, arrays, scalars = results(
        METHODS[name], lambda step: lamina.compile(step, backend="native"), np.float32
    )
    wanted, _, _, wanted_scalars = results(METHODS[name], lambda step: step, np.float32)
    # float32 rounds to 6e-8, and eight steps carry a few roundings of sums in another order on;
    # Shampoo's first matrices are of rank one, and it takes roots of their inverses
    tolerance = 1e-4 if name == "Shampoo" else 1e-5
    np.testing.assert_allclose(found, wanted, rtol=tolerance)
    assert scalars == wanted_scalars
    assert arrays


@pytest.mark.parametrize("backend", ["replay", "native"])
@pytest.mark.parametrize("name", METHODS)
def test_what_goes_on_from_a_saved_state_is_what_went_on_without_a_stop(name, backend):
    if backend == "native":
        pytest.importorskip("llvmlite")
    options = {"weight_decay": 0.1, "clip_norm": 0.5}

    def begun():
        model, updates, step = training(METHODS[name](**options))
        return model, updates, lamina.compile(step, backend=backend)

    model, updates, run = begun()
    for x, t in BATCHES[:4]:
        run(x, t)
    state, weights = updates.state_dict(), [p.data.copy() for p in model.params()]
    wanted = [run(x, t).item() for x, t in BATCHES[4:]]
    again, others, rerun = begun()
    again.build((5, 4))
    for p, array in zip(again.params(), weights):
        p.data = array
    others.load_state_dict(state)
    assert [rerun(x, t).item() for x, t in BATCHES[4:]] == wanted
    pairs = zip(model.params(), again.params(), strict=True)
    assert all(p.data.tobytes() == q.data.tobytes() for p, q in pairs)
