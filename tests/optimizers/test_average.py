"""Averages of weights: their numbers, swapping in and out, their state; Lookahead and ASGD."""

from __future__ import annotations

import json

import numpy as np
import pytest

import lamina
from fixtures.fake_cupy import gpu
from lamina import Linear, Parameter, Sequential, Variable
from lamina import functions as F
from lamina import optimizers as O
from lamina.errors import (
    DTypeError,
    GraphError,
    RangeError,
    RegistrationError,
    StateMismatchError,
    TraceError,
    UninitializedError,
)
from optimizers.model import numbers, run, small

__all__ = ["gpu"]  # a fixture: pytest finds it here

AVERAGES = {
    "EMA": lambda: O.EMA(0.7),
    "EMA, warmed up": lambda: O.EMA(0.95, warmup=True),
    "SWA": O.SWA,
    "SWA, late": lambda: O.SWA(begin=3),
}
every_average = pytest.mark.parametrize("make", AVERAGES.values(), ids=AVERAGES)


def expected(name, history):
    """The average of all that was seen, each with the weight that it has in the end."""
    count = len(history)
    if name == "SWA":
        weights = np.full(count, 1 / count)
    elif name == "SWA, late":
        weights = np.array([0.0] * 3 + [1 / (count - 3)] * (count - 3))
    else:
        kept = [0.7] * count
        if name == "EMA, warmed up":
            kept = [min(0.95, t / (t + 9)) for t in range(1, count + 1)]
        weights = np.array([(1 - kept[i]) * np.prod(kept[i + 1 :]) for i in range(count)])
        weights[0] = np.prod(kept[1:])
    return sum(w * x for w, x in zip(weights, history))


def trained(average, steps, dtype=np.float64):
    model = small(dtype)
    optimizer = O.SGD(lr=0.3).setup(model)
    average.setup(model)
    history = []
    for step in range(steps):
        history.append(run(optimizer, model, 1, start=step)[0])
        average.update()
    return model, optimizer, history


@pytest.mark.parametrize("name", AVERAGES)
def test_an_average_is_the_weighted_sum_of_what_was_seen(name):
    average = AVERAGES[name]()
    _, _, history = trained(average, 9)
    for key in ("l1/W", "scale"):
        # nine products and sums in float64
        np.testing.assert_allclose(
            average.state_dict()["arrays"][f"{key}.average"],
            expected(name, [seen[key] for seen in history]),
            rtol=1e-13,
        )


@every_average
def test_the_first_average_is_what_was_there(make):
    average = make()
    model, _, _ = trained(average, 1)
    assert np.array_equal(average.state_dict()["arrays"]["l1/W.average"], model["l1/W"].data)


@every_average
def test_swapping_in_and_out_brings_every_bit_back(make):
    average = make()
    model, _, _ = trained(average, 5)
    before, held = numbers(model), model["l1/W"].data
    with average.swapped():
        assert numbers(model) != before
        assert np.array_equal(model["l1/W"].data, average.state_dict()["arrays"]["l1/W.average"])
    assert numbers(model) == before
    assert model["l1/W"].data is held


def test_averages_of_float16_are_kept_in_float32():
    average = O.EMA(0.9)
    model, _, _ = trained(average, 5, np.float16)
    with average.swapped():
        assert model["l1/W"].dtype == np.float16
    saved = average.state_dict()["arrays"]["l1/W.average"]
    assert saved.dtype == np.float32
    assert not np.array_equal(saved, saved.astype(np.float16))


def test_an_error_inside_swaps_out():
    average = O.EMA()
    model, _, _ = trained(average, 3)
    before = numbers(model)
    with pytest.raises(ZeroDivisionError), average.swapped():
        raise ZeroDivisionError
    assert numbers(model) == before


@every_average
def test_a_run_resumes_to_the_last_bit(make):
    whole, average = make(), make()
    trained(whole, 8)
    model, optimizer, _ = trained(average, 4)
    saved = average.state_dict()
    arrays = {name: a.copy() for name, a in saved["arrays"].items()}
    resumed = make().setup(model)
    resumed.load_state_dict({"arrays": arrays, "scalars": json.loads(json.dumps(saved["scalars"]))})
    for step in range(4, 8):
        run(optimizer, model, 1, start=step)
        resumed.update()
    found, wanted = resumed.state_dict(), whole.state_dict()
    assert {k: a.tobytes() for k, a in found["arrays"].items()} == {
        k: a.tobytes() for k, a in wanted["arrays"].items()
    }
    assert found["scalars"] == wanted["scalars"]


