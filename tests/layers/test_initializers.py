"""Initializers: exact dtype, the variance each rule promises, and errors for what has none.

Tolerances of the statistics: n numbers of standard deviation s have a sample mean that is off by
s / sqrt(n), and a sample standard deviation that is off by about s / sqrt(2 n) (normal; less for
uniform). With n = 60,000 these are 0.41 % and 0.29 % of s. The tests allow five times that, 2.1 %
and 1.5 %, and the generator is seeded, so they either always pass or always fail.
"""

from __future__ import annotations

import math
import pickle
import tracemalloc
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy import integrate, stats

from lamina.errors import DTypeError, RangeError, ShapeError
from lamina.layers import initializers as I

IN, OUT = 300, 200  # 60,000 numbers
MEAN_OFF = 5 / math.sqrt(IN * OUT)
STD_OFF = 5 / math.sqrt(2 * IN * OUT)

DRAWN = [
    I.normal(0.3),
    I.truncated_normal(0.3),
    I.uniform(-0.2, 0.2),
    I.lecun_normal(),
    I.lecun_normal(truncated=True),
    I.lecun_uniform(),
    I.glorot_normal(),
    I.glorot_uniform(),
    I.he_normal(),
    I.he_uniform(),
    I.variance_scaling(0.5, "fan_out", "truncated_normal"),
    I.orthogonal(),
]
EVERY = [I.constant(0.25), I.zeros(), I.ones(), *DRAWN]


