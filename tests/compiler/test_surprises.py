"""What can surprise in a step that is traced: each is a clear error, or does the right thing."""

from __future__ import annotations

import functools
import random

import numpy as np
import pytest

import lamina
from lamina import Layer, Linear, Parameter, Sequential, Variable, no_grad
from lamina import functions as F
from lamina import optimizers as O
from lamina.compiler import compile as compile_any
from lamina.errors import RangeError, TraceError

SCALE = 2.0


@pytest.fixture(autouse=True, params=["replay", "native"])
def backend(request, monkeypatch):
    """What surprises with one backend would with the other."""
    if request.param == "native":
        pytest.importorskip("llvmlite")
    monkeypatch.setitem(globals(), "compile", functools.partial(compile_any, backend=request.param))


def compile(function):
    """`lamina.compile` with the backend of the test: the fixture puts it here."""
    raise NotImplementedError


def ones(*shape):
    return np.ones(shape, np.float32)


def twice(step, *args):
    step(*args)
    return step(*args)


def model_and_step(optimizer=None):
    model = Sequential(Linear(4), F.tanh, Linear(2)).build((5, 3))
    updates = (optimizer or O.SGD(lr=0.5)).setup(model)

    @compile
    def step(x, t):
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        updates.update()
        return loss

    return model, updates, step


DATA = (np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3), np.array([0, 1, 1, 0, 1]))


def changes(model, step):
    """The largest change of a weight in one call of the step."""
    before = [p.data.copy() for p in model.params()]
    step(*DATA)
    return max(np.abs(p.data - b).max() for p, b in zip(model.params(), before, strict=True))


# -- what cannot be traced is an error with the user's line ---------------------------------------


def test_reading_a_value():
    step = compile(lambda x: x * float(F.sum(x)))
    with pytest.raises(TraceError, match=r"has no numbers yet.*test_surprises\.py, line"):
        twice(step, ones(2))


def test_branching_on_a_value():
    @compile
    def step(x):
        if F.sum(x) > 0:
            return x * 2
        return x

    with pytest.raises(TraceError, match=r"use lamina\.where.*`if F\.sum\(x\) > 0:`"):
        twice(step, Variable(ones(2)))


def test_printing_a_value_shows_that_it_is_none(capsys):
    step = compile(lambda x: print(x * 1) or x * 2)
    twice(step, ones(2))
    assert "Value(float32[2])" in capsys.readouterr().out


def test_a_value_that_escapes_into_a_list_is_an_error_where_it_is_read():
    losses = []

    @compile
    def step(x):
        losses.append(F.sum(x))
        return losses[-1]

    twice(step, ones(2))
    with pytest.raises(TraceError, match="has no numbers yet"):
        losses[-1].item()


def test_random_numbers_of_numpy_would_be_frozen():
    step = compile(lambda x: x * np.random.random(2))
    with pytest.raises(TraceError, match="did not do the same when it was heard twice"):
        twice(step, Variable(ones(2)))


def test_random_numbers_of_python_would_be_frozen():
    step = compile(lambda x: x * random.random())
    with pytest.raises(TraceError, match=r"draw random numbers with lamina\.functions"):
        twice(step, ones(2))


def test_counting_in_python_would_be_frozen():
    count = [0]

    @compile
    def step(x):
        count[0] += 1
        return x * count[0]

    with pytest.raises(TraceError, match="give what changes as an argument"):
        twice(step, ones(2))


def test_writing_into_an_array_of_the_step():
    @compile
    def step(x):
        x.data[0] = 3
        return x * 1

    with pytest.raises(TraceError, match="assignment to elements"):
        twice(step, Variable(ones(2)))


def test_changing_an_array_whose_memory_another_one_shares():
    flat = np.ones(6, np.float32)
    a, b = Parameter(flat[:4]), Parameter(flat[2:])

    @compile
    def step(x):
        a.data -= x
        return F.sum(a) + F.sum(b)

    with pytest.raises(TraceError, match="whose memory another array of the step shares"):
        twice(step, ones(4))


def test_an_argument_that_cannot_be_compared():
    step = compile(lambda x, options: x * 2)
    with pytest.raises(TraceError, match="an argument of the step is a set"):
        step(ones(2), {1, 2})


