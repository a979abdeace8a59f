"""Data: datasets, the loader that makes batches of them, and sources of real data."""

from .dataset import ArrayDataset, Dataset, collate
from .draws import Draws
from .loader import Loader
from .sources import digits
from .take import Drawn, order

__all__ = [
    "ArrayDataset",
    "Dataset",
    "Drawn",
    "Draws",
    "Loader",
    "collate",
    "digits",
    "order",
]
