"""The memory of compiled steps: what is predicted is what is planned."""

from __future__ import annotations

import tracemalloc
from operator import itemgetter

import numpy as np
import pytest

import lamina
from lamina import Linear, Sequential
from lamina import functions as F
from lamina import optimizers as O
from lamina.insight import summary
from lamina.insight.memory import training_memory
from lamina.layers import RNN
from lamina.listen import Spec
from lamina.models import GPT, MLP

pytest.importorskip("llvmlite")

INT = np.dtype(np.int64)
MODELS = {
    "mlp": (lambda: MLP([300, 200, 10]), Spec((2000, 100), np.dtype(np.float32)), (2000,)),
    "gpt": (lambda: GPT(64, 64, 64, 2, 4), Spec((8, 64), INT), (8, 64)),
    "rnn": (
        lambda: Sequential(RNN(48), itemgetter(0), Linear(10)),
        Spec((8, 30, 20), np.dtype(np.float32)),
        (8, 30),
    ),
}


def scores(y, t):
    """Cross entropy along the last axis."""
    return F.softmax_cross_entropy(y.reshape(-1, y.shape[-1]), t.reshape(-1))


@pytest.mark.parametrize("name", MODELS)
def test_the_memory_of_a_compiled_step_is_what_was_planned(name):
    make, x, labelled = MODELS[name]
    t = Spec(labelled, INT)
    rng = np.random.default_rng(0)
    model = make()
    optimizer = O.Adam(lr=1e-3).setup(model)
    given = rng.random(x.shape, np.float32) if x.dtype.kind == "f" else rng.integers(0, 9, x.shape)
    labels = rng.integers(0, 9, t.shape)

    @lamina.compile(backend="native")
    def step(x, t):
        loss = scores(model(x), t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    for _ in range(2):
        step(given, labels)
    (run,) = [run for run in step._runs.values() if run is not None]
    found = training_memory(make(), [x], scores, [t], O.Adam(lr=1e-3), "native")
    assert found.parts["arena"] == run.emitted.memory.arena
    assert found.later == sum(found.parts.values())
    assert found.first == found.later == found.peak


def test_a_compiled_step_is_planned_without_an_array_of_its_size():
    tracemalloc.start()
    try:
        found = training_memory(
            MLP([2000, 10]),
            [(10**6, 500)],
            scores,
            [Spec((10**6,), INT)],
            O.Adam(lr=1e-3),
            "native",
        )
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.parts["arena"] > 4 * 10**6 * 2000
    assert (
        used < 2**26
    )  # 64 MB: the state of the optimizer, for a moment, and the compiler's objects


def test_planning_a_compiled_step_leaves_the_model_as_it_was():
    model = Sequential(Linear(5), F.relu, Linear(3))
    optimizer = O.Adam(lr=0.1).setup(model)
    training_memory(
        model, [(4, 6)], F.softmax_cross_entropy, [Spec((4,), INT)], optimizer, "native"
    )
    assert model[0].in_size is None
    model.build((4, 6))
    before = {n: (p.data, p.data.copy()) for n, p in model.named_params()}
    training_memory(
        model, [(4, 6)], F.softmax_cross_entropy, [Spec((4,), INT)], optimizer, "native"
    )
    for name, parameter in model.named_params():
        assert parameter.data is before[name][0]
        assert np.array_equal(parameter.data, before[name][1])
        assert parameter.grad is None


def test_the_largest_batch_of_a_compiled_step_fits_and_a_hundredth_more_does_not():
    def trained(n, **more):
        return summary(
            MLP([200, 10]), (n, 100), loss=F.softmax_cross_entropy, optimizer=O.Adam(lr=1e-3),
            backend="native", **more,
        )  # fmt: skip

    found = trained(32, memory="40 MiB")
    n = found.largest_batch
    assert n > 1000
    assert trained(n).memory.peak <= found.limit < trained(n + n // 100 + 1).memory.peak
