"""Elementwise operators: numbers of any shape, pairs that broadcast, comparisons, dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

import lamina.functions as F

from .case import Case, Draw, nn, operator, torch

ONE: dict[str, tuple[Any, Any, tuple[float, float]]] = {
    "neg": (np.negative, lambda x: -x, (-3, 3)),
    "pos": (np.positive, lambda x: +x, (-3, 3)),
    "abs": (np.abs, lambda x: x.abs(), (-3, 3)),
    "square": (np.square, lambda x: x.square(), (-3, 3)),
    "reciprocal": (np.reciprocal, lambda x: x.reciprocal(), (0.5, 3)),
    "logical_not": (np.logical_not, lambda x: x.logical_not(), (-3, 3)),
    "isnan": (np.isnan, lambda x: x.isnan(), (-3, 3)),
    "isinf": (np.isinf, lambda x: x.isinf(), (-3, 3)),
    "isfinite": (np.isfinite, lambda x: x.isfinite(), (-3, 3)),
    "signbit": (np.signbit, lambda x: x.signbit(), (-3, 3)),
    "relu": (lambda x: np.maximum(x, 0), lambda x: nn.relu(x), (-3, 3)),
    "sigmoid": (sc.expit, lambda x: x.sigmoid(), (-30, 30)),
    "tanh": (np.tanh, lambda x: x.tanh(), (-20, 20)),
    "softplus": (
        lambda x: np.logaddexp(x, 0),
        # PyTorch is the line from 20 on; that is off by 2e-9, so its limit is moved.
        lambda x: nn.softplus(x, threshold=100),
        (-40, 40),
    ),
    "silu": (lambda x: x * sc.expit(x), lambda x: nn.silu(x), (-9, 9)),
    "gelu": (lambda x: x * sc.ndtr(x), lambda x: nn.gelu(x), (-9, 9)),
    "gelu_tanh": (
        lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2,
        lambda x: nn.gelu(x, approximate="tanh"),
        (-6, 6),
    ),
    "gelu_quick": (lambda x: x * sc.expit(1.702 * x), None, (-6, 6)),
    "relu6": (lambda x: np.clip(x, 0, 6), lambda x: nn.relu6(x), (-3, 9)),
    "relu_squared": (lambda x: np.maximum(x, 0) ** 2, lambda x: nn.relu(x).square(), (-3, 3)),
    "selu": (
        # The two numbers of Klambauer and others, 2017.
        lambda x: (
            1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
        ),
        lambda x: nn.selu(x),
        (-9, 9),
    ),
    "softsign": (lambda x: x / (1 + np.abs(x)), lambda x: nn.softsign(x), (-9, 9)),
    "hard_sigmoid": (
        lambda x: np.clip(x + 3, 0, 6) / 6,
        lambda x: nn.hardsigmoid(x),
        (-5, 5),
    ),
    "hard_swish": (
        lambda x: x * np.clip(x + 3, 0, 6) / 6,
        lambda x: nn.hardswish(x),
        (-5, 5),
    ),
    "log_sigmoid": (sc.log_expit, lambda x: nn.logsigmoid(x), (-40, 40)),
    "mish": (lambda x: x * np.tanh(np.logaddexp(x, 0)), lambda x: nn.mish(x), (-19, 19)),
    "tanh_shrink": (lambda x: x - np.tanh(x), lambda x: nn.tanhshrink(x), (-5, 5)),
    "erf": (sc.erf, lambda x: x.erf(), (-5, 5)),
    "erfc": (sc.erfc, lambda x: x.erfc(), (-5, 5)),
    "erfcx": (sc.erfcx, lambda x: torch.special.erfcx(x), (-1, 9)),
    "erfinv": (sc.erfinv, lambda x: x.erfinv(), (-0.9, 0.9)),
    "ndtr": (sc.ndtr, lambda x: torch.special.ndtr(x), (-5, 5)),
    "ndtri": (sc.ndtri, lambda x: torch.special.ndtri(x), (0.05, 0.95)),
    "log_ndtr": (sc.log_ndtr, lambda x: torch.special.log_ndtr(x), (-15, 4)),
    "lgamma": (sc.gammaln, lambda x: x.lgamma(), (0.1, 30)),
    "digamma": (sc.psi, lambda x: x.digamma(), (0.25, 30)),
    "i0": (sc.i0, lambda x: x.i0(), (-6, 6)),
    "i0e": (sc.i0e, lambda x: torch.special.i0e(x), (-30, 30)),
    "i1": (sc.i1, lambda x: torch.special.i1(x), (-6, 6)),
    "i1e": (sc.i1e, lambda x: torch.special.i1e(x), (-30, 30)),
    "sinc": (np.sinc, lambda x: x.sinc(), (-4, 4)),
    "sin": (np.sin, lambda x: x.sin(), (-30, 30)),
    "cos": (np.cos, lambda x: x.cos(), (-30, 30)),
    "tan": (np.tan, lambda x: x.tan(), (-1.4, 1.4)),
    "arcsin": (np.arcsin, lambda x: x.arcsin(), (-0.95, 0.95)),
    "arccos": (np.arccos, lambda x: x.arccos(), (-0.95, 0.95)),
    "arctan": (np.arctan, lambda x: x.arctan(), (-9, 9)),
    "sinh": (np.sinh, lambda x: x.sinh(), (-9, 9)),
    "cosh": (np.cosh, lambda x: x.cosh(), (-9, 9)),
    "arcsinh": (np.arcsinh, lambda x: x.arcsinh(), (-90, 90)),
    "arccosh": (np.arccosh, lambda x: x.arccosh(), (1.125, 90)),
    "arctanh": (np.arctanh, lambda x: x.arctanh(), (-0.95, 0.95)),
    "exp": (np.exp, lambda x: x.exp(), (-20, 20)),
    "expm1": (np.expm1, lambda x: x.expm1(), (-9, 9)),
    "exp2": (np.exp2, lambda x: x.exp2(), (-20, 20)),
    "log": (np.log, lambda x: x.log(), (0.1, 90)),
    "log1p": (np.log1p, lambda x: x.log1p(), (-0.9, 90)),
    "log2": (np.log2, lambda x: x.log2(), (0.1, 90)),
    "log10": (np.log10, lambda x: x.log10(), (0.1, 90)),
    "sqrt": (np.sqrt, lambda x: x.sqrt(), (0.1, 90)),
    "cbrt": (np.cbrt, lambda x: x.sign() * x.abs() ** (1 / 3), (-9, 9)),
    "rsqrt": (lambda x: 1 / np.sqrt(x), lambda x: x.rsqrt(), (0.1, 90)),
    "sign": (np.sign, lambda x: x.sign(), (-3, 3)),
    "floor": (np.floor, lambda x: x.floor(), (-9, 9)),
    "ceil": (np.ceil, lambda x: x.ceil(), (-9, 9)),
    "round": (np.round, lambda x: x.round(), (-9, 9)),
    "trunc": (np.trunc, lambda x: x.trunc(), (-9, 9)),
    "entr": (sc.entr, lambda x: torch.special.entr(x), (0.01, 3)),
    "log1mexp": (
        lambda x: np.log(-np.expm1(x)),
        lambda x: (-(x.expm1())).log(),
        (-3, -0.1),
    ),
    "deg2rad": (np.deg2rad, lambda x: x.deg2rad(), (-360, 360)),
    "rad2deg": (np.rad2deg, lambda x: x.rad2deg(), (-7, 7)),
}


COMPLEX = ["neg", "abs", "square", "sin", "cos", "sqrt", "log", "reciprocal"]
"""Cases of these have complex numbers too."""

PEERS_OFF = {
    "sinc": 1e-11,  # near 0 PyTorch subtracts two numbers of the size of 1 / x
    "log_ndtr": 1e-12,  # at -15 PyTorch's is 4e-14 off, mpmath says; times random numbers
    "digamma": 1e-8,  # its derivative, PyTorch's trigamma, is an asymptotic series cut at 6
    "hard_sigmoid": 1e-7,  # the derivative has a sixth in single precision
}
"""How far PyTorch's derivative is off, which SciPy's values show."""


def one(d: Draw) -> Case:
    numpy, peer, (low, high) = ONE[d.name]
    if d.dtype == np.float32 and max(-low, high) <= 9 and d.int(0, 4) == 0:
        d.dtype = np.dtype(np.float16)  # of numbers whose results it holds
    x = d.array(*d.shape(least=d.least()), low=low, high=high)
    if numpy in (np.round, np.floor, np.ceil, np.trunc, np.sign):
        x = (np.round(2 * x) / 2).astype(x.dtype)  # halves: what they differ in
    if d.name in ("isnan", "isinf", "isfinite", "signbit") and x.size:
        x[d.bools(*x.shape)] = d.pick([np.nan, np.inf, -np.inf, -0.0])
    if d.name in COMPLEX and d.dtype != np.float16 and d.int(0, 5) == 0:
        z = x + 1j * d.array(*x.shape, low=-2, high=2)
        dtype = np.result_type(x, np.complex64)
        return Case(getattr(F, d.name), [np.asarray(z).astype(dtype)], numpy, scale=9.0)
    scale = 60.0 if d.name in ("deg2rad", "rad2deg") else 1.0
    off = PEERS_OFF.get(d.name, 0.0)
    return Case(getattr(F, d.name), [x], numpy, peer, scale=scale, peer=off)


for _name in ONE:
    operator(_name)(one)


BOTH = (-3, 3)
POSITIVE = (0.125, 9)
TWO: dict[str, tuple[Any, Any, tuple[float, float], tuple[float, float]]] = {
    "add": (np.add, lambda a, b: a + b, BOTH, BOTH),
    "sub": (np.subtract, lambda a, b: a - b, BOTH, BOTH),
    "mul": (np.multiply, lambda a, b: a * b, BOTH, BOTH),
    "div": (np.divide, lambda a, b: a / b, BOTH, POSITIVE),
    "pow": (np.power, lambda a, b: a**b, POSITIVE, BOTH),
    "mod": (np.mod, lambda a, b: a.remainder(b), BOTH, POSITIVE),
    "floordiv": (np.floor_divide, lambda a, b: a.div(b, rounding_mode="floor"), BOTH, POSITIVE),
    "maximum": (np.maximum, lambda a, b: a.maximum(b), BOTH, BOTH),
    "minimum": (np.minimum, lambda a, b: a.minimum(b), BOTH, BOTH),
    "equal": (np.equal, lambda a, b: a == b, BOTH, BOTH),
    "not_equal": (np.not_equal, lambda a, b: a != b, BOTH, BOTH),
    "less": (np.less, lambda a, b: a < b, BOTH, BOTH),
    "less_equal": (np.less_equal, lambda a, b: a <= b, BOTH, BOTH),
    "greater": (np.greater, lambda a, b: a > b, BOTH, BOTH),
    "greater_equal": (np.greater_equal, lambda a, b: a >= b, BOTH, BOTH),
    "logical_and": (np.logical_and, lambda a, b: a.logical_and(b), BOTH, BOTH),
    "logical_or": (np.logical_or, lambda a, b: a.logical_or(b), BOTH, BOTH),
    "logical_xor": (np.logical_xor, lambda a, b: a.logical_xor(b), BOTH, BOTH),
    "arctan2": (np.arctan2, lambda a, b: a.arctan2(b), BOTH, BOTH),
    "hypot": (np.hypot, lambda a, b: a.hypot(b), BOTH, BOTH),
    "logaddexp": (np.logaddexp, lambda a, b: a.logaddexp(b), (-30, 30), (-30, 30)),
    "logaddexp2": (np.logaddexp2, lambda a, b: a.logaddexp2(b), (-30, 30), (-30, 30)),
    "xlogy": (sc.xlogy, lambda a, b: a.xlogy(b), BOTH, POSITIVE),
    "xlog1py": (sc.xlog1py, lambda a, b: torch.special.xlog1py(a, b), BOTH, POSITIVE),
    "copysign": (np.copysign, lambda a, b: a.copysign(b), BOTH, BOTH),
    "fmod": (np.fmod, lambda a, b: a.fmod(b), BOTH, POSITIVE),
    "fmax": (np.fmax, lambda a, b: a.fmax(b), BOTH, BOTH),
    "fmin": (np.fmin, lambda a, b: a.fmin(b), BOTH, BOTH),
    "heaviside": (np.heaviside, lambda a, b: a.heaviside(b), BOTH, BOTH),
    "isclose": (np.isclose, lambda a, b: a.isclose(b), BOTH, BOTH),
    "lbeta": (
        sc.betaln,
        lambda a, b: a.lgamma() + b.lgamma() - (a + b).lgamma(),
        POSITIVE,
        POSITIVE,
    ),
    "beta": (
        sc.beta,
        lambda a, b: (a.lgamma() + b.lgamma() - (a + b).lgamma()).exp(),
        POSITIVE,
        POSITIVE,
    ),
}
WHOLE = ["add", "sub", "mul", "maximum", "minimum", "equal", "less", "greater_equal", "mod"]
"""Cases of these have integers, bools and mixed dtypes too, whose results are NumPy's."""
JUMPS = ["mod", "floordiv", "fmod"]
"""Where single precision rounds a quotient to the other side of a whole number, double does
not: so their numbers are eighths, which both hold."""


