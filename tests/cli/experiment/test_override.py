"""Words of the command line that change a config."""

from __future__ import annotations

import pytest

from lamina.cli.experiment.override import changed, path_of
from lamina.cli.experiment.toml import parse
from lamina.errors import ConfigError

TEXT = """\
epochs = 3
[model]
steps = [{ layer = "Linear", out_size = 8 }, "relu"]
[optimizer]
name = "SGD"
"""


def after(*words):
    return changed(parse(TEXT, "a.toml"), list(words)).tree


@pytest.mark.parametrize(
    ("word", "path", "value"),
    [
        ("epochs=5", ("epochs",), 5),
        ("optimizer.lr=1e-3", ("optimizer", "lr"), 1e-3),
        ("model.steps[0].out_size=64", ("model", "steps", 0, "out_size"), 64),
        ("model.steps.0.out_size=64", ("model", "steps", 0, "out_size"), 64),
        ("model.steps[-1]=tanh", ("model", "steps", 1), "tanh"),
        ("new.table.key=a=b", ("new", "table", "key"), "a=b"),
        ('"a key".x = 1', ("a key", "x"), 1),
    ],
)
def test_a_word_changes_one_value(word, path, value):
    found = after(word)
    for key in path:
        found = found[key]
    assert found == value


def test_the_document_itself_stays():
    document = parse(TEXT, "a.toml")
    changed(document, ["model.steps[0].out_size=64"])
    assert document.tree == parse(TEXT, "").tree


def test_without_words_the_document_stays_with_its_text():
    document = parse(TEXT, "a.toml")
    assert changed(document, []) is document


def test_what_was_changed_has_its_place_on_the_command_line():
    document = changed(parse(TEXT, "a.toml"), ["model.steps=[1]", "epochs=x"])
    assert document.place(("epochs",)) == "command line, epochs=x"
    assert document.place(("model", "steps", 0, "out_size")) == "command line, model.steps=[1]"
    assert document.place(("optimizer", "name")) == "a.toml, line 5"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("epochs", "command line: epochs should look like optimizer.lr=0.01"),
        ("=3", "command line: =3 should look like"),
        ("a..b=3", "should look like"),
        ("a b=3", "should look like"),
        ("epochs.x=3", "goes into epochs, which is 3 and neither a table nor a list"),
        ("model.steps.x=3", "goes into model.steps, a list: its elements are called [0], [1], ..."),
        ("model.steps[2]=3", "needs element 2 of model.steps, which has 2"),
        ("model.steps[2].x=3", "needs element 2 of model.steps, which has 2"),
        ("model[0].x=3", "needs model[0], which there is not: model is a table"),
        ("model[0]=3", "needs model[0], which there is not: model is a table"),
    ],
)
def test_a_word_that_changes_nothing_is_told(word, message):
    with pytest.raises(ConfigError) as caught:
        after(word, "epochs=5")
    [problem] = caught.value.problems
    assert message in problem


def test_all_wrong_words_are_told_at_once():
    with pytest.raises(ConfigError, match="epochs") as caught:
        after("epochs", "seed")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("a.b[0].c-d", ("a", "b", 0, "c-d")),
        ("a[0][1]", ("a", 0, 1)),
        ('"a.b"', ("a.b",)),
        ("", ()),
        ("a.", ()),
        ("a[x]", ()),
    ],
)
def test_a_path_is_read_from_words(text, path):
    assert path_of(text) == path
