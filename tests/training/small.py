"""A small training for the tests: a net with dropout on a few numbers."""

from __future__ import annotations

import numpy as np

import lamina
from lamina import Layer, Linear
from lamina import functions as F
from lamina import optimizers as O
from lamina.data import Loader
from lamina.training import Progress, Trainer

x = np.random.default_rng(0).standard_normal((22, 5)).astype(np.float32)
t = np.random.default_rng(1).integers(0, 3, 22)


class Net(Layer):
    def __init__(self):
        super().__init__()
        self.l1 = Linear(8)
        self.l2 = Linear(3)

    def forward(self, x):
        return self.l2(F.dropout(F.tanh(self.l1(x)), 0.2))


class Parts:
    """A model, its optimizer, a loader of 6 batches, and the step that uses them."""

    def __init__(self, backend: str = "eager", lr=0.05):
        lamina.seed(3)
        self.model = Net().build((1, 5))
        self.optimizer = O.Momentum(lr=lr).setup(self.model)
        self.loader = Loader((x, t), batch_size=4, seed=1)

        def step(x, t):
            loss = F.softmax_cross_entropy(self.model(x), t)
            self.model.cleargrads()
            loss.backward()
            self.optimizer.update()
            return loss

        self.step = step if backend == "eager" else lamina.compile(step, backend=backend)

    def trainer(self, epochs=3, callbacks=(), **more) -> Trainer:
        quiet = [Progress(False), *callbacks]
        return Trainer(
            self.step, self.loader, epochs, self.model, self.optimizer, callbacks=quiet, **more
        )

    def weights(self) -> list[np.ndarray]:
        return [p.data.copy() for p in self.model.params()]


def trainer(backend: str = "eager", lr=0.05, **more) -> Trainer:
    return Parts(backend, lr).trainer(**more)


def weights(trainer: Trainer) -> dict[str, bytes]:
    assert trainer.model is not None
    return {name: p.data.tobytes() for name, p in trainer.model.named_params()}
