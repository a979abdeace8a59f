"""Data: datasets, the loader that makes batches of them, and sources of real data."""

from .dataset import ArrayDataset, Dataset, collate
from .loader import Loader, order
from .sources import digits

__all__ = ["ArrayDataset", "Dataset", "Loader", "collate", "digits", "order"]
