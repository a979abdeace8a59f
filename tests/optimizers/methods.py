"""Every method by name, with numbers unlike its defaults: what the generic tests run over."""

from __future__ import annotations

import pytest

from lamina import optimizers as O


def is_tall(name, param):
    return param.shape[0] > 3


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
    "Adafactor": lambda **k: O.Adafactor(lr=0.05, power=0.7, eps=1e-12, limit=1.2, **k),
    "Lion": lambda **k: O.Lion(lr=0.02, beta1=0.8, beta2=0.95, **k),
    "Rprop": lambda **k: O.Rprop(lr=0.05, shrink=0.6, grow=1.3, largest=4.0, **k),
    "LARS": lambda **k: O.LARS(lr=1.5, momentum=0.8, coefficient=0.05, **k),
    "LAMB": lambda **k: O.LAMB(lr=0.05, beta1=0.7, beta2=0.95, **k),
    "Muon": lambda **k: O.Muon(lr=0.05, momentum=0.8, others=0.5, **k),
    "Muon, not all": lambda **k: O.Muon(lr=0.05, steps=2, nesterov=False, only=is_tall, **k),
    "Shampoo": lambda **k: O.Shampoo(lr=0.1, momentum=0.5, every=3, **k),
    "Shampoo, one side": lambda **k: O.Shampoo(lr=0.1, largest=2, **k),
    "SOAP": lambda **k: O.SOAP(lr=0.05, beta1=0.8, beta2=0.9, eps=1e-3, every=2, **k),
    "ASGD": lambda **k: O.ASGD(lr=0.1, shrink=0.05, power=0.6, begin=3, **k),
    "Lookahead": lambda **k: O.Lookahead(O.SGD(lr=0.05, momentum=0.8, **k), every=2, part=0.4),
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
