"""Pictures as PNG, with nothing but the standard library."""

from __future__ import annotations

import math
import struct
import zlib
from typing import Any

import numpy as np

from ..arrays import Array, to_numpy
from ..errors import ShapeError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels: PNG's colour type


def encode_png(picture: Any) -> bytes:
    """A picture as the bytes of a PNG file.

    Args:
        picture: as `as_picture` gives it: ``(h, w, c)``, uint8.
    Source: PNG (Portable Network Graphics) Specification, Version 1.2, 1999.
    """
    h, w, c = picture.shape
    rows = np.zeros((h, 1 + w * c), np.uint8)  # each begins with its filter, 0: none
    rows[:, 1:] = picture.reshape(h, w * c)
    header = struct.pack(">IIBBBBB", w, h, 8, COLOURS[c], 0, 0, 0)
    body = zlib.compress(rows.tobytes(), 6)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def as_picture(array: Any) -> Array:
    """Numbers as one picture.

    Args:
        array: ``(h, w)``, ``(h, w, c)`` with 3 or 4 channels; or several: ``(n, h, w)``,
            ``(n, c, h, w)`` with 1, 3 or 4 channels, which are laid out as a square. Floats are
            from 0 to 1 (what is outside is cut off), integers from 0 to 255, bools black or white.
    Returns:
        ``(h, w, c)``, uint8.
    Raises:
        ShapeError: it is none of these.
    Example:
        >>> as_picture(np.ones((5, 1, 8, 8))).shape
        (17, 26, 1)
    """
    numbers = to_numpy(array)
    if numbers.size == 0:
        tiles = None
    elif numbers.ndim == 2 or (numbers.ndim == 3 and numbers.shape[-1] in (3, 4)):
        tiles = numbers.reshape(1, *numbers.shape[:2], -1)
    elif numbers.ndim == 3:
        tiles = numbers[..., None]
    elif numbers.ndim == 4 and numbers.shape[1] in (1, 3, 4):
        tiles = numbers.transpose(0, 2, 3, 1)
    else:
        tiles = None
    if tiles is None:
        raise ShapeError(
            "a picture should be (h, w), (h, w, 3), (n, h, w) or (n, 3, h, w), with 1, 3 or "
            f"4 channels, and not empty; got {numbers.shape}"
        )
    return tiled(as_bytes(tiles))


def as_bytes(array: Array) -> Array:
    """Brightness from 0 to 255."""
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind in "iu":
        return np.clip(array, 0, 255).astype(np.uint8)
    whole = np.nan_to_num(array.astype(np.float64), nan=0.0, posinf=1.0, neginf=0.0)
    return np.rint(np.clip(whole, 0, 1) * 255).astype(np.uint8)


def tiled(tiles: Array) -> Array:
    """Pictures ``(n, h, w, c)`` as one, in rows, with a line of one pixel between them."""
    n, h, w, c = tiles.shape
    if n == 1:
        return tiles[0]
    columns = math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (h + 1) - 1, columns * (w + 1) - 1, c), 128, np.uint8)
    for i, tile in enumerate(tiles):
        y, x = i // columns * (h + 1), i % columns * (w + 1)
        sheet[y : y + h, x : x + w] = tile
    return sheet
