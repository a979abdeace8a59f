"""Every method by name, with numbers unlike its defaults: what the generic tests run over."""

from __future__ import annotations

import pytest

from lamina import optimizers as O

METHODS = {
    "SGD": lambda **k: O.SGD(lr=0.05, **k),
    "Momentum": lambda **k: O.Momentum(lr=0.05, momentum=0.8, **k),
    "Nesterov": lambda **k: O.Nesterov(lr=0.05, momentum=0.8, **k),
    "Adam": lambda **k: O.Adam(lr=0.05, beta1=0.7, beta2=0.95, eps=1e-3, **k),
    "AdamW": lambda **k: O.AdamW(lr=0.05, beta1=0.7, beta2=0.95, eps=1e-3, **k),
    "AdaGrad": lambda **k: O.AdaGrad(lr=0.1, start_sum=0.2, **k),
    "AdaDelta": lambda **k: O.AdaDelta(lr=1.5, rho=0.8, eps=1e-3, **k),
    "RMSprop": lambda **k: O.RMSprop(lr=0.02, rho=0.8, eps=1e-2, momentum=0.5, **k),
    "RMSprop, centered": lambda **k: O.RMSprop(lr=0.02, rho=0.8, eps=1e-2, centered=True, **k),
    "Adamax": lambda **k: O.Adamax(lr=0.05, beta1=0.7, beta2=0.95, **k),
    "AMSGrad": lambda **k: O.AMSGrad(lr=0.05, beta1=0.7, beta2=0.95, **k),
    "NAdam": lambda **k: O.NAdam(lr=0.05, beta1=0.7, beta2=0.95, psi=0.05, **k),
    "RAdam": lambda **k: O.RAdam(lr=0.05, beta1=0.7, beta2=0.95, **k),
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
