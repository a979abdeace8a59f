"""A training that waits in its steps, as a program that is sent signals.

``python interrupted.py FOLDER [ignored]`` prints ``.`` at the beginning of each step, and
``ends`` and what the loop gave. With ``ignored`` it ignores SIGINT at first, as shells have jobs in
the background do.
"""

from __future__ import annotations

import signal
import sys
import time

from lamina.training import Checkpoint, Progress
from training.small import Parts


def main(folder: str, how: str = "") -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN if how else signal.default_int_handler)
    parts = Parts()

    def slow(x, t):
        print(".", end="", flush=True)
        until = time.monotonic() + 0.2
        while time.monotonic() < until:
            time.sleep(0.01)
        return parts.step(x, t)

    trainer = parts.trainer(folder=folder, callbacks=[Checkpoint(), Progress(False)], epochs=50)
    trainer.step = slow
    trainer.resume()


if __name__ == "__main__":
    main(*sys.argv[1:])