def generator(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("init", EVERY, ids=repr)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_result_has_exactly_the_dtype_asked_for(init, dtype):
    assert init((3, 5), np.dtype(dtype), generator()).dtype == dtype


@pytest.mark.parametrize("init", EVERY, ids=repr)
@pytest.mark.parametrize("shape", [(1, 1), (7, 2), (2, 7), (5, 3, 2), (4, 3, 2, 5)])
def test_the_result_has_the_shape_asked_for(init, shape):
    assert init(shape, np.float32, generator()).shape == shape


@pytest.mark.parametrize("init", EVERY, ids=repr)
def test_the_result_owns_memory_that_can_be_written(init):
    w = init((4, 3), np.float32, generator())
    assert w.flags.writeable


@pytest.mark.parametrize("init", DRAWN, ids=repr)
def test_one_seed_gives_one_array(init):
    first, second = (init((6, 5), np.float32, generator(3)).tobytes() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("init", DRAWN, ids=repr)
def test_another_seed_gives_another_array(init):
    a, b = (init((6, 5), np.float32, generator(seed)) for seed in (3, 4))
    assert np.all(a != b)


@pytest.mark.parametrize("init", DRAWN[:-1], ids=repr)  # orthogonal goes through float64
def test_float16_is_float32_rounded_once(init):
    wide = init((9, 5), np.float32, generator())
    assert np.array_equal(init((9, 5), np.float16, generator()), wide.astype(np.float16))


@pytest.mark.parametrize("init", EVERY, ids=repr)
@pytest.mark.parametrize("dtype", [np.int64, np.bool_, np.complex64])
def test_a_dtype_that_is_not_real_and_floating_is_refused(init, dtype):
    with pytest.raises(DTypeError, match=f"should be real and floating, got {np.dtype(dtype)}"):
        init((3, 5), dtype, generator())


# -- variance ------------------------------------------------------------------------------------

PROMISED = [
    (I.normal(0.3), 0.3),
    (I.truncated_normal(0.3), 0.3),
    (I.uniform(-0.2, 0.2), 0.2 / math.sqrt(3)),
    (I.lecun_normal(), math.sqrt(1 / IN)),
    (I.lecun_normal(truncated=True), math.sqrt(1 / IN)),
    (I.lecun_normal(gain=3), 3 * math.sqrt(1 / IN)),
    (I.lecun_uniform(), math.sqrt(1 / IN)),
    (I.glorot_normal(), math.sqrt(2 / (IN + OUT))),
    (I.glorot_normal(truncated=True), math.sqrt(2 / (IN + OUT))),
    (I.glorot_uniform(gain=0.5), 0.5 * math.sqrt(2 / (IN + OUT))),
    (I.he_normal(), math.sqrt(2 / IN)),
    (I.he_normal(mode="fan_out"), math.sqrt(2 / OUT)),
    (I.he_normal(truncated=True), math.sqrt(2 / IN)),
    (I.he_uniform(), math.sqrt(2 / IN)),
    (I.he_uniform(gain=1.5, mode="fan_avg"), 1.5 * math.sqrt(2 / (IN + OUT))),
    (I.variance_scaling(0.7, "fan_out", "uniform"), math.sqrt(0.7 / OUT)),
]


@pytest.mark.parametrize(("init", "std"), PROMISED, ids=lambda x: repr(x)[:60])
def test_the_standard_deviation_is_the_one_promised(init, std):
    w = init((IN, OUT), np.float32, generator()).astype(np.float64)
    assert abs(w.std() / std - 1) < STD_OFF


@pytest.mark.parametrize(("init", "std"), PROMISED, ids=lambda x: repr(x)[:60])
def test_the_mean_is_zero(init, std):
    w = init((IN, OUT), np.float32, generator()).astype(np.float64)
    assert abs(w.mean() / std) < MEAN_OFF


@pytest.mark.parametrize(
    ("init", "distribution"),
    [
        (I.lecun_normal(), stats.norm(0, math.sqrt(1 / IN))),
        (I.truncated_normal(0.3), stats.truncnorm(-2, 2, 0, 0.3 / stats.truncnorm(-2, 2).std())),
        (I.he_uniform(), stats.uniform(-math.sqrt(6 / IN), 2 * math.sqrt(6 / IN))),
    ],
    ids=["normal", "truncated", "uniform"],
)
def test_the_whole_distribution_is_the_one_promised(init, distribution):
    w = init((IN, OUT), np.float32, generator()).ravel()
    # A right generator gives p < 1e-4 with one seed in 10,000, and this seed is fixed.
    assert stats.kstest(w, distribution.cdf).pvalue > 1e-4


def test_truncated_normal_stops_at_two_sigma_of_what_was_cut():
    w = I.truncated_normal(1.0)((IN, OUT), np.float64, generator())
    assert 1.99 < np.abs(w).max() * I.TRUNCATED_STD <= 2


def test_the_constant_of_the_cut_follows_from_its_formula():
    phi = math.exp(-2) / math.sqrt(2 * math.pi)
    # The two differ by a few roundings of double precision.
    assert abs(I.TRUNCATED_STD - math.sqrt(1 - 4 * phi / math.erf(math.sqrt(2)))) < 1e-15


def test_uniform_stays_within_its_bounds():
    w = I.uniform(0.25, 0.5)((IN, OUT), np.float32, generator())
    assert w.min() >= 0.25
    assert w.max() <= 0.5


def test_lecun_is_not_glorot():
    shape = (10, 1000)
    assert I.lecun_normal().of(shape).std > 6 * I.glorot_normal().of(shape).std


def test_xavier_is_another_name_of_glorot():
    assert I.xavier_normal() == I.glorot_normal()
    assert I.xavier_uniform() == I.glorot_uniform()


def test_t27_the_start_that_the_seed_calls_xavier_is_lecun():
    w = I.lecun_normal()((1000, 10), np.float32, generator())
    # 10,000 numbers: five standard errors of a variance, 5 sqrt(2 / n), are 0.071
    assert abs(w.var() * 1000 - 1) < 0.071


# -- orthogonal ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7, 3), (3, 7), (5, 5), (1, 4), (4, 3, 2), (2, 3, 5)])
@pytest.mark.parametrize(("dtype", "rounding"), [(np.float32, 6e-8), (np.float64, 1.2e-16)])
def test_orthogonal_rows_or_columns_are_orthonormal_times_the_gain(shape, dtype, rounding):
    w = I.orthogonal(2.0)(shape, dtype, generator()).reshape(shape[0], -1).astype(np.float64)
    product = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    # Sums of up to 15 products, each of two numbers of at most 2 rounded once: 15 * 2 * 4 roundings
    assert np.abs(product - 4 * np.eye(len(product))).max() < 120 * rounding


def test_orthogonal_matrices_are_uniform_and_not_only_qs():
    # Without the sign correction the diagonal of a LAPACK Q is never positive for n = 2.
    drawn = generator()
    first = [I.orthogonal()((2, 2), np.float64, drawn)[0, 0] for _ in range(400)]
    # A uniform first entry is the cosine of a uniform angle. p as above.
    assert stats.kstest(first, lambda c: 1 - np.arccos(np.clip(c, -1, 1)) / np.pi).pvalue > 1e-4


# -- gains ---------------------------------------------------------------------------------------

FORMULAS = {
    "linear": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "relu": lambda z: max(z, 0.0),
    "leaky_relu": lambda z: z if z > 0 else 0.01 * z,
    "elu": lambda z: z if z > 0 else math.expm1(z),
    "selu": lambda z: 1.0507009873554805 * (z if z > 0 else 1.6732632423543772 * math.expm1(z)),
    "gelu": lambda z: z * 0.5 * math.erfc(-z / math.sqrt(2)),
    "silu": lambda z: z / (1 + math.exp(-z)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_gain_undoes_what_its_nonlinearity_takes(name):
    def weighed(z):
        return FORMULAS[name](z) ** 2 * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    halves = [integrate.quad(weighed, *ends, epsabs=1e-13)[0] for ends in ((-12, 0), (0, 12))]
    # quad is asked for 1e-13, twice
    assert abs(I.gain_for(name) ** 2 * sum(halves) - 1) < 1e-12


def test_the_gain_of_leaky_relu_follows_its_slope():
    assert I.gain_for("leaky_relu", slope=1.0) == 1.0


def test_an_unknown_nonlinearity_is_answered_with_the_known_ones():
    with pytest.raises(RangeError, match=r"one of linear, .*leaky_relu, got 'relu6'"):
        I.gain_for("relu6")


def test_twenty_relu_layers_with_he_keep_the_size_of_the_signal():
    drawn = generator()
    x = drawn.standard_normal((64, 256), dtype=np.float32)
    start = float(np.square(x).mean())
    for _ in range(20):
        x = np.maximum(x @ I.he_normal()((256, 256), np.float32, drawn), 0)
    # After ReLU half of the second moment is left. LeCun's rule would leave a millionth (2 ** -20);
    # a factor of 3 is far from both that and from growth.
    assert 1 / 3 < 2 * float(np.square(x).mean()) / start < 3


# -- fans ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((2, 3), (2, 3)), ((2, 3, 5), (15, 10)), ((2, 3, 5, 7), (105, 70)), ((1, 1), (1, 1))],
)
def test_fans_of_matrices_and_kernels(shape, expected):
    assert I.fans(shape) == expected


@pytest.mark.parametrize("init", [I.lecun_normal(), I.he_uniform(), I.orthogonal()], ids=repr)
@pytest.mark.parametrize("shape", [(), (5,)])
def test_fewer_than_two_axes_have_no_fan(init, shape):
    with pytest.raises(ShapeError, match="should have two axes or more"):
        init(shape, np.float32, generator())


@pytest.mark.parametrize("init", [I.lecun_normal(), I.glorot_uniform(), I.orthogonal()], ids=repr)
@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (3, 0, 2)])
def test_t28_an_axis_of_length_zero_is_a_clear_error(init, shape):
    with pytest.raises(ShapeError, match="has an axis of length 0"):
        init(shape, np.float32, generator())


@pytest.mark.parametrize("init", [I.zeros(), I.normal(), I.truncated_normal(), I.uniform()])
def test_initializers_without_a_fan_make_empty_arrays_too(init):
    assert init((0,), np.float32, generator()).shape == (0,)


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: I.constant(math.nan), "value should be a finite number, got nan"),
        (lambda: I.constant("1"), "value should be a finite number, got '1'"),
        (lambda: I.normal(-1.0), "std should be 0 or more, got -1.0"),
        (lambda: I.normal(math.inf), "std should be a finite number, got inf"),
        (lambda: I.uniform(1, 0), "low 1 should not be above high 0"),
        (lambda: I.lecun_normal(gain=0), "gain should be above 0, got 0"),
        (lambda: I.he_normal(mode="fan"), "mode should be one of fan_in, fan_out, fan_avg"),
        (lambda: I.variance_scaling(-2), "scale should be above 0, got -2"),
        (lambda: I.variance_scaling(distribution="cauchy"), "distribution should be one of"),
        (lambda: I.orthogonal(math.nan), "gain should be a finite number, got nan"),
    ],
)
def test_a_wrong_argument_is_refused_where_it_is_given(make, message):
    with pytest.raises(RangeError, match=message):
        make()


