"""A small training run, to save and to load, and all that there is to compare of it."""

from __future__ import annotations

import numpy as np

from lamina import Buffer, Layer, Linear
from lamina import functions as F
from lamina import optimizers as O
from lamina.data import Loader
from lamina.random import state_dict as streams

x = np.random.default_rng(0).standard_normal((7, 3)).astype(np.float32)
t = np.arange(7) % 2


class Net(Layer):
    def __init__(self, width=4, in_size=None, dtype=np.float32, more=False):
        super().__init__()
        self.l1 = Linear(width, in_size=in_size, dtype=dtype)
        self.l2 = Linear(2, in_size=width if in_size else None, dtype=dtype)
        self.seen = Buffer(np.zeros((), np.int64))
        if more:
            self.l3 = Linear(5, in_size=6, dtype=dtype)

    def forward(self, x):
        return self.l2(F.dropout(F.tanh(self.l1(x)), 0.3))


class Run:
    """A model and what trains it."""

    def __init__(self, method=lambda: O.Adam(lr=O.Cosine(0.1, steps=20)), batch_size=3, **sizes):
        self.model = Net(**sizes)
        self.optimizer = method().setup(self.model)
        self.loader = Loader((x, t), batch_size)
        self.average = O.EMA(0.9).setup(self.model)

    def train(self, steps):
        while steps:
            for a, b in self.loader:
                loss = F.softmax_cross_entropy(self.model(a), b)
                self.model.cleargrads()
                loss.backward()
                self.optimizer.update()
                self.average.update()
                self.model.seen.data += 1
                steps -= 1
                if not steps:
                    return self
        return self

    @property
    def parts(self):
        return {
            "model": self.model,
            "optimizer": self.optimizer,
            "loader": self.loader,
            "average": self.average,
        }

    def contents(self):
        """All there is, gradients and random streams too, to compare with ``==``."""
        held = [*self.model.named_params(), ("seen", self.model.seen)]
        states = [self.optimizer.state_dict(), self.average.state_dict()]
        return (
            [(n, getattr(v, "state", ""), repr(v), _bytes(v), _bytes(v.grad)) for n, v in held],
            [{n: a.tobytes() for n, a in s["arrays"].items()} for s in states],
            [s["scalars"] for s in states],
            {k: v for k, v in vars(self.loader).items() if k != "dataset"},
            streams(),
        )


def _bytes(v):
    data = getattr(v, "_data", None)  # a look at `data` would draw it
    return None if data is None else data.tobytes()
