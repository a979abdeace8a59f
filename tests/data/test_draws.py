"""Draws: numbers that depend on seed, epoch and sample, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from lamina.data import Draws

METHODS = {
    "bits": lambda draws: draws.bits((2,)),
    "uniform": lambda draws: draws.uniform(-3, 5, (2, 3)),
    "integers": lambda draws: draws.integers(0, 1000, (4,)),
    "normal": lambda draws: draws.normal(),
    "chance": lambda draws: draws.chance(0.5),
    "generators": lambda draws: np.array([rng.random() for rng in draws.generators()]),
}


@pytest.mark.parametrize("draw", METHODS.values(), ids=METHODS)
def test_a_row_is_the_same_whatever_is_beside_it(draw):
    whole = draw(Draws(3, 2, np.arange(50)))
    assert np.array_equal(draw(Draws(3, 2, [41, 7, 0])), whole[[41, 7, 0]])


@pytest.mark.parametrize("other", [(4, 2, 0), (3, 1, 0), (3, 2, 1)], ids=["seed", "epoch", "index"])
@pytest.mark.parametrize("name", ["bits", "generators"])
def test_seed_epoch_and_sample_each_matter(name, other):
    seed, epoch, shift = other
    rows = np.arange(20)
    assert not np.any(
        METHODS[name](Draws(3, 2, rows)) == METHODS[name](Draws(seed, epoch, rows + shift))
    )


@pytest.mark.parametrize("name", ["bits", "generators", "normal"])
def test_each_call_gives_new_numbers(name):
    draws = Draws(0, 0, np.arange(20))
    assert not np.any(METHODS[name](draws) == METHODS[name](draws))


def test_a_seed_may_be_of_any_size():
    assert Draws(2**200, 0, [1]).bits() != Draws(2**200 + 1, 0, [1]).bits()


def test_the_numbers_are_the_same_for_ever():
    # Written down on the day Draws was written: others would change every augmented run
    assert Draws(0, 0, [0, 1]).bits().tolist() == [0x81C3FFF4EE3027E1, 0xBF12BB67740554C6]


def test_uniform_numbers_are_uniform():
    u = Draws(1, 0, np.arange(1000)).uniform(shape=(100,))
    counts = np.histogram(u, 50, (0, 1))[0]
    # Chi-squared with 49 degrees of freedom: above 94 in one of 10,000 fair draws
    assert ((counts - 2000) ** 2 / 2000).sum() < 94


@pytest.mark.parametrize("axis", [0, 1])
def test_neighbours_have_nothing_in_common(axis):
    u = Draws(1, 0, np.arange(300)).uniform(-1, 1, (300,))
    a, b = (u[1:], u[:-1]) if axis == 0 else (u[:, 1:], u[:, :-1])
    # Correlation of 90,000 independent pairs: five standard deviations are 5 / 300
    assert abs(3 * (a * b).mean()) < 5 / 300


def test_normal_numbers_have_mean_0_and_variance_1():
    z = Draws(1, 0, np.arange(1000)).normal((40,))
    # five standard deviations of 40,000 numbers: 5 / 200, and sqrt(2) of it for the variance
    assert abs(z.mean()) < 5 / 200
    assert abs(z.var() - 1) < 5 * 2**0.5 / 200


def test_integers_reach_both_ends_and_no_further():
    low, high = np.array([0, 5]), np.array([3, 6])
    drawn = Draws(1, 0, np.arange(200)).integers(low, high, (2,))
    assert [sorted(set(column)) for column in drawn.T.tolist()] == [[0, 1, 2], [5]]


def test_some_of_the_samples_get_the_numbers_that_come_next():
    draws = Draws(1, 0, np.arange(9))
    draws.uniform()
    part = draws.at([5, 2])
    assert part.indices.tolist() == [5, 2]
    assert np.array_equal(part.bits(), draws.bits()[[5, 2]])


@pytest.mark.parametrize("name", ["bits", "generators"])
def test_branches_share_no_numbers(name):
    draws = Draws(1, 0, np.arange(9))
    first, second = draws.branch(), draws.branch()
    nested = first.branch()
    seen = [METHODS[name](d).ravel().tolist() for d in (draws, first, second, nested)]
    assert len({number for row in seen for number in row}) == sum(map(len, seen))


def test_the_generator_of_a_batch_is_named_by_its_first_sample():
    a, b = Draws(1, 0, [4, 5]), Draws(1, 0, [4, 7, 8])
    assert a.together().random() == b.together().random()
    assert a.together().random() != Draws(1, 0, [5, 4]).together().random()


def test_no_samples_give_no_numbers():
    assert Draws(1, 0, []).uniform(shape=(3,)).shape == (0, 3)


def test_draws_show_what_they_depend_on():
    assert repr(Draws(1, 2, [3, 4])) == "Draws(seed=1, epoch=2, samples=[3, 4])"
