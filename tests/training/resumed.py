"""A small training that goes on from its last checkpoint, as a program that can be killed.

``python resumed.py FOLDER BACKEND KIND`` trains with dropout, batch normalisation, augmentation,
momentum on a schedule, a shuffled Loader whose last batch is smaller, and an average of the weights
for evaluation. Two workers make the batches, threads or processes as KIND says, or none. It prints
``.`` for each step and at the end the SHA-256 of all there is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

import lamina
from fixtures.going_on import Net, digest
from lamina import functions as F
from lamina import optimizers as O
from lamina.data import Loader, Mapped, RandomCrop, RandomFlip
from lamina.training import Average, Checkpoint, Evaluate, Metrics, Progress, Statistics, Trainer

EPOCHS, SIZE, BATCH = 5, 50, 8
STEPS = EPOCHS * 7


class Dots:
    """One for each step; the folder is then as far as a kill can find it."""

    rank = 3

    def after_step(self, trainer, batch, values):
        print(".", end="", flush=True)


def make(folder: str, backend: str, kind: str) -> tuple[Trainer, O.EMA]:
    lamina.seed(3)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((SIZE, 1, 4, 4)).astype(np.float32)
    t = rng.integers(0, 3, SIZE)
    model = Net()
    schedule = O.Warmup(O.Cosine(0.05, steps=STEPS), steps=5)
    optimizer = O.Momentum(lr=schedule).setup(model)
    average = O.EMA(0.9).setup(model)
    augmented = Mapped((x, t), [RandomFlip(), RandomCrop(4, padding=1)])
    workers = {} if kind == "none" else {"workers": 2, "kind": kind}
    loader = Loader(augmented, BATCH, seed=1, **workers)

    def step(x, t):
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    step = step if backend == "eager" else lamina.compile(step, backend=backend)
    callbacks = [
        Progress(False),
        Evaluate((x, t), lambda x, t: F.softmax_cross_entropy(model(x), t)),
        Average(average),
        Metrics(),
        Statistics(every=3),
        Checkpoint(every=1, best="held_out/loss"),
        Dots(),
    ]
    return Trainer(step, loader, EPOCHS, model, optimizer, folder, callbacks), average


def main(folder: str, backend: str, kind: str = "none") -> str:
    trainer, average = make(folder, backend, kind)
    trainer.resume()
    model, optimizer = trainer.model, trainer.optimizer
    lines = [
        {k: v for k, v in record.items() if k != "seconds"}
        for name in ("metrics", "statistics")
        for record in map(json.loads, Path(folder, f"{name}.jsonl").read_text().splitlines())
    ]
    text = np.frombuffer(json.dumps(lines).encode(), np.uint8)
    return digest(
        {name: v.data for name, v in model.named_params()},
        {name: np.asarray(v.data) for name, v in model.named_buffers()},
        optimizer.state_dict()["arrays"],
        average.state_dict()["arrays"],
        {"lines": text},
    )


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
