"""tools/counts.py: what it counts is of the kind that it says, and code is what is neither."""

from __future__ import annotations

import pytest

from lamina import functions as F
from lamina import layers as L
from lamina import optimizers as O
from tools.counts import code_lines, counts, derived, losses, main, schedules


def test_losses_are_functions_with_a_reduction_and_no_embeddings():
    assert {F.softmax_cross_entropy, F.triplet_loss} <= set(losses())
    assert not {F.embedding_bag, F.softmax, F.mean} & set(losses())


def test_schedules_are_called_and_optimizers_are_not():
    assert {O.Cosine, O.Plateau} <= set(schedules())
    assert not {O.Schedule, O.Adam, O.ClipNorm} & set(schedules())


@pytest.mark.parametrize(
    ("module", "base", "inside", "outside"),
    [
        (L, L.Layer, L.Linear, {L.Layer, L.Summary}),
        (O, O.Optimizer, O.LBFGS, {O.Optimizer, O.Method, O.ClipNorm, O.EMA}),
        (O, O.Transformation, O.ClipNorm, {O.Transformation, O.Adam}),
    ],
    ids=["layers", "optimizers", "transformations"],
)
def test_a_kind_is_made_from_its_base_and_the_base_is_not_counted(module, base, inside, outside):
    found = set(derived(module, base))
    assert inside in found
    assert not outside & found


def test_there_are_some_of_each_kind():
    assert min(counts().values()) > 0


def test_blank_lines_comments_and_docstrings_are_no_code():
    head = '"""First.\n\nMore.\n"""\n\n# why\n'
    assert code_lines(head) == 0
    assert code_lines(head + 'x = """a\nb"""  # what\n\n') == 2
    assert code_lines('def f():\n    "One."\n    return 1\n') == 2


def test_it_prints_one_line_for_each_kind(capsys):
    main()
    printed = capsys.readouterr().out
    assert f"{counts()['functions']}  functions\n" in printed
    assert "lines of src/lamina/compiler, " in printed
