"""The programs of docs/training.md run, and go on where they were when they run again."""

from __future__ import annotations

import re
from pathlib import Path

import lamina.training
from lamina.training import Run

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")


def test_the_programs_of_the_page_run_and_go_on(tmp_path, monkeypatch, capsys):
    program = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    monkeypatch.chdir(tmp_path)
    first, again = {"__name__": "page"}, {"__name__": "page"}
    exec(compile(program, "docs/training.md", "exec"), first)
    assert Run("runs/signs").metrics("epoch")[-1]["held_out/accuracy"] > 0.8
    assert len(first["slope"].losses) == 2
    exec(compile(program, "docs/training.md", "exec"), again)
    assert (again["trainer"].samples, again["trainer"].epoch) == (0, 20)


def test_the_page_names_every_callback():
    told = set(re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE))
    others = {"Trainer", "Callback", "Run", "environment"}
    assert told == set(lamina.training.__all__) - others
