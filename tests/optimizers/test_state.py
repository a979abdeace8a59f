"""The state of an optimizer: saved, restored to the last bit, or refused as a whole."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fixtures.fake_cupy import gpu
from functions.duck import Duck
from lamina import Parameter
from lamina import optimizers as O
from lamina.errors import CheckpointError, StateMismatchError, UninitializedError
from optimizers.methods import every_method
from optimizers.model import Model, numbers, run, small

__all__ = ["gpu"]  # a fixture: pytest finds it here


def through_a_file(state):
    """What a checkpoint does to it: arrays as they are, the rest as JSON."""
    arrays = {name: array.copy() for name, array in state["arrays"].items()}
    return {"arrays": arrays, "scalars": json.loads(json.dumps(state["scalars"]))}


def trained(method=O.Momentum, steps=3):
    model = small()
    optimizer = method(lr=0.1).setup(model)
    run(optimizer, model, steps)
    return model, optimizer


def contents(optimizer):
    state = optimizer.state_dict()
    return {name: a.tobytes() for name, a in state["arrays"].items()}, state["scalars"]


@every_method
def test_a_resumed_run_is_the_same_to_the_last_bit(method):
    whole = small()
    run(method().setup(whole), whole, 10)
    first = small()
    optimizer = method().setup(first)
    run(optimizer, first, 4)
    saved = through_a_file(optimizer.state_dict())
    second = Model(**{name: Parameter(p.data.copy()) for name, p in first.params.items()})
    resumed = method().setup(second)
    resumed.load_state_dict(saved)
    run(resumed, second, 6, start=4)
    assert numbers(second) == numbers(whole)


def test_sgd_with_momentum_and_a_schedule_resumes_to_the_last_bit():
    def make():
        return O.SGD(lr=O.Warmup(O.Cosine(0.3, steps=8), steps=3), momentum=0.9, weight_decay=0.01)

    whole = small(np.float32)
    run(make().setup(whole), whole, 12)
    model = small(np.float32)
    optimizer = make().setup(model)
    run(optimizer, model, 5)
    resumed = make().setup(model)
    resumed.load_state_dict(through_a_file(optimizer.state_dict()))
    run(resumed, model, 7, start=5)
    assert numbers(model) == numbers(whole)


def test_going_back_in_one_optimizer_is_the_same_to_the_last_bit():
    model, optimizer = trained(O.Adam)
    saved, weights = optimizer.state_dict(), {k: p.data.copy() for k, p in model.named_params()}
    run(optimizer, model, 5, start=3)
    there = numbers(model)
    for name, p in model.named_params():
        p.data[...] = weights[name]
    optimizer.load_state_dict(saved)
    run(optimizer, model, 5, start=3)
    assert numbers(model) == there


def test_the_state_is_arrays_by_name_and_what_json_holds():
    model, optimizer = trained(O.Adam, steps=2)
    model["l1/b"].requires_grad = False
    run(optimizer, model, 1)
    state = optimizer.state_dict()
    assert sorted(state["arrays"]) == sorted(
        f"{name}.{key}" for name in ("l1/W", "l1/b", "scale", "empty/W") for key in "mv"
    )
    assert json.loads(json.dumps(state["scalars"])) == {
        "step": 3,
        "lr": 0.1,
        "counts": {"l1/W": 3, "l1/b": 2, "scale": 3, "empty/W": 3},
    }


def test_a_saved_state_does_not_change_when_training_goes_on():
    model, optimizer = trained()
    saved = optimizer.state_dict()
    before = {name: a.copy() for name, a in saved["arrays"].items()}
    run(optimizer, model, 1)
    assert all(np.array_equal(saved["arrays"][name], before[name]) for name in before)


def test_a_loaded_state_shares_no_memory_with_what_it_came_from():
    model, optimizer = trained()
    saved = optimizer.state_dict()
    other = O.Momentum().setup(model)
    other.load_state_dict(saved)
    for array in saved["arrays"].values():
        array[...] = 99
    assert contents(other) == contents(optimizer)


def test_loading_fills_the_arrays_that_are_there():
    model, optimizer = trained()
    saved = optimizer.state_dict()
    held = optimizer._slots["l1/W"].state["velocity"].data
    run(optimizer, model, 1)
    optimizer.load_state_dict(saved)
    assert optimizer._slots["l1/W"].state["velocity"].data is held
    assert np.array_equal(held, saved["arrays"]["l1/W.velocity"])


def test_a_number_as_learning_rate_is_restored():
    model, optimizer = trained()
    optimizer.lr = 0.0625
    resumed = O.Momentum(lr=0.5).setup(model)
    resumed.load_state_dict(optimizer.state_dict())
    assert resumed.lr == 0.0625


def test_a_schedule_is_not_replaced_by_a_number():
    model, optimizer = trained()
    resumed = O.Momentum(lr=O.Constant(0.5)).setup(model)
    resumed.load_state_dict(optimizer.state_dict())
    assert resumed.lr == O.Constant(0.5)


def test_a_number_is_not_replaced_by_a_schedule_that_was_not_saved():
    model, optimizer = trained()
    optimizer.lr = O.Constant(0.5)
    resumed = O.Momentum(lr=0.25).setup(model)
    resumed.load_state_dict(optimizer.state_dict())
    assert resumed.lr == 0.25


def test_what_was_never_updated_in_the_file_is_forgotten_in_the_optimizer():
    model, fresh = small(), O.Momentum().setup(small())
    optimizer = O.Momentum().setup(model)
    run(optimizer, model, 2)
    optimizer.load_state_dict(fresh.state_dict())
    assert contents(optimizer) == contents(fresh)


# -- what does not fit ---------------------------------------------------------------------------


def test_all_differences_are_reported_at_once_and_nothing_is_changed():
    model, optimizer = trained(O.Adam)
    saved = optimizer.state_dict()
    arrays, counts = saved["arrays"], saved["scalars"]["counts"]
    arrays["l1/W.m"] = arrays["l1/W.m"].T
    arrays["l1/b.v"] = arrays["l1/b.v"].astype(np.float32)
    del arrays["scale.m"]
    arrays["l1/W.velocity"] = np.zeros((3, 2))
    counts["l9/W"] = 3
    del counts["empty/W"]
    saved["scalars"]["step"] = 77
    before = contents(optimizer), numbers(model)
    with pytest.raises(StateMismatchError, match="nothing was changed") as caught:
        optimizer.load_state_dict(saved)
    assert str(caught.value).splitlines() == [
        "Adam.load_state_dict: the state does not fit this optimizer and its model; "
        "nothing was changed.",
        "  not in the state: empty/W, scale.m",
        "  not in the optimizer: l9/W, empty/W.m, empty/W.v, l1/W.velocity",
        "  l1/W.m: expected float64 (3, 2), got float64 (2, 3)",
        "  l1/b.v: expected float64 (2,), got float32 (2,)",
    ]
    assert (contents(optimizer), numbers(model)) == before


def test_the_differences_are_attributes_of_the_error():
    _, optimizer = trained()
    saved = optimizer.state_dict()
    saved["scalars"]["counts"]["new"] = 1
    del saved["arrays"]["scale.velocity"]
    saved["arrays"]["l1/b.velocity"] = np.zeros(3)
    with pytest.raises(StateMismatchError, match="does not fit") as caught:
        optimizer.load_state_dict(saved)
    assert caught.value.missing == ("scale.velocity",)
    assert caught.value.unexpected == ("new",)
    assert caught.value.different == ("l1/b.velocity: expected float64 (2,), got float64 (3,)",)


def test_the_state_of_another_method_is_refused():
    model, optimizer = trained()
    with pytest.raises(StateMismatchError, match=r"not in the state: l1/W\.m, l1/W\.v"):
        O.Adam().setup(model).load_state_dict(optimizer.state_dict())


def test_a_renamed_parameter_is_listed_and_never_shifted():
    model, optimizer = trained()
    renamed = {name.replace("l1", "l2"): p for name, p in model.named_params()}
    with pytest.raises(StateMismatchError, match=r"not in the state: l2/W, l2/b\n .*: l1/W, l1/b"):
        O.Momentum().setup(renamed).load_state_dict(optimizer.state_dict())


def test_a_lazy_parameter_must_have_its_shape_first():
    _, optimizer = trained()
    model = small()
    model.params["l1/W"] = Parameter(None)
    resumed = O.Momentum().setup(model)
    with pytest.raises(StateMismatchError, match=r"l1/W: has no shape yet; call the model once"):
        resumed.load_state_dict(optimizer.state_dict())


def change(part, value):
    def changed(saved):
        saved["scalars"][part] = value
        return saved

    return changed


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda saved: None, "should get what state_dict"),
        (lambda saved: [], "should get what state_dict"),
        (lambda saved: saved["arrays"], "should get what state_dict"),
        (lambda saved: {"scalars": saved["scalars"]}, "should get what state_dict"),
        (change("step", -1), "step should be 0 or more, got -1"),
        (change("step", None), "step should be 0 or more, got None"),
        (change("step", True), "step should be 0 or more, got True"),
        (change("counts", None), "counts should be 0 or more by name, got None"),
        (change("counts", {"l1/W": -3}), "counts should be 0 or more by name, got {'l1/W': -3}"),
        (change("lr", "fast"), "lr should be a number, got str 'fast'"),
        (change("schedules", 3), "schedules should be states by glob, got 3"),
        (change("lr", -1.0), "lr should be a finite number of 0 or more, got -1.0"),
        (
            lambda saved: saved | {"arrays": {"l1/W.velocity": [1.0]}},
            r"l1/W.velocity should be an array, got \[1.0\]",
        ),
    ],
)
def test_what_is_no_state_is_refused_and_nothing_is_changed(damage, message):
    _, optimizer = trained()
    before = contents(optimizer)
    with pytest.raises(CheckpointError, match=rf"Momentum\.load_state_dict: {message}"):
        optimizer.load_state_dict(damage(optimizer.state_dict()))
    assert contents(optimizer) == before


def test_before_setup_there_is_nothing_to_load_into():
    _, optimizer = trained()
    with pytest.raises(UninitializedError, match=r"load_state_dict: .*; call setup\(model\) first"):
        O.Momentum().load_state_dict(optimizer.state_dict())


# -- devices -------------------------------------------------------------------------------------


@every_method
def test_updates_are_the_same_on_the_gpu(method, gpu):
    here, there = small(np.float32), small(np.float32)
    for p in there.params.values():
        p.to_gpu()
    a, b = (method(weight_decay=0.1, clip_norm=0.5, clip_value=0.4).setup(m) for m in (here, there))
    for step in range(3):
        here.set_gradients(step)
        for name, p in there.params.items():
            p.grad = Duck(here[name].grad.data.copy())
        a.update()
        b.update()
    assert {p.device for p in there.params.values()} == {"gpu:0"}
    assert all(np.array_equal(here[k].data, there[k].to_cpu().data) for k in here.params)


def test_state_lies_where_the_parameter_lies_and_is_saved_as_numpy(gpu):
    W = Parameter(np.ones((2, 3)))
    W.to_gpu()
    optimizer = O.Momentum().setup({"W": W})
    W.grad = Duck(np.ones((2, 3)))
    optimizer.update()
    assert optimizer._slots["W"].state["velocity"].device == "gpu:0"
    assert type(optimizer.state_dict()["arrays"]["W.velocity"]) is np.ndarray


def test_a_state_saved_on_one_device_loads_on_another(gpu):
    model, optimizer = trained()
    for p in model.params.values():
        p.to_gpu()
    resumed = O.Momentum(lr=0.1).setup(model)
    resumed.load_state_dict(optimizer.state_dict())
    assert resumed._slots["l1/W"].state["velocity"].device == "gpu:0"
    assert contents(resumed) == contents(optimizer)
