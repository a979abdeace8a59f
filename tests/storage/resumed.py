"""A small training that goes on from its last checkpoint, as a program that can be killed.

``python resumed.py FOLDER BACKEND`` trains with dropout, batch normalisation, Adam on a schedule, a
shuffled Loader whose last batch is smaller, and an average of the weights; it prints ``.`` when the
first step is done and at the end the SHA-256 of all there is. BACKEND is ``eager``, ``replay`` or
``native``.
"""

from __future__ import annotations

import sys

import numpy as np

import lamina
from fixtures.going_on import Net, digest
from lamina import functions as F
from lamina import optimizers as O
from lamina.data import Loader
from lamina.storage import Checkpoints

STEPS = 60


def main(folder: str, backend: str) -> str:
    lamina.seed(3)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 5)).astype(np.float32)
    model = Net()
    optimizer = O.Adam(lr=O.Warmup(O.Cosine(0.05, steps=STEPS), steps=5)).setup(model)
    average = O.EMA(0.9).setup(model)
    loader = Loader((x, rng.integers(0, 3, 50)), batch_size=16, seed=1)

    def step(x, t):
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    step = step if backend == "eager" else lamina.compile(step, backend=backend)
    checkpoints = Checkpoints(folder, keep=2)
    losses = np.zeros(STEPS)
    parts = {"model": model, "optimizer": optimizer, "loader": loader, "average": average}
    state = checkpoints.load(**parts)
    if state is not None:
        losses = state["losses"]
    while optimizer.step < STEPS:
        for a, b in loader:
            loss = step(a, b).item()
            losses[optimizer.step - 1] = loss
            average.update()
            checkpoints.save(optimizer.step, **parts, losses=losses)
            print(".", end="", flush=True)
            if optimizer.step == STEPS:
                break
    arrays = {name: v.data for name, v in model.named_params()}
    buffers = {name: np.asarray(v.data) for name, v in model.named_buffers()}
    memory = [optimizer.state_dict()["arrays"], average.state_dict()["arrays"]]
    return digest(arrays, buffers, *memory, {"losses": losses})


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