@every_average
def test_a_compiled_step_averages_to_the_same_bits(make):
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    found = []
    for wrap in (lambda f: f, lamina.compile(backend="replay")):
        lamina.seed(1)
        model = Sequential(Linear(3), F.tanh, Linear(2))
        optimizer, average = O.Adam(lr=0.1).setup(model), make().setup(model)

        @wrap
        def step(x, model=model, optimizer=optimizer, average=average):
            loss = F.sum(model(x) ** 2)
            model.cleargrads()
            loss.backward()
            optimizer.update()
            average.update()
            return loss

        losses = [step(x).item() for _ in range(8)]
        saved = average.state_dict()
        arrays = {k: a.tobytes() for k, a in saved["arrays"].items()}
        found.append((losses, arrays, saved["scalars"]))
    assert found[0] == found[1]


def test_averages_can_be_swapped_between_compiled_steps():
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    lamina.seed(1)
    model = Sequential(Linear(3), F.tanh, Linear(2))
    optimizer, average = O.Adam(lr=0.1).setup(model), O.EMA(0.5).setup(model)

    @lamina.compile(backend="replay")
    def step(x):
        loss = F.sum(model(x) ** 2)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        average.update()
        return loss

    for _ in range(4):
        step(x)
    with average.swapped():
        inside = F.sum(model(x) ** 2).item()
    outside = F.sum(model(x) ** 2).item()
    assert step(x).item() == pytest.approx(outside, rel=1e-6)  # float32, another order of sums
    assert abs(inside - outside) > 1e-3


def test_swapping_cannot_be_part_of_a_compiled_step():
    model = small()
    average = O.EMA().setup(model)
    average.update()

    @lamina.compile(backend="replay")
    def step(x):
        with average.swapped():
            return x * model["scale"]

    step(np.ones(2))
    with pytest.raises(TraceError, match=r"EMA\.swap_in cannot be part of a compiled step"):
        step(np.ones(2))


def test_a_swap_between_forward_and_backward_is_noticed():
    W = Parameter(np.array([2.0, 3.0]))
    average = O.EMA().setup({"W": W})
    average.update()
    loss = F.sum(W * W)
    average.swap_in()
    with pytest.raises(RuntimeError, match="was changed after it ran"):
        loss.backward()


def test_a_parameter_that_moved_takes_its_average_along(gpu):
    average = O.EMA(0.5)
    model, _, _ = trained(average, 2)
    for p in model.params.values():
        p.to_gpu()
    average.update()
    with average.swapped():
        assert model["l1/W"].device == "gpu:0"


def test_a_shared_parameter_is_averaged_once():
    W = Parameter(np.ones(2))
    average = O.SWA().setup({"a": W, "b": W})
    average.update()
    assert list(average.state_dict()["arrays"]) == ["a.average"]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda a, m: a.update(), r"EMA\.update: averages are swapped in; call swap_out"),
        (lambda a, m: a.swap_in(), r"EMA\.swap_in: averages are swapped in; call swap_out"),
        (lambda a, m: a.setup(m), r"EMA\.setup: averages are swapped in; call swap_out"),
        (lambda a, m: a.load_state_dict(a.state_dict()), r"EMA\.load_state_dict: averages are"),
    ],
)
def test_while_averages_are_in_nothing_else_is_done(act, message):
    average = O.EMA()
    model, _, _ = trained(average, 2)
    with average.swapped(), pytest.raises(GraphError, match=message):
        act(average, model)


def test_without_an_average_nothing_is_swapped_in():
    with pytest.raises(GraphError, match=r"SWA\.swap_in: there is no average yet; call update\(\)"):
        O.SWA().setup(small()).swap_in()


def test_what_is_not_in_cannot_be_swapped_out():
    with pytest.raises(GraphError, match=r"SWA\.swap_out: nothing is swapped in"):
        O.SWA().setup(small()).swap_out()


