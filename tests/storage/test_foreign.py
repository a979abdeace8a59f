"""Files that NumPy, the seed's code, DeZero and Chainer wrote."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from lamina.errors import CheckpointError, CorruptFileError, UnsafeFileError
from lamina.files import load_npz
from storage.samples import arrays_like, same, saved

WRITERS = [np.savez, np.savez_compressed]


def written(write, arrays: dict) -> io.BytesIO:
    file = io.BytesIO()
    write(file, **arrays)
    file.seek(0)
    return file


@pytest.mark.parametrize("write", WRITERS)
def test_what_numpy_saves_loads_without_meta(write):
    arrays, meta = load_npz(written(write, arrays_like(1)))
    assert same(arrays, arrays_like(1))
    assert meta == {}


@pytest.mark.parametrize("write", WRITERS)
def test_arrays_without_names_are_called_as_numpy_calls_them(write):
    file = io.BytesIO()
    write(file, np.zeros(2), np.ones(3))
    file.seek(0)
    assert list(load_npz(file)[0]) == ["arr_0", "arr_1"]


@pytest.mark.parametrize("write", WRITERS)
def test_no_arrays_at_all_load(write):
    assert load_npz(written(write, {})) == ({}, {})


@pytest.mark.parametrize(
    "names",
    [
        ["l1/W", "l1/b", "l2/W"],  # DeZero, the seed, Chainer's save_npz of a model
        ["updater/model:main/predictor/l1/W", "updater/iteration"],  # a trainer of Chainer
        ["0/W", "_persistent/N", "重み"],
    ],
)
def test_names_come_back_as_they_were_written(names):
    assert (
        list(load_npz(written(np.savez_compressed, dict.fromkeys(names, np.zeros(3))))[0]) == names
    )


def test_fortran_order_comes_back_in_it(rng):
    array = np.asfortranarray(rng.standard_normal((3, 5)))
    loaded = load_npz(written(np.savez, {"a": array}))[0]["a"]
    assert same({"a": loaded}, {"a": array})
    assert loaded.flags.f_contiguous


def test_big_endian_comes_back_in_the_machines_order(rng):
    array = rng.standard_normal((3, 5)).astype(">f4")
    assert same(load_npz(written(np.savez, {"a": array}))[0], {"a": array.astype(np.float32)})


def test_a_megabyte_of_zeros_packed_a_thousand_to_one_loads():
    zeros = {"a": np.zeros((512, 512), np.float32)}
    assert same(load_npz(written(np.savez_compressed, zeros))[0], zeros)


@pytest.mark.parametrize("write", WRITERS)
def test_an_uninitialised_parameter_is_named(write):
    file = written(write, {"l1/b": np.zeros(3), "l1/W": np.array(None)})
    with pytest.raises(UnsafeFileError, match=r"array 'l1/W' is a pickled .* before it is init"):
        load_npz(file)


def test_a_prefix_leaves_out_what_cannot_be_read():
    model = {"updater/model:main/l1/W": np.ones((2, 3))}
    file = written(np.savez, {**model, "extensions/LogReport/_log": np.array("[]"), "x": [None]})
    assert same(load_npz(file, prefix="updater/model:main/")[0], model)


def test_text_is_refused_by_name():
    with pytest.raises(CheckpointError, match=r"array '_log' has the dtype '<U2'; only"):
        load_npz(written(np.savez, {"_log": np.array("[]")}))


def test_an_array_may_be_called_meta_if_lamina_did_not_write_it():
    arrays = {"__meta__": np.arange(3), "a": np.arange(2)}
    assert same(load_npz(written(np.savez, arrays))[0], arrays)


def rewritten(arrays: dict[str, np.ndarray], **changed: np.ndarray) -> io.BytesIO:
    """A file of lamina's, opened with np.load and saved again with np.savez."""
    with np.load(io.BytesIO(saved(arrays))) as file:
        return written(np.savez, {**file, **changed})


def test_a_file_that_numpy_saved_again_with_its_manifest_is_refused():
    with pytest.raises(CorruptFileError, match="lamina wrote it, and its last bytes are damaged"):
        load_npz(rewritten(arrays_like(1), a=np.zeros(1)))


def test_a_zip_streamed_with_sizes_behind_the_data_loads():
    stream = io.BytesIO()
    with zipfile.ZipFile(OneWay(stream), "w") as archive:
        for name, array in arrays_like(2).items():
            with archive.open(f"{name}.npy", "w", force_zip64=name == "l1/b") as file:
                np.lib.format.write_array(file, array)
    assert stream.getvalue()[6] & 8  # the flag that says so
    assert same(load_npz(io.BytesIO(stream.getvalue()))[0], arrays_like(2))


class OneWay(io.RawIOBase):
    """Passes bytes on and cannot seek."""

    def __init__(self, stream):
        self.stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        return self.stream.write(data)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_array_header_loads(version):
    assert same(load_npz(zip_of({"a.npy": npy(np.arange(6.0), version)}))[0], {"a": np.arange(6.0)})


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }",  # Python 2
        "{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}",
        "{ 'descr':'<f4' , 'fortran_order':False,'shape':(2,3,) }  \n",
        "{'descr': 'f4', 'fortran_order': False, 'shape': (2, 3)}",
    ],
)
def test_headers_of_other_writers_load(header):
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(24)
    assert load_npz(zip_of({"a.npy": data}))[0]["a"].shape == (2, 3)


def npy(array: np.ndarray, version: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version)
    return file.getvalue()


def zip_of(members: dict[str, bytes]) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    file.seek(0)
    return file


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is empty"),
        (b"PK", "2 bytes are too few for an archive"),
        (npy(np.zeros(3), (1, 0)), r"it begins like a \.npy file, a single array: np\.load reads"),
        (b"\x80\x04}." + bytes(30), "it begins like a pickle, which lamina never opens"),
        (saved(arrays_like(1))[:-1], "it begins like one: it is truncated"),
        (b"<!DOCTYPE html>" + bytes(30), "it begins with b'<!DOCT'"),
        (zip_of({"archive/data.pkl": b"1"}).getvalue(), "no .npz; it looks like a PyTorch file"),
        (zip_of({"a.txt": b"1"}).getvalue(), "member 'a.txt' is no array: a zip, but no .npz$"),
    ],
)
def test_what_is_no_npz_is_named_for_what_it_is(tmp_path, data, why):
    path = tmp_path / "m.npz"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=rf"^load: .*m\.npz: .*{why}"):
        load_npz(path)
