"""Training leaves nothing behind: no cycle, no growing list."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

TRAINING = """
    import gc, resource
    gc.disable()
    import numpy as np
    import lamina
    from lamina import functions as F, optimizers as O
    from lamina.cli.network import MLP

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    model = MLP(width=32)  # a leak would not depend on the width, and the time does
    optimizer = O.Adam(lr=0.001).setup(model)
    rng = np.random.default_rng(0)
    x, t = rng.random((8, 64), np.float32), rng.integers(0, 10, 8)
    for step in range(10_000):
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        if step == 1000:
            before = resident()
    print(resident() - before)
"""


def test_ten_thousand_steps_of_the_demo_network_leave_memory_flat_without_gc():
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(TRAINING)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert int(run.stdout) < 5 * 2**20
