"""L-BFGS: its steps, its line search, its state, and what it refuses."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import lamina
from lamina import Linear, Parameter, Sequential
from lamina import functions as F
from lamina import optimizers as O
from lamina.errors import DTypeError, GraphError, NonFiniteError, RangeError, TraceError
from lamina.optimizers.search import Point, strong_wolfe
from optimizers.model import Model, measured, numbers, small
from optimizers.test_references import REFERENCES


def two(dtype=np.float64):
    model = small(dtype)
    return Model(**{name: model[name] for name in ("l1/W", "l1/b")})


def rosenbrock(W):
    def measure():
        x, y = W.data
        W.grad = np.array([-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)])
        measure.count += 1
        return 100 * (y - x * x) ** 2 + (1 - x) ** 2

    measure.count = 0
    return measure


def test_fifty_steps_without_a_search_are_those_of_pytorch():
    model = two()
    optimizer = O.LBFGS(lr=0.1, memory=4, search=False).setup(model)
    measure = measured(model)
    for step, want in enumerate(REFERENCES["LBFGS"]["steps"]):
        optimizer.update(measure)
        for key, wanted in want.items():
            # the file has twelve digits, and fifty steps of roundings stay far below 1e-9
            np.testing.assert_allclose(
                model[key].data.ravel(), wanted, rtol=1e-9, atol=1e-9, err_msg=f"{key}, {step}"
            )


def test_rosenbrocks_valley_is_walked_in_50_steps():
    W = Parameter(np.array([-1.2, 1.0]))
    measure = rosenbrock(W)
    loss = O.LBFGS().setup({"W": W}).update(measure, iterations=50)
    assert loss < 1e-20
    np.testing.assert_allclose(W.data, 1.0, rtol=1e-9)  # the loss is about (1 - x)**2
    assert measure.count < 100


def test_one_step_at_a_time_is_the_same_walk():
    here, there = Parameter(np.array([-1.2, 1.0])), Parameter(np.array([-1.2, 1.0]))
    O.LBFGS().setup({"W": here}).update(rosenbrock(here), iterations=12)
    optimizer, measure = O.LBFGS().setup({"W": there}), rosenbrock(there)
    for _ in range(12):
        optimizer.update(measure)
    assert np.array_equal(here.data, there.data)


def test_a_bowl_of_n_numbers_is_solved_in_about_n_steps(rng):
    a = rng.standard_normal((8, 6))
    W = Parameter(np.zeros(6))

    def measure():
        W.grad = a.T @ (a @ W.data - 1)
        return float(((a @ W.data - 1) ** 2).sum() / 2)

    O.LBFGS().setup({"W": W}).update(measure, iterations=25)
    wanted = np.linalg.lstsq(a, np.ones(8))[0]
    np.testing.assert_allclose(W.data, wanted, rtol=1e-6)  # the loss is flat to 1e-12 there


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_parameters_keep_dtype_and_array(dtype):
    model = two(dtype)
    held = model["l1/W"].data
    O.LBFGS().setup(model).update(measured(model), iterations=3)
    assert model["l1/W"].data is held
    assert model["l1/W"].dtype == dtype


def test_loss_and_gradients_are_those_of_where_it_stands():
    model = two()
    measure = measured(model)
    loss = O.LBFGS().setup(model).update(measure, iterations=4)
    grad = model["l1/W"].grad.data.copy()
    assert measure() == loss
    assert np.array_equal(model["l1/W"].grad.data, grad)


@pytest.mark.parametrize("search", [True, False])
def test_a_run_resumes_to_the_last_bit(search):
    def make():
        return O.LBFGS(lr=0.5, memory=3, search=search)

    whole, model = two(), two()
    make().setup(whole).update(measured(whole), iterations=9)
    optimizer = make().setup(model)
    optimizer.update(measured(model), iterations=5)
    saved = optimizer.state_dict()
    arrays = {k: a.copy() for k, a in saved["arrays"].items()}
    resumed = make().setup(model)
    resumed.load_state_dict({"arrays": arrays, "scalars": json.loads(json.dumps(saved["scalars"]))})
    resumed.update(measured(model), iterations=4)
    assert numbers(model) == numbers(whole)


def test_at_the_bottom_it_stays():
    W = Parameter(np.array([1.0, 1.0]))
    optimizer, measure = O.LBFGS().setup({"W": W}), rosenbrock(W)
    assert optimizer.update(measure, iterations=5) == 0.0
    assert W.data.tolist() == [1.0, 1.0]
    assert measure.count == 1


def test_where_no_step_lowers_the_loss_it_stays_and_forgets():
    W = Parameter(np.array([2.0]))

    def measure():  # the gradient points the wrong way
        W.grad = -2 * W.data
        return W.data.item() ** 2

    optimizer = O.LBFGS(tries=6).setup({"W": W})
    assert optimizer.update(measure, iterations=3) == 4.0
    assert W.data.tolist() == [2.0]
    assert not optimizer.state_dict()["arrays"]["W.rho"].any()


def test_a_loss_that_explodes_on_the_way_is_stepped_back_from():
    W = Parameter(np.array([0.5]))

    def measure():
        x = W.data.item()
        W.grad = np.array([math.inf if x <= 0 else 1 - 1 / x])
        return math.inf if x <= 0 else x - math.log(x)

    O.LBFGS(lr=100.0).setup({"W": W}).update(measure, iterations=30)
    assert abs(W.item() - 1) < 1e-6


def test_only_the_last_pairs_are_kept():
    model = two()
    optimizer = O.LBFGS(memory=3).setup(model)
    optimizer.update(measured(model), iterations=8)
    arrays = optimizer.state_dict()["arrays"]
    assert arrays["l1/W.s"].shape == (3, 3, 2)
    assert arrays["l1/W.rho"].all()


def test_the_function_may_be_compiled():
    x = np.linspace(-1, 1, 24).reshape(8, 3)
    t = np.sin(3 * x[:, :2])
    found = []
    for wrap in (lambda f: f, lamina.compile(backend="replay")):
        lamina.seed(1)
        model = Sequential(Linear(5, dtype=np.float64), F.tanh, Linear(2, dtype=np.float64))
        model(x)

        @wrap
        def measure(model=model):
            loss = F.sum((model(x) - t) ** 2)
            model.cleargrads()
            loss.backward()
            return loss

        optimizer = O.LBFGS().setup(model)
        losses = [optimizer.update(measure) for _ in range(6)]
        found.append((losses, [p.data.tobytes() for p in model.params()]))
    assert found[0] == found[1]
    assert found[0][0][-1] < found[0][0][0]


def test_an_update_cannot_be_part_of_a_compiled_step():
    W = Parameter(np.array([-1.2, 1.0]))
    optimizer = O.LBFGS().setup({"W": W})

    @lamina.compile
    def step(x):
        optimizer.update(rosenbrock(W))
        return x

    step(np.ones(1))
    with pytest.raises(TraceError, match=r"LBFGS\.update cannot be part of a compiled step: it re"):
        step(np.ones(1))


@pytest.mark.parametrize("measure", [None, 3])
def test_without_a_function_it_says_what_it_needs(measure):
    with pytest.raises(DTypeError, match=r"LBFGS\.update: should get a function that clears"):
        O.LBFGS().setup(two()).update(measure)


def test_a_function_that_returns_nothing_is_refused():
    with pytest.raises(DTypeError, match="the function should return the loss, got NoneType"):
        O.LBFGS().setup(two()).update(lambda: None)


def test_a_function_that_computes_no_gradient_is_noticed():
    with pytest.raises(GraphError, match=r"LBFGS\.update: no parameter has a gradient"):
        O.LBFGS().setup(two()).update(lambda: 1.0)


def test_a_loss_that_is_no_number_at_the_start_is_refused():
    with pytest.raises(NonFiniteError, match=r"LBFGS\.update: the loss is nan before the first"):
        O.LBFGS().setup(two()).update(lambda: math.nan)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: O.LBFGS(memory=0), RangeError, "memory should be an integer of 1 or more, got 0"),
        (lambda: O.LBFGS(search=1), DTypeError, "LBFGS: search should be True or False, got 1"),
        (lambda: O.LBFGS(c1=0.95), RangeError, r"LBFGS: should have 0 < c1 < c2 < 1, got 0\.95"),
        (lambda: O.LBFGS(tries=0), RangeError, "LBFGS: tries should be an integer of 1 or more"),
        (
            lambda: O.LBFGS().setup(two()).update(lambda: 1.0, iterations=0),
            RangeError,
            "iterations should be an integer of 1 or more, got 0",
        ),
    ],
)
def test_arguments_outside_their_range_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


# -- the line search -----------------------------------------------------------------------------

CURVES = {
    "a bowl": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "far away": (lambda t: (t / 50 - 3) ** 2, lambda t: (t / 50 - 3) / 25),
    "close by": (lambda t: (1e3 * t - 3) ** 2, lambda t: 2e3 * (1e3 * t - 3)),
    "waves": (lambda t: math.cos(3 * t) - 0.3 * t, lambda t: -3 * math.sin(3 * t) - 0.3),
    "a valley behind a hill": (
        lambda t: t**4 - 4 * t**3 + 4 * t**2 - 0.5 * t,
        lambda t: 4 * t**3 - 12 * t**2 + 8 * t - 0.5,
    ),
    "moré and thuente 1": (  # their first test function, with beta = 2
        lambda t: -t / (t * t + 2),
        lambda t: (t * t - 2) / (t * t + 2) ** 2,
    ),
    "a wall": (
        lambda t: -2 * t - math.log(2 - t) if t < 2 else math.inf,
        lambda t: -2 + 1 / (2 - t) if t < 2 else math.inf,
    ),
}


@pytest.mark.parametrize("first", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("c2", [0.1, 0.9])
@pytest.mark.parametrize("name", CURVES)
def test_what_is_found_meets_both_conditions(name, c2, first):
    loss, slope = CURVES[name]

    def at(t):
        return Point(t, loss(t), slope(t))

    start = at(0.0)
    assert start.slope < 0
    found = strong_wolfe(at, start, first, 1e-4, c2, tries=60)
    assert found == at(found.t)
    assert found.loss <= start.loss + 1e-4 * found.t * start.slope
    assert abs(found.slope) <= c2 * abs(start.slope)


def test_a_search_does_not_measure_more_often_than_told():
    count = []

    def at(t):
        count.append(t)
        return Point(t, 1.0 + t, -1.0)  # never lower, whatever the slope says

    assert strong_wolfe(at, Point(0.0, 1.0, -1.0), 1.0, 1e-4, 0.9, tries=7) == (0.0, 1.0, -1.0)
    assert len(count) == 7
