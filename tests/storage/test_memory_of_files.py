"""Loading whole files takes little more memory than what they hold."""

from __future__ import annotations

import numpy as np
import pytest

from lamina.files import save_npz
from storage.attacks import attacked

MEBIBYTE = 1 << 20


def noise(mebibytes: int) -> np.ndarray:
    """Numbers that cannot be compressed."""
    return np.random.default_rng(0).integers(0, 2**32, mebibytes * MEBIBYTE // 4, np.uint32)


@pytest.mark.parametrize("compress", [False, True], ids=["stored", "compressed"])
@pytest.mark.parametrize("count", [1, 50], ids=["one_array", "50_arrays"])
def test_a_file_of_laminas_takes_its_size_and_16_mebibytes(tmp_path, compress, count):
    (tmp_path / "files").mkdir()
    parts = np.array_split(noise(20), count)
    save_npz(tmp_path / "files" / "m", {str(i): p for i, p in enumerate(parts)}, compress=compress)
    (result,) = attacked(tmp_path / "files")
    assert result["error"] == ""
    assert result["peak"] < result["size"] + 16 * MEBIBYTE


@pytest.mark.slow
def test_as_many_tiny_arrays_as_are_allowed_take_twice_the_file_and_64_mebibytes(tmp_path):
    (tmp_path / "files").mkdir()
    names = (f"blocks/{i}/W" for i in range(99_999))
    save_npz(tmp_path / "files" / "m", dict.fromkeys(names, np.zeros(2, np.float32)))
    (result,) = attacked(tmp_path / "files")
    assert result["error"] == ""
    assert result["peak"] < 2 * result["size"] + 64 * MEBIBYTE


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["<u4", ">u4"])
def test_a_file_of_numpys_takes_twice_its_size_and_64_mebibytes_at_most(tmp_path, write, dtype):
    (tmp_path / "files").mkdir()
    write(tmp_path / "files" / "m.npz", a=noise(20).astype(dtype))
    (result,) = attacked(tmp_path / "files")
    assert result["error"] == ""
    assert result["peak"] < 2 * result["size"] + 64 * MEBIBYTE


def test_a_damaged_file_takes_no_more(tmp_path):
    (tmp_path / "files").mkdir()
    path = tmp_path / "files" / "m.npz"
    save_npz(path, {"a": noise(20)})
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    (result,) = attacked(tmp_path / "files")
    assert result["error"] == "CorruptFileError"
    assert result["peak"] < result["size"] + 16 * MEBIBYTE
