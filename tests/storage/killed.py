"""Saves back to back in a process that is killed, again and again.

``python killed.py FOLDER KILLS SIGNAL SEED`` prints one line of JSON for each kill: what was
acknowledged, and what the file holds. A process of its own, because it forks: the writer starts
at once then, with everything imported.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time

import numpy as np

from lamina.errors import LaminaError
from lamina.files import load_npz, save_npz

LENGTHS = (3, 700, 20_000)  # numbers in the arrays of a version


def version(number: int) -> dict[str, np.ndarray]:
    return {f"l{i}/W": np.full(n, number, np.float32) for i, n in enumerate(LENGTHS)}


def save_for_ever(path: str, first: int, report: int) -> None:
    """Save version after version, and write one byte for each that is acknowledged."""
    number = first
    while True:
        save_npz(path, version(number), meta={"number": number})
        os.write(report, b".")
        number += 1


def run_and_kill(path: str, first: int, seconds: float, how: int) -> int:
    """Fork a writer, kill it after a while; the last version that it acknowledged."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            save_for_ever(path, first, write)
        finally:
            os._exit(1)
    os.close(write)
    acknowledged = first - 1 + len(os.read(read, 1))  # the first save came through
    time.sleep(seconds)
    kill(pid, how)
    while dots := os.read(read, 4096):
        acknowledged += len(dots)
    os.close(read)
    return acknowledged


def kill(pid: int, how: int) -> None:
    """Send the signal, and send it again if need be: Python drops an interrupt in a finalizer."""
    while True:
        os.kill(pid, how)
        for _ in range(100):
            if os.waitpid(pid, os.WNOHANG) != (0, 0):
                return
            time.sleep(0.002)


def held(path: str) -> int | str:
    """The version that the file holds whole, or what is wrong with it."""
    try:
        arrays, meta = load_npz(path)
    except LaminaError as error:
        return f"{type(error).__name__}: {error}"
    expected = version(meta["number"])
    whole = all(np.array_equal(arrays[name], expected[name]) for name in expected)
    return meta["number"] if whole else "a mixture of versions"


def main(folder: str, kills: str, how: str, seed: str) -> None:
    path = os.path.join(folder, "m.npz")
    rng = random.Random(int(seed))
    save_npz(path, version(0), meta={"number": 0})
    number = 0
    for _ in range(int(kills)):
        acknowledged = run_and_kill(path, number + 1, rng.uniform(0, 0.03), int(how))
        found = held(path)
        left = len(os.listdir(folder)) - 1
        print(json.dumps({"acknowledged": acknowledged, "found": found, "left": left}))
        number = found if isinstance(found, int) else acknowledged
    save_npz(path, version(0), meta={"number": 0})
    print(json.dumps({"left": len(os.listdir(folder)) - 1}))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main(*sys.argv[1:])
