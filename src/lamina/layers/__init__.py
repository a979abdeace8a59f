"""Layers: blocks that hold parameters and turn inputs into outputs."""

from . import initializers
from .container import Sequential
from .layer import Layer
from .linear import Linear
from .summary import Summary

__all__ = ["Layer", "Linear", "Sequential", "Summary", "initializers"]
