"""lamina demo: it learns, it keeps what it learnt, and another process gets the same bits."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from lamina.cli import demo
from lamina.cli.main import main
from lamina.cli.network import MLP
from lamina.data import digits
from lamina.training import Run

PNG = b"\x89PNG\r\n\x1a\n"
# Where tests run side by side, threads of BLAS wait for one another: 64 s in place of 5, measured
# with three other busy processes on two cores.
ONE_THREAD = os.environ | {"OPENBLAS_NUM_THREADS": "1"}


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Here and in a second process: on some processors products of more threads round otherwise."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    with threadpool_limits(limits=1):
        yield


COMMAND = [sys.executable, "-W", "error", "-m", "lamina", "demo"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, str]:
    """One run as a newcomer starts it, in a process of its own: its folder and what it said."""
    folder = tmp_path_factory.mktemp("demo") / "runs" / "demo"
    environment = ONE_THREAD | {"PYTHONIOENCODING": "ascii"}  # some terminals show no more
    done = subprocess.run(
        [*COMMAND, "--out", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return folder, done.stdout


@pytest.fixture
def folder(finished, tmp_path) -> Path:
    """A copy of the finished run, to be damaged."""
    return Path(shutil.copytree(finished[0], tmp_path / "copy"))


@pytest.fixture
def small(monkeypatch) -> None:
    """A network that learns in no time, where it does not matter what it learns."""
    monkeypatch.setitem(demo.NETWORK, "width", 24)


def metrics(folder: Path) -> list[dict]:
    return Run(folder).metrics("epoch")


# -- a whole run ---------------------------------------------------------------------------------


def test_it_reads_97_percent_of_the_held_out_digits(finished):
    assert metrics(finished[0])[-1]["held_out/accuracy"] >= 0.97


def test_the_accuracy_is_what_the_saved_weights_reach(finished):
    model = MLP(**demo.NETWORK)
    model.load_weights(finished[0] / "weights.npz", quiet=True)
    x, t = digits(train=False)
    reached = (demo.scores(model, x).argmax(axis=1) == t).mean()
    assert reached == metrics(finished[0])[-1]["held_out/accuracy"]


def test_the_share_it_says_is_the_share_it_recorded(finished):
    ((right, share),) = re.findall(r"right: (\d+) of 360, ([\d.]+)%", finished[1])
    assert int(right) / 360 == metrics(finished[0])[-1]["held_out/accuracy"]
    assert share == f"{int(right) / 3.6:.1f}"


def test_it_shows_the_code_of_its_network(finished):
    assert "    class Block(Layer):\n" in finished[1]
    assert "x + self.l2(h)" in finished[1]


def test_each_epoch_is_one_line_of_the_log(finished):
    lines = [line for line in finished[1].splitlines() if line.startswith("epoch ")]
    assert len(lines) == 20
    assert all(re.search(r"loss .* accuracy .* samples/s .* left", line) for line in lines)


def test_metrics_are_one_object_an_epoch_and_one_a_step(finished):
    assert [record["epoch"] for record in metrics(finished[0])] == list(range(1, 21))
    assert len(Run(finished[0]).metrics("step")) == 20 * 23


def test_metrics_hold_finite_numbers(finished):
    records = Run(finished[0]).metrics()
    values = [value for record in records for key, value in record.items() if key != "event"]
    assert np.all(np.isfinite(values))


def test_the_picture_is_a_png(finished):
    assert (finished[0] / "curves.png").read_bytes().startswith(PNG)


def test_the_weights_open_with_numpy_alone(finished):
    with np.load(finished[0] / "weights.npz") as file:
        assert file["blocks/1/l2/W"].shape == (256, 256)


def test_what_is_in_the_folder(finished):
    names = {path.name for path in finished[0].iterdir()}
    assert names == {
        *("check.json", "checkpoints", "curves.png", "graph.svg", "metrics.jsonl", "report.html"),
        *("run.json", "samples", "statistics.jsonl", "weights.npz"),
    }


def test_the_run_is_finished_and_says_what_it_was_made_from(finished):
    found = Run(finished[0]).description
    assert found["status"] == "finished"
    assert found["config"]["network"] == demo.NETWORK
    assert (found["config"]["seed"], found["config"]["epochs"]) == (0, 20)


def test_the_report_has_every_section_and_no_note(finished):
    text = (finished[0] / "report.html").read_text(encoding="utf-8")
    sections = re.findall(r'<section id="(\w+)"', text)
    wanted = ["headline", "curves", "layers", "samples", "graph", "config", "environment"]
    assert sections == wanted


def test_both_processes_print_one_digest(finished):
    here, there = re.findall(r"\b[0-9a-f]{64}\b", finished[1])
    assert here == there


def test_the_digest_is_that_of_the_scores(finished):
    model = MLP(**demo.NETWORK)
    model.load_weights(finished[0] / "weights.npz", quiet=True)
    bytes_ = demo.scores(model, digits(train=False)[0]).tobytes()
    assert hashlib.sha256(bytes_).hexdigest() in finished[1]


def test_it_says_that_the_scores_are_equal_and_ends_with_the_path_of_the_report(finished):
    *_, equal, empty, report = finished[1].splitlines()
    assert (equal, empty) == ("They are equal to the last bit.", "")
    assert report == f"Report, curves and all: {finished[0] / 'report.html'}"


# -- the second process --------------------------------------------------------------------------


def test_a_finished_run_can_be_checked_again(folder, capsys):
    assert main(["demo", "--check", str(folder)]) == 0
    assert "equal to the last bit" in capsys.readouterr().out


def failing_check(folder: Path, capsys) -> str:
    assert main(["demo", "--check", str(folder)]) == 1
    out, err = capsys.readouterr()
    assert "equal" not in out
    return err


def test_a_flipped_bit_in_the_weights_fails_the_check(folder, capsys):
    path = folder / "weights.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "weights.npz" in failing_check(folder, capsys)


def test_truncated_weights_fail_the_check(folder, capsys):
    path = folder / "weights.npz"
    path.write_bytes(path.read_bytes()[:5000])
    assert "weights.npz" in failing_check(folder, capsys)


def test_other_weights_in_a_good_file_fail_the_check(folder, capsys):
    model = MLP(**demo.NETWORK)
    model.load_weights(folder / "weights.npz", quiet=True)
    assert model.last.b is not None
    b = model.last.b.data
    b[3] += 1e-3  # one number of 282,378
    model.save_weights(folder / "weights.npz")
    assert "another SHA-256" in failing_check(folder, capsys)


def test_missing_weights_fail_the_check(folder, capsys):
    (folder / "weights.npz").unlink()
    assert "weights.npz" in failing_check(folder, capsys)


def test_a_folder_without_a_run_fails_the_check(tmp_path, capsys):
    assert "run lamina demo first" in failing_check(tmp_path, capsys)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", "\x00", '{"network": {}}', '{"network": 3}', "[" * 100_000],
    ids=["empty", "{}", "[]", "null", "binary", "no network", "number", "deep"],
)
def test_a_damaged_description_fails_the_check(text, folder, capsys):
    (folder / "check.json").write_text(text)
    assert "is not what lamina demo wrote" in failing_check(folder, capsys)


def test_a_description_of_another_network_fails_the_check(folder, capsys):
    path = folder / "check.json"
    path.write_text(path.read_text().replace('"width": 256', '"width": 255'))
    assert "does not fit the model" in failing_check(folder, capsys)


def test_a_second_process_with_other_scores_is_a_failure(small, monkeypatch, tmp_path, capsys):
    def answer(command, **options):
        return subprocess.CompletedProcess(command, 0, stdout="other scores\n")

    monkeypatch.setattr(subprocess, "run", answer)
    assert main(["demo", "--epochs", "1", "--out", str(tmp_path)]) == 1
    assert "computed other scores" in capsys.readouterr().err


# -- what can be missing or go wrong -------------------------------------------------------------


def test_without_matplotlib_it_says_so_and_goes_on(small, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["demo", "--epochs", "1", "--out", str(tmp_path)]) == 0
    assert "not drawn: matplotlib" in capsys.readouterr().out
    assert not (tmp_path / "curves.png").exists()


def test_the_folder_of_another_run_is_left_alone(tmp_path, capsys):
    text = '{"kind": "lamina run", "version": 1, "config": {"seed": 3}}'
    (tmp_path / "run.json").write_text(text)
    assert main(["demo", "--out", str(tmp_path)]) == 1
    assert "holds another run; choose a folder with --out" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_demo_of_an_older_lamina_makes_room(tmp_path):
    (tmp_path / "run.json").write_text('{"logits_sha256": "0123"}')
    arguments = argparse.Namespace(resume=False, seed=3, epochs=5)
    config = demo.config_of(tmp_path, arguments)
    assert (config["network"], config["seed"], config["epochs"]) == (demo.NETWORK, 3, 5)


def test_nothing_to_go_on_with_is_one_line(tmp_path, capsys):
    assert main(["demo", "--resume", "--out", str(tmp_path)]) == 1
    assert "there is no run in" in capsys.readouterr().err


def test_without_scikit_learn_one_line_says_how_to_install_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert main(["demo", "--out", str(tmp_path / "new")]) == 1
    assert "pip install 'lamina[demo]'" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["demo", "--out", str(tmp_path / "file" / "runs")]) == 1
    assert capsys.readouterr().err.startswith(f"lamina: {tmp_path / 'file'}")


def digest_of_training(seed: int, folder: Path, monkeypatch) -> str:
    monkeypatch.setattr(demo, "second_process", lambda folder, here: None)
    monkeypatch.setattr(demo, "draw_run", lambda *run: None)
    monkeypatch.setattr(demo, "draw_reading", lambda *run: None)
    assert main(["demo", "--epochs", "1", "--seed", str(seed), "--out", str(folder)]) == 0
    return json.loads((folder / "check.json").read_text())["logits_sha256"]


def test_one_seed_gives_one_training(small, monkeypatch, tmp_path):
    first, second = (digest_of_training(3, tmp_path / name, monkeypatch) for name in "ab")
    assert first == second


def test_another_seed_gives_another_training(small, monkeypatch, tmp_path):
    first, second = (digest_of_training(n, tmp_path / str(n), monkeypatch) for n in (3, 4))
    assert first != second


@pytest.fixture(scope="module")
def stopped(tmp_path_factory) -> tuple[Path, int, str]:
    """A run that Ctrl-C ended after its first epoch: its folder, its status, and what it said."""
    if os.name == "nt":
        pytest.skip("signals are POSIX's")
    folder = tmp_path_factory.mktemp("stopped")
    process = subprocess.Popen(
        [*COMMAND, "--out", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ONE_THREAD,
    )
    assert process.stdout is not None
    limit = threading.Timer(120, process.kill)  # then its output ends
    limit.start()
    lines = iter(process.stdout.readline, "")
    is_begun = any(line.startswith("epoch") for line in lines)  # it is in the middle of it
    limit.cancel()
    assert is_begun, f"it ended before its first epoch: {process.communicate()[1]}"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    return folder, process.returncode, err


def test_ctrl_c_ends_after_the_step_with_130_and_without_a_traceback(stopped):
    folder, status, err = stopped
    ends, how = err.strip().splitlines()
    assert status == 130
    assert ends == "lamina: ends after this step; Ctrl-C again ends at once"
    assert re.match(r"lamina: Ctrl-C after step \d+, goes on with: ", how)
    assert metrics(folder)[0]["epoch"] == 1
    assert not (folder / "check.json").exists()


def test_what_ctrl_c_ended_goes_on_and_reads_as_if_it_had_not(stopped, finished):
    folder, _, err = stopped
    command = shlex.split(err.partition("goes on with: ")[2])
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ONE_THREAD)
    assert (done.returncode, done.stderr) == (0, "")
    digests = [json.loads((f / "check.json").read_text()) for f in (folder, finished[0])]
    assert digests[0] == digests[1]
