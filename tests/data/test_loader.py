"""Loader: every item once an epoch, in an order that seed and epoch decide, exactly resumed."""

from __future__ import annotations

import json
from itertools import chain, islice

import numpy as np
import pytest

from lamina.data import Loader, order
from lamina.errors import CheckpointError, DTypeError, LaminaError, RangeError, ShapeError

N = 11


def arrays(n: int = N) -> tuple[np.ndarray, np.ndarray]:
    x = np.arange(n * 3, dtype=np.float32).reshape(n, 3)
    return x, np.arange(n)


def make(**settings) -> Loader:
    return Loader(arrays(), **({"batch_size": 4, "seed": 5} | settings))


def labels(batches) -> list[list[int]]:
    return [t.tolist() for _, t in batches]


def epochs(loader: Loader, count: int) -> list[list[list[int]]]:
    return [labels(loader) for _ in range(count)]


# -- one epoch -----------------------------------------------------------------------------------


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 11, 50])
def test_an_epoch_gives_every_item_once(batch_size, shuffle):
    given = chain.from_iterable(labels(make(batch_size=batch_size, shuffle=shuffle)))
    assert sorted(given) == list(range(N))


@pytest.mark.parametrize("batch_size", [1, 2, 3, 11, 50])
@pytest.mark.parametrize("drop_last", [True, False])
def test_the_length_is_the_number_of_batches(batch_size, drop_last):
    if batch_size > N:
        drop_last = False  # with True there is no batch, which is an error of its own
    loader = make(batch_size=batch_size, drop_last=drop_last)
    assert len(loader) == len(list(loader))


def test_all_batches_but_the_last_are_full():
    assert [len(batch) for batch in labels(make())] == [4, 4, 3]


def test_drop_last_leaves_the_smaller_batch_out():
    assert [len(batch) for batch in labels(make(drop_last=True))] == [4, 4]


def test_drop_last_keeps_a_last_batch_that_is_full():
    loader = Loader(arrays(8), 4, drop_last=True)
    assert [len(batch) for batch in labels(loader)] == [4, 4]


def test_rows_of_all_arrays_stay_together():
    for x, t in make():
        assert np.array_equal(x[:, 0], 3 * t)


def test_a_batch_is_a_copy_and_the_data_cannot_be_changed_through_it():
    x, t = arrays()
    for batch, _ in Loader((x, t), 4, shuffle=False):
        batch += 100
    assert np.array_equal(x, arrays()[0])


def test_dtypes_are_kept():
    x, t = next(iter(make()))
    assert (x.dtype, t.dtype) == (np.float32, np.int64)


def test_without_shuffling_the_order_is_that_of_the_dataset():
    assert list(chain.from_iterable(labels(make(shuffle=False)))) == list(range(N))


# -- the order -----------------------------------------------------------------------------------


def test_two_loaders_with_one_seed_give_the_same_epochs():
    assert epochs(make(), 3) == epochs(make(), 3)


def test_another_seed_gives_another_order():
    assert labels(make()) != labels(make(seed=6))


def test_each_epoch_has_an_order_of_its_own():
    first, second = epochs(make(), 2)
    assert first != second


def test_the_order_depends_on_nothing_but_seed_and_epoch():
    np.random.seed(1)  # global state, on purpose
    before = labels(make())
    np.random.seed(2)
    assert labels(make()) == before


def test_the_order_is_the_same_on_every_machine_for_ever():
    # Written down on the day the Loader was written: an order that changes breaks every resumed run
    assert order(10, seed=0, epoch=0).tolist() == [6, 3, 8, 1, 4, 5, 9, 2, 7, 0]
    assert order(10, seed=3, epoch=2).tolist() == [9, 0, 1, 5, 6, 4, 7, 3, 8, 2]


def test_an_order_is_a_permutation():
    assert np.array_equal(np.sort(order(1000, 1, 2)), np.arange(1000))


@pytest.mark.parametrize("size", [0, 1])
def test_the_shortest_orders(size):
    assert order(size, 1, 2).tolist() == list(range(size))


def test_places_are_uniform_over_epochs():
    counts = np.zeros((5, 5))
    for epoch in range(2000):
        counts[np.arange(5), order(5, 0, epoch)] += 1
    # Chi-squared with 16 degrees of freedom: above 45.9 in one of 10,000 fair shuffles
    assert ((counts - 400) ** 2 / 400).sum() < 45.9


# -- epochs and position -------------------------------------------------------------------------


def test_epoch_counts_the_epochs_that_were_finished():
    loader = make()
    epochs(loader, 3)
    assert loader.epoch == 3


