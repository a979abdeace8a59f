"""Subset, Concatenated, Mapped, split, folds, and the transforms that are not random."""

from __future__ import annotations

import numpy as np
import pytest

from lamina import using
from lamina.data import (
    Compose,
    Concatenated,
    Drawn,
    Each,
    Loader,
    Mapped,
    Mixup,
    Normalize,
    OneHot,
    RandomCrop,
    RandomFlip,
    Subset,
    Transform,
    collate,
    folds,
    split,
)
from lamina.data.take import take
from lamina.errors import DTypeError, LaminaError, RangeError, ShapeError

N = 12


class Pictures:
    """Items by protocol alone; each has a height of its own unless it is None."""

    def __init__(self, n: int = N, own_height: bool = True):
        self.n, self.own_height = n, own_height

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        h = 4 + i % 3 if self.own_height else 4
        return np.arange(i, i + 2 * h * 5, dtype=np.float32).reshape(2, h, 5), i


def numbers(n: int = N):
    return np.arange(n * 2, dtype=np.float32).reshape(n, 2), np.arange(n)


def one_epoch(dataset, batch_size=5, **settings):
    return list(Loader(dataset, batch_size, seed=2, **settings))


def same(a, b) -> bool:
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    return np.array_equal(a, b) and a.dtype == b.dtype


# -- parts and sums ------------------------------------------------------------------------------


def test_a_subset_has_its_items_in_its_order():
    part = Subset(numbers(), [7, 3])
    assert len(part) == 2
    assert [int(part[i][1]) for i in (0, 1, -1)] == [7, 3, 3]


def test_a_subset_ends():
    with pytest.raises(IndexError, match="no item 2 among 2"):
        Subset(numbers(), [7, 3])[2]
    assert [int(t) for _, t in Subset(numbers(), [7, 3])] == [7, 3]


def test_a_batch_of_a_subset_is_taken_at_once():
    x, t = next(iter(Loader(Subset(numbers(), [9, 4, 6]), 3, shuffle=False)))
    assert (x[:, 0].tolist(), t.tolist()) == ([18, 8, 12], [9, 4, 6])


@pytest.mark.parametrize("indices", [[-1], [N], [0, 99]])
def test_a_subset_of_items_that_are_not_there_is_refused(indices):
    with pytest.raises(RangeError, match=rf"no item {indices[-1]} in a dataset of {N}"):
        Subset(numbers(), indices)


@pytest.mark.parametrize("indices", [[0.5], [[0]], [True, False]])
def test_indices_that_are_none_are_refused(indices):
    with pytest.raises(DTypeError, match="indices should be integers in one axis"):
        Subset(numbers(), indices)


def test_an_empty_subset_has_no_items():
    assert len(Subset(numbers(), [])) == 0


def test_datasets_end_to_end():
    both = Concatenated(numbers(3), numbers(4))
    assert [int(t) for _, t in both] == [0, 1, 2, 0, 1, 2, 3]


@pytest.mark.parametrize("whole", [True, False])
def test_a_batch_of_several_datasets_has_its_rows_in_order(whole):
    second = numbers(4) if whole else [(np.float32([2 * i, 2 * i + 1]), i) for i in range(4)]
    both = Concatenated(numbers(3), second)
    x, t = next(iter(Loader(both, 7)))
    rows = Loader(both, 7).recipe.indices(0, 0)
    assert t.tolist() == [[0, 1, 2, 0, 1, 2, 3][i] for i in rows]
    assert np.array_equal(x[:, 0], 2 * t)


def test_datasets_of_other_shapes_are_told_apart():
    with pytest.raises(ShapeError, match="items of several shapes"):
        one_epoch(Concatenated(np.zeros((3, 2)), np.zeros((3, 4))), 6)


def test_no_datasets_are_refused():
    with pytest.raises(DTypeError, match="needs one dataset or more"):
        Concatenated()


# -- dividing ------------------------------------------------------------------------------------


def test_a_split_uses_every_item_once():
    parts = split(np.arange(10), 0.5, 0.3, 0.2)
    assert [len(part) for part in parts] == [5, 3, 2]
    assert sorted(int(item) for part in parts for item in part) == list(range(10))


