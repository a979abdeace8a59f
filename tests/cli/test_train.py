"""``lamina train`` and what follows it: resume, doctor, diff."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from fixtures.small_run import CONFIG, MINE, same, weights
from lamina.cli.experiment import run
from lamina.cli.experiment.example import EXAMPLE
from lamina.cli.main import main
from lamina.training import Run
from lamina.training.hold import Hold

pytestmark = pytest.mark.usefixtures("folder")


# -- train ---------------------------------------------------------------------------------------


def test_training_writes_a_run(lamina, folder):
    status, found = lamina("train", "a.toml")
    assert status == 0
    assert (found["status"], found["epoch"], found["iteration"]) == ("finished", 2, 8)
    assert set(found["metrics"]) == {"loss", "held_out/loss", "held_out/accuracy"}
    assert found["resume"] is None
    written = Run("run")
    assert written.description["config"]["optimizer"]["name"] == "SGD"
    assert written.description["status"] == "finished"
    assert len(written.metrics("epoch")) == 2
    assert (folder / "run/config.toml").read_text() == CONFIG
    assert (folder / "run/mine.py").read_text() == MINE
    assert (folder / "run/sizes.py").is_file()
    assert "Linear" in (folder / "run/graph.svg").read_text(encoding="utf-8")


def test_the_picture_of_many_operators_is_one_of_layers(lamina, folder, monkeypatch):
    assert lamina("train", "a.toml", "epochs=1")[0] == 0
    monkeypatch.setattr(run, "MOST_BOXES", 5)
    assert lamina("train", "a.toml", "epochs=1", "folder=b")[0] == 0
    whole, folded = ((folder / f"{name}/graph.svg").stat().st_size for name in ("run", "b"))
    assert folded < whole


def test_words_change_the_config_also_the_one_that_is_kept(lamina, folder):
    status, found = lamina("train", "a.toml", "epochs=1", "folder=b", "model.steps[0].out_size=7")
    assert (status, found["folder"], found["iteration"]) == (0, "b", 4)
    assert weights("b")["model/0/W"].shape == (4, 7)
    assert Run("b").description["config"]["epochs"] == 1
    assert lamina("resume", "b")[1]["epochs"] == 1


def test_the_seed_is_that_of_the_weights(lamina):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert lamina("train", "a.toml", f"folder={name}", f"seed={seed}")[0] == 0
    assert same(weights("a"), weights("b"))
    assert not same(weights("a"), weights("c"))


@pytest.mark.parametrize("words", [("train", "a.toml", "--overwrite"), ("resume", "run")])
def test_a_run_that_another_process_writes_is_left_alone(lamina, words):
    assert lamina("train", "a.toml")[0] == 0
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    with Hold(Path("run")):
        status, found = lamina(*words, "epochs=3")
    assert (status, found["error"]) == (
        1,
        ["Trainer: another training writes to run now; wait for its end, or choose another folder"],
    )
    assert {p: p.read_bytes() for p in Path("run").rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("where", ["a.toml", "a.toml/inner"])
def test_a_folder_that_is_a_file_is_told_so(lamina, where):
    status, found = lamina("train", "a.toml", f"folder={where}")
    assert (status, found["error"]) == (
        2,
        [f"folder={where}: a.toml is a file, and a run needs a folder"],
    )


def test_a_run_is_not_overwritten_without_a_word(lamina):
    assert lamina("train", "a.toml")[0] == 0
    status, found = lamina("train", "a.toml", "epochs=1")
    assert (status, found["error"]) == (
        1,
        [
            "train: there is a run in run already; lamina resume run goes on with it, --overwrite "
            "removes it, folder=... takes another folder"
        ],
    )
    assert Run("run").description["epochs"] == 2
    assert lamina("train", "a.toml", "epochs=1", "--overwrite")[0] == 0
    assert Run("run").description["epochs"] == 1


def test_check_trains_nothing(lamina, folder):
    status, found = lamina("train", "a.toml", "--check")
    assert status == 0
    assert found == {
        "config": "a.toml", "problems": [], "parameters": 43, "samples": 30, "updates": 8,
        "epochs": 2,
    }  # fmt: skip
    assert not (folder / "run").exists()


def test_the_example_is_a_config_without_mistakes(lamina, folder, capsys):
    pytest.importorskip("sklearn")
    assert main(["train", "--example"]) == 0
    assert capsys.readouterr().out == EXAMPLE
    (folder / "digits.toml").write_text(EXAMPLE, encoding="utf-8")
    assert lamina("train", "digits.toml", "--check")[1]["parameters"] == 19210


def test_without_a_folder_the_run_is_called_as_the_config(lamina, folder):
    (folder / "a.toml").write_text(CONFIG.replace('folder = "run"\n', ""), encoding="utf-8")
    assert lamina("train", "a.toml", "epochs=1")[1]["folder"] == "runs/a"


def test_without_rich_all_is_plain(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["train", "a.toml"]) == 0
    assert main(["summary", "a.toml"]) == 0
    out = capsys.readouterr().out
    assert "epoch 2/2  loss " in out
    assert "parameters: 43" in out


def test_the_next_commands_can_be_copied_whatever_the_folder_is_called(lamina, capsys):
    found = lamina("train", "a.toml", "folder=it's mine")[1]
    assert found["folder"] == "it's mine"
    assert main(["train", "a.toml", "folder=it's mine, too"]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    command = line.rpartition("lamina report ")[2]
    assert shlex.split(command) == ["it's mine, too"]


def test_early_stopping_is_told_with_its_reason(capsys):
    stopping = (
        "training.callbacks=[{callback='EarlyStopping', metric='loss', margin=9, patience=0}]"
    )
    assert main(["train", "a.toml", "epochs=9", stopping]) == 0
    out = capsys.readouterr().out
    assert "stopped (EarlyStopping: loss was no better than " in out
    assert "run: metrics, checkpoints, config; next: lamina eval run, lamina report run" in out


def test_a_share_can_be_held_out(lamina):
    whole = ["data.source=mine.py:whole", "data.held_out=0.2"]
    assert lamina("train", "a.toml", *whole)[0] == 0
    assert lamina("eval", "run")[1]["samples"] == 6


def test_what_is_held_out_can_have_a_source_of_its_own(lamina):
    words = ["data.held_out={source='mine.py:data', count=11}"]
    assert lamina("train", "a.toml", *words)[0] == 0
    assert lamina("eval", "run")[1]["samples"] == 11


def test_without_held_out_data_nothing_is_measured(lamina):
    status, found = lamina("train", "a.toml", "data.source=mine.py:whole")
    assert (status, set(found["metrics"])) == (0, {"loss"})
    status, found = lamina("eval", "run")
    assert status == 2
    assert found["error"][0].startswith("config.toml: nothing is held out: the source has no train")
    assert lamina("eval", "run", "--data", "train")[1]["samples"] == 30


def test_a_loss_can_take_the_model(lamina):
    words = ["data.source=mine.py:alone", "evaluation.metrics=[]"]
    loss = "loss={function='mine.py:reconstruction', takes='model'}"
    assert lamina("train", "a.toml", *words, loss)[0] == 0
    status, found = lamina("train", "a.toml", *words, "folder=b")
    assert status == 2
    assert "takes outputs and targets, and a batch is one array; takes = " in found["error"][0]


def test_transforms_change_what_is_learnt_and_measured_and_predicted(lamina, folder):
    shift = "data.transform=[{transform='Normalize', mean=1.0, std=2.0}]"
    assert lamina("train", "a.toml", shift, "data.augment=[{transform='Noise', std=0.1}]")[0] == 0
    x = np.ones((2, 4), np.float32)
    np.save("x.npy", x)
    outputs = np.array(lamina("predict", "run", "x.npy")[1]["outputs"], np.float32)
    w = weights("run")
    assert np.allclose(
        outputs, w["model/3/b"] + np.tanh(w["model/0/b"]) @ w["model/3/W"], atol=1e-6
    )


def test_averages_stand_for_the_weights_in_eval_and_predict(lamina):
    average = "training.callbacks=[{callback='Average', average={average='EMA', decay=0.9}}]"
    assert lamina("train", "a.toml", average)[0] == 0
    last = Run("run").metrics("epoch")[-1]
    found = lamina("eval", "run", "--checkpoint", "newest")[1]
    assert found["metrics"]["loss"] == last["held_out/loss"]
    assert lamina("eval", "run", "--checkpoint", "newest", "training.callbacks=[]")[1] != found


@pytest.mark.filterwarnings("ignore:invalid value")  # as for a user, who sees the warning, too
def test_a_loss_that_is_not_finite_is_told_with_its_operator(folder, lamina, capsys):
    (folder / "bad.py").write_text(
        "import lamina.functions as F\n"
        "def loss(y, t):\n"
        "    return F.mean(F.log(F.mean(y, axis=1) * 0 - 1))\n"
    )
    assert main(["train", "a.toml", "loss.function=bad.py:loss"]) == 1
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert error.startswith("lamina: Trainer: ")
    assert "log" in error
    assert Run("run").description["status"] == "failed"
    assert (folder / "run/nonfinite.json").is_file()


# -- summary, report -----------------------------------------------------------------------------


def test_summary_tells_layers_and_memory_of_a_config_and_of_a_run(lamina, capsys):
    assert lamina("train", "a.toml")[0] == 0
    for subject in ("a.toml", "run"):
        status, found = lamina("summary", subject)
        assert (status, found["parameters"]) == (0, 43)
        assert [row["layer"] for row in found["layers"]][1].startswith("Linear")
        assert found["training"] is not None
    assert lamina("summary", "a.toml", "model.steps[0].out_size=6")[1]["parameters"] == 51
    assert lamina("summary", "a.toml", "--memory", "1 MiB")[1]["largest_batch"] > 100
    capsys.readouterr()
    assert main(["summary", "a.toml"]) == 0
    assert "parameters: 43" in capsys.readouterr().out


def test_a_size_of_memory_that_is_none_is_wrong_usage(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["summary", "a.toml", "--memory", "much"])
    assert "a text such as '8 GiB', got 'much'" in capsys.readouterr().err


def test_a_report_is_one_page(lamina, folder):
    assert lamina("train", "a.toml")[0] == 0
    status, found = lamina("report", "run")
    assert (status, found["file"]) == (0, "run/report.html")
    assert found["bytes"] == (folder / "run/report.html").stat().st_size
    assert lamina("report", "run", "--out", "zh.html", "--language", "zh")[1]["file"] == "zh.html"
    assert "损失" in (folder / "zh.html").read_text(encoding="utf-8")


def test_words_that_change_the_config_may_stand_behind_options(lamina):
    found = lamina("train", "a.toml", "epochs=1", "--check", "data.batch_size=10")[1]
    assert found["updates"] == 3


# -- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("epochs = 2", "", "a.toml: lacks epochs, which a config needs"),
        ("epochs = 2", "epoch = 2", "line 1: epoch is no key of a config; did you mean 'epochs'?"),
        ("epochs = 2", "epochs = 0", "line 1: epochs should be 1 or more, got 0"),
        ("epochs = 2", "epochs = '2'", "line 1: epochs should be an integer, got the text '2'"),
        ("epochs = 2", "epochs = 2\nlr = 1", "line 2: lr belongs into [optimizer]"),
        ("epochs = 2", "epochs = 2\nseed = -1", "line 2: seed should be 0 or more, got -1"),
        ("[optimizer]", "[optimiser]", "optimiser is no key of a config; did you mean 'optimiz"),
        ("[loss]", "[[loss]]", "loss should name a function, got the list"),
        ('function = "softmax_cross_entropy"', 'function = "cross_entropy"', "did you mean 'soft"),
        ('function = "softmax_cross_entropy"', "", "loss lacks function, the name of a function"),
        ('"softmax_cross_entropy"', '"relu"\ntakes = "all"', "loss.takes should be outputs (and"),
        ("batch_size = 8", "batch = 8", "data.batch is no key of [data]; did you mean 'batch_"),
        ("batch_size = 8", "", "data lacks batch_size, which [data] needs"),
        ("batch_size = 8", "batch_size = 0", "cannot be opened: Loader: batch_size should be 1"),
        ('source = "mine.py:data"', "", "data lacks source, which [data] needs"),
        ("mine.py:data", "mine.py:date", "has no 'date'; did you mean mine.py.data?"),
        ("mine.py:data", "digit", "a source of data, got 'digit'; did you mean 'digits'"),
        ('name = "SGD"', 'name = "Adma"', "should name an optimizer, got 'Adma'; did you mean"),
        ('name = "SGD"', 'optimizer = "SGD"', None),
        ("momentum = 0.9", "momentun = 0.9", "line 18: optimizer.momentun is no argument of SGD"),
        ("momentum = 0.9", "momentum = 9", "optimizer cannot be made: momentum should be"),
        ('"off"', '"of"', "should be 'auto', 'replay', 'native' or 'off', got the text 'of'"),
        ('metrics = ["accuracy"]', 'metrics = ["acuracy"]', "'acuracy'; did you mean 'accuracy'"),
        ('metrics = ["accuracy"]', "every = true", "every should be an integer, got true"),
        ('["accuracy"]', '"accuracy"', "should be a list of metrics, got the text 'accuracy'"),
        ("batch_size = 8", "batch_size = 8\nheld_out = 1.5", "or a share between 0 and 1, got 1.5"),
        ("batch_size = 8", "batch_size = 8\nheld_out = true", "or a share such as 0.2, got true"),
        ('"Sequential"', '"Identity"', "steps is no argument of Identity; it takes none"),
        ("[evaluation]", "[evaluations]", "evaluations is no key of a config; did you mean"),
        ("epochs = 2", "epochs = = 2", "a.toml, line 1, column 10: is no TOML: Invalid value"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_what_was_meant(old, new, problem, lamina, folder):
    text = CONFIG.replace(old, new, 1)
    assert text != CONFIG
    (folder / "a.toml").write_text(text, encoding="utf-8")
    status, found = lamina("train", "a.toml", "--check")
    assert status == (0 if problem is None else 2)
    assert problem is None or any(problem in line for line in found["error"]), found


def test_all_mistakes_are_told_at_once_a_line_each(capsys):
    words = ["data.shufle=true", "model.steps[1]=tahn", "optimizer.name=SDG", "loss.function=nll"]
    assert main(["train", "a.toml", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "lamina: command line, data.shufle=true: data.shufle is no key of [data]; did you mean "
        "'shuffle'?\n"
        "lamina: command line, model.steps[1]=tahn: model.steps[1] should name a function, got "
        "'tahn'; did you mean 'tanh'?\n"
        "lamina: command line, loss.function=nll: loss.function should name a function, got 'nll'; "
        "did you mean 'nll_loss'?\n"
        "lamina: command line, optimizer.name=SDG: optimizer.name should name an optimizer, got "
        "'SDG'; did you mean 'SGD'?\n"
    )


def test_a_model_without_parameters_is_told_before_training(lamina):
    status, found = lamina("train", "a.toml", "model.steps=['tanh']")
    assert status == 2
    assert found["error"][0].startswith("a.toml: the optimizer cannot be set up: SGD.setup: there")


def test_a_model_that_does_not_fit_the_data_is_told_before_training(lamina, folder):
    status, found = lamina("train", "a.toml", "model.steps[3].in_size=6")
    assert status == 2
    [line] = found["error"]
    assert line.startswith(
        "a.toml: model and loss cannot take the first batch, float32 (8, 4) and int64 (8,): "
    )
    assert "Sequential/3" in line
    assert not (folder / "run").exists()


def test_transforms_that_do_not_fit_the_data_are_told_before_training(lamina):
    words = "data.transform=[{transform='Normalize', mean=[1.0, 2.0], std=1.0}]"
    status, found = lamina("train", "a.toml", words)
    assert status == 2
    assert found["error"][0].startswith("a.toml: the first batch cannot be made: Normalize: ")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["train"], 2, "train: which config? lamina train --example > digits.toml makes one"),
        (["train", "b.toml"], 1, "b.toml: No such file or directory"),
        (["train", "."], 2, ". is a folder, and a config is a file, such as digits.toml"),
        (["train", "a.toml", "epochs"], 2, "command line: epochs should look like optimizer.lr=0"),
        (["resume", "nowhere"], 1, "Run: nowhere is no run: there is no run.json in it"),
        (["eval", "nowhere"], 1, "Run: nowhere is no run: there is no run.json in it"),
        (["predict", "nowhere", "x.npy"], 1, "Run: nowhere is no run"),
        (["diff", "nowhere", "a"], 1, "nowhere"),
        (["doctor", "b.toml"], 1, "b.toml: No such file or directory"),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) else "",
)
def test_what_is_not_there_is_one_line(words, status, message, capsys):
    assert main(words) == status
    error = capsys.readouterr().err
    assert error.startswith("lamina: ")
    assert message in error
    assert error.count("\n") == 1


# -- resume --------------------------------------------------------------------------------------


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(lamina, folder):
    (folder / "stop.py").write_text(
        "import os, signal\n"
        "class Stop:\n"
        "    def after_step(self, trainer, batch, values):\n"
        "        if trainer.iteration == 5 and not os.path.exists('stopped'):\n"
        "            open('stopped', 'w').close()\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
    )
    callbacks = "training.callbacks=['stop.py:Stop']"
    status, found = lamina("train", "a.toml", callbacks)
    assert (status, found["status"], found["iteration"]) == (130, "interrupted", 5)
    assert found["resume"] == "lamina resume run"
    for name in ("a.toml", "mine.py", "sizes.py", "stop.py"):  # the folder alone must do
        (folder / name).rename(folder / f"{name}.away")
    status, found = lamina("resume", "run")
    assert (status, found["status"], found["iteration"]) == (0, "finished", 8)
    for name in ("a.toml", "mine.py", "sizes.py", "stop.py"):
        (folder / f"{name}.away").rename(folder / name)
    assert lamina("train", "a.toml", callbacks, "folder=whole")[0] == 0
    assert same(weights("run"), weights("whole"))
    status, found = lamina("diff", "run", "whole")
    assert (status, found["same"]) == (0, True)


def test_a_finished_run_can_go_on_longer(lamina):
    assert lamina("train", "a.toml")[0] == 0
    assert lamina("resume", "run", "epochs=3")[1]["iteration"] == 12
    assert Run("run").description["config"]["epochs"] == 3
    assert lamina("resume", "run")[1]["epochs"] == 3


def test_what_is_changed_on_the_way_is_told_in_one_line(capsys):
    assert main(["train", "a.toml"]) == 0
    capsys.readouterr()
    assert main(["resume", "run", "epochs=3", "seed=0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "run goes on with epochs=3 seed=0"
    assert lines[1].startswith("epoch 3/3  loss ")


def test_a_run_of_a_program_has_no_config(lamina, folder):
    assert lamina("train", "a.toml")[0] == 0
    (folder / "run/config.toml").unlink()
    status, found = lamina("resume", "run")
    assert status == 1
    assert found["error"][0].startswith("run: there is no config.toml in it: it is a run of a prog")


# -- diff, doctor --------------------------------------------------------------------------------


def test_runs_that_differ_end_with_3(lamina, capsys):
    assert lamina("train", "a.toml")[0] == 0
    assert lamina("train", "a.toml", "optimizer.lr=0.25", "folder=b")[0] == 0
    status, found = lamina("diff", "run", "b")
    assert (status, found["same"]) == (3, False)
    assert main(["diff", "run", "b"]) == 3
    assert "config.optimizer.lr" in capsys.readouterr().out


def test_the_doctor_looks_at_a_config_and_at_a_run(lamina):
    assert lamina("train", "a.toml")[0] == 0
    for subject in ("a.toml", "run"):
        status, found = lamina("doctor", subject)
        assert status in (0, 3)
        assert "softmax-before-cross-entropy" not in {f["rule"] for f in found["findings"]}
    status, found = lamina("doctor", "a.toml", "model.steps[3]=softmax")
    assert status == 3