def test_batch_counts_the_batches_that_were_given():
    loader = make()
    assert [loader.batch for _ in loader] == [1, 2, 3]


def test_during_its_last_batch_an_epoch_is_not_over():
    loader = make()
    assert [loader.epoch for _ in loader] == [0, 0, 0]


def test_the_loop_after_one_that_was_left_early_is_the_whole_next_epoch():
    loader = make()
    list(islice(loader, 2))
    assert labels(loader) == epochs(make(), 2)[1]


def test_a_loop_that_was_never_asked_for_a_batch_costs_no_epoch():
    loader = make()
    iter(loader)
    assert labels(loader) == labels(make())


def test_two_loops_at_once_are_an_error_and_not_a_muddle():
    loader = make()
    outer = iter(loader)
    next(outer)
    next(iter(loader))
    with pytest.raises(LaminaError, match="give each loop a Loader of its own"):
        next(outer)


# -- resuming ------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"shuffle": False}, {"drop_last": True}], ids=str)
@pytest.mark.parametrize("done", range(10))
def test_a_resumed_loader_gives_exactly_what_was_left(done, settings):
    every = [t for epoch in epochs(make(**settings), 5) for t in epoch]
    loader = make(**settings)
    batches = (batch for _ in range(5) for batch in loader)
    list(islice(batches, done))
    state = json.loads(json.dumps(loader.state_dict()))

    resumed = make(**settings)
    resumed.load_state_dict(state)
    rest = [t for _ in range(5 - resumed.epoch) for t in labels(resumed)]
    assert rest == every[done:]


def test_a_state_taken_in_the_loop_counts_the_batch_in_hand_as_given():
    loader = make()
    for i, _ in enumerate(loader):
        if i == 1:
            state = loader.state_dict()
    resumed = make()
    resumed.load_state_dict(state)
    assert labels(resumed) == labels(make())[2:]


def test_a_state_taken_at_the_last_batch_leaves_an_epoch_without_batches():
    loader = make()
    states = [loader.state_dict() for _ in loader]
    resumed = make()
    resumed.load_state_dict(states[-1])
    assert epochs(resumed, 2) == [[], epochs(make(), 2)[1]]


def test_a_state_taken_between_epochs_starts_the_next_one():
    loader = make()
    list(loader)
    resumed = make()
    resumed.load_state_dict(loader.state_dict())
    assert labels(resumed) == labels(loader)


def test_the_position_survives_an_exception_in_the_loop():
    def train(loader):
        for i, _ in enumerate(loader):
            if i == 1:
                raise KeyboardInterrupt("now")

    loader = make()
    with pytest.raises(KeyboardInterrupt, match="now"):
        train(loader)
    resumed = make()
    resumed.load_state_dict(loader.state_dict())
    assert labels(resumed) == labels(make())[2:]


def test_only_the_first_loop_after_resuming_is_short():
    loader = make()
    next(iter(loader))
    loader.load_state_dict(loader.state_dict())
    assert [len(epoch) for epoch in epochs(loader, 3)] == [2, 3, 3]


def test_loading_a_state_stops_the_loop_that_is_running():
    loader = make()
    loop = iter(loader)
    next(loop)
    loader.load_state_dict(loader.state_dict())
    with pytest.raises(LaminaError, match="a state was loaded"):
        next(loop)


def test_a_state_is_plain_numbers():
    state = make().state_dict()
    assert {type(value) for value in state.values()} == {int, bool}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Loader(arrays(12), 4, seed=5), "size 12 there, 11 here"),
        (make(batch_size=3), "batch_size 3 there, 4 here"),
        (make(seed=6), "seed 6 there, 5 here"),
        (make(shuffle=False), "shuffle False there, True here"),
        (make(drop_last=True), "drop_last True there, False here"),
    ],
    ids=["size", "batch_size", "seed", "shuffle", "drop_last"],
)
def test_a_state_of_another_loader_is_refused(other, message):
    with pytest.raises(CheckpointError, match=message):
        make().load_state_dict(other.state_dict())


def test_all_differences_are_told_at_once():
    with pytest.raises(CheckpointError, match=r"batch_size 2 there, 4 here; seed 9 there, 5 here"):
        make().load_state_dict(make(batch_size=2, seed=9).state_dict())


@pytest.mark.parametrize(
    "state",
    [None, [], {}, {"epoch": 1, "batch": 1}, make().state_dict() | {"extra": 1}],
    ids=["None", "list", "empty", "part", "more"],
)
def test_what_is_no_state_is_refused(state):
    with pytest.raises(CheckpointError, match="a state should hold batch, batch_size"):
        make().load_state_dict(state)


