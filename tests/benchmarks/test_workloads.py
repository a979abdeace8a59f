"""The workloads, small: eager and replayed do the same, and a table tells who does not."""

import json
import sys

import numpy as np
import pytest
from workload import data, pythons, table, turns, variants
from workload.data import Workload
from workload.lamina_steps import Steps

SMALL = {
    "W1": {"batch": 3, "widths": (4, 5, 6, 1)},
    "W2": {"batch": 7, "widths": (4, 5, 6, 3)},
    "W3": {"batch": 2, "image": 8},
    "W4": {"batch": 2, "image": 16},
    "W5": {"batch": 2, "length": 3, "tokens": 5, "embedding": 4, "hidden": 6},
    "W6": {"batch": 2, "length": 5, "tokens": 7, "size": 8, "layers": 2, "heads": 4},
    "W7": {"batch": 1, "widths": (4, 5, 6, 3)},
    "W8": {"batch": 1, "image": 16},
    "W9": {"count": 3, "shape": (2, 5)},
    "W10": {"batch": 7, "widths": (4, 5, 6, 3)},
}


def small(name):
    return Workload(name, tuple(SMALL[name].items()))


def values(name, variant, count):
    steps = Steps(small(name), variant)
    return [steps.value(steps()) for _ in range(count)]


@pytest.mark.parametrize("name", data.ALL)
def test_replayed_steps_give_what_eager_steps_give(name):
    assert values(name, "replay", 4) == values(name, "eager", 4)  # the same NumPy calls


@pytest.mark.parametrize("name", [name for name in data.ALL if name not in data.PREDICTIONS])
def test_a_training_step_changes_what_comes_out(name):
    found = values(name, "eager", 3)
    assert len({v for (v,) in found}) == 3
    assert np.isfinite(found).all()


def test_the_network_computes_with_the_weights_that_are_given():
    workload = small("W1")
    w, (x, t) = data.weights(workload), data.batch(workload)
    h = np.tanh(x @ w["0.W"] + w["0.b"])
    h = np.tanh(h @ w["1.W"] + w["1.b"])
    expected = ((h @ w["2.W"] + w["2.b"] - t) ** 2).mean()
    # float32, and a mean in another order
    np.testing.assert_allclose(values("W1", "eager", 1), [[expected]], rtol=1e-6)


@pytest.mark.parametrize("name", data.ALL)
def test_weights_and_batches_are_float32_or_labels_and_drawn_alike_twice(name):
    workload = small(name)
    arrays = [*data.weights(workload).values(), *data.batch(workload)]
    again = [*data.weights(workload).values(), *data.batch(workload)]
    assert {a.dtype for a in arrays} <= {np.dtype(np.float32), np.dtype(np.int64)}
    assert all((a == b).all() for a, b in zip(arrays, again, strict=True))


def test_the_sizes_are_those_of_the_titles():
    counts = {
        name: sum(int(np.prod(weight.shape)) for weight in data.plan(Workload(name)))
        for name in data.ALL
    }
    assert counts["W2"] == 785 * 1000 + 1001 * 1000 + 1001 * 10
    assert counts["W4"] == counts["W8"] == 11_173_962  # He and others, with ten classes
    assert counts["W9"] == 20_000_000


def test_an_unknown_workload_is_named():
    with pytest.raises(ValueError, match="got 'W11'"):
        Workload("W11")


def test_an_unknown_size_is_named():
    with pytest.raises(ValueError, match="W2: a size should be one of batch, widths, got 'length'"):
        Workload("W2", (("length", 3),))


# -- the table -----------------------------------------------------------------------------------


def timed(ms, losses, others=None):
    others = others or [0.0] * len(ms)
    return turns.Turns(ms=ms, others=others, values=[[loss] for loss in losses])


SIDES = {
    "lamina-eager": timed([2.0, 6.0, 5.0], [2.0, 1.0, 0.5]),
    "torch-eager": timed([4.0, 4.0, 4.0], [2.0, 1.0, 0.5]),
    "torch-compile": timed([1.0, 1.0, 1.0], [2.0, 1.5, 1.2]),
    "jax-jit": turns.Turns(reason="no such thing"),
}


