"""Data: datasets, the loader that makes batches of them, and sources of real data."""

from .augment import (
    CenterCrop,
    CutMix,
    Cutout,
    Jitter,
    Mixup,
    Noise,
    RandomAffine,
    RandomCrop,
    RandomErasing,
    RandomFlip,
)
from .binary import read_cifar10, read_idx
from .dataset import ArrayDataset, Dataset, collate
from .draws import Draws
from .images import ImageFolder
from .loader import Loader
from .sources import (
    CIFAR10_KINDS,
    FASHION_KINDS,
    cifar10,
    digits,
    fashion_mnist,
    mnist,
    topics,
)
from .stored import from_npy, from_npz
from .table import Table
from .take import Drawn, order
from .text import BytePairs, Characters, TokenDataset, Tokens, Words
from .transforms import Compose, Each, Normalize, OneHot, Transform
from .wrappers import Concatenated, Mapped, Subset, folds, split

__all__ = [
    # batches
    "Loader",
    "order",
    # datasets
    "ArrayDataset",
    "Concatenated",
    "Dataset",
    "Drawn",
    "ImageFolder",
    "Mapped",
    "Subset",
    "Table",
    "TokenDataset",
    "collate",
    "folds",
    "from_npy",
    "from_npz",
    "split",
    # text as numbers
    "BytePairs",
    "Characters",
    "Tokens",
    "Words",
    # transforms
    "Compose",
    "Draws",
    "Each",
    "Normalize",
    "OneHot",
    "Transform",
    "CenterCrop",
    "CutMix",
    "Cutout",
    "Jitter",
    "Mixup",
    "Noise",
    "RandomAffine",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    # sources
    "CIFAR10_KINDS",
    "FASHION_KINDS",
    "cifar10",
    "digits",
    "fashion_mnist",
    "mnist",
    "read_cifar10",
    "read_idx",
    "topics",
]