def test_a_failed_trace_leaves_the_model_as_it_was():
    model = Sequential(Linear(4), Linear(2))

    @compile
    def step(x):
        y = F.sum(model(x))
        model.cleargrads()
        y.backward()
        for p in model.params():
            p.data -= 0.1 * p.grad.data
        return float(y)

    step(ones(2, 3))
    before = [p.data for p in model.params()], [p.grad for p in model.params()]
    with pytest.raises(TraceError, match="float"):
        step(ones(2, 3))
    after = [p.data for p in model.params()], [p.grad for p in model.params()]
    assert all(
        a is b for x, y in zip(before, after, strict=True) for a, b in zip(x, y, strict=True)
    )


# -- what changes is followed --------------------------------------------------------------------


def test_a_learning_rate_that_is_set():
    model, updates, step = model_and_step()
    for _ in range(3):
        step(*DATA)
    assert changes(model, step) > 0
    updates.lr = 0.0
    assert changes(model, step) == 0


def test_a_schedule():
    model, _, step = model_and_step(O.SGD(lr=O.StepDecay(0.5, every=4, factor=0.0)))
    assert [changes(model, step) > 0 for _ in range(6)] == [True] * 4 + [False] * 2


def test_a_mode_that_is_switched():
    model = Sequential(Linear(500), lambda x: F.dropout(x, 0.5))
    step = compile(lambda x: F.sum(model(x) == 0))
    for _ in range(3):
        assert step(ones(1, 3)).item() > 100
    model.train(False)
    assert twice(step, ones(1, 3)).item() == 0
    model.train()
    assert twice(step, ones(1, 3)).item() > 100


def test_another_batch_size():
    _, _, step = model_and_step()
    for size in (5, 5, 5, 2, 2, 2, 5):
        assert step(DATA[0][:size], DATA[1][:size]).shape == ()
    assert step.explain().startswith("2 programs")


def test_weights_that_are_loaded(tmp_path):
    model, _, step = model_and_step(O.SGD(lr=0.0))
    first = step(*DATA).item()
    model.save_weights(tmp_path / "m.npz")
    for p in model.params():
        p.data = np.zeros_like(p.data)
    assert twice(step, *DATA).item() == pytest.approx(np.log(2))  # of two classes, no idea
    model.load_weights(tmp_path / "m.npz", quiet=True)
    assert twice(step, *DATA).item() == pytest.approx(first)


def test_a_parameter_that_is_replaced():
    layer = Linear(2, nobias=True)
    step = compile(lambda x: F.sum(layer(x)))
    twice(step, ones(1, 3))
    layer.W = Parameter(np.full((3, 2), 7, np.float32))
    assert twice(step, ones(1, 3)).item() == 42


def test_a_parameter_that_is_dropped():
    layer = Linear(2)
    layer(ones(1, 3))
    layer.W.data[...], layer.b.data[...] = 0, 1
    step = compile(lambda x: F.sum(layer(x)))
    assert twice(step, ones(1, 3)).item() == 2
    layer.b = None
    assert twice(step, ones(1, 3)).item() == 0


class Blocks(Layer):
    def __init__(self):
        super().__init__()
        self.blocks = [lambda x: x * 2]

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def test_a_list_of_layers_that_grows():
    model = Blocks()
    step = compile(lambda x: F.sum(model(x)))
    assert twice(step, ones(3)).item() == 6
    model.blocks.append(lambda x: x * 5)
    assert twice(step, ones(3)).item() == 30


def test_parameters_that_are_frozen():
    model, _, step = model_and_step()
    for _ in range(3):
        step(*DATA)
    model.freeze("0/*")
    held = model[0].W.data.copy()
    for _ in range(3):
        step(*DATA)
    assert np.array_equal(model[0].W.data, held)
    assert model[0].W.grad is None


def test_an_array_of_the_program_around_is_read_anew():
    mask = ones(3)
    step = compile(lambda x: F.sum(x * mask))
    x = Variable(ones(3))
    assert twice(step, x).item() == 3
    mask[0] = 0
    assert step(x).item() == 2


