"""Every optimizer, step by step, against its formula written out once more."""

from __future__ import annotations

import numpy as np
import pytest

from lamina import Variable
from lamina import functions as F
from lamina import optimizers as O
from lamina.errors import DTypeError, RangeError
from optimizers.methods import METHODS, every_method
from optimizers.model import gradient, run, small

# -- the formulas, for one parameter -------------------------------------------------------------


def sgd(w, g, memory, t, lr):
    return w - lr * g


def momentum(w, g, memory, t, lr):
    memory["v"] = 0.8 * memory.get("v", 0) + g
    return w - lr * memory["v"]


def nesterov(w, g, memory, t, lr):
    memory["v"] = 0.8 * memory.get("v", 0) + g
    return w - lr * (g + 0.8 * memory["v"])


def adam_direction(g, memory, t):
    memory["m"] = 0.7 * memory.get("m", 0) + (1 - 0.7) * g
    memory["v"] = 0.95 * memory.get("v", 0) + (1 - 0.95) * g**2
    return memory["m"] / (1 - 0.7**t) / (np.sqrt(memory["v"] / (1 - 0.95**t)) + 1e-3)


def adam(w, g, memory, t, lr):
    return w - lr * adam_direction(g, memory, t)


def adamw(w, g, memory, t, lr):
    decay = 0.01 * w if w.ndim == 2 else 0
    return w - lr * (adam_direction(g, memory, t) + decay)


FORMULAS = {"SGD": sgd, "Momentum": momentum, "Nesterov": nesterov, "Adam": adam, "AdamW": adamw}


def expected(formula, start, steps, change=lambda g, w: g, lr=lambda step: 0.05):
    """The numbers after each step, in float64."""
    weights, memory = dict(start), {name: {} for name in start}
    seen = []
    for step in range(steps):
        for name, w in weights.items():
            g = change(gradient(name, w, step), w)
            weights[name] = formula(w, g, memory[name], step + 1, lr(step))
        seen.append(dict(weights))
    return seen


def check(optimizer, formula, rtol, dtype=np.float64, **options):
    model = small(dtype)
    wanted = expected(
        formula, {k: p.data.astype(np.float64) for k, p in model.params.items()}, 50, **options
    )
    for step, (got, want) in enumerate(zip(run(optimizer.setup(model), model, 50), wanted)):
        for name in want:
            np.testing.assert_allclose(
                got[name], want[name], rtol=rtol, atol=rtol, err_msg=f"{name} after step {step}"
            )


# float64: fifty steps of a few roundings each stay well under 1e-12
@pytest.mark.parametrize("name", FORMULAS)
def test_fifty_steps_follow_the_formula(name):
    check(METHODS[name](), FORMULAS[name], rtol=1e-12)


# float32 rounds to 6e-8; fifty steps of numbers around 1 add up to less than a hundred of these
@pytest.mark.parametrize("name", FORMULAS)
def test_fifty_steps_in_float32_stay_near_the_formula(name):
    check(METHODS[name](), FORMULAS[name], rtol=6e-6, dtype=np.float32)


# float16 rounds to 5e-4: the same hundred
@pytest.mark.parametrize("name", FORMULAS)
def test_fifty_steps_in_float16_stay_near_the_formula(name):
    check(METHODS[name](), FORMULAS[name], rtol=5e-2, dtype=np.float16)


@pytest.mark.parametrize("name", ["SGD", "Momentum", "Nesterov", "Adam"])
def test_weight_decay_is_added_to_the_gradients_of_matrices(name):
    check(
        METHODS[name](weight_decay=0.1),
        FORMULAS[name],
        rtol=1e-12,
        change=lambda g, w: g + 0.1 * w if w.ndim == 2 else g,
    )


