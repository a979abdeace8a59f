"""Where save_npz writes and load_npz reads: paths, suffixes, open files, a part of a file."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import numpy as np
import pytest

from lamina.errors import CheckpointError, CheckpointWriteError, LimitError
from lamina.files import load_npz, save_npz
from storage.samples import arrays_like, same, saved


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# -- paths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [str, Path, os.fsencode])
def test_a_name_without_suffix_gets_it_when_saving_and_when_loading(folder, kind):
    save_npz(kind("m"), arrays_like(1))
    assert os.listdir() == ["m.npz"]
    assert same(load_npz(kind("m"))[0], arrays_like(1))
    assert same(load_npz(kind("m.npz"))[0], arrays_like(1))


@pytest.mark.parametrize("name", ["m.npz", "M.NPZ"])
def test_a_name_with_the_suffix_is_kept(folder, name):
    save_npz(name, arrays_like(1))
    assert os.listdir() == [name]


def test_load_reads_what_save_wrote_though_a_file_without_the_suffix_is_there(folder):
    Path("m").write_bytes(saved(arrays_like(1)))
    save_npz("m", arrays_like(2))
    assert same(load_npz("m")[0], arrays_like(2))


def test_a_file_without_the_suffix_is_opened_if_it_is_the_only_one(folder):
    Path("weights.v1").write_bytes(saved(arrays_like(1)))
    assert same(load_npz("weights.v1")[0], arrays_like(1))


def test_a_missing_file_is_named(folder):
    with pytest.raises(FileNotFoundError, match=r"load: No such file or directory: 'm\.npz'"):
        load_npz("m")


def test_a_folder_is_no_file(folder):
    Path("runs").mkdir()
    with pytest.raises(IsADirectoryError, match="load: Is a directory: 'runs'"):
        load_npz("runs")


def test_a_path_that_names_a_folder_is_not_saved_to(folder):
    with pytest.raises(CheckpointWriteError, match="'runs/' names a folder"):
        save_npz("runs/", {})


def test_a_pipe_is_no_file(folder):
    os.mkfifo("m.npz")
    with pytest.raises(CheckpointError, match=r"load: m\.npz: is a device or a pipe"):
        load_npz("m.npz")


def test_a_file_may_be_removed_once_it_is_loaded(folder):
    save_npz("m", arrays_like(1))
    arrays, _ = load_npz("m")
    Path("m.npz").unlink()
    assert same(arrays, arrays_like(1))


def test_saving_over_the_file_that_the_arrays_came_from_keeps_them(folder):
    save_npz("m", arrays_like(1))
    save_npz("m", load_npz("m")[0])
    assert same(load_npz("m")[0], arrays_like(1))


# -- open files ----------------------------------------------------------------------------------


def test_an_open_file_is_written_from_where_it_stands():
    file = io.BytesIO(b"head")
    file.seek(4)
    save_npz(file, arrays_like(1))
    assert file.getvalue()[:4] == b"head"
    file.seek(4)
    assert same(load_npz(file)[0], arrays_like(1))


def test_an_open_file_stays_open(tmp_path):
    with open(tmp_path / "m", "w+b") as file:
        save_npz(file, arrays_like(1))
        file.seek(0)
        load_npz(file)
        assert not file.closed


def test_an_open_file_at_its_end_is_told_to_go_back():
    file = io.BytesIO()
    save_npz(file, arrays_like(1))
    with pytest.raises(CheckpointError, match=r"a BytesIO: it stands at its end.*seek\(0\)"):
        load_npz(file)


class Slow(io.BytesIO):
    """Takes a few bytes at a time, as an unbuffered file or a socket may."""

    def write(self, data) -> int:
        return super().write(bytes(data[:100]))


class OneWay:
    """Only writes, and says nothing of how much."""

    def __init__(self):
        self.data = b""

    def write(self, data) -> None:
        self.data += data


def test_a_file_that_takes_few_bytes_at_a_time_gets_them_all():
    file = Slow()
    save_npz(file, arrays_like(1))
    assert file.getvalue() == saved(arrays_like(1))


def test_a_file_that_cannot_seek_can_be_written():
    file = OneWay()
    save_npz(file, arrays_like(1))
    assert file.data == saved(arrays_like(1))


def test_a_file_that_cannot_seek_to_its_end_can_be_read(tmp_path):
    with gzip.open(tmp_path / "m.gz", "wb") as file:
        save_npz(file, arrays_like(1))
    with gzip.open(tmp_path / "m.gz") as file:
        assert same(load_npz(file)[0], arrays_like(1))


def test_a_pipe_that_is_open_can_be_read():
    read, write = os.pipe()
    with open(write, "wb") as file:
        save_npz(file, arrays_like(1))
    with open(read, "rb") as file:
        assert same(load_npz(file)[0], arrays_like(1))


class Reader:
    """Has the methods of a file, and nothing in common with Python's own."""

    def __init__(self, data: bytes):
        file = io.BytesIO(data)
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def test_an_object_with_the_methods_of_a_file_can_be_read():
    assert same(load_npz(Reader(saved(arrays_like(1))))[0], arrays_like(1))


def test_an_object_that_gives_less_than_it_has_is_told_so():
    reader = Reader(saved(arrays_like(1)))
    reader.read = lambda count: b""
    with pytest.raises(CheckpointError, match="a Reader: it ends before its last byte"):
        load_npz(reader)


class Broken(io.BytesIO):
    def write(self, data) -> int:
        raise OSError(5, "the cable is out")


def test_an_error_of_an_open_file_is_not_masked():
    with pytest.raises(OSError, match="the cable is out"):
        save_npz(Broken(), arrays_like(1))


def test_a_file_open_for_text_is_told_so():
    with pytest.raises(CheckpointError, match="is open for text"):
        load_npz(io.StringIO("PK"))


def test_what_is_neither_path_nor_file_is_told_so():
    with pytest.raises(CheckpointError, match="a path or an open file is needed, got int"):
        load_npz(3)


# -- a part --------------------------------------------------------------------------------------


def test_a_prefix_selects_arrays_by_their_names():
    arrays, meta = load_npz(io.BytesIO(saved(arrays_like(1), meta={"a": 1})), prefix="norm/")
    assert (list(arrays), meta) == (["norm/steps", "norm/mask"], {"a": 1})


def test_max_bytes_is_a_limit():
    file = io.BytesIO(saved({"a": np.zeros(1000)}))
    with pytest.raises(LimitError, match=r"would unpack to .*, and 8,000 are allowed"):
        load_npz(file, max_bytes=8000)
