"""Fifty steps in float64 as PyTorch or Optax take them; make_references.py wrote what they did."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lamina import optimizers as O
from optimizers.model import Model, run, small

REFERENCES = json.loads(Path(__file__).with_name("references.json").read_text(encoding="utf-8"))

SAME = {
    "AdaGrad": lambda: O.AdaGrad(lr=0.1, eps=1e-3, start_sum=0.2),
    "AdaDelta": lambda: O.AdaDelta(lr=1.5, rho=0.8, eps=1e-3),
    "RMSprop": lambda: O.RMSprop(lr=0.05, rho=0.8, eps=1e-3),
    "RMSprop, centered": lambda: O.RMSprop(lr=0.02, rho=0.8, eps=1e-2, centered=True, momentum=0.5),
    "Adamax": lambda: O.Adamax(lr=0.05, beta1=0.7, beta2=0.95, eps=1e-3),
    "AMSGrad": lambda: O.AMSGrad(lr=0.05, beta1=0.7, beta2=0.9, eps=1e-3),
    "NAdam": lambda: O.NAdam(lr=0.05, beta1=0.7, beta2=0.95, eps=1e-3, psi=0.05),
    "RAdam": lambda: O.RAdam(lr=0.05, beta1=0.7, beta2=0.9, eps=1e-3),
}


def problem(names):
    model = small()
    return Model(**{name: model[name] for name in names})


@pytest.mark.parametrize("name", SAME)
def test_fifty_steps_are_those_of_the_reference(name):
    wanted = REFERENCES[name]["steps"][:50]
    model = problem(wanted[0])
    seen = run(SAME[name]().setup(model), model, 50)
    assert len(wanted) == 50
    for step, (got, want) in enumerate(zip(seen, wanted)):
        for key, numbers in want.items():
            # the file has twelve digits, and fifty steps of roundings stay far below 1e-9
            np.testing.assert_allclose(
                got[key].ravel(), numbers, rtol=1e-9, atol=1e-9, err_msg=f"{key} after step {step}"
            )
