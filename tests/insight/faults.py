"""Planted faults: a step that becomes NaN or infinite, and who did it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import lamina.functions as F
import lamina.optimizers as O
from lamina import Function, Layer, Linear, Sequential, Variable
from lamina.layers import BatchNorm


@dataclass
class Subject:
    """A step, its batch, and what it trains."""

    step: Callable[..., Any]
    batch: tuple[Any, ...]
    model: Layer
    optimizer: Any


@dataclass
class Fault:
    """One planted fault.

    Args:
        make: the subject.
        operator: that is to be named.
        layer: and where.
        stage: and when.
        because: a part of the reason.
        compiled: whether lamina.compile takes the step.
    """

    make: Callable[[], Subject]
    operator: str
    layer: str
    stage: str
    because: str
    compiled: bool = True


FAULTS: dict[str, Fault] = {}


def fault(operator: str, layer: str, stage: str, because: str, compiled: bool = True) -> Any:
    def add(make: Callable[[], Subject]) -> Callable[[], Subject]:
        FAULTS[make.__name__] = Fault(make, operator, layer, stage, because, compiled)
        return make

    return add


class Apply(Layer):
    """A Layer with one formula; the fault is planted in it."""

    def __init__(self, formula: Callable[..., Any]):
        super().__init__()
        self.formula = formula

    def forward(self, *xs: Any) -> Any:
        return self.formula(*xs)


class Net(Layer):
    """Two Linear layers with a formula between, in a Layer called ``middle``."""

    def __init__(self, formula: Callable[..., Any], dtype: Any = np.float32):
        super().__init__()
        self.first = Linear(4, dtype=dtype, in_size=3)
        self.middle = Apply(formula)
        self.last = Linear(2, dtype=dtype, in_size=4)

    def forward(self, x: Any) -> Any:
        return self.last(self.middle(self.first(x)))


def subject(
    formula: Callable[..., Any] = F.tanh,
    *,
    optimizer: Any = None,
    x: Any = None,
    loss: Any = None,
    dtype: Any = np.float32,
) -> Subject:
    rng = np.random.default_rng(3)
    model = Net(formula, dtype)
    for _, p in model.named_params():
        if p.state != "lazy":
            p.data = rng.uniform(-1, 1, p.shape).astype(dtype)
    opt = (optimizer or O.SGD(lr=0.1)).setup(model)
    measure = loss or (lambda y: F.mean(y * y))

    def step(x):
        value = measure(model(x))
        model.cleargrads()
        value.backward()
        opt.update()
        return value

    batch = rng.uniform(-1, 1, (5, 3)).astype(dtype) if x is None else x
    return Subject(step, (batch,), model, opt)


@fault("Exp", "Net/middle", "forward", "e to the power .* is more than float32 holds, 3.4e.38")
def overflow_of_exp():
    return subject(lambda x: F.exp(x * 1000.0))


@fault("Exp", "Net/middle", "forward", "e to the power")
def softmax_by_hand():
    return subject(lambda x: F.exp(x * 500.0) / F.sum(F.exp(x * 500.0), axis=1, keepdims=True))


@fault("Log", "Net/middle", "forward", "the logarithm of 0 is minus infinity")
def logarithm_of_0():
    return subject(lambda x: F.log(F.relu(x)))


@fault("Log", "Net/middle", "forward", "no logarithm of a number below 0, and the smallest was -")
def logarithm_of_a_negative_number():
    return subject(F.log)


@fault("Div", "Net/middle", "forward", "0 is divided by 0")
def nothing_divided_by_nothing():
    return subject(lambda x: (x * 0.0) / (x * 0.0))


@fault("Div", "Net/middle", "forward", "something is divided by 0")
def divided_by_what_relu_made_0():
    return subject(lambda x: x / F.relu(x - 100.0))


@fault("Sqrt", "Net/middle", "backward", "the slope of a square root at 0 is infinite")
def slope_of_a_root_at_0():
    return subject(lambda x: F.sqrt(x * 0.0))


@fault("Sqrt", "Net/middle", "forward", "no square root of a number below 0")
def root_of_a_negative_number():
    return subject(F.sqrt)


@fault("Sqrt", "Net/middle", "backward", "the slope of a square root at 0 is infinite")
def deviation_of_a_constant():
    return subject(lambda x: x + F.sqrt(F.var(x * 0.0 + 1.0, axis=0)))


@fault("Div", "Net/middle", "forward", "divided by")
def divided_by_a_tiny_variance():
    def standardise(x):
        y = x * 1e-25
        return (x * 1e20) / F.var(y, axis=0)

    return subject(standardise)


@fault("SGD", "last/b", "update", "a gradient is as large as 5e.37")
def a_gradient_that_overflows_the_update():
    return subject(optimizer=O.SGD(lr=9.0), loss=lambda y: F.sum(y) * 1e37)


@fault("SGD", "first/W", "update", "the learning rate is 1e.39")
def a_rate_that_overflows_float32():
    return subject(optimizer=O.SGD(lr=1e39))


@fault("Adam", "first/W", "update", "the optimizer divided by 0")
def adam_without_eps_and_without_gradient():
    return subject(lambda x: x * 0.0, optimizer=O.Adam(lr=0.1, eps=1e-320))


@fault("Linear", "Net/first", "forward", "NaN came in with batch/0")
def nan_in_the_data():
    x = np.ones((5, 3), np.float32)
    x[2, 1] = np.nan
    return subject(x=x)


@fault("Linear", "Net/first", "forward", "infinity came in with batch/0")
def infinity_in_the_data():
    x = np.ones((5, 3), np.float32)
    x[4, 0] = np.inf
    return subject(lambda x: x * 1.0, x=x)


@fault("Linear", "Net/first", "backward", "infinity came in with batch/0")
def infinity_that_tanh_hides_from_the_loss():
    x = np.ones((5, 3), np.float32)
    x[4, 0] = np.inf
    return subject(F.tanh, x=x)


@fault("Mul", "Net/middle", "forward", "more than float16 holds, 6.55e.04")
def overflow_of_float16():
    return subject(lambda x: (x * 300.0) * (x * 300.0), dtype=np.float16)


@fault("AsType", "Net/middle", "forward", "more than float16 holds")
def a_cast_to_float16():
    return subject(lambda x: (x * 1e6).astype(np.float16).astype(np.float32))


@fault("Power", "Net/middle", "forward", "a number below 0, -.*, has no power 0.5")
def a_fraction_as_the_power():
    return subject(lambda x: x**0.5)


@fault("Rsqrt", "Net/middle", "forward", "1 is divided by the square root of 0")
def reciprocal_root_of_0():
    return subject(lambda x: x * F.rsqrt(F.relu(x - 100.0)))


@fault("Log", "Net/middle", "backward", "the slope of a logarithm at 0 is infinite")
def where_that_comes_too_late():
    return subject(lambda x: F.where(x > 100, F.log(x * 0.0), x))


@fault("Linear", "Net/last", "forward", "NaN came in with parameter last/b")
def nan_in_a_parameter():
    found = subject()
    found.model.last.b.data[1] = np.nan
    return found


@fault("Arccos", "Net/middle", "forward", "arccos is there from -1 to 1")
def an_angle_of_more_than_1():
    return subject(lambda x: F.arccos(x * 5.0))


@fault("Log", "", "forward", "the logarithm of 0")
def logarithm_in_the_loss():
    return subject(F.relu, loss=lambda y: -F.mean(F.log(F.relu(y))))


@fault("Sqrt", "", "backward", "the slope of a square root at 0")
def distance_to_itself():
    return subject(loss=lambda y: F.sqrt(F.sum((y - y) * (y - y))) + F.mean(y * y))


@fault("Sum", "Net/middle", "forward", "more than float32 holds")
def a_sum_that_overflows():
    return subject(lambda x: x + F.sum(F.exp(x * 0.0) * 3e38))


@fault("Sinh", "Net/middle", "forward", "more than float32 holds")
def a_hyperbola():
    return subject(lambda x: F.sinh(x * 1000.0))


class Strange(Function):
    """A user's own operator."""

    def forward(self, x):
        return np.arctanh(x * 3)

    def backward(self, gy, x):
        return gy / (1 - x * x)


@fault("Strange", "Net/middle", "forward", "finite numbers went in")
def an_operator_of_the_users():
    return subject(Strange())


@fault("Standardize", "Net/middle/formula/1", "forward", "variance of about 0 plus eps=1e-50")
def a_norm_without_eps():
    return subject(Sequential(lambda x: x * 0.0 + 1.0, BatchNorm(eps=1e-50)))


def masked() -> Subject:
    """Healthy: the infinities of the mask are meant, and softmax takes them away."""
    mask = np.triu(np.ones((5, 5), bool), 1)

    def attend(x):
        scores = F.where(mask, np.float32(-np.inf), x @ x.T)
        return F.softmax(scores, axis=1) @ x

    return subject(attend)


def hidden() -> Subject:
    """A mask that is meant, and a fault behind it."""
    mask = np.triu(np.ones((5, 5), bool), 1)

    def attend(x):
        scores = F.where(mask, np.float32(-np.inf), x @ x.T)
        return F.log(F.relu(F.softmax(scores, axis=1) @ x))

    return subject(attend)


def variable(numbers: Any) -> Variable:
    return Variable(np.asarray(numbers, np.float32))
