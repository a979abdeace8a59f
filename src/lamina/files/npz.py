"""Arrays by name in one ``.npz`` file: written whole, checked whole.

Plain ``np.load`` opens what `save_npz` writes; the member ``__meta__`` is its manifest. `load_npz`
opens what ``np.savez``, DeZero and Chainer write, too.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import CheckpointError, CheckpointWriteError, DTypeError
from . import manifest, npy
from .atomic import atomic_write
from .content import Content
from .disk import DISK, Disk
from .manifest import Manifest, Record
from .source import Source, opened, shown
from .zipreader import LONGEST_NAME, MOST_MEMBERS, Member, escapes, read_directory
from .zipwriter import ZipWriter, size_of

SUFFIX = ".npz"
NPY = ".npy"
BFLOAT16 = "bfloat16"

ROOM = 48 << 20  # bytes of content that any file may unpack to
HIGHEST_RATIO = 200  # ... and above that, how many times its own size
MOST_BYTES = 64 << 30


def save_npz(
    path_or_file: Any,
    arrays: Mapping[str, Array],
    *,
    meta: dict[str, Any] | None = None,
    compress: bool = False,
    make_folders: bool = False,
    disk: Disk = DISK,
) -> None:
    """Save arrays by name, and ``meta`` with them; the file is whole, or the old one.

    Equal arguments give equal bytes. Each array is stored in C order, little-endian, with its
    SHA-256.

    Args:
        path_or_file: ``.npz`` is added to a path that does not end in it, here and in `load_npz`.
            A file open for writing bytes is written to as it stands, without the promise above.
        arrays: bools and numbers up to 64 bits (complex: 128), or bfloat16; any shape.
        meta: text, ints, finite floats, bools, None, and lists and dicts of them.
        compress: deflate; smaller by a few per cent for trained weights, and slower.
        make_folders: make the folders of the path that are missing.
        disk: see `atomic_write`.
    Raises:
        CheckpointWriteError: the disk refused; the old file is untouched.
        CheckpointError: for a name that is empty, too long, absolute, or has ``..`` or NUL in it.
        DTypeError: for an array of something else, or a ``meta`` that JSON cannot hold.
    Example:
        >>> import tempfile, os
        >>> path = os.path.join(tempfile.mkdtemp(), "weights")
        >>> save_npz(path, {"l1/W": np.ones((2, 3))}, meta={"step": 7})
        >>> arrays, meta = load_npz(path)
        >>> arrays["l1/W"].shape, meta
        ((2, 3), {'step': 7})
        >>> np.load(path + ".npz")["l1/W"].shape
        (2, 3)
    """
    named = {checked(name): as_stored(name, array) for name, array in arrays.items()}
    if len(named) >= MOST_MEMBERS:
        raise CheckpointError(
            f"save: {len(named):,} arrays, and {MOST_MEMBERS - 1:,} are the limit"
        )
    records = {name: record_of(descr, array) for name, (descr, array) in named.items()}
    encoded = manifest.encode(records, meta or {})
    comment = manifest.comment_for(encoded)
    members = {name: array for name, (_, array) in named.items()}
    members[manifest.NAME] = np.frombuffer(encoded, np.uint8)

    def write(file: Any) -> None:
        writer = ZipWriter(file)
        for name, array in members.items():
            writer.add(name + NPY, npy.content_of(array), compress)
        writer.finish(comment)

    if hasattr(path_or_file, "write"):
        write(path_or_file)
        return
    sizes = [(name + NPY, npy.size_of(array)) for name, array in members.items()]
    size = None if compress else size_of(sizes, comment)
    path = with_suffix(os.fspath(path_or_file))
    atomic_write(path, write, make_folders=make_folders, size=size, disk=disk)


def with_suffix(path: str | bytes) -> str:
    """The path of the file itself: ``.npz`` is added where it is missing.

    Raises:
        CheckpointWriteError: for a path that ends in a slash, which names a folder.
    """
    text = os.fsdecode(path)
    if not os.path.basename(text):
        why = f"save: {text!r} names a folder; add a name for the file"
        raise CheckpointWriteError(errno.EISDIR, why, text)
    return text if text.lower().endswith(SUFFIX) else text + SUFFIX


def checked(name: str) -> str:
    """``name``, if it can stand in an archive.

    Raises:
        CheckpointError: if it cannot.
    """
    if not isinstance(name, str):
        raise CheckpointError(f"save: the name of an array should be text, got {name!r:.60}")
    if name in ("", manifest.NAME):
        raise CheckpointError(f"save: an array cannot be called {name!r}: choose another name")
    raw = name.encode(errors="replace") + NPY.encode()
    why = escapes(name) or (len(raw) > LONGEST_NAME and f"has over {LONGEST_NAME - len(NPY)} bytes")
    if why or raw.decode() != name + NPY:
        raise CheckpointError(f"save: the name {shown(name)} {why or 'is no Unicode text'}")
    return name


def as_stored(name: str, array: Any) -> tuple[str, Array]:
    """How the manifest names the dtype, and the array as NumPy's format can hold it."""
    if not isinstance(array, (np.ndarray, np.generic)):
        kind = type(array).__name__
        raise DTypeError(f"save: {name!r} should be a NumPy array, got {kind} {array!r:.60}")
    array = np.asarray(array)
    if array.dtype.name == BFLOAT16 and array.dtype.itemsize == 2:
        return BFLOAT16, array.view(np.uint16)
    try:
        return npy.dtype_text(array.dtype), array
    except DTypeError as error:
        raise DTypeError(f"save: {name!r}: {error}") from None


