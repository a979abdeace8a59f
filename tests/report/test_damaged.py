"""Whatever lies in a folder, there is a page or a clear error."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lamina.errors import CheckpointError
from lamina.report import write
from report.folders import add_statistics, description, png, write_full_run, write_run
from report.reading import HOSTILE, MOST_BYTES, Elements, drawn, report


def change(folder: Path, **changes) -> Path:
    (folder / "run.json").write_text(json.dumps(description(**changes)), encoding="utf-8")
    return folder


def test_nothing_hostile_becomes_markup(tmp_path):
    folder = write_run(
        tmp_path / "a",
        name=HOSTILE,
        reason=HOSTILE,
        status=HOSTILE,
        started=HOSTILE,
        resume=HOSTILE,
        command=[HOSTILE],
        config={HOSTILE: {HOSTILE: HOSTILE}},
        environment={HOSTILE: HOSTILE},
        model={"class": HOSTILE, "parameters": HOSTILE},
    )
    record = {"event": "epoch", "iteration": 1, "epoch": 1, "seconds": 1.0}
    (folder / "metrics.jsonl").write_text(json.dumps(record | {HOSTILE: 1.5, "loss": 2}) + "\n")
    add_statistics(folder, [HOSTILE], 2)
    (folder / "samples").mkdir()
    (folder / "samples" / "x-000000001.txt").write_text(HOSTILE)
    (folder / "nonfinite.json").write_text(json.dumps({"operator": HOSTILE, "inputs": [HOSTILE]}))
    for folders in ([folder], [folder, folder]):
        found = Elements(report(*folders))
        names = [name for name, _ in found.elements]
        assert names.count("script") == 2
        assert not any(key.startswith("on") for _, a in found.elements for key in a)
        assert [a["src"] for name, a in found.elements if name == "img" and a["src"] == "x"] == []
        assert HOSTILE in found.text


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"kind": "other"}', "\x00"])
def test_a_damaged_description_is_an_error(text, tmp_path):
    folder = write_run(tmp_path / "a")
    (folder / "run.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"run\.json"):
        write(folder)
    assert not (folder / "report.html").exists()


def test_a_torn_last_line_is_passed_over_silently(tmp_path):
    folder = write_run(tmp_path / "a")
    before = drawn(report(folder))
    with open(folder / "metrics.jsonl", "a") as file:
        file.write('{"event": "step", "itera')
    after = report(folder)
    assert drawn(after) == before
    assert 'id="notes"' not in after


def test_damaged_lines_are_left_out_and_told(tmp_path):
    folder = write_run(tmp_path / "a")
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    lines[4], lines[9] = "garbage", "[1, 2]"
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    text = report(folder)
    assert "metrics.jsonl: 2 damaged lines were left out; the first is line 5." in text
    assert len(drawn(text)["charts"][0]["series"][0]["mean"]) == 12 * 23 - 2


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda f: (f / "metrics.jsonl").unlink(), "There is no metrics.jsonl"),
        (lambda f: (f / "metrics.jsonl").write_text(""), "metrics.jsonl holds no records yet"),
        (lambda f: (f / "statistics.jsonl").write_text("\n"), "statistics.jsonl holds no records"),
        (lambda f: (f / "nonfinite.json").write_text("{"), "nonfinite.json is damaged"),
        (lambda f: (f / "graph.svg").write_text("<svg"), "graph.svg is damaged"),
        (lambda f: (f / "graph.svg").write_text("<svg>" + 300_000 * " " + "</svg>"), "too many"),
        (
            lambda f: (f / "samples" / "digits-000000100.png").write_bytes(b"GIF"),
            "samples/digits-000000100.png is damaged",
        ),
        (
            lambda f: (f / "samples" / "big-000000300.png").write_bytes(png(800, 800)),
            "1 samples were left out",
        ),
    ],
    ids=["none", "empty", "statistics", "nonfinite", "graph", "large", "sample", "large sample"],
)
def test_what_cannot_be_shown_is_told(spoil, told, tmp_path):
    folder = write_full_run(tmp_path / "a")
    spoil(folder)
    [notes] = re.findall(r'<section id="notes".*?</section>', report(folder))
    assert told in notes


@pytest.mark.parametrize("key", ["config", "environment", "model", "metrics", "seconds", "epoch"])
@pytest.mark.parametrize("value", [None, 3, "text", [], {"a": {"b": [None]}}], ids=repr)
def test_a_description_with_a_strange_part_still_has_a_page(key, value, tmp_path):
    folder = change(write_run(tmp_path / "a", epochs=1), **{key: value})
    assert "<h1>digits</h1>" in report(folder)
    assert "<h1>Comparison of 2 runs</h1>" in report(folder, folder)


def test_strange_metrics_still_have_a_page(tmp_path):
    folder = write_run(tmp_path / "a")
    records = [
        {"event": "step", "loss": 1},
        {"event": "step", "iteration": "x", "seconds": None, "loss": True, "other": 10**400},
        {"event": "step", "iteration": 1, "loss": None, "seconds": float("nan")},
        {"loss": float("-inf"), "words": "text", "list": [1]},
        {"event": "other", "loss": 3},
        {},
    ]
    lines = [json.dumps(record) for record in records]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    series = drawn(report(folder))["charts"][0]["series"][0]
    assert [value for value in series["mean"] if value is not None] == [1]
    assert len(series["broken"]) == 2


def test_a_page_stays_below_two_megabytes_whatever_a_run_holds(tmp_path):
    folder = write_run(tmp_path / "a", config={f"key{i}": "x" * 5000 for i in range(5000)})
    keys = {f"group{i % 7}/metric{i}": i / 3 for i in range(200)}
    steps = ({"event": "step", "iteration": i, "seconds": i / 7} | keys for i in range(1000))
    text = "".join(json.dumps(record) + "\n" for record in steps)
    epochs = ({"event": "epoch", "iteration": i, "epoch": i} | keys for i in range(500))
    text += "".join(json.dumps(record) + "\n" for record in epochs)
    (folder / "metrics.jsonl").write_text(text)
    add_statistics(folder, [f"blocks/{i}/attention/projection/W" for i in range(300)], 10)
    (folder / "samples").mkdir()
    for i in range(60):
        (folder / "samples" / f"s{i}-000000001.png").write_bytes(png(150, 150, i))
        (folder / "samples" / f"t{i}-000000001.txt").write_text("句" * 50_000, encoding="utf-8")
    sizes = [len(report(*[folder] * n).encode()) for n in (1, 4)]
    assert max(sizes) < MOST_BYTES


def test_a_spike_among_a_hundred_thousand_steps_is_drawn(tmp_path):
    folder = write_run(tmp_path / "a")
    lines = [
        f'{{"event":"step","iteration":{i},"loss":{9 if i == 54_321 else 1}}}' for i in range(10**5)
    ]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    [series] = drawn(report(folder))["charts"][0]["series"]
    assert len(series["mean"]) <= 800
    assert max(series["high"]) == 9


def test_many_records_of_statistics_become_few_and_keep_the_largest(tmp_path):
    folder = write_run(tmp_path / "a")
    lines = [
        json.dumps(
            {"iteration": i, "parameters": {"W": {"gradient_norm": 50.0 if i == 777 else 1.0}}}
        )
        for i in range(1, 1001)
    ]
    (folder / "statistics.jsonl").write_text("\n".join(lines) + "\n")
    [found] = drawn(report(folder))["layers"]
    assert len(found["steps"]) <= 80
    assert found["steps"][-1] == 1000
    assert max(found["rows"]["gradient_norm"][0]) == 50
