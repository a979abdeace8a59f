"""profile: events, tables, the trace; and that nothing is left of it afterwards."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest

import lamina
from fixtures.step import step_of
from lamina import Layer, Linear, Sequential, Variable
from lamina import functions as F
from lamina import optimizers as O
from lamina.core import Function
from lamina.core.backward import _Walk
from lamina.errors import DTypeError, GraphError, RangeError
from lamina.insight import profile
from lamina.insight.profile_report import shown_time
from lamina.layers.calls import calls
from lamina.optimizers import Optimizer

X, T = np.ones((40, 30), np.float32), np.arange(40) % 10


class Net(Layer):
    """One Linear inside another Layer, one beside it."""

    def __init__(self):
        super().__init__()
        self.first = Sequential(Linear(20), F.tanh)
        self.last = Linear(10)

    def forward(self, x):
        return self.last(self.first(x))


@pytest.fixture
def step():
    model = Net()
    return step_of(model, O.Adam(lr=0.01).setup(model))


def test_operators_are_counted_and_timed_forward_and_backward(step):
    found = profile(step, X, T, steps=3)
    rows = {row.name: row for row in found.operators}
    assert {name: row.calls for name, row in rows.items()} == {
        "Linear": 2, "Tanh": 1, "CheckLabels": 1, "SoftmaxCrossEntropy": 1,
    }  # fmt: skip
    assert all(rows[name].forward > 0 < rows[name].backward for name in ("Linear", "Tanh"))
    assert rows["CheckLabels"].backward == 0


def test_layers_own_what_runs_in_them_and_in_no_layer_inside(step):
    found = profile(step, X, T, steps=2)
    rows = {row.name: row for row in found.layers}
    assert {name: row.calls for name, row in rows.items() if name} == {
        "Net": 1, "first": 1, "first/0": 1, "last": 1,
    }  # fmt: skip
    visits = [(e.name, e.layer) for e in found.events if e.kind == "backward"]
    assert visits == 2 * [
        ("SoftmaxCrossEntropy", ""), ("Linear", "last"), ("Tanh", "first"), ("Linear", "first/0"),
    ]  # fmt: skip
    assert rows["Net"].backward == 0 < rows["first"].backward


def test_bytes_made_are_those_of_results_and_not_of_views(step):
    found = profile(step, X, T, steps=1)
    forward = {e.name: e.nbytes for e in found.events if e.kind == "operator" and e.layer == "last"
               and e.phase == "forward"}  # fmt: skip
    assert forward == {"Linear": 4 * 40 * 10}
    with profile() as other:
        F.reshape(F.exp(np.ones((4, 6))), (24,))
    assert [(e.name, e.nbytes) for e in other.events] == [("Exp", 8 * 24), ("Reshape", 0)]


def test_the_peak_is_what_results_held_together():
    x = Variable(np.ones(1000, np.float32), requires_grad=False)
    with profile() as found:
        a = F.exp(x)
        b = F.exp(a)
        del a, b
        c = F.exp(x)
    assert (found.peak, found.live) == (8000, 4000)
    assert found.peak_at.name == "Exp"
    assert [n for _, n in found.memory][:2] == [4000, 8000]
    assert c.shape == (1000,)


def test_phases_and_what_is_between_them_are_the_whole(step):
    found = profile(step, X, T, steps=2)
    phases = [found.seconds_of(phase) for phase in ("forward", "backward", "update")]
    assert min(phases) > 0
    assert sum(phases) < found.seconds


def test_events_lie_in_one_another(step):
    found = profile(step, X, T, steps=2)
    for event in found.events:
        assert event.end >= event.start >= found.start
        if event.outer is not None:
            assert event.outer.start <= event.start
            assert event.end <= event.outer.end
            assert event.own >= 0


# -- the trace -------------------------------------------------------------------------------------


def check_trace(trace):
    """What Chromium's importer asks: complete events nest on their thread."""
    events = trace["traceEvents"]
    assert {e["ph"] for e in events} <= {"X", "M", "C"}
    assert all(isinstance(e["name"], str) and "pid" in e and "tid" in e for e in events)
    assert [e["name"] for e in events if e["ph"] == "M"] == ["process_name", "thread_name"]
    open_until: list[float] = []
    spans = [e for e in events if e["ph"] == "X"]
    assert spans == sorted(spans, key=lambda e: (e["ts"], -e["dur"]))
    for event in spans:
        assert event["dur"] >= 0 <= event["ts"]
        # a nanosecond is 0.001, and sums of them are rounded
        while open_until and open_until[-1] <= event["ts"] + 1e-6:
            open_until.pop()
        end = event["ts"] + event["dur"]
        assert not open_until or end <= open_until[-1] + 1e-6
        open_until.append(end)
    return spans


