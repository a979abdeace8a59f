"""Every row of the operator table as native code: what eager gives, to rounding, on any threads."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from compiler.native.emitted import Emitted
from compiler.test_operators import HEARD, backward, forward
from lamina.compiler.simplify import simplify
from lamina.listen import Program
from lamina.random import seed


def both(row: Any, inputs: Any) -> tuple[Any, ...]:
    """Results and gradients, one after another."""
    made = forward(row, inputs)
    return (*made, *(backward(row, inputs) if row.order else ()))


def heard(row: Any, inputs: Any) -> Program:
    """One program of a row's results and gradients."""
    program = Program()
    values = [program.input(x.shape, x.dtype) if isinstance(x, np.ndarray) else x for x in inputs]
    program.outputs = tuple(y.data for y in both(row, values))
    return simplify(program)


def largest(arrays: Any) -> float:
    """The largest finite magnitude."""
    found = [np.abs(x[np.isfinite(x)]).max(initial=0) for x in arrays]
    return max(map(float, found), default=0.0)


def off(found: Any, expected: Any, size: float) -> float:
    """How far ``found`` is from ``expected``, relative to ``size``; inf where one is not finite."""
    if (found.dtype, found.shape) != (expected.dtype, expected.shape):
        return np.inf
    if found.dtype.kind not in "fc":
        return 0.0 if np.array_equal(found, expected) else np.inf
    wide = np.complex128 if found.dtype.kind == "c" else np.float64
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        difference = np.abs(np.subtract(found, expected, dtype=wide))[~same]
    return float(np.nan_to_num(difference, nan=np.inf).max(initial=0)) / (size or 1.0)


@pytest.mark.parametrize("row", HEARD, ids=lambda row: row.name)
def test_native_code_of_an_operator_gives_what_eager_gives(row):
    """Its first sample; all of them with LAMINA_PROGRAMS in the environment."""
    samples = list(row.samples(np.float32))
    for inputs in samples if "LAMINA_PROGRAMS" in os.environ else samples[:1]:
        arrays = [x for x in inputs if isinstance(x, np.ndarray)]
        seed(0)
        expected = [y.data for y in both(row, inputs)]
        seed(0)
        code = Emitted(heard(row, inputs))
        code.run(*arrays)
        found = code.run(*arrays)
        size = largest([x for x in (*arrays, *expected) if x.dtype.kind in "fc"])
        # some roundings of the largest number that goes in or comes out: what is added up in
        # another order, or cancels, is off by as much
        distances = [off(x, y, size) for x, y in zip(found, expected, strict=True)]
        assert max(distances, default=0) <= 1e-6
        others = code.run(*arrays, threads=2)
        assert [x.tobytes() for x in others] == [x.tobytes() for x in found]
