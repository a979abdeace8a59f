"""Random numbers: their distribution, their streams, and that compiled steps draw them anew."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import lamina
import lamina.functions as F
from lamina import Variable, gradients, seed, test_mode, using
from lamina.errors import DTypeError, RangeError, ShapeError

N = 20_000


def accepted(p):
    """A fixed seed: of a right distribution, one in a thousand would fail."""
    assert p > 1e-3


@pytest.fixture(autouse=True)
def start():
    seed(5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_uniform_numbers_are_spread_evenly(dtype):
    y = F.uniform((N,), dtype=dtype).data
    assert y.dtype == dtype
    assert 0 <= y.min()
    assert y.max() < 1
    # float16 has steps of 1/2048 there, and so ties: ranks are off by that
    accepted(stats.kstest(y.astype(float) + (2e-4 if dtype == np.float16 else 0), "uniform").pvalue)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normal_numbers_have_their_mean_and_deviation(dtype):
    y = F.normal((N,), 3.0, 0.5, dtype=dtype).data
    assert y.dtype == dtype
    accepted(stats.kstest(y.astype(float), stats.norm(3, 0.5).cdf).pvalue)


def test_bernoulli_is_1_as_often_as_its_probability_says():
    y = F.bernoulli(np.full(N, 0.3)).data
    accepted(stats.binomtest(int(y.sum()), N, 0.3).pvalue)


def test_classes_are_drawn_with_their_probabilities():
    p = np.array([0.1, 0.2, 0.7])
    y = F.categorical(np.log(p), shape=(N,)).data
    accepted(stats.chisquare(np.bincount(y, minlength=3), p * N).pvalue)


def test_gumbel_softmax_has_its_largest_where_a_class_is_drawn():
    p = np.array([0.1, 0.2, 0.7])
    y = F.gumbel_softmax(np.broadcast_to(np.log(p), (N, 3)).copy(), 0.3).data
    np.testing.assert_allclose(y.sum(1), 1, rtol=1e-12)  # a sum of three
    accepted(stats.chisquare(np.bincount(y.argmax(1), minlength=3), p * N).pvalue)


def test_hard_gumbel_softmax_has_the_gradient_of_the_soft_one():
    x, weights = Variable([[0.5, -1.0, 0.25]]), np.array([[1.0, 2.0, 3.0]])
    found = []
    for hard in (False, True):
        seed(3)
        y = F.gumbel_softmax(x, hard=hard)
        found.append(gradients([(y * weights).sum()], [x])[0].data.tolist())
    assert sorted(y.data.ravel().tolist()) == [0, 0, 1]
    assert found[0] == found[1]


def test_alpha_dropout_keeps_mean_and_variance(rng):
    x = rng.normal(size=100_000)
    y = F.alpha_dropout(x, 0.3).data
    # the mean of 100,000 numbers of variance 1 is off by 0.003, their variance by about 0.005
    assert abs(y.mean()) < 0.015
    assert abs(y.var() - 1) < 0.025


@pytest.mark.parametrize("f", [F.gaussian_dropout, F.dropout], ids=lambda f: f.__name__)
def test_both_dropouts_have_one_variance(f):
    y = f(np.ones(100_000), 0.2).data
    assert abs(y.mean() - 1) < 0.01  # six deviations of the mean
    assert abs(y.var() - 0.25) < 0.01


FAMILY = {
    "channel_dropout": F.channel_dropout,
    "drop_path": F.drop_path,
    "alpha_dropout": F.alpha_dropout,
    "gaussian_dropout": F.gaussian_dropout,
    "gaussian_noise": F.gaussian_noise,
}


@pytest.mark.parametrize("name", FAMILY)
def test_noise_is_for_training_only(name):
    x = Variable(np.ones((4, 3)))
    with test_mode():
        assert FAMILY[name](x, 0.5) is x
    assert FAMILY[name](x, 0) is x
    with using(train=True):
        assert FAMILY[name](x, 0.5) is not x


DRAWN = {
    **{name: lambda x, f=f: f(x, 0.5) for name, f in FAMILY.items()},
    "uniform": lambda x: x + F.uniform((4, 3), dtype=np.float64),
    "uniform between": lambda x: F.uniform((4, 3), -abs(x), abs(x)),
    "normal": lambda x: x + F.normal((4, 3), dtype=np.float64),
    "bernoulli": lambda x: F.bernoulli(F.sigmoid(x)),
    "categorical": lambda x: F.categorical(x, shape=(2,)),
    "gumbel_softmax": lambda x: F.gumbel_softmax(x),
    "dropout": lambda x: F.dropout(x),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_compiled_step_draws_what_eager_draws_at_every_call(rng, name):
    x = rng.normal(size=(4, 3)) + 2
    seed(1)
    expected = [DRAWN[name](Variable(x)).data.tolist() for _ in range(4)]
    step = lamina.compile(lambda x: DRAWN[name](x), backend="replay")
    seed(1)
    found = [step(Variable(x)).data.tolist() for _ in range(4)]
    assert found == expected
    assert len({str(y) for y in found}) > 1


def test_operators_do_not_share_a_stream():
    seed(1)
    alone = F.normal((3,)).data.tolist()
    seed(1)
    F.uniform((3,))
    F.bernoulli(np.full(3, 0.5))
    assert F.normal((3,)).data.tolist() == alone


WRONG = {
    "an end": (
        lambda: F.uniform((2, 3), np.zeros(2)),
        ShapeError,
        r"uniform: low should fit \(2, 3\), got \(2,\)",
    ),
    "more axes": (
        lambda: F.normal((3,), np.zeros((2, 3))),
        ShapeError,
        r"normal: mean should fit \(3,\), got \(2, 3\)",
    ),
    "integers": (
        lambda: F.normal((3,), dtype=int),
        DTypeError,
        "normal: dtype should be floating, got int64",
    ),
    "a length": (lambda: F.uniform((2.5,)), DTypeError, "uniform: a length should be an integer"),
    "logits": (
        lambda: F.bernoulli([1.5]),
        RangeError,
        r"bernoulli: probabilities should be from 0 to 1, got 1\.5; of logits take sigmoid",
    ),
    "no classes": (
        lambda: F.categorical(np.zeros((3, 0))),
        ShapeError,
        r"categorical: axis -1 of \(3, 0\) is empty",
    ),
    "temperature": (
        lambda: F.gumbel_softmax([0.0], 0),
        RangeError,
        "gumbel_softmax: temperature should be above 0, got 0",
    ),
    "ratio": (
        lambda: F.drop_path([1.0], 1.5),
        RangeError,
        r"drop_path: ratio should be from 0 to 1, got 1\.5",
    ),
    "all of alpha": (
        lambda: F.alpha_dropout([1.0], 1),
        RangeError,
        "alpha_dropout: ratio should be below 1, got 1",
    ),
    "all of gauss": (
        lambda: F.gaussian_dropout([1.0], 1),
        RangeError,
        "gaussian_dropout: ratio should be below 1, got 1",
    ),
    "deviation": (
        lambda: F.gaussian_noise([1.0], -1),
        RangeError,
        "gaussian_noise: std should be 0 or more, got -1",
    ),
    "channels": (
        lambda: F.channel_dropout([1.0]),
        ShapeError,
        r"channel_dropout: x should be \(n, channels, \.\.\.\), got \(1,\)",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name):
    make, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        make()