def two(d: Draw) -> Case:
    numpy, peer, first, second = TWO[d.name]
    shapes = d.pair()
    a = d.array(*shapes[0], low=first[0], high=first[1])
    b = d.array(*shapes[1], low=second[0], high=second[1])
    if d.name in JUMPS or d.name in ("equal", "not_equal", "less_equal", "isclose"):
        a, b = np.round(a * 8) / 8, np.maximum(np.round(b * 8) / 8, second[0])
    if d.name in WHOLE and d.int(0, 2) == 0:
        dtypes = ["int8", "int32", "int64", "uint8", "float32", "float64", "float16"]
        pair = d.pick(dtypes), d.pick(dtypes)
        with np.errstate(invalid="ignore"):  # what a uint8 makes of -3 is the platform's
            a, b = np.abs(a).astype(pair[0]), np.abs(b).astype(pair[1]) + np.ones((), pair[1])
        return Case(getattr(F, d.name), [a, b], numpy, text=f"{pair}", raw=True)
    if d.name in ("add", "sub", "mul", "div", "equal") and d.int(0, 5) == 0:
        dtype = np.result_type(a, np.complex64)
        z = np.asarray(a + 1j * d.array(*a.shape)).astype(dtype)
        return Case(getattr(F, d.name), [z, b], numpy, scale=9.0)
    grad = d.name not in JUMPS and d.name != "heaviside"
    # lbeta and beta are differences of three logarithms of the size of 30.
    scale = 32.0 if d.name in ("lbeta", "beta") else 1.0
    return Case(getattr(F, d.name), [a, b], numpy, peer, grad=grad, scale=scale)


