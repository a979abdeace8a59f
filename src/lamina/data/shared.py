"""Memory that two processes see, and how batches and datasets lie in it.

It is a file without a name (`memfd_create` where there is one): what the last process that holds it
leaves behind is nothing, however that process ended.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable
from io import BytesIO
from multiprocessing.reduction import ForkingPickler
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array
from .take import each_array

ALIGNMENT = 64
PLAIN = "biufcmMSU"  # kinds of dtypes that their short text describes wholly


class Memory:
    """A file without a name that grows, and is seen as bytes.

    Args:
        fd: the file, for a process that was given it; None makes a new one.
    """

    def __init__(self, fd: int | None = None):
        self.fd = nameless() if fd is None else fd
        self._map: mmap.mmap | None = None

    def bytes(self, size: int) -> mmap.mmap:
        """At least ``size`` bytes of it; the file grows where it is shorter."""
        if self._map is None or len(self._map) < size:
            self._unmap()
            if os.fstat(self.fd).st_size < size:
                grow(self.fd, size)
            self._map = mmap.mmap(self.fd, os.fstat(self.fd).st_size)
        return self._map

    def close(self) -> None:
        """Let go of it here; whoever else holds it keeps it."""
        self._unmap()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _unmap(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None


def nameless() -> int:
    """The descriptor of a new empty file without a name."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("lamina", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile(prefix="lamina-") as file:
        return os.dup(file.fileno())


def grow(fd: int, size: int) -> None:
    """Make the file ``size`` bytes long; OSError here, and no SIGBUS later, if there is no room."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
    else:
        os.ftruncate(fd, size)


class Place(NamedTuple):
    """Where an array of a batch lies."""

    offset: int
    dtype: str
    shape: tuple[int, ...]


class Layout:
    """Puts arrays one after the other, each at a multiple of `ALIGNMENT`."""

    def __init__(self) -> None:
        self.size = 0

    def add(self, length: int) -> int:
        """The offset of the next ``length`` bytes."""
        offset = -(-self.size // ALIGNMENT) * ALIGNMENT
        self.size = offset + length
        return offset


def pack(batch: Any, memory: Memory) -> Any:
    """Copy the arrays of ``batch`` into ``memory``; ``batch`` with a `Place` for each of them."""
    layout, arrays = Layout(), []

    def place(array: Array) -> Any:
        if array.dtype.kind not in PLAIN:
            return array  # objects and records go another way: with the message
        found = Place(layout.add(array.nbytes), array.dtype.str, array.shape)
        arrays.append((found, array))
        return found

    packed = each_array(batch, place)
    if arrays:
        whole = memory.bytes(max(layout.size, 1))
        for found, array in arrays:
            _view(found, whole)[...] = array
    return packed


def unpack(packed: Any, memory: Memory) -> Any:
    """The batch that `pack` put into ``memory``; its arrays are copies."""
    if isinstance(packed, Place):
        size = packed.offset + np.dtype(packed.dtype).itemsize * int(np.prod(packed.shape))
        return _view(packed, memory.bytes(max(size, 1))).copy()
    if isinstance(packed, dict):
        return {key: unpack(value, memory) for key, value in packed.items()}
    if isinstance(packed, list):
        return [unpack(value, memory) for value in packed]
    if isinstance(packed, tuple):
        values = [unpack(value, memory) for value in packed]
        return type(packed)(*values) if hasattr(packed, "_fields") else tuple(values)
    return packed


def _view(place: Place, whole: mmap.mmap) -> Array:
    return np.ndarray(place.shape, np.dtype(place.dtype), whole, place.offset)


# -- an object with large arrays, for several processes ------------------------------------------


class Parcel(NamedTuple):
    """An object in memory: its description, then the contents of its arrays.

    Each process that opens it sees the arrays where they lie, and copies a page of them only when
    it writes there. So ten workers need no more memory for a dataset than one.
    """

    fd: int
    parts: tuple[tuple[int, int], ...]  # offset and length of each; the description comes first


class _Packer(ForkingPickler):
    """Leaves the contents of arrays out; a file that is mapped travels as its name."""

    def __init__(self, file: BytesIO, buffers: Callable[[Any], Any]):
        super().__init__(file, 5, True, buffers)

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is np.memmap and type(obj.base) is mmap.mmap and obj.filename:
            order = "C" if obj.flags.c_contiguous else "F"
            mode = "r" if obj.mode == "r" else "c"
            return _mapped, (str(obj.filename), obj.dtype, mode, obj.offset, obj.shape, order)
        return NotImplemented


def _mapped(filename: str, dtype: Any, mode: Any, offset: int, shape: Any, order: Any) -> Array:
    return np.memmap(filename, dtype, mode, offset, shape, order)


def send(content: Any, memory: Memory) -> tuple[Parcel, bool]:
    """Put ``content`` into ``memory``; with it, whether it speaks of the program's main module."""
    file, buffers = BytesIO(), []
    _Packer(file, buffers.append).dump(content)
    description = file.getvalue()
    raws = [memoryview(description), *(buffer.raw() for buffer in buffers)]
    layout = Layout()
    parts = tuple((layout.add(raw.nbytes), raw.nbytes) for raw in raws)
    whole = memoryview(memory.bytes(layout.size))
    for (offset, length), raw in zip(parts, raws):
        whole[offset : offset + length] = raw
    whole.release()
    return Parcel(memory.fd, parts), b"__main__" in description


def receive(parcel: Parcel) -> Any:
    """What was sent: its arrays are seen where they lie."""
    size = max(offset + length for offset, length in parcel.parts)
    whole = memoryview(mmap.mmap(parcel.fd, size, access=mmap.ACCESS_COPY))
    os.close(parcel.fd)
    description, *buffers = [whole[offset : offset + length] for offset, length in parcel.parts]
    load: Any = getattr(ForkingPickler, "loads")  # noqa: B009 (typeshed takes it for a method)
    return load(description, buffers=buffers)
