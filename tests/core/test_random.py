"""Random streams: named, counted, independent, the same everywhere, saved as a few numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lamina import random
from lamina.errors import CheckpointError, RangeError


def numbers(path: str, count: int = 3) -> list[list[float]]:
    return [random.draw(path).random(2).tolist() for _ in range(count)]


def test_same_seed_gives_the_same_numbers() -> None:
    random.seed(5)
    first = numbers("a")
    random.seed(5)
    assert numbers("a") == first


def test_another_seed_gives_others() -> None:
    first = numbers("a")
    random.seed(1)
    assert numbers("a") != first


def test_draws_from_one_stream_differ() -> None:
    a, b, c = numbers("a")
    assert a != b != c != a


def test_streams_do_not_disturb_each_other() -> None:
    alone = numbers("a")
    random.seed(0)
    mixed = []
    for _ in range(3):
        numbers("b", 2)
        mixed += numbers("a", 1)
    assert mixed == alone


def test_names_that_look_alike_are_different_streams() -> None:
    found = {tuple(numbers(name, 1)[0]) for name in ("l1/W", "l1/W ", "l1W", "l1/w", "", "l2/W")}
    assert len(found) == 6


def test_stream_is_a_function_of_its_arguments() -> None:
    assert random.stream("a", 3).random() == random.stream("a", 3).random()


def test_draw_number_n_is_stream_number_n() -> None:
    drawn = numbers("a")
    assert drawn == [random.stream("a", n).random(2).tolist() for n in range(3)]


def test_bits_of_a_stream_are_the_same_in_every_version() -> None:
    random.seed(42)
    bits = random.stream("l1/W", 1).bit_generator.random_raw(2).tolist()
    assert bits == [1174358630798396905, 3355756672854967314]


@pytest.mark.parametrize("hash_seed", ["0", "1", "123"])
def test_numbers_do_not_depend_on_the_hash_seed(hash_seed: str) -> None:
    program = "from lamina import random; print(random.draw('l1/W').random(2).tolist())"
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == numbers("l1/W", 1)[0]


def test_state_survives_json() -> None:
    random.seed(2**70)
    numbers("a", 2)
    numbers("b", 1)
    state = json.loads(json.dumps(random.state_dict()))
    expected = numbers("a"), numbers("b"), numbers("c")
    random.seed(0)
    random.load_state_dict(state)
    assert (numbers("a"), numbers("b"), numbers("c")) == expected


def test_state_is_a_copy() -> None:
    state = random.state_dict()
    numbers("a")
    assert state == {"seed": 0, "counts": {}}


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"seed": 0},
        {"seed": -1, "counts": {}},
        {"seed": True, "counts": {}},
        {"seed": 0.5, "counts": {}},
        {"seed": "0", "counts": {}},
        {"seed": 0, "counts": []},
        {"seed": 0, "counts": {"a": -1}},
        {"seed": 0, "counts": {"a": 1.5}},
        {"seed": 0, "counts": {3: 1}},
    ],
)
def test_wrong_state_is_refused_and_changes_nothing(state) -> None:
    random.seed(7)
    numbers("a", 2)
    before = random.state_dict()
    with pytest.raises(CheckpointError, match="random: "):
        random.load_state_dict(state)
    assert random.state_dict() == before


@pytest.mark.parametrize("value", [-1, 1.0, "1", True, None])
def test_seed_must_be_a_count(value) -> None:
    with pytest.raises(RangeError, match="seed: should be an integer of 0 or more, got"):
        random.seed(value)


def test_numpy_integer_is_a_seed() -> None:
    random.seed(np.int64(3))
    first = numbers("a")
    random.seed(3)
    assert numbers("a") == first


def test_threads_count_without_loss() -> None:
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda _: random.count("a"), range(2000)))
    assert sorted(counts) == list(range(2000))
