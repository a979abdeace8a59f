"""Fourier transforms: against NumPy's in complex128, by their parts."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from lamina.check import case

COMPLEX = {"keeps_dtype": False, "dtypes": [np.float32, np.float64]}


def of_complex(f, g, *shapes, name=None, **kwargs):
    """A row for a transform of complex numbers into complex or real ones."""

    def parts(a, b):
        y = f(F.complex(a, b), **kwargs)
        return F.real(y), F.imag(y)

    def expected(a, b):
        y = g(a + 1j * b, **kwargs)
        return y.real, y.imag

    called = f"{f.__name__} {name or kwargs or ''}".strip()
    return case(parts, expected, shapes=[(s, s) for s in shapes], name=called, **COMPLEX)


def of_real(f, g, *shapes, name=None, **kwargs):
    """A row for a transform of real numbers."""

    def parts(x):
        y = f(x, **kwargs)
        return F.real(y), F.imag(y)

    def expected(x):
        y = g(x, **kwargs)
        return y.real, y.imag

    called = f"{f.__name__} {name or kwargs or ''}".strip()
    return case(parts, expected, shapes=[*shapes], name=called, **COMPLEX)


def shift(f, g):
    """Rows for an exchange of halves."""
    return [
        case(f, g, shapes=[(5,), (2, 3), (0, 4), (1,)]),
        case(f, g, shapes=[(4, 3)], kwargs={"axes": -1}, name=f"{f.__name__} axis"),
    ]


LINES = [(5,), (2, 4), (1,), (0, 3)]

CASES = [
    of_complex(F.fft, np.fft.fft, *LINES),
    of_real(F.fft, np.fft.fft, (5,), (2, 4), name="of real numbers"),
    of_complex(F.fft, np.fft.fft, (4, 2), n=3, axis=0, norm="ortho"),
    of_complex(F.fft, np.fft.fft, (2, 3), n=5, norm="forward"),
    of_complex(F.ifft, np.fft.ifft, *LINES),
    of_complex(F.ifft, np.fft.ifft, (4, 2), n=6, axis=0, norm="ortho"),
    of_complex(F.ifft, np.fft.ifft, (4,), norm="forward"),
    of_real(F.rfft, np.fft.rfft, (5,), (2, 4), (1,), (0, 3)),
    of_real(F.rfft, np.fft.rfft, (4, 2), n=3, axis=0, norm="ortho"),
    of_real(F.rfft, np.fft.rfft, (2, 3), n=6, norm="forward"),
    of_complex(F.irfft, np.fft.irfft, (5,), (2, 3), (0, 3)),
    of_complex(F.irfft, np.fft.irfft, (3,), (1,), n=1),
    of_complex(F.irfft, np.fft.irfft, (3, 2), n=5, axis=0, norm="ortho"),
    of_complex(F.irfft, np.fft.irfft, (2, 3), n=7, norm="forward"),
    of_complex(F.fft2, np.fft.fft2, (3, 2), (2, 2, 3), (1, 1), (0, 2, 2)),
    of_complex(F.ifft2, np.fft.ifft2, (3, 2), (1, 1), (0, 2, 2)),
    of_complex(F.ifft2, np.fft.ifft2, (2, 3), s=(3, 2), norm="ortho"),
    of_real(F.rfft2, np.fft.rfft2, (3, 4), (2, 2, 3), (1, 1), (0, 2, 2)),
    of_complex(F.irfft2, np.fft.irfft2, (3, 2), (0, 2, 2)),
    of_complex(F.irfft2, np.fft.irfft2, (2, 3), (1, 1), s=(3, 5), norm="ortho"),
    of_complex(F.fftn, np.fft.fftn, (2, 3, 2), (3,), (1, 1)),
    of_complex(F.fftn, np.fft.fftn, (2, 3), (0, 2), s=(4,), axes=(1,)),
    of_complex(F.ifftn, np.fft.ifftn, (2, 3, 2), (1, 1)),
    of_complex(F.ifftn, np.fft.ifftn, (0, 2), axes=(1,)),
    of_real(F.rfftn, np.fft.rfftn, (2, 3, 2), (1, 1)),
    of_real(F.rfftn, np.fft.rfftn, (3, 0, 4), axes=(2, 0), norm="forward"),
    of_real(F.rfftn, np.fft.rfftn, (3, 2, 4), axes=(2, 0), name="of axes in falling order"),
    of_complex(F.irfftn, np.fft.irfftn, (2, 2, 3)),
    of_complex(F.irfftn, np.fft.irfftn, (2, 3), (1, 1), s=(3, 5), axes=(0, 1), norm="forward"),
    of_complex(F.irfftn, np.fft.irfftn, (0, 3), axes=(1,)),
    *shift(F.fftshift, np.fft.fftshift),
    *shift(F.ifftshift, np.fft.ifftshift),
]
