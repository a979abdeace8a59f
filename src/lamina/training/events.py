"""Event files, as TensorBoard reads them: records of TFRecord, each one Event of protobuf.

A record is the length of its data (8 bytes), the masked CRC-32C of that, the data, and the masked
CRC-32C of the data; all little-endian. A message of protobuf is a row of fields, each with a key
``number << 3 | kind``: kind 0 is a varint, 1 eight bytes, 2 a length and so many bytes, 5 four.

Source: TensorFlow's tfrecord documentation and tensorboard/compat/proto; the encoding as in
"Protocol Buffers: Encoding"; CRC-32C: G. Castagnoli et al., 1993, polynomial 0x1EDC6F41.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..arrays import Array

POLYNOMIAL = 0x82F63B78  # 0x1EDC6F41 with its bits reversed
MASK = 0xA282EAD8
START = 1  # of SessionLog.SessionStatus
STRING = 7  # of DataType
VERSION = "brain.Event:2"


def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


TABLE = _table()


def crc32c(data: bytes) -> int:
    """CRC-32C of bytes.

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    found, table = 0xFFFFFFFF, TABLE
    for byte in data:
        found = table[(found ^ byte) & 0xFF] ^ found >> 8
    return found ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    """The checksum of a record: rotated, so that the CRC of what holds a CRC is no special one."""
    found = crc32c(data)
    return (found >> 15 | found << 17) + MASK & 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """One record of a TFRecord file."""
    length = struct.pack("<Q", len(data))
    return b"".join(
        [length, struct.pack("<I", masked(length)), data, struct.pack("<I", masked(data))]
    )


# -- fields of protobuf --------------------------------------------------------------------------


def varint(value: int) -> bytes:
    r"""Seven bits a byte, the lowest first; a negative number as the 64 bits of its complement.

    Example:
        >>> varint(300)
        b'\xac\x02'
    """
    value &= 0xFFFFFFFFFFFFFFFF
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def integer(number: int, value: int) -> bytes:
    """A field that holds an integer."""
    return varint(number << 3) + varint(value)


def double(number: int, value: float) -> bytes:
    """A field that holds a float of 64 bits."""
    return varint(number << 3 | 1) + struct.pack("<d", value)


def single(number: int, value: float) -> bytes:
    """A field that holds a float of 32 bits; what is too large for them is infinite."""
    with np.errstate(over="ignore"):
        return varint(number << 3 | 5) + np.float32(value).astype("<f4").tobytes()


def chunk(number: int, content: bytes | str) -> bytes:
    """A field that holds bytes, text, or another message."""
    data = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(data)) + data


# -- messages ------------------------------------------------------------------------------------


def event(step: int, *fields: bytes, when: float | None = None) -> bytes:
    """An Event: when, at which step, and what."""
    return double(1, time.time() if when is None else when) + integer(2, step) + b"".join(fields)


def summary(values: Iterable[bytes]) -> bytes:
    """The field of an Event that holds a Summary."""
    return chunk(5, b"".join([chunk(1, value) for value in values]))


def scalar(tag: str, value: float) -> bytes:
    """A value: one number."""
    return chunk(1, tag) + single(2, value)


def image(tag: str, png: bytes) -> bytes:
    """A value: a picture; its size stands in the header of the PNG."""
    width, height = struct.unpack(">II", png[16:24])
    return chunk(1, tag) + chunk(4, integer(1, height) + integer(2, width) + chunk(4, png))


def text(tag: str, words: str) -> bytes:
    """A value: text, which TensorBoard shows as Markdown."""
    metadata = chunk(9, chunk(1, chunk(1, "text")))
    shape = chunk(2, chunk(2, integer(1, 1)))
    return chunk(1, tag) + chunk(8, integer(1, STRING) + shape + chunk(8, words)) + metadata


def histogram(tag: str, array: Array, bins: int = 30) -> bytes:
    """A value: how numbers are spread, in equal parts of their range; those not finite left out."""
    finite = array[np.isfinite(array)].astype(np.float64)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if high > low:
        counts, edges = np.histogram(finite, bins, (low, high))
    else:
        counts, edges = np.array([finite.size]), np.array([low, high])
    fields = [
        double(1, low),
        double(2, high),
        double(3, float(finite.size)),
        double(4, float(finite.sum())),
        double(5, float((finite * finite).sum())),
        chunk(6, edges[1:].astype("<f8").tobytes()),
        chunk(7, counts.astype("<f8").tobytes()),
    ]
    return chunk(1, tag) + chunk(5, b"".join(fields))


class EventFile:
    """A new event file in a folder. TensorBoard shows all files of a folder as one run.

    Args:
        folder: is made, where it is missing.
        step: of the first event that follows. What other files of the folder say of it and of later
            steps is out of date, and TensorBoard drops it.
    """

    def __init__(self, folder: str | os.PathLike[str], step: int = 0):
        Path(folder).mkdir(parents=True, exist_ok=True)
        now = time.time()
        first, number = int(now), 0
        while True:  # the names of files are their order
            name = f"events.out.tfevents.{first:010d}.{socket.gethostname()}.{os.getpid()}.{number}"
            self.path = Path(folder, name)
            try:
                self._file: IO[bytes] = open(self.path, "xb")
                break
            except FileExistsError:
                number += 1
        self.add(double(1, now) + chunk(3, VERSION))
        if step:
            self.add(event(step, chunk(7, integer(1, START))))
        self.flush()

    def add(self, data: bytes) -> None:
        """Append one event."""
        self._file.write(record(data))

    def flush(self) -> None:
        """Hand all events to the system."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> EventFile:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()
