"""Probability distributions: drawn from, evaluated, compared.

``from lamina.distributions import Normal, kl``. Each has ``sample`` and ``rsample``, ``log_prob``,
``entropy``, ``mean`` and ``variance``; parameters may be Variables and get gradients.
"""

from .continuous import Exponential, Laplace, LogNormal, Normal, Uniform
from .discrete import Bernoulli, Categorical, Geometric, Poisson
from .distribution import Distribution
from .divergence import kl
from .multivariate import MultivariateNormal
from .simplex import Beta, Dirichlet, Gamma

__all__ = [
    "Bernoulli",
    "Beta",
    "Categorical",
    "Dirichlet",
    "Distribution",
    "Exponential",
    "Gamma",
    "Geometric",
    "Laplace",
    "LogNormal",
    "MultivariateNormal",
    "Normal",
    "Poisson",
    "Uniform",
    "kl",
]
