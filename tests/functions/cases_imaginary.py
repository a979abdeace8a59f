"""Complex numbers made of real ones and taken apart: against NumPy."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from lamina.check import case

SHAPES = [(2, 3, 5), (0, 4), (1,), ()]
PAIRS = [((2, 3), (2, 3)), ((4, 1), (3,)), ((0, 2), (1, 2)), ((), (1,))]
EQUAL = [((2, 3), (2, 3)), ((0, 2), (0, 2))]
"""NumPy multiplies complex numbers with other instructions where they are broadcast or single: then
the last bit differs from that of a compiled program, which lays them out."""
REAL = {"order": 0, "keeps_dtype": False}


def both(f, reference, name, low=0.25, high=2.0, **options):
    """A row for a function of complex numbers, by their parts: into it and out of it."""

    def parts(a, b):
        y = f(F.complex(a, b))
        return F.real(y), F.imag(y)

    def expected(a, b):
        y = np.asarray(reference(a + 1j * b))
        return y.real, y.imag

    return case(parts, expected, shapes=EQUAL, domain=(low, high), name=name, keeps_dtype=False,
                dtypes=[np.float32, np.float64], **options)  # fmt: skip


def numbers(rng, dtype):
    return (rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))).astype(np.complex128)


CASES = [
    case(F.complex, lambda a, b: a + 1j * b, shapes=PAIRS, **REAL),
    both(lambda z: z, lambda z: z, "complex and apart"),
    case(F.polar, lambda r, phi: r * np.exp(1j * phi), shapes=PAIRS, **REAL),
    case(F.imag, lambda x: 0 * x, shapes=SHAPES),
    case(F.imag, np.imag, make=numbers, order=0, name="imag of complex numbers"),
    case(F.conj, np.conj, shapes=SHAPES),
    both(F.conj, np.conj, "conj of complex numbers"),
    case(F.angle, lambda x: np.where(x < 0, np.pi, 0), shapes=SHAPES, order=0),
    both(F.angle, np.angle, "angle of complex numbers"),
    both(F.abs, np.abs, "abs of complex numbers"),
    both(lambda z: z * z, np.square, "mul of complex numbers"),
    both(lambda z: 1 / z, np.reciprocal, "div of complex numbers"),
    both(F.exp, np.exp, "exp of complex numbers"),
    both(F.log, np.log, "log of complex numbers"),
    both(F.sqrt, np.sqrt, "sqrt of complex numbers"),
    both(F.sin, np.sin, "sin of complex numbers"),
    both(lambda z: z**3, lambda z: z**3, "pow of complex numbers"),
    both(lambda z: F.matmul(F.reshape(z, 1, -1), F.reshape(z * z, -1, 1)),
         lambda z: (z**3).sum().reshape(1, 1), "matmul of complex numbers"),
    both(lambda z: F.vdot(z, z * z), lambda z: np.vdot(z, z * z), "vdot of complex numbers"),
    both(lambda z: F.vector_norm(z), lambda z: np.linalg.norm(z.ravel()),
         "vector_norm of complex numbers"),
    both(lambda z: F.inv(F.reshape(z, -1, 1, 1)), lambda z: 1 / z.reshape(-1, 1, 1),
         "inv of complex numbers"),
]  # fmt: skip
