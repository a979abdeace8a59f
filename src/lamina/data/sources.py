"""Sources of real data that need no download."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import DependencyError, DTypeError
from .take import order

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
