"""Every optimizer finds the end of Rosenbrock's valley, in the number of steps stated.

``100 (y - x^2)^2 + (1 - x)^2`` from (-1.2, 1): down into a bent valley at once, and then 1.5 along
its floor, where the slope is a hundredth of that across.
"""

from __future__ import annotations

import numpy as np
import pytest

from lamina import Parameter
from lamina import optimizers as O
from optimizers.methods import METHODS

FOUND = {
    "SGD": (lambda: O.SGD(lr=O.Warmup(1e-3, steps=100)), 8000),
    "Momentum": (lambda: O.Momentum(lr=3e-4, momentum=0.95), 3000),
    "Nesterov": (lambda: O.Nesterov(lr=3e-4, momentum=0.95), 3000),
    "Adam": (lambda: O.Adam(lr=O.Cosine(0.1, steps=1500)), 1500),
    "AdamW": (lambda: O.AdamW(lr=O.Cosine(0.1, steps=1500), weight_decay=0.0), 1500),
    "AdaGrad": (lambda: O.AdaGrad(lr=1.0), 5000),
    "AdaDelta": (lambda: O.AdaDelta(lr=O.Cosine(1.0, steps=6000)), 6000),
    "RMSprop": (lambda: O.RMSprop(lr=O.Cosine(0.01, steps=4000)), 4000),
    "RMSprop, centered": (
        lambda: O.RMSprop(lr=O.Cosine(0.03, steps=2000), centered=True, momentum=0.9),
        2000,
    ),
    "Adamax": (lambda: O.Adamax(lr=O.Cosine(0.3, steps=4000)), 4000),
    "AMSGrad": (lambda: O.AMSGrad(lr=O.Cosine(0.2, steps=2000)), 2000),
    "NAdam": (lambda: O.NAdam(lr=O.Cosine(0.1, steps=4000)), 4000),
    "RAdam": (lambda: O.RAdam(lr=O.Warmup(O.Cosine(0.1, steps=4000), steps=500)), 4500),
    "Adafactor": (lambda: O.Adafactor(lr=O.Cosine(0.03, steps=10000)), 10000),
    "Lion": (lambda: O.Lion(lr=O.Cosine(0.01, steps=2000)), 2000),
    "Rprop": (lambda: O.Rprop(lr=0.001), 3000),
    "LARS": (lambda: O.LARS(lr=O.Cosine(0.1, steps=1000), coefficient=0.1), 1000),
    "LAMB": (lambda: O.LAMB(lr=O.Cosine(0.03, steps=2000)), 2000),
    "Muon": (lambda: O.Muon(lr=O.Cosine(0.01, steps=1000)), 1000),
    "Muon, not all": (lambda: O.Muon(lr=O.Cosine(0.1, steps=1500), only="b", others=1.0), 1500),
    "Shampoo": (lambda: O.Shampoo(lr=0.3, momentum=0.9), 2000),
    "Shampoo, one side": (lambda: O.Shampoo(lr=0.3, momentum=0.9, largest=1), 3000),
    "SOAP": (lambda: O.SOAP(lr=O.Cosine(0.1, steps=2000), weight_decay=0.0), 2000),
    "ASGD": (lambda: O.ASGD(lr=0.002), 8000),
    "Lookahead": (lambda: O.Lookahead(O.Momentum(lr=1e-3, momentum=0.95)), 2000),
}


def slope(w):
    x, y = w[0]
    return np.array([[-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)]])


@pytest.mark.parametrize("name", FOUND)
def test_the_end_of_the_valley_is_found(name):
    make, steps = FOUND[name]
    W = Parameter(np.array([[-1.2, 1.0]]))
    optimizer = make().setup({"W": W, "b": Parameter(np.zeros(1))})
    for _ in range(steps):
        W.grad = slope(W.data)
        optimizer.update()
    assert abs(W.data[0, 0] - 1) < 0.02
    assert abs(W.data[0, 1] - 1) < 0.04


def test_every_method_is_here():
    assert sorted(METHODS) == sorted(FOUND)
