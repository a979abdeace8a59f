"""Each example runs, quickly, with warnings as errors."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


@cache
def run(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(path), "--quick"],
        capture_output=True,
        text=True,
        check=False,
        # Where tests run side by side, threads of BLAS only wait for one another.
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs(path):
    done = run(path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_under_150_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 150


def test_digits_learns_and_gives_the_same_scores_after_loading():
    out = run(next(path for path in EXAMPLES if path.name == "digits.py")).stdout
    share = float(out.partition("unseen digits read right: ")[2].partition("%")[0])
    assert share > 80  # of ten digits, after three looks at 500 of them; chance is 10
    assert "the same scores to the last bit: True" in out


def numbers(name, before):
    """What stands after each ``before`` in the output of a quick run."""
    out = run(next(path for path in EXAMPLES if path.name == f"{name}.py")).stdout
    parts = out.split(before)[1:]
    assert parts, out
    return [float(part.split()[0].rstrip("%")) for part in parts]


def test_fashion_learns():
    assert numbers("fashion", "told right: ")[-1] > 50  # of ten digits; chance is 10


def test_text_is_less_and_less_surprising():
    bits = numbers("text", "unseen text: ")
    assert bits[-1] < bits[0] < 6.5  # 94 letters, all as likely: log2(94) = 6.55


def test_a_vae_says_more_and_more_of_unseen_digits():
    bounds = numbers("vae", "unseen/loss ")
    assert bounds[-1] < bounds[0] < 44  # 64 pixels of one bit each: 64 log(2) = 44.4 nats


def test_regression_explains_something():
    assert numbers("regression", "a network  explains ")[-1] > 20  # the mean explains 0


def test_cartpole_holds_the_pole_longer():
    pytest.importorskip("gymnasium")
    means = numbers("cartpole", "last 100: ")
    assert means[-1] > 2 * means[0]


def test_cartpole_without_gymnasium_says_how_to_install_it():
    path = next(path for path in EXAMPLES if path.name == "cartpole.py")
    hidden = "import runpy, sys; sys.modules['gymnasium'] = None; sys.argv = ['cartpole.py']; "
    done = subprocess.run(
        [sys.executable, "-c", f"{hidden}runpy.run_path({str(path)!r}, run_name='__main__')"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "CartPole comes with gymnasium, which is not installed: pip install -e '.[rl]'"
    ]


# -- clothes -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fashion():
    path = next(path for path in EXAMPLES if path.name == "fashion.py")
    spec = importlib.util.spec_from_file_location("fashion", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_clothes_that_are_nowhere_are_digits_and_a_word(fashion, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("lamina.data.sources.DEBIAN", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("LAMINA_DATA", raising=False)
    assert fashion.clothes(None, fetch=False) is None
    assert "Handwritten digits take their place" in capsys.readouterr().out


def test_a_folder_of_clothes_that_has_none_is_refused(fashion, tmp_path):
    with pytest.raises(SystemExit, match="train-images-idx3-ubyte was not found in"):
        fashion.clothes(tmp_path, fetch=False)


def test_fashion_draws_a_run(fashion, tmp_path, rng):
    pytest.importorskip("matplotlib")
    t, guesses = rng.integers(0, 10, (2, 40))
    fashion.draw(tmp_path / "run.png", [0.1, 0.2], rng.random((40, 1, 28, 28)), t, guesses)
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
