"""The report as text: what stands in it is what stands in the files."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from lamina.errors import CheckpointError, CheckpointWriteError, DTypeError, RangeError
from lamina.report import write
from lamina.training import Run
from report.folders import (
    CONFIG,
    write_full_run,
    write_run,
)
from report.reading import SOURCES, Elements, drawn, report


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Path:
    return write_full_run(tmp_path_factory.mktemp("runs") / "full")


@pytest.fixture(scope="module")
def shown(full) -> Elements:
    return Elements(report(full))


# -- where it goes -------------------------------------------------------------------------------


def test_a_report_of_one_run_lies_in_its_folder(tmp_path):
    folder = write_run(tmp_path / "a")
    assert write(folder) == folder / "report.html"
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_report_of_several_lies_in_the_nearest_folder_of_all(tmp_path):
    folders = [write_run(tmp_path / "runs" / "x" / "a"), write_run(tmp_path / "runs" / "b")]
    assert write(folders) == tmp_path / "runs" / "report.html"


def test_a_path_is_obeyed_and_its_folders_are_made(tmp_path):
    path = tmp_path / "new" / "page.html"
    assert write(str(write_run(tmp_path / "a")), path) == path
    assert path.exists()


def test_a_run_may_be_given_as_such(tmp_path):
    assert write(Run(write_run(tmp_path / "a"))).exists()


def test_another_language_is_refused(tmp_path):
    with pytest.raises(RangeError, match="language should be one of 'en', 'zh', got 'fr'"):
        write(write_run(tmp_path / "a"), language="fr")


@pytest.mark.parametrize("count", [0, 13])
def test_too_few_and_too_many_runs_are_refused(count, tmp_path):
    folder = write_run(tmp_path / "a")
    with pytest.raises(RangeError, match=f"1 to 12 runs, got {count}"):
        write([folder] * count)


def test_what_is_no_folder_is_refused():
    with pytest.raises(DTypeError, match="a run should be a folder, got 3"):
        write([3])  # pyright: ignore[reportArgumentType]


def test_a_folder_without_a_run_is_an_error_that_names_it(tmp_path):
    with pytest.raises(CheckpointError, match=re.escape(str(tmp_path))):
        write(tmp_path)


def test_a_disk_that_refuses_is_an_error(tmp_path):
    folder = write_run(tmp_path / "a")
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointWriteError):
        write(folder, tmp_path / "file" / "page.html")


# -- what stands in it ---------------------------------------------------------------------------


def test_a_page_asks_for_nothing(shown):
    addresses = [
        value
        for _, attributes in shown.elements
        for name, value in attributes.items()
        if name in ("src", "href", "action", "srcset", "poster")
    ]
    assert [a for a in addresses if not a.startswith(("data:", "#"))] == []


def test_the_style_names_no_address():
    assert re.findall(r"url\(|@import", (SOURCES / "page.css").read_text(encoding="utf-8")) == []


def test_only_the_pages_own_script_may_run(full):
    text = report(full)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.S)
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert len(scripts) == 1
    assert f"script-src &#x27;sha256-{digest}&#x27;" in text
    assert "default-src &#x27;none&#x27;" in text


def test_curves_are_the_numbers_of_the_file(full):
    found = drawn(report(full))
    records = [json.loads(line) for line in (full / "metrics.jsonl").read_text().splitlines()]
    losses = [float(f"{r['loss']:.6g}") for r in records if r["event"] == "step"]
    held_out = [float(f"{r['held_out/loss']:.6g}") for r in records if r["event"] == "epoch"]
    learnt, kept = found["charts"][0]["series"]
    assert (learnt["mean"], kept["mean"]) == (losses, held_out)


def test_charts_stand_in_the_order_of_loss_accuracy_and_learning_rate(full):
    titles = [chart["title"] for chart in drawn(report(full))["charts"]]
    assert titles == ["loss", "accuracy", "learning rate"]


def test_iterations_are_placed_within_their_epochs(full):
    found = drawn(report(full))
    iterations, epochs, seconds = found["axes"][found["charts"][0]["series"][0]["axis"]]
    assert iterations[22] == 23
    assert epochs[22] == 1
    assert epochs[-1] == 12
    assert seconds[0] == 0.27


def test_a_mean_of_epochs_is_not_drawn_beside_its_steps(full):
    events = [s["smooth"] for s in drawn(report(full))["charts"][0]["series"]]
    assert events == [True, False]  # steps of learning, epochs of what is held out


def test_figures_are_those_of_the_files(full, shown):
    records = [json.loads(line) for line in (full / "metrics.jsonl").read_text().splitlines()]
    best = max(r["held_out/accuracy"] for r in records if r["event"] == "epoch")
    last = records[-1]["loss"]
    exact = [a["data-value"] for _, a in shown.elements if "data-value" in a]
    assert {repr(best), repr(last), "75.25"} <= set(exact)
    assert f"{100 * best:.1f} %" in shown.text
    assert "282,378" in shown.text


def test_the_table_of_epochs_has_each_number_of_the_file(full, shown):
    records = [json.loads(line) for line in (full / "metrics.jsonl").read_text().splitlines()]
    exact = [a["data-value"] for _, a in shown.elements if "data-value" in a]
    wanted = {
        repr(float(value))
        for record in records
        if record["event"] == "epoch"
        for key, value in record.items()
        if key not in ("event", "iteration", "epoch")
    }
    assert wanted <= set(exact)


def test_the_configuration_is_flat_and_whole(shown):
    for name, value in (("optimizer.lr.schedule", "Cosine"), ("model.sizes", "[64, 256, 10]")):
        assert name in shown.text
        assert value in shown.text


def test_the_environment_is_there(shown):
    assert "A processor" in shown.text
    assert "lamina train digits.toml" in shown.text


def test_statistics_are_those_of_the_file(full):
    [found] = drawn(report(full))["layers"]
    records = [json.loads(line) for line in (full / "statistics.jsonl").read_text().splitlines()]
    assert found["steps"] == [record["iteration"] for record in records]
    ratios = [float(f"{r['parameters']['first/W']['update_ratio']:.3g}") for r in records]
    assert found["rows"]["update_ratio"][found["names"].index("first/W")] == ratios


def test_samples_are_the_files_with_the_newest_first(full, shown):
    sources = [a["src"] for name, a in shown.elements if name == "img" and "digits" in a["alt"]]
    newest, older = (full / "samples" / f"digits-000000{n}00.png" for n in (2, 1))
    wanted = [base64.b64encode(path.read_bytes()).decode() for path in (newest, older)]
    assert [source.partition(",")[2] for source in sources] == wanted
    assert "Once & <b>upon</b> a time" in shown.text


def test_the_graph_is_there_as_a_picture_which_runs_no_script(shown):
    sources = [a["src"] for name, a in shown.elements if name == "img"]
    assert sum(source.startswith("data:image/svg+xml;base64,") for source in sources) == 1


def test_where_a_nan_came_from_is_told(shown):
    for text in ("blocks/1/gate", "the logarithm of 0 is minus infinity", "shape [64, 10]"):
        assert text in shown.text


def test_a_run_that_was_interrupted_says_how_to_go_on(tmp_path):
    folder = write_run(
        tmp_path / "a", status="interrupted", reason="Ctrl-C", resume="lamina resume runs/a"
    )
    text = Elements(report(folder)).text
    assert "interrupted" in text
    assert "Why: Ctrl-C" in text
    assert "lamina resume runs/a" in text


# -- several runs --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("two")
    other = CONFIG | {"seed": 1, "model": {"layer": "lamina.models.MLP", "sizes": [64, 10]}}
    return write_run(root / "a"), write_run(root / "b", speed=0.4, seed=2, config=other, name="b")


def test_curves_of_several_runs_share_their_charts(two):
    found = drawn(report(*two))
    assert [run["letter"] for run in found["runs"]] == ["A", "B"]
    assert [s["run"] for s in found["charts"][0]["series"]] == [0, 0, 1, 1]


def test_the_best_of_a_metric_is_marked_whether_more_or_less_is_better(two):
    text = report(*two)
    rows = re.findall(r'<tr><th scope="row" title="([^"]*)">.*?</th>(.*?)</tr>', text)
    marked = {
        name: [("★" in cell) for cell in re.findall(r"<td.*?</td>", row)] for name, row in rows
    }
    assert marked["held_out/loss"] == [True, False]
    assert marked["held_out/accuracy"] == [True, False]
    assert marked["lr"] == [False, False]


def test_only_what_differs_is_marked(two):
    text = report(*two)
    rows = re.findall(r'<tr class="different">.*?≠ </span>(.*?)</th>', text)
    assert rows == ["seed", "model.sizes", "model.dropout"]
