"""Updates that take more than one gradient: SAM's two, and those that are accumulated."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

import lamina
from lamina import Linear, Parameter, Sequential
from lamina import functions as F
from lamina import optimizers as O
from lamina.errors import (
    CheckpointError,
    DTypeError,
    GraphError,
    RangeError,
    RegistrationError,
    StateMismatchError,
    TraceError,
)
from optimizers.model import Model, gradient, numbers, run, small

# -- SAM -----------------------------------------------------------------------------------------


def sam_steps(optimizer, model, count, start=0):
    optimizer.setup(model) if not start else None
    seen = []
    for step in range(start, start + count):
        model.set_gradients(step)
        optimizer.climb()
        model.set_gradients(step)
        optimizer.update()
        seen.append({name: p.data.copy() for name, p in model.params.items()})
    return seen


def expected_sam(weights, count, lr, momentum, rho, adaptive):
    """Algorithm 1, written out, with momentum descent."""
    velocity = {name: 0.0 for name in weights}
    seen = []
    for step in range(count):
        scale = {k: abs(w) if adaptive else np.ones_like(w) for k, w in weights.items()}
        scaled = {k: scale[k] * gradient(k, w, step) for k, w in weights.items()}
        norm = np.linalg.norm(np.concatenate([x.ravel() for x in scaled.values()]))
        worse = {k: w + rho * scale[k] * scaled[k] / norm for k, w in weights.items()}
        for k in weights:
            velocity[k] = momentum * velocity[k] + gradient(k, worse[k], step)
        weights = {k: w - lr * velocity[k] for k, w in weights.items()}
        seen.append(weights)
    return seen


@pytest.mark.parametrize("adaptive", [False, True])
def test_fifty_steps_of_sam_follow_the_paper(adaptive):
    model = small()
    start = {k: p.data.copy() for k, p in model.params.items()}
    wanted = expected_sam(start, 50, 0.05, 0.8, 0.3, adaptive)
    optimizer = O.SAM(O.Momentum(lr=0.05, momentum=0.8), rho=0.3, adaptive=adaptive)
    for step, (got, want) in enumerate(zip(sam_steps(optimizer, model, 50), wanted)):
        for name in want:  # fifty steps of a few roundings each in float64
            np.testing.assert_allclose(
                got[name], want[name], rtol=1e-11, atol=1e-11, err_msg=f"{name} after {step}"
            )


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_sam_keeps_dtype_and_array(dtype):
    model = small(dtype)
    held = model["l1/W"].data
    sam_steps(O.SAM(O.Adam(lr=0.1), adaptive=True), model, 3)
    assert model["l1/W"].data is held
    assert held.dtype == dtype


def test_sam_that_does_not_climb_is_the_optimizer_inside():
    here, there = small(), small()
    sam_steps(O.SAM(O.Adam(lr=0.1), rho=0.0), here, 5)
    run(O.Adam(lr=0.1).setup(there), there, 5)
    assert numbers(here) == numbers(there)


def test_sam_comes_back_to_where_it_was_to_the_last_bit():
    model = small(np.float32)
    optimizer = O.SAM(O.SGD(lr=0.0), rho=0.3).setup(model)
    before = numbers(model)
    model.set_gradients(0)
    optimizer.climb()
    assert numbers(model) != before
    optimizer.update()
    assert numbers(model) == before


def test_sam_stays_where_the_gradient_is_0():
    W = Parameter(np.ones(3))
    optimizer = O.SAM(O.SGD(lr=0.1)).setup({"W": W})
    W.grad = np.zeros(3)
    optimizer.climb()
    assert W.data.tolist() == [1, 1, 1]


def test_sam_resumes_to_the_last_bit():
    def make():
        return O.SAM(O.Momentum(lr=0.1), rho=0.2)

    whole, model = small(), small()
    sam_steps(make(), whole, 6)
    optimizer = make()
    sam_steps(optimizer, model, 3)
    resumed = make().setup(model)
    resumed.load_state_dict(optimizer.state_dict())
    sam_steps(resumed, model, 3, start=3)
    assert numbers(model) == numbers(whole)


@pytest.mark.parametrize("adaptive", [False, True])
def test_both_halves_of_sam_in_a_compiled_step_are_equal_to_the_last_bit(adaptive):
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    found = []
    for wrap in (lambda f: f, lamina.compile(backend="replay")):
        lamina.seed(1)
        model = Sequential(Linear(5), F.tanh, Linear(2))
        optimizer = O.SAM(O.Adam(lr=0.05), rho=0.2, adaptive=adaptive).setup(model)

        @wrap
        def step(x, model=model, optimizer=optimizer):
            loss = F.sum(model(x) ** 2)
            model.cleargrads()
            loss.backward()
            optimizer.climb()
            worse = F.sum(model(x) ** 2)
            model.cleargrads()
            worse.backward()
            optimizer.update()
            return loss, worse

        losses = [[loss.item() for loss in step(x)] for _ in range(6)]
        found.append((losses, [p.data.tobytes() for p in model.params()]))
    assert found[0] == found[1]
    assert all(worse > loss for loss, worse in found[0][0])


def test_sam_solves_rosenbrock_in_4000_steps():
    W = Parameter(np.array([-1.2, 1.0]))

    def slope():
        x, y = W.data
        W.grad = np.array([-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)])

    optimizer = O.SAM(O.Momentum(lr=3e-4, momentum=0.95), rho=1e-3).setup({"W": W})
    for _ in range(4000):
        slope()
        optimizer.climb()
        slope()
        optimizer.update()
    assert abs(W.data - 1).max() < 0.04


def test_sam_climbs_once():
    model = small()
    optimizer = O.SAM(O.SGD()).setup(model)
    model.set_gradients(0)
    optimizer.climb()
    with pytest.raises(GraphError, match=r"SAM\.climb: it is up already; call update\(\) first"):
        optimizer.climb()


def test_sam_climbs_before_it_updates():
    model = small()
    optimizer = O.SAM(O.SGD()).setup(model)
    model.set_gradients(0)
    with pytest.raises(GraphError, match=r"SAM\.update: call climb\(\) and compute gradients"):
        optimizer.update()


def test_a_program_that_came_to_nothing_leaves_sam_at_the_bottom():
    model = small()
    optimizer = O.SAM(O.SGD()).setup(model)
    model.set_gradients(0)

    @lamina.compile(backend="replay")
    def step(x):
        optimizer.climb()
        if step.reads:
            return float(x.sum())
        optimizer.update()
        return x

    step.reads = False
    step(np.ones(2))
    step.reads = True
    with pytest.raises(TraceError, match="float"):
        step(np.ones(2))
    optimizer.climb()
    optimizer.update()


# -- Accumulate ----------------------------------------------------------------------------------


def test_an_update_sees_the_mean_of_the_gradients():
    here, there = small(), small()
    optimizer = O.Accumulate(O.Adam(lr=0.1), steps=3).setup(here)
    wanted = O.Adam(lr=0.1).setup(there)
    for update in range(4):
        grads = [
            {k: gradient(k, p.data, 3 * update + i) for k, p in here.params.items()}
            for i in range(3)
        ]
        before = numbers(here)
        for i, grad in enumerate(grads):
            assert numbers(here) == before
            assert optimizer.waiting == i
            for name, p in here.params.items():
                p.grad = grad[name]
            optimizer.update()
        for name, p in there.params.items():
            p.grad = sum(g[name] for g in grads) / 3
        wanted.update()
        for name in here.params:  # sums in another order would round otherwise; these do not
            assert np.array_equal(here[name].data, there[name].data)
    assert optimizer.step == 4


def test_a_parameter_without_gradient_counts_as_0():
    model = Model(a=Parameter(np.zeros(1)), b=Parameter(np.zeros(1)))
    optimizer = O.Accumulate(O.SGD(lr=1.0), steps=2).setup(model)
    model["a"].grad = np.ones(1)
    optimizer.update()
    model["a"].grad, model["b"].grad = None, np.full(1, 4.0)
    optimizer.update()
    assert (model["a"].item(), model["b"].item()) == (-0.5, -2.0)


def test_float16_gradients_add_up_in_float32():
    W = Parameter(np.zeros(1, np.float16))
    optimizer = O.Accumulate(O.SGD(lr=1.0), steps=4).setup({"W": W})
    for value in (4096.0, 1.0, 1.0, 2.0):  # in float16 4096 + 1 is 4096
        W.grad = np.array([value], np.float16)
        optimizer.update()
    assert W.grad.data.tolist() == [1025.0]
    assert W.dtype == np.float16


@pytest.mark.parametrize("steps_before", [3, 4, 5])
def test_accumulation_resumes_in_the_middle_to_the_last_bit(steps_before):
    def make():
        return O.Accumulate(O.Momentum(lr=0.1), steps=3)

    whole, model = small(), small()
    run(make().setup(whole), whole, 9)
    optimizer = make().setup(model)
    run(optimizer, model, steps_before)
    saved = optimizer.state_dict()
    scalars = json.loads(json.dumps(saved["scalars"]))
    resumed = make().setup(model)
    resumed.load_state_dict({"arrays": copy.deepcopy(saved["arrays"]), "scalars": scalars})
    run(resumed, model, 9 - steps_before, start=steps_before)
    assert numbers(model) == numbers(whole)


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (lambda s: None, CheckpointError, r"should get what state_dict\(\) gave, got None"),
        (lambda s: s["scalars"].update(waiting=3), CheckpointError, "waiting should be from 0 to"),
        (lambda s: s["scalars"].update(waiting=True), CheckpointError, "waiting should be from 0"),
        (lambda s: s["scalars"].update(sums=3), CheckpointError, "sums should be a list of names"),
        (lambda s: s["arrays"].pop("l1/W.sum"), StateMismatchError, r"l1/W\.sum fits no param"),
        (lambda s: s["scalars"].update(sums=["l9"]), StateMismatchError, r"l9\.sum fits no param"),
    ],
)
def test_a_damaged_state_is_refused(damage, error, message):
    model = small()
    optimizer = O.Accumulate(O.Momentum(lr=0.1), steps=3).setup(model)
    run(optimizer, model, 4)
    saved = optimizer.state_dict()
    if damage(saved) is None and "None" in message:
        saved = None
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(saved)


def test_an_accumulating_update_cannot_be_part_of_a_compiled_step():
    model = small()
    optimizer = O.Accumulate(O.SGD(), steps=2).setup(model)
    model.set_gradients(0)

    @lamina.compile
    def step(x):
        optimizer.update()
        return x

    step(np.ones(1))
    with pytest.raises(TraceError, match=r"Accumulate\.update cannot be part of a compiled step"):
        step(np.ones(1))


def test_two_compiled_functions_accumulate_to_the_same_bits():
    rng = np.random.default_rng(2)
    batches = [rng.standard_normal((4, 3)).astype(np.float32) for _ in range(12)]
    found = []
    for wrap in (lambda f: f, lamina.compile(backend="replay")):
        lamina.seed(1)
        model = Sequential(Linear(5), F.tanh, Linear(2))
        optimizer = O.Adam(lr=0.05).setup(model)

        @wrap
        def backward(x, model=model):
            loss = F.sum(model(x) ** 2) / 3
            loss.backward()
            return loss

        @wrap
        def update(model=model, optimizer=optimizer):
            optimizer.update()
            model.cleargrads()

        losses = []
        for i, x in enumerate(batches):
            losses.append(backward(x).item())
            if i % 3 == 2:
                update()
        found.append((losses, [p.data.tobytes() for p in model.params()]))
    assert found[0] == found[1]


def test_one_compiled_step_of_several_batches_accumulates_to_the_same_bits():
    rng = np.random.default_rng(2)
    batches = [rng.standard_normal((3, 4, 3)).astype(np.float32) for _ in range(5)]
    found = []
    for wrap in (lambda f: f, lamina.compile(backend="replay")):
        lamina.seed(1)
        model = Sequential(Linear(5), F.tanh, Linear(2))
        optimizer = O.Adam(lr=0.05).setup(model)

        @wrap
        def step(xs, model=model, optimizer=optimizer):
            model.cleargrads()
            for x in xs:
                loss = F.sum(model(x) ** 2) / len(xs)
                loss.backward()
            optimizer.update()
            return loss

        losses = [step(x).item() for x in batches]
        found.append((losses, [p.data.tobytes() for p in model.params()]))
    assert found[0] == found[1]


# -- both ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: O.SAM(O.SGD(), rho=-1), RangeError, "SAM: rho should be a finite number of 0 or"),
        (lambda: O.SAM(O.SGD(), adaptive=1), DTypeError, "SAM: adaptive should be True or False"),
        (lambda: O.SAM(3), DTypeError, "SAM: should get an optimizer, got 3"),
        (
            lambda: O.SAM(O.SGD().setup(small())),
            RegistrationError,
            "SAM: the SGD inside was set up already; call setup of the SAM only",
        ),
        (
            lambda: O.Accumulate(O.SGD(), steps=0),
            RangeError,
            "Accumulate: steps should be an integer of 1 or more, got 0",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_wrappers_keep_the_groups_of_the_optimizer_inside():
    inner = O.SGD(lr=0.5, groups={"*/b": {"scale": 0.5}})
    assert O.SAM(inner).setup(small()).rate_of("l1/b") == 0.25
    inner = O.SGD(lr=0.5, groups={"*/b": {"scale": 0.5}})
    assert O.Accumulate(inner, steps=2).setup(small()).rate_of("l1/b") == 0.25


def test_an_accumulating_optimizer_prints_its_steps():
    assert repr(O.Accumulate(O.SGD(lr=0.5), steps=2)) == "Accumulate(lr=0.5, steps=2)"
