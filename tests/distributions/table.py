"""All distributions, each with SciPy's, parameters, and outcomes some of which are impossible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from lamina import distributions as D


@dataclass(frozen=True)
class Row:
    """``make`` of parameters, and SciPy's of the same; ``outcomes`` broadcast with them."""

    make: Callable[..., Any]
    scipy: Callable[..., Any]
    parameters: tuple[Any, ...]
    outcomes: Any
    discrete: bool = False
    smooth: bool = True  # whether draws depend smoothly on the parameters


def exponential(rate):
    return stats.expon(scale=1 / rate)


def lognormal(loc, scale):
    return stats.lognorm(scale, scale=np.exp(loc))


def between(low, high):
    return stats.uniform(low, high - low)


def gamma(a, rate):
    return stats.gamma(a, scale=1 / rate)


def of_logits(logits):
    return D.Bernoulli(logits=logits)


def logits_of(logits):
    return stats.bernoulli(1 / (1 + np.exp(-logits)))


LOC, SCALE = np.array([-1.0, 0.25, 2.0]), np.array([0.5, 1.0, 3.0])
REAL = np.array([[-1.5, 0.5, 1.0], [3.0, -2.0, 0.0]])
POSITIVE = np.array([[0.3, 1.7, 4.0], [-1.0, 0.6, 25.0]])
COUNTS = np.array([[0, 1, 4], [2, -1, 12]])

ROWS = {
    "Normal": Row(D.Normal, stats.norm, (LOC, SCALE), REAL),
    "LogNormal": Row(D.LogNormal, lognormal, (LOC, SCALE / 2), POSITIVE),
    "Laplace": Row(D.Laplace, stats.laplace, (LOC, SCALE), REAL),
    "Exponential": Row(D.Exponential, exponential, (SCALE,), POSITIVE),
    "Uniform": Row(D.Uniform, between, (LOC, LOC + SCALE), REAL),
    "Gamma": Row(D.Gamma, gamma, (np.array([0.3, 1.0, 7.0]), SCALE), POSITIVE),
    "Beta": Row(
        D.Beta,
        stats.beta,
        (np.array([0.4, 1.0, 5.0]), np.array([0.7, 2.0, 3.0])),
        np.array([[0.1, 0.5, 0.9], [1.5, -0.5, 0.99]]),
    ),
    "Bernoulli": Row(
        D.Bernoulli,
        stats.bernoulli,
        (np.array([0.2, 0.5, 0.9]),),
        np.array([[0, 1, 0], [1, 0, 1]]),
        discrete=True,
        smooth=False,
    ),
    "Bernoulli of logits": Row(
        of_logits, logits_of, (LOC,), np.array([[0, 1, 0], [1, 0, 1]]), discrete=True, smooth=False
    ),
    "Geometric": Row(
        D.Geometric,
        lambda p: stats.geom(p, loc=-1),
        (np.array([0.2, 0.5, 0.95]),),
        COUNTS,
        discrete=True,
        smooth=False,
    ),
    "Poisson": Row(
        D.Poisson,
        stats.poisson,
        (np.array([0.3, 1.0, 9.0]),),
        COUNTS,
        discrete=True,
        smooth=False,
    ),
}
"""Those whose outcomes are numbers; Categorical, Dirichlet and MultivariateNormal are apart."""