@pytest.mark.parametrize("n", [3, 7, 10, 999])
def test_fractions_that_add_up_leave_no_part_over(n):
    assert sum(len(part) for part in split(np.arange(n), 0.6, 0.4)) == n
    assert len(split(np.arange(n), 0.6, 0.4)) == 2


def test_a_split_is_the_same_every_time_and_another_for_another_seed():
    first, again, other = (split(np.arange(50), 20, seed=s)[0].indices for s in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_split_by_labels_gives_each_part_its_share():
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    parts = split(np.arange(100), 0.8, 0.1, 0.1, labels=labels)
    counts = [np.bincount(labels[part.indices], minlength=3).tolist() for part in parts]
    # what a part gets of a label differs from its share by less than one item at each cut
    assert np.abs(np.array(counts) - np.array([[48, 24, 8], [6, 3, 1], [6, 3, 1]])).max() <= 1


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((0.8, 0.4), "cannot be divided"),
        ((11,), "cannot be divided"),
        ((), "cannot be divided"),
        ((0.01,), "cannot be divided"),
        ((0,), "1 item or more, or a fraction between 0 and 1, got 0"),
        ((-0.5,), "got -0.5"),
        ((1.0,), "got 1.0"),
        ((float("nan"),), "got nan"),
    ],
)
def test_a_split_that_cannot_be_is_refused(parts, message):
    with pytest.raises(RangeError, match=message):
        split(np.arange(10), *parts)


def test_labels_of_another_length_are_refused():
    with pytest.raises(ShapeError, match=r"labels should have shape \(10,\), got \(9,\)"):
        split(np.arange(10), 0.5, labels=np.zeros(9, int))


def test_folds_hold_each_item_out_once():
    pairs = folds(np.arange(11), 4)
    held_out = [int(item) for _, part in pairs for item in part]
    assert sorted(held_out) == list(range(11))
    for train, part in pairs:
        assert sorted([*train.indices, *part.indices]) == list(range(11))


def test_folds_by_labels_have_their_share_of_each():
    labels = np.arange(40) % 2
    for _, part in folds(np.arange(40), 5, labels=labels):
        assert np.bincount(labels[part.indices]).tolist() == [4, 4]


@pytest.mark.parametrize("k", [1, 12, True, 2.0])
def test_a_number_of_folds_that_cannot_be_is_refused(k):
    with pytest.raises(RangeError, match="k should be from 2 to 11"):
        folds(np.arange(11), k)


# -- Mapped --------------------------------------------------------------------------------------


def test_a_function_sees_the_first_part_of_each_item():
    x, t = Mapped(numbers(), lambda x: x * 10)[3]
    assert (x.tolist(), int(t)) == ([60, 70], 3)


@pytest.mark.parametrize(("at", "shown"), [(1, 30), (None, 3)])
def test_another_part_or_the_whole_item_can_be_changed(at, shown):
    change = (lambda item: (item[0], item[1])) if at is None else (lambda t: t * 10)
    assert int(Mapped(numbers(), change, at=at)[3][1]) == shown


def test_a_part_of_a_dict_is_named_by_its_key():
    data = [{"x": np.float32(i), "t": i} for i in range(5)]
    batch = next(iter(Loader(Mapped(data, lambda x: -x, at="x"), 5, shuffle=False)))
    assert (batch["x"].tolist(), batch["t"].tolist()) == ([0, -1, -2, -3, -4], [0, 1, 2, 3, 4])


@pytest.mark.parametrize(("data", "at"), [(numbers(), 2), ([{"x": 1}], "y"), (numbers(), "x")])
def test_a_part_that_is_not_there_is_refused(data, at):
    with pytest.raises(RangeError, match=f"no part {at!r} in items of"):
        Mapped(data, lambda x: x, at=at)[0]


def test_a_random_function_gets_a_generator_for_its_sample():
    data = Mapped(numbers(), lambda x, rng: np.float32([rng.random()]))
    by_label = [dict(zip(t.tolist(), x[:, 0].tolist())) for x, t in one_epoch(data, N)]
    in_other_batches = {
        k: v for x, t in one_epoch(data, 5) for k, v in zip(t.tolist(), x[:, 0].tolist())
    }
    assert by_label[0] == in_other_batches
    assert len(set(by_label[0].values())) == N


