"""Files made to deceive: each with the error it must meet, and a piece of the message."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np

from lamina.files import manifest
from storage.rawzip import GOOD, Lie, archive, deflated, header, npy, wide_end

MARK = "lamina-was-here"  # what the code in these files would make, if it ran

Case = tuple[str, bytes, str, str]  # name, bytes, error, text


class Evil:
    """Runs a command when it is unpickled."""

    def __reduce__(self):
        return os.system, (f"touch {MARK}",)


def collection() -> list[Case]:
    """All of them."""
    return [*pickles(), *headers(), *sizes(), *names(), *structures(), *manifests()]


def one(content: bytes, name: bytes = b"a.npy", **lies) -> bytes:
    return archive(Lie(name, content, **lies))


def saved(write, *arguments, **options) -> bytes:
    file = io.BytesIO()
    write(file, *arguments, **options)
    return file.getvalue()


def pickles() -> Iterator[Case]:
    evil = np.array([Evil()], object)
    plain = pickle.dumps(Evil())
    unsafe = "is a pickled Python object, which lamina never opens"
    yield "object_array", saved(np.savez, a=evil), "UnsafeFileError", unsafe
    yield "object_array_deflated", saved(np.savez_compressed, a=evil), "UnsafeFileError", unsafe
    yield "object_scalar", saved(np.savez, a=np.array(Evil())), "UnsafeFileError", unsafe
    yield "object_manifest", saved(np.savez, __meta__=evil), "UnsafeFileError", unsafe
    yield "object_bare", one(npy(header("()", "'O'"), plain)), "UnsafeFileError", unsafe
    yield "plain_pickle", plain, "CorruptFileError", "begins like a pickle"
    yield "pickle_member", one(plain), "CorruptFileError", "is no array: it begins with"
    yield "pickled_npy", saved(np.save, evil), "CorruptFileError", "begins like a .npy file"
    yield "torch", one(plain, b"archive/data.pkl"), "CheckpointError", "like a PyTorch file"
    record = header("()", "[('x', '|O')]")
    yield "object_in_record", one(npy(record, plain)), "CheckpointError", "holds records"
    code = header("()", f"__import__('os').system('touch {MARK}')")
    yield "code_in_header", one(npy(code)), "CorruptFileError", "is no array's"
    code = header(f"(__import__('os').mkdir('{MARK}'),)")
    yield "code_in_shape", one(npy(code)), "CorruptFileError", "is no array's"


def headers() -> Iterator[Case]:
    corrupt, bad, limit = "CorruptFileError", "CheckpointError", "LimitError"
    for descr in ("'<U4'", "'|S4'", "'|V4'", "'<M8[s]'", "'<m8'"):
        yield f"dtype_{descr}", one(npy(header(descr=descr), bytes(32))), bad, "has the dtype"
    for name, descr in [("record", "[('x', '<f4')]"), ("subarray", "('<f4', (2,))")]:
        yield f"dtype_{name}", one(npy(header(descr=descr), bytes(16))), bad, "holds records"
    for descr in ("'<f3'", "'<i0'", "'f4,f4'", "'(2,)f4'", "''", "'float32'", "'<f16'", "'a4'"):
        yield f"dtype_{descr}", one(npy(header(descr=descr), bytes(32))), bad, "has the dtype"
    for shape in ("(-1,)", "(True,)", "(2.0,)", "(1e2,)", "2", "[2]", "((2,),)", "(None,)", "(2"):
        yield f"shape_{shape}", one(npy(header(shape), bytes(8))), corrupt, "is no array's"
    for shape in ("(2 2,)", "(,)", "(2,,2)", "(2L2,)", "(2)", f"({'9' * 5000},)", f"({2**64},)"):
        yield f"shape_{shape[:9]}", one(npy(header(shape), bytes(8))), corrupt, "has the shape"
    yield "shape_8_GB", one(npy(header("(2000000000,)"), bytes(16))), corrupt, "8,000,000,000 bytes"
    for shape in (f"({2**63 - 1},)", f"({2**32}, {2**32})", f"(0, {2**62})"):
        yield f"shape_{shape}", one(npy(header(shape), bytes(16))), limit, "no memory holds that"
    yield "axes_33", one(npy(header(f"({'1,' * 33})"), bytes(4))), limit, "has 33 axes"
    yield "order_unknown", one(npy(header(order="1"), bytes(8))), corrupt, "is no array's"
    twice = "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"
    yield "key_twice", one(npy(twice, bytes(8))), corrupt, "is no array's"
    yield "key_unknown", one(npy(twice.replace("'descr'", "'name'", 1), bytes(8))), corrupt, "is no"
    yield "key_missing", one(npy("{'descr': '<f4', 'shape': (2,)}", bytes(8))), corrupt, "is no arr"
    yield "after_the_key", one(npy(header().strip() + ";", bytes(8))), corrupt, "is no array's"
    yield "deep_header", one(npy("(" * 9000)), corrupt, "is no array's"
    yield "no_header", one(npy("", bytes(8))), corrupt, "is no array's"
    long = npy(header() + " " * 10_000, bytes(8))
    yield "header_over_10000", one(long), limit, "10,000 are the limit"
    yield "header_of_4_GiB", one(npy(header(), version=2, claim=2**32 - 1)), limit, "claims 4,294,"
    yield "header_behind_the_end", one(npy(header(), claim=9000)), corrupt, "is too short for what"
    yield "version_4", one(npy(header(), bytes(8), version=4)), corrupt, "is no array"
    yield "empty_member", one(b""), corrupt, "is too short for what it holds"
    yield "too_few_numbers", one(GOOD[:-1]), corrupt, "needs 8 bytes, and its member holds 7"
    yield "too_many_numbers", one(GOOD + b"\0"), corrupt, "needs 8 bytes, and its member holds 9"
    bools = npy(header("(3,)", "'|b1'"), b"\0\1\2")
    yield "bools_of_2", one(bools), corrupt, "holds bytes other than 0 and 1"


def sizes() -> Iterator[Case]:
    limit, corrupt = "LimitError", "CorruptFileError"
    bomb = Lie(b"a.npy", GOOD, method=8, raw=zeros(500), size=500 << 20)
    yield "bomb_1000", archive(bomb), limit, "would unpack to 524,288,000"
    small = Lie(b"0.npy", GOOD, method=8, raw=zeros(40), size=40 << 20)
    many = [small._replace(name=b"%d.npy" % i) for i in range(12)]
    yield "bomb_in_parts", archive(*many), limit, "would unpack to 503,316,480"
    shared = [small, *(small._replace(name=b"%d.npy" % i, offset=0) for i in range(1, 40))]
    yield "bomb_overlapping", archive(*shared), corrupt, "share bytes"
    claim = {"size": 2**32 - 2, "local_size": 2**32 - 2}
    yield "claims_4_GiB", one(GOOD, method=8, **claim), limit, "would unpack to 4,294,967,294"
    wide = struct.pack("<2HQQ", 1, 16, 2**63, len(deflated(GOOD)))
    claim = {"size": 2**32 - 1, "packed": 2**32 - 1, "extra": wide, "local_extra": wide}
    yield "claims_8_EiB", one(GOOD, method=8, **claim), limit, "would unpack to 9,223,372,"
    yield "zip64_silent", one(GOOD, method=8, size=2**32 - 1), corrupt, "does not say how much"
    yield "longer_than_claimed", one(GOOD + bytes(9), method=8, size=len(GOOD)), corrupt, "does not"
    more = {"size": len(GOOD) + 4, "method": 8}
    longer = npy(header("(3,)"), np.ones(2, "<f4").tobytes())
    yield "shorter_than_claimed", one(longer, **more), corrupt, "ends too early"
    garbage = deflated(GOOD) + b"more"
    yield "garbage_in_the_member", one(GOOD, method=8, raw=garbage), corrupt, "does not end where"
    yield "no_deflate", one(GOOD, method=8, raw=b"\xff" * 50), corrupt, "cannot be unpacked"
    cut = deflated(GOOD)[:-3]
    yield "deflate_cut", one(GOOD, method=8, raw=cut), corrupt, "ends too early"
    yield "two_sizes", one(GOOD, size=len(GOOD) - 1), corrupt, "has two different sizes"


def zeros(count: int) -> bytes:
    """``count`` MiB of zeros, packed a thousand to one."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(count))
    return packed + packer.flush()