for _name in TWO:
    operator(_name)(two)


def with_options(d: Draw) -> Case:
    """Operators of one array that take numbers besides."""
    x = d.array(*d.shape(), low=-4, high=4)
    p, q = d.number(0.25, 2), d.number(0.25, 2)
    rows: dict[str, tuple[Any, ...]] = {
        "leaky_relu": (
            dict(slope=p),
            lambda x: np.where(x > 0, x, p * x),
            lambda x: nn.leaky_relu(x, p),
        ),
        "elu": (
            dict(alpha=p),
            lambda x: np.where(x > 0, x, p * np.expm1(np.minimum(x, 0))),
            lambda x: nn.elu(x, p),
        ),
        "celu": (
            dict(alpha=p),
            lambda x: np.where(x > 0, x, p * np.expm1(np.minimum(x, 0) / p)),
            lambda x: nn.celu(x, p),
        ),
        "threshold": (
            dict(limit=p - 1, value=q),
            lambda x: np.where(x > p - 1, x, q),
            lambda x: nn.threshold(x, p - 1, q),
        ),
        "squareplus": (
            dict(b=p),
            lambda x: (x + np.sqrt(x * x + p)) / 2,
            lambda x: (x + (x * x + p).sqrt()) / 2,
        ),
        "hard_tanh": (
            dict(low=-p, high=q),
            lambda x: np.clip(x, -p, q),
            lambda x: nn.hardtanh(x, -p, q),
        ),
        "hard_shrink": (
            dict(limit=p),
            lambda x: np.where(np.abs(x) > p, x, 0),
            lambda x: nn.hardshrink(x, p),
        ),
        "soft_shrink": (
            dict(limit=p),
            lambda x: np.sign(x) * np.maximum(np.abs(x) - p, 0),
            lambda x: nn.softshrink(x, p),
        ),
        "snake": (
            dict(a=p),
            lambda x: x + np.sin(p * x) ** 2 / p,
            lambda x: x + (p * x).sin().square() / p,
        ),
        "clip": (
            dict(low=-p, high=d.pick([None, q])),
            None,
            None,
        ),
    }
    words, numpy, peer = rows[d.name]
    if d.name == "clip":
        return Case(
            lambda x: F.clip(x, **words),
            [x],
            lambda x: np.clip(x, words["low"], words["high"]),
            lambda x: x.clip(words["low"], words["high"]),
            text=f"{words}",
        )
    f = getattr(F, d.name)
    return Case(lambda x: f(x, **words), [x], numpy, peer, text=f"{words}")


