"""Whose parameters: names, what may be among them, and what happens when the model changes."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

from lamina import Buffer, Parameter, Variable
from lamina import functions as F
from lamina import optimizers as O
from lamina.errors import (
    DTypeError,
    GraphError,
    RegistrationError,
    ShapeError,
    UninitializedError,
)
from optimizers.model import Model, numbers, run, small
from optimizers.test_methods import every_method


def two():
    return Model(W=Parameter(np.ones((3, 2))), b=Parameter(np.ones(2)))


def names(optimizer):
    return [name for name, _ in optimizer.named_params()]


# -- what can be set up --------------------------------------------------------------------------


def test_setup_gives_the_optimizer_back():
    optimizer = O.SGD()
    assert optimizer.setup(two()) is optimizer


def test_a_model_names_its_parameters():
    assert names(O.SGD().setup(two())) == ["W", "b"]


def test_a_dict_names_its_parameters():
    assert names(O.SGD().setup({"x": Variable([1.0]), "y": Variable([2.0])})) == ["x", "y"]


def test_pairs_name_their_parameters():
    assert names(O.SGD().setup(two().named_params())) == ["W", "b"]


def test_a_list_names_parameters_by_their_name_or_their_place():
    given = [Variable([1.0]), Parameter(np.ones(2), name="b"), Variable([3.0])]
    assert names(O.SGD().setup(given)) == ["0", "b", "2"]


def test_a_generator_of_parameters_will_do():
    assert names(O.SGD().setup(p for p in [Variable([1.0]), Variable([2.0])])) == ["0", "1"]


def test_t09_a_parameter_that_comes_twice_is_updated_once():
    W = Variable(np.ones(2))
    W.grad = np.ones(2)
    optimizer = O.SGD(lr=0.25).setup([("encoder/W", W), ("decoder/W", W)])
    optimizer.update()
    assert W.data.tolist() == [0.75, 0.75]
    assert names(optimizer) == ["encoder/W"]


def test_two_parameters_of_one_name_are_refused():
    with pytest.raises(RegistrationError, match=r"SGD\.setup: two parameters are called 'W'"):
        O.SGD().setup([("W", Variable([1.0])), ("W", Variable([2.0]))])


@pytest.mark.parametrize("empty", [Model(), {}, []])
def test_a_model_without_parameters_is_refused(empty):
    with pytest.raises(RegistrationError, match=r"Adam\.setup: there are no parameters in"):
        O.Adam().setup(empty)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Variable([1.0]), "should get a model, a dict, or a list of parameters, got Variable"),
        (3, "should get a model, a dict, or a list of parameters, got int"),
        ([np.ones(2)], "0 should be a Parameter, got ndarray"),
        ({"mean": Buffer(np.ones(2))}, "mean should be a Parameter, got Buffer"),
        ({1: Variable([1.0])}, "the name of a parameter should be text, got 1"),
        ({"": Variable([1.0])}, "the name of a parameter should be text, got ''"),
        ({"y": F.exp(Variable([1.0]))}, "y is the result of an operator and cannot be trained"),
    ],
)
def test_what_is_no_parameter_is_refused(given, message):
    with pytest.raises(DTypeError, match=rf"SGD\.setup: {message}"):
        O.SGD().setup(given)


# -- when there is nothing to do -----------------------------------------------------------------


@pytest.mark.parametrize("call", ["update", "state_dict"])
def test_before_setup_an_optimizer_says_so(call):
    with pytest.raises(UninitializedError, match=rf"SGD\.{call}: .*; call setup\(model\) first"):
        getattr(O.SGD(), call)()


def test_without_any_gradient_update_says_so():
    with pytest.raises(
        GraphError, match=r"SGD\.update: no parameter has a gradient; call loss\.backward\(\) first"
    ):
        O.SGD().setup(two()).update()


def test_where_all_is_frozen_update_says_so():
    model = two()
    for p in model.params.values():
        p.requires_grad = False
    with pytest.raises(GraphError, match="all parameters are frozen; unfreeze"):
        O.SGD().setup(model).update()


def test_an_update_that_failed_is_not_counted():
    optimizer = O.SGD().setup(two())
    with pytest.raises(GraphError, match="no parameter has a gradient"):
        optimizer.update()
    assert optimizer.step == 0


# -- frozen, unused and lazy parameters ----------------------------------------------------------


@every_method
def test_t60_a_frozen_parameter_without_gradient_is_left_alone(method):
    model = two()
    optimizer = method().setup(model)
    model["b"].requires_grad = False
    model["W"].grad = np.ones((3, 2))
    optimizer.update()
    assert model["b"].data.tolist() == [1.0, 1.0]


@every_method
def test_t60_a_parameter_frozen_in_mid_training_stays_where_it_is(method):
    model = two()
    optimizer = method(weight_decay=0.1).setup(model)
    run(optimizer, model, 3)
    before = model["W"].data.copy()
    model["W"].requires_grad = False  # its gradient is still there, and so is its momentum
    run(optimizer, model, 3)
    assert np.array_equal(model["W"].data, before)


def test_t60_an_unfrozen_parameter_is_trained_again():
    model = two()
    optimizer = O.Momentum(lr=1.0).setup(model)
    model["W"].requires_grad = False
    run(optimizer, model, 1)
    model["W"].requires_grad = True
    run(optimizer, model, 1)
    assert not np.array_equal(model["W"].data, np.ones((3, 2)))


def test_a_parameter_without_gradient_is_passed_over():
    model = two()
    model["b"].grad = np.ones(2)
    O.SGD(lr=1.0).setup(model).update()
    assert model["W"].data.tolist() == [[1.0, 1.0]] * 3
    assert model["b"].data.tolist() == [0.0, 0.0]


def test_a_lazy_parameter_can_be_set_up():
    W = Parameter(None, init=lambda shape, dtype, rng: np.ones(shape, dtype), dtype=np.float64)
    optimizer = O.Momentum(lr=0.5).setup({"W": W, "b": Parameter(np.ones(2))})
    W.plan((3, 1))
    W.grad = np.ones((3, 1))
    optimizer.update()
    assert W.data.tolist() == [[0.5]] * 3


def test_a_lazy_parameter_that_is_never_used_does_no_harm():
    b = Parameter(np.ones(2))
    optimizer = O.Adam().setup({"W": Parameter(None), "b": b})
    b.grad = np.ones(2)
    optimizer.update()
    assert optimizer.state_dict()["scalars"]["counts"] == {"W": 0, "b": 1}


# -- when the model changes ----------------------------------------------------------------------


def test_t61_state_is_kept_by_name():
    model = two()
    optimizer = O.Momentum(lr=1.0).setup(model)
    run(optimizer, model, 1)
    assert list(optimizer.state_dict()["arrays"]) == ["W.velocity", "b.velocity"]


def test_t61_a_new_parameter_never_inherits_the_momentum_of_one_that_is_gone():
    model = two()
    optimizer = O.Momentum(lr=1.0).setup(model)
    run(optimizer, model, 2)
    for _ in range(50):  # a freed object's id comes again almost at once
        model.params["W"] = Parameter(np.ones((3, 2)))
        optimizer.setup(model)
        model["W"].grad = np.zeros((3, 2))
        model["b"].grad = np.zeros(2)
        optimizer.update()
        assert model["W"].data.tolist() == [[1.0, 1.0]] * 3


@pytest.mark.parametrize("gradient", ["cleared", "stale"])
def test_t61_a_replaced_parameter_is_noticed_at_the_next_update(gradient):
    model = two()
    optimizer = O.SGD().setup(model)
    run(optimizer, model, 7)
    old = model["W"]
    model.params["W"] = Parameter(np.zeros((3, 2)))
    model.set_gradients(7)
    if gradient == "cleared":
        old.cleargrad()
    before = numbers(model)
    with pytest.raises(
        RegistrationError,
        match=r"SGD\.update: the model changed since setup: W is another parameter now; call setup",
    ):
        optimizer.update()
    assert numbers(model) == before


def test_a_parameter_that_left_the_model_is_noticed_at_the_next_update():
    model = two()
    optimizer = O.SGD().setup(model)
    run(optimizer, model, 7)
    del model.params["W"]
    with pytest.raises(RegistrationError, match="the model changed since setup: W is gone; call"):
        run(optimizer, model, 1)


@pytest.mark.parametrize("steps", [0, 1, 5, 70])
def test_an_added_parameter_is_noticed_within_64_updates(steps):
    model = two()
    optimizer = O.SGD().setup(model)
    run(optimizer, model, steps)
    model.params["V"] = Parameter(np.ones(4))
    with pytest.raises(RegistrationError, match="the model changed since setup: V is new; call"):
        run(optimizer, model, 64 + 1)


def test_a_dict_that_changes_is_noticed():
    named = {"x": Variable([1.0])}
    optimizer = O.SGD().setup(named)
    named["x"] = Variable([1.0])
    named["x"].grad = np.ones(1)
    with pytest.raises(RegistrationError, match="x is another parameter now"):
        optimizer.update()


def test_setting_up_again_keeps_what_is_known_of_parameters_that_stayed():
    once, again = two(), two()
    a = O.Momentum(lr=0.1).setup(once)
    b = O.Momentum(lr=0.1).setup(again)
    run(a, once, 3)
    run(b, again, 3)
    b.setup(again)
    assert b.step == 3
    run(a, once, 3, start=3)
    run(b, again, 3, start=3)
    assert numbers(once) == numbers(again)


def test_setting_up_again_follows_a_parameter_to_its_new_name():
    model = two()
    optimizer = O.Momentum(lr=0.1).setup(model)
    run(optimizer, model, 1)
    velocity = optimizer.state_dict()["arrays"]["W.velocity"]
    optimizer.setup({f"net/{name}": p for name, p in model.named_params()})
    assert np.array_equal(optimizer.state_dict()["arrays"]["net/W.velocity"], velocity)


def test_what_is_remembered_is_named_after_the_parameter():
    model = two()
    optimizer = O.Momentum(lr=0.1).setup(model)
    run(optimizer, model, 1)
    optimizer.setup({f"net/{name}": p for name, p in model.named_params()})
    assert optimizer._slots["net/W"].state["velocity"].name == "net/W.velocity"


def test_setting_up_for_another_model_starts_from_nothing():
    model = two()
    optimizer = O.Momentum(lr=0.1).setup(model)
    run(optimizer, model, 3)
    optimizer.setup(two())
    assert optimizer.step == 0
    assert optimizer.state_dict()["arrays"] == {}


def test_a_setup_that_failed_changes_nothing():
    model = two()
    optimizer = O.SGD().setup(model)
    with pytest.raises(DTypeError, match="should be a Parameter, got int"):
        optimizer.setup([3])
    assert names(optimizer) == ["W", "b"]


def test_an_array_of_another_shape_is_noticed_before_anything_changes():
    model = two()
    optimizer = O.Momentum(lr=0.1).setup(model)
    run(optimizer, model, 1)
    model["W"].data = np.ones((5, 2))
    model.set_gradients(1)
    before = numbers(model)
    with pytest.raises(ShapeError, match=r"W has shape \(5, 2\) now, and had \(3, 2\) before"):
        optimizer.update()
    assert numbers(model) == before


def test_setting_up_again_forgets_a_state_of_another_shape():
    model = two()
    optimizer = O.Momentum(lr=0.1).setup(model)
    run(optimizer, model, 1)
    model["W"].data = np.ones((5, 2))
    run(optimizer.setup(model), model, 1)
    assert optimizer.state_dict()["arrays"]["W.velocity"].shape == (5, 2)


def test_an_array_that_took_the_place_of_another_keeps_the_momentum():
    model = two()
    optimizer = O.Momentum(lr=0.1, momentum=0.5).setup(model)
    model["W"].grad = np.ones((3, 2))
    optimizer.update()
    model["W"].data = np.zeros((3, 2))
    model["W"].grad = np.zeros((3, 2))
    optimizer.update()
    np.testing.assert_allclose(model["W"].data, -0.05, rtol=1e-15)  # one rounding


def test_state_follows_a_parameter_to_another_dtype():
    model = two()
    optimizer = O.Momentum(lr=0.1).setup(model)
    run(optimizer, model, 1)
    model["W"].cleargrad()
    model["W"].data = model["W"].data.astype(np.float32)
    run(optimizer, model, 1)
    assert optimizer.state_dict()["arrays"]["W.velocity"].dtype == np.float32


def test_a_read_only_parameter_is_named_before_anything_changes():
    frozen_array = np.ones(2)
    frozen_array.flags.writeable = False
    model = Model(W=Parameter(np.ones((3, 2))), b=Parameter(frozen_array))
    before = numbers(model)
    with pytest.raises(DTypeError, match="the array of b is read-only; give the parameter a copy"):
        run(O.SGD().setup(model), model, 1)
    assert numbers(model) == before


# -- copies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))],
    ids=["deepcopy", "pickle"],
)
@every_method
def test_a_copied_model_and_optimizer_go_on_alike(method, duplicate):
    model = small()
    optimizer = method().setup(model)
    run(optimizer, model, 3)
    model_copy, optimizer_copy = duplicate((model, optimizer))
    run(optimizer, model, 3, start=3)
    run(optimizer_copy, model_copy, 3, start=3)
    assert numbers(model) == numbers(model_copy)


def test_a_deep_copy_leaves_the_original_alone():
    model = two()
    optimizer = O.SGD().setup(model)
    run(optimizer, model, 1)
    before = numbers(model)
    model_copy, optimizer_copy = copy.deepcopy((model, optimizer))
    run(optimizer_copy, model_copy, 1)
    assert numbers(model) == before


# -- memory --------------------------------------------------------------------------------------


@every_method
def test_a_hundred_steps_without_gc_leave_nothing_behind(method):
    W, b = Parameter(np.ones((3, 2), np.float32)), Parameter(np.ones(2, np.float32))
    optimizer = method(weight_decay=0.1, clip_norm=1.0).setup({"W": W, "b": b})
    x = np.ones((5, 3), np.float32)
    gc.collect()
    gc.disable()
    try:
        for _ in range(100):
            optimizer.cleargrads()
            F.sum(F.tanh(F.linear(x, W, b))).backward()
            optimizer.update()
        left = gc.collect()
    finally:
        gc.enable()
    assert left == 0


@every_method
def test_an_optimizer_does_not_keep_gradients_alive(method):
    W = Variable(np.ones(3))
    optimizer = method(clip_norm=1.0).setup([W])
    W.grad = np.ones(3)
    array = weakref.ref(W.grad.data)
    optimizer.update()
    W.cleargrad()
    assert array() is None
