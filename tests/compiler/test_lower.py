"""Calls written out as formulas, as text: which are, and which stay."""

from __future__ import annotations

import pytest

from lamina.compiler.lower import lower
from lamina.functions.entropy import MinusOneHot, SoftmaxCrossEntropy
from lamina.functions.index import ARRAY, Gather, PutItem
from lamina.functions.label import CheckLabels
from lamina.listen import Program, verify


def lowered(text, *functions):
    """The lines of a program behind its inputs, written out."""
    program = Program.parse(text, {repr(f): f for f in functions})
    return str(verify(lower(program))).splitlines()[len(program.inputs) :]


def test_minus_one_hot():
    text = """
        %0: float32[3, 4] = input('x')
        %1: int64[3] = input('t')
        %2: float32[3, 4] = call(%0, %1, function='MinusOneHot()')
        return %2
    """
    assert lowered(text, MinusOneHot()) == [
        "%2: int64[3, 1] = reshape(%1, shape=(3, 1))",
        "%3: int64[4] = arange(start=0, stop=4, step=1, dtype=int64)",
        "%4: bool[3, 4] = equal(%2, %3)",
        "%5: float32[3, 4] = subtract(%0, 1)",
        "%6: float32[3, 4] = where(%4, %5, %0)",
        "return %6",
    ]


@pytest.mark.parametrize(
    ("reduction", "shape", "end"),
    [
        ("none", "3", ["return %13"]),
        (
            "sum",
            "",
            ["%14: float32[] = sum(%13, axis=(0,), keepdims=False)", "return %14"],
        ),
        (
            "mean",
            "",
            [
                "%14: float32[] = sum(%13, axis=(0,), keepdims=False)",
                "%15: float32[] = divide(%14, 3)",
                "return %15",
            ],
        ),
    ],
)
def test_softmax_cross_entropy(reduction, shape, end):
    function = SoftmaxCrossEntropy(reduction)
    text = f"""
        %0: float32[3, 4] = input('x')
        %1: int64[3] = input('t')
        %2: float32[{shape}] = call(%0, %1, function={str(function)!r})
        return %2
    """
    assert lowered(text, function) == [
        "%2: float32[3, 1] = max(%0, axis=(1,), keepdims=True)",
        "%3: float32[3, 4] = subtract(%0, %2)",
        "%4: float32[3, 4] = exp(%3)",
        "%5: float32[3, 1] = sum(%4, axis=(1,), keepdims=True)",
        "%6: int64[3, 1] = reshape(%1, shape=(3, 1))",
        "%7: int64[4] = arange(start=0, stop=4, step=1, dtype=int64)",
        "%8: bool[3, 4] = equal(%6, %7)",
        "%9: float32[3, 4] = where(%8, %3, 0)",
        "%10: float32[3, 1] = sum(%9, axis=(1,), keepdims=True)",
        "%11: float32[3, 1] = log(%5)",
        "%12: float32[3, 1] = subtract(%11, %10)",
        "%13: float32[3] = reshape(%12, shape=(3,))",
        *end,
    ]


@pytest.mark.parametrize(
    ("check", "made"),
    [
        (CheckLabels(5, None, "it"), "gather(%0, %3, axes=(0,))"),
        (CheckLabels(6, None, "it"), None),  # there is no row 5
        (CheckLabels(5, -1, "it"), None),  # a label that is ignored is no place
    ],
)
def test_rows_are_taken_at_places_that_were_checked(check, made):
    gather = Gather((ARRAY,), (5, 6))
    text = f"""
        %0: float32[5, 6] = input('table')
        %1: int64[2, 3] = input('t')
        %2: int64[2, 3] = call(%1, function={str(check)!r})
        %3: int64[6] = reshape(%2, shape=(6,))
        %4: float32[6, 6] = call(%0, %3, function={str(gather)!r})
        return %4
    """
    unchanged = f"call(%0, %3, function={str(gather)!r})"
    assert lowered(text, check, gather)[-2:] == [
        f"%4: float32[6, 6] = {made or unchanged}",
        "return %4",
    ]


@pytest.mark.parametrize(
    ("widths", "end"),
    [
        ([(0, 5), (4, 0), (2, 3)], "concatenate(%0, %2, %1, axis=1)"),
        ([(0, 5), (4, 0), (1, 4)], "add(%6, %5)"),  # one over another
        ([(0, 6), (5, 0), (2, 4)], "add(%6, %5)"),  # what nobody gave stays 0
    ],
)
def test_gradients_of_all_slices_are_joined(widths, end):
    total = 7 if "concatenate" in end or widths[0] == (0, 5) else 8
    lengths = [total - sum(width) for width in widths]
    given = [f"%{i}: float32[3, {n}] = input('x')" for i, n in enumerate(lengths)]
    pads = [
        f"%{i + 3}: float32[3, {total}] = pad(%{i}, width=((0, 0), {width}), value=0.0)"
        for i, width in enumerate(widths)
    ]
    sums = [
        f"%6: float32[3, {total}] = add(%3, %4)",
        f"%7: float32[3, {total}] = add(%6, %5)",
        "return %7",
    ]
    last = lowered("\n".join([*given, *pads, *sums]))[-2]
    assert last == f"%7: float32[3, {total}] = {end}"


@pytest.mark.parametrize(
    ("index", "shape", "given", "lines"),
    [
        ((slice(1, 3),), (5,), "2", ["%1: float32[5] = pad(%0, width=((1, 2),), value=0.0)"]),
        (
            (Ellipsis, -1),
            (2, 3),
            "2",
            [
                "%1: float32[2, 1] = reshape(%0, shape=(2, 1))",
                "%2: float32[2, 3] = pad(%1, width=((0, 0), (2, 0)), value=0.0)",
            ],
        ),
        ((slice(None), None), (3,), "3, 1", None),  # an axis more
        ((slice(None, None, 2),), (5,), "3", None),  # with gaps
    ],
)
def test_a_slice_that_is_put_into_zeros_is_padded(index, shape, given, lines):
    function = PutItem(index, shape)
    lengths = ", ".join(map(str, shape))
    call = f"%1: float32[{lengths}] = call(%0, function={str(function)!r})"
    text = f"%0: float32[{given}] = input('x')\n{call}\nreturn %1"
    assert lowered(text, function)[:-1] == (lines or [call])
