"""Layers: blocks that hold parameters and turn inputs into outputs."""

from . import initializers
from .attention import MultiHeadAttention
from .container import Sequential
from .conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .embed import Embedding
from .layer import Layer
from .linear import Linear
from .noise import Dropout
from .norm import BatchNorm, LayerNorm
from .pool import (
    AveragePool1d,
    AveragePool2d,
    AveragePool3d,
    Flatten,
    GlobalAveragePool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from .recurrent import GRU, LSTM
from .summary import Summary

__all__ = [
    "AveragePool1d",
    "AveragePool2d",
    "AveragePool3d",
    "BatchNorm",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GRU",
    "LSTM",
    "Layer",
    "LayerNorm",
    "Linear",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MultiHeadAttention",
    "Sequential",
    "Summary",
    "initializers",
]
