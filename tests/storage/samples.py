"""Arrays to save, and what it takes for two dicts of them to be the same."""

from __future__ import annotations

import io

import numpy as np

from lamina.files import save_npz


def arrays_like(seed: int) -> dict[str, np.ndarray]:
    """A small model's worth of arrays, all of different sizes; the seed gives the numbers."""
    rng = np.random.default_rng(seed)
    return {
        "l1/W": rng.standard_normal((3, 5)).astype(np.float32),
        "l1/b": rng.standard_normal(7),
        "norm/steps": rng.integers(0, 1000, 2),
        "norm/mask": rng.random((2, 3)) < 0.5,
        "scale": np.float16(seed).reshape(()),
        "none": np.empty((0, 4), np.float32),
    }


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    """Names in order, shapes, dtypes and every bit."""
    return list(a) == list(b) and all(
        x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
        for x, y in zip(a.values(), b.values())
    )


def saved(arrays: dict[str, np.ndarray], **options) -> bytes:
    """The bytes of the file that `save_npz` makes."""
    file = io.BytesIO()
    save_npz(file, arrays, **options)
    return file.getvalue()
