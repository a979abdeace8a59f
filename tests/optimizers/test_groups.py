"""Groups of parameters by glob: other rates, other numbers, and the norm is still the model's."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import lamina
from lamina import Linear, Parameter, Sequential
from lamina import functions as F
from lamina import optimizers as O
from lamina.errors import DTypeError, RangeError
from optimizers.model import Model, numbers, run, small


def two(**groups):
    """Two parameters of one number, 1, and descent with groups."""
    model = Model(**{"l1/W": Parameter(np.ones((1, 1))), "head/W": Parameter(np.ones((1, 1)))})
    for p in model.params.values():
        p.grad = np.ones((1, 1))
    return model, O.SGD(lr=0.5, groups=groups).setup(model)


def test_a_group_has_its_own_rate():
    model, optimizer = two(**{"head/*": {"lr": 0.125}})
    optimizer.update()
    assert model["l1/W"].item() == 0.5
    assert model["head/W"].item() == 0.875


def test_a_scale_follows_the_rate_of_all():
    model, optimizer = two(**{"head/*": {"scale": 0.5}})
    optimizer.lr = 0.25
    optimizer.update()
    assert model["l1/W"].item() == 0.75
    assert model["head/W"].item() == 0.875
    assert optimizer.rate_of("head/W") == 0.125


def test_a_group_may_have_its_own_schedule():
    model, optimizer = two(**{"head/*": {"lr": O.StepDecay(0.5, every=1, factor=0.5)}})
    optimizer.update()
    optimizer.update()
    assert model["head/W"].item() == 1 - 0.5 - 0.25
    assert optimizer.rate_of("head/W") == 0.125
    assert optimizer.rate_of("l1/W") == 0.5


def test_the_first_glob_that_matches_counts():
    model, optimizer = two(**{"head/*": {"lr": 0.25}, "*/W": {"lr": 0.125}})
    optimizer.update()
    assert model["head/W"].item() == 0.75
    assert model["l1/W"].item() == 0.875


def test_a_group_takes_any_argument_of_its_method():
    here = small()
    groups = {"l1/W": {"beta1": 0.5, "eps": 1e-2}}
    run(O.Adam(lr=0.1, groups=groups).setup(here), here, 5)
    other, plain = small(), small()
    run(O.Adam(lr=0.1, beta1=0.5, eps=1e-2).setup(other), other, 5)
    run(O.Adam(lr=0.1).setup(plain), plain, 5)
    assert np.array_equal(here["l1/W"].data, other["l1/W"].data)
    assert np.array_equal(here["l1/b"].data, plain["l1/b"].data)
    assert not np.array_equal(here["l1/W"].data, plain["l1/W"].data)


def test_a_group_can_leave_decay_out():
    model, _ = two()
    optimizer = O.SGD(lr=0.5, weight_decay=1.0, groups={"head/*": {"weight_decay": 0.0}})
    optimizer.setup(model).update()
    assert model["l1/W"].item() == 0.0
    assert model["head/W"].item() == 0.5


def test_a_group_that_names_a_decay_decays_biases_too():
    model = Model(b=Parameter(np.ones(1)))
    model["b"].grad = np.zeros(1)
    O.SGD(lr=0.5, groups={"b": {"weight_decay": 1.0}}).setup(model).update()
    assert model["b"].item() == 0.5


def test_a_group_that_names_a_decay_and_whom_decays_these_only():
    model = Model(b=Parameter(np.ones(1)))
    model["b"].grad = np.zeros(1)
    O.SGD(lr=0.5, groups={"b": {"weight_decay": 1.0, "decay": None}}).setup(model).update()
    assert model["b"].item() == 1.0


def test_the_norm_that_is_clipped_is_that_of_all_groups():
    model, _ = two()
    model["l1/W"].grad, model["head/W"].grad = np.full((1, 1), 3.0), np.full((1, 1), 4.0)
    O.SGD(lr=0.5, clip_norm=1.0, groups={"head/*": {"scale": 2.0}}).setup(model).update()
    np.testing.assert_allclose(model["l1/W"].item(), 1 - 0.5 * 0.6, rtol=1e-15)  # one rounding
    np.testing.assert_allclose(model["head/W"].item(), 1 - 0.8, rtol=1e-15)


def test_a_group_with_its_own_limit_is_clipped_alone():
    model, _ = two()
    model["l1/W"].grad, model["head/W"].grad = np.full((1, 1), 3.0), np.full((1, 1), 4.0)
    O.SGD(lr=0.5, clip_norm=1.0, groups={"head/*": {"clip_norm": 2.0}}).setup(model).update()
    assert model["l1/W"].item() == 0.5
    assert model["head/W"].item() == 0.0


def test_groups_that_alternate_in_the_model_get_their_own_gradients():
    names = ["a/W", "a/b", "c/W", "c/b", "d/W"]
    model = Model(**{name: Parameter(np.zeros(1)) for name in names})
    for i, p in enumerate(model.params.values()):
        p.grad = np.full(1, float(i + 1))
    groups = {"*/b": {"scale": 10.0}, "d/*": {"scale": 100.0}}
    O.SGD(lr=1.0, clip_norm=1e9, groups=groups).setup(model).update()
    assert [p.item() for p in model.params.values()] == [-1.0, -20.0, -3.0, -40.0, -500.0]


def test_a_chain_of_ones_own_can_differ_by_group():
    model = Model(a=Parameter(np.zeros(1)), b=Parameter(np.zeros(1)))
    optimizer = O.Optimizer(O.ClipValue(0.5), lr=1.0, groups={"b": {"chain": ()}}).setup(model)
    for p in model.params.values():
        p.grad = np.full(1, 2.0)
    optimizer.update()
    assert (model["a"].item(), model["b"].item()) == (-0.5, -2.0)


GROUPS = {"*/b": {"weight_decay": 0.0, "beta1": 0.5}, "scale": {"lr": 0.5}}


def test_a_run_with_groups_resumes_to_the_last_bit():
    whole, model = small(), small()
    run(O.AdamW(lr=0.1, groups=GROUPS).setup(whole), whole, 6)
    optimizer = O.AdamW(lr=0.1, groups=GROUPS).setup(model)
    run(optimizer, model, 3)
    resumed = O.AdamW(lr=0.1, groups=GROUPS).setup(model)
    resumed.load_state_dict(optimizer.state_dict())
    run(resumed, model, 3, start=3)
    assert numbers(model) == numbers(whole)


def test_a_copy_goes_on_in_its_groups():
    model = small()
    optimizer = O.AdamW(lr=0.1, groups=GROUPS).setup(model)
    run(optimizer, model, 2)
    model_copy, optimizer_copy = copy.deepcopy((model, optimizer))
    run(optimizer, model, 3, start=2)
    run(optimizer_copy, model_copy, 3, start=2)
    assert numbers(model_copy) == numbers(model)


def test_what_moves_to_another_group_starts_anew():
    W = Parameter(np.ones((1, 1)))
    W.grad = np.ones((1, 1))
    optimizer = O.Momentum(lr=0.5, groups={"b*": {"momentum": 0.5}, "a*": {}})
    optimizer.setup({"a": W, "b": Parameter(np.ones(1))}).update()
    optimizer.setup({"b": W, "a": Parameter(np.ones(1))}).update()
    assert optimizer.state_dict()["arrays"]["b.velocity"].item() == 1.0


def test_compiled_groups_are_equal_to_the_last_bit():
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    groups = {"*/b": {"weight_decay": 0.0}, "1/*": {"lr": O.Exponential(0.1, 0.9)}}
    found = []
    for wrap in (lambda f: f, lamina.compile(backend="replay")):
        lamina.seed(1)
        model = Sequential(Linear(3), Linear(2))
        optimizer = O.AdamW(lr=0.05, weight_decay=0.1, clip_norm=0.1, groups=groups).setup(model)

        @wrap
        def step(x, model=model, optimizer=optimizer):
            loss = F.sum(model(x) ** 2)
            model.cleargrads()
            loss.backward()
            optimizer.update()
            return loss

        found.append([step(x).item() for _ in range(6)])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (3, "SGD: groups should be a dict of dicts by glob, got 3"),
        ({"*/b": 0.1}, r"SGD: groups should have a dict for each glob, got '\*/b': 0.1"),
        ({3: {}}, r"SGD: groups should have a dict for each glob, got 3: {}"),
        (
            {"*/b": {"beta1": 0.5}},
            r"SGD: group '\*/b' cannot have its own 'beta1'; there are lr, scale, momentum, ",
        ),
        ({"*": {"lr": "fast"}}, r"group '\*': lr should be a number, got str 'fast'"),
    ],
)
def test_groups_of_the_wrong_kind_are_refused(groups, message):
    with pytest.raises(DTypeError, match=message):
        O.SGD(groups=groups)


def test_a_group_of_another_optimizer_names_what_it_may_have():
    with pytest.raises(DTypeError, match=r"Optimizer: group 'b' cannot have its own 'momentum'"):
        O.Optimizer(lr=0.1, groups={"b": {"momentum": 0.5}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lr": -1.0}, r"group 'b': lr should be a finite number of 0 or more, got -1\.0"),
        ({"scale": float("nan")}, r"group 'b': scale should be a finite number of 0 or more"),
        ({"momentum": 1.0}, r"momentum should be below 1, got 1\.0"),
    ],
)
def test_numbers_of_a_group_outside_their_range_are_refused(changes, message):
    with pytest.raises(RangeError, match=message):
        O.SGD(groups={"b": changes})


def test_a_schedule_of_a_group_that_gives_no_number_is_found_before_anything_changes():
    model, optimizer = two(**{"head/*": {"lr": lambda step: -1.0}})
    with pytest.raises(RangeError, match=r"group 'head/\*': lr of <function .* finite number"):
        optimizer.update()
    assert model["l1/W"].item() == 1.0


def test_a_glob_that_matches_nothing_is_refused():
    with pytest.raises(RangeError, match=r"group 'tail/\*' is empty: no parameter matches; there"):
        two(**{"tail/*": {"lr": 0.1}})


def test_a_group_that_others_have_emptied_is_refused():
    with pytest.raises(RangeError, match=r"group 'head/\*' is empty: groups before it have all"):
        two(**{"*/W": {"lr": 0.1}, "head/*": {"lr": 0.2}})


def test_groups_are_printed():
    shown = repr(O.SGD(lr=0.1, groups={"*/b": {"scale": 2.0}}))
    assert shown == "SGD(lr=0.1, groups={'*/b': {'scale': 2.0}})"


def test_an_argument_that_there_is_not_is_refused():
    with pytest.raises(
        DTypeError, match=r"Adam: there is no argument 'beta3'; there are lr, beta1"
    ):
        O.Adam(beta3=0.5)
