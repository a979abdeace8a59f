"""Does Winograd's algorithm, which is less exact, train as well? Fashion-MNIST, several seeds.

    python benchmarks/winograd.py --data FOLDER [--seeds 5] [--epochs 2]

FOLDER holds the four files of Fashion-MNIST (Debian: the package dataset-fashion-mnist puts them
into /usr/share/datasets/fashion-mnist). For each seed the same network, from the same weights and
on the same batches, is trained with Winograd's convolutions and without them.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import lamina
from lamina import Linear, Sequential, test_mode, using
from lamina import functions as F
from lamina import layers as L
from lamina import optimizers as O
from lamina.data import fashion_mnist


def images(folder: Path, train: bool) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (n, 1, 28, 28) with mean 0 and variance about 1, and labels."""
    x, t = fashion_mnist(train, folder, dtype=np.uint8)
    return (x.astype(np.float32) - 72.9) / 90.0, t


def network() -> Sequential:
    """Three convolutions that Winograd's algorithm takes, and one that it does not."""
    return Sequential(
        L.Conv2d(32, 3, padding=1),
        F.relu,
        L.Conv2d(32, 3, padding=1),
        F.relu,
        L.MaxPool2d(2),
        L.Conv2d(64, 3, padding=1),
        F.relu,
        L.Conv2d(64, 3, padding=1),
        F.relu,
        L.MaxPool2d(2),
        L.Flatten(),
        Linear(128),
        F.relu,
        Linear(10),
    )


def accuracy(train, test, seed: int, winograd: bool, epochs: int, size: int = 64) -> float:
    """Of the test pictures, after training."""
    lamina.seed(seed)
    model = network()
    optimizer = O.Adam(lr=1e-3).setup(model)

    @lamina.compile(backend="native")
    def step(x, t):
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    @lamina.compile(backend="native")
    def scores(x):
        return model(x)

    (x, t), (x_test, t_test) = train, test
    rng = np.random.default_rng(seed)
    with using(winograd=winograd):
        for _ in range(epochs):
            order = rng.permutation(len(x))
            for i in range(0, len(x) - size + 1, size):
                batch = order[i : i + size]
                step(x[batch], t[batch])
        with test_mode(), lamina.no_grad():
            parts = [scores(x_test[i : i + 500]).numpy() for i in range(0, len(x_test), 500)]
    return float(np.mean(np.concatenate(parts).argmax(1) == t_test))


def main() -> None:
    """Print the accuracies of each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=False)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=2)
    words = parser.parse_args()
    if words.data is None:
        print("benchmarks/winograd.py needs --data FOLDER with Fashion-MNIST; nothing is measured")
        return
    train, test = images(words.data, True), images(words.data, False)
    found = {True: [], False: []}
    for seed in range(words.seeds):
        for winograd in (True, False):
            start = time.perf_counter()
            right = accuracy(train, test, seed, winograd, words.epochs)
            found[winograd].append(right)
            seconds = time.perf_counter() - start
            print(f"seed {seed} winograd {winograd!s:5} {right:.4f} in {seconds:.0f} s", flush=True)
    on, off = np.array(found[True]), np.array(found[False])
    print(f"with {on.mean():.4f} +- {on.std(ddof=1):.4f}, without {off.mean():.4f} +- "
          f"{off.std(ddof=1):.4f}, difference {(on - off).mean():+.4f}")  # fmt: skip


if __name__ == "__main__":
    main()
