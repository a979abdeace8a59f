"""Tables become objects, and what is wrong in them is said: with its place, and what was meant."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal

import pytest

import lamina.functions as F
import lamina.layers as L
import lamina.optimizers as O
from lamina.cli.experiment import fit
from lamina.cli.experiment.make import BROKEN, Maker
from lamina.cli.experiment.name import KINDS
from lamina.cli.experiment.problem import Problems
from lamina.cli.experiment.toml import parse


@pytest.fixture
def make(tmp_path):
    """Makes the value ``x`` of a TOML text; gives it with what is wrong."""

    def make(text, kind="layer", key="", updates=None):
        problems = Problems(parse(text, "a.toml"))
        maker = Maker(problems, (tmp_path,))
        maker.updates = updates
        return maker.role(("x",), problems.document.tree["x"], KINDS[kind], key), problems.found

    return make


# -- what is made --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('x = { layer = "Linear", out_size = 3, in_size = 2 }', "Linear(2 -> 3)"),
        ('x = { layer = "lamina.layers.Linear", out_size = 3 }', "Linear(? -> 3)"),
        ('x = { layer = "lamina.Linear", out_size = 3 }', "Linear(? -> 3)"),
        ('x = "ReLU"', "ReLU()"),
        (
            'x = { layer = "Sequential", steps = [{ layer = "Linear", out_size = 3 }, "relu"] }',
            "Sequential(\n  0: Linear(? -> 3)\n  1: relu\n)",
        ),
        (
            '[[x]]\nlayer = "Linear"\nout_size = 3\n[[x]]\nfunction = "relu"\n',
            "Sequential(\n  0: Linear(? -> 3)\n  1: relu\n)",
        ),
        ('x = { layer = "MLP", sizes = [4, 3] }', None),
        ('x = { layer = "Conv2d", out_channels = 3, kernel = [3, 5] }', None),
        ('x = { layer = "Residual", steps = [{ layer = "Linear", out_size = 3 }] }', None),
    ],
)
def test_a_table_makes_a_layer(make, text, shown):
    made, problems = make(text)
    assert problems == []
    assert isinstance(made, L.Layer)
    assert shown is None or repr(made) == shown


def test_text_is_a_name_where_a_function_is_wanted(make):
    made, problems = make('x = { layer = "MLP", sizes = [4, 3], activation = "tanh" }')
    assert problems == []
    assert made.activation is F.tanh


def test_a_function_gets_the_arguments_beside_it_when_it_is_called(make):
    made, problems = make('x = { function = "leaky_relu", slope = 0.25 }', "function")
    assert problems == []
    assert made([-4.0]).numpy().tolist() == [-1.0]
    assert make('x = "relu"', "function") == (F.relu, [])


def test_an_initializer_is_named_in_place(make):
    made, problems = make('x = { layer = "Linear", out_size = 3, init = "ones" }')
    assert problems == []
    assert made.build((1, 2)).W.numpy().tolist() == [[1, 1, 1], [1, 1, 1]]


def test_an_optimizer_has_a_schedule(make):
    text = 'x = { name = "Adam", lr = { schedule = "Cosine", lr = 0.1, steps = 7 } }'
    made, problems = make(text, "optimizer", "name")
    assert problems == []
    assert made.lr == O.Cosine(0.1, steps=7)


def test_a_schedule_that_was_not_told_how_long_training_is_learns_it(make):
    text = 'x = { name = "Adam", lr = { schedule = "Cosine", lr = 0.1 } }'
    made, problems = make(text, "optimizer", "name", updates=70)
    assert problems == []
    assert made.lr == O.Cosine(0.1, steps=70)


def test_a_schedule_behind_a_warm_up_has_the_updates_that_are_left(make):
    text = """\