@pytest.mark.parametrize("name", FORMULAS)
def test_a_schedule_gives_each_step_its_rate(name):
    optimizer = METHODS[name]()
    optimizer.lr = O.StepDecay(0.08, every=7, factor=0.5)
    check(optimizer, FORMULAS[name], rtol=1e-12, lr=lambda step: 0.08 * 0.5 ** (step // 7))


def test_sgd_with_momentum_is_momentum():
    a, b = small(), small()
    run(O.SGD(lr=0.1, momentum=0.7).setup(a), a, 5)
    run(O.Momentum(lr=0.1, momentum=0.7).setup(b), b, 5)
    assert a["l1/W"].data.tobytes() == b["l1/W"].data.tobytes()


def test_sgd_with_nesterov_is_nesterov():
    a, b = small(), small()
    run(O.SGD(lr=0.1, momentum=0.7, nesterov=True).setup(a), a, 5)
    run(O.Nesterov(lr=0.1, momentum=0.7).setup(b), b, 5)
    assert a["l1/W"].data.tobytes() == b["l1/W"].data.tobytes()


def test_the_first_step_of_adam_is_as_long_as_the_learning_rate():
    W = Variable(np.array([1.0, 1.0, 1.0]))
    optimizer = O.Adam(lr=0.5, eps=1e-30).setup([W])
    W.grad = np.array([1e-5, -3.0, 1e7])
    optimizer.update()
    np.testing.assert_allclose(W.data, [0.5, 1.5, 0.5], rtol=1e-12)  # a few roundings of float64


def test_a_parameter_that_joins_late_starts_adam_without_bias():
    early, late = Variable(np.zeros(2)), Variable(np.zeros(2))
    optimizer = O.Adam(lr=0.5, eps=1e-30).setup({"early": early, "late": late})
    for _ in range(10):
        early.grad = np.ones(2)
        optimizer.update()
    late.grad = np.full(2, 3.0)
    optimizer.update()
    np.testing.assert_allclose(late.data, -0.5, rtol=1e-12)  # a few roundings of float64


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@every_method
def test_parameters_keep_their_dtype(method, dtype):
    model = small(dtype)
    run(method(weight_decay=0.1, clip_norm=0.5, clip_value=0.5).setup(model), model, 2)
    assert {p.data.dtype for p in model.params.values()} == {np.dtype(dtype)}


@every_method
def test_a_learning_rate_from_numpy_is_as_weak_as_pythons(method):
    model = small(np.float32)
    optimizer = method().setup(model)
    optimizer.lr = np.float64(0.1)
    run(optimizer, model, 1)
    assert model["l1/W"].dtype == np.float32


@every_method
def test_parameters_keep_their_array(method):
    model = small()
    held = model["l1/W"].data
    flat = held.reshape(-1)
    run(method().setup(model), model, 3)
    assert model["l1/W"].data is held
    assert np.array_equal(flat, model["l1/W"].data.reshape(-1))


@every_method
def test_an_update_between_forward_and_backward_is_noticed(method):
    W = Variable(np.array([2.0, 3.0]))
    loss = F.sum(W * W)
    W.grad = np.ones(2)
    method().setup([W]).update()
    with pytest.raises(RuntimeError, match="was changed after it ran"):
        loss.backward()


def test_adam_in_float16_survives_gradients_whose_squares_vanish():
    W = Variable(np.ones(3, np.float16))
    optimizer = O.Adam(lr=0.25).setup([W])
    W.grad = np.full(3, 1e-4, np.float16)
    optimizer.update()
    assert W.data.tolist() == [0.75, 0.75, 0.75]


def test_complex_parameters_follow_plain_descent():
    W = Variable(np.array([1 + 1j]))
    optimizer = O.SGD(lr=0.5, clip_norm=10.0).setup([W])
    W.grad = np.array([1 - 1j])
    optimizer.update()
    assert W.data.tolist() == [0.5 + 1.5j]


def test_complex_gradients_are_clipped_by_their_length():
    W = Variable(np.array([0j]))
    optimizer = O.SGD(lr=1.0, clip_norm=1.0).setup([W])
    W.grad = np.array([3 + 4j])
    optimizer.update()
    np.testing.assert_allclose(W.data, [-0.6 - 0.8j], rtol=1e-15)  # one division


@pytest.mark.parametrize("make", [O.Adam, lambda: O.SGD(clip_value=1.0)])
def test_complex_parameters_are_refused_where_order_is_needed(make):
    W = Variable(np.array([1 + 1j]), name="W")
    W.grad = np.array([1 - 1j])
    optimizer = make().setup([W])
    with pytest.raises(DTypeError, match=r"W is complex128, and only real numbers"):
        optimizer.update()


# -- solving something ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "steps"),
    [
        (O.SGD(lr=0.1), 300),
        (O.Momentum(lr=0.03), 300),
        (O.Nesterov(lr=0.03), 300),
        (O.Adam(lr=O.Cosine(0.3, steps=600)), 600),
        (O.AdamW(lr=O.Cosine(0.3, steps=600), weight_decay=0.0), 600),
    ],
    ids=FORMULAS,
)
def test_each_finds_the_bottom_of_a_bowl(optimizer, steps):
    x = Variable(np.array([3.0, -4.0, 5.0]))
    bottom = np.array([1.0, 2.0, -1.0])
    optimizer.setup([x])
    for _ in range(steps):
        x.cleargrad()
        F.sum(np.array([1.0, 2.0, 4.0]) * (x - bottom) ** 2).backward()
        optimizer.update()
    assert abs(x.data - bottom).max() < 1e-4


# -- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lr", [-1, -1e-9, float("nan"), float("inf"), np.float32(-1)])
@every_method
def test_a_learning_rate_must_be_a_number_of_0_or_more(method, lr):
    with pytest.raises(RangeError, match=r"lr should be a finite number of 0 or more, got"):
        method().lr = lr


@pytest.mark.parametrize("lr", [True, "0.1", None, np.ones(1)])
def test_a_learning_rate_must_be_a_number_or_a_schedule(lr):
    with pytest.raises(DTypeError, match="SGD: lr should be a number, got"):
        O.SGD(lr=lr)


def test_a_schedule_that_gives_no_number_is_found_before_anything_changes():
    model = small()
    before = model["l1/W"].data.copy()
    optimizer = O.SGD(lr=lambda step: float("nan")).setup(model)
    with pytest.raises(RangeError, match=r"SGD: lr of <function .* should be a finite number"):
        run(optimizer, model, 1)
    assert np.array_equal(model["l1/W"].data, before)


def test_a_learning_rate_can_be_set_between_updates():
    W = Variable(np.array([1.0]))
    optimizer = O.SGD(lr=0.5).setup([W])
    W.grad = np.ones(1)
    optimizer.update()
    optimizer.lr = 0.25
    optimizer.update()
    assert W.data.tolist() == [0.25]


def test_lr_is_what_was_given_and_rate_is_its_number_now():
    W = Variable(np.array([1.0]))
    optimizer = O.SGD(lr=O.Exponential(1.0, factor=0.5)).setup([W])
    W.grad = np.ones(1)
    optimizer.update()
    assert optimizer.lr == O.Exponential(1.0, factor=0.5)
    assert optimizer.rate == 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: O.SGD(momentum=1.0), r"momentum should be below 1, got 1\.0"),
        (
            lambda: O.SGD(momentum=-0.1),
            r"momentum should be a finite number from 0 to 1, got -0\.1",
        ),
        (lambda: O.SGD(nesterov=True), r"SGD: nesterov needs a momentum, got 0\.0"),
        (lambda: O.Adam(beta1=1), r"beta1 should be below 1, got 1"),
        (lambda: O.Adam(beta2=-1), r"beta2 should be a finite number from 0 to 1, got -1"),
        (lambda: O.Adam(eps=0), r"eps should be over 0, got 0"),
        (lambda: O.SGD(weight_decay=-1), r"weight_decay should be a finite number of 0 or more"),
        (lambda: O.SGD(clip_norm=0), r"clip_norm should be over 0, got 0"),
        (
            lambda: O.SGD(clip_value=-2),
            r"clip_value should be a finite number of 0 or more, got -2",
        ),
    ],
)
def test_numbers_outside_their_range_are_refused(make, message):
    with pytest.raises(RangeError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: O.SGD(decay=3, weight_decay=1), "decay should be a glob, a function of"),
        (lambda: O.SGD(momentum=0.9, nesterov=1), "nesterov should be True or False, got 1"),
        (lambda: O.Optimizer(O.SGD, lr=1), "Optimizer: a chain is made of transformations, got"),
    ],
)
def test_things_of_the_wrong_kind_are_refused(make, message):
    with pytest.raises(DTypeError, match=message):
        make()


