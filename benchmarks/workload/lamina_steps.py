"""The workloads in lamina: as it is, replayed, and native."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import lamina
import lamina.functions as F
import lamina.optimizers as O
from lamina import Layer, Linear, Parameter, Variable, gradients
from lamina.layers import Conv2d
from lamina.models import GPT, MLP, ResNet18

from . import data
from .data import Workload


class Convolutions(Layer):
    """W3: two convolutions without a border, one pooling, two linear layers."""

    def __init__(self):
        super().__init__()
        self.c1, self.c2 = Conv2d(32, 3), Conv2d(64, 3)
        self.l1, self.l2 = Linear(128), Linear(10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c2(F.relu(self.c1(x)))), 2)
        return self.l2(F.relu(self.l1(x.reshape(x.shape[0], -1))))


class Characters(Layer):
    """W5: the character model with two biases in the LSTM, as PyTorch has them.

    `lamina.layers.LSTM` has one, their sum. Adam moves each of two as far as it moves one, so a
    comparison needs both.
    """

    def __init__(self, tokens: int, embedding: int, hidden: int):
        super().__init__()
        self.embed = Parameter(np.zeros((tokens, embedding), np.float32))
        self.Wx = Parameter(np.zeros((embedding, 4 * hidden), np.float32))
        self.Wh = Parameter(np.zeros((hidden, 4 * hidden), np.float32))
        self.bx = Parameter(np.zeros(4 * hidden, np.float32))
        self.bh = Parameter(np.zeros(4 * hidden, np.float32))
        self.last = Linear(tokens)

    def forward(self, t):
        x = F.embedding(t, self.embed)
        y, _, _ = F.lstm(x, None, None, self.Wx, self.Wh, self.bx + self.bh)
        return self.last(y)


def network(workload: Workload) -> Layer:
    """The model, with the weights that all are given."""
    sizes = workload.sizes
    made = {
        "W1": lambda: MLP(sizes["widths"][1:], F.tanh),
        "W3": Convolutions,
        "W4": ResNet18,
        "W8": ResNet18,
        "W5": lambda: Characters(sizes["tokens"], sizes["embedding"], sizes["hidden"]),
        "W6": lambda: GPT(*[sizes[n] for n in ("tokens", "length", "size", "layers", "heads")]),
    }
    model = made.get(workload.name, lambda: MLP(sizes["widths"][1:]))()
    with lamina.no_grad():
        model.build(data.batch(workload)[0])
    _fill(model.params(), data.weights(workload))
    return model


def _fill(params: Iterable[Parameter], weights: dict[str, np.ndarray]) -> None:
    """Give parameters their numbers as `Layer.load_weights` does: none of their own are drawn."""
    for param, (name, array) in zip(params, weights.items(), strict=True):
        assert param.shape == array.shape, (name, param.shape, array.shape)
        param.data = array


def optimizer(workload: Workload) -> O.Optimizer:
    kind, rate = data.OPTIMIZERS[workload.name]
    if kind == "sgd":
        return O.SGD(rate)
    if kind == "momentum":
        return O.SGD(rate, momentum=data.MOMENTUM)
    betas = data.BETA1, data.BETA2, data.EPS
    if kind == "adam":
        return O.Adam(rate, *betas)
    return O.AdamW(rate, *betas, weight_decay=data.DECAY, decay="*")


def loss_of(workload: Workload, model: Layer) -> Callable[..., Variable]:
    """The loss as a function of the batch."""
    if workload.name == "W1":
        return lambda x, t: F.mean_squared_error(model(x), t)
    if workload.name == "W10":
        return lambda real, fake, share: _critic(model, real, fake, share)
    if "length" in workload.sizes:
        tokens = workload.sizes["tokens"]
        return lambda x, t: F.softmax_cross_entropy(model(x).reshape(-1, tokens), t.reshape(t.size))
    return lambda x, t: F.softmax_cross_entropy(model(x), t)


def _critic(model: Layer, real: Any, fake: Any, share: Any) -> Variable:
    """``mean D(fake) - mean D(real) + 10 mean (|dD/dx| - 1)^2``, x on the way between them."""

    def score(x):
        return F.sum(model(x), 1)

    between = Variable(share * real + (1 - share) * fake, requires_grad=True)
    slope = gradients(F.sum(score(between)), between, create_graph=True)
    norm = F.sqrt(F.sum(slope * slope, 1) + data.UNDER_ROOT)
    penalty = F.mean((norm - 1) ** 2)
    return F.mean(score(fake)) - F.mean(score(real)) + data.PENALTY * penalty


class Steps:
    """One variant of one workload: ``step()`` runs it once, ``value`` says what came out.

    Args:
        workload: which.
        variant: ``"eager"``, or the backend of `lamina.compile`.
    """

    def __init__(self, workload: Workload, variant: str):
        self.given = data.batch(workload)
        made = {"W9": self._update, "W7": self._prediction, "W8": self._prediction}
        self.run = made.get(workload.name, self._training)(workload)
        if variant != "eager":
            self.run = lamina.compile(self.run, backend=variant)
        self.arguments = () if workload.name == "W9" else self.given
        self.version = f"lamina {lamina.__version__}, NumPy {np.__version__}"

    def _training(self, workload: Workload) -> Callable[..., Variable]:
        model = network(workload)
        rule, loss_in = optimizer(workload).setup(model), loss_of(workload, model)

        def step(*batch):
            loss = loss_in(*batch)
            model.cleargrads()
            loss.backward()
            rule.update()
            return loss

        return step

    def _prediction(self, workload: Workload) -> Callable[..., Variable]:
        model = network(workload)

        def step(x):
            with lamina.test_mode(), lamina.no_grad():
                return model(x)

        return step

    def _update(self, workload: Workload) -> Callable[[], None]:
        self.params = [Parameter(array) for array in data.weights(workload).values()]
        for param, gradient in zip(self.params, self.given):
            param.grad = gradient
        rule = optimizer(workload).setup(self.params)

        def step():
            rule.update()

        return step

    def __call__(self) -> Any:
        return self.run(*self.arguments)

    def value(self, result: Any) -> list[float]:
        """The loss, or all scores; for W9 how far along the gradients the parameters lie."""
        if result is None:
            parts = [np.vdot(p.data, g) for p, g in zip(self.params, self.given)]
            return [float(sum(parts))]
        return np.ravel(result.data).tolist()
