"""One array as NumPy's .npy format has it: a header in text, then the numbers.

The header is matched, never evaluated, and nothing is allocated until its shape and dtype
account for each byte that follows.

Source: NumPy, ``numpy.lib.format``, "NPY format version 1.0, 2.0 and 3.0".
"""

from __future__ import annotations

import math
import re
import struct
import sys

import numpy as np

from ..arrays import Array, DType
from ..errors import DTypeError
from .content import Content
from .source import Source, shown

MAGIC = b"\x93NUMPY"
ALIGNMENT = 64
LONGEST_HEADER = 10_000  # bytes; NumPy's own limit for files that it does not trust
MOST_DIMENSIONS = 32
KINDS = "biufc"

FIELD = re.compile(
    r"\s*'(?:descr'\s*:\s*(?P<structure>[\[(])|(?:"
    r"descr'\s*:\s*'(?P<descr>[^'\\]{0,40})'"
    r"|fortran_order'\s*:\s*(?P<order>True|False)"
    r"|shape'\s*:\s*\((?P<shape>[\d\sL,]*)\)"
    r")\s*(?:,|(?=\})))"
)
NUMBERS = re.compile(r"[<>|=]?(?:b1|[?]|[iu][1248]|f[248]|c8|c16)")
LENGTH = re.compile(r"(\d{1,19})L?")  # L: files written by Python 2


def dtype_text(dtype: DType) -> str:
    """How a file names a dtype: little-endian, ``<f4``, ``|u1``.

    Raises:
        DTypeError: for a dtype that other machines could not read as the same numbers.
    """
    if dtype.kind not in KINDS or dtype.itemsize > (16 if dtype.kind == "c" else 8):
        raise DTypeError(f"dtype {dtype} cannot be stored; bools and numbers up to 64 bits can be")
    return dtype.newbyteorder("<").str


def header(descr: str, shape: tuple[int, ...]) -> bytes:
    """The header of a C-ordered array, version 1.0, padded so that the numbers are aligned."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    fixed = len(MAGIC) + 4
    padding = -(fixed + len(text) + 1) % ALIGNMENT
    text = text + " " * padding + "\n"
    return MAGIC + b"\x01\x00" + struct.pack("<H", len(text)) + text.encode("latin1")


def portable(array: Array) -> Array:
    """``array`` in C order, little-endian: itself, if it is so already."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)


def data_of(array: Array) -> memoryview:
    """The bytes of an array in C order."""
    return array.reshape(-1).view(np.uint8).data


def content_of(array: Array) -> list[bytes | memoryview]:
    """Header and numbers of an array, as the bytes of a .npy file."""
    return [header(dtype_text(array.dtype), array.shape), data_of(portable(array))]


def size_of(array: Array) -> int:
    """How many bytes `content_of` gives."""
    return len(header(dtype_text(array.dtype), array.shape)) + array.nbytes


def read(source: Source, content: Content, name: str) -> tuple[Array, str]:
    """An array from a member, in the machine's byte order, and how the file names its dtype.

    Raises:
        CorruptFileError: if header, length and checksum do not fit one another.
        UnsafeFileError: for Python objects.
        CheckpointError: for text, records, dates and other things that are no numbers.
        LimitError: for a header over 10,000 bytes, or more than 32 dimensions.
    """
    descr, fortran, shape = read_header(source, content, name)
    dtype = as_dtype(source, descr, name)
    count = math.prod(shape)
    if count * dtype.itemsize != content.left:
        raise source.corrupt(
            f"array {shown(name)} of shape {shape} and dtype {dtype} needs "
            f"{count * dtype.itemsize:,} bytes, and its member holds {content.left:,}"
        )
    array = np.empty(count, dtype)
    content.fill(data_of(array))
    content.finish()
    if dtype.kind == "b" and count and array.view(np.uint8).max() > 1:
        raise source.corrupt(f"array {shown(name)} of bools holds bytes other than 0 and 1")
    if not dtype.isnative:
        array = array.astype(dtype.newbyteorder("="))
    array = array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
    return array, descr


def read_header(source: Source, content: Content, name: str) -> tuple[str, bool, tuple[int, ...]]:
    """dtype, order and shape, as the header states them."""
    start = content.take(8)
    if start[:6] != MAGIC or start[6:] not in (b"\x01\x00", b"\x02\x00", b"\x03\x00"):
        raise source.corrupt(f"member {shown(name)} is no array: it begins with {shown(start)}")
    form = "<H" if start[6] == 1 else "<I"
    (length,) = struct.unpack(form, content.take(struct.calcsize(form)))
    if length > LONGEST_HEADER:
        raise source.limit(
            f"the header of {shown(name)} claims {length:,} bytes, {LONGEST_HEADER:,} are the limit"
        )
    text = content.take(length).decode("latin1")
    found = parse_header(text)
    if "structure" in found:
        raise source.bad(f"array {shown(name)} holds records; only numbers can be read")
    if found.keys() != {"descr", "order", "shape"}:
        raise source.corrupt(f"the header of {shown(name)} is no array's: {shown(text.rstrip())}")
    return found["descr"], found["order"] == "True", shape_of(source, found["shape"], name)


def parse_header(text: str) -> dict[str, str]:
    """The fields of a header; empty if it is none.

    >>> parse_header("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 5), }")
    {'descr': '<f4', 'order': 'False', 'shape': '3, 5'}
    """
    body = text.strip()
    found: dict[str, str] = {}
    at = 1
    while body[:1] == "{" and (match := FIELD.match(body, at)):
        field = {k: v for k, v in match.groupdict().items() if v is not None}
        if field.keys() & found.keys():
            return {}
        found |= field
        if "structure" in field:
            return found
        at = match.end()
    return found if body[at:].strip() == "}" else {}


def shape_of(source: Source, text: str, name: str) -> tuple[int, ...]:
    """The lengths of the axes, none of them more than memory could ever hold."""
    parts = [part.strip() for part in text.split(",")]
    if parts[-1] == "":
        parts.pop()
    matches = [LENGTH.fullmatch(part) for part in parts]
    if None in matches or (len(parts) == 1 and "," not in text):
        raise source.corrupt(f"array {shown(name)} has the shape {shown(text)}")
    if len(parts) > MOST_DIMENSIONS:
        raise source.limit(
            f"array {shown(name)} has {len(parts)} axes, and {MOST_DIMENSIONS} are the limit"
        )
    shape = tuple(int(match[1]) for match in matches if match)
    if math.prod(filter(None, shape)) * 16 > sys.maxsize:
        raise source.limit(f"array {shown(name)} has the shape {shape}: no memory holds that")
    return shape


def as_dtype(source: Source, descr: str, name: str) -> DType:
    """The dtype that a header names, if it is one of numbers."""
    if NUMBERS.fullmatch(descr):
        return np.dtype(descr)
    if descr.strip("<>|=") == "O":
        raise source.unsafe(
            f"array {shown(name)} is a pickled Python object, which lamina never opens. Code "
            "that saves a parameter before it is initialised writes such a None: run the model "
            "there once, and save again"
        )
    raise source.bad(
        f"array {shown(name)} has the dtype {shown(descr)}; only bools and numbers up to 64 bits "
        "(complex: 128) can be read"
    )
