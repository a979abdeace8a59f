"""summary: the table of a model, and of what training takes."""

from __future__ import annotations

import json
import sys
from io import StringIO

import numpy as np
import pytest

from lamina import Linear, Sequential
from lamina import functions as F
from lamina import optimizers as O
from lamina.errors import DependencyError, DTypeError, RangeError, ShapeError
from lamina.insight import summary
from lamina.insight.summary_table import Table
from lamina.listen import Spec
from lamina.models import MLP, ResNet18

LARGE = (1, 3, 224, 224)


def small():
    return Sequential(Linear(50), F.relu, Linear(30))


def trained(model, *inputs, **more):
    return summary(model, *inputs, loss=F.softmax_cross_entropy, optimizer=O.Adam(lr=0.1), **more)


def test_it_says_what_the_summary_of_a_layer_says():
    found, plain = summary(small(), (7, 3)), small().summary((7, 3))
    assert found.rows == plain.rows
    assert (found.params, found.multiply_adds, found.activation, found.frozen) == (
        plain.params, plain.multiply_adds, plain.activation, plain.frozen,
    )  # fmt: skip
    assert found.memory is None


def test_frozen_parameters_are_marked_where_they_are():
    model = small().build((7, 3))
    model.freeze("0/*")
    model.freeze("2/b")
    lines = str(summary(model, (7, 3))).splitlines()
    assert "200 (frozen)" in lines[3]
    assert "1,530 (30 frozen)" in lines[4]
    assert "parameters: 1,730 (230 frozen)" in lines


def test_resnet_18_does_the_products_that_were_published():
    found = summary(ResNet18(1000, small=False), LARGE)
    # He and others, "Deep Residual Learning for Image Recognition", 2015, table 1: 1.8 billion
    assert round(found.multiply_adds / 1e9, 1) == 1.8


def test_a_table_has_a_column_of_what_is_kept_and_the_peak():
    text = str(trained(small(), (700, 30)))
    assert text.splitlines()[0].split()[-1] == "kept"
    assert "training, from step to step: parameters 12.0 KiB, gradients 12.0 KiB" in text
    assert "training, peak: " in text


def test_targets_of_labels_have_no_axis_of_classes():
    found = trained(small(), (700, 8, 30), target=None)
    assert found.memory.batch == 4 * 700 * 8 * 30 + 8 * 700 * 30


def test_targets_of_other_losses_are_as_the_output():
    found = summary(small(), (700, 20), loss=F.mean_squared_error)
    assert found.memory.batch == 4 * 700 * (20 + 30)


def test_a_loss_of_the_outputs_alone_needs_no_target():
    assert summary(small(), (700, 20), loss=lambda y: y.sum()).memory.batch == 4 * 700 * 20


def test_a_target_may_be_a_shape_an_array_or_several():
    loss = lambda y, *ts: (y * ts[0]).sum()  # noqa: E731
    shapes = [(700, 30), np.zeros((700, 30), np.float32), ((700, 30), Spec((700,), "int64"))]
    found = [summary(small(), (700, 20), loss=loss, target=t).memory.batch for t in shapes]
    alone = 4 * 700 * (20 + 30)
    assert found == [alone, alone, alone + 8 * 700]


def test_a_target_that_is_not_known_is_asked_for():
    with pytest.raises(ShapeError, match="give target=, the shape of the target"):
        summary(small(), (7, 20), loss=lambda y, t: (y * t).sum())


# -- the largest batch -----------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["3 MiB", "20 MiB", "1 GiB", "64 GiB"])
def test_the_largest_batch_fits_and_one_sample_more_does_not(limit):
    model = MLP([200, 10])
    found = trained(model, (32, 100), memory=limit)
    n = found.largest_batch
    assert n > 1
    assert trained(model, (n, 100)).memory.peak <= found.limit
    assert trained(model, (n + 1, 100)).memory.peak > found.limit
    assert f"a batch of {n:,}" in str(found)


