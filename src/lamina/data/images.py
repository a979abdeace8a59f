"""Folders of pictures: one folder for each class."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import CorruptFileError, DependencyError, DTypeError, RangeError

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


class ImageFolder:
    """Pictures in ``folder/CLASS/...``: items ``(x, t)``, in the order of their names.

    Each picture is read when it is asked for, upright as its camera says. Files whose names begin
    with a dot or do not end in one of `ENDINGS` are passed over.

    Args:
        folder: that has a folder for each class.
        size: height and width that each picture is brought to, or one number for both: scaled until
            it covers them, and cut around its middle. None keeps the sizes that there are.
        mode: ``"RGB"``, ``"L"`` for grey, or ``"RGBA"``: 3, 1 or 4 channels.
        dtype: floating gives values in [0, 1]; ``np.uint8`` those of the file.
    Attributes:
        classes: their names, sorted; ``t`` is the place of its own here.
        paths: of all pictures.
    Raises:
        RangeError: there is no class, or a class without pictures.
        DependencyError: Pillow is not installed.
        CorruptFileError: from an item, with the name of a picture that cannot be read.
    """

    def __init__(
        self,
        folder: Any,
        size: int | tuple[int, int] | None = None,
        mode: str = "RGB",
        dtype: Any = np.float32,
    ):
        if mode not in ("RGB", "L", "RGBA"):
            raise RangeError(f'ImageFolder: mode should be "RGB", "L" or "RGBA", got {mode!r:.40}')
        self.dtype = np.dtype(dtype)
        if self.dtype.kind != "f" and self.dtype != np.uint8:
            raise DTypeError(f"ImageFolder: dtype should be floating or uint8, got {self.dtype}")
        self.folder = os.fspath(folder)
        self.size = (size, size) if isinstance(size, int) else size
        self.mode = mode
        _pillow()
        self.classes = sorted(
            entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != "."
        )
        if not self.classes:
            raise RangeError(f"ImageFolder: {self.folder} has no folders, one for each class")
        self.paths: list[str] = []
        labels = []
        for label, name in enumerate(self.classes):
            found = _pictures(os.path.join(self.folder, name))
            if not found:
                raise RangeError(f"ImageFolder: class {name!r} of {self.folder} has no pictures")
            self.paths += found
            labels += [label] * len(found)
        self.labels: Array = np.array(labels, np.int64)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Array, Any]:
        """``x: (channels, h, w)`` and its label."""
        return self._read(self.paths[index]), self.labels[index]

    def _read(self, path: str) -> Array:
        image_module, operations = _pillow()
        try:
            with image_module.open(path) as file:
                image = operations.exif_transpose(file).convert(self.mode)
                if self.size is not None:
                    image = operations.fit(image, (self.size[1], self.size[0]))
        except (OSError, ValueError, SyntaxError, image_module.DecompressionBombError) as error:
            if isinstance(error, (FileNotFoundError, PermissionError)):
                raise
            raise CorruptFileError(f"ImageFolder: {path} cannot be read: {error}") from error
        pixels = np.array(image, np.uint8).reshape(image.height, image.width, -1)
        x = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        return x if self.dtype == np.uint8 else x.astype(self.dtype) / self.dtype.type(255)

    def __repr__(self) -> str:
        return f"ImageFolder({self.folder!r}, {len(self)} pictures, {len(self.classes)} classes)"


def _pictures(folder: str) -> list[str]:
    """All below ``folder``, sorted; links to folders are not followed."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        found += [
            os.path.join(place, name)
            for name in sorted(files)
            if name[0] != "." and name.lower().endswith(ENDINGS)
        ]
    return sorted(found)


def _pillow() -> tuple[Any, Any]:
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise DependencyError(
            f"ImageFolder: Pillow reads the pictures and cannot be imported ({error}); "
            "install it with: pip install 'lamina[plot]'"
        ) from None
    return Image, ImageOps
