"""Seeded random streams, one a path.

A stream is named by a path (``"dropout"``, ``"model0/l1/W"``) and counts how often it was drawn
from. Each draw gets a fresh NumPy generator, made from (seed, path, number) alone, so that one
stream never disturbs another, the order of threads or layers does not matter, and the whole state
is a seed and a few counts that fit in a JSON file.

Source: NumPy's `SeedSequence` (M. E. O'Neill, "Developing a seed_seq Alternative", 2015) mixes the
three into the state of a PCG64 generator.
"""

from __future__ import annotations

import hashlib
import threading
from typing import Any

import numpy as np

from .errors import CheckpointError, RangeError

_lock = threading.Lock()
_seed = 0
_counts: dict[str, int] = {}


def seed(value: int) -> None:
    """Start all streams anew from ``value``. A process that never calls it starts from 0.

    Args:
        value: a non-negative integer.
    Raises:
        RangeError: if it is not.
    """
    global _seed
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise RangeError(f"seed: should be an integer of 0 or more, got {value!r}")
    with _lock:
        _seed = int(value)
        _counts.clear()


def count(path: str) -> int:
    """How often ``path`` was counted before; counts it once more."""
    with _lock:
        number = _counts.get(path, 0)
        _counts[path] = number + 1
    return number


def stream(path: str, number: int = 0) -> np.random.Generator:
    """The generator of one draw: the same (seed, path, number) always gives the same numbers.

    Args:
        path: names the stream.
        number: which of its draws.
    Example:
        >>> bool(stream("a").random() == stream("a").random())
        True
        >>> bool(stream("a").random() == stream("b").random())
        False
    """
    digest = hashlib.blake2b(path.encode(), digest_size=16).digest()
    words = np.frombuffer(digest, "<u4").tolist()
    return np.random.Generator(
        np.random.PCG64(np.random.SeedSequence(_seed, spawn_key=(*words, number)))
    )


def draw(path: str) -> np.random.Generator:
    """The generator of the next draw from ``path``."""
    return stream(path, count(path))


def state_dict() -> dict[str, Any]:
    """All there is to save: the seed and how often each stream was drawn from."""
    with _lock:
        return {"seed": _seed, "counts": dict(_counts)}


def load_state_dict(state: dict[str, Any]) -> None:
    """Continue where `state_dict` was taken.

    Raises:
        CheckpointError: if ``state`` is not what `state_dict` gives; nothing is changed then.
    """
    global _seed
    new_seed, counts = state.get("seed"), state.get("counts")
    if not _is_count(new_seed) or not isinstance(counts, dict):
        raise CheckpointError(f"random: state should hold a seed and counts, got {state!r:.100}")
    for path, number in counts.items():
        if not isinstance(path, str) or not _is_count(number):
            raise CheckpointError(f"random: count of {path!r} should be 0 or more, got {number!r}")
    with _lock:
        _seed = int(new_seed)  # pyright: ignore[reportArgumentType] (checked above)
        _counts.clear()
        _counts.update(counts)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
