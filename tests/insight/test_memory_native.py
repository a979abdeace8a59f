"""The memory of compiled steps: what is predicted is what is planned."""

from __future__ import annotations

import tracemalloc
from operator import itemgetter

import numpy as np
import pytest

import lamina
from fixtures.step import step_of
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


def trained(name, backend):
    """A step that was called three times."""
    make, x, labelled = MODELS[name]
    t = Spec(labelled, INT)
    rng = np.random.default_rng(0)
    model = make()
    step = step_of(model, O.Adam(lr=1e-3).setup(model), scores)
    given = rng.random(x.shape, np.float32) if x.dtype.kind == "f" else rng.integers(0, 9, x.shape)
    labels = rng.integers(0, 9, t.shape)
    compiled = lamina.compile(step, backend=backend)
    for _ in range(3):
        compiled(given, labels)
    return compiled


def emitted(step):
    (run,) = [run for run in step._runs.values() if run is not None]
    return run.emitted


@pytest.mark.parametrize("name", MODELS)
def test_the_memory_of_a_compiled_step_is_what_was_planned(name):
    make, x, labelled = MODELS[name]
    step = trained(name, "native")
    found = training_memory(make(), [x], scores, [Spec(labelled, INT)], O.Adam(lr=1e-3), "native")
    assert found.parts["arena"] == emitted(step).memory.arena
    assert found.later == sum(found.parts.values())
    assert found.first == found.later == found.peak


@pytest.mark.parametrize("name", MODELS)
def test_the_memory_of_a_replayed_step_is_what_was_planned(name):
    make, x, labelled = MODELS[name]
    replay = emitted(trained(name, "replay"))
    names = zip(replay.run.__code__.co_freevars, replay.run.__closure__)
    masks = sum(cell.cell_contents.nbytes for name, cell in names if name.startswith("bits"))
    constants = sum(replay.plan.arrays[value].nbytes for value in replay.plan.constants)
    found = training_memory(make(), [x], scores, [Spec(labelled, INT)], O.Adam(lr=1e-3), "replay")
    assert found.parts["arena"] == replay.plan.arena + masks + constants
    assert found.peak == max(found.first, found.later)
    assert found.later > found.parts["arena"]


@pytest.mark.parametrize("backend", ["replay", "native"])
def test_a_compiled_step_is_planned_without_an_array_of_its_size(backend):
    tracemalloc.start()
    try:
        found = training_memory(
            MLP([2000, 10]),
            [(10**6, 500)],
            scores,
            [Spec((10**6,), INT)],
            O.Adam(lr=1e-3),
            backend,
        )
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.parts["arena"] > 4 * 10**6 * 2000
    assert (
        used < 2**26
    )  # 64 MB: the state of the optimizer, for a moment, and the compiler's objects


@pytest.mark.parametrize("backend", ["replay", "native"])
def test_planning_a_compiled_step_leaves_the_model_as_it_was(backend):
    model = Sequential(Linear(5), F.relu, Linear(3))
    optimizer = O.Adam(lr=0.1).setup(model)
    training_memory(model, [(4, 6)], F.softmax_cross_entropy, [Spec((4,), INT)], optimizer, backend)
    assert model[0].in_size is None
    model.build((4, 6))
    before = {n: (p.data, p.data.copy()) for n, p in model.named_params()}
    training_memory(model, [(4, 6)], F.softmax_cross_entropy, [Spec((4,), INT)], optimizer, backend)
    for name, parameter in model.named_params():
        assert parameter.data is before[name][0]
        assert np.array_equal(parameter.data, before[name][1])
        assert parameter.grad is None


@pytest.mark.parametrize(("backend", "times"), [("eager", 2), ("replay", 3), ("native", 3)])
def test_a_step_is_heard_no_more_often_than_its_memory_needs(backend, times):
    heard = []  # by the compiler twice, after once for what lasts

    def loss(y, t):
        heard.append(backend)
        return F.softmax_cross_entropy(y, t)

    training_memory(MLP([5, 3]), [(4, 6)], loss, [Spec((4,), INT)], O.Adam(lr=0.1), backend)
    assert len(heard) == times


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