def test_the_trace_is_a_file_of_nested_complete_events_in_microseconds(step, tmp_path):
    found = profile(step, X, T, steps=2)
    path = found.save(tmp_path / "trace.json")
    trace = json.loads(path.read_text(encoding="utf-8"))
    spans = check_trace(trace)
    assert trace["displayTimeUnit"] == "ms"
    assert len(spans) == len(found.events)
    steps = [e for e in spans if e["cat"] == "step"]
    assert sum(e["dur"] for e in steps) == pytest.approx(
        sum(e.end - e.start for e in found.events if e.kind == "step") / 1e3
    )
    linear = next(e for e in spans if e["name"] == "Linear backward")
    assert (linear["cat"], linear["args"]["layer"]) == ("backward", "last")
    counters = [e for e in trace["traceEvents"] if e["ph"] == "C"]
    assert max(e["args"]["bytes"] for e in counters) == found.peak


def test_json_has_the_figures(step):
    found = profile(step, X, T, steps=1)
    read = json.loads(json.dumps(found.description()))
    assert set(read["phases"]) == {"forward", "backward", "update"}
    assert {row["name"] for row in read["operators"]} == {row.name for row in found.operators}


# -- how it is shown -------------------------------------------------------------------------------


def test_it_prints_two_tables_and_what_a_step_takes(step):
    text = str(profile(step, X, T, steps=2))
    heads = [line.split() for line in text.splitlines() if "calls" in line]
    assert [head[0] for head in heads] == ["layer", "operator"]
    assert "(outside of layers)" in text
    assert "one of 2 steps: " in text
    assert "most that results of operators held: " in text


def test_it_shows_as_html_and_is_drawn_by_rich(step):
    found = profile(step, X, T, steps=1)
    assert found._repr_html_().count('<table class="lamina-table">') == 2
    pytest.importorskip("rich")
    from rich.console import Console

    console = Console(width=80)
    with console.capture() as captured:
        console.print(found)
    assert "SoftmaxCrossEntropy" in captured.get()


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0 µs"), (1.5e-6, "1.5 µs"), (0.0123, "12.3 ms"), (75, "75 s")]
)
def test_times_are_shown_in_the_unit_that_suits(seconds, shown):
    assert shown_time(seconds) == shown


# -- nothing is left -------------------------------------------------------------------------------


def methods():
    return Function.__call__, _Walk.visit, Optimizer.update, calls.observer


def test_afterwards_the_methods_are_what_they_were(step):
    before = methods()
    profile(step, X, T, steps=1)
    assert methods() == before


def test_after_an_error_the_methods_are_what_they_were():
    before = methods()
    with pytest.raises(ValueError, match="linear: last axis of x should be"):
        with profile() as found:
            F.linear(np.ones((2, 3)), np.ones((4, 5)))
    assert methods() == before
    assert [e.name for e in found.events] == ["Linear"]


def test_numbers_are_the_same_with_and_without(step):
    lamina.seed(1)
    plain = Net()(X).data
    lamina.seed(1)
    with profile():
        watched = Net()(X).data
    assert np.array_equal(watched, plain)


def test_a_profile_in_a_profile_is_refused_and_the_first_goes_on():
    with profile() as found:
        with pytest.raises(GraphError, match="another profile is running"), profile():
            pass
        F.exp(X)
    assert [e.name for e in found.events] == ["Exp"]


def test_other_threads_run_as_ever_and_are_not_looked_at():
    results = []
    with profile() as found:
        thread = threading.Thread(target=lambda: results.append(Net()(X).shape))
        thread.start()
        thread.join()
    assert results == [(40, 10)]
    assert found.events == []


def test_span_marks_what_runs_inside_while_the_profile_is_made():
    with profile() as found:
        with found.span("loading"):
            F.exp(X)
    inner, outer = found.events
    assert (inner.outer, outer.name, outer.kind) == (outer, "loading", "step")
    with pytest.raises(GraphError, match=r"span\(\) marks what runs inside"):
        found.span("late")


@pytest.mark.parametrize("steps", [0, -1, 1.5, True, "2"])
def test_steps_that_are_none_are_refused(step, steps):
    with pytest.raises(RangeError, match="steps should be an integer of 1 or more"):
        profile(step, X, T, steps=steps)


def test_a_step_that_is_no_function_is_refused():
    with pytest.raises(DTypeError, match="step should be a function, got 3"):
        profile(3)


# -- compiled steps --------------------------------------------------------------------------------


def test_a_compiled_step_has_groups_with_times(step):
    pytest.importorskip("llvmlite")
    found = profile(lamina.compile(step, backend="native"), X, T, steps=3)
    assert found.backend == "native"
    timed = [g for g in found.groups if g.seconds is not None]
    assert timed
    assert all((g.seconds >= 0 and g.reached is not None) or not g.seconds for g in timed)
    assert "one of 3 steps, native: " in str(found)
    assert len(check_trace(found.trace())) == len(timed)
    json.dumps(found.description())


def test_a_replayed_step_has_a_time_for_each_instruction_that_runs(step, tmp_path):
    found = profile(lamina.compile(step, backend="replay"), X, T, steps=2)
    assert found.backend == "replay"
    assert all([group.seconds > 0 for group in found.groups])
    names = [group.instructions for group in found.groups]
    assert {"matmul", "tanh"} <= set(names)
    assert sum([group.seconds for group in found.groups]) <= found.seconds
    assert "one of 2 steps, replay: " in str(found)
    events = check_trace(json.loads(found.save(tmp_path / "t.json").read_text()))
    assert len(events) == len(names)