@pytest.mark.parametrize("method", ["update", "state_dict"])
def test_before_setup_there_is_nothing_to_average(method):
    with pytest.raises(UninitializedError, match=rf"EMA\.{method}: .* call setup\(model\) first"):
        getattr(O.EMA(), method)()


def test_the_state_of_another_model_is_refused():
    average = O.EMA().setup(small())
    average.update()
    other = O.EMA().setup({"W": Parameter(np.ones(2))})
    with pytest.raises(StateMismatchError, match=r"not in the state: W\n"):
        other.load_state_dict(average.state_dict())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: O.EMA(1.0), RangeError, r"decay should be below 1, got 1\.0"),
        (lambda: O.EMA(-0.1), RangeError, "decay should be a finite number from 0 to 1"),
        (lambda: O.EMA(warmup=1), DTypeError, "warmup should be True or False, got 1"),
        (lambda: O.SWA(begin=-1), RangeError, "begin should be an integer of 0 or more, got -1"),
        (lambda: O.ASGD(shrink=-1.0), RangeError, "shrink should be a finite number of 0"),
        (lambda: O.Lookahead(O.SGD(), every=0), RangeError, "every should be an integer of 1"),
        (lambda: O.Lookahead(O.SGD(), part=1.5), RangeError, "part should be a finite number from"),
        (lambda: O.Lookahead(O.SGD), DTypeError, "Lookahead: should get an optimizer, got"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_an_average_prints_what_it_keeps():
    assert repr(O.EMA(0.5)) == "EMA(KeepRecent(decay=0.5, warmup=False))"


# -- ASGD and Lookahead --------------------------------------------------------------------------


def test_asgd_swaps_its_mean_in():
    model = small()
    optimizer = O.ASGD(lr=0.1, begin=2).setup(model)
    history = run(optimizer, model, 6)
    with optimizer.swapped():
        # four sums and products in float64
        np.testing.assert_allclose(
            model["l1/W"].data, np.mean([x["l1/W"] for x in history[2:]], axis=0), rtol=1e-13
        )
    assert np.array_equal(model["l1/W"].data, history[-1]["l1/W"])


def test_asgd_does_not_train_its_mean():
    model = small()
    optimizer = O.ASGD().setup(model)
    run(optimizer, model, 2)
    with optimizer.swapped(), pytest.raises(GraphError, match=r"ASGD\.update: averages are"):
        run(optimizer, model, 1)


def test_the_mean_of_asgd_is_nearer_than_its_last_weights(rng):
    W = Variable(np.zeros(5))
    optimizer = O.ASGD(lr=0.2, power=0.75, begin=100).setup({"W": W})
    for _ in range(2000):
        W.grad = W.data - 1 + rng.standard_normal(5)
        optimizer.update()
    last = abs(W.data - 1).mean()
    with optimizer.swapped():
        assert abs(W.data - 1).mean() < last / 2


def test_lookahead_with_the_whole_way_is_the_optimizer_inside():
    here, there = small(), small()
    run(O.Lookahead(O.Adam(lr=0.1), every=3, part=1.0).setup(here), here, 7)
    run(O.Adam(lr=0.1).setup(there), there, 7)
    # s + (W - s) is W but for a rounding
    np.testing.assert_allclose(here["l1/W"].data, there["l1/W"].data, rtol=1e-13)


def test_lookahead_keeps_groups_and_rate_of_the_optimizer_inside():
    inner = O.SGD(lr=O.Cosine(0.1, steps=9), groups={"*/b": {"scale": 0.5}})
    optimizer = O.Lookahead(inner).setup(small())
    assert optimizer.lr == O.Cosine(0.1, steps=9)
    assert optimizer.rate_of("l1/b") == 0.05
    assert "slow" in " ".join(_keys(optimizer))


def _keys(optimizer):
    model = small()
    run(optimizer.setup(model), model, 1)
    return optimizer.state_dict()["arrays"]


def test_lookahead_takes_no_optimizer_that_runs_already():
    inner = O.SGD().setup(small())
    with pytest.raises(RegistrationError, match="Lookahead: the SGD inside was set up already"):
        O.Lookahead(inner)