def names() -> Iterator[Case]:
    unsafe, corrupt = "UnsafeFileError", "CorruptFileError"
    for name in (b"../a.npy", b"a/../../b.npy", b"..\\a.npy", b"..", b"a/..\\b.npy"):
        yield f"name_{name!r}", one(GOOD, name), unsafe, "has '..' in it"
    for name in (b"/etc/passwd.npy", b"\\\\server\\a.npy", b"C:\\a.npy", b"c:/a.npy"):
        yield f"name_{name!r}", one(GOOD, name), unsafe, "is absolute"
    yield "name_NUL", one(GOOD, b"a.npy\0.txt"), unsafe, "has a NUL in it"
    yield "name_long", one(GOOD, b"x" * 513), "LimitError", "has over 512 bytes"
    yield "name_no_utf8", one(GOOD, b"\xff\xfe.npy", flags=1 << 11), corrupt, "is not UTF-8"
    yield "name_surrogate", one(GOOD, b"\xed\xa0\x80.npy", flags=1 << 11), corrupt, "is not UTF-8"
    yield "name_no_array", one(b"text", b"readme.txt"), "CheckpointError", "is no array: a zip, but"
    yield "name_folder", one(b"", b"a/"), "CheckpointError", "is no array: a zip, but"
    fake = one(b"", b"x\nload: all is well\x1b[2J")
    yield "name_log_line", fake, "CheckpointError", r"'x\nload: all is well\x1b[2J'"
    twice = archive(Lie(b"a.npy", GOOD), Lie(b"a.npy", GOOD))
    yield "name_twice", twice, unsafe, "the name 'a.npy' is used twice"
    link = 0o120777 << 16
    yield "symbolic_link", one(b"/etc/passwd", attributes=link), unsafe, "is a symbolic link"


