"""Zip archives and array headers with any lie in them."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import numpy as np

LOCAL, CENTRAL, END = "<4s5H3I2H", "<4s6H3I5H2I", "<4s4H2IH"
EXTRA_64 = struct.pack("<2HQQ", 1, 16, 0, 0)


class Lie(NamedTuple):
    """A member: its content, and what its headers say instead of the truth."""

    name: bytes
    content: bytes
    method: int = 0
    flags: int = 0
    crc: int | None = None
    packed: int | None = None  # None: the truth
    size: int | None = None
    offset: int | None = None
    local_name: bytes | None = None
    local_size: int | None = None
    local_packed: int | None = None
    local_crc: int | None = None
    extra: bytes = b""
    local_extra: bytes = b""
    attributes: int = 0
    disk: int = 0
    raw: bytes | None = None  # the packed bytes
    before: bytes = b""
    after: bytes = b""


def archive(*lies: Lie, comment: bytes = b"", prefix: bytes = b"", **end: int) -> bytes:
    """An archive of these members; ``end`` changes fields of its last record."""
    data, directory = prefix, b""
    for lie in lies:
        raw = packed(lie) if lie.raw is None else lie.raw
        crc = zlib.crc32(lie.content) if lie.crc is None else lie.crc
        size = len(lie.content) if lie.size is None else lie.size
        stated = len(raw) if lie.packed is None else lie.packed
        data += lie.before
        offset = len(data) if lie.offset is None else lie.offset
        name = lie.name if lie.local_name is None else lie.local_name
        local_size = size if lie.local_size is None else lie.local_size
        local_packed = stated if lie.local_packed is None else lie.local_packed
        local_crc = crc if lie.local_crc is None else lie.local_crc
        if lie.offset is None:
            here = (20, lie.flags, lie.method, 0, 33, local_crc, local_packed, local_size)
            data += struct.pack(LOCAL, b"PK\3\4", *here, len(name), len(lie.local_extra))
            data += name + lie.local_extra + raw + lie.after
        there = (20, 20, lie.flags, lie.method, 0, 33, crc, stated, size)
        lengths = (len(lie.name), len(lie.extra), 0, lie.disk, 0, lie.attributes, offset)
        directory += struct.pack(CENTRAL, b"PK\1\2", *there, *lengths) + lie.name + lie.extra
    last = {
        **{"disk": 0, "first": 0, "here": len(lies), "count": len(lies)},
        **{"size": len(directory), "start": len(data), "length": len(comment)},
        **end,
    }
    return data + directory + struct.pack(END, b"PK\5\6", *last.values()) + comment


def packed(lie: Lie) -> bytes:
    if lie.method != 8:
        return lie.content
    return deflated(lie.content)


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def wide_end(data: bytes, **changed: int) -> bytes:
    """The archive ``data`` with a zip64 record before its last one."""
    fields = struct.unpack(END, data[-22:])
    count, size, start = fields[4:7]
    at = len(data) - 22
    record = {
        **{"length": 44, "made": 45, "needed": 45, "disk": 0, "first": 0},
        **{"here": count, "count": count, "size": size, "start": start, "locator": at},
        **changed,
    }
    locator = record.pop("locator")
    return (
        data[:-22]
        + struct.pack("<4sQ2H2I4Q", b"PK\6\6", *record.values())
        + struct.pack("<4sIQI", b"PK\6\7", 0, locator, 1)
        + struct.pack(END, b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    )


def npy(text: str | bytes, data: bytes = b"", version: int = 1, claim: int | None = None) -> bytes:
    """An array file with the header ``text``; ``claim`` is the length it states."""
    text = text.encode() if isinstance(text, str) else text
    length = struct.pack("<H" if version == 1 else "<I", len(text) if claim is None else claim)
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def header(shape: str = "(2,)", descr: str = "'<f4'", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


GOOD = npy(header("(2,)"), np.ones(2, "<f4").tobytes())