def test_a_variant_with_other_losses_is_invalid():
    assert table.invalid(SIDES) == {"torch-compile"}
    row = next(row for row in table.rows({"W3": SIDES}) if "torch-compile" in row)
    assert row[-1] == "invalid: off by 3e-01"


def test_an_invalid_variant_is_no_best_peer():
    assert table.best_peer(SIDES) == "torch-eager"


def test_losses_that_are_not_numbers_are_invalid():
    sides = {**SIDES, "jax-jit": timed([1.0], [2.0, float("nan"), 0.5])}
    assert table.invalid(sides) == {"torch-compile", "jax-jit"}


def test_a_small_early_difference_is_invalid_though_a_late_one_is_rounding():
    late = [[1.0]] * 5 + [[1.04]]
    early = [[1.0], [1.001], *[[1.0]] * 4]
    assert table.agrees(late, [[1.0]] * 6)
    assert not table.agrees(early, [[1.0]] * 6)


def test_the_ratio_is_the_median_over_rounds_not_of_medians():
    ours, theirs = timed([2.0, 6.0, 5.0], [1.0]), timed([4.0, 4.0, 10.0], [1.0])
    assert table.ratio(ours, theirs) == 0.5  # of 0.5, 1.5, 0.5


def test_rounds_that_others_disturbed_do_not_count():
    ours = timed([2.0, 9.0, 6.0], [1.0], others=[0.0, 1.5, 0.0])
    theirs = timed([8.0, 4.0, 4.0], [1.0], others=[0.5, 0.0, 0.0])
    assert ours.median() == 4.0
    assert table.ratio(ours, theirs) == 1.5  # the last round


def test_without_a_round_that_was_quiet_for_both_the_medians_are_compared():
    ours = timed([2.0, 9.0], [1.0], others=[0.0, 1.5])
    theirs = timed([8.0, 4.0], [1.0], others=[0.5, 0.0])
    assert table.ratio(ours, theirs) == 0.5


def test_the_table_says_why_a_variant_is_not_there():
    text = table.markdown({"W3": SIDES})
    assert "- jax-jit is not there (W3): no such thing" in text
    assert "| W3       | torch-eager   | 4         | 1.00 (best)        |" in text


def test_a_time_whose_turns_others_all_disturbed_is_marked():
    noisy = timed([4.0, 5.0, 6.0], [1.0], others=[1.0, 1.0, 1.0])
    assert "| ~5 " in table.markdown({"W3": {"jax-jit": noisy}})
    noisy.others[0] = 0.0
    assert "| 4 " in table.markdown({"W3": {"jax-jit": noisy}})


def test_a_record_is_plain_json():
    record = table.record({"W3": SIDES}, {"environment": ["one machine"]})
    assert json.loads(json.dumps(record))["results"]["W3"]["torch-eager"]["ms"] == [4.0, 4.0, 4.0]


# -- processes -----------------------------------------------------------------------------------


def test_each_variant_is_a_process_that_takes_its_turns_and_one_that_fails_says_why():
    found = dict.fromkeys(["lamina-eager", "torch-eager"], sys.executable)
    plan = turns.Plan(found, threads=1, rounds=2, seconds=0.0, steps=4, warm=0.0)
    results = turns.compare(plan, small("W1"))
    eager = results["lamina-eager"]
    assert len(eager.ms) == 2
    assert eager.values == values("W1", "eager", 4)
    assert eager.peak > 10
    assert 0 < eager.first <= eager.third
    assert results["torch-eager"].ms == []
    assert "No module named 'torch'" in results["torch-eager"].reason


def test_peers_need_a_python():
    assert set(pythons.of(list(variants.ALL), None)) == set(variants.OURS)
    with pytest.raises(SystemExit, match="nothing to run of jax-jit"):
        pythons.of(["jax-jit"], None)


def test_prediction_has_no_optimizer_to_be_fused():
    assert not variants.applies("torch-fused", Workload("W7"))
    assert variants.applies("torch-fused", Workload("W2"))
    assert not variants.applies("torch-channels_last", Workload("W2"))
