"""What a compiled step takes, gives back and reads from around it, as newcomers write it."""

from __future__ import annotations

import contextlib
import copy
import functools
import pickle
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import lamina
from lamina import Function, Layer, Linear, Parameter, Sequential, Variable, gradients, no_grad
from lamina import functions as F
from lamina import optimizers as O
from lamina.compiler import compile as compile_any
from lamina.errors import GraphError, RegistrationError, ShapeError, TraceError, UnsteadyError

FACTOR = 2.0
TABLE = np.ones(3, np.float32)


@pytest.fixture(autouse=True, params=["replay", "native"])
def backend(request, monkeypatch):
    """What surprises with one backend would with the other."""
    if request.param == "native":
        pytest.importorskip("llvmlite")
    monkeypatch.setitem(globals(), "compile", functools.partial(compile_any, backend=request.param))


def compile(function: Any) -> Any:
    """`lamina.compile` with the backend of the test: the fixture puts it here."""
    raise NotImplementedError


def ones(*shape):
    return np.ones(shape, np.float32)


def often(step, *args):
    return [step(*args) for _ in range(3)][-1]


# -- arguments and results -----------------------------------------------------------------------


def test_a_dict_whose_keys_come_in_another_order():
    step = compile(lambda d: d["a"] - d["b"])
    one, two = ones(2), 3 * ones(2)
    for _ in range(3):
        assert step({"a": one, "b": two}).tolist() == [-2, -2]
        assert step({"b": two, "a": one}).tolist() == [-2, -2]


def test_a_dict_with_another_key():
    step = compile(lambda d: d["a"] * 2 if "a" in d else d["b"] * 5)
    for _ in range(3):
        assert step({"a": ones(1)}).item() == 2
        assert step({"b": ones(1)}).item() == 5


def test_a_list_in_place_of_a_tuple():
    step = compile(lambda pair: pair[0] * (2 if isinstance(pair, list) else 3))
    for _ in range(3):
        assert step([ones(1)]).item() == 2
        assert step((ones(1),)).item() == 3


class Losses(NamedTuple):
    whole: Any
    part: Any


def test_a_named_tuple_is_taken_and_given():
    step = compile(lambda pair: Losses(F.sum(pair.whole), F.sum(pair.part) * 2))
    for i in (1.0, 2.0, 3.0, 4.0):
        found = step(Losses(Variable(i * ones(2)), Variable(ones(2))))
        assert type(found) is Losses
        assert (found.whole.item(), found.part.item()) == (2 * i, 4)


@dataclass
class Held:
    loss: Any


@pytest.mark.parametrize("made", [Held, lambda y: (y for _ in range(2)), lambda y: {y}])
def test_arrays_inside_of_what_is_returned_are_refused(made):
    step = compile(lambda x: made(F.sum(x)))
    with pytest.raises(TraceError, match=r"the step returns a (Held|generator|set), whose arrays"):
        often(step, ones(2))


def test_variables_that_the_step_only_returns():
    weight, made = Parameter(ones(2)), 3.0
    step = compile(lambda x: (F.sum(x), weight, Variable(np.array(made))))
    loss, given, constant = often(step, ones(2))
    assert (loss.item(), given.data.tolist(), constant.item()) == (2, [1, 1], 3)
    weight.data[...] = 7
    assert step(ones(2))[1].data.tolist() == [7, 7]


def test_bytes_in_the_other_order():
    step = compile(lambda x: x * 2)
    swapped = ones(2).astype(np.dtype(np.float32).newbyteorder())
    assert often(step, swapped).tolist() == [2, 2]


def test_a_memoryview_is_refused_by_name():
    step = compile(lambda x: np.asarray(x) * 2)
    with pytest.raises(TraceError, match="an argument of the step is a memoryview"):
        step(memoryview(bytearray(8)))


def test_minus_zero_is_another_number_than_zero():
    step = compile(lambda x, factor: x * factor)
    for _ in range(3):
        assert not np.signbit(step(ones(1), 0.0)).any()
        assert np.signbit(step(ones(1), -0.0)).all()


def test_a_number_that_changes_at_each_call_is_told_once(capsys):
    step = compile(lambda x, i: x * i)
    for i in range(20):
        assert step(ones(1), np.array(i, np.float32)).item() == i
    assert capsys.readouterr().out == ""
    for i in range(20):
        assert step(ones(1), float(i)).item() == i
    assert capsys.readouterr().out.count("compile: <lambda> was called in 16 ways") == 1


# -- methods -------------------------------------------------------------------------------------


def trainer(model=None):
    """A class of the kind that people write, compiled with the backend of the test."""

    class Trainer:
        def __init__(self):
            self.model = model or Sequential(Linear(3, in_size=2))
            self.optimizer = O.SGD(lr=0.1).setup(self.model)

        @compile
        def step(self, x):
            loss = F.mean(self.model(x) ** 2)
            self.model.cleargrads()
            loss.backward()
            self.optimizer.update()
            return loss

    return Trainer


