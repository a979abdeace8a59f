"""Zip archives that every zip reader and ``np.load`` take, written in one pass.

Sizes and checksums stand before the data, so the target need not be able to seek. Times are
fixed, and nothing depends on the machine: equal content gives equal bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import Protocol

from . import zipformat as z

DATE = (1 << 5) | 1  # 1 January 1980, midnight: the first that the format can say
VERSION, VERSION_64 = 20, 45
UNIX = 3 << 8
MODE = 0o100644 << 16  # a plain file
PIECE = 1 << 20

Bytes = bytes | memoryview


class Sink(Protocol):
    """Whatever takes bytes."""

    def write(self, data: memoryview, /) -> int | None:
        """Take some of ``data``, and say how much; None means all."""


class ZipWriter:
    """Writes members to ``sink`` one after another, then their directory."""

    def __init__(self, sink: Sink):
        self.sink = sink
        self.position = 0
        self.directory: list[bytes] = []

    def add(self, name: str, content: list[Bytes], compress: bool = False) -> None:
        """Write one member: ``content`` is its bytes, in pieces."""
        crc, size = 0, 0
        for piece in content:
            crc, size = zlib.crc32(piece, crc), size + len(piece)
        if compress:
            content = deflated(content)
        packed = sum(len(piece) for piece in content)
        method = z.DEFLATED if compress else z.STORED
        entry = Entry(name, method, crc, packed, size, self.position)
        self._write(entry.local())
        for piece in content:
            self._write(piece)
        self.directory.append(entry.central())

    def finish(self, comment: bytes = b"") -> None:
        """Write the directory, and ``comment`` at the very end."""
        start = self.position
        directory = b"".join(self.directory)
        self._write(directory + end(len(self.directory), len(directory), start, comment))

    def _write(self, data: Bytes) -> None:
        self.position += len(data)
        rest = memoryview(data)
        while rest:  # an unbuffered file may take less than all
            rest = rest[self.sink.write(rest) or len(rest) :]


def deflated(content: list[Bytes]) -> list[Bytes]:
    """The pieces, compressed at zlib's own choice of level, in pieces."""
    packer = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = [
        packer.compress(piece[at : at + PIECE])
        for piece in content
        for at in range(0, len(piece), PIECE)
    ]
    return [*packed, packer.flush()]


class Entry:
    """What the two headers of a member say."""

    def __init__(self, name: str, method: int, crc: int, packed: int, size: int, offset: int):
        self.name = name.encode()
        self.flags = 0 if name.isascii() else z.UTF8
        self.method = method
        self.crc = crc
        self.packed = packed
        self.size = size
        self.offset = offset

    def local(self) -> bytes:
        """The header before the data."""
        big = max(self.packed, self.size) >= z.LIMIT_32
        packed, size = (z.LIMIT_32, z.LIMIT_32) if big else (self.packed, self.size)
        extra = extra_64([self.size, self.packed]) if big else b""
        version = VERSION_64 if big else VERSION
        fixed = (version, self.flags, self.method, 0, DATE, self.crc, packed, size)
        header = z.LOCAL.pack(z.LOCAL_MARK, *fixed, len(self.name), len(extra))
        return header + self.name + extra

    def central(self) -> bytes:
        """The header in the directory."""
        numbers = [self.size, self.packed, self.offset]
        extra = extra_64([n for n in numbers if n >= z.LIMIT_32])
        version = VERSION_64 if extra else VERSION
        size, packed, offset = (min(n, z.LIMIT_32) for n in numbers)
        return (
            z.CENTRAL.pack(
                *(z.CENTRAL_MARK, UNIX | version, version, self.flags, self.method, 0, DATE),
                *(self.crc, packed, size, len(self.name), len(extra), 0, 0, 0, MODE, offset),
            )
            + self.name
            + extra
        )


def extra_64(numbers: list[int]) -> bytes:
    """The extra field for numbers too big for 32 bits; nothing for none."""
    if not numbers:
        return b""
    count = len(numbers)
    return struct.pack(f"<2H{count}Q", z.EXTRA_64, 8 * count, *numbers)


def end(count: int, size: int, start: int, comment: bytes) -> bytes:
    """The end of an archive: how many members, and where their directory stands."""
    record = b""
    if count >= z.LIMIT_16 or size >= z.LIMIT_32 or start >= z.LIMIT_32:
        versions = (UNIX | VERSION_64, VERSION_64)
        record = z.END_64.pack(z.END_64_MARK, 44, *versions, 0, 0, count, count, size, start)
        record += z.LOCATOR.pack(z.LOCATOR_MARK, 0, start + size, 1)
    few = min(count, z.LIMIT_16)
    small = (min(size, z.LIMIT_32), min(start, z.LIMIT_32))
    return record + z.END.pack(z.END_MARK, 0, 0, few, few, *small, len(comment)) + comment


def size_of(members: Iterable[tuple[str, int]], comment: bytes) -> int:
    """Bytes of an archive of stored members, given their names and sizes, zip64 aside."""
    fixed = z.LOCAL.size + z.CENTRAL.size
    return z.END.size + len(comment) + sum(fixed + 2 * len(n.encode()) + s for n, s in members)
