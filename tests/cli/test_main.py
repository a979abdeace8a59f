"""The command line: words in, exit status and one line out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import lamina
from lamina.cli import info
from lamina.cli.answer import Answer
from lamina.cli.main import COMMANDS, main, make_parser
from lamina.errors import CheckpointWriteError, ConfigError, ShapeError


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
    names = {"evaluate": "eval"}
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2]
        assert re.search(rf"\n    {names.get(name, name)}\s", out)


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"lamina {lamina.__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bake"], "lamina: there is no command 'bake'; there are demo, train, "),
        (["trian", "a.toml"], "lamina: there is no command 'trian'; did you mean 'train'?"),
        (["evaluate"], "lamina: there is no command 'evaluate'; did you mean 'eval'?"),
        (["--fast"], "lamina: there is no option --fast; see lamina --help\n"),
        (["demo", "--epoch=3"], "lamina demo: there is no option --epoch; did you mean --epochs?"),
        (["demo", "--epochs", "0"], "argument --epochs: should be an integer of 1 or more"),
        (["demo", "--epochs", "1.5"], "got '1.5'"),
        (["demo", "--seed", "-1"], "argument --seed: should be an integer of 0 or more"),
        (["info", "now"], "lamina info: there is nothing for the word 'now' to be; see lamina"),
        (["diff", "a"], "lamina diff: the following arguments are required: RUN2"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_ends_with_2(words, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(words)
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


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


def test_an_error_with_several_lines_is_one_line(fails_with, capsys):
    fails_with(ShapeError("conv:\n  3 and 4\n  differ"))
    assert main(["info"]) == 1
    assert capsys.readouterr().err == "lamina: conv: 3 and 4 differ\n"


def test_problems_of_a_config_are_a_line_each_and_end_with_2(fails_with, capsys):
    fails_with(ConfigError("a and b", ("a.toml, line 1: a", "a.toml, line 2: b")))
    assert main(["info"]) == 2
    assert capsys.readouterr().err == "lamina: a.toml, line 1: a\nlamina: a.toml, line 2: b\n"


def test_an_error_of_another_kind_names_its_kind(fails_with, capsys):
    fails_with(ZeroDivisionError("a bug"))
    assert main(["info"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("lamina: test_main.py, line ")
    assert error.endswith(": ZeroDivisionError: a bug; --traceback shows the way there\n")


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), ShapeError("no")], ids=repr)
def test_a_traceback_is_there_for_those_who_ask(error, fails_with, monkeypatch):
    fails_with(error)
    with pytest.raises(type(error), match=str(error)):
        main(["info", "--traceback"])
    monkeypatch.setenv("LAMINA_TRACEBACK", "1")
    with pytest.raises(type(error), match=str(error)):
        main(["info"])


def test_json_is_one_object_also_of_a_failure(fails_with, capsys):
    fails_with(ShapeError("matmul: 3 and 4 differ"))
    assert main(["info", "--json"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"error": ["matmul: 3 and 4 differ"]}
    assert captured.err == "lamina: matmul: 3 and 4 differ\n"


def test_with_json_what_is_printed_goes_to_standard_error(monkeypatch, capsys):
    def run(arguments):
        print("one of a user's prints")
        return Answer("words", {"loss": float("nan"), "shape": (2, 3)}, 3)

    monkeypatch.setattr(info, "run", run)
    assert main(["info", "--json"]) == 3
    captured = capsys.readouterr()
    assert captured.out == '{"loss": null, "shape": [2, 3]}\n'
    assert captured.err == "one of a user's prints\n"


def test_the_path_of_imports_is_as_it_was(monkeypatch):
    monkeypatch.setattr(info, "run", lambda arguments: sys.path.insert(0, "elsewhere") or Answer())
    before = list(sys.path)
    assert main(["info"]) == 0
    assert sys.path == before


@pytest.mark.parametrize("command", make_parser().commands())
def test_every_command_takes_json_and_traceback_and_helps_in_80_columns(
    command, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "82")  # argparse leaves two free
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    out = capsys.readouterr().out
    assert "--json" in out
    assert "--traceback" in out
    assert [line for line in out.splitlines() if len(line) > 88] == []


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
    assert f"lamina                {lamina.__version__}\n" in out
    assert f"NumPy                 {numpy.__version__}, " in out


def test_info_says_how_to_install_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(info, "OPTIONAL", {"no-such-package": "gpu"})
    assert main(["info"]) == 0
    line = "no-such-package       not installed; pip install 'lamina[gpu]'\n"
    assert line in capsys.readouterr().out


def test_every_package_of_info_is_in_the_extra_it_names():
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    extras = tomllib.loads(pyproject.read_text())["project"]["optional-dependencies"]
    for package, extra in info.OPTIONAL.items():
        assert any(line.startswith(package) for line in extras[extra]), package


def test_info_tells_of_variables_that_are_set(monkeypatch, capsys):
    monkeypatch.setenv("LAMINA_THREADS", "1")
    monkeypatch.delenv("LAMINA_LANES", raising=False)
    assert main(["info", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["variables"]["LAMINA_THREADS"] == "1"
    assert "LAMINA_LANES" not in found["variables"]
    assert found["threads"]["native"] == 1


def test_info_tells_who_computes_with_how_many_threads(monkeypatch, capsys):
    monkeypatch.delenv("LAMINA_THREADS", raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5, 7, 8, 9}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(info.threads, "cores", lambda: 4)
    monkeypatch.setattr(info.threads, "quota", lambda: 4.5)
    with threadpool_limits(limits=2):
        assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert "cores                 4: this process may run on 6 of 16, with a quota of 4.5\n" in out
    assert "native step           6 threads, and none of BLAS beside them\n" in out
    assert "eager                 2 threads of BLAS\n" in out
    assert "Loader                workers=0 needs none; 2 processes have 3 threads each\n" in out


def test_info_counts_the_threads_of_the_blas_that_numpy_uses():
    (numpys,) = [  # SciPy has one of its own
        pool["num_threads"]
        for pool in threadpool_info()
        if pool["internal_api"] == "openblas" and "numpy" in pool["filepath"]
    ]
    assert info.threads.blas_threads() == numpys


def test_every_variable_that_lamina_reads_is_told_of_by_info():
    sources = Path(lamina.__file__).parent.rglob("*.py")
    read = re.findall(r"[\"'](LAMINA_[A-Z]+)[\"']", "".join(path.read_text() for path in sources))
    assert set(read) - set(info.VARIABLES) == set()


def test_info_names_the_native_backend_its_vectors_and_its_cache(capsys):
    pytest.importorskip("llvmlite")
    assert main(["info", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["kernels"]
    assert found["backend"].startswith("native")
    assert found["lanes"] in (4, 8, 16)
    assert found["cache"] in ("off", os.environ["LAMINA_CACHE"])


def test_info_names_the_replay_without_llvmlite(monkeypatch, capsys):
    monkeypatch.setattr(info.importlib.util, "find_spec", lambda name: None)
    assert main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kernels"]["backend"].startswith("replay")


@pytest.mark.parametrize(
    ("machine", "lanes", "words"),
    [("x86_64", 16, "AVX-512"), ("AMD64", 8, "AVX2"), ("x86_64", 4, "SSE"),
     ("aarch64", 4, "vectors of 4 numbers")],
)  # fmt: skip
def test_vectors_are_called_as_their_makers_call_them(machine, lanes, words, monkeypatch):
    monkeypatch.setattr(info.platform, "machine", lambda: machine)
    assert info.vectors(lanes) == words
