"""Sources of real data: what comes with Python packages, and files that are looked for.

Files of a data set are looked for in the folder that the call names; or else in ``$LAMINA_DATA``
and its folder of that name, in the user's cache, and where a Debian package puts them.
"""

from __future__ import annotations

import os
from pathlib import Path
from pydoc_data.topics import topics as TOPICS
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import DependencyError, DTypeError, SourceError
from .binary import read_cifar10, read_idx
from .download import Remote, download
from .take import order

FASHION_KINDS = (
    *("T-shirt", "trousers", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "boot"),
)
"""What the labels of `fashion_mnist` mean, in order."""

CIFAR10_KINDS = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
"""What the labels of `cifar10` mean, in order."""

DEBIAN = "/usr/share/datasets"

FASHION_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FASHION = {
    "train-images-idx3-ubyte": Remote(
        FASHION_URL + "train-images-idx3-ubyte.gz",
        47_040_016,
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    ),
    "train-labels-idx1-ubyte": Remote(
        FASHION_URL + "train-labels-idx1-ubyte.gz",
        60_008,
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    ),
    "t10k-images-idx3-ubyte": Remote(
        FASHION_URL + "t10k-images-idx3-ubyte.gz",
        7_840_016,
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    ),
    "t10k-labels-idx1-ubyte": Remote(
        FASHION_URL + "t10k-labels-idx1-ubyte.gz",
        10_008,
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}
"""The addresses are those of the authors' page; size and SHA-256 are of the unpacked files in
Debian's package dataset-fashion-mnist 0.0~git20200523.55506a9-1."""

HELD_OUT = 360
"""How many of the 1,797 digits are kept for testing: one in five."""


def digits(train: bool | None = True, images: bool = False) -> tuple[Array, Array]:
    """Handwritten digits, 8 × 8 pixels: 1,437 to train on and 360 to test with.

    Who wrote what is not known, so both parts hold digits of the same 13 people: accuracy on the
    test part says how well new digits of known writers are read. The split is fixed for ever.

    Args:
        train: True for the training part, False for the test part, None for all 1,797 in the order
            of the source.
        images: shape ``(n, 1, 8, 8)``, for convolutions, in place of ``(n, 64)``.
    Returns:
        ``x: (n, 64), float32``, ink in [0, 1] in steps of 1/16; ``t: (n,), int64``, 0 to 9. Both
        are fresh copies.
    Raises:
        DependencyError: scikit-learn, which brings the data, is not installed.
        DTypeError: ``train`` is not True, False or None.
    Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
    Learning Repository, 1998: its test set, as copied in ``sklearn.datasets.load_digits``.
    Example:
        >>> x, t = digits()
        >>> x.shape, x.dtype, t.shape, t.dtype
        ((1437, 64), dtype('float32'), (1437,), dtype('int64'))
    """
    if train is not None and not isinstance(train, bool):
        raise DTypeError(f"digits: train should be True, False or None, got {train!r}")
    ink, labels = _load_digits()
    shuffled = order(len(labels), seed=0, epoch=0)
    rows = {None: slice(None), True: shuffled[HELD_OUT:], False: shuffled[:HELD_OUT]}[train]
    x = (ink[rows] / 16).astype(np.float32)  # exact: the ink is an integer from 0 to 16
    return x.reshape(-1, 1, 8, 8) if images else x, labels[rows].astype(np.int64)


def _load_digits() -> tuple[Array, Array]:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DependencyError(
            f"digits: scikit-learn brings the data and cannot be imported ({error}); "
            "install it with: pip install 'lamina[demo]'"
        ) from None
    source: Any = load_digits()
    return source.data, source.target


def topics() -> str:
    """The reference of Python, as ``help()`` shows it: English text that is always there.

    It is that of the Python that runs: about 450,000 characters, and others in another version.
    """
    return "\n\n".join(TOPICS[name] for name in sorted(TOPICS))


def fashion_mnist(
    train: bool = True, path: Any = None, dtype: Any = np.float32, fetch: bool = True
) -> tuple[Array, Array]:
    """Pictures of clothes, 28 × 28 pixels, grey: 60,000 to train on and 10,000 to test with.

    Args:
        train: True for the training part, False for the test part.
        path: the folder of the four IDX files, each as it is or with ``.gz``. If it is not given,
            they are looked for (see above), and at last downloaded into the user's cache, 30 MB,
            and compared with their SHA-256.
        dtype: floating gives pixels in [0, 1]; ``np.uint8`` those of the files.
        fetch: False never asks the network.
    Returns:
        ``x: (n, 1, 28, 28)``, and ``t: (n,), int64``, whose meanings are `FASHION_KINDS`.
    Raises:
        SourceError: the files are in no place, or cannot be downloaded.
        CorruptFileError: a file is damaged.
    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking
        Machine Learning Algorithms", 2017.
    """
    return _pictures_of("fashion-mnist", train, path, dtype, FASHION if fetch else {})


def mnist(train: bool = True, path: Any = None, dtype: Any = np.float32) -> tuple[Array, Array]:
    """Handwritten digits, 28 × 28 pixels, grey: 60,000 to train on and 10,000 to test with.

    Arguments, results and errors as of `fashion_mnist`, but nothing is downloaded.

    Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", 1998.
    """
    return _pictures_of("mnist", train, path, dtype, {})


def cifar10(train: bool = True, path: Any = None, dtype: Any = np.float32) -> tuple[Array, Array]:
    """Photographs, 32 × 32 pixels, in colour: 50,000 to train on and 10,000 to test with.

    Args:
        train: True for the training part, False for the test part.
        path: the folder of the binary version, ``data_batch_1.bin`` to ``data_batch_5.bin`` and
            ``test_batch.bin``. The version for Python is pickled, and lamina reads no pickle.
        dtype: floating gives pixels in [0, 1]; ``np.uint8`` those of the files.
    Returns:
        ``x: (n, 3, 32, 32)``, and ``t: (n,), int64``, whose meanings are `CIFAR10_KINDS`.
    Raises:
        SourceError: the files are in no place. Nothing is downloaded.
        CorruptFileError: a file is damaged.
    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    _check_train(train, "cifar10")
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] if train else ["test_batch.bin"]
    folders = places("cifar-10-batches-bin", path)
    parts = [read_cifar10(_find("cifar10", name, folders)) for name in names]
    x, t = (np.concatenate(column) for column in zip(*parts))
    return _scaled(x, dtype), t


def _pictures_of(
    name: str, train: bool, path: Any, dtype: Any, remotes: dict[str, Remote]
) -> tuple[Array, Array]:
    what = name.replace("-", "_")
    _check_train(train, what)
    folders = places(name, path)
    part = "train" if train else "t10k"
    files = [f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"]
    if path is None and remotes:
        for file in files:
            if _found(file, folders) is None:
                download(remotes[file], os.path.join(cache(), name, f"{file}.gz"))
    x, t = (read_idx(_find(what, file, folders)) for file in files)
    if x.dtype != np.uint8 or x.ndim != 3 or t.shape != x.shape[:1]:
        raise SourceError(f"{what}: images of shape {x.shape} and labels of {t.shape} do not fit")
    return _scaled(x[:, None], dtype), t.astype(np.int64)


def places(name: str, path: Any = None) -> list[str]:
    """Folders where the files of a data set may be, in the order in which they are looked at."""
    if path is not None:
        return [os.fspath(path)]
    own = os.environ.get("LAMINA_DATA", "")
    found = [os.path.join(own, name), own] if own else []
    return [*found, os.path.join(cache(), name), os.path.join(DEBIAN, name)]


def cache() -> str:
    """The user's folder for data that was downloaded."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return os.path.join(base if os.path.isabs(base) else Path.home() / ".cache", "lamina", "data")


def _found(file: str, folders: list[str]) -> str | None:
    spellings = (file, f"{file}.gz", file.replace("-idx", ".idx"))
    paths = (os.path.join(folder, spelling) for folder in folders for spelling in spellings)
    return next(filter(os.path.isfile, paths), None)


def _find(what: str, file: str, folders: list[str]) -> str:
    found = _found(file, folders)
    if found is None:
        raise SourceError(
            f"{what}: {file} was not found in {', '.join(folders)}; name its folder with path=... "
            "or in the environment variable LAMINA_DATA"
        )
    return found


def _scaled(x: Array, dtype: Any) -> Array:
    wanted = np.dtype(dtype)
    if wanted == np.uint8:
        return x
    if wanted.kind != "f":
        raise DTypeError(f"dtype of pictures should be floating or uint8, got {wanted}")
    return x.astype(wanted) / wanted.type(255)


def _check_train(train: Any, what: str) -> None:
    if not isinstance(train, bool):
        raise DTypeError(f"{what}: train should be True or False, got {train!r}")