operator(
    *["leaky_relu", "elu", "celu", "threshold", "squareplus", "hard_tanh", "hard_shrink"],
    *["soft_shrink", "snake", "clip"],
)(with_options)


@operator("polygamma")
def polygamma(d: Draw) -> Case:
    n, x = d.int(0, 4), d.array(*d.shape(), low=0.5, high=20)
    return Case(
        lambda x: F.polygamma(n, x),
        [x],
        lambda x: sc.polygamma(n, x) if n else sc.psi(x),
        lambda x: torch.special.polygamma(n, x),
        text=f"n={n}",
        peer=1e-8,  # PyTorch's are series that end early; SciPy has the value
    )


@operator("multigammaln")
def multigammaln(d: Draw) -> Case:
    p = d.int(1, 4)
    x = d.array(*d.shape(), low=2, high=20)
    return Case(
        lambda x: F.multigammaln(x, p),
        [x],
        lambda x: np.asarray(sc.multigammaln(x, p)),  # type: ignore[attr-defined]
        lambda x: torch.special.multigammaln(x, p),
        text=f"d={p}",
        scale=40,  # a sum of logarithms of that size
    )


@operator("logit")
def logit(d: Draw) -> Case:
    eps = d.pick([None, 0.125])
    x = d.array(*d.shape(), low=0.03, high=0.97)
    return Case(
        lambda x: F.logit(x, eps),
        [x],
        lambda x: sc.logit(x if eps is None else np.clip(x, eps, 1 - eps)),
        lambda x: torch.special.logit(x, eps),
        text=f"eps={eps}",
    )


