"""What is computed again for backward: the program as text, and the same results."""

from __future__ import annotations

import numpy as np
import pytest

from lamina.compiler import recompute
from lamina.compiler.fuse import Fuser
from lamina.compiler.layout import laid_out
from lamina.compiler.native.memory import arena_of, spans_of
from lamina.compiler.recompute import recomputed
from lamina.compiler.simplify import simplify
from lamina.listen import Program, run, verify

KINDS = {"matmul": "product", "transpose": "view", "cumsum": "numpy"}


def grouped(program, after=None):
    """The program's Fuser, and how long each result is in use."""
    program, layouts = laid_out(verify(program), lambda i: ())

    def kind(instruction):
        return KINDS.get(instruction.opcode, "elementwise")

    fuser = Fuser(program, kind, layouts, lambda i: kind(i) == "product", after)
    groups = fuser.made()
    return fuser, spans_of(groups, dict.fromkeys(program.inputs), program.outputs, {})


def squares(before=lambda g: g, after=lambda gW: gW):
    """Products with squares between them, and the gradients of their matrices.

    Args:
        before: what is done to a gradient before it is multiplied with what was squared.
        after: what is done to the gradient of a matrix.
    """
    program = Program()
    x, *W = [program.input((256, 256), np.float32) for _ in range(4)]
    forward, y = [], x
    for matrix in W:
        forward.append((y, y @ matrix))
        y = forward[-1][1] * forward[-1][1]
    gradients, g = [], y
    for matrix, (y, h) in zip(W[::-1], forward[::-1]):
        g = (before(g) if gradients else g) * h
        gradients.append(after(y.T @ g))
        g = g if y is x else g @ matrix.T
    program.outputs = tuple(gradients)
    return program


@pytest.fixture
def inputs(rng):
    return [(rng.normal(size=(256, 256)) / 16).astype(np.float32) for _ in range(4)]


def test_a_square_is_computed_again_after_what_reads_its_operand_for_the_last_time():
    found, after = recomputed(*grouped(squares()))
    assert (
        str(verify(found))
        == """\
%0: float32[256, 256] = input(None)
%1: float32[256, 256] = input(None)
%2: float32[256, 256] = input(None)
%3: float32[256, 256] = input(None)
%4: float32[256, 256] = matmul(%0, %1)
%5: float32[256, 256] = multiply(%4, %4)
%6: float32[256, 256] = matmul(%5, %2)
%7: float32[256, 256] = multiply(%6, %6)
%8: float32[256, 256] = matmul(%7, %3)
%9: float32[256, 256] = multiply(%8, %8)
%10: float32[256, 256] = multiply(%9, %8)
%11: float32[256, 256] = transpose(%7, axes=(1, 0))
%12: float32[256, 256] = matmul(%11, %10)
%13: float32[256, 256] = transpose(%3, axes=(1, 0))
%14: float32[256, 256] = matmul(%10, %13)
%15: float32[256, 256] = multiply(%14, %6)
%16: float32[256, 256] = transpose(%5, axes=(1, 0))
%17: float32[256, 256] = transpose(%2, axes=(1, 0))
%18: float32[256, 256] = matmul(%15, %17)
%19: float32[256, 256] = multiply(%18, %4)
%20: float32[256, 256] = multiply(%4, %4)
%21: float32[256, 256] = transpose(%20, axes=(1, 0))
%22: float32[256, 256] = matmul(%21, %15)
%23: float32[256, 256] = transpose(%0, axes=(1, 0))
%24: float32[256, 256] = matmul(%23, %19)
return %12, %22, %24"""
    )
    ((again, before),) = after.items()
    made_by = {i.results[0]: n for n, i in enumerate(found.instructions, len(found.inputs))}
    assert (made_by[again], made_by[before]) == (20, 19)


def test_results_are_the_same_and_take_less_memory(inputs):
    program = squares()
    fuser, spans = grouped(program)
    found, after = recomputed(fuser, spans)
    again, fewer = grouped(found, after)
    assert again.program is found
    assert len(again.groups) == len(fuser.groups)  # it joined a nest
    assert arena_of(fewer) < 0.9 * arena_of(spans)
    for x, y in zip(run(found, *inputs), run(program, *inputs), strict=True):
        assert x.tobytes() == y.tobytes()


def test_nothing_is_computed_again_that_is_small_or_saves_little(monkeypatch):
    monkeypatch.setattr(recompute, "LEAST", (1 << 18) + 1)
    assert recomputed(*grouped(squares())) is None
    monkeypatch.undo()
    monkeypatch.setattr(recompute, "WORTH", 0.5)
    assert recomputed(*grouped(squares())) is None


def test_forward_alone_computes_nothing_again():
    program = squares()
    program.outputs = (program.instructions[4].results[0],)
    assert recomputed(*grouped(simplify(program))) is None


def test_calls_stay_in_order():
    """One may draw random numbers. Here it would run after one that the anchor waits for."""
    program = squares(before=lambda g: np.cumsum(g, axis=0))
    assert recomputed(*grouped(program)) is not None
    program = squares(before=lambda g: np.cumsum(g, axis=0), after=lambda g: np.cumsum(g, axis=1))
    assert recomputed(*grouped(program)) is None