[x]
name = "SGD"
[x.lr]
name = "Warmup"
steps = 20
schedule = { schedule = "Cosine", lr = 0.1 }
"""
    made, problems = make(text, "optimizer", "name", updates=70)
    assert problems == []
    assert made.lr == O.Warmup(O.Cosine(0.1, steps=50), steps=20)


def test_how_long_a_warm_up_is_must_be_said(make):
    text = 'x = { name = "SGD", lr = { name = "Warmup", schedule = 0.5 } }'
    _, problems = make(text, "optimizer", "name", updates=70)
    assert problems == ["a.toml, line 1: x.lr lacks steps, which Warmup needs"]


def test_an_optimizer_in_an_optimizer_can_be_called_by_name(make):
    inner = '{ name = "Momentum", lr = 0.5 }'
    made, problems = make(
        f'x = {{ name = "Accumulate", steps = 2, optimizer = {inner} }}', "optimizer", "name"
    )
    assert problems == []
    assert (type(made), made.lr) == (O.Accumulate, 0.5)


def test_arguments_that_every_optimizer_takes_are_known(make):
    text = 'x = { name = "SGD", clip_norm = 1.0, groups = { "0/*" = { lr = 0.5 } } }'
    made, problems = make(text, "optimizer", "name")
    assert problems == []
    assert made.setup({"0/W": L.Linear(2, in_size=2).W}).rate_of("0/W") == 0.5


def test_an_optimizer_can_be_an_argument(make):
    text = 'x = { name = "SAM", optimizer = { optimizer = "SGD", lr = 0.5 } }'
    made, problems = make(text, "optimizer", "name")
    assert problems == []
    assert isinstance(made, O.SAM)


# -- what is wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'x = "Dense"',
            "x should name a layer, got 'Dense'; did you mean 'Linear'?",
        ),
        (
            'x = "nonsense"',
            "x should name a layer, got 'nonsense'; lamina has none of that name, and others need "
            "an import path such as package.module.Name, or file.py:Name",
        ),
        (
            'x = "lamina.layers.Liner"',
            "x names lamina.layers.Liner, but module lamina.layers has no 'Liner'; did you mean "
            "lamina.layers.Linear?",
        ),
        (
            'x = "lamina.layer.Linear"',
            "x names lamina.layer, but module lamina has no 'layer'; did you mean lamina.layers?",
        ),
        (
            'x = "L.Linear"',
            "x names a module 'L', which is neither in FOLDER nor installed; did you mean "
            "'Linear'?",
        ),
        ('x = "a b.c"', "x should be an import path or file.py:Name, got 'a b.c'"),
        ("x = 3", "x should name a layer, got 3"),
        (
            'x = "lamina.layers.__doc__"',
            "x should name a layer, got 'lamina.layers.__doc__', 'Layers: blocks that hold "
            "parameters and turn inputs into ou",
        ),
        (
            'x = { layer = "Linear", out_size = "64" }',
            "x.out_size should be an integer, got the text '64'",
        ),
        ('x = { layer = "Linear", out_size = 2.5 }', "x.out_size should be an integer, got 2.5"),
        (
            'x = { layer = "Linear", out_size = true }',
            "x.out_size should be an integer, got true",
        ),
        (
            'x = { layer = "Linear", out_size = 3, in_size = [2] }',
            "x.in_size should be an integer, got the list [2]",
        ),
        (
            'x = { layer = "Linear", out_size = 0 }',
            "x cannot be made: Linear: out_size should be an integer of 1 or more, got 0",
        ),
        (
            'x = { layer = "Linear", units = 64, out_size = 3 }',
            "x.units is no argument of Linear; did you mean 'out_size'?",
        ),
        (
            'x = { layer = "ReLU", xyz = 1 }',
            "x.xyz is no argument of ReLU; it takes none",
        ),
        (
            'x = { layer = "Dropout", zzz = 1 }',
            "x.zzz is no argument of Dropout; it takes ratio",
        ),
        ('x = { layer = "Linear" }', "x lacks out_size, which Linear needs"),
        ("x = { out_size = 3 }", "x lacks layer, the name of a layer"),
        (
            'x = { layer = "MLP", sizes = [3, "a"] }',
            "x.sizes should be a list of integers, got the list [3, 'a']",
        ),
        (
            'x = { layer = "MLP", sizes = [3], activation = "tahn" }',
            "x.activation should name a function, got 'tahn'; did you mean 'tanh'?",
        ),
        (
            'x = { layer = "Linear", out_size = 3, init = "he_norm" }',
            "x.init should name an initializer, got 'he_norm'; did you mean 'he_normal'?",
        ),
        (
            'x = { layer = "Sequential", steps = ["relu", "Linear"] }',
            "x.steps[1] should name a function, got 'Linear'",
        ),
        (
            'x = { layer = "Linear", out_size = 3, in_size = 2024-01-01 }',
            "x.in_size is a date or a time, 2024-01-01; write it as text",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_what_was_meant(make, text, problem, tmp_path):
    made, problems = make(text)
    assert made is BROKEN
    [found] = problems
    assert found.startswith("a.toml, line 1: " + problem.replace("FOLDER", str(tmp_path)))


def test_everything_that_is_wrong_is_told_at_once(make):
    text = """\
[x]
layer = "Sequential"
steps = [
  { layer = "Liner", out_size = 3, init = { initializer = "zeroes" } },
  { layer = "Dropout", ration = 0.5 },
  "rleu",
]
stesp = []
"""
    made, problems = make(text)
    assert made is BROKEN
    assert [problem.partition(": ")[0] for problem in problems] == [
        "a.toml, line 8", "a.toml, line 4", "a.toml, line 4", "a.toml, line 5", "a.toml, line 6",
    ]  # fmt: skip


# -- annotations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "hint", "fits"),
    [
        (3, int, True),
        (3.0, int, False),
        (True, int, False),
        (3, float, True),
        (True, float, False),
        ("3", float, False),
        (None, int | None, True),
        (None, int, False),
        ("a", Literal["a", "b"], True),
        ("c", Literal["a", "b"], False),
        ([1, 2], tuple[int, int], True),
        ([1, 2, 3], tuple[int, int], False),
        ([1, 2.5], Sequence[int], False),
        ([], list[int], True),
        ("ab", Sequence[str], True),
        ({"a": 1}, dict[str, int], True),
        ([1], dict[str, int], False),
        (abs, Callable[[int], int], True),
        ("abs", Callable[[int], int], False),
        (int, type[int], True),
        (3, Any, True),
        (3, "Unknown", True),
        (L.ReLU(), L.Layer, True),
        (3, L.Layer, False),
        ([1, [2, 3]], tuple[int | tuple[int, int], ...], True),
    ],
)
def test_a_value_fits_an_annotation_or_not(value, hint, fits):
    assert fit.fits(value, hint) is fits


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int, "an integer"),
        (float | None, "a number"),
        (int | tuple[int, int], "an integer or a list of 2 integers"),
        (list[int | str], "a list of integers or text"),
        (Callable[[int], int], "a function"),
        (Literal["a", "b"], "'a' or 'b'"),
        (dict[str, int], "a table"),
        (L.Layer, "a Layer"),
        (O.Optimizer, "an Optimizer"),
    ],
)
def test_an_annotation_is_told_in_words(hint, words):
    assert fit.in_words(hint) == words


def test_annotations_of_a_partial_function_are_those_of_the_function():
    def function(a: int, b: str = "", c: Unknown = None):  # noqa: F821 (what cannot be known)
        """Any."""

    assert fit.hints(functools.partial(function, 1)) == {"b": str}
