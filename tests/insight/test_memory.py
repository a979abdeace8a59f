"""The memory of training, predicted from shapes, against what training really takes."""

from __future__ import annotations

import itertools
import json
import os
import platform
import subprocess
import sys
import textwrap
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import lamina
from lamina import Linear, Sequential, using
from lamina import functions as F
from lamina import optimizers as O
from lamina.errors import DTypeError, RangeError, ShapeError, TraceError
from lamina.insight.memory import training_memory
from lamina.insight.memory_heap import FIRST_APART, LAST_APART, Heap
from lamina.insight.memory_strides import like, packed_strides, reshaped, viewed
from lamina.insight.memory_units import read_bytes, shown_bytes
from lamina.listen import Spec
from lamina.models import GPT, MLP, CharLSTM, ResNet18

# -- how arrays lie --------------------------------------------------------------------------------

SHAPES = [(), (1,), (6,), (2, 3, 4), (4, 1, 6), (2, 0, 3), (3, 4, 2, 1)]


def in_elements(x):
    return tuple(n // x.itemsize for n in x.strides)


def lies_so(x, strides):
    """Whether the elements of ``x`` lie so; the stride of an axis of length 1 says nothing."""
    return x.size == 0 or all(n == 1 or a == b for n, a, b in zip(x.shape, in_elements(x), strides))


@pytest.mark.parametrize("shape", SHAPES)
def test_strides_of_new_arrays_are_those_of_numpy(shape):
    assert lies_so(np.empty(shape, np.float32), packed_strides(shape))


@pytest.mark.parametrize("shape", [(2, 3, 4), (4, 1, 6), (3, 4, 2, 1)])
def test_a_reshape_is_a_view_where_it_is_one_in_numpy(shape):
    whole = np.zeros(shape, np.float32)
    targets = [(24,), (2, 12), (12, 2), (6, 4), (4, 6), (2, 2, 6), (3, 8), (2, 3, 4), (1, 24, 1)]
    for axes in itertools.permutations(range(len(shape))):
        x = whole.transpose(axes)
        for to in targets:
            y = x.reshape(to)
            found = reshaped(x.shape, in_elements(x), to)
            assert (found is not None) == np.shares_memory(x, y), (x.shape, x.strides, to)
            assert found is None or lies_so(y, found), (x.shape, x.strides, to)


def test_views_of_slices_and_repeated_axes_have_the_strides_of_numpy():
    x = np.zeros((4, 6, 5), np.float32)
    found = viewed("slice", x.shape, in_elements(x), {"step": (1, -2, 3)})
    assert found == in_elements(x[:, ::-2, ::3])
    wide = np.broadcast_to(x[:, :1], (2, 4, 6, 5))
    fields = {"shape": (2, 4, 6, 5)}
    assert viewed("broadcast_to", (4, 1, 5), in_elements(x[:, :1]), fields) == in_elements(wide)


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_results_of_elementwise_work_lie_as_their_operands(axes):
    class Operand:
        shape, strides = (), ()

    x = np.zeros((2, 3, 4), np.float32).transpose(axes)
    operand = Operand()
    operand.shape, operand.strides = x.shape, in_elements(x)
    assert lies_so(x + x, like(x.shape, [operand]))


# -- the heap --------------------------------------------------------------------------------------


def test_a_large_array_has_pages_of_its_own_which_go_back():
    heap = Heap()
    place = heap.take(FIRST_APART)
    assert (place, heap.size) == (-1, FIRST_APART)
    heap.give(place, FIRST_APART)
    assert heap.size == 0


def test_after_a_large_array_was_freed_its_like_lie_in_the_heap():
    heap = Heap()
    heap.give(heap.take(10 << 20), 10 << 20)
    assert heap.take(9 << 20) == 0
    assert heap.take(LAST_APART + 1) == -1


def test_a_gap_is_filled_by_what_fits_best_and_neighbouring_gaps_are_one():
    heap = Heap()
    sizes = [1000, 1016, 5000, 1016, 3000, 1016]  # 1016 and its 8 bytes of length are 1024
    places = [heap.take(n) for n in sizes]
    end = heap.end
    heap.give(places[2], 5000)
    heap.give(places[4], 3000)
    assert heap.take(2900) == places[4]
    heap.give(places[3], 1016)
    assert heap.take(6000) == places[2]
    assert heap.end == end


def test_a_long_free_end_goes_back_and_a_short_one_stays():
    heap = Heap()
    first, second = heap.take(100_000), heap.take(100_000)
    heap.give(second, 100_000)
    assert heap.size > 200_000
    third, fourth = heap.take(120_000), heap.take(120_000)
    heap.give(third, 120_000)
    heap.give(fourth, 120_000)
    heap.give(first, 100_000)
    assert heap.size == FIRST_APART


# -- bytes -----------------------------------------------------------------------------------------


def test_bytes_are_read_and_shown():
    assert [read_bytes(x) for x in (7, "7 B", "8 GiB", "2gb", "0.5 KiB")] == [
        7, 7, 8 << 30, 2 * 10**9, 512,
    ]  # fmt: skip
    assert [shown_bytes(n) for n in (0, 1023, 1024, 5 << 40)] == ["0 B", "1023 B", "1.0 KiB",
                                                                   "5.0 TiB"]  # fmt: skip


@pytest.mark.parametrize("wrong", ["", "8", "8 apples", "-1 GiB", "0 GiB", 0, -3, True, 1.5, None])
def test_what_is_no_size_of_memory_is_refused(wrong):
    with pytest.raises(RangeError, match="memory: should be a number of bytes or a text such as"):
        read_bytes(wrong)


# -- what is held ----------------------------------------------------------------------------------


def scores(y, t):
    """Cross entropy along the last axis."""
    return F.softmax_cross_entropy(y.reshape(-1, y.shape[-1]), t.reshape(-1))


INT = np.dtype(np.int64)
MODELS = {
    "mlp": (lambda: MLP([300, 200, 10]), Spec((2000, 100), np.float32), Spec((2000,), INT)),
    "resnet": (lambda: ResNet18(10), Spec((2, 3, 32, 32), np.float32), Spec((2,), INT)),
    "lstm": (lambda: CharLSTM(32, 16, 64, 2), Spec((16, 40), INT), Spec((16, 40), INT)),
    "gpt": (lambda: GPT(64, 64, 64, 2, 4, dropout=0.1), Spec((8, 64), INT), Spec((8, 64), INT)),
}
TOLERANCE = {"mlp": 0.03, "resnet": 0.03, "lstm": 0.08, "gpt": 0.05}
"""Python's own objects are counted where memory is measured; and kernels' smaller arrays are not
where it is predicted, which the loop of the LSTM has some of."""


@pytest.mark.parametrize("name", MODELS)
def test_the_arrays_that_are_held_at_the_peak_are_those_of_a_real_step(name):
    make, x, t = MODELS[name]
    rng = np.random.default_rng(0)
    with using(native=False):
        predicted = training_memory(make(), [x], scores, [t], O.Adam(lr=1e-3))
        model, optimizer = make(), O.Adam(lr=1e-3)
        optimizer.setup(model)
        tracemalloc.start()
        try:
            images = rng.random(x.shape, np.float32) if x.dtype.kind == "f" else None
            given = rng.integers(0, 10, x.shape) if images is None else images
            labels = rng.integers(0, 10, t.shape)
            for _ in range(2):
                tracemalloc.reset_peak()
                training_step(model, optimizer, given, labels)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert predicted.held == pytest.approx(peak, rel=TOLERANCE[name])


def training_step(model, optimizer, x, t):
    loss = scores(model(x), t)
    model.cleargrads()
    loss.backward()
    optimizer.update()
    return loss


MEASURE = """
    import json, os, sys
    import numpy as np
    import lamina
    from lamina import functions as F, optimizers as O
    from lamina.insight.memory import training_memory
    from lamina.models import GPT, MLP, CharLSTM, ResNet18

    def status(key):
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith(key))

    def scores(y, t):
        return F.softmax_cross_entropy(y.reshape(-1, y.shape[-1]), t.reshape(-1))

    CASES = [
        (lambda: MLP([1024, 1024, 10]), (512, 784), (512,)),
        (lambda: MLP([1024, 1024, 10]), (4096, 784), (4096,)),
        (lambda: ResNet18(10), (2, 3, 32, 32), (2,)),
        (lambda: ResNet18(10), (6, 3, 32, 32), (6,)),
        (lambda: CharLSTM(64, 64, 128, 2), (24, 64), (24, 64)),
        (lambda: CharLSTM(64, 64, 128, 2), (64, 64), (64, 64)),
        (lambda: GPT(256, 128, 128, 4, 4), (8, 128), (8, 128)),
        (lambda: GPT(256, 128, 128, 4, 4), (16, 128), (16, 128)),
    ]

    def measured(make, x, t):
        rng = np.random.default_rng(0)
        before = status("VmRSS")
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the highest mark starts anew
        tokens = len(x) == 2 and x == t
        x = rng.integers(0, 64, x) if tokens else rng.standard_normal(x, np.float32)
        t = rng.integers(0, 10, t)
        model = make()
        optimizer = O.Adam(lr=1e-3).setup(model)

        def step(x, t):
            loss = scores(model(x), t)
            model.cleargrads()
            loss.backward()
            optimizer.update()

        for _ in range(2):
            step(x, t)
        peak = status("VmHWM") - before
        return training_memory(make(), [x], scores, [t], O.Adam(lr=1e-3)).peak / peak

    a = np.ones((1024, 1024), np.float32)
    a @ a  # the workspace of the products is there
    del a
    with lamina.using(native=False):
        for case in CASES:
            read, write = os.pipe()
            if not os.fork():  # each in a fresh process
                try:
                    os.write(write, json.dumps(measured(*case)).encode())
                finally:
                    os._exit(0)
            os.close(write)
            with os.fdopen(read) as file:
                print(file.read())
            os.wait()
"""


def is_measured_here():
    """Whether the system tells the highest mark, and the C library is the one that is described."""
    there = os.access("/proc/self/clear_refs", os.W_OK) and platform.libc_ver()[0] == "glibc"
    return there and "VmHWM" in Path("/proc/self/status").read_text()


@pytest.mark.skipif(not is_measured_here(), reason="Linux with glibc measures it")
def test_peak_memory_of_training_is_within_15_percent_of_the_measured():
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(MEASURE)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    ratios = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(ratios) == 8
    assert [round(r, 2) for r in ratios if not 0.85 < r < 1.15] == []  # the acceptance of issue 5


# -- nothing is changed ----------------------------------------------------------------------------


def small():
    return Sequential(Linear(5), F.relu, Linear(3))


def look(model, optimizer=None):
    return training_memory(model, [(4, 6)], F.softmax_cross_entropy, [Spec((4,), INT)], optimizer)


def test_a_lazy_model_stays_lazy_and_starts_from_the_same_numbers():
    x = np.ones((2, 6), np.float32)
    lamina.seed(3)
    wanted = small()(x).data
    lamina.seed(3)
    model, optimizer = small(), O.Adam(lr=0.1)
    optimizer.setup(model)
    look(model, optimizer)
    assert model[0].in_size is None
    assert np.array_equal(model(x).data, wanted)
    assert optimizer.step == 0


def test_numbers_gradients_and_the_optimizer_stay_as_they_are():
    model = small()
    optimizer = O.Adam(lr=0.1).setup(model)
    x, t = np.ones((4, 6), np.float32), np.zeros(4, INT)
    for _ in range(2):
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
    arrays = {n: (p.data, p.data.copy(), p.grad) for n, p in model.named_params()}
    state = optimizer.state_dict()
    look(model, optimizer)
    for name, parameter in model.named_params():
        data, numbers, grad = arrays[name]
        assert parameter.data is data
        assert np.array_equal(data, numbers)
        assert parameter.grad is grad
    after = optimizer.state_dict()
    assert after["scalars"] == state["scalars"]
    assert all(np.array_equal(after["arrays"][k], v) for k, v in state["arrays"].items())


def test_running_statistics_stay_as_they_are():
    model = ResNet18(10).build((2, 3, 8, 8))
    before = [b.data.copy() for b in model.buffers()]
    training_memory(model, [(2, 3, 8, 8)], F.softmax_cross_entropy, [Spec((2,), INT)])
    assert all(np.array_equal(a, b.data) for a, b in zip(before, model.buffers(), strict=True))


def test_a_step_that_fails_leaves_the_model_as_it_was():
    model = Sequential(Linear(5), Linear(3, in_size=4))
    with pytest.raises(ShapeError, match="last axis of x should be 4"):
        look(model)
    assert model[0].in_size is None


def test_memory_of_a_batch_that_would_not_fit_takes_none():
    model, loss = MLP([10**5, 10**5, 10]), F.softmax_cross_entropy
    training_memory(MLP([1024, 10]), [(1024, 1024)], loss, [Spec((1024,), INT)])  # imports all
    tracemalloc.start()
    try:
        found = training_memory(
            model, [(10**6, 10**5)], loss, [Spec((10**6,), INT)], O.Adam(lr=1e-3)
        )
        used = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.optimizer == 2 * found.parameters == 8 * (2 * 10**10 + 2 * 10**5 + 10**6 + 10)
    assert used < 2**21  # two megabytes, where one hidden layer alone would be 400 GB


# -- what it says ----------------------------------------------------------------------------------


def test_what_lasts_is_what_the_model_has():
    model = small().build((4, 6))
    found = look(model, O.Adam(lr=0.1))
    numbers = sum(p.size for p in model.params())
    assert (found.parameters, found.gradients, found.optimizer) == (
        4 * numbers, 4 * numbers, 8 * numbers,
    )  # fmt: skip
    assert found.batch == 4 * 4 * 6 + 8 * 4


def test_frozen_parameters_have_no_gradient_and_no_state():
    model = Sequential(Linear(500), F.relu, Linear(300)).build((4, 600))
    model.freeze("0/*")
    found = training_memory(
        model, [(4, 600)], F.softmax_cross_entropy, [Spec((4,), INT)], O.Adam(lr=0.1)
    )
    trained = 500 * 300 + 300
    assert (found.gradients, found.optimizer) == (4 * trained, 8 * trained)


def test_what_layers_keep_is_what_backward_needs():
    model = Sequential(Linear(300), F.tanh, Linear(200))
    found = training_memory(model, [(1000, 50)], lambda y: (y * y).sum())
    # tanh is asked for its result; the last Linear's result is the first factor of the square
    assert found.kept["2"] == 4 * 1000 * 200
    assert found.kept["Sequential"] == 4 * 1000 * 300
    assert found.kept["0"] == 0


def test_the_parts_add_up_to_the_peak():
    found = training_memory(
        MLP([400, 10]), [(500, 300)], F.softmax_cross_entropy, [Spec((500,), INT)], O.Adam(lr=0.1)
    )
    assert sum(found.parts.values()) == found.peak
    assert f"peak: {shown_bytes(found.peak)} in {found.at}" in str(found)


def test_a_loss_that_is_no_variable_is_refused():
    with pytest.raises(DTypeError, match="the loss should be a Variable, got float"):
        training_memory(small(), [(4, 6)], lambda y: 1.0)


def test_a_loss_that_asks_for_numbers_is_refused_with_the_line():
    with pytest.raises(TraceError, match="has no numbers yet"):
        training_memory(small(), [(4, 6)], lambda y: y.sum() * float(y.sum()))


@pytest.mark.parametrize("optimizer", [O.LBFGS(lr=0.1), O.SAM(O.SGD(lr=0.1))])
def test_an_optimizer_that_cannot_be_counted_is_refused_by_name(optimizer):
    name = type(optimizer).__name__
    with pytest.raises(TraceError, match=f"an update of {name} cannot be counted from shapes"):
        look(small(), optimizer)
