"""Do threads or processes feed a training loop faster? Three kinds of data, the same batches.

    python benchmarks/loader.py [--workers 2] [--rounds 3] [--epochs 2]

- arrays: 20,000 pictures of 3 x 32 x 32 in memory, cropped, flipped and erased a batch at a time
- files: 400 JPEG files of 256 x 256, decoded and scaled down one by one
- Python: items made of Python's numbers in a loop, which holds its lock

The loop takes the batches and does nothing else. Processes start in an epoch that is not timed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from setting import machine, versions

from lamina.data import (
    ImageFolder,
    Loader,
    Mapped,
    RandomCrop,
    RandomErasing,
    RandomFlip,
)


class Numbers:
    """Each item is 2,000 steps of a generator in Python."""

    def __len__(self):
        return 1000

    def __getitem__(self, i):
        value, row = i, []
        for _ in range(2000):
            value = (1_103_515_245 * value + 12_345) % 2**31
            row.append(value / 2**31)
        return np.array(row, np.float32), i % 10


def arrays() -> Mapped:
    rng = np.random.default_rng(0)
    x, t = rng.random((20_000, 3, 32, 32), np.float32), rng.integers(0, 10, 20_000)
    return Mapped((x, t), [RandomCrop(32, padding=4), RandomFlip(), RandomErasing()])


def files(folder: Path) -> ImageFolder:
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(400):
        place = folder / f"class{i % 10}"
        place.mkdir(exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 255, (16, 16, 3), np.uint8))
        coarse.resize((256, 256)).save(place / f"{i}.jpg", quality=90)
    return ImageFolder(folder, size=64)


def rate(data, settings: dict, epochs: int) -> float:
    """Samples a second."""
    loader = Loader(data, 50, **settings)
    for _ in loader:
        pass
    start = time.perf_counter()
    count = sum(len(t) for _ in range(epochs) for _, t in loader)
    seconds = time.perf_counter() - start
    loader.close()
    return count / seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    chosen = parser.parse_args()
    ways = {
        "none": {},
        "thread": {"workers": chosen.workers, "kind": "thread"},
        "process": {"workers": chosen.workers, "kind": "process"},
    }
    print(f"- {machine()}\n- {versions()}\n- {chosen.workers} workers, best of {chosen.rounds}\n")
    print("| samples a second |", " | ".join(ways), "|\n|---|" + "---|" * len(ways))
    with tempfile.TemporaryDirectory() as folder:
        kinds = {"arrays": arrays(), "files": files(Path(folder)), "Python": Numbers()}
        for name, data in kinds.items():
            best = dict.fromkeys(ways, 0.0)
            for _ in range(chosen.rounds):
                for way, settings in ways.items():
                    best[way] = max(best[way], rate(data, settings, chosen.epochs))
            print(f"| {name} |", " | ".join(f"{value:,.0f}" for value in best.values()), "|")


if __name__ == "__main__":
    main()
