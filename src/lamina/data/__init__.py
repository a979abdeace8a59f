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
from .dataset import ArrayDataset, Dataset, collate
from .draws import Draws
from .loader import Loader
from .sources import digits
from .take import Drawn, order
from .transforms import Compose, Each, Normalize, OneHot, Transform
from .wrappers import Concatenated, Mapped, Subset, folds, split

__all__ = [
    "Loader",
    "order",
    "ArrayDataset",
    "Concatenated",
    "Dataset",
    "Drawn",
    "Mapped",
    "Subset",
    "collate",
    "folds",
    "split",
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
    "digits",
]
