"""The same program gives the same names, weights and bytes in every process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

TRAINING = """
    import hashlib, sys
    import numpy as np
    import lamina
    from lamina import Linear, Sequential, functions as F, optimizers as O

    lamina.seed(11)
    model = Sequential(Linear(16), F.relu, Sequential(Linear(8), F.tanh), Linear(3))
    optimizer = O.Adam(lr=0.01).setup(model)
    rng = np.random.default_rng(0)
    for _ in range(10):
        x, t = rng.standard_normal((5, 4)).astype(np.float32), rng.integers(0, 3, 5)
        loss = F.softmax_cross_entropy(model(F.dropout(x, 0.2)), t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
    model.save_weights(sys.argv[1])
    print(" ".join(name for name, _ in model.named_params()))
    print(hashlib.sha256(b"".join(p.data.tobytes() for p in model.params())).hexdigest())
    print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())
"""


def test_six_processes_with_six_hash_seeds_agree_on_names_weights_and_bytes(tmp_path):
    told = set()
    for hash_seed in ("0", "1", "2", "3", "1000", "4294967295"):
        environment = os.environ | {
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        command = [sys.executable, "-c", textwrap.dedent(TRAINING), str(tmp_path / "m.npz")]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        told.add(run.stdout)
    assert len(told) == 1
    assert next(iter(told)).startswith("0/W 0/b 2/0/W 2/0/b 3/W 3/b\n")
