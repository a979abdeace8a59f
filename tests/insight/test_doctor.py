"""The doctor names what is wrong, finds nothing where nothing is, and leaves all as it was."""

from __future__ import annotations

import random as python_random
from graphlib import TopologicalSorter
from typing import Any

import numpy as np
import pytest

import lamina
import lamina.functions as F
import lamina.layers as L
import lamina.optimizers as O
from insight.broken import BROKEN
from insight.healthy import HEALTHY, adam, blobs, entropy, mlp
from lamina.errors import DTypeError
from lamina.insight import doctor
from lamina.insight.rule import RULES


def healthy(name: str) -> Any:
    make, loss, batch, optimizer = HEALTHY[name]
    model = make()
    return model, loss, batch(), optimizer and optimizer(model)


def case(name: str) -> Any:
    return BROKEN[name]() if name in BROKEN else healthy(name)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model_is_diagnosed_by_name_and_nothing_else(name: str) -> None:
    report = doctor(*case(name))
    assert report.names == [name], report


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_model_is_without_a_finding(name: str) -> None:
    report = doctor(*case(name))
    assert report.findings == [], report


@pytest.mark.parametrize("name", HEALTHY)
def test_a_model_in_the_middle_of_training_is_without_a_finding(name: str) -> None:
    model, loss, batch, optimizer = healthy(name)
    optimizer = optimizer or O.SGD(lr=0.05).setup(model)
    for _ in range(10):  # its last gradients stay there, as in any loop
        model.cleargrads()
        loss(model, *batch).backward()
        optimizer.update()
    report = doctor(model, loss, batch, optimizer)
    assert report.findings == [], report


def test_each_rule_has_a_broken_model_and_there_are_ten_healthy_ones() -> None:
    assert set(BROKEN) == set(RULES)
    assert len(RULES) >= 15
    assert len(HEALTHY) >= 10


def test_no_two_rules_explain_each_other_away() -> None:
    graph = {name: set(each.explained_by) for name, each in RULES.items()}
    assert set().union(*graph.values()) <= set(RULES)
    TopologicalSorter(graph).prepare()  # raises if there is a ring


def state(model: Any, batch: Any, optimizer: Any) -> list[Any]:
    """All that a step might change, comparable."""
    held = [*model.named_params(), *model.named_buffers()]
    arrays = [(path, None if v._data is None else v._data.tobytes()) for path, v in held]
    return [
        arrays,
        [(path, id(v._data)) for path, v in held],
        [(path, v.state) for path, v in model.named_params()],
        [
            (path, id(v._grad), None if v._grad is None else v._grad.numpy().tobytes())
            for path, v in held
        ],
        [layer.training for layer in model.layers()],
        [np.asarray(x).tobytes() for x in batch],
        lamina.random.state_dict(),
        repr(np.random.get_state()),
        python_random.getstate(),
        optimizer and repr(optimizer.state_dict()),
    ]


@pytest.mark.parametrize("name", [*HEALTHY, *BROKEN])
def test_model_batch_optimizer_and_random_streams_stay_as_they_are(name: str) -> None:
    model, loss, batch, optimizer = case(name)
    before = state(model, batch, optimizer)
    doctor(model, loss, batch, optimizer)
    assert state(model, batch, optimizer) == before


def test_weights_that_were_not_drawn_yet_are_drawn_as_if_nobody_had_looked() -> None:
    one, other = mlp().build((4, 6)), mlp().build((4, 6))
    doctor(other, entropy, blobs())
    first, second = [p.numpy().copy() for p in one.params()], [p.numpy() for p in other.params()]
    lamina.seed(0)
    one, other = mlp().build((4, 6)), mlp().build((4, 6))
    expected = [p.numpy() for p in one.params()], [p.numpy() for p in other.params()]
    assert all(map(np.array_equal, first, expected[0]))
    assert all(map(np.array_equal, second, expected[1]))


def test_a_layer_outside_the_model_is_left_as_it_was() -> None:
    inner = L.Linear(16, in_size=6)
    grad = lamina.Variable(np.ones((6, 16), np.float32))
    inner.W.grad = grad
    numbers = inner.W.numpy().copy()
    model = L.Sequential(lambda x: inner(x), F.relu, L.Linear(3))
    assert doctor(model, entropy, blobs()).names == ["unregistered-layer"]
    assert inner.W.grad is grad
    assert (grad.numpy() == 1).all()
    assert np.array_equal(inner.W.numpy(), numbers)


def test_a_finding_names_place_evidence_and_remedy() -> None:
    x, t = blobs()
    (finding,) = doctor(mlp(), entropy, (x, t + 1)).findings
    assert finding.place == "batch[1]"
    assert finding.evidence == (
        "labels from 1 to 3, and the model gives 3 classes: 10 of 32 labels are outside 0..2"
    )
    assert finding.remedy.startswith("Count classes from 0")


