"""Layers: blocks that hold parameters and turn inputs into outputs."""

from . import initializers
from .activation import (
    CELU,
    ELU,
    GELU,
    GLU,
    CReLU,
    HardShrink,
    HardSwish,
    HardTanh,
    LeakyReLU,
    LogSoftmax,
    Mish,
    ReLU,
    SiLU,
    Softmax,
    Softplus,
    SoftShrink,
    Sparsemax,
    Squareplus,
    Threshold,
)
from .attention import (
    MultiHeadAttention,
)
from .bilinear import (
    Bilinear,
)
from .branch import (
    Concatenate,
    Parallel,
    Residual,
)
from .container import (
    Sequential,
)
from .conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from .embed import (
    Embedding,
    EmbeddingBag,
    LearnedPositions,
    PositionalEncoding,
)
from .groupnorm import (
    GroupNorm,
    InstanceNorm,
    LocalResponseNorm,
    RMSNorm,
)
from .layer import (
    Layer,
)
from .learned import (
    GatedLinear,
    Maxout,
    PReLU,
    Snake,
)
from .linear import (
    Linear,
)
from .noise import (
    AlphaDropout,
    ChannelDropout,
    Dropout,
    DropPath,
    GaussianDropout,
    GaussianNoise,
)
from .norm import (
    BatchNorm,
    LayerNorm,
)
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
from .recurrent import (
    GRU,
    LSTM,
)
from .reparametrised import (
    SpectralNorm,
    WeightNorm,
)
from .separable import (
    DepthwiseConv2d,
    SeparableConv2d,
)
from .shaping import (
    CosineSimilarity,
    Identity,
    PairwiseDistance,
    Reshape,
    Unflatten,
)
from .spatial import (
    AdaptiveAveragePool,
    AdaptiveMaxPool,
    ChannelShuffle,
    CircularPad,
    ConstantPad,
    Fold,
    LPPool,
    MaxPoolWithIndices,
    MaxUnpool,
    PixelShuffle,
    PixelUnshuffle,
    ReflectionPad,
    ReplicationPad,
    Unfold,
    Upsample,
)
from .summary import (
    Summary,
)

__all__ = [
    "AdaptiveAveragePool",
    "AdaptiveMaxPool",
    "AlphaDropout",
    "AveragePool1d",
    "AveragePool2d",
    "AveragePool3d",
    "BatchNorm",
    "Bilinear",
    "CELU",
    "CReLU",
    "ChannelDropout",
    "ChannelShuffle",
    "CircularPad",
    "Concatenate",
    "ConstantPad",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "CosineSimilarity",
    "DepthwiseConv2d",
    "DropPath",
    "Dropout",
    "ELU",
    "Embedding",
    "EmbeddingBag",
    "Flatten",
    "Fold",
    "GELU",
    "GLU",
    "GRU",
    "GatedLinear",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GroupNorm",
    "HardShrink",
    "HardSwish",
    "HardTanh",
    "Identity",
    "InstanceNorm",
    "LPPool",
    "LSTM",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "LearnedPositions",
    "Linear",
    "LocalResponseNorm",
    "LogSoftmax",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxPoolWithIndices",
    "MaxUnpool",
    "Maxout",
    "Mish",
    "MultiHeadAttention",
    "PReLU",
    "PairwiseDistance",
    "Parallel",
    "PixelShuffle",
    "PixelUnshuffle",
    "PositionalEncoding",
    "RMSNorm",
    "ReLU",
    "ReflectionPad",
    "ReplicationPad",
    "Reshape",
    "Residual",
    "SeparableConv2d",
    "Sequential",
    "SiLU",
    "Snake",
    "SoftShrink",
    "Softmax",
    "Softplus",
    "Sparsemax",
    "SpectralNorm",
    "Squareplus",
    "Summary",
    "Threshold",
    "Unflatten",
    "Unfold",
    "Upsample",
    "WeightNorm",
    "initializers",
]
