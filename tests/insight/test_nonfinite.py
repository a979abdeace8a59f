"""The first NaN or infinity is named: operator, layer, line, inputs."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import lamina
import lamina.functions as F
from insight.faults import FAULTS, hidden, masked, subject, variable
from lamina import Variable, random
from lamina.errors import DTypeError
from lamina.insight import find_nonfinite

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def look(made):
    return find_nonfinite(made.step, *made.batch, model=made.model, optimizer=made.optimizer)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_named(name):
    fault = FAULTS[name]
    found = look(fault.make())
    assert found is not None
    assert (found.operator, found.layer, found.stage) == (fault.operator, fault.layer, fault.stage)
    assert re.search(fault.because, found.reason)


def test_infinities_of_a_mask_are_meant():
    assert look(masked()) is None


def test_a_fault_behind_a_mask_is_found():
    found = look(hidden())
    assert (found.operator, found.layer) == ("Log", "Net/middle")


def test_a_healthy_step_gives_nothing():
    assert look(subject()) is None


@pytest.mark.parametrize("name", ["overflow_of_exp", "slope_of_a_root_at_0", "masked"])
def test_everything_is_put_back(name):
    made = masked() if name == "masked" else FAULTS[name].make()
    before = {path: p.numpy().copy() for path, p in made.model.named_params()}
    streams, state = random.state_dict(), made.optimizer.state_dict()
    made.model.first.W.grad = np.ones((3, 4), np.float32)
    look(made)
    assert all(np.array_equal(p.numpy(), before[path]) for path, p in made.model.named_params())
    assert random.state_dict() == streams
    assert made.optimizer.state_dict()["scalars"] == state["scalars"]
    assert made.model.first.W.grad.numpy().sum() == 12
    assert made.model.last.W.grad is None


def test_the_line_is_that_of_the_user():
    found = look(FAULTS["logarithm_of_0"].make())
    assert re.search(
        r"faults\.py, line \d+: `return subject\(lambda x: F\.log\(F\.relu", found.line
    )


def test_the_line_of_a_backward_is_that_of_its_operator():
    def formula(y):
        zero = y * 0.0
        root = F.sqrt(zero)
        return root + 1.0

    assert look(subject(formula)).line.endswith("`root = F.sqrt(zero)`")


def test_the_line_of_an_update_is_that_which_calls_it():
    found = look(FAULTS["a_rate_that_overflows_float32"].make())
    assert found.line.endswith("`opt.update()`")


def test_inputs_have_their_range():
    found = look(FAULTS["overflow_of_float16"].make())
    [a, b] = found.inputs
    assert (a.dtype, a.shape, a.nan, a.infinite) == ("float16", (5, 4), 0, 0)
    assert -500 < a.low < 0 < a.high < 500
    assert a == b


def test_the_place_in_the_data_is_told():
    found = look(FAULTS["nan_in_the_data"].make())
    assert found.source == {"name": "batch/0", "nan": 1, "infinite": 0, "index": [2, 1]}


def test_model_and_optimizer_are_found_where_the_step_names_them():
    made = FAULTS["a_rate_that_overflows_float32"].make()
    before = made.model.first.W.numpy().copy()
    found = find_nonfinite(made.step, *made.batch)
    assert (found.operator, found.layer) == ("SGD", "first/W")
    assert np.array_equal(made.model.first.W.numpy(), before)


def test_a_loss_that_is_handed_on_as_a_number_is_followed_back():
    made = FAULTS["logarithm_of_0"].make()
    found = find_nonfinite(lambda x: float(made.step(x).item()), *made.batch, model=made.model)
    assert (found.operator, found.value, found.loss) == ("Log", "inf", float("inf"))


def test_a_loss_in_a_dict_is_followed_back():
    made = FAULTS["logarithm_of_0"].make()
    found = find_nonfinite(lambda x: {"loss": made.step(x), "other": 1.0}, *made.batch)
    assert found.operator == "Log"


def test_a_step_that_refuses_its_loss_itself_is_looked_at():
    made = FAULTS["logarithm_of_0"].make()

    def step(x):
        loss = F.mean(F.log(F.relu(made.model.first(x))))
        if not np.isfinite(loss.item()):
            raise ValueError("not finite")

    assert find_nonfinite(step, *made.batch, model=made.model).operator == "Log"


def test_an_error_of_a_healthy_step_is_passed_on():
    def step():
        raise ValueError("no such file")

    with pytest.raises(ValueError, match="no such file"):
        find_nonfinite(step)


def test_what_numpy_made_is_said_to_come_from_outside():
    def step(x):
        return F.mean(Variable(np.log(x), requires_grad=False) * 2.0)

    found = find_nonfinite(step, np.zeros(3, np.float32))
    assert (found.operator, found.source["name"]) == ("Mul", "a constant, or code in NumPy")


def test_a_loss_of_no_operator_is_told():
    found = find_nonfinite(lambda: float("nan"))
    assert (found.operator, found.value) == ("", "nan")
    assert "Made by  code outside of lamina" in str(found)


def test_a_parameter_that_was_so_before_is_told():
    made = subject()
    made.model.last.b.data[0] = np.inf
    found = find_nonfinite(lambda: F.mean(made.model.first.W * 1.0), model=made.model)
    assert (found.stage, found.layer) == ("before", "last")
    assert str(found).startswith("parameter last/b has 1 infinite, the first at index (0,) before")


def test_second_derivatives_are_looked_at_too():
    x = variable([4.0, 0.0])

    def step(x):
        y = F.sum(F.sqrt(x))
        (slope,) = lamina.core.gradients(y, [x], create_graph=True)
        return F.sum(slope * slope)

    found = find_nonfinite(step, x)
    assert (found.operator, found.inside, found.stage) == ("Sqrt", "Div", "backward")


def test_the_text_reads_from_what_to_why_to_do():
    text = str(look(FAULTS["logarithm_in_the_loss"].make()))
    words = [line[:9].strip() for line in text.splitlines()]
    assert text.startswith("The loss is inf.\nMade by  Log.\n")
    assert words == ["The loss", "Made by", "Line", "Because", "Inputs", "Then", "Do"]


def test_the_report_is_json_without_nan():
    found = look(FAULTS["overflow_of_exp"].make())
    again = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert again["kind"] == "lamina nonfinite"
    assert (again["operator"], again["layer"], again["loss"]) == ("Exp", "Net/middle", "nan")
    assert again["text"] == str(found)


def test_a_step_should_be_a_function():
    with pytest.raises(DTypeError, match="step should be a function of a batch, got 3"):
        find_nonfinite(3)


@pytest.mark.parametrize("backend", ["replay", "native"])
def test_a_compiled_step_inside_of_a_step_is_looked_into(backend):
    if backend == "native":
        pytest.importorskip("llvmlite")
    made = subject(lambda y: F.log(F.relu(y + 50.0)))
    inner = lamina.compile(made.step, backend=backend)
    for _ in range(3):
        inner(*made.batch)
    before = made.model.first.W.numpy().copy()
    found = find_nonfinite(lambda x: inner(x) * 2.0, made.batch[0] * 1000)
    assert (found.operator, found.layer) == ("Log", "Net/middle")
    assert np.array_equal(made.model.first.W.numpy(), before)
    assert inner.native is (backend == "native")
