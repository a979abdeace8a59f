"""``kl(p, q)``: how far one distribution is from another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import Variable
from ..errors import DTypeError
from ..functions import abs, digamma, exp, lbeta, lgamma, log, where, xlog1py, xlogy
from .continuous import Exponential, Laplace, LogNormal, Normal, Uniform
from .discrete import Bernoulli, Categorical, Geometric, Poisson
from .distribution import Distribution
from .multivariate import MultivariateNormal
from .operator import LowerSolve
from .simplex import Beta, Dirichlet, Gamma


def kl(p: Distribution, q: Distribution) -> Variable:
    """Kullback and Leibler's divergence, ``E_p[log p(x) - log q(x)]``, in closed form.

    Args:
        p: what is true, or is the posterior.
        q: of the same kind; the shapes broadcast.
    Returns:
        The broadcast shape; 0 where both are the same, infinity where p has outcomes that q has
        not.
    Raises:
        DTypeError: if no formula is known for the two.
    Source:
        S. Kullback and R. Leibler, "On Information and Sufficiency", 1951.
    Example:
        >>> kl(Normal(0.0, [1.0]), Normal(1.0, [1.0]))
        Variable([0.5], float64)
    """
    formula = FORMULAS.get(type(p)) if type(p) is type(q) else None
    if formula is None:
        raise DTypeError(
            f"kl: no formula is known for {type(p).__name__} and {type(q).__name__}; with x = "
            "p.sample((n,)) the mean of p.log_prob(x) - q.log_prob(x) tends to it"
        )
    return formula(p, q)


def _normal(p: Any, q: Any) -> Variable:
    ratio, z = p.scale / q.scale, (p.loc - q.loc) / q.scale
    return (ratio * ratio + z * z - 1) * 0.5 - log(ratio)


def _laplace(p: Any, q: Any) -> Variable:
    apart, ratio = abs(p.loc - q.loc), p.scale / q.scale
    return apart / q.scale + ratio * exp(-apart / p.scale) - 1 - log(ratio)


def _exponential(p: Any, q: Any) -> Variable:
    ratio = q.rate / p.rate
    return ratio - 1 - log(ratio)


def _uniform(p: Any, q: Any) -> Variable:
    inside = (q.low <= p.low) & (p.high <= q.high)
    return where(inside, log(q.width / p.width), np.inf)


def _bernoulli(p: Any, q: Any) -> Variable:
    a, b = p.p, q.p
    same = xlogy(a, a) + xlog1py(1 - a, -a)
    impossible = ((a > 0) & (b == 0)) | ((a < 1) & (b == 1))
    c = where((b == 0) | (b == 1), 0.5, b)  # in place of what has no logarithm
    hit, miss = where(b == 1, 0, xlogy(a, c)), where(b == 0, 0, xlog1py(1 - a, -c))
    return where(impossible, np.inf, same - hit - miss)


def _categorical(p: Any, q: Any) -> Variable:
    holds = p.logp > -np.inf
    apart = where(holds, p.logp, 0) - where(holds, q.logp, 0)
    return (p.p * apart).sum(-1)


def _geometric(p: Any, q: Any) -> Variable:
    return log(p.p / q.p) + xlog1py(p.mean, -p.p) - xlog1py(p.mean, -q.p)


def _poisson(p: Any, q: Any) -> Variable:
    return p.rate * log(p.rate / q.rate) - p.rate + q.rate


def _gamma(p: Any, q: Any) -> Variable:
    a, b = p.concentration, q.concentration
    y = (a - b) * digamma(a) - lgamma(a) + lgamma(b)
    return y + b * log(p.rate / q.rate) + a * (q.rate / p.rate - 1)


def _beta(p: Any, q: Any) -> Variable:
    y = lbeta(q.a, q.b) - lbeta(p.a, p.b)
    y = y + (p.a - q.a) * digamma(p.a) + (p.b - q.b) * digamma(p.b)
    return y + (q.a - p.a + q.b - p.b) * digamma(p.a + p.b)


def _dirichlet(p: Any, q: Any) -> Variable:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    y = lgamma(b) - lgamma(a) + (a - b) * (digamma(a) - digamma(total).reshape(*total.shape, 1))
    return y.sum(-1) + lgamma(total) - lgamma(b.sum(-1))


def _multivariate(p: Any, q: Any) -> Variable:
    z = q.whitened(p.loc - q.loc)
    if p.cholesky is None and q.cholesky is None:
        spread = ((p.scale / q.scale) ** 2).sum(-1)
    else:
        spread = (LowerSolve()(q.lower, p.lower) ** 2).sum((-2, -1))
    logs = log(q.scale).sum(-1) - log(p.scale).sum(-1)
    return (spread + (z * z).sum(-1) - p.event[0]) * 0.5 + logs


FORMULAS: dict[type, Callable[[Any, Any], Variable]] = {
    Normal: _normal,
    LogNormal: _normal,
    Laplace: _laplace,
    Exponential: _exponential,
    Uniform: _uniform,
    Bernoulli: _bernoulli,
    Categorical: _categorical,
    Geometric: _geometric,
    Poisson: _poisson,
    Gamma: _gamma,
    Beta: _beta,
    Dirichlet: _dirichlet,
    MultivariateNormal: _multivariate,
}
"""By the kind of both: an invertible map, such as exp, changes nothing."""
