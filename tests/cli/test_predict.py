"""``lamina eval`` and ``lamina predict``: what a trained model says."""

from __future__ import annotations

import numpy as np
import pytest

from fixtures.small_run import weights
from lamina.cli.main import main
from lamina.training import Run

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def trained(lamina):
    assert lamina("train", "a.toml", "epochs=3")[0] == 0


def test_eval_measures_what_training_measured(trained, lamina):
    last = Run("run").metrics("epoch")[-1]
    status, found = lamina("eval", "run", "--checkpoint", "newest")
    assert status == 0
    assert found["checkpoint"] == 12
    assert found["metrics"] == {
        "loss": last["held_out/loss"], "accuracy": last["held_out/accuracy"],
    }  # fmt: skip


def test_eval_takes_the_best_checkpoint(trained, lamina):
    best = min(Run("run").metrics("epoch"), key=lambda line: line["held_out/loss"])
    found = lamina("eval", "run")[1]
    assert found["checkpoint"] == best["iteration"]
    assert found["metrics"]["loss"] == best["held_out/loss"]


def test_eval_takes_other_metrics_and_words(trained, lamina, capsys):
    found = lamina(
        "eval", "run", "evaluation.metrics=['cohen_kappa', {metric='f1', average='macro'}]"
    )[1]
    assert set(found["metrics"]) == {"loss", "cohen_kappa", "f1"}
    capsys.readouterr()
    assert main(["eval", "run"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("run, checkpoint of step ")
    assert "30 samples of held_out\nloss " in out


def test_eval_takes_a_file(trained, lamina, folder):
    import mine

    x, t = mine.data(train=False)
    np.savez("other.npz", x=x, t=t)
    table = "a,b,c,d,t\n" + "".join(f"{','.join(map(str, row))},{k}\n" for row, k in zip(x, t))
    (folder / "other.csv").write_text(table)
    metrics = lamina("eval", "run")[1]["metrics"]
    for name in ("other.npz", "other.csv"):
        found = lamina("eval", "run", "--data", name)[1]
        assert (found["samples"], found["metrics"]) == (30, metrics)


def test_predictions_are_those_of_the_model(trained, lamina, folder, capsys):
    x = np.arange(12, dtype=np.float32).reshape(3, 4) / 10
    np.save("x.npy", x)
    np.savez("x.npz", x)
    (folder / "x.csv").write_text("\n".join(",".join(map(str, row)) for row in x))
    found = lamina("predict", "run", "x.npy", "--checkpoint", "12")[1]
    w = weights("run")
    y = np.tanh(x @ w["model/0/W"] + w["model/0/b"]) @ w["model/3/W"] + w["model/3/b"]
    # the same sums, in another order: single precision has 24 bits
    assert np.allclose(found["outputs"], y, atol=1e-6)
    assert (found["shape"], found["dtype"], found["checkpoint"]) == ([3, 3], "float32", 12)
    for name in ("x.npz", "x.csv"):
        assert (
            lamina("predict", "run", name, "--checkpoint", "12")[1]["outputs"] == found["outputs"]
        )
    classes = lamina("predict", "run", "x.npy", "--argmax", "--checkpoint", "12")[1]["outputs"]
    assert classes == y.argmax(axis=1).tolist()


@pytest.mark.parametrize("name", ["y.npy", "y.npz", "y.csv", "new/y.npy"])
def test_predictions_are_written_as_the_ending_says(name, trained, lamina, folder):
    np.save("x.npy", np.ones((3, 4), np.float32))
    shown = np.array(lamina("predict", "run", "x.npy")[1]["outputs"], np.float32)
    assert lamina("predict", "run", "x.npy", "--out", name)[1]["out"] == name
    if name.endswith(".csv"):
        found = np.loadtxt(name, np.float32, delimiter=",")
    else:
        loaded = np.load(name)
        found = loaded["outputs"] if name.endswith(".npz") else loaded
    assert np.array_equal(found, shown)


def test_predictions_go_to_standard_output_as_lines(trained, capsys):
    np.save("x.npy", np.ones((3, 4)))
    capsys.readouterr()
    assert main(["predict", "run", "x.npy"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [len(line.split(",")) for line in lines] == [3, 3, 3]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.npy", np.ones((3, 5)), "x.npy: should be of shape (n, 4), as in training, got (3, 5)"),
        ("x.npy", b"no array", "x.npy: is no array of NumPy: "),
        ("x.npz", b"no archive", "x.npz"),
        ("x.csv", b"1,2,3,4\n1,2,three,4\n", "x.csv, line 2: cell 3, 'three', is no number"),
        ("x.csv", b"1,2,3,4\n1,2\n", "x.csv, line 2: should have 4 cells, as the first row, got 2"),
        ("x.csv", b"", "x.csv: holds no row of numbers"),
        ("x.txt", b"1", "x.txt: should end in .npy, .npz or .csv"),
    ],
)
def test_inputs_that_do_not_fit_are_told(name, content, message, trained, folder, capsys):
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
    else:
        np.save(name, content)
    capsys.readouterr()
    assert main(["predict", "run", name]) in (1, 2)
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--checkpoint", "5"], "run: there is no checkpoint 5; there are "),
        (
            ["--data", "held"],
            "--data should be held_out, train, or a file that ends in .npy, .npz or",
        ),
        (["--data", "other.npz"], "other.npz: should hold 2 arrays, like float32 (8, 4) and int64"),
    ],
)
def test_what_eval_does_not_find_is_told(words, message, trained, capsys):
    np.savez("other.npz", x=np.ones((3, 4)))
    capsys.readouterr()
    assert main(["eval", "run", *words]) in (1, 2)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--checkpoint", "first"], "should be best, newest or the number of a step, got 'first'"),
        (["--out", "y.txt"], "should end in .npy, .npz or .csv, got 'y.txt'"),
    ],
)
def test_words_of_predict_are_checked(words, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["predict", "run", "x.npy", *words])
    assert message in capsys.readouterr().err