def test_where_no_batch_fits_there_is_none():
    found = trained(MLP([200, 10]), (32, 100), memory="10 KiB")
    assert found.largest_batch == 0
    assert "largest batch for 10.0 KiB: no batch" in str(found)


def test_the_largest_batch_asks_for_a_batch():
    with pytest.raises(ShapeError, match="memory= asks for a batch"):
        summary(Sequential(Linear(3), F.tanh), Spec((0, 2), "float32"), loss=F.sum, memory="1 GiB")


# -- how it is shown -------------------------------------------------------------------------------


def test_json_has_all_of_it():
    found = trained(small(), (700, 30), memory="1 GiB")
    read = json.loads(json.dumps(found.description()))
    assert [row["path"] for row in read["layers"]] == ["Sequential", "0", "2"]
    assert read["inputs"] == ["float32[700, 30]"]
    assert read["training"]["peak"] == found.memory.peak
    assert read["largest_batch"] == found.largest_batch


def test_it_shows_as_html_with_what_could_be_markup_escaped():
    page = trained(small(), (700, 30))._repr_html_()
    assert page.startswith(
        '<table class="lamina-table"><thead><tr><th style="text-align:left">path'
    )
    assert "Linear(30 -&gt; 50)" in page
    assert "<p>training, peak:" in page


def test_rich_draws_it_in_full_at_any_width():
    rich = pytest.importorskip("rich")
    from rich.console import Console

    assert rich
    for width in (80, 160):
        console = Console(width=width, record=True, file=StringIO())
        console.print(trained(small(), (700, 30)))
        text = console.export_text()
        assert "multiply-adds" in text
        assert "1,050,000" in text
        assert "kept" in text


def test_without_rich_the_text_is_printed(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setattr("lamina.insight.summary_table.find_spec", lambda name: None)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    found = summary(small(), (7, 3))
    found.show()
    assert capsys.readouterr().out == f"{found}\n"
    with pytest.raises(
        DependencyError, match=r"rich is not installed; pip install 'lamina\[cli\]'"
    ):
        found.__rich__()


def test_a_table_aligns_words_left_and_figures_right():
    table = Table(("name", "n"), [("a", "1"), ("long", "1,000")], ["end"], title="things")
    assert table.text().splitlines() == [
        "things", "-----------", "name      n", "-----------", "a         1", "long  1,000",
        "-----------", "end",
    ]  # fmt: skip


# -- what is refused -------------------------------------------------------------------------------


def test_memory_or_an_optimizer_without_a_loss_is_refused():
    for more in ({"memory": "1 GiB"}, {"optimizer": O.SGD(lr=0.1)}):
        with pytest.raises(DTypeError, match="summary: give loss= too"):
            summary(small(), (7, 3), **more)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"loss": 3}, "loss should be a function, got 3"),
        ({"loss": F.mean_squared_error, "optimizer": "adam"}, "should be an Optimizer, got 'adam'"),
        ({"backend": "gpu"}, r"backend should be one of .*'eager'.*, got 'gpu'"),
    ],
)
def test_arguments_of_another_kind_are_refused(changes, match):
    with pytest.raises(DTypeError, match=match):
        summary(small(), (7, 3), **changes)


def test_a_model_that_is_none_is_refused():
    with pytest.raises(DTypeError, match="model should be a Layer, got function"):
        summary(F.relu, (7, 3))


def test_a_size_of_memory_that_is_none_is_refused():
    with pytest.raises(RangeError, match="got 'much'"):
        trained(small(), (7, 3), memory="much")


def test_a_loss_without_inputs_is_refused():
    with pytest.raises(ShapeError, match="give the shape of each input"):
        summary(small(), loss=F.mean_squared_error)


def test_an_input_that_is_no_shape_is_refused():
    with pytest.raises(ShapeError, match="input 0: should be a shape such as"):
        summary(small(), "wide")