@pytest.mark.parametrize(
    "wrong",
    [{"epoch": -1}, {"epoch": 1.5}, {"batch": 4}, {"batch": True}, {"batch": None}],
    ids=str,
)
def test_a_position_that_cannot_be_is_refused(wrong):
    with pytest.raises(CheckpointError, match="there is no epoch"):
        make().load_state_dict(make().state_dict() | wrong)


def test_a_refused_state_changes_nothing():
    loader = make()
    next(iter(loader))
    before = loader.state_dict()
    with pytest.raises(CheckpointError, match="there is no epoch"):
        loader.load_state_dict(before | {"epoch": 3, "batch": 99})
    assert loader.state_dict() == before


# -- datasets ------------------------------------------------------------------------------------


class Squares:
    """A dataset by protocol alone."""

    def __len__(self):
        return N

    def __getitem__(self, i):
        if not 0 <= i < N:
            raise IndexError(i)
        return {"root": i, "square": np.float32([i * i])}


def test_a_dataset_needs_only_a_length_and_items():
    for batch in Loader(Squares(), 4):
        assert np.array_equal(batch["square"][:, 0], batch["root"] ** 2)


def test_a_list_of_pairs_is_a_dataset():
    pairs = [(np.float32([i, -i]), i) for i in range(N)]
    x, t = next(iter(Loader(pairs, 4, shuffle=False)))
    assert (x.shape, t.tolist()) == ((4, 2), [0, 1, 2, 3])


def test_one_array_gives_batches_that_are_arrays():
    assert next(iter(Loader(np.arange(N), 4, shuffle=False))).tolist() == [0, 1, 2, 3]


def test_a_dataset_that_makes_batches_is_asked_for_batches():
    class Whole(Squares):
        def batch(self, indices):
            return indices * 10

    assert next(iter(Loader(Whole(), 4, shuffle=False))).tolist() == [0, 10, 20, 30]


def test_a_dataset_that_grew_is_an_error():
    data = [1, 2, 3]
    loader = Loader(data, 2)
    data.append(4)
    with pytest.raises(RangeError, match="had 3 items and now has 4"):
        list(loader)


def test_the_loader_shows_where_it_is():
    loader = make()
    next(iter(loader))
    assert repr(loader).endswith("batch_size=4, epoch=0, batch=1/3)")


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"batch_size": 0}, RangeError, "batch_size should be 1 or more, got 0"),
        ({"batch_size": -3}, RangeError, "batch_size should be 1 or more, got -3"),
        ({"batch_size": 2.0}, DTypeError, "batch_size should be an integer, got 2.0"),
        ({"batch_size": True}, DTypeError, "batch_size should be an integer, got True"),
        ({"seed": -1}, RangeError, "seed should be 0 or more, got -1"),
        ({"seed": None}, DTypeError, "seed should be an integer, got None"),
        ({"shuffle": 1}, DTypeError, "shuffle should be True or False, got 1"),
        ({"drop_last": "no"}, DTypeError, "drop_last should be True or False, got 'no'"),
        ({"kind": "fork"}, RangeError, 'kind should be "thread" or "process", got \'fork\''),
        ({"prefetch": 0}, RangeError, "prefetch should be 1 or more, got 0"),
        ({"timeout": 0}, RangeError, "timeout should be more than 0 seconds, got 0"),
        ({"timeout": "1"}, DTypeError, "timeout should be seconds or None, got '1'"),
        ({"workers": -1}, RangeError, "workers should be 0 or more, got -1"),
        ({"batch_size": 12, "drop_last": True}, RangeError, "11 items give no batch of 12"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_refused_at_once(arguments, error, message):
    with pytest.raises(error, match=message):
        make(**arguments)


@pytest.mark.parametrize("empty", [[], np.zeros((0, 3)), (np.zeros((0, 3)), np.zeros(0))])
def test_an_empty_dataset_is_refused(empty):
    with pytest.raises(RangeError, match="the dataset is empty"):
        Loader(empty, 4)


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(ShapeError, match="should be of one length, got 5, 6"):
        Loader((np.zeros((5, 2)), np.zeros(6)), 2)


WRONG = [None, 5, iter([1, 2]), {"x": 1}, "text"]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda x: type(x).__name__)
def test_what_is_no_dataset_is_refused(wrong):
    with pytest.raises(DTypeError, match=f"or a tuple of arrays, got {type(wrong).__name__}"):
        Loader(wrong, 2)
