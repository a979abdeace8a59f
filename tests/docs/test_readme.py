"""What the pages at the root show is run, and what they link to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lamina.check import PROMISES, case
from lamina.functions import activation

ROOT = Path(__file__).parents[2]
READMES = ["README.md", "README.zh.md"]


def blocks(name: str) -> list[str]:
    """The ```python blocks of a page, each behind as many blank lines as stand before it there."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return [
        "\n" * text[: match.start(1)].count("\n") + match.group(1)
        for match in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


@pytest.mark.parametrize("name", READMES)
def test_the_python_blocks_of_a_readme_run_in_order(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # they save files
    namespace = {"__name__": "readme"}
    for block in blocks(name):
        exec(compile(block, ROOT / name, "exec"), namespace)


@pytest.mark.parametrize("name", READMES)
def test_a_readme_has_python_to_run(name):
    assert len(blocks(name)) >= 3


def test_both_readmes_show_the_same_program():
    english, chinese = (
        [re.sub(r"#.*", "", block).strip() for block in blocks(name)] for name in READMES
    )
    assert english == chinese


@pytest.mark.parametrize("promise", PROMISES.values(), ids=PROMISES)
def test_the_operator_that_contributing_adds_keeps_every_promise(promise):
    namespace = dict(vars(activation)) | {"case": case, "__name__": "contributing"}
    for block in blocks("CONTRIBUTING.md"):
        exec(compile(block, ROOT / "CONTRIBUTING.md", "exec"), namespace)
    promise(namespace["row"])


def test_the_operator_that_contributing_adds_takes_25_lines():
    lines = "\n".join(blocks("CONTRIBUTING.md")).splitlines()
    assert len([line for line in lines if line]) <= 25


@pytest.mark.parametrize("name", [*READMES, "CONTRIBUTING.md", "SECURITY.md"])
def test_every_link_inside_the_repository_leads_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", [*READMES, "CONTRIBUTING.md"])
def test_every_make_target_that_a_page_names_exists(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"\bmake ([a-z]+)(?=[`\s])", "\n".join(code_of(text))))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named - targets == set()


def code_of(text: str) -> list[str]:
    """Blocks and spans that are set as code."""
    return re.findall(r"```sh\n.*?```|`make [^`\n]*`", text, re.DOTALL)
