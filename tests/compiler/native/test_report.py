"""`Step.explain` of a native program: what each group moves, and how long it takes."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

import lamina
from lamina import Linear, Sequential
from lamina import functions as F


def explained(**options):
    lamina.seed(0)
    model = Sequential(Linear(24), F.relu, Linear(5))

    @lamina.compile(backend="native", **options)
    def step(x):
        return F.softmax(model(x)).sum()

    x = np.ones((7, 11), np.float32)
    for _ in range(4):
        step(x)
    return step


def groups_of(text):
    return [line for line in text.splitlines() if line.startswith("  ") and ": " in line]


def test_groups_say_their_loops_and_instructions():
    text = explained().explain()
    assert any(line.endswith("nest 7x24: matmul maximum") for line in groups_of(text))


def test_bytes_are_those_of_the_arrays():
    line = next(x for x in groups_of(explained().explain()) if "matmul maximum" in x)
    moved = 4 * (7 * 11 + 11 * 24 + 24 + 7 * 24)
    assert f"{moved / 1e6:.3f} MB" in line


def test_times_are_there_only_where_they_were_taken():
    assert "time, share" not in explained().explain()
    timed = explained(profile=True).explain()
    assert "time, share" in timed
    assert all(" us " in line for line in groups_of(timed) if "numpy" not in line)


@pytest.mark.parametrize("profile", [False, True])
def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere(profile):
    page = explained(profile=profile).explain(html=True)
    opened: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            assert not {"src", "href"} & dict(attributes).keys()
            opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Reader().feed(page)
    assert opened == []
    assert "matmul maximum" in page
