"""Schedules: their values, their arguments, how they print."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lamina import optimizers as O
from lamina.errors import DTypeError, RangeError

ALL = [
    O.Constant(0.1),
    O.StepDecay(0.1, every=3),
    O.Exponential(0.1, factor=0.9),
    O.Cosine(0.1, steps=5),
    O.Warmup(0.1, steps=4),
    O.OneCycle(0.1, steps=10),
    O.MultiStep(0.1, at=(3, 7)),
    O.Polynomial(0.1, steps=6, power=0.9, end=0.01),
    O.Linear(0.1, end=0.02, steps=4),
    O.InverseSqrt(0.1, hold=3),
    O.InverseTime(0.1, factor=0.5, power=0.75),
    O.Noam(width=100, warmup=4),
    O.Piecewise(((1, 0.1), (4, 0.05), (9, 0.02)), smooth=True),
    O.CosineRestarts(0.1, steps=3, grow=2, end=0.01, shrink=0.9),
    O.Cyclic(0.01, 0.1, rise=3, fall=5, shrink=0.99),
    O.Chained((O.Constant(0.05), O.Linear(0.1, end=0.0, steps=4)), at=(3,)),
]


def first(schedule, count):
    return [schedule(step) for step in range(count)]


def test_constant_is_constant():
    assert first(O.Constant(0.3), 3) == [0.3, 0.3, 0.3]


def test_step_decay_goes_down_a_staircase():
    assert first(O.StepDecay(8.0, every=2, factor=0.5), 6) == [8, 8, 4, 4, 2, 2]


def test_exponential_multiplies_at_each_step():
    assert first(O.Exponential(8.0, factor=0.5), 4) == [8, 4, 2, 1]


def test_exponential_meets_step_decay_at_the_corners():
    smooth, stairs = O.Exponential(8.0, factor=0.5, every=3), O.StepDecay(8.0, 3, factor=0.5)
    assert [smooth(step) for step in (0, 3, 6)] == [stairs(step) for step in (0, 3, 6)]


def test_cosine_follows_half_a_cosine_and_stays_at_its_end():
    schedule = O.Cosine(0.9, steps=4, end=0.1)
    wanted = [0.1 + 0.4 * (1 + math.cos(math.pi * k / 4)) for k in range(5)] + [0.1, 0.1]
    assert first(schedule, 7) == pytest.approx(wanted, rel=1e-15)  # order of two roundings


def test_cosine_begins_and_ends_exactly():
    schedule = O.Cosine(0.3, steps=7, end=0.07)
    assert (schedule(0), schedule(7), schedule(10**9)) == (0.3, 0.07, 0.07)


def test_warmup_grows_in_equal_parts_from_above_0():
    assert first(O.Warmup(1.0, steps=3), 5) == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_what_follows_a_warmup_begins_at_its_beginning():
    inner = O.StepDecay(4.0, every=2, factor=0.5)
    assert first(O.Warmup(inner, steps=1), 6) == [2, 4, 4, 2, 2, 1]


def test_a_warmup_of_no_steps_is_none():
    assert first(O.Warmup(O.Exponential(1.0, factor=0.5), steps=0), 3) == [1, 0.5, 0.25]


def test_warmups_nest():
    assert O.Warmup(O.Warmup(1.0, steps=1), steps=1)(0) == 0.25


def test_a_plain_function_can_be_warmed_up():
    assert first(O.Warmup(lambda step: 2.0 - step, steps=1), 3) == [1.0, 2.0, 1.0]


def test_one_cycle_rises_and_falls():
    values = first(O.OneCycle(1.0, steps=20, rise=0.25), 21)
    assert np.argmax(values) == 5
    assert (np.diff(values[:6]) > 0).all()
    assert (np.diff(values[5:]) < 0).all()


def test_one_cycle_begins_tops_and_ends_exactly():
    schedule = O.OneCycle(2.0, steps=20, rise=0.25, start=8, end=64)
    assert [schedule(step) for step in (0, 5, 20, 21)] == [0.25, 2.0, 2 / 64, 2 / 64]


def test_one_cycle_along_half_a_cosine():
    schedule = O.OneCycle(1.0, steps=8, rise=0.5, start=5, end=10)
    assert schedule(2) == pytest.approx((0.2 + 1.0) / 2, rel=1e-15)  # order of two roundings
    assert schedule(6) == pytest.approx((1.0 + 0.1) / 2, rel=1e-15)


@pytest.mark.parametrize("rise", [0.0, 1.0])
def test_one_cycle_can_only_fall_or_only_rise(rise):
    schedule = O.OneCycle(1.0, steps=4, rise=rise, start=5, end=10)
    assert schedule(0) == (1.0 if rise == 0 else 0.2)
    assert schedule(4) == 0.1


def test_one_cycle_of_one_step():
    assert first(O.OneCycle(1.0, steps=1, rise=0.0), 2) == [1.0, 1 / 250_000]


@pytest.mark.parametrize("schedule", ALL, ids=lambda s: type(s).__name__)
def test_every_schedule_gives_python_numbers(schedule):
    assert {type(rate) for rate in first(schedule, 30)} == {float}


@pytest.mark.parametrize("schedule", ALL, ids=lambda s: type(s).__name__)
def test_every_schedule_stays_finite_and_at_0_or_more_for_long(schedule):
    rates = [schedule(step) for step in (0, 1, 10**3, 10**6, 10**9)]
    assert all(0 <= rate <= 0.1 for rate in rates)


@pytest.mark.parametrize("schedule", ALL, ids=lambda s: type(s).__name__)
def test_every_schedule_prints_as_it_is_written(schedule):
    assert eval(repr(schedule), vars(O)) == schedule


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: O.Constant(-1), "Constant: lr should be a finite number of 0 or more, got -1"),
        (lambda: O.Constant(math.nan), "Constant: lr should be a finite number"),
        (lambda: O.StepDecay(0.1, every=0), "StepDecay: every should be an integer of 1 or more"),
        (lambda: O.StepDecay(0.1, every=2.5), "StepDecay: every should be an integer of 1 or more"),
        (lambda: O.StepDecay(0.1, 3, factor=-1), "StepDecay: factor should be a finite number"),
        (lambda: O.Exponential(0.1, factor=math.inf), "Exponential: factor should be a finite"),
        (lambda: O.Exponential(0.1, 0.5, every=0), "Exponential: every should be an integer of 1"),
        (lambda: O.Cosine(0.1, steps=0), "Cosine: steps should be an integer of 1 or more, got 0"),
        (lambda: O.Cosine(0.1, steps=True), "Cosine: steps should be an integer of 1 or more"),
        (lambda: O.Cosine(0.1, 5, end=-0.1), "Cosine: end should be a finite number of 0 or more"),
        (
            lambda: O.Warmup(-0.1, steps=3),
            "Warmup: schedule should be a finite number of 0 or more",
        ),
        (
            lambda: O.Warmup(0.1, steps=-1),
            "Warmup: steps should be an integer of 0 or more, got -1",
        ),
        (
            lambda: O.OneCycle(0.1, 5, rise=1.5),
            "OneCycle: rise should be a finite number from 0 to",
        ),
        (lambda: O.OneCycle(0.1, 5, start=0.5), "OneCycle: start should be a finite number of 1"),
        (lambda: O.OneCycle(0.1, 5, end=0), "OneCycle: end should be a finite number of 1 or more"),
    ],
)
def test_arguments_outside_their_range_are_refused(make, message):
    with pytest.raises(RangeError, match=message):
        make()


def test_a_schedule_of_text_is_refused():
    with pytest.raises(DTypeError, match="Cosine: lr should be a number, got str 'fast'"):
        O.Cosine("fast", steps=3)


def test_every_public_schedule_is_in_the_table():
    public = {
        name
        for name in O.__all__
        if isinstance(kind := getattr(O, name), type) and "__call__" in vars(kind)
    }
    # Plateau has a state and is tested in test_schedule_shapes.py
    assert public - {type(schedule).__name__ for schedule in ALL} == {"Plateau"}
