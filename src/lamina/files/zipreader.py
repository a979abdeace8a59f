"""The directory of a zip archive, read with suspicion: nothing in it is believed unchecked.

An archive is accepted only if local headers and directory agree, and if members and directory
cover each byte of the file once: no overlap, no hole, nothing before them and nothing behind.
Memory for a member's content is taken only after that.
"""

from __future__ import annotations

import re
import stat
import struct
from dataclasses import dataclass
from typing import NamedTuple

from . import zipformat as z
from .source import Source, shown

MOST_MEMBERS = 100_000
LONGEST_NAME = 512  # bytes
KNOWN_FLAGS = z.OPTIONS | z.DESCRIPTOR | z.UTF8
DRIVE = re.compile(r"[A-Za-z]:[\\/]")


class Member(NamedTuple):
    """One member of an archive."""

    name: str
    method: int
    crc: int
    packed: int  # bytes in the file
    size: int  # bytes of content
    start: int  # where the packed bytes begin


@dataclass(frozen=True, slots=True)
class Directory:
    """The members in the order of the directory, and the comment at the end of the file."""

    members: list[Member]
    comment: bytes


class End(NamedTuple):
    """The end of an archive: where its directory stands, and what it should hold."""

    count: int
    size: int
    start: int
    stop: int  # where the directory must end
    comment: bytes


class Entry(NamedTuple):
    """One entry of the directory, as it stands there."""

    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def read_directory(source: Source) -> Directory:
    """All members of an archive.

    Raises:
        CorruptFileError: damaged, truncated, or no zip archive at all.
        UnsafeFileError: encrypted or linked members, several disks, names that are used twice or
            leave the archive.
        LimitError: more than 100,000 members, or a name over 512 bytes.
    """
    end = read_end(source)
    if end.count > MOST_MEMBERS:
        raise source.limit(f"it holds {end.count:,} members, and {MOST_MEMBERS:,} are the limit")
    if end.start + end.size != end.stop:
        raise source.corrupt("its directory is not where the end of the file says: it is damaged")
    entries = list(read_entries(source, end))
    members = locate(source, entries, end.start)
    names = {member.name for member in members}
    if len(names) != len(members):
        twice = next(n for n in names if sum(m.name == n for m in members) > 1)
        raise source.unsafe(f"the name {shown(twice)} is used twice")
    return Directory(members, end.comment)


# -- the end -------------------------------------------------------------------------------------


def read_end(source: Source) -> End:
    """The last record of the archive, or its zip64 form."""
    at, tail = find_end(source)
    _, disk, first, here, count, size, start, _ = z.END.unpack_from(tail)
    comment = tail[z.END.size :]
    if z.LIMIT_16 in (here, count) or z.LIMIT_32 in (size, start):
        wide = read_end_64(source, at)
        if wide is not None:
            return End(*wide, comment)
    if disk or first or here != count:
        raise source.unsafe("it is one part of an archive over several disks")
    return End(count, size, start, at, comment)


def find_end(source: Source) -> tuple[int, bytes]:
    """Where the last record begins, and everything from there on."""
    if not source.size:
        raise source.corrupt("it is empty")
    if source.size < z.END.size:
        raise source.corrupt(f"{source.size} bytes are too few for an archive")
    reach = min(source.size, z.END.size + z.LIMIT_16)
    tail = source.read(source.size - reach, reach)
    at = len(tail) - z.END.size
    while at >= 0:
        if tail[at : at + 4] == z.END_MARK:
            length = z.END.unpack_from(tail, at)[-1]
            if at + z.END.size + length == len(tail):
                return source.size - len(tail) + at, tail[at:]
        at = tail.rfind(z.END_MARK, 0, at + 3)
    raise source.corrupt(f"it is no .npz archive, or its end is missing{looks_like(source)}")


def looks_like(source: Source) -> str:
    """A hint at what a file is that is no archive."""
    head = source.read(0, min(source.size, 6))
    if head == b"\x93NUMPY":
        return "; it begins like a .npy file, a single array: np.load reads that"
    if head[:1] == b"\x80":
        return "; it begins like a pickle, which lamina never opens"
    if head[:4] == z.LOCAL_MARK:
        return "; it begins like one: it is truncated"
    return f"; it begins with {shown(head)}"


