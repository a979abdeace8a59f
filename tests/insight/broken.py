"""One broken model for each rule of the doctor, under the rule's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import lamina.functions as F
import lamina.layers as L
import lamina.optimizers as O
from insight.healthy import blobs, entropy, images, mlp, squared, wave
from lamina.layers.initializers import constant, normal, zeros

Case = tuple[Any, Any, Any, Any]  # model, loss, batch, optimizer or None
BROKEN: dict[str, Callable[[], Case]] = {}


def broken(rule: str) -> Callable[[Callable[[], Case]], Callable[[], Case]]:
    def register(make: Callable[[], Case]) -> Callable[[], Case]:
        assert rule not in BROKEN
        BROKEN[rule] = make
        return make

    return register


def built(model: Any, size: int = 6) -> Any:
    return model.build((32, size))


# -- the batch -----------------------------------------------------------------------------------


@broken("not-finite-data")
def _() -> Case:
    x, t = blobs()
    x[3, 2] = np.nan
    return mlp(), entropy, (x, t), None


@broken("not-normalised")
def _() -> Case:
    x, t = images(16)
    x = np.clip(x * 60 + 128, 0, 255).astype(np.uint8).reshape(16, 64)
    return mlp(2), entropy, (x, t), None


@broken("constant-input")
def _() -> Case:
    x, t = blobs()
    x[:] = x[0]
    return mlp(), entropy, (x, t), None


@broken("constant-features")
def _() -> Case:
    x, t = blobs()
    x[:, 2] = 1
    return mlp(), entropy, (x, t), None


@broken("labels-out-of-range")
def _() -> Case:
    x, t = blobs()
    return mlp(), entropy, (x, t + 1), None


@broken("floating-labels")
def _() -> Case:
    x, t = blobs()
    return mlp(), entropy, (x, t.astype(np.float32)), None


@broken("class-imbalance")
def _() -> Case:
    x, t = blobs()
    t[:] = 1
    t[0] = 2
    return mlp(), entropy, (x, t), None


# -- the model -----------------------------------------------------------------------------------


@broken("foreign-model")
def _() -> Case:
    model = mlp()
    return model, lambda m, x, t: entropy(model, x, t), blobs(), None


class Hidden(L.Layer):
    """Keeps its first layer where nobody looks for it."""

    def __init__(self) -> None:
        super().__init__()
        inner = L.Linear(16)
        self.first = lambda x: inner(x)
        self.out = L.Linear(3)

    def forward(self, x: Any) -> Any:
        return self.out(F.relu(self.first(x)))


@broken("unregistered-layer")
def _() -> Case:
    return Hidden(), entropy, blobs(), None


class Forgetful(L.Layer):
    """Has a layer that forward forgets."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = L.Linear(16)
        self.more = L.Linear(16)
        self.out = L.Linear(3)

    def forward(self, x: Any) -> Any:
        return self.out(F.relu(self.inner(x)))


@broken("unused-layer")
def _() -> Case:
    return Forgetful(), entropy, blobs(), None


