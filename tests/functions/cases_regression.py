"""More losses between numbers, against their definitions and SciPy's distributions."""

from __future__ import annotations

import numpy as np
from scipy import stats

import lamina.functions as F
from functions.cases_loss import all_reductions, elementwise, of_numbers, reduced
from lamina.check import case

PAIRS = [((2, 3), (2, 3)), ((1,), (1,)), ((), ())]


def smooth_l1(x, t, beta=1.0):
    d = abs(x - t)
    return d * d / 2 / beta if d <= beta else d - beta / 2


def log_cosh(x, t):
    return np.log(np.cosh(x - t))


def quantile(x, t, quantile=0.5):
    return quantile * (t - x) if x < t else (1 - quantile) * (x - t)


def of_counts(x, t, log_input=True, full=False, reduction="mean"):
    mean = np.exp(x) if log_input else x
    if full:
        return reduced(-stats.poisson(mean).logpmf(t), reduction)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = mean - np.where(t == 0, 0, t * np.log(mean))
    return reduced(y, reduction)


def of_bells(x, t, variance, full=False, eps=1e-6, reduction="mean"):
    spread = np.sqrt(np.maximum(np.broadcast_to(variance, x.shape), eps))
    y = -stats.norm(x, spread).logpdf(t)
    return reduced(y if full else y - np.log(2 * np.pi) / 2, reduction)


def counted(shape, low, high):
    def make(rng, dtype):
        counts = np.asarray(rng.integers(0, 5, shape))
        return np.asarray(rng.uniform(low, high, shape)).astype(dtype), counts

    return make


COUNTS = [counted(s, -2, 2) for s in ((2, 3), (1,), ())]
MEANS = [counted(s, 0.5, 4) for s in ((2, 3), (1,), (0, 3))]
BELLS = [((2, 3), (2, 3), (2, 3)), ((3, 2), (3, 2), (2,)), ((1,), (1,), ()), ((), (), ())]

CASES = [
    *all_reductions(F.smooth_l1_loss, elementwise(smooth_l1), shapes=PAIRS),
    of_numbers(F.smooth_l1_loss, elementwise(smooth_l1), "beta", shapes=PAIRS, beta=0.3),
    *all_reductions(F.log_cosh_loss, elementwise(log_cosh), shapes=PAIRS),
    *all_reductions(F.quantile_loss, elementwise(quantile), shapes=PAIRS),
    of_numbers(F.quantile_loss, elementwise(quantile), "0.9", shapes=PAIRS, quantile=0.9),
    case(F.poisson_nll_loss, of_counts, make=COUNTS),
    case(
        F.poisson_nll_loss,
        of_counts,
        make=MEANS,
        kwargs={"log_input": False, "reduction": "none"},
        name="poisson_nll_loss of means",
    ),
    case(
        F.poisson_nll_loss,
        of_counts,
        make=COUNTS,
        kwargs={"full": True},
        name="poisson_nll_loss full",
    ),
    case(F.gaussian_nll_loss, of_bells, shapes=BELLS, domain=[(-2, 2), (-2, 2), (0.5, 3)]),
    case(
        F.gaussian_nll_loss,
        of_bells,
        shapes=[*BELLS[:2], ((0, 3), (0, 3), (3,))],
        domain=[(-2, 2), (-2, 2), (0.5, 3)],
        kwargs={"full": True, "reduction": "sum"},
        name="gaussian_nll_loss full",
    ),
    case(
        F.gaussian_nll_loss,
        of_bells,
        shapes=[((2, 3), (2, 3), (3,))],
        domain=[(-2, 2), (-2, 2), (0, 0.4)],
        kwargs={"eps": 0.5, "reduction": "none"},
        name="gaussian_nll_loss below eps",
    ),
]
