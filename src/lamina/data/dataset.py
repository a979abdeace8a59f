"""Datasets: whatever has a length and items. Arrays give a whole batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..arrays import Array, as_array, is_array
from ..config import current
from ..errors import DTypeError, ShapeError


@runtime_checkable
class Dataset(Protocol):
    """What a `Loader` takes: ``len(dataset)`` and ``dataset[i]`` for ``0 <= i < len(dataset)``.

    An item is an array, a number, or a tuple, list or dict of these. A dataset that can do better
    than one item after the other also has ``batch(indices)``, which gives a whole batch.
    """

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...


class ArrayDataset:
    """Rows of one or several arrays of the same length.

    Args:
        *arrays: each ``(n, ...)``. They are held, not copied.
    Raises:
        ShapeError: lengths differ, or an array has no axis.
        DTypeError: no array is given, or one is not made of numbers.
    Example:
        >>> dataset = ArrayDataset(np.zeros((5, 3), np.float32), np.arange(5))
        >>> x, t = dataset[2]
        >>> x.shape, int(t)
        ((3,), 2)
        >>> [a.shape for a in dataset.batch(np.array([4, 0]))]
        [(2, 3), (2,)]
    """

    def __init__(self, *arrays: Any):
        if not arrays:
            raise DTypeError("ArrayDataset: needs one array or more")
        self.arrays: tuple[Array, ...] = tuple(
            as_array(a, f"ArrayDataset: array {i}") for i, a in enumerate(arrays)
        )
        shapes = [a.shape for a in self.arrays]
        if not all(shapes):
            raise ShapeError(f"ArrayDataset: each array should have a first axis, got {shapes}")
        if len({shape[0] for shape in shapes}) > 1:
            lengths = ", ".join(str(shape[0]) for shape in shapes)
            raise ShapeError(f"ArrayDataset: arrays should be of one length, got {lengths}")

    def __len__(self) -> int:
        return self.arrays[0].shape[0]

    def __getitem__(self, index: Any) -> Any:
        """One item; a tuple if there are several arrays."""
        rows = tuple(a[index] for a in self.arrays)
        return rows[0] if len(rows) == 1 else rows

    def batch(self, indices: Array) -> Any:
        """The rows at ``indices: (b,)``, copied: one indexing operation for each array."""
        return self[indices]

    def __repr__(self) -> str:
        shown = ", ".join(f"{a.dtype} {a.shape}" for a in self.arrays)
        return f"ArrayDataset({shown})"


def as_dataset(data: Any) -> Dataset:
    """``data`` itself if it is a dataset; an `ArrayDataset` of an array or a tuple of arrays.

    Raises:
        DTypeError: if it is neither.
        ShapeError: arrays of different lengths.
    """
    if is_array(data):
        return ArrayDataset(data)
    if isinstance(data, tuple) and data and all(is_array(a) for a in data):
        return ArrayDataset(*data)
    if not isinstance(data, Dataset) or isinstance(data, (str, bytes, dict)):
        raise DTypeError(
            "Loader: dataset should have __len__ and __getitem__, or be an array or a tuple of "
            f"arrays, got {type(data).__name__}"
        )
    return data


def collate(items: Sequence[Any]) -> Any:
    """One batch of several items: stacks arrays and numbers, within tuples, lists and dicts.

    Args:
        items: of one structure. Python floats become ``current().dtype`` (float32), not float64.
    Returns:
        The structure of one item; each array has a first axis of ``len(items)``. Lists become
        tuples.
    Raises:
        ShapeError: shapes or structures differ.
        DTypeError: an item is not made of numbers.
    Example:
        >>> x, t = collate([(np.zeros(3), 7), (np.ones(3), 8)])
        >>> x.shape, t
        ((2, 3), array([7, 8]))
    """
    first = items[0]
    if isinstance(first, dict):
        if any(not isinstance(item, dict) or item.keys() != first.keys() for item in items):
            raise ShapeError(f"collate: every item should have the keys {list(first)}")
        return {key: collate([item[key] for item in items]) for key in first}
    if isinstance(first, (tuple, list)):
        if any(not isinstance(item, (tuple, list)) or len(item) != len(first) for item in items):
            raise ShapeError(f"collate: every item should be a tuple of {len(first)}")
        return tuple(collate(column) for column in zip(*items))
    return _stack(items)


def _stack(items: Sequence[Any]) -> Array:
    arrays = [as_array(item, "collate: an item") for item in items]
    for i, a in enumerate(arrays):
        if a.shape != arrays[0].shape:
            raise ShapeError(
                f"collate: items 0 and {i} have shapes {arrays[0].shape} and {a.shape}; "
                "pad or crop them to one shape"
            )
    stacked = np.stack(arrays)
    python_numbers = all(type(item) in (bool, int, float) for item in items)
    return (
        stacked.astype(current().dtype) if python_numbers and stacked.dtype.kind == "f" else stacked
    )
