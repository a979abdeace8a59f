"""Damaged files: none loads wrong, and nothing but a CheckpointError comes out."""

from __future__ import annotations

import io
import json
import random
import zipfile
import zlib
from collections import Counter

import numpy as np
import pytest

from lamina.errors import CheckpointError, ChecksumError, CorruptFileError
from lamina.files import load_npz, manifest
from storage.samples import arrays_like, same, saved

CASES = 1000  # of each of four kinds of damage, to stored and to compressed files
META = {"step": 7, "aliases": {"a/W": "b/W"}}


def outcome(data: bytes) -> str:
    """``equal``, ``wrong``, or the name of the CheckpointError; any other error passes through."""
    try:
        arrays, meta = load_npz(io.BytesIO(data))
    except CheckpointError as error:
        return type(error).__name__
    return "equal" if same(arrays, arrays_like(1)) and meta == META else "wrong"


def bit_flipped(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def truncated(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def overwritten(data: bytes, rng: random.Random) -> bytes:
    """Eight random bytes, side by side or scattered."""
    changed = bytearray(data)
    if rng.random() < 0.5:
        at = rng.randrange(len(data) - 8)
        changed[at : at + 8] = rng.randbytes(8)
    else:
        for _ in range(8):
            changed[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(changed)


def spliced(data: bytes, rng: random.Random) -> bytes:
    """A piece of the file inserted elsewhere, or left out."""
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    at = rng.randrange(len(data) + 1)
    return data[:a] + data[b:] if rng.random() < 0.5 else data[:at] + data[a:b] + data[at:]


@pytest.mark.parametrize("compress", [False, True], ids=["stored", "compressed"])
@pytest.mark.parametrize("damage", [bit_flipped, truncated, overwritten, spliced])
def test_no_damaged_file_loads_wrong_and_nothing_undocumented_escapes(damage, compress):
    data = saved(arrays_like(1), meta=META, compress=compress)
    rng = random.Random(f"{damage.__name__} {compress}")
    counts = Counter(outcome(damage(data, rng)) for _ in range(CASES))
    assert counts["wrong"] == 0
    assert counts["CorruptFileError"] > CASES / 2
    assert sum(counts.values()) == CASES


def test_damage_to_a_file_on_the_disk_is_found_and_the_file_named(tmp_path):
    data = bytearray(saved({"l1/W": np.zeros(100)}))
    data[300] ^= 1
    (tmp_path / "m.npz").write_bytes(data)
    with pytest.raises(CorruptFileError, match=r"m\.npz: member 'l1/W\.npy' does not have the che"):
        load_npz(tmp_path / "m")


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("damage", [bit_flipped, truncated, overwritten, spliced])
def test_damage_to_a_file_of_numpys_raises_nothing_undocumented(damage, write):
    file = io.BytesIO()
    write(file, **arrays_like(1))
    rng = random.Random(f"{damage.__name__} {write.__name__}")
    counts = Counter(outcome(damage(file.getvalue(), rng)) for _ in range(CASES))
    assert counts["CorruptFileError"] > CASES / 2


# -- with every CRC-32 made right again ----------------------------------------------------------


def repacked(members: dict[str, bytes], comment: bytes) -> bytes:
    """An archive that is right in itself."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = comment
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def members_of(data: bytes) -> tuple[dict[str, bytes], bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}, archive.comment


def test_repacked_without_a_change_it_loads():
    assert outcome(repacked(*members_of(saved(arrays_like(1), meta=META)))) == "equal"


@pytest.mark.parametrize("damage", [bit_flipped, truncated, overwritten, spliced])
def test_members_changed_under_a_right_crc_are_found(damage):
    members, comment = members_of(saved(arrays_like(1), meta=META))
    rng = random.Random(damage.__name__)
    counts = Counter()
    for _ in range(CASES):
        name = rng.choice([*members])
        changed = {**members, name: damage(members[name], rng)}
        counts[outcome(repacked(changed, comment))] += 1
    assert counts["wrong"] == 0
    assert counts["equal"] < CASES / 2


@pytest.mark.parametrize("damage", [bit_flipped, truncated, overwritten, spliced])
def test_a_manifest_changed_under_a_right_sha256_raises_nothing_undocumented(damage):
    members, _ = members_of(saved(arrays_like(1), meta=META))
    header, text = members["__meta__.npy"][:128], members["__meta__.npy"][128:]
    assert text.startswith(b'{"lamina"')
    rng = random.Random(damage.__name__)
    for _ in range(CASES):
        changed = damage(text, rng)
        length = b"(%d,)" % len(changed)
        fitting = header.replace(b"(%d,)" % len(text), length).ljust(128)[:127] + b"\n"
        outcome(
            repacked({**members, "__meta__.npy": fitting + changed}, manifest.comment_for(changed))
        )


def of_a(content: dict, place: int, value: object) -> dict:
    """A manifest whose record of ``a`` has another dtype (0), shape (1) or SHA-256 (2)."""
    record = list(content["arrays"]["a"])
    record[place:] = [value, *record[place + 1 :]]
    return {**content, "arrays": {"a": record}}


def with_manifest(change) -> bytes:
    """A file whose manifest was changed by someone who made every checksum right again."""
    members, _ = members_of(saved({"a": np.arange(3.0)}, meta=META))
    content = json.loads(members["__meta__.npy"][128:])
    encoded = json.dumps(change(content)).encode()
    array = io.BytesIO()
    np.save(array, np.frombuffer(encoded, np.uint8))
    return repacked({**members, "__meta__.npy": array.getvalue()}, manifest.comment_for(encoded))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda c: {**c, "arrays": {}}, "its manifest and its members differ"),
        (lambda c: {**c, "arrays": {"b": c["arrays"]["a"]}}, "its manifest and its members differ"),
        (lambda c: {**c, "arrays": ["a"]}, "its manifest and its members differ"),
        (lambda c: {**c, "meta": None}, "its manifest and its members differ"),
        (lambda c: [c], "its manifest and its members differ"),
        (lambda c: {**c, "meta": float("nan")}, "its manifest and its members differ"),
        (lambda c: {**c, "arrays": {"a": 3}}, "does not describe the array 'a'"),
        (lambda c: of_a(c, 3, "more"), "does not describe the array 'a'"),
        (lambda c: of_a(c, 1, [True]), "does not describe the array 'a'"),
        (lambda c: of_a(c, 1, "3"), "does not describe the array 'a'"),
    ],
)
def test_a_manifest_of_another_form_is_refused(change, why):
    with pytest.raises(CorruptFileError, match=why):
        load_npz(io.BytesIO(with_manifest(change)))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, "<i8"),
        (0, "bfloat16"),
        (1, [1, 3]),
        (2, "0" * 64),
        (2, 3),
    ],
)
def test_an_array_that_its_manifest_describes_otherwise_is_refused(place, value):
    data = with_manifest(lambda c: of_a(c, place, value))
    with pytest.raises(ChecksumError, match=r"(content|shape or dtype) of array 'a' is not wha"):
        load_npz(io.BytesIO(data))


def test_a_later_version_of_the_format_is_told_so():
    data = saved({}).replace(b"lamina npz 1 ", b"lamina npz 2 ")
    with pytest.raises(CheckpointError, match="it has version 2 of the format, 1 can be read"):
        load_npz(io.BytesIO(data))


def test_a_file_of_laminas_without_its_manifest_is_refused():
    members, comment = members_of(saved(arrays_like(1)))
    del members["__meta__.npy"]
    with pytest.raises(CorruptFileError, match="lamina wrote it, and its manifest is missing"):
        load_npz(io.BytesIO(repacked(members, comment)))


def test_members_in_another_order_are_refused():
    members, comment = members_of(saved({"a": np.zeros(2), "b": np.ones(3)}))
    b_first = {name: members[name] for name in ("b.npy", "a.npy", "__meta__.npy")}
    with pytest.raises(CorruptFileError, match="its manifest and its members differ"):
        load_npz(io.BytesIO(repacked(b_first, comment)))


def test_a_manifest_under_another_name_does_not_make_the_file_a_foreign_one():
    members, _ = members_of(saved(arrays_like(1)))
    with pytest.raises(CorruptFileError, match="lamina wrote it, and its last bytes are damaged"):
        load_npz(io.BytesIO(repacked(members, b"")))


def test_the_sha256_and_not_only_the_crc_is_checked():
    members, comment = members_of(saved({"a": np.arange(3)}))
    other = members["a.npy"][:-1] + b"\1"
    assert zlib.crc32(other) != zlib.crc32(members["a.npy"])
    with pytest.raises(ChecksumError, match="the content of array 'a' is not what was saved"):
        load_npz(io.BytesIO(repacked({**members, "a.npy": other}, comment)))
