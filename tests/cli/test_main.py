"""The command line: words in, exit status and one line out."""

from __future__ import annotations

import subprocess
import sys

import pytest

import lamina
from lamina.cli import info
from lamina.cli.main import COMMANDS, main
from lamina.errors import CheckpointWriteError, ShapeError


def raising(error):
    def run(arguments):
        raise error

    return run


@pytest.fixture
def fails_with(monkeypatch):
    """Let ``lamina info`` raise."""
    return lambda error: monkeypatch.setattr(info, "run", raising(error))


def test_no_command_prints_the_help_and_is_wrong_usage(capsys):
    assert main([]) == 2
    assert "usage: lamina" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["demo", "--help"], ["info", "--help"]])
def test_help_is_no_failure(words, capsys):
    with pytest.raises(SystemExit, match="0"):
        main(words)
    assert capsys.readouterr().out.startswith("usage: lamina")


def test_the_help_names_every_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    out = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n    {command.__name__.rpartition('.')[2]} " in out


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"lamina {lamina.__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bake"], "invalid choice: 'bake'"),
        (["--fast"], "unrecognized arguments: --fast"),
        (["demo", "--epochs", "0"], "argument --epochs: should be an integer of 1 or more"),
        (["demo", "--epochs", "1.5"], "got '1.5'"),
        (["demo", "--seed", "-1"], "argument --seed: should be an integer of 0 or more"),
        (["info", "now"], "unrecognized arguments: now"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(words, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ShapeError("matmul: 3 and 4 differ"), "lamina: matmul: 3 and 4 differ\n"),
        (FileNotFoundError(2, "No such file", "a.npz"), "lamina: a.npz: No such file\n"),
        (CheckpointWriteError(28, "save: m.npz: full", "m.npz"), "lamina: save: m.npz: full\n"),
        (OSError("the disk is gone"), "lamina: the disk is gone\n"),
    ],
    ids=["lamina", "file", "disk", "text"],
)
def test_an_error_is_one_line_and_ends_with_1(error, line, fails_with, capsys):
    fails_with(error)
    assert main(["info"]) == 1
    assert capsys.readouterr().err == line


def test_ctrl_c_ends_with_130(fails_with, capsys):
    fails_with(KeyboardInterrupt())
    assert main(["info"]) == 130
    assert capsys.readouterr().err == "lamina: stopped\n"


def test_a_bug_of_ours_is_not_hidden(fails_with):
    fails_with(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        main(["info"])


def python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", *words], capture_output=True, text=True, check=False
    )


def test_python_m_lamina_is_the_same_command():
    done = python("-m", "lamina", "--version")
    assert (done.returncode, done.stdout) == (0, f"lamina {lamina.__version__}\n")


def test_python_m_lamina_passes_the_exit_status_on():
    assert python("-m", "lamina").returncode == 2


def test_a_reader_that_leaves_is_no_traceback():
    code = (
        "import os, sys; from lamina.cli.main import main; "
        "r, w = os.pipe(); os.dup2(w, 1); os.close(w); os.close(r); sys.exit(main(['info']))"
    )
    done = python("-c", code)
    assert (done.returncode, done.stderr) == (1, "")


def test_importing_the_command_line_imports_no_optional_package():
    code = (
        "import sys; import lamina.cli.main; "
        "print({'rich', 'matplotlib', 'sklearn', 'scipy'} & set(sys.modules))"
    )
    assert python("-c", code).stdout == "set()\n"


# -- info ----------------------------------------------------------------------------------------


def test_info_names_the_versions(capsys):
    import numpy

    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert f"lamina         {lamina.__version__}\n" in out
    assert f"NumPy          {numpy.__version__}, " in out


def test_info_says_how_to_install_what_is_missing():
    assert info.installed("no-such-package", "gpu") == (
        "not installed; it comes with: pip install 'lamina[gpu]'"
    )


def test_every_package_of_info_is_in_the_extra_it_names():
    from importlib.metadata import requires

    for package, extra in info.OPTIONAL.items():
        assert any(
            line.startswith(package) and f'extra == "{extra}"' in line.replace("'", '"')
            for line in requires("lamina") or []
        ), package
