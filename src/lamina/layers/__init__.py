"""Layers: blocks that hold parameters and turn inputs into outputs."""

from . import initializers
from .container import Sequential
from .embed import Embedding
from .layer import Layer
from .linear import Linear
from .noise import Dropout
from .norm import BatchNorm, LayerNorm
from .summary import Summary

__all__ = [
    "BatchNorm",
    "Dropout",
    "Embedding",
    "Layer",
    "LayerNorm",
    "Linear",
    "Sequential",
    "Summary",
    "initializers",
]
