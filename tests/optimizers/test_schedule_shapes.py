"""Schedules that fall, repeat, follow one another, or listen to a measurement."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from lamina import Parameter, Variable
from lamina import optimizers as O
from lamina.errors import CheckpointError, DTypeError, RangeError
from optimizers.model import numbers, run, small


def first(schedule, count):
    return [schedule(step) for step in range(count)]


def test_multi_step_falls_where_it_is_told():
    assert first(O.MultiStep(8.0, at=(1, 4), factor=0.5), 6) == [8, 4, 4, 4, 2, 2]


def test_multi_step_may_fall_at_once_or_never():
    assert first(O.MultiStep(8.0, at=(0,), factor=0.5), 2) == [4, 4]
    assert first(O.MultiStep(8.0, at=()), 2) == [8, 8]


def test_a_polynomial_of_power_1_is_a_line():
    line, curve = O.Linear(0.8, end=0.1, steps=7), O.Polynomial(0.8, steps=7, end=0.1)
    assert first(curve, 9) == pytest.approx(first(line, 9), rel=1e-14)  # order of roundings


def test_a_polynomial_may_rise():
    assert first(O.Polynomial(0.0, steps=4, power=2.0, end=1.0), 5) == [0, 0.4375, 0.75, 0.9375, 1]


def test_a_line_begins_and_ends_exactly():
    schedule = O.Linear(0.3, end=0.07, steps=7)
    assert (schedule(0), schedule(7), schedule(10**9)) == (0.3, 0.07, 0.07)


def test_inverse_sqrt_is_adafactors_rate():
    schedule = O.InverseSqrt(0.01, hold=10_000)
    steps = [1, 100, 10_000, 10_001, 10**6]
    wanted = [min(0.01, 1 / math.sqrt(t)) for t in steps]
    assert [schedule(t - 1) for t in steps] == pytest.approx(wanted, rel=1e-14)  # roundings


def test_noam_is_highest_where_its_warmup_ends():
    rates = first(O.Noam(width=16, warmup=9, factor=2.0), 40)
    assert np.argmax(rates) == 8
    assert rates[8] == pytest.approx(2 / math.sqrt(16 * 9), rel=1e-14)  # roundings
    assert rates[0] == pytest.approx(rates[8] / 9, rel=1e-14)


def test_noam_is_a_warmup_and_an_inverse_root():
    rates, top = first(O.Noam(width=4, warmup=5), 30), 1 / math.sqrt(4 * 5)
    falling = O.InverseSqrt(top, hold=5)
    assert rates[4:] == pytest.approx(first(falling, 30)[4:], rel=1e-14)  # roundings


def test_inverse_time_of_power_1_is_a_harmonic_series():
    assert first(O.InverseTime(12.0, factor=1.0), 4) == [12, 6, 4, 3]


def test_piecewise_holds_before_its_first_point_and_after_its_last():
    schedule = O.Piecewise({2: 0.5, 4: 0.25})
    assert first(schedule, 7) == [0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]
    assert first(O.Piecewise({2: 0.5, 4: 0.25}, smooth=True), 6) == [0.5] * 3 + [0.375, 0.25, 0.25]


def test_piecewise_points_may_be_a_dict_or_pairs():
    assert O.Piecewise({0: 0.5, 3: 0.1}) == O.Piecewise(((0, 0.5), (3, 0.1)))


def test_one_period_of_restarts_is_a_cosine():
    restarts, cosine = O.CosineRestarts(0.8, steps=5, end=0.1), O.Cosine(0.8, steps=5, end=0.1)
    assert first(restarts, 5) == first(cosine, 5)
    assert [restarts(5 + step) for step in range(5)] == first(cosine, 5)


def test_restarts_grow_and_shrink():
    schedule = O.CosineRestarts(0.8, steps=3, grow=3, shrink=0.5)
    begins = [0, 3, 12, 39]
    assert [schedule(step) for step in begins] == [0.8, 0.4, 0.2, 0.1]
    assert all(schedule(step - 1) < schedule(step) for step in begins[1:])


def test_restarts_late_are_found_at_once():
    assert O.CosineRestarts(1.0, steps=10)(10**12 + 5) == pytest.approx(0.5, rel=1e-12)


def test_a_cycle_goes_up_and_down_along_lines():
    rates = first(O.Cyclic(0.1, 0.7, rise=2, fall=3), 6)
    assert rates == pytest.approx([0.1, 0.4, 0.7, 0.5, 0.3, 0.1], rel=1e-14)  # roundings


def test_cycles_get_lower():
    schedule = O.Cyclic(0.0, 0.8, rise=4, shrink=0.5)
    assert [schedule(4), schedule(12), schedule(20)] == [0.8, 0.4, 0.2]


def test_chained_schedules_begin_at_their_own_beginnings():
    parts = (O.Linear(0.0, end=1.0, steps=2), O.StepDecay(1.0, every=2, factor=0.5))
    assert first(O.Chained(parts, at=(2,)), 7) == [0, 0.5, 1, 1, 0.5, 0.5, 0.25]


# -- Plateau -------------------------------------------------------------------------------------


def fed(schedule, measurements):
    rates = []
    for number in measurements:
        schedule.feed(number)
        rates.append(schedule(0))
    return rates


def test_a_plateau_falls_after_patience():
    schedule = O.Plateau(0.8, factor=0.5, patience=2)
    assert fed(schedule, [1.0, 1.0, 1.0, 1.0, 1.0]) == [0.8, 0.8, 0.8, 0.4, 0.4]


def test_progress_resets_patience():
    schedule = O.Plateau(0.8, factor=0.5, patience=1)
    assert fed(schedule, [4.0, 4.0, 3.0, 3.0, 2.0, 2.0]) == [0.8] * 6


def test_too_little_progress_is_none():
    schedule = O.Plateau(0.8, factor=0.5, patience=0, threshold=0.1)
    assert fed(schedule, [1.0, 0.95, 0.5]) == [0.8, 0.4, 0.4]


def test_larger_may_be_better():
    schedule = O.Plateau(0.8, factor=0.5, patience=0, larger=True)
    assert fed(schedule, [0.1, 0.2, 0.1]) == [0.8, 0.8, 0.4]


def test_negative_losses_make_progress_downwards():
    schedule = O.Plateau(0.8, factor=0.5, patience=0, threshold=0.1)
    assert fed(schedule, [-1.0, -1.05, -2.0]) == [0.8, 0.4, 0.4]


def test_after_a_fall_it_cools_down():
    schedule = O.Plateau(0.8, factor=0.5, patience=0, cooldown=2)
    assert fed(schedule, [1.0] * 6) == [0.8, 0.4, 0.4, 0.4, 0.2, 0.2]


def test_the_rate_does_not_fall_under_the_smallest():
    schedule = O.Plateau(0.8, factor=0.5, patience=0, smallest=0.3)
    assert fed(schedule, [1.0] * 4) == [0.8, 0.4, 0.3, 0.3]


def test_a_smallest_above_the_rate_does_not_raise_it():
    schedule = O.Plateau(0.1, factor=0.5, patience=0, smallest=0.3)
    assert fed(schedule, [1.0] * 3) == [0.1, 0.1, 0.1]


def test_a_loss_may_be_fed_as_it_is():
    schedule = O.Plateau(0.8, factor=0.5, patience=0)
    assert fed(schedule, [Variable(1.0), np.float32(1.0), np.ones(())]) == [0.8, 0.4, 0.2]


def test_an_optimizer_follows_a_plateau():
    W = Parameter(np.zeros(1))
    schedule = O.Plateau(0.5, factor=0.5, patience=0)
    optimizer = O.SGD(lr=schedule).setup({"W": W})
    for _ in range(3):
        W.grad = -np.ones(1)
        optimizer.update()
        schedule.feed(1.0)
    assert W.item() == 0.5 + 0.5 + 0.25


def test_a_plateau_is_saved_with_its_optimizer():
    def make():
        schedule = O.Plateau(0.8, factor=0.5, patience=1)
        groups = {"*/b": {"lr": O.Plateau(0.1, patience=0)}}
        return schedule, O.Momentum(lr=schedule, groups=groups)

    whole, model = small(), small()
    schedule, optimizer = make()
    run(optimizer.setup(whole), whole, 3)
    fed(schedule, [1.0, 1.0])
    saved = json.loads(json.dumps(optimizer.state_dict()["scalars"]))
    arrays = {k: a.copy() for k, a in optimizer.state_dict()["arrays"].items()}
    for name, p in model.params.items():
        p.data[...] = whole[name].data
    fed(schedule, [1.0])
    run(optimizer, whole, 3, start=3)
    schedule, resumed = make()
    resumed.setup(model).load_state_dict({"scalars": saved, "arrays": arrays})
    fed(schedule, [1.0])
    assert schedule(0) == 0.4
    run(resumed, model, 3, start=3)
    assert numbers(model) == numbers(whole)


def test_a_plateau_whose_state_is_damaged_is_refused_before_anything_changes():
    model = small()
    optimizer = O.Momentum(lr=O.Plateau(0.8)).setup(model)
    run(optimizer, model, 2)
    saved = optimizer.state_dict()
    saved["scalars"]["schedules"][""]["waited"] = -1
    saved["arrays"]["l1/W.velocity"] = saved["arrays"]["l1/W.velocity"] + 1
    before = optimizer.state_dict()["arrays"]["l1/W.velocity"]
    with pytest.raises(CheckpointError, match="Plateau: waited should be an integer of 0 or more"):
        optimizer.load_state_dict(saved)
    assert np.array_equal(optimizer.state_dict()["arrays"]["l1/W.velocity"], before)


@pytest.mark.parametrize("saved", [None, {}, {"rate": 1.0}, [1, 2, 3, 4]])
def test_what_is_no_state_of_a_plateau_is_refused(saved):
    with pytest.raises(CheckpointError, match=r"Plateau: should get what state_dict\(\) gave"):
        O.Plateau(0.1).load_state_dict(saved)


def test_a_plateau_prints_what_was_chosen():
    assert repr(O.Plateau(0.5, patience=3)) == "Plateau(0.5, patience=3)"


@pytest.mark.parametrize("measured", [math.nan, math.inf])
def test_an_exploded_loss_is_refused(measured):
    with pytest.raises(RangeError, match=r"Plateau\.feed: the measurement should be a finite"):
        O.Plateau(0.1).feed(measured)


# -- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: O.MultiStep(0.1, at=(3, 3)), r"MultiStep: at should rise, got \(3, 3\)"),
        (lambda: O.MultiStep(0.1, at=(-1,)), "MultiStep: at: a step should be an integer of 0"),
        (lambda: O.Polynomial(0.1, 3, power=0.0), r"Polynomial: power should be over 0, got 0\.0"),
        (lambda: O.Polynomial(0.1, 0), "Polynomial: steps should be an integer of 1 or more"),
        (lambda: O.Linear(0.1, end=-0.1, steps=2), "Linear: end should be a finite number of 0"),
        (lambda: O.InverseSqrt(0.1, hold=0), "InverseSqrt: hold should be an integer of 1 or more"),
        (lambda: O.InverseTime(0.1, factor=-1), "InverseTime: factor should be a finite number"),
        (lambda: O.Noam(0), "Noam: width should be an integer of 1 or more, got 0"),
        (lambda: O.Piecewise({3: 0.1, 2: 0.2}), r"Piecewise: points should rise, got \(3, 2\)"),
        (lambda: O.Piecewise({3: -0.1}), "Piecewise: a rate should be a finite number of 0"),
        (lambda: O.CosineRestarts(0.1, 3, grow=0), "CosineRestarts: grow should be an integer"),
        (
            lambda: O.CosineRestarts(0.1, 3, shrink=1.5),
            "CosineRestarts: shrink should be a finite number from 0 to 1",
        ),
        (lambda: O.Cyclic(0.2, 0.1, 3), r"Cyclic: high should be at least low, 0\.2, got 0\.1"),
        (lambda: O.Cyclic(0.1, 0.2, 3, fall=0), "Cyclic: fall should be an integer of 1 or more"),
        (
            lambda: O.Chained((0.1,), at=(3,)),
            "Chained: 1 schedules begin at 0 and at 0 places more",
        ),
        (lambda: O.Chained((0.1, -0.2), at=(3,)), "Chained: a schedule should be a finite number"),
        (lambda: O.Plateau(0.1, factor=1.0), r"Plateau: factor should be below 1, got 1\.0"),
        (lambda: O.Plateau(0.1, patience=-1), "Plateau: patience should be an integer of 0"),
    ],
)
def test_arguments_outside_their_range_are_refused(make, message):
    with pytest.raises(RangeError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: O.MultiStep(0.1, at=3), "MultiStep: at should be a tuple of steps, got 3"),
        (lambda: O.Piecewise(3), "Piecewise: points should be a dict, or a tuple of pairs"),
        (lambda: O.Piecewise({0: 0.1}, smooth=1), "Piecewise: smooth should be True or False"),
        (lambda: O.Chained(0.1, at=()), "Chained: schedules should be a tuple of schedules"),
        (lambda: O.Plateau("fast"), "Plateau: lr should be a number, got str 'fast'"),
    ],
)
def test_arguments_of_the_wrong_kind_are_refused(make, message):
    with pytest.raises(DTypeError, match=message):
        make()
