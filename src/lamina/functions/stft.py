"""Fourier transforms of short times: stft and its inverse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..core import Variable
from ..errors import RangeError, ShapeError
from .arrange import pad
from .fourier import irfft, rfft
from .index import get_item, scatter_add
from .operand import as_floating, as_integer, as_variable, beside

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["stft", "istft"]


def stft(
    x: ArrayLike,
    n_fft: int,
    hop_length: int | None = None,
    window: ArrayLike | None = None,
    center: bool = True,
) -> Variable:
    """The spectrum of each short time: ``y[f, t] = Σ w[j] x[t hop + j] e**(-2πi fj/n)``.

    As PyTorch's, one-sided.

    Args:
        x: (..., length), real.
        n_fft: how many numbers a frame holds.
        hop_length: from one frame to the next; None means ``n_fft // 4``.
        window: (n_fft,), what a frame is multiplied with; None means 1. It gets no gradient.
        center: whether frame t is about ``t hop``: then ``x`` is first mirrored at both ends, by
            ``n_fft // 2`` numbers.
    Returns:
        (..., n_fft // 2 + 1, frames), complex; frames are ``1 + length // hop`` if centred.
    Raises:
        ShapeError: if ``x`` has no axis or is too short, or the window has another length.
        RangeError: if a length is below 1.
    Source:
        J. Allen and L. Rabiner, "A Unified Approach to Short-Time Fourier Analysis and Synthesis",
        1977.
    Example:
        >>> stft(np.ones(8), 4, 2, center=False).shape
        (3, 3)
    """
    v = as_floating(x, "stft")
    n, hop, w = _settings(n_fft, hop_length, window, "stft")
    if not v.ndim or v.shape[-1] < (n // 2 + 1 if center else n):
        raise ShapeError(f"stft: x of shape {v.shape} is too short for n_fft={n}")
    if center:
        v = pad(v, [*[(0, 0)] * (v.ndim - 1), (n // 2, n // 2)], "reflect")
    frames = get_item(v, (..., _places(1 + (v.shape[-1] - n) // hop, n, hop)))
    return rfft(frames * _like(w, v)).swapaxes(-1, -2)


def istft(
    x: ArrayLike,
    n_fft: int,
    hop_length: int | None = None,
    window: ArrayLike | None = None,
    center: bool = True,
    length: int | None = None,
) -> Variable:
    """The signal whose `stft` is nearest to ``x``: frames laid over one another and divided by the
    sum of the squared windows there.

    Args:
        x: (..., n_fft // 2 + 1, frames), complex.
        n_fft: as in `stft`.
        hop_length: likewise.
        window: likewise.
        center: likewise: half a frame is cut off at both ends.
        length: of the result; None means as far as the frames reach.
    Returns:
        (..., length), real.
    Raises:
        ShapeError: if ``x`` has other lengths, or the result would be longer than the frames reach.
        RangeError: if a length is below 1, or the windows leave a place that none covers.
    Source:
        D. Griffin and J. Lim, "Signal Estimation from Modified Short-Time Fourier Transform",
        1984.
    """
    v = as_variable(x, "istft")
    n, hop, w = _settings(n_fft, hop_length, window, "istft")
    if v.ndim < 2 or v.shape[-2] != n // 2 + 1 or not v.shape[-1]:
        raise ShapeError(f"istft: x should be (..., {n // 2 + 1}, frames), got {v.shape}")
    places = _places(v.shape[-1], n, hop)
    whole = int(places[-1, -1]) + 1
    start = n // 2 if center else 0
    stop = whole - start if length is None else start + as_integer(length, "istft: length")
    if not start < stop <= whole:
        raise ShapeError(f"istft: {v.shape[-1]} frames reach {whole - start}, got length={length}")
    frames = irfft(v.swapaxes(-1, -2), n)
    frames = frames * _like(w, frames)
    y = scatter_add(frames, (..., places), (*v.shape[:-2], whole))[..., start:stop]
    cover = _cover(places, w, whole)[start:stop]
    if cover.min() < 1e-11:  # as in PyTorch
        raise RangeError(f"istft: no window covers place {int(cover.argmin())} of the result")
    return y / _like(cover, frames)


def _settings(n_fft: Any, hop_length: Any, window: Any, operation: str) -> tuple[int, int, Array]:
    n = as_integer(n_fft, f"{operation}: n_fft")
    hop = max(n // 4, 1) if hop_length is None else as_integer(hop_length, f"{operation}: hop")
    if n < 1 or hop < 1:
        raise RangeError(f"{operation}: lengths should be 1 or more, got n_fft={n}, hop={hop}")
    w = np.ones(n) if window is None else np.asarray(as_variable(window, operation).data)
    if w.shape != (n,):
        raise ShapeError(f"{operation}: the window should have shape ({n},), got {w.shape}")
    return n, hop, w


def _places(count: int, n: int, hop: int) -> Array:
    """Which numbers each frame holds: (count, n)."""
    return np.arange(count).reshape(-1, 1) * hop + np.arange(n)


def _cover(places: Array, w: Array, whole: int) -> Array:
    """The sum of the squared windows at each place."""
    cover = np.zeros(whole)
    np.add.at(cover, places, np.broadcast_to(np.square(w, dtype=np.float64), places.shape))
    return cover


def _like(array: Array, v: Variable) -> Any:
    return beside(array.astype(v.dtype), v.data)
