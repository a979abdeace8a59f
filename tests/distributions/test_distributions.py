"""Distributions against SciPy's: densities, moments, entropies, draws, and derivatives of all."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import lamina
from distributions.table import ROWS
from lamina import Variable, gradients, seed
from lamina import distributions as D
from lamina.check import gradient
from lamina.errors import DTypeError, GraphError, RangeError, ShapeError

each = pytest.mark.parametrize("name", ROWS)
CLOSE = {"rtol": 1e-12, "atol": 1e-14}  # a few roundings of sums of special functions
DRAWS = 4000


@pytest.fixture(autouse=True)
def start():
    seed(11)


def possible(row):
    """Outcomes that each have a density."""
    return row.scipy(*row.parameters).ppf([0.2, 0.45, 0.7])


def accepted(p):
    """A fixed seed: of a right distribution, one in a thousand would fail."""
    assert p > 1e-3


@each
def test_log_prob_is_that_of_scipy(name):
    row = ROWS[name]
    found = row.make(*row.parameters).log_prob(row.outcomes)
    reference = row.scipy(*row.parameters)
    with np.errstate(divide="ignore"):
        expected = (reference.logpmf if row.discrete else reference.logpdf)(row.outcomes)
    np.testing.assert_allclose(found.data, expected, **CLOSE)


@each
def test_moments_are_those_of_scipy(name):
    row = ROWS[name]
    found, expected = row.make(*row.parameters), row.scipy(*row.parameters)
    np.testing.assert_allclose(found.mean.data, expected.mean(), **CLOSE)
    np.testing.assert_allclose(found.variance.data, expected.var(), rtol=1e-11)
    np.testing.assert_allclose(found.std.data, expected.std(), rtol=1e-11)
    assert found.mean.shape == found.variance.shape == found.shape == (3,)


@pytest.mark.parametrize("name", [name for name in ROWS if name != "Poisson"])
def test_the_entropy_is_that_of_scipy(name):
    row = ROWS[name]
    found = row.make(*row.parameters).entropy()
    expected = row.scipy(*row.parameters).entropy()
    np.testing.assert_allclose(found.data, expected, rtol=1e-10)  # SciPy integrates some of them
    assert found.shape == (3,)


@each
def test_draws_have_their_distribution(name):
    row = ROWS[name]
    drawn = row.make(*row.parameters).sample((DRAWS,))
    assert drawn.shape == (DRAWS, 3)
    assert not drawn.requires_grad
    for i in range(3):
        reference = row.scipy(*[np.asarray(p)[i] for p in row.parameters])
        column = drawn.data[:, i]
        if not row.discrete:
            accepted(stats.kstest(column, reference.cdf).pvalue)
            continue
        top = int(reference.ppf(0.995)) + 1
        counts = np.bincount(np.minimum(column.astype(int), top), minlength=top + 1)
        chances = np.append(reference.pmf(np.arange(top)), reference.sf(top - 1))
        kept = chances * DRAWS > 0.5
        accepted(
            stats.chisquare(
                counts[kept], chances[kept] / chances[kept].sum() * counts[kept].sum()
            ).pvalue
        )


@each
def test_log_prob_has_derivatives_by_its_parameters(name):
    row = ROWS[name]
    gradient(lambda *parameters: row.make(*parameters).log_prob(possible(row)), *row.parameters)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if not row.discrete])
def test_log_prob_has_derivatives_by_outcomes(name):
    row = ROWS[name]
    gradient(lambda x: row.make(*row.parameters).log_prob(x), possible(row))


@pytest.mark.parametrize("name", [name for name in ROWS if name != "Poisson"])
def test_moments_and_entropy_have_derivatives(name):
    row = ROWS[name]

    def f(*parameters):
        p = row.make(*parameters)
        return p.mean, p.variance, p.entropy()

    gradient(f, *row.parameters, order=1)


EXACT = ["Normal", "LogNormal", "Laplace", "Exponential", "Uniform"]


@pytest.mark.parametrize("name", EXACT)
def test_draws_have_derivatives_by_the_parameters(name):
    row = ROWS[name]

    def f(*parameters):
        seed(4)
        return row.make(*parameters).rsample((2,))

    gradient(f, *row.parameters)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_dtype_is_kept(name, dtype):
    row = ROWS[name]
    p = row.make(*[np.asarray(x).astype(dtype) for x in row.parameters])
    drawn = p.sample((5,))
    assert drawn.dtype == p.log_prob(drawn).dtype == p.mean.dtype == p.variance.dtype == dtype
    assert np.isfinite(p.log_prob(drawn).data).all()


@pytest.mark.parametrize("name", ROWS)
def test_a_compiled_step_draws_what_eager_draws(name):
    row = ROWS[name]

    def f(*parameters):
        return row.make(*parameters).sample((2,))

    given = [Variable(x) for x in row.parameters]
    seed(1)
    expected = [f(*given).data.tolist() for _ in range(3)]
    step = lamina.compile(f, backend="replay")
    seed(1)
    assert [step(*given).data.tolist() for _ in range(3)] == expected


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if not row.smooth])
def test_discrete_outcomes_have_no_gradient(name):
    row = ROWS[name]
    with pytest.raises(GraphError, match="outcomes are discrete and have no gradient; use sample"):
        row.make(*row.parameters).rsample()


# -- gamma, beta, Dirichlet ----------------------------------------------------------------------


def slopes(make, parameters, shape):
    """Draws, and their derivatives by each parameter."""
    leaves = [Variable(np.asarray(p)) for p in parameters]
    y = make(*leaves).rsample(shape)
    return y.data, [gradients([y.sum()], [leaf], retain_graph=True)[0].data for leaf in leaves]


@pytest.mark.parametrize("a", [0.05, 0.4, 1.0, 3.0, 50.0, 2000.0])
def test_the_slope_of_a_gamma_draw_is_implicit(a):
    from lamina.distributions.operator import GammaSlope
    from lamina.functions import digamma

    q = np.array([1e-4, 0.1, 0.5, 0.9, 0.9999])
    shape = a + 1
    x = stats.gamma(shape).ppf(q)
    h = 1e-4 * shape
    steps = [(-2, 1), (-1, -8), (1, 8), (2, -1)]
    below = sum(w * stats.gamma(shape + k * h).cdf(x) for k, w in steps) / (12 * h)
    above = -sum(w * stats.gamma(shape + k * h).sf(x) for k, w in steps) / (12 * h)
    expected = -np.where(q < 0.5, below, above) / stats.gamma(shape).pdf(x)
    given = Variable(np.full(5, shape))
    found = GammaSlope()(given, x, digamma(given))
    # differences of SciPy's function, which is itself rounded in its 13th digit
    np.testing.assert_allclose(found.data, expected, rtol=1e-7)
    single = GammaSlope()(
        *[np.asarray(v, np.float32) for v in (given.data, x, digamma(given).data)]
    )
    np.testing.assert_allclose(single.data, expected, rtol=3e-6)  # x and psi rounded to float32


def test_gradients_through_gamma_draws_are_those_of_the_mean():
    """Of the mean of x and of log x, which are a / rate and digamma(a) - log rate."""
    a, n = np.array([0.3, 1.0, 4.0]), 20_000
    leaf = Variable(a)
    y = D.Gamma(leaf, 2.0).rsample((n,))
    (g,) = gradients([y.sum() / n], [leaf])
    np.testing.assert_allclose(g.data, 0.5, atol=0.03)  # a deviation of a mean of 20,000: 0.005
    leaf = Variable(a)
    y = D.Beta(leaf, 2.0).rsample((n,))
    (g,) = gradients([y.sum() / n], [leaf])
    np.testing.assert_allclose(g.data, 2 / (a + 2) ** 2, atol=0.03)


def test_small_gamma_draws_do_not_collapse():
    y = D.Beta(np.full(2000, 0.001), 0.001).sample().data
    accepted(stats.binomtest(int((y > 0.5).sum()), 2000, 0.5).pvalue)
    p = D.Gamma(np.full(100, 1e-3))
    assert np.isfinite(p.log_prob(p.sample()).data).all()


def test_gamma_draws_have_first_derivatives_only():
    a = Variable([2.0])
    (g,) = gradients([D.Gamma(a).rsample().sum()], [a], create_graph=True)
    with pytest.raises(GraphError, match="have first derivatives only"):
        g.sum().backward()


A = np.array([[0.5, 1.0, 3.0], [2.0, 2.0, 2.0]])


def test_dirichlet_is_that_of_scipy():
    p = D.Dirichlet(A)
    x = p.sample().data
    np.testing.assert_allclose(x.sum(1), 1, rtol=1e-14)  # a division each
    references = [stats.dirichlet(a) for a in A]
    expected = [r.logpdf(row / row.sum()) for r, row in zip(references, x, strict=True)]
    np.testing.assert_allclose(p.log_prob(x).data, expected, rtol=1e-11)
    np.testing.assert_allclose(p.entropy().data, [r.entropy() for r in references], **CLOSE)
    np.testing.assert_allclose(p.mean.data, [r.mean() for r in references], **CLOSE)
    np.testing.assert_allclose(p.variance.data, [r.var() for r in references], **CLOSE)
    assert (p.shape, p.event, repr(p)) == ((2,), (3,), "Dirichlet((2,) of (3,), float64)")


def test_dirichlet_draws_have_their_distribution():
    drawn = D.Dirichlet(A).sample((DRAWS,)).data
    for i, k in np.ndindex(2, 3):  # each share alone has a beta distribution
        accepted(stats.kstest(drawn[:, i, k], stats.beta(A[i, k], A[i].sum() - A[i, k]).cdf).pvalue)


def test_dirichlet_has_derivatives():
    x = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    gradient(lambda a, x: D.Dirichlet(a).log_prob(x), A, x)
    gradient(lambda a: D.Dirichlet(a).entropy(), A)


# -- categorical ---------------------------------------------------------------------------------

P = np.array([[0.1, 0.2, 0.7], [0.5, 0.0, 0.5]])


def test_categorical_is_its_definition():
    p = D.Categorical(P * 3)
    labels = np.array([[0, 2], [2, 0], [1, 0]])
    expected = np.log([[0.1, 0.5], [0.7, 0.5], [0.2, 0.5]])
    np.testing.assert_allclose(p.log_prob(labels).data, expected, rtol=1e-14)
    assert p.log_prob([2, 1]).data[1] == -np.inf
    np.testing.assert_allclose(p.entropy().data, [stats.entropy(row) for row in P], **CLOSE)
    np.testing.assert_allclose(p.p.data, P, rtol=1e-15)


def test_categorical_of_logits_is_that_of_their_softmax(rng):
    logits = rng.normal(size=(4, 3))
    p = D.Categorical(logits=logits)
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(p.p.data, expected, rtol=1e-14)
    gradient(lambda v: D.Categorical(logits=v).log_prob([0, 1, 2, 0]), logits)
    gradient(lambda v: D.Categorical(logits=v).entropy(), logits)


def test_categorical_draws_have_their_distribution():
    drawn = D.Categorical(P).sample((DRAWS,)).data
    accepted(stats.chisquare(np.bincount(drawn[:, 0], minlength=3), P[0] * DRAWS).pvalue)
    counts = np.bincount(drawn[:, 1], minlength=3)
    assert counts[1] == 0
    accepted(stats.binomtest(int(counts[0]), DRAWS, 0.5).pvalue)


# -- multivariate normal -------------------------------------------------------------------------

L = np.array([[1.0, 9.0, 9.0], [0.5, 2.0, 9.0], [-1.0, 0.25, 0.5]])
M = np.array([1.0, -2.0, 0.5])


def both():
    lower = np.tril(L)
    full = D.MultivariateNormal(M, L), stats.multivariate_normal(M, lower @ lower.T)
    scale = np.array([0.5, 1.0, 3.0])
    return [
        full,
        (D.MultivariateNormal(M, scale=scale), stats.multivariate_normal(M, np.diag(scale**2))),
    ]


@pytest.mark.parametrize("which", [0, 1])
def test_multivariate_normal_is_that_of_scipy(rng, which):
    p, reference = both()[which]
    x = rng.normal(size=(5, 3))
    np.testing.assert_allclose(p.log_prob(x).data, reference.logpdf(x), rtol=1e-12)
    np.testing.assert_allclose(p.entropy().data, reference.entropy(), rtol=1e-13)
    np.testing.assert_allclose(p.covariance.data, reference.cov, rtol=1e-14)
    np.testing.assert_allclose(p.variance.data, np.diag(reference.cov), rtol=1e-14)
    assert p.mean.data.tolist() == M.tolist()


@pytest.mark.parametrize("which", [0, 1])
def test_multivariate_draws_have_their_covariance(which):
    p, reference = both()[which]
    drawn = p.sample((20_000,)).data
    np.testing.assert_allclose(drawn.mean(0), M, atol=0.1)  # deviations of means: up to 0.021
    np.testing.assert_allclose(np.cov(drawn.T), reference.cov, atol=0.4)  # up to 0.09


def test_multivariate_normal_has_derivatives(rng):
    x = rng.normal(size=(2, 3))
    lower = np.tril(rng.normal(size=(2, 3, 3))) * 0.3 + 2 * np.eye(3)
    gradient(lambda m, s, x: D.MultivariateNormal(m, s).log_prob(x), M, lower, x)
    gradient(lambda m, s, x: D.MultivariateNormal(m, scale=s).log_prob(x), M, np.ones(3), x)

    def draws(m, s):
        seed(2)
        return D.MultivariateNormal(m, s).rsample((2,))

    gradient(draws, M, lower)


@pytest.mark.parametrize("transposed", [False, True])
def test_triangular_systems_have_derivatives_of_each_order(rng, transposed):
    from lamina.distributions.operator import LowerSolve

    lower = np.tril(rng.normal(size=(2, 3, 3))) + 3 * np.eye(3)
    solve = LowerSolve(transposed)

    def f(s, b):
        return solve(lamina.functions.tril(s), b)

    turned = lower.swapaxes(1, 2) if transposed else lower
    b = rng.normal(size=(3, 2))
    np.testing.assert_allclose(turned @ f(lower, b).data, np.broadcast_to(b, (2, 3, 2)), atol=1e-13)
    gradient(f, lower, b)


# -- what does not fit ---------------------------------------------------------------------------

WRONG = {
    "a scale of 0": (
        lambda: D.Normal(0.0, [1.0, 0.0]),
        RangeError,
        "Normal: scale should be above 0, got 0",
    ),
    "NaN": (
        lambda: D.Exponential([np.nan]),
        RangeError,
        "Exponential: rate should be above 0, got nan",
    ),
    "ends": (
        lambda: D.Uniform([1.0], 1.0),
        RangeError,
        "Uniform: high - low should be above 0, got 0",
    ),
    "shapes": (
        lambda: D.Gamma(np.ones(2), np.ones(3)),
        ShapeError,
        r"Gamma: parameters should broadcast, got concentration \(2,\), rate \(3,\)",
    ),
    "integers": (
        lambda: D.Poisson([2]),
        DTypeError,
        "Poisson: rate should be floating, got int64",
    ),
    "a probability": (
        lambda: D.Bernoulli([1.5]),
        RangeError,
        r"Bernoulli: p should be from 0 to 1, got 1\.5",
    ),
    "both": (
        lambda: D.Bernoulli([0.5], logits=[0.0]),
        RangeError,
        "Bernoulli: give one of p and logits",
    ),
    "no class": (
        lambda: D.Categorical(P).log_prob([0, 3]),
        RangeError,
        r"Categorical: label 3 at 1 is outside 0\.\.2",
    ),
    "no mean": (
        lambda: D.Categorical(P).mean,
        DTypeError,
        "Categorical: classes are no numbers and have no mean",
    ),
    "no entropy": (
        lambda: D.Poisson([2.0]).entropy(),
        DTypeError,
        "Poisson: the entropy has no closed form",
    ),
    "outcomes": (
        lambda: D.Normal(np.zeros(3)).log_prob(np.zeros(2)),
        ShapeError,
        r"Normal: x should broadcast with \(3,\), got \(2,\)",
    ),
    "vectors": (
        lambda: D.MultivariateNormal(M, L).log_prob(np.zeros((2, 1))),
        ShapeError,
        r"MultivariateNormal: outcomes x should be \(\.\.\., 3\), got \(2, 1\)",
    ),
    "diagonal": (
        lambda: D.MultivariateNormal(M, L - 2 * np.eye(3)),
        RangeError,
        "MultivariateNormal: the diagonal of cholesky should be above 0, got -1",
    ),
    "sizes": (
        lambda: D.MultivariateNormal(M, np.eye(2)),
        ShapeError,
        r"MultivariateNormal: loc should be \(\.\.\., d\) and cholesky \(\.\.\., d, d\), got",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name):
    make, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        make()


def test_python_numbers_take_the_default_dtype():
    assert D.Normal(0.0, 1.0).dtype == np.float32
    assert D.Normal(0.0, np.ones(2)).dtype == np.float64