def test_a_number_of_the_program_around():
    global SCALE
    factor = 3.0

    def multiply(x):
        return x * SCALE * factor

    step = compile(multiply)
    assert twice(step, ones(1)).item() == 6
    SCALE = 10.0
    try:
        assert twice(step, ones(1)).item() == 30
    finally:
        SCALE = 2.0


def test_dropout_twice_draws_twice_and_as_eager_does():
    def step(x):
        return F.dropout(x, 0.5), F.dropout(x, 0.5)

    lamina.seed(1)
    expected = [[y.data.tobytes() for y in step(ones(20))] for _ in range(4)]
    lamina.seed(1)
    compiled = compile(step)
    found = [[y.data.tobytes() for y in compiled(ones(20))] for _ in range(4)]
    assert found == expected
    assert found[2][0] != found[2][1]


def test_a_label_out_of_range_raises_and_changes_nothing():
    model, updates, step = model_and_step(O.Adam(lr=0.1))
    for _ in range(3):
        step(*DATA)
    before = [p.data.tobytes() for p in model.params()]
    with pytest.raises(RangeError, match="label 2 at 4 is outside"):
        step(DATA[0], np.array([0, 1, 1, 0, 2]))
    assert [p.data.tobytes() for p in model.params()] == before
    assert updates.step == 3
    step(*DATA)
    assert updates.step == 4


def test_a_step_inside_a_step_becomes_a_part_of_it():
    inner = compile(lambda x: x * 2)
    outer = compile(lambda x: F.sum(inner(x) + 1))
    for i in range(4):
        assert outer(np.full(3, float(i))).item() == 3 * (2 * i + 1)


def test_two_parameters_that_exchange_their_arrays():
    a, b = Parameter(np.array([1.0])), Parameter(np.array([2.0]))

    @compile
    def step(x):
        a.data, b.data = b.data + x, a.data
        return x

    for _ in range(4):
        step(np.array([10.0]))
    assert (a.data.tolist(), b.data.tolist()) == ([21.0], [22.0])


def test_settings_make_programs_of_their_own():
    step = compile(lambda x: F.dropout(x, 0.5))
    twice(step, ones(100))
    with lamina.test_mode(), no_grad():
        assert twice(step, ones(100)).data.tolist() == [1] * 100
    assert (step(ones(100)).data == 0).any()


def test_an_in_place_change_between_calls_does_not_reach_a_result():
    step = compile(lambda x: x + 1)
    x = np.zeros(2)
    first = twice(step, x)
    second = step(x)
    second[...] = 9
    assert first.tolist() == [1, 1]
    assert step(x).tolist() == [1, 1]


def test_random_numbers_that_nobody_needs_are_drawn_all_the_same():
    def step(x):
        F.dropout(x, 0.5)  # no part of the result, but the stream goes on
        return F.dropout(x, 0.5)

    x = Variable(np.ones(64, np.float32))
    lamina.seed(3)
    expected = [step(x).numpy().tolist() for _ in range(4)]
    compiled = compile(step)
    lamina.seed(3)
    assert [compiled(x).numpy().tolist() for _ in range(4)] == expected


def test_a_label_out_of_range_is_refused_where_nobody_needs_the_loss():
    @compile
    def step(x, t):
        F.softmax_cross_entropy(x, t)
        return x + 1.0

    x = np.zeros((2, 3), np.float32)
    for _ in range(2):
        step(x, np.array([0, 2]))
    with pytest.raises(ValueError, match=r"label 7 at 1 is outside 0\.\.2"):
        step(x, np.array([0, 7]))


def test_other_numbers_for_an_argument_are_refused():
    def step(x):
        x.data = (x * 2).data
        return F.sum(x)

    x = Variable(np.ones(3, np.float32))
    with pytest.raises(TraceError, match=r"an argument, a Variable of shape \(3,\), other numbers"):
        twice(compile(step), x)


def test_the_gradient_of_an_argument_is_returned_and_not_left():
    @compile
    def step(x):
        F.sum(x * x).backward()
        return x.grad

    x = Variable(np.arange(3, dtype=np.float32), requires_grad=True)
    twice(step, x)
    x.cleargrad()
    assert step(x).numpy().tolist() == [0, 2, 4]
    assert x.grad is None
