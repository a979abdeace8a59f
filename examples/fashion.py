"""A convolution net tells ten kinds of clothes apart: Fashion-MNIST, 28 × 28 pixels.

    python examples/fashion.py                     10 epochs, 92 % of unseen pictures
    python examples/fashion.py --data FOLDER       where the four IDX files are, .gz or not
    python examples/fashion.py --fetch             download them if they are nowhere, 30 MB
    python examples/fashion.py --plot fashion.png  and a picture of the run (needs matplotlib)
    python examples/fashion.py --quick             one second, on handwritten digits

Debian's package dataset-fashion-mnist brings the files (H. Xiao and others, arXiv:1708.07747).
Where there are none, the 8 × 8 digits of scikit-learn take their place, scaled up.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np

import lamina
import lamina.functions as F
import lamina.optimizers as O
from lamina import Linear, Sequential, no_grad, test_mode
from lamina.data import FASHION_KINDS as KINDS
from lamina.data import Loader, digits, fashion_mnist
from lamina.errors import SourceError
from lamina.layers import BatchNorm, Conv2d, Dropout, Flatten, MaxPool2d
from lamina.metrics import confusion_matrix


def clothes(folder, fetch):
    """Both parts, pictures (n, 1, 28, 28) in [0, 1] and kinds (n,); None if they are nowhere."""
    try:
        return tuple(fashion_mnist(train, folder, fetch=fetch) for train in (True, False))
    except SourceError as error:
        if folder or fetch:
            raise SystemExit(str(error)) from None
        print(f"{error}\nHandwritten digits take their place.\n")
        return None


def small(train):
    """Digits in place of clothes: each pixel three times, and a border of two."""
    x, t = digits(train, images=True)
    return np.pad(x.repeat(3, 2).repeat(3, 3), ((0, 0), (0, 0), (2, 2), (2, 2))), t


def network():
    """(n, 1, 28, 28) to scores (n, 10); a convolution in front of a norm needs no bias"""
    return Sequential(
        Conv2d(32, kernel=3, padding=1, nobias=True),  # (n, 32, 28, 28)
        BatchNorm(),
        F.relu,
        MaxPool2d(2),
        Conv2d(64, kernel=3, padding=1, nobias=True),  # (n, 64, 14, 14)
        BatchNorm(),
        F.relu,
        MaxPool2d(2),
        Flatten(),  # (n, 64 * 7 * 7)
        Dropout(0.25),
        Linear(128),
        F.relu,
        Dropout(0.25),
        Linear(10),
    )


def predict(model, x, size=500):
    """The most likely kind of each picture (n,)"""
    with no_grad(), test_mode():
        parts = [model(x[i : i + size]).numpy().argmax(1) for i in range(0, len(x), size)]
    return np.concatenate(parts)


def draw(path, accuracies, x, t, guesses):
    """Accuracy from epoch to epoch, what was taken for what, and some that were misread."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 4.5), dpi=100, layout="constrained")
    left, middle, right = figure.subfigures(1, 3)
    axes = left.subplots()
    axes.plot(range(1, len(accuracies) + 1), accuracies, "o-")
    axes.set(xlabel="epoch", ylabel="unseen pictures told right", title="Fashion-MNIST")
    axes.grid(alpha=0.3)
    counts, axes = confusion_matrix(guesses, t, len(KINDS)), middle.subplots()
    axes.imshow(np.log1p(counts), cmap="Blues", vmax=12)  # not so dark that figures drown
    for i, j in np.argwhere(counts):
        axes.text(j, i, counts[i, j], ha="center", va="center", fontsize=7)
    axes.set_xticks(range(len(KINDS)), KINDS, rotation=90)
    axes.set_yticks(range(len(KINDS)), KINDS)
    axes.set(xlabel="taken for", ylabel="what it is")
    for cell, i in zip(right.subplots(3, 5).flat, np.flatnonzero(guesses != t), strict=False):
        cell.imshow(x[i, 0], cmap="gray_r")
        cell.set_title(f"{KINDS[t[i]]}?\n{KINDS[guesses[i]]}!", fontsize=7)
        cell.axis("off")
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description="Learn to tell clothes apart.")
    parser.add_argument("--data", type=Path, help="folder of the IDX files")
    parser.add_argument("--fetch", action="store_true", help="download them if they are nowhere")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--plot", type=Path, help="draw the run there")
    parser.add_argument("--quick", action="store_true", help="one epoch of handwritten digits")
    chosen = parser.parse_args()
    found = None if chosen.quick else clothes(chosen.data, chosen.fetch)
    (x, t), (unseen, kinds) = found or (small(True), small(False))
    epochs = 1 if chosen.quick else chosen.epochs
    lamina.seed(0)
    loader = Loader((x, t), batch_size=100, seed=0, drop_last=True)
    model = network()
    model.build(x[:1])
    print(model.summary(x[:1]))
    optimizer = O.AdamW(lr=O.Cosine(1e-3, steps=epochs * len(loader))).setup(model)

    @lamina.compile
    def step(x, t):
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    accuracies = []
    for epoch in range(epochs):
        start = perf_counter()
        loss = np.mean([step(x, t).item() for x, t in loader])
        print(f"epoch {epoch + 1:2}  loss {loss:.4f}", end=f"  {perf_counter() - start:.0f} s  ")
        accuracies.append(np.mean(predict(model, unseen) == kinds))
        print(f"unseen pictures told right: {accuracies[-1]:.2%}", flush=True)
    if chosen.plot:
        draw(chosen.plot, accuracies, unseen, kinds, predict(model, unseen))


if __name__ == "__main__":
    main()