@pytest.mark.parametrize("workers", [1, 3])
def test_random_functions_do_not_depend_on_the_workers(workers):
    data = Mapped(numbers(), [lambda x, rng: x + rng.normal(size=2), RandomFlip(axis=1)])
    assert same(one_epoch(data), one_epoch(data, workers=workers))


@pytest.mark.parametrize(
    "transform", [[RandomCrop((3, 4)), RandomFlip()], [RandomCrop(2), Mixup(N)]]
)
def test_items_of_several_shapes_are_changed_before_they_are_stacked(transform):
    x, _ = next(iter(Loader(Mapped(Pictures(), transform), 6)))
    assert x.shape[:2] == (6, 2)


def test_item_by_item_and_all_at_once_give_the_same():
    pictures = Pictures(own_height=False)
    stacked = collate([pictures[i] for i in range(N)])
    steps = [
        RandomCrop((3, 4)),
        lambda x, rng: x * np.float32(rng.random()),
        RandomFlip(),
        Mixup(N),
    ]
    assert same(one_epoch(Mapped(pictures, steps)), one_epoch(Mapped(stacked, steps)))


@pytest.mark.parametrize("batched", [True, False])
def test_two_transforms_have_random_numbers_of_their_own(batched):
    data = numbers() if batched else list(zip(*numbers()))
    inner = Mapped(data, lambda x, rng: np.float32([rng.random()]))
    both = Mapped(inner, lambda x, rng: np.float32([x[0], rng.random()]))
    x, _ = next(iter(Loader(both, N)))
    assert len(set(x.ravel().tolist())) == 2 * N


def test_transforms_below_a_sum_have_random_numbers_of_their_own():
    def draw(x, rng):
        return np.float32([rng.random()])

    data = Mapped(
        Concatenated(Mapped(numbers(5), draw), Mapped(numbers(7), draw)),
        lambda x, rng: np.float32([x[0], rng.random()]),
    )
    x, _ = next(iter(Loader(data, N)))
    assert len(set(x.ravel().tolist())) == 2 * N


@pytest.mark.parametrize("whole", [True, False])
def test_a_dataset_of_one_s_own_draws_other_numbers_than_those_below_it(whole):
    class Uniform(Drawn):
        batched = whole

        def __len__(self):
            return 6

        def item(self, index, draws):
            return draws.uniform()[0]

        def draw(self, indices, draws):
            return draws.uniform() if whole else super().draw(indices, draws)

    class Above(Uniform):
        def draw(self, indices, draws):
            return take(below, indices, draws), draws.uniform()

        def __len__(self):
            return N

    below = Concatenated(Uniform(), Uniform())
    a, b = next(iter(Loader(Above(), N)))
    assert len({*a.tolist(), *b.tolist()}) == 2 * N


def test_an_item_by_hand_is_that_of_epoch_0_and_seed_0():
    data = Mapped(numbers(), lambda x, rng: np.float32([rng.random()]))
    x, _ = next(iter(Loader(data, N, shuffle=False)))
    assert data[4][0] == x[4]


def test_an_error_in_a_transform_names_the_sample():
    def fail(x):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        one_epoch(Mapped(Pictures(), fail), shuffle=False)
    assert caught.value.__notes__ == ["in sample 0 of the dataset"]


@pytest.mark.parametrize("wrong", [None, 3, ["flip"], [RandomFlip(), None]])
def test_what_is_no_transform_is_refused(wrong):
    with pytest.raises(DTypeError, match="a transform should be a Transform or a function"):
        Mapped(numbers(), wrong)


def test_a_function_of_more_than_two_arguments_is_refused():
    with pytest.raises(DTypeError, match=r"of x, or of x and rng; .* needs 3 arguments"):
        Mapped(numbers(), lambda x, t, rng: x)


def test_a_mapped_dataset_shows_its_steps():
    shown = repr(Mapped(np.zeros(3), [RandomFlip(), abs]))
    assert shown == "Mapped(ArrayDataset(float64 (3,)), [RandomFlip(p=0.5, axis=-1), abs])"


# -- transforms that are not random --------------------------------------------------------------


