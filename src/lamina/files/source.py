"""A file that is being read: where it came from, how long it is, and what to say when it is bad."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from ..errors import CheckpointError, CorruptFileError, LimitError, UnsafeFileError

LONGEST_TEXT = 200  # of a file's content in a message


class Source:
    """The bytes of ``file`` from where it stands to its end.

    Attributes:
        label: names it in errors.
        size: in bytes.
    """

    def __init__(self, file: BinaryIO, label: str):
        self.file = file
        self.label = label
        self.start = file.tell()
        self.size = file.seek(0, os.SEEK_END) - self.start

    def seek(self, offset: int) -> None:
        """Go to ``offset``, counted from the start of the source."""
        self.file.seek(self.start + offset)

    def fill(self, view: memoryview) -> None:
        """Read from here until ``view`` is full."""
        while view:
            piece = self.file.read(len(view)) if not isinstance(self.file, io.IOBase) else None
            count = self.file.readinto(view) if piece is None else len(piece)  # type: ignore
            if not count:
                raise self.corrupt("it ends before its last byte: it is truncated")
            if piece is not None:
                view[:count] = piece
            view = view[count:]

    def read(self, offset: int, count: int) -> bytes:
        """``count`` bytes at ``offset``."""
        if offset < 0 or offset + count > self.size:
            raise self.corrupt("it points behind its own end: it is truncated or damaged")
        self.seek(offset)
        data = bytearray(count)
        self.fill(memoryview(data))
        return bytes(data)

    def bad(self, why: str) -> CheckpointError:
        """The error for a file that cannot be read, though it may be whole."""
        return CheckpointError(f"load: {self.label}: {why}")

    def corrupt(self, why: str) -> CorruptFileError:
        """The error for a damaged file."""
        return CorruptFileError(f"load: {self.label}: {why}")

    def unsafe(self, why: str) -> UnsafeFileError:
        """The error for a file that it would not be safe to read."""
        return UnsafeFileError(f"load: {self.label}: {why}")

    def limit(self, why: str) -> LimitError:
        """The error for a file that asks for too much."""
        return LimitError(f"load: {self.label}: {why}")


def shown(content: object) -> str:
    """Text from a file, for a message: escaped, so that it cannot pose as another line, and cut.

    >>> shown("l1/W")
    "'l1/W'"
    """
    text = ascii(content)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."


@contextmanager
def opened(path_or_file: Any) -> Iterator[Source]:
    """A source from a path, or from an open file, which stays open.

    Raises:
        FileNotFoundError, PermissionError, IsADirectoryError: as ``open`` does.
        CheckpointError: for a device or a pipe, or an object that cannot be read.
    """
    if not isinstance(path_or_file, (str, bytes, os.PathLike)):
        yield from_file(path_or_file)
        return
    path = os.fsdecode(path_or_file)
    try:
        file = open(path, "rb", opener=without_waiting)
    except OSError as error:
        raise OSError(error.errno, f"load: {error.strerror}", path) from None
    with file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise CheckpointError(f"load: {path}: is a device or a pipe, and not a file")
        yield Source(file, path)


def without_waiting(path: str, flags: int) -> int:
    """Open ``path``; a pipe without a writer would otherwise wait for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def from_file(file: Any) -> Source:
    """A source from an open binary file; one that cannot seek is read whole."""
    label = str(getattr(file, "name", None) or f"a {type(file).__name__}")
    if not hasattr(file, "read"):
        raise CheckpointError(f"load: a path or an open file is needed, got {type(file).__name__}")
    if isinstance(file, io.TextIOBase):
        raise CheckpointError(f"load: {label}: is open for text; open it with mode 'rb'")
    try:
        source = Source(file, label)
    except (AttributeError, OSError, ValueError):  # a pipe, a gzip file: no way to its end and back
        source = Source(io.BytesIO(file.read()), label)
    if not source.size and source.start:
        raise source.corrupt("it stands at its end, and nothing follows: seek(0) comes first")
    return source
