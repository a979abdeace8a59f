"""The content of one member of an archive, in order, checked against its size and its CRC-32."""

from __future__ import annotations

import zlib

from ..errors import CorruptFileError
from . import zipformat as z
from .source import Source, shown
from .zipreader import Member

PIECE = 1 << 20


class Content:
    """Reads a member from its beginning; `finish` says whether it was what the archive claims."""

    def __init__(self, source: Source, member: Member):
        self.source = source
        self.member = member
        self.left = member.size  # bytes not yet given out
        self.crc = 0
        packed = Packed(source, member.packed)
        self.bytes = Deflated(packed) if member.method == z.DEFLATED else packed
        source.seek(member.start)

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        if count > self.left:
            raise self.corrupt("is too short for what it holds")
        data = bytearray(count)
        self.fill(memoryview(data))
        return bytes(data)

    def fill(self, view: memoryview) -> None:
        """The next bytes, as many as ``view`` takes."""
        while view:
            piece = view[:PIECE]
            count = self._read(piece)
            if not count:
                raise self.corrupt("ends too early")
            self.crc = zlib.crc32(piece[:count], self.crc)
            self.left -= count
            view = view[count:]

    def finish(self) -> None:
        """Check that nothing is left, and the CRC-32 of what was read.

        Raises:
            CorruptFileError: if the content is longer than claimed, or its checksum another.
        """
        if self._read(memoryview(bytearray(1))) or not self.bytes.ended():
            raise self.corrupt("does not end where it should")
        if self.left or self.crc != self.member.crc:
            raise self.corrupt("does not have the checksum (CRC-32) that the archive gives")

    def corrupt(self, why: str) -> CorruptFileError:
        """The error for this member."""
        return self.source.corrupt(f"member {shown(self.member.name)} {why}: the file is damaged")

    def _read(self, view: memoryview) -> int:
        try:
            return self.bytes.into(view)
        except zlib.error as error:
            raise self.corrupt(f"cannot be unpacked ({error})") from None


class Packed:
    """A member's bytes as they lie in the file."""

    def __init__(self, source: Source, left: int):
        self.source = source
        self.left = left

    def into(self, view: memoryview) -> int:
        """Fill ``view`` as far as there are bytes; how far that is."""
        count = min(len(view), self.left)
        self.source.fill(view[:count])
        self.left -= count
        return count

    def ended(self) -> bool:
        """True if no byte is left."""
        return not self.left


class Deflated:
    """A member's bytes unpacked, never more at a time than is asked for."""

    def __init__(self, packed: Packed):
        self.packed = packed
        self.unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        self.buffer = bytearray(min(PIECE, packed.left))
        self.waiting: bytes | memoryview = b""  # read from the file, and not unpacked yet

    def into(self, view: memoryview) -> int:
        """Fill the beginning of ``view``; 0 only at the end."""
        data, more = b"", True
        while not data and more and not self.unpacker.eof:
            if not self.waiting:
                more = not self.packed.ended()  # at the end, ask once more for what it holds back
                self.waiting = self._from_file()
            data = self.unpacker.decompress(self.waiting, len(view))
            self.waiting = self.unpacker.unconsumed_tail
        view[: len(data)] = data
        return len(data)

    def ended(self) -> bool:
        """True if the packed bytes ended together with what was packed in them."""
        unused = self.waiting or self.unpacker.unused_data
        return self.unpacker.eof and self.packed.ended() and not unused

    def _from_file(self) -> memoryview:
        view = memoryview(self.buffer)
        return view[: self.packed.into(view)]
