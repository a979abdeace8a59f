"""save_npz and load_npz: what goes in comes out, under the name that was given."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lamina.errors import CheckpointError, DTypeError, LimitError
from lamina.files import content, load_npz, manifest, npz, save_npz, zipformat
from storage.samples import arrays_like, same, saved

DTYPES = "bool i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split()
SHAPES = [(), (0,), (1,), (2, 3), (1, 0, 5), (2, 1, 3, 1)]


def loaded(data: bytes) -> dict[str, np.ndarray]:
    return load_npz(io.BytesIO(data))[0]


# -- arrays --------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [False, True])
def test_arrays_come_back_bit_by_bit_and_in_order(compress):
    arrays = arrays_like(3)
    assert same(loaded(saved(arrays, compress=compress)), arrays)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("piece", [1, 2, 3, 50])
def test_arrays_larger_than_what_is_read_at_once_come_back(piece, compress, monkeypatch):
    monkeypatch.setattr(content, "PIECE", piece)
    arrays = {**arrays_like(9), "rough": np.arange(500.0), "smooth": np.zeros(700)}
    assert same(loaded(saved(arrays, compress=compress)), arrays)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_comes_back_in_every_shape(dtype, shape, rng):
    array = rng.integers(0, 2, shape).astype(dtype)
    assert same(loaded(saved({"a": array})), {"a": array})


@pytest.mark.parametrize("compress", [False, True])
def test_plain_np_load_opens_the_file(compress):
    arrays = arrays_like(4)
    with np.load(io.BytesIO(saved(arrays, compress=compress)), allow_pickle=False) as file:
        assert same({name: file[name] for name in file.files if name != "__meta__"}, arrays)


def test_zipfile_finds_no_fault():
    with zipfile.ZipFile(io.BytesIO(saved(arrays_like(5), compress=True))) as archive:
        assert archive.testzip() is None


def test_a_big_endian_array_comes_back_in_the_machines_order():
    array = np.arange(5, dtype=">f4")
    assert same(loaded(saved({"a": array})), {"a": np.arange(5, dtype=np.float32)})


def test_a_transposed_array_comes_back_c_ordered(rng):
    array = rng.standard_normal((3, 5)).T
    assert same(loaded(saved({"a": array})), {"a": array})
    assert loaded(saved({"a": array}))["a"].flags.c_contiguous


def test_a_strided_array_comes_back(rng):
    array = rng.standard_normal((7, 9))[::3, ::-2]
    assert same(loaded(saved({"a": array})), {"a": array})


def test_a_read_only_array_can_be_saved():
    array = np.broadcast_to(np.float32(2), (3, 2))
    assert same(loaded(saved({"a": array})), {"a": array})


def test_what_is_loaded_can_be_written_to():
    array = loaded(saved({"a": np.zeros(3)}))["a"]
    array += 1
    assert array.tolist() == [1, 1, 1]


def test_no_arrays_at_all_are_a_file_too():
    assert load_npz(io.BytesIO(saved({}, meta={"step": 1}))) == ({}, {"step": 1})


def test_numbers_of_numpy_are_arrays_without_axes():
    assert same(loaded(saved({"a": np.float32(2.5)})), {"a": np.array(2.5, np.float32)})


class bfloat(np.void):
    """A dtype that NumPy calls bfloat16: in its stead, since a package of its own adds that."""


def test_bfloat16_is_stored_as_its_bits_and_comes_back_as_float32_without_its_package():
    bits = np.array([0x3F80, 0xC000, 0x0001], np.uint16)  # 1, -2, and the least above 0
    file = saved({"a": bits.view(np.dtype((bfloat, 2)))})
    expected = np.array([1, -2, 2.0**-133], np.float32)
    assert same(loaded(file), {"a": expected})


def test_np_load_sees_the_bits_of_bfloat16():
    bits = np.array([0x3F80, 0xC000], np.uint16)
    with np.load(io.BytesIO(saved({"a": bits.view(np.dtype((bfloat, 2)))}))) as file:
        assert file["a"].tolist() == bits.tolist()


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (np.array([None]), "object"),
        (np.array(["text"]), "<U4"),
        (np.zeros(2, [("x", "f4")]), "x"),
        (np.zeros(2, "M8[s]"), "datetime64"),
        (np.zeros(2, "V3"), "V3"),
    ],
)
def test_what_is_no_number_is_refused_by_name(array, kind):
    with pytest.raises(DTypeError, match=f"save: 'l1/W': dtype .*{kind}.* cannot be stored"):
        saved({"l1/W": array})


@pytest.mark.skipif(np.dtype("g").itemsize == 8, reason="long double is float64 on this machine")
def test_long_double_is_refused():
    with pytest.raises(DTypeError, match=r"'a': dtype .*float.* cannot be stored"):
        saved({"a": np.zeros(2, "g")})


@pytest.mark.parametrize("value", [None, 1.5, [1, 2], "text"])
def test_what_is_no_array_is_refused_by_name(value):
    with pytest.raises(
        DTypeError, match=f"'l1/b' should be a NumPy array, got {type(value).__name__}"
    ):
        saved({"l1/b": value})


# -- bytes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [False, True])
def test_equal_arrays_give_equal_bytes(compress):
    assert saved(arrays_like(6), compress=compress) == saved(arrays_like(6), compress=compress)


def test_the_layout_in_memory_does_not_show_in_the_file(rng):
    array = rng.standard_normal((4, 3))
    assert saved({"a": array}) == saved({"a": np.asfortranarray(array)})


def test_six_hash_seeds_give_equal_bytes():
    program = (
        "import sys; from storage.samples import *;"
        "sys.stdout.buffer.write(saved(arrays_like(1), meta={'b': {'x': 1, 'a': [2]}}))"
    )
    path = os.pathsep.join(str(p) for p in (Path(__file__).parents[1], *sys.path) if p)
    files = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed in range(6)
    }
    assert files == {saved(arrays_like(1), meta={"b": {"x": 1, "a": [2]}})}


def test_the_size_is_known_before_a_byte_is_written(monkeypatch):
    sizes = []
    monkeypatch.setattr(npz, "atomic_write", lambda *_, size, **__: sizes.append(size))
    save_npz("m", {**arrays_like(7), "é": np.zeros(3)}, meta={"step": 3})
    assert sizes == [len(saved({**arrays_like(7), "é": np.zeros(3)}, meta={"step": 3}))]


def test_compressed_zeros_are_smaller():
    zeros = {"a": np.zeros((100, 100))}
    assert len(saved(zeros, compress=True)) < len(saved(zeros)) / 20


@pytest.mark.parametrize("compress", [False, True])
def test_members_above_the_32_bit_limit_are_read_by_everyone(compress, monkeypatch):
    monkeypatch.setattr(zipformat, "LIMIT_32", 150)  # as if 150 bytes were 4 GiB
    data = saved(arrays_like(8), compress=compress)
    assert b"\x01\x00\x10\x00" in data  # the extra field: number 1, 16 bytes long
    assert same(loaded(data), arrays_like(8))


def test_more_members_than_16_bits_count_are_read_by_everyone(monkeypatch):
    monkeypatch.setattr(zipformat, "LIMIT_16", 110)  # as if 110 were 65,535
    arrays = dict.fromkeys(map(str, range(150)), np.uint8(1))
    data = saved(arrays)
    assert zipformat.END_64_MARK in data
    assert len(loaded(data)) == 150
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.namelist()) == 151


def test_more_arrays_than_load_would_take_are_not_saved(monkeypatch):
    monkeypatch.setattr(npz, "MOST_MEMBERS", 100)
    with pytest.raises(CheckpointError, match="save: 100 arrays, and 99 are the limit"):
        saved(dict.fromkeys(map(str, range(100)), np.uint8(1)))


# -- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "W",
        "blocks/0/W",
        "file",
        "allow_pickle",
        "self",
        "a.npy",
        "x:0",
        "重み",
        "a b",
        "..x",
        "x" * 508,
    ],
)
def test_a_name_comes_back_as_it_was_given(name):
    assert list(loaded(saved({name: np.zeros(2)}))) == [name]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "cannot be called ''"),
        ("__meta__", "cannot be called '__meta__'"),
        ("a\0b", r"the name 'a\\x00b' has a NUL in it"),
        ("../W", r"the name '../W' has '\.\.' in it"),
        ("a/../../W", r"has '\.\.' in it"),
        ("..\\W", r"has '\.\.' in it"),
        ("/W", "is absolute"),
        ("\\W", "is absolute"),
        ("C:\\W", "is absolute"),
        ("x" * 509, "has over 508 bytes"),
        ("é" * 255, "has over 508 bytes"),
        ("\ud800", "is no Unicode text"),
        (3, "should be text, got 3"),
    ],
)
def test_a_name_that_no_reader_should_take_is_refused(name, why):
    with pytest.raises(CheckpointError, match=f"^save: .*{why}"):
        saved({name: np.zeros(2)})


# -- meta ----------------------------------------------------------------------------------------

META = {
    "text": "重み \n\0 \ud800",
    "numbers": [0, -1, 2**127 + 1, 1.5, 1e-300, True, False, None],
    "nested": {"": {"": []}},
}


def test_meta_comes_back():
    assert load_npz(io.BytesIO(saved({}, meta=META)))[1] == META


def test_meta_is_empty_if_none_was_given():
    assert load_npz(io.BytesIO(saved(arrays_like(1))))[1] == {}


@pytest.mark.parametrize(
    ("meta", "why"),
    [
        ({"a": {"b": [0, np.int64(3)]}}, r"meta\['a'\]\['b'\]\[1\] .* got int64 np.int64\(3\)"),
        ({1: 2}, "meta should have text for keys, got 1"),
        ({"loss": float("nan")}, r"meta\['loss'\] is nan"),
        ({"a": {1, 2}}, r"meta\['a'\] .* got set"),
        ({"a": b"bytes"}, r"meta\['a'\] .* got bytes"),
    ],
)
def test_meta_that_json_would_change_is_refused(meta, why):
    with pytest.raises(DTypeError, match=f"save: {why}"):
        saved({}, meta=meta)


def test_meta_that_holds_itself_is_refused():
    meta = {}
    meta["meta"] = meta
    with pytest.raises(DTypeError, match="nested deeper than 32 levels"):
        saved({}, meta=meta)


def test_meta_too_large_to_be_read_is_not_written():
    with pytest.raises(LimitError, match="give long lists of numbers as arrays"):
        saved({}, meta={"losses": [1] * 200_000})


def test_the_manifest_holds_a_sha256_for_each_array():
    arrays = arrays_like(2)
    with np.load(io.BytesIO(saved(arrays))) as file:
        records = json.loads(file["__meta__"].tobytes())["arrays"]
    assert {name: record[2] for name, record in records.items()} == {
        name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()
    }


def test_the_comment_holds_the_sha256_of_the_manifest():
    data = saved(arrays_like(2))
    with np.load(io.BytesIO(data)) as file:
        assert data.endswith(manifest.comment_for(file["__meta__"].tobytes()))