def test_a_step_may_be_a_method_and_each_instance_has_its_own():
    kind = trainer()
    one, two = kind(), kind()
    first = [one.step(ones(4, 2)).item() for _ in range(4)]
    assert first[0] > first[1] > first[2] > first[3]
    held = one.model[0].W.data.copy()
    second = [two.step(ones(4, 2)).item() for _ in range(4)]
    assert second[0] > second[3]
    assert np.array_equal(one.model[0].W.data, held)
    assert one.step.explain().startswith("1 program")


def test_a_forward_may_be_compiled():
    class Net(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Linear(3, in_size=2)

        @compile
        def forward(self, x):
            return F.tanh(self.inner(x))

    net = Net()
    with no_grad():
        assert np.allclose(often(net, ones(4, 2)), F.tanh(net.inner(ones(4, 2))), atol=1e-6)
    assert [name for name, _ in net.named_params()] == ["inner/W", "inner/b"]


def test_a_copy_of_an_instance_trains_itself():
    one = trainer()()
    often(one.step, ones(4, 2))
    for two in (copy.deepcopy(one), copy.copy(one)):
        if two.model is one.model:
            two.model = copy.deepcopy(one.model)
            two.optimizer = O.SGD(lr=0.1).setup(two.model)
        held, before = one.model[0].W.data.copy(), two.model[0].W.data.copy()
        often(two.step, ones(4, 2))
        assert np.array_equal(one.model[0].W.data, held)
        assert not np.array_equal(two.model[0].W.data, before)


class Kept(Layer):
    """A Layer that holds a step, made in ``__init__``."""

    def __init__(self):
        super().__init__()
        self.inner = Linear(3, in_size=2)
        self.predict = compile(self._predict)

    def _predict(self, x):
        return self.inner(x)


def test_a_layer_that_holds_a_step_is_copied_and_pickled():
    one = Kept()
    with no_grad():
        expected = often(one.predict, ones(4, 2)).numpy()
        for two in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
            assert np.array_equal(often(two.predict, ones(4, 2)), expected)
            one.inner.W.data += 1
            assert np.array_equal(two.predict(ones(4, 2)), expected)
            one.inner.W.data -= 1


def test_a_gradient_cannot_pass_through_a_result():
    model, head = Linear(3, in_size=2), Linear(1, in_size=3)
    predict = compile(lambda x: F.tanh(model(x)))
    often(predict, ones(4, 2))
    with pytest.raises(GraphError, match="the result of a compiled step, which keeps no graph"):
        F.sum(head(predict(ones(4, 2)))).backward()  # eagerly, the weights of model would learn
    with pytest.raises(GraphError, match="the result of a compiled step, which keeps no graph"):
        gradients(F.sum(head(predict(ones(4, 2)))), [model.W, head.W])
    F.sum(head(predict(ones(4, 2)).detach())).backward()
    assert head.W.grad is not None


def test_a_loss_whose_backward_is_in_the_step_requires_no_gradient():
    step = trainer()().step
    assert not often(step, ones(4, 2)).requires_grad
    with no_grad():
        assert not often(compile(trainer()().model), ones(4, 2)).requires_grad


# -- what stands around --------------------------------------------------------------------------


def helper(x):
    return x * FACTOR


def test_a_number_that_a_function_of_the_file_reads(monkeypatch):
    step = compile(lambda x: helper(x))
    assert often(step, ones(1)).item() == 2
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    assert often(step, ones(1)).item() == 5


def test_a_number_that_a_function_inside_the_step_reads(monkeypatch):
    step = compile(lambda x: next(y * FACTOR for y in (x,)) + (lambda z: z * FACTOR)(x))
    assert often(step, ones(1)).item() == 4
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    assert often(step, ones(1)).item() == 10


def test_a_number_under_a_decorator(monkeypatch):
    step = compile(no_grad()(lambda x: x * FACTOR))
    assert often(step, ones(1)).item() == 2
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    assert often(step, ones(1)).item() == 5


def test_a_function_that_is_written_anew(monkeypatch):
    step = compile(lambda x: helper(x))
    assert often(step, ones(1)).item() == 2
    monkeypatch.setitem(globals(), "helper", lambda x: x - 8)
    assert often(step, ones(1)).item() == -7


def test_another_array_under_an_old_name(monkeypatch):
    step = compile(lambda: F.sum(Variable(TABLE) * 2))
    assert often(step).item() == 6
    for size in (4, 5):
        monkeypatch.setitem(globals(), "TABLE", ones(size))
        assert often(step).item() == 2 * size


def test_an_attribute_of_a_layer_that_is_set():
    class Scaled(Layer):
        def __init__(self):
            super().__init__()
            self.scale, self.activation = 2.0, F.relu

        def forward(self, x):
            return self.activation(x * self.scale)

    layer = Scaled()
    step = compile(lambda x: F.sum(layer(x)))
    x = Variable(ones(1))
    assert often(step, x).item() == 2
    layer.scale = 9.0
    assert often(step, x).item() == 9
    layer.activation = lambda x: x * x
    assert often(step, x).item() == 81


# -- what a step does ----------------------------------------------------------------------------


def test_a_variable_that_the_step_makes():
    weight = Parameter(np.eye(2, dtype=np.float32))

    def step(xs):
        state = Variable(np.zeros((1, 2), np.float32))
        for x in xs:
            state = F.tanh(state @ weight + x)
        loss = F.sum(state * state)
        weight.cleargrad()
        loss.backward()
        weight.data -= 0.1 * weight.grad.data  # pyright: ignore[reportOptionalMemberAccess]
        return loss

    compiled = compile(step)
    found = [compiled(ones(3, 1, 2)).item() for _ in range(5)]
    weight.data = np.eye(2, dtype=np.float32)
    assert found == pytest.approx([step(ones(3, 1, 2)).item() for _ in range(5)], rel=1e-5)


def test_a_variable_that_the_step_makes_for_a_scan():
    weight = Parameter(np.eye(2, dtype=np.float32))

    def step(xs):
        def turn(state, x):
            state = F.tanh(state @ weight + x)
            return state, F.sum(state)

        last, _ = lamina.scan(turn, Variable(np.zeros((1, 2), np.float32)), xs)
        loss = F.sum(last * last)
        weight.cleargrad()
        loss.backward()
        return loss

    assert often(compile(step), ones(3, 1, 2)).item() == pytest.approx(step(ones(3, 1, 2)).item())


def test_a_count_of_the_program_around_is_refused():
    count = 0

    @compile
    def step(x):
        nonlocal count
        count += 1
        return x * 2**-count

    found = []
    with contextlib.suppress(UnsteadyError):
        found = [step(ones(1)).item() for _ in range(3)]
    assert found in ([], [0.5, 0.25, 0.125])  # as it is, or refused; never a wrong number


class Waves(Layer):
    """A Layer that makes a table at its first call and keeps it."""

    def __init__(self):
        super().__init__()
        self.table: Any = None

    def forward(self, x):
        if self.table is None:
            self.table = F.sin(Variable(ones(2)))
        return x + self.table


def test_a_table_that_the_first_call_keeps_is_never_one_without_numbers():
    model, found = Waves(), []
    step = compile(lambda x: F.sum(model(x)))
    with contextlib.suppress(UnsteadyError):
        found = [step(ones(2)).item() for _ in range(3)]
    assert found in ([], [pytest.approx(2 + 2 * np.sin(1))] * 3)
    again = Waves()
    again(ones(2))  # what the error says
    assert often(compile(lambda x: F.sum(again(x))), ones(2)).item() == pytest.approx(3.682942)


def test_an_array_that_one_call_keeps_for_the_next_is_told_so():
    kept = [ones(2)]

    @compile
    def step(x):
        kept[0] = kept[0] * 0.5 + x
        return F.sum(Variable(kept[0]))

    with pytest.raises(UnsteadyError, match="keep it in a Buffer"):
        often(step, ones(2))


class Shorter(Function):
    """An operator whose ``spec`` is wrong."""

    def forward(self, x):
        return np.cumsum(x)[1:]

    def spec(self, x):
        return x

    def backward(self, gy, x):
        return gy * x


def test_a_spec_that_is_wrong_is_told():
    step = compile(lambda x: Shorter()(x) * 2)
    with pytest.raises(ShapeError, match=r"spec\(\) says that it gives .*\[3\], and forward gave"):
        often(step, ones(3))


def test_a_learning_rate_that_the_step_sets():
    model = Linear(2, in_size=2)
    optimizer = O.SGD(lr=0.1).setup(model)

    @compile
    def step(x, lr):
        model.cleargrads()
        F.sum(model(x)).backward()
        optimizer.lr = lr
        optimizer.update()

    with pytest.raises(TraceError, match=r"SGD: lr is set inside of a step.*give a schedule"):
        often(step, ones(1, 2), 0.5)


def test_a_layer_that_the_optimizer_does_not_know():
    model = Sequential(Linear(3, in_size=2))
    optimizer = O.SGD(lr=0.1).setup(model)

    @compile
    def step(x):
        loss = F.mean(model(x))
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    often(step, ones(1, 2))
    model.append(Linear(3, in_size=3))
    for _ in range(3):
        with pytest.raises(RegistrationError, match="the model changed since setup"):
            step(ones(1, 2))
