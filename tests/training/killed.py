"""Trainings that are killed at random instants, again and again, and resumed until they end.

``python killed.py FOLDER BACKEND KIND RUNS SEED`` prints one line of JSON for the undisturbed run,
and one for each of RUNS: the SHA-256 of what it ended with, and how often it was killed. A process
of its own, because it forks: a training starts at once then, with all imported and nothing made.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback

from training import resumed

LONGEST = 16  # steps of a training before it is killed; all have 35


def start(folder: str, backend: str, kind: str) -> tuple[int, int]:
    """A process that trains: its number, and where to read what it prints."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(read)
            os.dup2(write, 1)
            print(resumed.main(folder, backend, kind), flush=True)
            status = 0
        except BaseException:  # noqa: BLE001 (it is told, and the child ends)
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(write)
    return pid, read


def run_and_kill(folder: str, backend: str, kind: str, rng: random.Random) -> str:
    """Kill it some time after it made some steps; what it ended with, if it was faster."""
    pid, read = start(folder, backend, kind)
    output, wanted = b"", rng.randrange(1, LONGEST)
    while len(output) < wanted and (more := os.read(read, wanted - len(output))):
        output += more
    time.sleep(rng.uniform(0, 0.02))
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    while more := os.read(read, 4096):
        output += more
    os.close(read)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"{folder}: a training failed")
    return output.decode().strip().strip(".")


def undisturbed(folder: str, backend: str, kind: str) -> str:
    pid, read = start(folder, backend, kind)
    with os.fdopen(read) as output:
        end = output.read().strip().strip(".")
    os.waitpid(pid, 0)
    return end


def main(folder: str, backend: str, kind: str, runs: str, seed: str) -> None:
    rng = random.Random(seed)
    whole = undisturbed(os.path.join(folder, "whole"), backend, kind)
    print(json.dumps({"end": whole, "kills": 0}), flush=True)
    for run in range(int(runs)):
        kills = 0
        while not (end := run_and_kill(os.path.join(folder, str(run)), backend, kind, rng)):
            kills += 1
        print(json.dumps({"end": end, "kills": kills}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
