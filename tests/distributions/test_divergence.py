"""``kl`` against sums and integrals of its definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from distributions.table import ROWS
from lamina import distributions as D
from lamina.check import gradient
from lamina.distributions.divergence import FORMULAS, kl
from lamina.errors import DTypeError

OTHER = {
    "Normal": (np.array([0.5, 0.25, -1.0]), np.array([1.5, 1.0, 2.0])),
    "LogNormal": (np.array([0.5, 0.25, -1.0]), np.array([1.5, 1.0, 2.0])),
    "Laplace": (np.array([0.5, 0.25, -1.0]), np.array([1.5, 1.0, 2.0])),
    "Exponential": (np.array([2.0, 1.0, 0.5]),),
    "Gamma": (np.array([0.8, 1.0, 3.0]), np.array([1.5, 1.0, 2.0])),
    "Beta": (np.array([0.8, 1.0, 3.0]), np.array([1.5, 2.0, 2.0])),
    "Bernoulli": (np.array([0.4, 0.5, 0.1]),),
    "Geometric": (np.array([0.4, 0.5, 0.1]),),
    "Poisson": (np.array([0.5, 1.0, 4.0]),),
}


def by_definition(name, i):
    row = ROWS[name]
    p, q = [row.scipy(*[x[i] for x in given]) for given in (row.parameters, OTHER[name])]
    if row.discrete:
        k = np.arange(2 if name == "Bernoulli" else 400)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = p.pmf(k) * (p.logpmf(k) - q.logpmf(k))
        return np.where(p.pmf(k) > 0, terms, 0).sum()

    def term(u):  # by the quantile function: nothing is lost at poles of the density
        x = p.ppf(u)
        return p.logpdf(x) - q.logpdf(x)

    return integrate.quad(term, 0, 1, limit=400, epsabs=1e-11, points=[p.cdf(q.mean())])[0]


@pytest.mark.parametrize("name", OTHER)
def test_kl_is_its_definition(name):
    row = ROWS[name]
    found = kl(row.make(*row.parameters), row.make(*OTHER[name])).data
    expected = [by_definition(name, i) for i in range(3)]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)  # of the integration


@pytest.mark.parametrize("name", OTHER)
def test_kl_has_derivatives(name):
    row = ROWS[name]
    count = len(row.parameters)

    def f(*given):
        return kl(row.make(*given[:count]), row.make(*given[count:]))

    # away from where both scales are equal, and the Laplace formula has a corner at equal means
    other = [x + 0.125 for x in OTHER[name]]
    gradient(f, *row.parameters, *[np.minimum(x, 0.9) if name in BELOW_1 else x for x in other])


BELOW_1 = ("Bernoulli", "Geometric")


@pytest.mark.parametrize("name", ROWS)
def test_kl_of_equals_is_0(name):
    row = ROWS[name]
    p, q = row.make(*row.parameters), row.make(*row.parameters)
    np.testing.assert_allclose(kl(p, q).data, 0, atol=1e-14)  # differences of equal terms


def test_kl_of_uniform_distributions_is_infinite_outside():
    p, q = D.Uniform(0.0, [1.0, 3.0]), D.Uniform(-1.0, [1.0, 1.0])
    assert kl(p, q).data.tolist() == [np.log(2.0), np.inf]


def test_kl_of_what_cannot_happen_is_infinite():
    assert kl(D.Bernoulli([0.5]), D.Bernoulli([0.0])).data.tolist() == [np.inf]
    assert kl(D.Bernoulli([0.0, 1.0]), D.Bernoulli([0.5, 1.0])).data.tolist() == [np.log(2), 0]
    p, q = D.Categorical([0.5, 0.5, 0.0]), D.Categorical([1.0, 0.0, 0.0])
    assert kl(p, q).item() == np.inf
    assert kl(q, p).item() == np.log(2)


def test_kl_of_categories_is_their_relative_entropy(rng):
    a, b = rng.dirichlet(np.ones(4), (2, 3))
    found = kl(D.Categorical(a), D.Categorical(b)).data
    np.testing.assert_allclose(found, (a * np.log(a / b)).sum(1), rtol=1e-12)


def test_kl_of_dirichlet_distributions_is_the_mean_of_its_definition():
    p, q = D.Dirichlet([2.0, 3.0, 4.0]), D.Dirichlet([1.0, 2.0, 6.0])
    x = p.sample((40_000,))
    terms = p.log_prob(x).data - q.log_prob(x).data
    error = terms.std() / np.sqrt(len(terms))
    assert abs(kl(p, q).item() - terms.mean()) < 4 * error


def test_kl_of_two_classes_is_that_of_beta():
    found = kl(D.Dirichlet([2.0, 3.0]), D.Dirichlet([1.5, 4.0])).item()
    np.testing.assert_allclose(
        found, kl(D.Beta(2.0, np.array(3.0)), D.Beta(np.array(1.5), 4.0)).item()
    )


def test_kl_of_multivariate_normals_is_the_textbook_formula(rng):
    s, r = [np.tril(rng.normal(size=(3, 3))) * 0.3 + np.eye(3) for _ in range(2)]
    m, n = rng.normal(size=(2, 3))
    a, b = s @ s.T, r @ r.T
    inverse = np.linalg.inv(b)
    expected = 0.5 * (
        np.trace(inverse @ a)
        + (n - m) @ inverse @ (n - m)
        - 3
        + np.log(np.linalg.det(b) / np.linalg.det(a))
    )
    p, q = D.MultivariateNormal(m, s), D.MultivariateNormal(n, r)
    np.testing.assert_allclose(kl(p, q).item(), expected, rtol=1e-12)


def test_kl_of_diagonal_normals_is_the_same_by_either_way(rng):
    m, n, s, r = rng.uniform(0.5, 2, (4, 3))
    p, q = D.MultivariateNormal(m, scale=s), D.MultivariateNormal(n, scale=r)
    full = D.MultivariateNormal(n, np.diag(r))
    alone = kl(D.Normal(m, s), D.Normal(n, r)).sum().item()
    np.testing.assert_allclose([kl(p, q).item(), kl(p, full).item()], alone, rtol=1e-12)


def test_kl_without_a_formula_says_what_to_do():
    message = "kl: no formula is known for Normal and Laplace; with x = p.sample"
    with pytest.raises(DTypeError, match=message):
        kl(D.Normal(), D.Laplace())


def test_every_distribution_has_a_formula():
    names = {name for name in D.__all__ if name not in ("Distribution", "kl")}
    assert {cls.__name__ for cls in FORMULAS} == names
