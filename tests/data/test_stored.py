"""Datasets in files: .npz, .npy, and folders of pictures."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from lamina.data import ImageFolder, Loader, Mapped, RandomCrop, from_npy, from_npz
from lamina.errors import (
    CheckpointError,
    CorruptFileError,
    DependencyError,
    DTypeError,
    RangeError,
    UnsafeFileError,
)

Image = pytest.importorskip("PIL.Image")


# -- arrays --------------------------------------------------------------------------------------


@pytest.fixture
def npz(tmp_path) -> Path:
    np.savez(tmp_path / "some.npz", x=np.eye(3), t=np.arange(3))
    return tmp_path / "some.npz"


def test_the_arrays_of_an_npz_file_are_a_dataset(npz):
    x, t = from_npz(npz)[1]
    assert (x.tolist(), int(t)) == ([0, 1, 0], 1)


def test_arrays_of_an_npz_file_can_be_named(npz):
    assert [
        int(part) if part.ndim == 0 else part.tolist() for part in from_npz(npz, "t", "x")[2]
    ] == [
        2,
        [0, 0, 1],
    ]


def test_an_array_that_is_not_in_the_file_is_refused(npz):
    with pytest.raises(RangeError, match=r"has no array 'y', but \['x', 't'\]"):
        from_npz(npz, "y")


def test_a_damaged_npz_file_is_refused(npz):
    npz.write_bytes(npz.read_bytes()[:-40])
    with pytest.raises(CheckpointError, match=r"some\.npz"):
        from_npz(npz)


def test_npy_files_stay_on_the_disk(tmp_path):
    for name, array in (("x", np.eye(5)), ("t", np.arange(5))):
        np.save(tmp_path / name, array)
    data = from_npy(tmp_path / "x.npy", tmp_path / "t.npy")
    assert all(isinstance(array, np.memmap) for array in data.arrays)
    x, t = next(iter(Loader(data, 2, shuffle=False)))
    assert (type(x), x[1].tolist(), t.tolist()) == (np.ndarray, [0, 1, 0, 0, 0], [0, 1])


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_a_file_that_is_mapped_goes_to_workers_by_name(tmp_path, kind):
    np.save(tmp_path / "x", np.arange(40.0).reshape(20, 2))
    loader = Loader(from_npy(tmp_path / "x.npy"), 4, workers=1, kind=kind, shuffle=False)
    assert next(iter(loader))[:, 0].tolist() == [0, 2, 4, 6]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", CorruptFileError, "is no .npy file"),
        (b"PK\x03\x04 an archive", CorruptFileError, "is no .npy file"),
        (b"\x93NUMPY\x01\x00\x10\x00not a header....", CorruptFileError, "x.npy: "),
    ],
)
def test_what_is_no_npy_file_is_refused(tmp_path, content, error, message):
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(error, match=message):
        from_npy(path)


def test_an_npy_file_that_is_cut_off_is_refused(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(9))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(CorruptFileError, match="mmap length is greater than file size"):
        from_npy(path)


def test_an_npy_file_of_objects_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(UnsafeFileError, match="Python objects"):
        from_npy(tmp_path / "x.npy")


# -- pictures ------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two classes; picture i of a class is 6 + i high and 8 wide, with colour (10 i, 100, 200)."""
    for name in ("dog", "cat"):
        for i in range(3):
            pixels = np.full((6 + i, 8, 3), (10 * i, 100, 200), np.uint8)
            (tmp_path / name / "more").mkdir(parents=True, exist_ok=True)
            place = tmp_path / name / ("more" if i == 1 else "")
            Image.fromarray(pixels).save(place / f"{i}.png")
    (tmp_path / "cat" / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def test_classes_and_pictures_are_sorted(folder):
    pictures = ImageFolder(folder)
    assert pictures.classes == ["cat", "dog"]
    names = [Path(path).relative_to(folder).as_posix() for path in pictures.paths]
    assert names[:3] == ["cat/0.png", "cat/2.png", "cat/more/1.png"]
    assert [int(t) for _, t in pictures] == [0, 0, 0, 1, 1, 1]


def test_a_picture_is_channels_rows_columns_between_0_and_1(folder):
    x, _ = ImageFolder(folder)[1]
    assert (x.shape, x.dtype) == ((3, 8, 8), np.float32)
    assert x[:, 0, 0].tolist() == (np.float32([20, 100, 200]) / np.float32(255)).tolist()


@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("L", 1), ("RGBA", 4)])
def test_channels_are_those_of_the_mode(folder, mode, channels):
    x, _ = ImageFolder(folder, mode=mode, dtype=np.uint8)[0]
    assert (x.shape, x.dtype) == ((channels, 6, 8), np.uint8)


@pytest.mark.parametrize(
    "settings", [{}, {"workers": 2}, {"workers": 1, "kind": "process"}], ids=str
)
def test_pictures_of_one_size_make_batches(folder, settings):
    x, t = next(iter(Loader(ImageFolder(folder, size=(5, 4)), 6, shuffle=False, **settings)))
    assert (x.shape, t.tolist()) == ((6, 3, 5, 4), [0, 0, 0, 1, 1, 1])


def test_pictures_of_all_sizes_make_batches_after_a_crop(folder):
    x, _ = next(iter(Loader(Mapped(ImageFolder(folder), RandomCrop((6, 7))), 6)))
    assert x.shape == (6, 3, 6, 7)


def test_a_picture_stands_as_its_camera_says(folder):
    tags = Image.Exif()
    tags[0x0112] = 6  # to be turned by a quarter
    Image.new("RGB", (8, 4)).save(folder / "cat" / "0.jpg", exif=tags)
    assert ImageFolder(folder)[0][0].shape == (3, 8, 4)


@pytest.mark.parametrize("content", [b"", b"no picture", "half"])
def test_a_broken_picture_is_named(folder, content):
    path = folder / "dog" / "2.png"
    if content == "half":
        noise = np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8)
        Image.fromarray(noise).save(path)
        content = path.read_bytes()[:5000]
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"dog/2\.png cannot be read") as caught:
        list(Loader(ImageFolder(folder, size=4), 2, shuffle=False))
    assert "in sample 4 of the dataset" in caught.value.__notes__


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"mode": "CMYK"}, RangeError, 'mode should be "RGB", "L" or "RGBA", got \'CMYK\''),
        ({"dtype": np.int64}, DTypeError, "dtype should be floating or uint8, got int64"),
    ],
)
def test_what_a_picture_cannot_be_is_refused(folder, settings, error, message):
    with pytest.raises(error, match=message):
        ImageFolder(folder, **settings)


def test_a_class_without_pictures_is_refused(folder):
    (folder / "bird").mkdir()
    with pytest.raises(RangeError, match=r"class 'bird' of .* has no pictures"):
        ImageFolder(folder)


def test_a_folder_without_classes_is_refused(tmp_path):
    with pytest.raises(RangeError, match="has no folders, one for each class"):
        ImageFolder(tmp_path)


def test_without_pillow_the_error_says_how_to_install_it(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DependencyError, match=r"pip install 'lamina\[plot\]'"):
        ImageFolder(folder)
