"""How near does the predicted memory of training come to the measured?

Each case is a process of its own: resident memory before the model is made, then four steps of
training, then the highest mark since. What is there before is Python, its libraries, the workspace
of the products and, with native code, the code generator: a small product, a small convolution
and a small LSTM were run. The prediction, `lamina.insight.summary`, sees shapes only.

    python benchmarks/memory.py
    python benchmarks/memory.py --only gpt --backend eager
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any

from setting import machine, versions

CASES = {
    "mlp": (256, 8192),
    "resnet18": (8, 64),
    "lstm": (16, 64),
    "gpt": (4, 32),
}
"""Batch sizes of each."""

BACKENDS = ("numpy", "eager", "replay", "native")
"""Eager with NumPy alone, eager with native kernels, and compiled in both ways."""


def subject(name: str) -> tuple[Any, Any, Any, int]:
    """The model, the shape of a sample, that of its target, and how many tokens there are."""
    from lamina.models import GPT, MLP, CharLSTM, ResNet18

    if name == "mlp":
        return MLP([1024, 1024, 10]), (784,), (), 0
    if name == "resnet18":
        return ResNet18(10), (3, 32, 32), (), 0
    if name == "lstm":
        return CharLSTM(64, 64, 256, 2), (128,), (128,), 64
    return GPT(256, 128, 256, 4, 8), (128,), (128,), 256


def loss(y: Any, t: Any) -> Any:
    """Cross entropy along the last axis."""
    from lamina import functions as F

    return F.softmax_cross_entropy(y.reshape(-1, y.shape[-1]), t.reshape(-1))


def measured(name: str, batch: int, backend: str) -> tuple[int, int]:
    """Bytes that four steps of training take at most, and that the last two of them do."""
    import numpy as np

    import lamina
    from lamina import optimizers as O
    from lamina.resident import give_back

    warm(backend != "numpy")
    rng = np.random.default_rng(0)
    with lamina.using(native=backend != "numpy"):
        give_back()
        before = status("VmRSS")
        forget_mark()
        model, shape, target, tokens = subject(name)
        shape, target = (batch, *shape), (batch, *target)
        x = rng.integers(0, tokens, shape) if tokens else rng.standard_normal(shape, np.float32)
        t = rng.integers(0, 10, target)
        optimizer = O.Adam(lr=1e-3).setup(model)

        def step(x: Any, t: Any) -> Any:
            value = loss(model(x), t)
            model.cleargrads()
            value.backward()
            optimizer.update()
            return value

        compiled = backend in ("replay", "native")
        run = lamina.compile(step, backend=backend) if compiled else step
        run(x, t)
        run(x, t)
        first = status("VmHWM")
        forget_mark()
        run(x, t)
        run(x, t)
        later = status("VmHWM")
        return max(first, later) - before, later - before


def predicted(name: str, batch: int, backend: str) -> tuple[int, int]:
    """The same, from shapes."""
    import numpy as np

    import lamina
    from lamina import optimizers as O
    from lamina.insight import summary
    from lamina.listen import Spec

    model, shape, target, tokens = subject(name)
    x = Spec((batch, *shape), np.dtype(np.int64 if tokens else np.float32))
    t = Spec((batch, *target), np.dtype(np.int64))
    with lamina.using(native=backend != "numpy"):
        adam = O.Adam(lr=1e-3)
        way = "eager" if backend == "numpy" else backend
        found = summary(model, x, loss=loss, target=t, optimizer=adam, backend=way)
    return found.memory.peak, found.memory.later


def warm(native: bool) -> None:
    """Run what is there whatever the model: BLAS, and the code generator."""
    import numpy as np

    import lamina
    from lamina import Variable
    from lamina import functions as F

    a = np.ones((1024, 1024), np.float32)
    a @ a
    if native:
        with lamina.no_grad():
            F.conv2d(np.ones((64, 16, 16, 16), np.float32), np.ones((16, 16, 3, 3), np.float32))
        z = [Variable(np.ones(shape, np.float32)) for shape in ((32, 16, 32), (32, 384), (96, 384))]
        F.lstm(z[0], None, None, *z[1:])[0].sum().backward()


def forget_mark() -> None:
    """Let the highest mark be what there is now."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def status(key: str) -> int:
    """A line of the process's status, in bytes."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith(key))


def main() -> None:
    """Print a table, or with --case one figure as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=CASES)
    parser.add_argument("--backend", choices=BACKENDS, action="append")
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    backends = options.backend or BACKENDS
    if options.case:
        name, batch = options.case
        print(json.dumps(measured(name, int(batch), backends[0])))
        return
    print(f"{machine()}; {versions()}\n")
    head = "measured MiB | predicted | error"
    print(f"| model | batch | backend | peak, {head} | steps 3 and 4, {head} |")
    print(f"|---|---:|---|{'---:|' * 6}")
    for name, batches in CASES.items():
        for backend in backends if options.only in (None, name) else []:
            for batch in batches:
                row(name, batch, backend)


def row(name: str, batch: int, backend: str) -> None:
    """One line of the table."""
    command = [sys.executable, __file__, "--case", name, str(batch), "--backend", backend]
    for _ in range(2):  # the second finds its machine code on the disk
        run = subprocess.run(command, capture_output=True, text=True, check=True)
    real, found = json.loads(run.stdout), predicted(name, batch, backend)
    cells = [f"{a / 2**20:.1f} | {b / 2**20:.1f} | {b / a - 1:+.1%}" for a, b in zip(real, found)]
    print(f"| {name} | {batch} | {backend} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