def test_dead_units_are_counted_at_the_layer_that_has_them() -> None:
    (finding,) = doctor(*BROKEN["dead-units"]()).findings
    assert "32 units of relu are 0 for all 32 samples" in finding.evidence
    assert int(finding.evidence.split()[0]) >= 24


def test_an_error_of_the_loss_is_told_with_the_place_where_it_happened() -> None:
    def loss(m: Any, x: Any, t: Any) -> Any:
        return entropy(m, x[:, :4], t)

    (finding,) = doctor(mlp().build((4, 6)), loss, blobs()).findings
    assert finding.rule == "loss-fails"
    assert "in Sequential/0 (Linear 6 -> 32): got float32 (32, 4)" in finding.evidence


def test_a_label_that_is_ignored_is_in_order() -> None:
    x, t = blobs()
    t[:3] = -100

    def loss(m: Any, x: Any, t: Any) -> Any:
        return F.softmax_cross_entropy(m(x), t, ignore_index=-100)

    assert doctor(mlp(), loss, (x, t)).findings == []


def test_a_schedule_that_warms_up_is_in_order() -> None:
    model = mlp()
    optimizer = O.SGD(lr=lambda step: 1e-6 * step).setup(model)
    assert doctor(model, entropy, blobs(), optimizer).findings == []


def test_an_optimizer_that_was_not_set_up_is_set_up_on_the_copy() -> None:
    optimizer = O.Adam(lr=3e-3)
    report = doctor(mlp(), entropy, blobs(), optimizer)
    assert report.losses[-1] < report.losses[0]
    assert not optimizer.named_params()


def test_sharpness_aware_minimization_is_tried_with_its_two_gradients() -> None:
    model = mlp()
    report = doctor(model, entropy, blobs(), O.SAM(O.SGD(lr=0.1)).setup(model))
    assert report.findings == []
    assert report.losses[-1] < report.losses[0] / 2


def test_an_optimizer_that_calls_the_loss_itself_is_not_tried() -> None:
    model = mlp()
    report = doctor(model, entropy, blobs(), O.LBFGS().setup(model))
    assert report.findings == []
    assert report.losses == []


def test_labels_in_a_list_are_looked_at_too() -> None:
    x, t = blobs()
    (finding,) = doctor(mlp(), entropy, (x.tolist(), (t + 1).tolist())).findings
    assert finding.rule == "labels-out-of-range"


def test_lists_of_rows_of_different_lengths_are_passed_on() -> None:
    def loss(m: Any, x: Any, t: Any, notes: Any) -> Any:
        assert notes == [[1], [2, 3]]
        return entropy(m, x, t)

    assert doctor(mlp(), loss, (*blobs(), [[1], [2, 3]])).findings == []


def test_the_report_prints_and_shows_as_html() -> None:
    report = doctor(*BROKEN["softmax-before-cross-entropy"]())
    text = str(report)
    assert "softmax-before-cross-entropy  at 3" in text
    assert f"1 finding of {len(RULES)} rules; loss at the start: {report.loss:.4g}" in text
    page = report._repr_html_()
    assert page.count("<tr>") == 2
    assert "<td>SoftmaxCrossEntropy takes the result of Softmax</td>" in page


def test_html_of_a_report_quotes_what_was_found() -> None:
    def loss(m: Any, x: Any, t: Any) -> Any:
        raise ValueError("<b>&")

    assert "ValueError: &lt;b&gt;&amp;" in doctor(mlp(), loss, blobs())._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("model", entropy, blobs()), "model should be a Layer, got str"),
        ((mlp(), 3, blobs()), r"loss should be a function, loss\(model, \*batch\), got int"),
        ((mlp(), entropy, blobs()[0]), r"batch should be a tuple such as \(x, t\), got ndarray"),
        ((mlp(), entropy, blobs(), 0.1), "optimizer should be an Optimizer, got float"),
    ],
)
def test_arguments_of_another_kind_are_refused(arguments: Any, text: str) -> None:
    with pytest.raises(DTypeError, match=text):
        doctor(*arguments)


def test_an_error_that_is_no_matter_of_the_batch_is_passed_on() -> None:
    def loss(m: Any, x: Any, t: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        doctor(mlp(), loss, blobs())


def test_doctor_works_under_no_grad_and_on_a_model_on_its_own(rng: np.random.Generator) -> None:
    model = mlp()
    with lamina.no_grad():
        assert doctor(model, entropy, blobs(), adam(model)).findings == []


def test_a_loss_that_is_not_finite_is_told_with_the_operator_that_made_it() -> None:
    model = L.Sequential(L.Linear(8), lambda x: F.log(x * 0.0), L.Linear(3))
    (finding,) = doctor(model, entropy, blobs()).findings
    assert finding.rule == "not-finite-loss"
    assert "at the first step: Log, the logarithm of 0 is minus infinity" in finding.evidence