@operator("where", "lerp", "masked_fill")
def three(d: Draw) -> Case:
    shape = d.shape()
    a, b = d.array(*d.partner(shape)), d.array(*d.partner(shape))
    if d.name == "lerp":
        w = d.array(*shape, low=0, high=1)
        return Case(F.lerp, [a, b, w], lambda a, b, w: a + w * (b - a), lambda *t: torch.lerp(*t))
    c = d.bools(*shape)
    if d.name == "where":
        return Case(F.where, [c, a, b], np.where, lambda *t: torch.where(*t))
    value = d.number(-2, 2)
    return Case(
        lambda x, m: F.masked_fill(x, m, value),
        [a, c],
        lambda x, m: np.where(m, value, x),
        lambda x, m: torch.where(m, value, x),
    )


@operator("select")
def select(d: Draw) -> Case:
    shape, count = d.shape(1), d.int(1, 3)
    conditions = [d.bools(*shape) for _ in range(count)]
    xs = [d.array(*shape) for _ in range(count)]
    return Case(
        lambda *xs: F.select(conditions, list(xs)), xs, lambda *xs: np.select(conditions, xs)
    )


@operator("nan_to_num")
def nan_to_num(d: Draw) -> Case:
    x = d.array(*d.shape(1))
    x[d.bools(*x.shape)] = d.pick([np.nan, np.inf, -np.inf])
    words: dict[str, Any] = dict(nan=d.number(-2, 2), posinf=d.number(3, 9), neginf=-d.number(3, 9))
    return Case(
        lambda x: F.nan_to_num(x, **words),
        [x],
        lambda x: np.nan_to_num(x, **words),
        lambda x: x.nan_to_num(**words),
        text=f"{words}",
    )


@operator("ldexp")
def ldexp(d: Draw) -> Case:
    shapes = d.pair()
    n = d.rng.integers(-4, 5, shapes[1]).astype(np.int32)
    return Case(F.ldexp, [d.array(*shapes[0]), n], np.ldexp, lambda x, n: x * 2.0 ** n.double())


@operator("modf")
def modf(d: Draw) -> Case:
    return Case(F.modf, [d.array(*d.shape())], np.modf, lambda x: (x.frac(), x.trunc()))


@operator("astype")
def astype(d: Draw) -> Case:
    dtype = d.pick(["float16", "float32", "float64", "int32", "int64", "bool", "complex64"])
    x = d.array(*d.shape())
    return Case(lambda x: F.astype(x, dtype), [x], lambda x: x.astype(dtype), raw=True)


@operator("prelu")
def prelu(d: Draw) -> Case:
    x = d.array(*d.shape(2))
    slope = d.array(d.pick([1, x.shape[1]]), low=0, high=1)
    return Case(
        F.prelu,
        [x, slope],
        lambda x, s: np.where(x > 0, x, x * s.reshape(-1, *[1] * (x.ndim - 2))),
        lambda x, s: nn.prelu(x, s),
    )
