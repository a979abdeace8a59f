"""Short-time transforms: frame by frame, with NumPy's transform."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from lamina.check import case

COMPLEX = {"keeps_dtype": False, "dtypes": [np.float32, np.float64]}
WINDOW = np.hanning(7)[1:-1]  # of 5, none of them 0


def frames_of(x, n_fft, hop_length, window=None, center=True):
    """The spectrum of each frame."""
    w = np.ones(n_fft) if window is None else window
    if center:
        half = n_fft // 2
        x = np.pad(x, [*[(0, 0)] * (x.ndim - 1), (half, half)], "reflect")
    starts = range(0, x.shape[-1] - n_fft + 1, hop_length)
    return np.stack([np.fft.rfft(x[..., i : i + n_fft] * w) for i in starts], -1)


def laid_over(y, n_fft, hop_length, window=None, center=True, length=None):
    """Frame by frame, then divided."""
    w = np.ones(n_fft) if window is None else window
    count = y.shape[-1]
    x, cover = np.zeros((*y.shape[:-2], n_fft + hop_length * (count - 1))), 0.0
    cover = np.zeros(x.shape[-1])
    for t in range(count):
        part = slice(t * hop_length, t * hop_length + n_fft)
        x[..., part] += np.fft.irfft(y[..., t], n_fft) * w
        cover[part] += w**2
    start = n_fft // 2 if center else 0
    stop = x.shape[-1] - start if length is None else start + length
    return (x / cover)[..., start:stop]


def forward(name, *shapes, **kwargs):
    def parts(x):
        y = F.stft(x, **kwargs)
        return F.real(y), F.imag(y)

    def expected(x):
        y = frames_of(x, **kwargs)
        return y.real, y.imag

    return case(parts, expected, shapes=[*shapes], name=f"stft {name}".strip(), **COMPLEX)


def back(name, *shapes, **kwargs):
    return case(
        lambda a, b: F.istft(F.complex(a, b), **kwargs),
        lambda a, b: laid_over(a + 1j * b, **kwargs),
        shapes=[(s, s) for s in shapes],
        name=f"istft {name}".strip(),
        **COMPLEX,
    )


CASES = [
    forward("", (9,), (2, 8), (0, 8), n_fft=4, hop_length=2),
    forward("with a window", (11,), n_fft=5, hop_length=3, window=WINDOW),
    forward("not centred", (9,), (1,), n_fft=1, hop_length=2, center=False),
    back("", (3, 4), (2, 3, 3), (0, 3, 3), n_fft=4, hop_length=2),
    back("with a window", (3, 4), n_fft=5, hop_length=2, window=WINDOW, length=7),
    back("not centred", (1, 3), (1, 1), n_fft=1, hop_length=1, center=False),
]