def read_end_64(source: Source, at: int) -> tuple[int, int, int, int] | None:
    """Count, size, start and stop from the zip64 record before ``at``; None if there is none."""
    locator = at - z.LOCATOR.size
    if locator < 0:
        return None
    mark, disk, record, disks = z.LOCATOR.unpack(source.read(locator, z.LOCATOR.size))
    if mark != z.LOCATOR_MARK:
        return None
    if record + z.END_64.size != locator:
        raise source.corrupt("its zip64 record is not where it should be")
    fields = z.END_64.unpack(source.read(record, z.END_64.size))
    mark, length, _, _, here_disk, first, here, count, size, start = fields
    if mark != z.END_64_MARK or length != z.END_64.size - 12:
        raise source.corrupt("its zip64 record is damaged")
    if disk or disks > 1 or here_disk or first or here != count:
        raise source.unsafe("it is one part of an archive over several disks")
    return count, size, start, record


# -- the entries ---------------------------------------------------------------------------------


def read_entries(source: Source, end: End) -> list[Entry]:
    """The directory, which must hold ``end.count`` entries and not a byte more."""
    directory = source.read(end.start, end.size)
    entries, at = [], 0
    for _ in range(end.count):
        entry, at = read_entry(source, directory, at)
        entries.append(entry)
    if at != len(directory):
        raise source.corrupt("its directory is longer than its members need")
    return entries


def read_entry(source: Source, directory: bytes, at: int) -> tuple[Entry, int]:
    """The entry at ``at``, and where the next one begins."""
    if at + z.CENTRAL.size > len(directory):
        raise source.corrupt("its directory ends too early")
    fields = z.CENTRAL.unpack_from(directory, at)
    mark, _, _, flags, method, _, _, crc, packed, size, *lengths = fields
    name_length, extra_length, comment_length, disk, _, attributes, offset = lengths
    name_at = at + z.CENTRAL.size
    extra_at = name_at + name_length
    following = extra_at + extra_length + comment_length
    if mark != z.CENTRAL_MARK or following > len(directory):
        raise source.corrupt("its directory is damaged")
    raw_name = directory[name_at:extra_at]
    extra = directory[extra_at : extra_at + extra_length]
    size, packed, offset = widened(source, extra, [size, packed, offset])
    entry = Entry(raw_name, flags, method, crc, packed, size, offset)
    check_entry(source, entry, disk, attributes >> 16)
    return entry, following


def widened(source: Source, extra: bytes, numbers: list[int]) -> list[int]:
    """``numbers``, those at the limit replaced by what the zip64 extra field says."""
    if z.LIMIT_32 not in numbers:
        return numbers
    wide = iter(field_64(extra))
    numbers = [next(wide, -1) if n == z.LIMIT_32 else n for n in numbers]
    if -1 in numbers:
        raise source.corrupt("a member claims 4 GiB or more and does not say how much")
    return numbers