def test_an_optimizer_prints_its_chain():
    optimizer = O.SGD(lr=0.1, momentum=0.5, clip_norm=2.0, clip_value=3.0, weight_decay=0.25)
    assert repr(optimizer) == (
        "SGD(ClipValue(limit=3.0), ClipNorm(limit=2.0), AddDecay(rate=0.25, decay=None), "
        "AddMomentum(momentum=0.5, nesterov=False), lr=0.1)"
    )


def test_an_optimizer_without_a_chain_prints_its_learning_rate():
    assert repr(O.SGD(lr=O.Cosine(0.1, steps=3))) == "SGD(lr=Cosine(lr=0.1, steps=3, end=0.0))"


def test_two_links_that_remember_under_one_name_are_refused():
    W = Variable(np.ones(2))
    W.grad = np.ones(2)
    optimizer = O.Optimizer(O.AddMomentum(0.5), O.AddMomentum(0.6), lr=1.0).setup([W])
    with pytest.raises(AttributeError, match="both remember 'velocity'"):
        optimizer.update()


def test_a_transformation_of_ones_own_joins_the_chain():
    class Sign(O.Transformation):
        def apply(self, update, state, param, step):
            return np.sign(update)

    W = Variable(np.array([1.0, 1.0]))
    optimizer = O.Optimizer(Sign(), lr=0.5).setup([W])
    W.grad = np.array([-7.0, 0.1])
    optimizer.update()
    assert W.data.tolist() == [1.5, 0.5]


def test_every_public_optimizer_is_in_the_table():
    public = {
        name
        for name in O.__all__
        if isinstance(kind := getattr(O, name), type) and issubclass(kind, O.Optimizer)
    }
    tested = {type(make()).__name__ for make in METHODS.values()}
    # those have tests of their own: they take something else than a gradient
    assert public - tested == {"Optimizer", "Method", "SAM", "LBFGS", "Accumulate"}