def test_composed_steps_come_one_after_the_other():
    x = np.arange(8.0).reshape(1, 2, 2, 2)
    assert np.array_equal(Compose(RandomFlip(1), lambda x: x + 1)(x), x[..., ::-1] + 1)


def test_composed_steps_with_a_mixture_take_a_batch():
    x, t = Compose(RandomFlip(), Mixup(3))((np.ones((4, 1, 2, 2)), np.zeros(4, int)))
    assert (x.shape, t.tolist()) == ((4, 1, 2, 2), [[1, 0, 0]] * 4)


def test_each_takes_items_of_several_parts():
    a, b = Each(lambda item: (item[1], item[0]))((np.zeros((3, 2)), np.arange(3)))
    assert (a.tolist(), b.shape) == ([0, 1, 2], (3, 2))


@pytest.mark.parametrize(("shape", "axis"), [((50, 3, 4, 5), 1), ((50, 7), 1), ((50, 4, 5, 3), -1)])
def test_normalised_data_has_mean_0_and_std_1(shape, axis, rng):
    x = (rng.normal(size=shape) * 9 + 100).astype(np.float32)
    y = Normalize.fit(x, axis)(x)
    others = tuple(i for i in range(len(shape)) if i != axis % len(shape))
    # float32 numbers about 100, where one unit in the last place is 8e-6, less their mean
    assert np.allclose(y.mean(others), 0, atol=1e-5)
    assert np.allclose(y.std(others), 1, atol=1e-5)
    assert y.dtype == np.float32


def test_a_fit_in_batches_is_the_fit_of_the_whole(rng):
    x = rng.normal(1e4, 1, (97, 3))
    whole, parts = Normalize.fit(x), Normalize.fit(Subset(x, np.arange(97)), batch_size=10)
    # means and deviations about 1e4 and 1: the parts add up in another order
    assert np.allclose(parts.mean, whole.mean, rtol=1e-13)
    assert np.allclose(parts.std, x.std(0), rtol=1e-9)


def test_a_column_that_never_changes_is_only_shifted():
    x = np.array([[1.0, 5.0], [3.0, 5.0]])
    assert Normalize.fit(x)(x).tolist() == [[-1, 0], [1, 0]]


def test_bytes_are_normalised_to_the_default_dtype():
    x = np.array([[0], [255]], np.uint8)
    assert Normalize(127.5, 127.5)(x).dtype == np.float32
    with using(dtype=np.float64):
        assert Normalize(127.5, 127.5)(x).dtype == np.float64


def test_the_same_numbers_normalise_other_data():
    normalize = Normalize([1, 2], [10, 20])
    assert normalize(np.array([[11.0, 42.0]])).tolist() == [[1, 2]]


def test_labels_become_rows():
    assert OneHot(3)(np.array([[2], [0]])).tolist() == [[[0, 0, 1]], [[1, 0, 0]]]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: OneHot(3)(np.array([0, 3])), RangeError, "label 3 is not in 0 ... 2"),
        (lambda: OneHot(3)(np.array([0.0])), DTypeError, "labels should be integers, got float64"),
        (lambda: Normalize(0, 0), RangeError, "std should be above 0, got 0"),
        (lambda: Normalize(0, [1, -1]), RangeError, "std should be above 0"),
        (lambda: Normalize([0, 0], 1)(np.zeros((2, 3))), ShapeError, r"\(2,\) numbers for axis 1"),
        (lambda: Normalize(0, 1, 4)(np.zeros((2, 3))), ShapeError, "axis 4 is not in a batch"),
        (lambda: Normalize.fit(np.zeros(3)), ShapeError, r"should be \(n, channels, ...\)"),
        (lambda: Normalize.fit(np.zeros((0, 3))), RangeError, "nothing to fit"),
    ],
)
def test_what_cannot_be_transformed_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_every_refusal_is_one_of_lamina_s():
    assert issubclass(RangeError, LaminaError)


def test_a_transform_of_one_s_own_draws_for_each_sample():
    class Shift(Transform):
        def batch(self, x, draws):
            return x + draws.uniform()[:, None]

    x, t = next(iter(Loader(Mapped(numbers(), Shift()), N, seed=4)))
    assert len(set((x[:, 0] - 2 * t).tolist())) == N
