"""What was meant, and how it is said."""

from __future__ import annotations

import pytest

from lamina.cli.experiment.problem import Problems, distance, listed, nearest
from lamina.cli.experiment.toml import parse
from lamina.errors import ConfigError


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("epoch", ["epochs", "seed"], "epochs"),
        ("EPOCHS", ["epochs"], "epochs"),
        ("relu", ["ReLU", "relu6"], "ReLU"),
        ("Adma", ["Adam", "Adamax", "AdamW"], "Adam"),
        ("tahn", ["tan", "tanh"], "tanh"),
        ("learning_rate", ["lr", "eps"], "lr"),
        ("num_workers", ["workers", "seed"], "workers"),
        ("Dense", ["Linear", "Conv2d"], "Linear"),
        ("evaluate", ["eval", "train"], "eval"),
        ("opt", ["optimizer", "loss"], "optimizer"),
        ("CrossEntropyLoss", ["softmax_cross_entropy", "nll_loss"], "softmax_cross_entropy"),
        ("softmax_crossentropy", ["softmax_cross_entropy"], "softmax_cross_entropy"),
        ("xyz", ["epochs", "seed"], None),
        ("x", ["lr"], None),
        ("x", [], None),
        ("", ["lr"], None),
    ],
)
def test_the_nearest_name_is_the_one_that_was_meant(word, known, meant):
    assert nearest(word, known) == meant


@pytest.mark.parametrize(
    ("a", "b", "steps"),
    [("", "", 0), ("", "ab", 2), ("adma", "adam", 1), ("lr", "rl", 1), ("kitten", "sitting", 3)],
)
def test_the_distance_of_words_counts_letters(a, b, steps):
    assert distance(a, b) == distance(b, a) == steps


@pytest.mark.parametrize(
    ("names", "words"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (list("abcd"), "a, b and 2 more")],
)
def test_lists_are_read_aloud(names, words):
    assert listed(names, most=3 if len(names) < 4 else 2) == words


def test_all_problems_are_raised_at_once_each_with_its_place():
    problems = Problems(parse("epochs = 0\n[data]\nx = 1\n", "a.toml"))
    problems.check()
    problems.add(("epochs",), "should be 1 or more, got 0")
    problems.add((), "lacks [loss]")
    problems.add(("data", "x"), "is no key")
    problems.add(("data", "x"), "is no key")
    with pytest.raises(ConfigError, match="lacks") as caught:
        problems.check()
    assert caught.value.problems == (
        "a.toml, line 1: epochs should be 1 or more, got 0",
        "a.toml: lacks [loss]",
        "a.toml, line 3: data.x is no key",
    )
