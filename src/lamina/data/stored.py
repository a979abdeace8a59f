"""Datasets in files of arrays: ``.npz``, and ``.npy`` that stays on the disk."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ..errors import CorruptFileError, RangeError, UnsafeFileError
from ..files import load_npz
from .dataset import ArrayDataset


def from_npz(path: Any, *names: str) -> ArrayDataset:
    """Arrays of an ``.npz`` file, read with the care of `lamina.files.load_npz`.

    Args:
        path: of the file.
        *names: which arrays, in this order; all, in the file's order, if none is named.
    Raises:
        CheckpointError: the file is damaged or unsafe.
        RangeError: an array that is not in it.
    """
    arrays, _ = load_npz(path)
    for name in names:
        if name not in arrays:
            raise RangeError(f"from_npz: {path} has no array {name!r}, but {list(arrays)}")
    return ArrayDataset(*(arrays[name] for name in names or arrays))


def from_npy(*paths: Any) -> ArrayDataset:
    """Arrays of ``.npy`` files that stay on the disk: what a batch needs is read for the batch.

    The files may be larger than the memory. Worker processes open them by name, and nothing is
    copied to them.

    Args:
        *paths: of the files; arrays of one length.
    Raises:
        CorruptFileError: a file that is no ``.npy`` file, or is truncated.
        UnsafeFileError: one of pickled objects.
    """
    return ArrayDataset(*(_mapped(os.fspath(path)) for path in paths))


def _mapped(path: str) -> Any:
    with open(path, "rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise CorruptFileError(f"from_npy: {path} is no .npy file: it begins otherwise")
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        kind = UnsafeFileError if "Python objects" in str(error) else CorruptFileError
        raise kind(f"from_npy: {path}: {error}") from None
