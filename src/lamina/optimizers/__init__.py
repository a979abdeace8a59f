"""Optimizers: what training does with gradients.

>>> from lamina import optimizers as O, Variable
>>> W = Variable([1.0])
>>> O.Adam(lr=0.1).setup([W])
Adam(ScaleByAdam(beta1=0.9, beta2=0.999, eps=1e-08), lr=0.1)
"""

from .methods import SGD, Adam, AdamW, Momentum, Nesterov
from .optimizer import Optimizer
from .schedule import Constant, Cosine, Exponential, OneCycle, Schedule, StepDecay, Warmup
from .transformation import (
    AddDecay,
    AddMomentum,
    ClipNorm,
    ClipValue,
    ScaleByAdam,
    Transformation,
)

__all__ = [
    "SGD",
    "Momentum",
    "Nesterov",
    "Adam",
    "AdamW",
    "Optimizer",
    "Constant",
    "StepDecay",
    "Exponential",
    "Cosine",
    "Warmup",
    "OneCycle",
    "Schedule",
    "Transformation",
    "ClipValue",
    "ClipNorm",
    "AddDecay",
    "AddMomentum",
    "ScaleByAdam",
]
