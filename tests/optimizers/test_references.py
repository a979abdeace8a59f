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
    "Adafactor": lambda: O.Adafactor(
        lr=0.05, power=0.7, eps=1e-12, limit=1.2, smallest=1e-3, weight_decay=0.1, decay="*"
    ),
    "Lion": lambda: O.Lion(lr=0.02, beta1=0.8, beta2=0.95, weight_decay=0.1, decay="*"),
    # its step sizes are absolute, ours are in units of the rate
    "Rprop": lambda: O.Rprop(lr=0.05, shrink=0.6, grow=1.3, smallest=1e-3 / 0.05, largest=4.0),
    "LARS": lambda: O.LARS(lr=1.5, momentum=0.8, coefficient=0.05, weight_decay=0.1, decay="*"),
    "LAMB": lambda: O.LAMB(lr=0.05, beta1=0.7, beta2=0.95, eps=1e-3, weight_decay=0.1, decay="*"),
    # matrices only, in float64; the weights are transposed, for PyTorch's are (out, in)
    "Muon": lambda: O.Muon(lr=0.05, momentum=0.8, weight_decay=0.1),
    "ASGD": lambda: O.ASGD(lr=0.1, shrink=0.05, power=0.6, begin=21),
    "Lookahead": lambda: O.Lookahead(O.SGD(lr=0.05, momentum=0.8), every=5, part=0.4),
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


def test_every_reference_is_compared():
    assert sorted(REFERENCES) == sorted([*SAME, "LBFGS"])  # test_lbfgs.py has that one


def test_the_average_of_asgd_is_that_of_the_reference():
    model = small()
    optimizer = SAME["ASGD"]().setup(model)
    run(optimizer, model, 50)
    for key, numbers in REFERENCES["ASGD"]["steps"][50].items():
        # as above
        average = optimizer.state_dict()["arrays"][f"{key}.average"]
        np.testing.assert_allclose(average.ravel(), numbers, rtol=1e-9, atol=1e-9)