class Cut(L.Layer):
    """Leaves the graph between its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = L.Linear(16)
        self.out = L.Linear(3)

    def forward(self, x: Any) -> Any:
        return self.out(F.relu(self.inner(x)).detach())


@broken("no-gradient")
def _() -> Case:
    return Cut(), entropy, blobs(), None


@broken("bias-only")
def _() -> Case:
    model = built(mlp())
    model.freeze("*/W")
    return model, entropy, blobs(), None


@broken("same-layer-twice")
def _() -> Case:
    layers = [L.Linear(6), F.relu] * 3
    return L.Sequential(*layers, L.Linear(3)), entropy, blobs(), None


@broken("prediction-mode")
def _() -> Case:
    model = L.Sequential(L.Linear(32), L.BatchNorm(), F.relu, L.Dropout(0.5), L.Linear(3))
    return model.eval(), entropy, blobs(), None


@broken("random-prediction")
def _() -> Case:
    def noisy(x: Any) -> Any:
        return x + np.random.standard_normal(x.shape).astype(np.float32) * 0.1

    return L.Sequential(L.Linear(32), noisy, F.relu, L.Linear(3)), entropy, blobs(), None


@broken("batch-of-one")
def _() -> Case:
    model = L.Sequential(L.Conv2d(8, 3), L.BatchNorm(), F.relu, L.Flatten(), L.Linear(2))
    return model, entropy, images(1), None


# -- the loss ------------------------------------------------------------------------------------


@broken("loss-fails")
def _() -> Case:
    x, t = wave()
    return L.Linear(1), squared, (x, t.reshape(-1)), None


@broken("loss-without-graph")
def _() -> Case:
    return mlp(), lambda m, x, t: entropy(m, x, t).detach(), blobs(), None


@broken("loss-not-one-number")
def _() -> Case:
    def each(m: Any, x: Any, t: Any) -> Any:
        return F.softmax_cross_entropy(m(x), t, reduction="none")

    return mlp(), each, blobs(), None


@broken("softmax-before-cross-entropy")
def _() -> Case:
    return L.Sequential(L.Linear(32), F.relu, L.Linear(3), L.Softmax()), entropy, blobs(), None


@broken("broadcast-loss")
def _() -> Case:
    x, t = wave()
    model = L.Sequential(L.Linear(32), F.tanh, L.Linear(1))
    return model, lambda m, x, t: ((m(x) - t) ** 2).mean(), (x, t.reshape(-1)), None


@broken("high-start")
def _() -> Case:
    model = L.Sequential(L.Linear(32), F.relu, L.Linear(3, init=normal(5.0)))
    return model, entropy, blobs(), None


@broken("not-finite-loss")
def _() -> Case:
    def logarithm(m: Any, x: Any, t: Any) -> Any:
        return F.log(F.mean_squared_error(m(x), m(x)))

    return L.Linear(1), logarithm, wave(), None


@broken("learning-rate-too-large")
def _() -> Case:
    x, t = wave()
    model = L.Sequential(L.Linear(32), F.tanh, L.Linear(1))
    return model, squared, (x, t), O.SGD(lr=2.0).setup(model)


@broken("learning-rate-too-small")
def _() -> Case:
    model = mlp()
    return model, entropy, blobs(), O.SGD(lr=1e-4).setup(model)


@broken("foreign-optimizer")
def _() -> Case:
    return built(mlp()), entropy, blobs(), O.Adam(lr=3e-3).setup(built(mlp()))


@broken("no-progress")
def _() -> Case:
    return mlp(), lambda m, x, t: entropy(m, x, t) * 1e-6 + 1.0, blobs(), None


# -- units, weights, gradients, updates ----------------------------------------------------------


@broken("not-finite-weights")
def _() -> Case:
    model = built(mlp())
    next(iter(model.params())).data[0, 0] = np.inf
    return model, entropy, blobs(), None


@broken("dead-units")
def _() -> Case:
    model = built(mlp())
    model[0].b.data[:24] = -20
    return model, entropy, blobs(), None


@broken("saturated-units")
def _() -> Case:
    model = L.Sequential(L.Linear(32, init=normal(30.0)), F.tanh, L.Linear(3))
    return model, entropy, blobs(), None


@broken("symmetric-weights")
def _() -> Case:
    flat = constant(0.1)
    return (
        L.Sequential(L.Linear(8, init=flat), F.tanh, L.Linear(3, init=zeros())),
        entropy,
        blobs(),
        None,
    )


@broken("vanishing-gradients")
def _() -> Case:
    layers = [part for _ in range(14) for part in (L.Linear(8), F.sigmoid)]
    return L.Sequential(*layers, L.Linear(3)), entropy, blobs(), None


@broken("exploding-gradients")
def _() -> Case:
    layers = [L.Linear(32, init=normal(4.0)) for _ in range(4)]
    return L.Sequential(*layers, L.Linear(1)), squared, (blobs()[0], blobs()[0][:, :1]), None


@broken("forgotten-cleargrads")
def _() -> Case:
    model, (x, t) = mlp(), blobs()
    for _ in range(10):
        entropy(model, x, t).backward()
    return model, entropy, (x, t), None


@broken("updates-too-large")
def _() -> Case:
    model = L.Sequential(L.Linear(32, init=normal(1e-4)), F.tanh, L.Linear(3))
    return model, entropy, blobs(), O.Adam(lr=3e-3).setup(model)


@broken("updates-too-small")
def _() -> Case:
    model = mlp()
    optimizer = O.Adam(lr=3e-3, groups={"0/*": {"scale": 1e-8}}).setup(model)
    return model, entropy, blobs(), optimizer
