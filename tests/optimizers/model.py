"""A model as an optimizer sees it: names and parameters, and no layers."""

from __future__ import annotations

import numpy as np

from lamina import Parameter


class Model:
    """Parameters by name; their gradients depend on them and on the step, so that errors add up."""

    def __init__(self, **parameters):
        self.params = parameters

    def named_params(self):
        return iter(list(self.params.items()))

    def __getitem__(self, name):
        return self.params[name]

    def set_gradients(self, step):
        for name, param in self.params.items():
            param.grad = gradient(name, param.data, step).astype(param.dtype)


def gradient(name, w, step):
    """Any smooth function will do; this one changes sign, and differs by name."""
    return 0.3 * w + np.cos(step + len(name) + np.arange(w.size).reshape(w.shape))


def small(dtype=np.float64):
    """A matrix, a bias, one number and nothing at all."""
    rng = np.random.default_rng(5)
    shapes = {"l1/W": (3, 2), "l1/b": (2,), "scale": (), "empty/W": (0, 5)}
    return Model(
        **{k: Parameter(np.array(rng.standard_normal(s), dtype)) for k, s in shapes.items()}
    )


def run(optimizer, model, steps, start=0):
    """Some updates; gives the numbers after each, by name."""
    seen = []
    for step in range(start, start + steps):
        model.set_gradients(step)
        optimizer.update()
        seen.append({name: p.data.copy() for name, p in model.params.items()})
    return seen


def measured(model):
    """A function for L-BFGS: the loss ``sum(log(cosh(x W + b - t)))``, and its gradients."""
    rng = np.random.default_rng(7)
    x, t = rng.standard_normal((6, 3)), rng.standard_normal((6, 2))
    W, b = model["l1/W"], model["l1/b"]

    def measure():
        z = x @ W.data.astype(np.float64) + b.data - t
        W.grad = (x.T @ np.tanh(z)).astype(W.dtype)
        b.grad = np.tanh(z).sum(axis=0).astype(b.dtype)
        return float(np.log(np.cosh(z)).sum())

    return measure


def numbers(model):
    """All numbers of a model as bytes, to see whether anything changed."""
    return {name: p.data.tobytes() for name, p in model.params.items()}