def record_of(descr: str, array: Array) -> Record:
    """What the manifest says of an array."""
    return Record(descr, array.shape, manifest.sha256(npy.data_of(npy.portable(array))))


# -- loading -------------------------------------------------------------------------------------


def load_npz(
    path_or_file: Any, *, prefix: str = "", max_bytes: int | None = None
) -> tuple[dict[str, Array], dict[str, Any]]:
    """All arrays of an ``.npz`` file by name, and the ``meta`` that was saved with them.

    No code in the file is run, and no other file is opened, whatever it holds. Sizes are checked
    before memory is taken: a file of stored arrays needs at most twice its size and 64 MiB; a
    compressed one needs what it unpacks to, at most 48 MiB or 200 times its size.

    Args:
        path_or_file: a path; ``.npz`` is added to it, unless only a file without it exists. Or a
            file open for reading bytes, from where it stands to its end.
        prefix: read only the arrays whose names begin so.
        max_bytes: how much the arrays may take, instead of the rule above (and of 64 GiB).
    Returns:
        The arrays, C-ordered unless the file says otherwise, in the machine's byte order; those of
        bfloat16 as float32 where no package adds that dtype to NumPy. And ``meta``: empty for a
        file that lamina did not write, whose arrays carry no SHA-256 but only a CRC-32.
    Raises:
        CorruptFileError: damaged, or no archive. ChecksumError: content that is not what was saved.
        UnsafeFileError: pickled objects, names that leave the archive, encrypted members.
        LimitError: more than the limits allow. CheckpointError: things other than numbers.
        OSError: no such file, a folder, no permission, as ``open`` raises them.
    """
    with opened(existing(path_or_file)) as source:
        directory = read_directory(source)
        members = {array_name(source, member): member for member in directory.members}
        check_budget(source, members, prefix, max_bytes)
        found = read_manifest(source, members)
        if not manifest.is_ours(directory.comment, found):
            wanted = [name for name in members if name.startswith(prefix)]
            return {name: read_member(source, members, name)[0] for name in wanted}, {}
        if found is None:
            raise source.corrupt("lamina wrote it, and its manifest is missing")
        names = [name for name in members if name != manifest.NAME]
        records, meta = manifest.decode(source, found, directory.comment, names)
        wanted = [name for name in names if name.startswith(prefix)]
        return {n: read_verified(source, members, n, records.pop(n)) for n in wanted}, meta


def existing(path_or_file: Any) -> Any:
    """The path to open: with the suffix, unless there is only a file without it."""
    if not isinstance(path_or_file, (str, bytes, os.PathLike)):
        return path_or_file
    text = os.fsdecode(path_or_file)
    named = text if text.lower().endswith(SUFFIX) else text + SUFFIX
    return text if os.path.exists(text) and not os.path.exists(named) else named


def array_name(source: Source, member: Member) -> str:
    """The name of the array in a member: without ``.npy``."""
    if member.name.endswith(NPY):
        return member.name.removesuffix(NPY)
    torch = "; it looks like a PyTorch file" if member.name.endswith("data.pkl") else ""
    raise source.bad(f"member {shown(member.name)} is no array: a zip, but no .npz{torch}")


def check_budget(
    source: Source, members: dict[str, Member], prefix: str, max_bytes: int | None
) -> None:
    """Raise if what will be read unpacks to more than is allowed."""
    wanted = (m.size for name, m in members.items() if name.startswith((prefix, manifest.NAME)))
    total = sum(wanted)
    room = min(MOST_BYTES, max(ROOM, HIGHEST_RATIO * source.size))
    if total > (room if max_bytes is None else max_bytes):
        raise source.limit(
            f"{source.size:,} bytes would unpack to {total:,}, and "
            f"{room if max_bytes is None else max_bytes:,} are allowed; "
            "if you trust the file, allow more with max_bytes"
        )


def read_manifest(source: Source, members: dict[str, Member]) -> Manifest | None:
    """What the member ``__meta__`` says, if there is one."""
    if manifest.NAME not in members:
        return None
    return manifest.found_in(read_member(source, members, manifest.NAME)[0])


def read_member(source: Source, members: dict[str, Member], name: str) -> tuple[Array, str]:
    """An array, and how the file names its dtype."""
    return npy.read(source, Content(source, members[name]), name)


def read_verified(source: Source, members: dict[str, Member], name: str, record: Record) -> Array:
    """An array that is the one its record describes, bit by bit."""
    array, descr = read_member(source, members, name)
    small = record.dtype == BFLOAT16 and descr == "<u2"
    manifest.verify(source, name, record, record_of(BFLOAT16 if small else descr, array))
    return from_bfloat16(array) if small else array


def from_bfloat16(bits: Array) -> Array:
    """Numbers of 16 bits, the upper half of a float32, as bfloat16 or else, exactly, as float32."""
    try:
        return bits.view(np.dtype(BFLOAT16))  # a package that defines it was imported
    except TypeError:
        return (bits.astype(np.uint32) << 16).view(np.float32)
