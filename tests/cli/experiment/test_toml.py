"""Where each value of a TOML text stands, and trees as text."""

from __future__ import annotations

import math
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.cli.experiment.toml import in_words, parse, text_of, value_of

TEXT = r"""# a comment with [brackets] and a = b
epochs = 3 # = 4
"a key" = 'it"s'

[model]
layer = "Seq\"uential"
note = QQQ
two = 2
[three] \QQQ # four
QQQ
raw = \'\'\'
x = ["''\'\'\'
steps = [
    { layer = "Linear", out_size = 256 }, # } ]
    "relu", [1, 2,
        3],
    { layer = "Linear", size = 10 },
    { deep = [
        { x = 1 },
    ], inner.size = 10 },
]
[model.deep."quoted.key"]
x.y.z = 1979-05-27 07:32:00Z

[[runs]]
name = "a"
[runs.part]
lr = 1_000.5e-3
[[runs]]
name = "b"
[[runs.parts]]
n = 1
[[runs.parts]]
n = 2
""".replace("QQQ", '"' * 3).replace(r"\'\'\'", "'" * 3)


def test_the_text_of_this_test_is_toml():
    assert tomllib.loads(TEXT)["runs"][1]["parts"] == [{"n": 1}, {"n": 2}]


def line_of(text, word):
    return 1 + text[: text.index(word)].count("\n")


@pytest.mark.parametrize(
    ("path", "word"),
    [
        (("epochs",), "epochs = 3"),
        (("a key",), '"a key"'),
        (("model",), "[model]"),
        (("model", "note"), "note = "),
        (("model", "raw"), "raw = "),
        (("model", "steps"), "steps = ["),
        (("model", "steps", 0), "{ layer"),
        (("model", "steps", 0, "out_size"), "{ layer"),
        (("model", "steps", 1), '"relu"'),
        (("model", "steps", 2, 1), '"relu"'),
        (("model", "steps", 2, 2), "3],"),
        (("model", "steps", 3, "size"), "size = 10 },"),
        (("model", "steps", 4, "deep", 0, "x"), "{ x = 1 }"),
        (("model", "steps", 4, "inner", "size"), "inner.size"),
        (("model", "deep", "quoted.key"), "[model.deep"),
        (("model", "deep", "quoted.key", "x", "y", "z"), "x.y.z"),
        (("runs",), "[[runs]]"),
        (("runs", 0, "name"), 'name = "a"'),
        (("runs", 0, "part", "lr"), "lr = "),
        (("runs", 1), '[[runs]]\nname = "b"'),
        (("runs", 1, "name"), 'name = "b"'),
        (("runs", 1, "parts", 0, "n"), "n = 1"),
        (("runs", 1, "parts", 1, "n"), "n = 2"),
    ],
    ids=lambda x: in_words(x) if isinstance(x, tuple) else "",
)
def test_a_value_is_told_with_its_line(path, word):
    assert parse(TEXT, "a.toml").place(path) == f"a.toml, line {line_of(TEXT, word)}"


def test_what_is_not_there_is_told_with_what_it_would_be_in():
    document = parse("[data]\n[model]\nx = 1\n", "a.toml")
    assert document.place(("model", "y", 3)) == "a.toml, line 2"
    assert document.place(("nothing",)) == "a.toml"


def test_windows_lines_are_counted_as_others():
    assert parse("a = 1\r\n\r\nb = 2\r\n", "a.toml").place(("b",)) == "a.toml, line 3"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("model", "steps", 0, "out_size"), "model.steps[0].out_size"),
        (("a key", 1), '"a key"[1]'),
        ((), ""),
    ],
)
def test_a_path_is_written_as_in_programs(path, words):
    assert in_words(path) == words


keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)
trees = st.dictionaries(keys, values, max_size=4)


def paths(value, path=()):
    if path:
        yield path
    if isinstance(value, (dict, list)):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in inside:
            yield from paths(inner, (*path, key))


@settings(max_examples=150, deadline=None)
@given(trees)
def test_a_tree_comes_back_from_its_text_and_everything_in_it_has_a_place(tree):
    document = parse(text_of(tree), "a.toml")
    assert document.tree == tree
    assert all(type(document.tree[key]) is type(value) for key, value in tree.items())
    assert set(paths(tree)) <= set(document.places)


@pytest.mark.parametrize(
    ("number", "text"), [(math.inf, "inf"), (-math.inf, "-inf"), (1e300, "1e+300"), (-0.0, "-0.0")]
)
def test_numbers_are_written_as_toml_spells_them(number, text):
    assert text_of({"x": number}) == f"x = {text}\n"
    assert tomllib.loads(text_of({"x": number})) == {"x": number}


def test_nan_is_written_and_read():
    assert math.isnan(tomllib.loads(text_of({"x": math.nan}))["x"])


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("3", 3),
        ("1e-3", 1e-3),
        ("true", True),
        ("True", "True"),
        ("[1, 2]", [1, 2]),
        ('"3"', "3"),
        ("{ lr = 1 }", {"lr": 1}),
        ("runs/a b", "runs/a b"),
        ("", ""),
        ("1\nx = 2", "1\nx = 2"),
    ],
)
def test_a_word_of_the_command_line_is_a_value_of_toml_or_else_text(word, value):
    assert value_of(word) == value
    assert type(value_of(word)) is type(value)
