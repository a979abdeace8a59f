"""What a file of arrays says about itself, in a JSON member::

    {"lamina": 1, "fields": ["dtype", "shape", "sha256"],
     "arrays": {"l1/W": ["<f4", [3, 5], "9f86..."], ...}, "meta": {...}}

Arrays stand in the order of the members; ``fields`` tells people what each list holds, which takes
less memory than naming it every time; ``meta`` is the user's.

The comment at the end of the archive holds the SHA-256 of the manifest, and the manifest those of
the arrays: no damage goes unseen, whichever part it hits. It is no signature: who can replace a
file can replace its checksums.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array
from ..errors import ChecksumError, DTypeError, LimitError
from .source import Source, shown

NAME = "__meta__"
SCHEMA = 1
COMMENT = re.compile(rb"lamina npz (\d{1,6}) sha256:([0-9a-f]{64})")
LONGEST = 16 << 20  # bytes of JSON
FREE_MARKS, MARKS_PER_ARRAY = 100_000, 16  # commas and brackets: what JSON takes in memory
DEEPEST = 32


class Record(NamedTuple):
    """What the manifest says of one array."""

    dtype: str
    shape: tuple[int, ...]
    sha256: str


class Manifest(NamedTuple):
    """A manifest as it was found."""

    text: str
    sha256: str
    size: int  # in bytes


def sha256(data: Any) -> str:
    """SHA-256 of a buffer, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def encode(records: dict[str, Record], meta: dict[str, Any]) -> bytes:
    """The manifest as JSON, which depends on nothing but the arguments.

    Raises:
        DTypeError: if ``meta`` is not what JSON can hold: text keys, and no NaN.
        LimitError: if it is larger than what `decode` reads.
    """
    check_meta(meta, "meta", 0)
    content = {"lamina": SCHEMA, "fields": Record._fields, "arrays": records, "meta": meta}
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    if too_much(text, len(records)):
        raise LimitError(
            f"save: meta makes a manifest of {len(text):,} bytes, more than `load_npz` would "
            "take; give long lists of numbers as arrays"
        )
    return text.encode("ascii")


def check_meta(value: Any, place: str, depth: int) -> None:
    """Raise for whatever would not come back from JSON as it went in, tuples aside."""
    if isinstance(value, dict) and depth < DEEPEST:
        for key, inner in value.items():
            if not isinstance(key, str):
                raise DTypeError(f"save: {place} should have text for keys, got {key!r:.60}")
            check_meta(inner, f"{place}[{key!r:.60}]", depth + 1)
    elif isinstance(value, (list, tuple)) and depth < DEEPEST:
        for i, inner in enumerate(value):
            check_meta(inner, f"{place}[{i}]", depth + 1)
    elif isinstance(value, (dict, list, tuple)):
        raise DTypeError(f"save: meta is nested deeper than {DEEPEST} levels")
    elif isinstance(value, float) and not math.isfinite(value):
        raise DTypeError(f"save: {place} is {value}, which JSON has not; None would do")
    elif not isinstance(value, (str, int, float, type(None))):
        raise DTypeError(
            f"save: {place} should be what JSON has (text, int, float, bool, None, list, dict), "
            f"got {type(value).__name__} {value!r:.60}"
        )


def too_much(text: str, arrays: int) -> bool:
    """True if JSON text is too long, or would make too many objects for its length."""
    marks = sum(map(text.count, (",", "[", "{")))
    return len(text) > LONGEST or marks > FREE_MARKS + MARKS_PER_ARRAY * arrays


def comment_for(encoded: bytes) -> bytes:
    """The comment at the end of an archive with this manifest."""
    return b"lamina npz %d sha256:%s" % (SCHEMA, sha256(encoded).encode())


def found_in(array: Array) -> Manifest:
    """The manifest that the member `NAME` holds; an empty one if it holds something else."""
    if array.dtype != np.uint8 or array.ndim != 1:
        return Manifest("", "", 0)
    start = array[: LONGEST + 1].data  # a longer one is refused, and need not be decoded
    return Manifest(str(start, "latin1"), sha256(array.data), array.size)


def decode(
    source: Source, found: Manifest, comment: bytes, names: list[str]
) -> tuple[dict[str, Record], dict[str, Any]]:
    """Records and meta, if they are what ``comment`` vouches for and ``names`` are their names.

    Raises:
        ChecksumError: the manifest is not the one that was written.
        CorruptFileError: it has another form, or other arrays.
        LimitError: it is too large.
        CheckpointError: it was written by a later version of lamina.
    """
    stated = COMMENT.fullmatch(comment)
    if stated is None:
        raise source.corrupt(f"lamina wrote it, and its last bytes are damaged: {shown(comment)}")
    if int(stated[1]) != SCHEMA:
        raise source.bad(f"it has version {int(stated[1])} of the format, {SCHEMA} can be read")
    if found.sha256.encode() != stated[2]:
        raise ChecksumError(f"load: {source.label}: its manifest is not the one written: damaged")
    if too_much(found.text, len(names)):
        raise source.limit(f"its manifest of {found.size:,} bytes is too large")
    content = parsed(found.text)
    records, meta = content.get("arrays"), content.get("meta")
    if not isinstance(meta, dict) or not isinstance(records, dict) or list(records) != names:
        raise source.corrupt(
            "its manifest and its members differ: it was changed after it was saved"
        )
    for name in names:  # in place: of many small arrays, records are most of the memory
        records[name] = as_record(source, name, records[name])
    return records, meta


def parsed(text: str) -> dict[str, Any]:
    """ASCII text of JSON that should be an object; empty if it is something else."""
    if not text.isascii():
        return {}
    try:
        content = json.loads(text, object_pairs_hook=unique, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose names all differ."""
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a name is used twice")
    return content


def refuse_constant(text: str) -> None:
    """Raise for ``NaN`` and ``Infinity``, which Python reads and JSON has not."""
    raise ValueError(f"{text} is no JSON")


def as_record(source: Source, name: str, record: Any) -> Record:
    """What the manifest says of the array ``name``, if it has that form."""
    if isinstance(record, list) and len(record) == len(Record._fields):
        dtype, shape, digest = record
        if isinstance(shape, list) and all(type(n) is int for n in shape):
            return Record(dtype, tuple(shape), digest)
    raise source.corrupt(f"its manifest does not describe the array {shown(name)}")


def verify(source: Source, name: str, record: Record, found: Record) -> None:
    """Raise unless an array is the one that was written.

    Raises:
        ChecksumError: naming the array, and what differs.
    """
    if record == found:
        return
    what = "content" if record[:2] == found[:2] else "shape or dtype"
    raise ChecksumError(
        f"load: {source.label}: the {what} of array {shown(name)} is not what was saved (SHA-256 "
        f"{shown(record.sha256)} written, {found.sha256} read): the file is damaged"
    )


def is_ours(comment: bytes, found: Manifest | None) -> bool:
    """True if lamina wrote the archive: by its comment, or by its manifest if that is damaged."""
    return comment.startswith(b"lamina") or '{"lamina":' in (found.text[:80] if found else "")
