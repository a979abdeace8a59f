"""Readers of the binary files that classic data sets come in: IDX, and CIFAR's own.

What a header says is not believed: no more is read than the file has, and a file that is longer or
shorter than its header says is refused.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import IO, Any

import numpy as np

from ..arrays import Array
from ..errors import CorruptFileError, LimitError

MOST_BYTES = 4 << 30
PIECE = 1 << 20

IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", the page of
the data, "The IDX file format"."""

CIFAR_PIXELS = 3 * 32 * 32
CIFAR_ROW = 1 + CIFAR_PIXELS


def read_idx(path: Any) -> Array:
    """The array in an IDX file; ``.gz`` is unpacked.

    An IDX file is two zeros, one byte for the type, one for the number of axes, the length of each
    axis in four bytes, and the elements; all big-endian.

    Raises:
        CorruptFileError: the file is none, truncated, or longer than it says.
        LimitError: it says that it has more than `MOST_BYTES`.
    """
    with opened(path) as file:
        start = file.read(4)
        if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in IDX_TYPES:
            raise CorruptFileError(f"read_idx: {path} is no IDX file: it begins with {start!r}")
        dtype, axes = np.dtype(IDX_TYPES[start[2]]), start[3]
        lengths = file.read(4 * axes)
        if len(lengths) < 4 * axes:
            raise CorruptFileError(f"read_idx: {path} ends within its header")
        shape = tuple(np.frombuffer(lengths, ">u4").tolist())
        content = _exactly(file, prod(shape) * dtype.itemsize, path, f"an array of shape {shape}")
    array = np.frombuffer(content, dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def read_cifar10(path: Any) -> tuple[Array, Array]:
    """Images and labels of a file of CIFAR-10's binary version.

    Each image is one byte for its label, and then red, green and blue, row after row.

    Returns:
        ``x: (n, 3, 32, 32), uint8``, and ``t: (n,), int64``.
    Raises:
        CorruptFileError: the file is no whole number of images, or a label is above 9.
    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009; the layout
        is that of the page of the data, "Binary version".
    """
    size = os.stat(path).st_size
    if size == 0 or size % CIFAR_ROW:
        raise CorruptFileError(
            f"read_cifar10: {path} has {size:,} bytes, which is no whole number of images of "
            f"{CIFAR_ROW:,}"
        )
    with open(path, "rb") as file:
        content = _exactly(file, size, path, f"{size // CIFAR_ROW} images")
    rows = np.frombuffer(content, np.uint8).reshape(-1, CIFAR_ROW)
    labels = rows[:, 0].astype(np.int64)
    if labels.max() > 9:
        image = int(labels.argmax())
        raise CorruptFileError(f"read_cifar10: {path}: image {image} has label {labels[image]}")
    return rows[:, 1:].reshape(-1, 3, 32, 32), labels


@contextmanager
def opened(path: Any, packed: bool | None = None) -> Iterator[IO[bytes]]:
    """The file, unpacked if it is ``packed``, or else if its name ends in ``.gz``.

    Raises:
        CorruptFileError: within the context, for a damaged ``.gz``.
    """
    if packed is None:
        packed = os.fspath(path).endswith(".gz")
    open_it: Any = gzip.open if packed else open
    try:
        with open_it(path, "rb") as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorruptFileError(f"{path} cannot be unpacked: {error}") from None


def _exactly(file: IO[bytes], size: int, path: Any, what: str) -> bytes:
    """The rest of the file, which has ``size`` bytes; none are taken for what is not there."""
    if size > MOST_BYTES:
        raise LimitError(f"{path} says that it holds {what}: more than {MOST_BYTES:,} bytes")
    pieces, left = [], size + 1
    while left and (piece := file.read(min(left, PIECE))):
        pieces.append(piece)
        left -= len(piece)
    content = b"".join(pieces)
    if len(content) != size:
        found = "more" if len(content) > size else f"{len(content):,}"
        raise CorruptFileError(f"{path} should hold {what}, {size:,} bytes, and has {found}")
    return content