def structures() -> Iterator[Case]:
    unsafe, corrupt = "UnsafeFileError", "CorruptFileError"
    yield "encrypted", one(GOOD, flags=1), unsafe, "is encrypted"
    yield "encrypted_strongly", one(GOOD, flags=1 | 1 << 6), unsafe, "is encrypted"
    yield "flags_unknown", one(GOOD, flags=1 << 5), corrupt, "has unknown flags 0x20"
    for method, number in ((zipfile.ZIP_BZIP2, 12), (zipfile.ZIP_LZMA, 14)):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as other:
            other.writestr("a.npy", GOOD)
        text = f"compressed by method {number}" if number == 12 else "a.npy"
        yield f"method_{number}", file.getvalue(), "CheckpointError", text
    yield "several_disks", archive(Lie(b"a.npy", GOOD), disk=1), unsafe, "over several disks"
    yield "counts_differ", archive(Lie(b"a.npy", GOOD), here=2), unsafe, "over several disks"
    yield "other_disk", one(GOOD, disk=1), unsafe, "is on another disk"
    yield "crc_wrong", one(GOOD, crc=1), corrupt, "checksum (CRC-32)"
    yield "crc_two", one(GOOD, local_crc=1), corrupt, "in two different ways"
    yield "name_two", one(GOOD, local_name=b"b.npy"), corrupt, "in two different ways"
    yield "size_two", one(GOOD, method=8, local_size=7), corrupt, "in two different ways"
    streamed = {"flags": 1 << 3, "after": struct.pack("<III", 1, 2, 3)}
    yield "descriptor_wrong", one(GOOD, **streamed), corrupt, "are not its sizes"
    yield "descriptor_missing", one(GOOD, flags=1 << 3), corrupt, "are not its sizes"
    two = (Lie(b"a.npy", GOOD), Lie(b"b.npy", GOOD))
    yield "hole", archive(two[0], two[1]._replace(before=b"hidden")), corrupt, "leave bytes between"
    yield "overlap", archive(two[0], two[1]._replace(offset=0)), corrupt, "share bytes"
    yield "bytes_before", archive(*two, prefix=b"#!/bin/sh\n"), corrupt, "leave bytes between"
    yield "bytes_behind", archive(*two) + b"more", corrupt, "no .npz archive"
    unlisted = archive(two[0], two[1]._replace(after=b"hidden"))
    yield "bytes_unlisted", unlisted, corrupt, "belong to no member"
    inner = archive(*two, comment=archive(two[0]))
    yield "archive_in_the_comment", inner, corrupt, "is not where the end of the file says"
    yield "directory_short", archive(*two, count=1, here=1), corrupt, "longer than its members need"
    yield "directory_long", archive(*two, count=3, here=3), corrupt, "ends too early"
    yield "directory_elsewhere", archive(*two, start=0), corrupt, "not where the end"
    far = archive(*two, start=2**31, size=2**31)
    yield "directory_behind_the_end", far, corrupt, "not where the end"
    yield "offset_behind_the_end", one(GOOD, offset=2**31), corrupt, "leave bytes between"
    yield "member_behind_the_end", one(GOOD, packed=2**31, size=2**31), corrupt, "is not where the"
    count = wide_end(archive(*two), count=1_000_000, here=1_000_000)
    yield "members_1e6", count, "LimitError", "1,000,000 members, and 100,000 are the limit"
    yield "zip64_elsewhere", wide_end(archive(*two), locator=0), corrupt, "is not where it should"
    yield "zip64_far", wide_end(archive(*two), locator=2**63), corrupt, "is not where it should"
    yield "zip64_long", wide_end(archive(*two), length=2**63), corrupt, "zip64 record is damaged"
    yield "zip64_disks", wide_end(archive(*two), disk=3), unsafe, "over several disks"
    yield "zip64_start", wide_end(archive(*two), start=2**64 - 1), corrupt, "not where the end"
    silent = archive(size=2**32 - 1)
    yield "zip64_without_room", silent, corrupt, "not where the end"
    silent = archive(*two, size=2**32 - 1)
    yield "zip64_without_record", silent, corrupt, "not where the end"
    wide = struct.pack("<2HQ", 1, 8, 5 << 30)
    none = {"local_size": 0, "local_packed": 0, "local_crc": 0, "flags": 1 << 3}
    claim = {"method": 8, "size": 2**32 - 1, "extra": wide, **none}
    yield "descriptor_of_5_GiB", one(GOOD, **claim), corrupt, "are not its sizes"
    extra = struct.pack("<2H", 1, 65_535) + b"\0" * 3
    yield (
        "extra_short",
        one(GOOD, method=8, size=2**32 - 1, extra=extra),
        corrupt,
        "not say how",
    )


