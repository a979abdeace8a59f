"""Optimizers: what training does with gradients.

>>> from lamina import optimizers as O, Variable
>>> W = Variable([1.0])
>>> O.Adam(lr=0.1).setup([W])
Adam(ScaleByAdam(beta1=0.9, beta2=0.999, eps=1e-08), lr=0.1)
"""

from .accumulate import Accumulate
from .adaptive import (
    AdaDelta,
    AdaGrad,
    RMSprop,
    ScaleByAdaDelta,
    ScaleByAdaGrad,
    ScaleByRMS,
)
from .average import ASGD, EMA, SWA, Average, KeepAverage, KeepMean, KeepRecent, KeepSlow, Lookahead
from .cycle import Chained, CosineRestarts, Cyclic
from .decay import InverseSqrt, InverseTime, Linear, MultiStep, Noam, Piecewise, Polynomial
from .factored import Adafactor, ScaleByFactored, ScaleBySize
from .layerwise import LAMB, LARS, ScaleByTrust
from .lbfgs import LBFGS, Remember
from .matrix import Muon, Orthogonalize, Others, ScaleByShampoo, Shampoo
from .method import Common, Method
from .methods import SGD, Adam, AdamW, Momentum, Nesterov
from .moments import (
    Adamax,
    AMSGrad,
    NAdam,
    RAdam,
    ScaleByAdamax,
    ScaleByAMSGrad,
    ScaleByNAdam,
    ScaleByRAdam,
)
from .optimizer import Optimizer
from .plateau import Plateau
from .schedule import Constant, Cosine, Exponential, OneCycle, Schedule, StepDecay, Warmup
from .sharpness import SAM
from .sign import Lion, Rprop, ScaleByLion, ScaleByRprop
from .soap import SOAP, ScaleBySOAP
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
    "AdaGrad",
    "AdaDelta",
    "RMSprop",
    "Adamax",
    "AMSGrad",
    "NAdam",
    "RAdam",
    "Adafactor",
    "Lion",
    "Rprop",
    "LARS",
    "LAMB",
    "Muon",
    "Shampoo",
    "SOAP",
    "ASGD",
    "Lookahead",
    "SAM",
    "LBFGS",
    "Accumulate",
    "EMA",
    "SWA",
    "Average",
    "Optimizer",
    "Method",
    "Common",
    "Constant",
    "StepDecay",
    "Exponential",
    "Cosine",
    "Warmup",
    "OneCycle",
    "MultiStep",
    "Polynomial",
    "Linear",
    "InverseSqrt",
    "InverseTime",
    "Noam",
    "Piecewise",
    "CosineRestarts",
    "Cyclic",
    "Chained",
    "Plateau",
    "Schedule",
    "Transformation",
    "ClipValue",
    "ClipNorm",
    "AddDecay",
    "AddMomentum",
    "ScaleByAdam",
    "ScaleByAdaGrad",
    "ScaleByAdaDelta",
    "ScaleByRMS",
    "ScaleByAdamax",
    "ScaleByAMSGrad",
    "ScaleByNAdam",
    "ScaleByRAdam",
    "ScaleByFactored",
    "ScaleBySize",
    "ScaleByLion",
    "ScaleByRprop",
    "ScaleByTrust",
    "Orthogonalize",
    "ScaleByShampoo",
    "ScaleBySOAP",
    "Others",
    "KeepAverage",
    "KeepMean",
    "KeepRecent",
    "KeepSlow",
    "Remember",
]
