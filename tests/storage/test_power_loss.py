"""The power goes at any moment: an acknowledged save is there, and no half of one ever is.

20,000 states of a simulated disk. Disks that leave out one of the steps show that the test can see.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from lamina.files import atomic_write
from storage.crash import HastyDisk, MemoryDisk, after_power_loss

WORKLOADS = 200
STATES = 100


def outcomes(make_disk, workloads: int = WORKLOADS) -> Counter[str]:
    """How often the target is whole, torn, or older than the last acknowledged save."""
    counts: Counter[str] = Counter()
    for seed in range(workloads):
        rng = random.Random(seed)
        disk = make_disk()
        versions, acknowledged = work(disk, rng)
        for _ in range(STATES):
            moment = rng.randrange(len(disk.log) + 1)
            left = after_power_loss(disk.log[:moment], rng)
            counts[judged(left, versions, [moment >= done for done in acknowledged])] += 1
    return counts


def work(disk: MemoryDisk, rng: random.Random) -> tuple[list[bytes], list[int]]:
    """A few saves: their contents, and how long the log was when each was acknowledged."""
    versions, acknowledged = [], []
    for i in range(rng.randrange(1, 5)):
        pieces = [bytes([i + 1]) * rng.randrange(1, 60) for _ in range(rng.randrange(1, 8))]

        def write(file, pieces=pieces):
            for piece in pieces:
                file.write(piece)

        atomic_write("m", write, disk=disk)
        versions.append(b"".join(pieces))
        acknowledged.append(len(disk.log))
    return versions, acknowledged


def judged(left: bytes | None, versions: list[bytes], acknowledged: list[bool]) -> str:
    if left is None:
        return "lost" if any(acknowledged) else "whole"
    if left not in versions:
        return "torn"
    return "lost" if any(acknowledged[versions.index(left) + 1 :]) else "whole"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_in_20_000_states_after_a_power_loss_no_save_is_torn_or_lost():
    assert outcomes(MemoryDisk) == {"whole": WORKLOADS * STATES}


def test_without_fsync_saves_would_be_torn():
    assert outcomes(lambda: MemoryDisk(broken="fsync"), 20)["torn"] > 100


def test_without_fsync_of_the_folder_saves_would_be_lost():
    assert outcomes(lambda: MemoryDisk(broken="sync_folder"), 20)["lost"] > 100


def test_with_the_rename_before_the_fsync_saves_would_be_torn():
    assert outcomes(HastyDisk, 20)["torn"] > 10
