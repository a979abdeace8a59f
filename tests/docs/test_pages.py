"""What the pages under docs/ show is what happens."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

PAGES = sorted(
    path
    for path in (Path(__file__).parents[2] / "docs").rglob("*.md")
    if ">>>" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_what_happens(page):
    failed, tried = doctest.testfile(
        str(page), module_relative=False, optionflags=doctest.ELLIPSIS, encoding="utf-8"
    )
    assert tried > 0
    assert failed == 0