# -- as objects ----------------------------------------------------------------------------------


def test_initializers_compare_by_value():
    assert I.he_normal() == I.he_normal(I.gain_for("relu"))
    assert I.he_normal() != I.lecun_normal()


def test_initializers_can_be_keys():
    assert len({I.lecun_normal(), I.lecun_normal(), I.zeros()}) == 2


def test_initializers_do_not_change():
    init = I.normal(0.5)
    with pytest.raises(FrozenInstanceError, match="std"):
        init.std = 1.0


def test_initializers_travel_through_pickle():
    assert pickle.loads(pickle.dumps(I.he_uniform())) == I.he_uniform()


@pytest.mark.parametrize(
    ("init", "times"),
    [
        (I.lecun_normal(), 1.1),  # nothing but the result, and some Python objects
        (I.he_uniform(), 1.1),
        # |w|, the comparison, and the places of the 4.6 % beyond two sigma, eight bytes each
        (I.truncated_normal(), 2.6),
    ],
    ids=["normal", "uniform", "truncated"],
)
def test_t29_float32_is_drawn_without_larger_arrays_in_between(init, times):
    shape = (1000, 500)
    drawn = generator()
    tracemalloc.start()
    try:
        init(shape, np.float32, drawn)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < times * 4 * 1000 * 500
