"""A folder with a config, and commands that are run in it."""

from __future__ import annotations

import json

import pytest

from fixtures.small_run import CONFIG, MINE, forget_modules
from lamina.cli.main import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A current folder with a config and files of a user's."""
    (tmp_path / "a.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    (tmp_path / "sizes.py").write_text("COLUMNS = 4\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    forget_modules(tmp_path)


@pytest.fixture
def lamina(capsys):
    """Runs a command with --json; gives its status and its object."""

    def run(*words):
        capsys.readouterr()
        status = main([*words, "--json"])
        return status, json.loads(capsys.readouterr().out)

    return run