def manifests() -> Iterator[Case]:
    corrupt, limit = "CorruptFileError", "LimitError"
    differ = "its manifest and its members differ"
    start = b'{"lamina":1,"arrays":{},"meta":'
    for name, text in [
        ("empty", b""),
        ("null", b"null"),
        ("nan", start + b'{"a":NaN}}'),
        ("keys_twice", start + b'{"a":1,"a":2}}'),
        ("byte_order_mark", b"\xef\xbb\xbf" + start + b"{}}"),
        ("no_utf8", start + b'{"\xff":1}}'),
        ("digits_5000", start + b'{"a":' + b"9" * 5000 + b"}}"),
        ("deep_100000", start + b'{"a":' * 99_000 + b"1" + b"}" * 99_001),
        ("other_arrays", json.dumps({"lamina": 1, "arrays": {"b": 1}, "meta": {}}).encode()),
    ]:
        yield f"manifest_{name}", described(text), corrupt, differ
    lists = start + b'{"a":[' + b"[]," * 1_000_000 + b"[]]}}"
    yield "manifest_of_1e6_lists", described(lists), limit, "its manifest of 3,000,"
    text = start + b'{"a":"' + b"x" * (17 << 20) + b'"}}'
    yield "manifest_of_17_MiB", described(text), limit, "its manifest of 17,825,"


def described(text: bytes) -> bytes:
    """A file whose comment vouches for this manifest."""
    content = npy(header(f"({len(text)},)", "'|u1'"), text)
    return archive(Lie(b"__meta__.npy", content), comment=manifest.comment_for(text))
