"""What the pages under docs/ show is what happens, and what they link to is there."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
TEXTS = {path: path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))}
PAGES = [path for path, text in TEXTS.items() if ">>>" in text]
NATIVE = DOCS / "native.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_what_happens(page):
    if 'backend="native"' in TEXTS[page]:
        pytest.importorskip("llvmlite")
    failed, tried = doctest.testfile(
        str(page), module_relative=False, optionflags=doctest.ELLIPSIS, encoding="utf-8"
    )
    assert tried > 0
    assert failed == 0


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)\)", TEXTS[page])
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.fixture
def assembly() -> str:
    """The machine code of the nest that native.md shows."""
    pytest.importorskip("llvmlite")
    from lamina.machine.target import host

    if host().lanes < 16:
        pytest.skip("the page shows a processor with AVX-512")
    names: dict = {}
    program, native = re.findall(r"^```pycon\n(.*?)^```$", TEXTS[NATIVE], re.M | re.S), []
    for example in doctest.DocTestParser().get_examples("".join(program)):
        exec(compile(example.source, str(NATIVE), "exec"), names)
        native = names.get("native", native)
        if native:
            break
    text = native.written().assembly()
    return text[text.index("nest_") :]


def test_the_machine_code_that_a_page_shows_is_in_the_nest(assembly):
    [shown] = re.findall(r"^```asm\n(.*?)^```$", TEXTS[NATIVE], re.M | re.S)
    words = [line.split()[0] for line in shown.splitlines()]
    # registers and order are LLVM's choice, and not the same in every version
    assert {word for word in words if word != "..."} <= set(assembly.split())