def field_64(extra: bytes) -> tuple[int, ...]:
    """The numbers in the zip64 field among the extra fields."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == z.EXTRA_64:
            count = min(length, len(extra) - at - 4) // 8
            return struct.unpack_from(f"<{count}Q", extra, at + 4)
        at += 4 + length
    return ()


def check_entry(source: Source, entry: Entry, disk: int, mode: int) -> None:
    """Raise for a member that cannot be read, or should not be."""
    name = shown(entry.raw_name)
    if entry.flags & z.ENCRYPTED:
        raise source.unsafe(f"member {name} is encrypted")
    if entry.flags & ~KNOWN_FLAGS:
        raise source.corrupt(f"member {name} has unknown flags {entry.flags:#x}")
    if entry.method not in (z.STORED, z.DEFLATED):
        raise source.bad(
            f"member {name} is compressed by method {entry.method}; "
            "stored and deflated ones can be read"
        )
    if disk:
        raise source.unsafe(f"member {name} is on another disk")
    if stat.S_ISLNK(mode):
        raise source.unsafe(f"member {name} is a symbolic link")
    if entry.method == z.STORED and entry.packed != entry.size:
        raise source.corrupt(f"member {name} is not compressed and has two different sizes")
    if len(entry.raw_name) > LONGEST_NAME:
        raise source.limit(f"the name {name} has over {LONGEST_NAME} bytes")


def decoded(source: Source, raw: bytes, flags: int) -> str:
    """A member's name as text; none that would lead out of a folder, though none is ever made.

    Raises:
        UnsafeFileError: for an absolute one, one with ``..`` in it, or one with a NUL.
    """
    try:
        name = raw.decode("utf-8" if flags & z.UTF8 else "cp437")  # as the format has it
    except UnicodeDecodeError:
        raise source.corrupt(f"the name {shown(raw)} is not UTF-8") from None
    why = escapes(name)
    if why:
        raise source.unsafe(f"the name {shown(name)} {why}")
    return name


def escapes(name: str) -> str:
    """Why a name could not be one inside a folder; nothing if it could.

    >>> escapes("l1/W"), escapes("../l1/W")
    ('', "has '..' in it")
    """
    if "\0" in name:
        return "has a NUL in it"
    if ".." in re.split(r"[\\/]", name):
        return "has '..' in it"
    if name[:1] in ("/", "\\") or DRIVE.match(name):
        return "is absolute"
    return ""


# -- the place of each ---------------------------------------------------------------------------


def locate(source: Source, entries: list[Entry], stop: int) -> list[Member]:
    """The members, after a look at each local header; together they fill [0, stop)."""
    position = 0
    found: dict[int, Member] = {}
    for index, entry in sorted(enumerate(entries), key=lambda pair: pair[1].offset):
        if entry.offset != position:
            what = "share bytes" if entry.offset < position else "leave bytes between them"
            raise source.corrupt(f"members {what}: it is damaged, or made to deceive")
        found[index], position = read_local(source, entry, stop)
    if position != stop:
        raise source.corrupt("there are bytes that belong to no member")
    return [found[index] for index in range(len(entries))]


def read_local(source: Source, entry: Entry, stop: int) -> tuple[Member, int]:
    """A member, and where the next one must begin."""
    name = decoded(source, entry.raw_name, entry.flags)
    header = source.read(entry.offset, z.LOCAL.size)
    mark, _, flags, method, _, _, *numbers, name_length, extra_length = z.LOCAL.unpack(header)
    rest = source.read(entry.offset + z.LOCAL.size, name_length + extra_length)
    start = entry.offset + z.LOCAL.size + len(rest)
    if mark != z.LOCAL_MARK or start + entry.packed > stop:
        raise source.corrupt(f"member {shown(name)} is not where the directory says")
    crc, packed, size = numbers
    if z.LIMIT_32 in (packed, size):
        size, packed = widened(source, rest[name_length:], [size, packed])
    stated = (rest[:name_length], flags, method, crc, packed, size)
    expected = (entry.raw_name, entry.flags, entry.method, entry.crc, entry.packed, entry.size)
    later = entry.flags & z.DESCRIPTOR and (crc, packed, size) == (0, 0, 0)
    if stated[: 3 if later else 6] != expected[: 3 if later else 6]:
        raise source.corrupt(f"member {shown(name)} is described in two different ways")
    after = start + entry.packed
    if entry.flags & z.DESCRIPTOR:
        after += descriptor_length(source, entry, after, stop)
    return Member(name, method, entry.crc, entry.packed, entry.size, start), after


def descriptor_length(source: Source, entry: Entry, at: int, stop: int) -> int:
    """How long the record behind a member's data is, that repeats its sizes."""
    for mark in (z.DESCRIPTOR_MARK, b""):
        for form in ("<IQQ", "<III"):
            if form == "<III" and max(entry.packed, entry.size) > z.LIMIT_32:
                continue
            record = mark + struct.pack(form, entry.crc, entry.packed, entry.size)
            if at + len(record) <= stop and source.read(at, len(record)) == record:
                return len(record)
    raise source.corrupt(f"the sizes behind member {shown(entry.raw_name)} are not its sizes")
