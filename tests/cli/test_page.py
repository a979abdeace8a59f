"""What docs/command-line.md shows is what happens: its commands are run, in order."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
from pathlib import Path

import pytest

from lamina.cli.experiment.build import build
from lamina.cli.experiment.name import KINDS
from lamina.cli.experiment.toml import parse
from lamina.cli.main import main, make_parser
from lamina.config import using

PAGE = Path(__file__).parents[2] / "docs/command-line.md"
TEXT = PAGE.read_text(encoding="utf-8")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def commands():
    """Each command of the page with what it prints."""
    session = "".join(re.findall(r"^```console\n(.*?)^```$", TEXT, re.M | re.S))
    parts = re.split(r"^\$ (.*)\n", session, flags=re.M)[1:]
    return list(zip(parts[::2], parts[1::2]))


def printed(line):
    """What a command prints, to both of its streams; into a file if the line says so."""
    line, _, file = line.partition(" > ")
    program, *words = shlex.split(line)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        if program == "lamina":
            main(words)
        else:
            exec(words[-1], {})
    if file:
        Path(file).write_text(out.getvalue(), encoding="utf-8")
        return ""
    return out.getvalue()


def test_the_session_of_the_page_is_what_happens(tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    checker = doctest.OutputChecker()
    for line, shown in commands():
        with using(native=False):  # what is printed is the same, and nothing is compiled
            found = printed(line)
        example = doctest.Example(line, shown)
        if not checker.check_output(shown, found, FLAGS):
            pytest.fail(line + "\n" + checker.output_difference(example, found, FLAGS))


def test_the_session_has_every_command_that_works_on_a_run():
    used = {shlex.split(line)[1] for line, _ in commands() if line.startswith("lamina ")}
    assert used == {
        "train", "resume", "eval", "predict", "summary", "doctor", "diff", "report"
    }  # fmt: skip


def test_the_config_of_the_page_can_be_made(tmp_path):
    pytest.importorskip("sklearn")
    [text] = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.M | re.S)
    experiment = build(parse(text, "page"), (tmp_path,))
    assert experiment.config.epochs == 20
    assert len(experiment.held_out) == 144


def test_the_table_of_commands_names_all_of_them():
    rows = re.findall(r"^\| `([a-z]+)[ `]", TEXT, re.M)
    assert set(make_parser().commands()) <= set(rows)


def test_the_table_of_kinds_names_all_of_them():
    table = TEXT[TEXT.index("| key | names one of") : TEXT.index("In places where only")]
    first = " ".join(row.split("|")[1] for row in table.splitlines()[2:] if row)
    assert set(re.findall(r"`(\w+)`", first)) == set(KINDS)
    for kind in KINDS.values():
        row = next(row for row in table.splitlines() if f"`{kind.key}`" in row.split("|")[1])
        assert all(f"`{module}`" in row for module in kind.modules)
