"""Read handwritten digits: the whole of a training by hand, in one page.

    python examples/digits.py            a few seconds, about 98 % of unseen digits read right
    python examples/digits.py --quick    one second, for a look

It needs scikit-learn, which brings the digits: pip install 'lamina[demo]'
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

import lamina
import lamina.functions as F
import lamina.optimizers as O
from lamina import Layer, Linear, no_grad, test_mode
from lamina.data import Loader, digits


class Block(Layer):
    """Two Linear layers, and a way around them."""

    def __init__(self, width):
        super().__init__()
        self.l1 = Linear(width)  # how wide its input is, it learns at the first call
        self.l2 = Linear(width)

    def forward(self, x):
        """(n, width) to (n, width)"""
        return F.relu(x + self.l2(F.dropout(F.relu(self.l1(x)), 0.5)))


class MLP(Layer):
    """What is assigned is registered: also the Layers in the list."""

    def __init__(self, width=128, depth=2):
        super().__init__()
        self.first = Linear(width)
        self.blocks = [Block(width) for _ in range(depth)]
        self.last = Linear(10)

    def forward(self, x):
        """(n, 64) to (n, 10)"""
        h = F.relu(self.first(x))
        for block in self.blocks:
            h = block(h)
        return self.last(h)


def accuracy(model, x, t):
    """The share of digits read right; dropout rests, nothing is recorded for gradients."""
    with no_grad(), test_mode():
        return float(np.mean(model(x).data.argmax(axis=1) == t))


def train(model, optimizer, loader, epochs):
    for epoch in range(epochs):
        losses = []
        for x, t in loader:  # x: (b, 64) float32, t: (b,) int64
            loss = F.softmax_cross_entropy(model(x), t)
            model.cleargrads()
            loss.backward()
            optimizer.update()
            losses.append(loss.item())
        print(f"epoch {epoch + 1:2}  loss {np.mean(losses):.4f}")


def main():
    parser = argparse.ArgumentParser(description="Learn to read handwritten digits.")
    parser.add_argument("--quick", action="store_true", help="fewer digits, fewer epochs")
    quick = parser.parse_args().quick
    epochs = 3 if quick else 15

    lamina.seed(0)
    x, t = digits(train=True)
    if quick:
        x, t = x[:500], t[:500]
    loader = Loader((x, t), batch_size=32, seed=0)
    model = MLP()
    optimizer = O.Adam(lr=O.Cosine(2e-3, steps=epochs * len(loader))).setup(model)
    train(model, optimizer, loader, epochs)

    unseen, labels = digits(train=False)
    print(model)
    print(f"unseen digits read right: {accuracy(model, unseen, labels):.1%}")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.npz"
        model.save_weights(path)
        copy = MLP()
        copy.load_weights(path, quiet=True)
    with no_grad(), test_mode():
        same = np.array_equal(copy(unseen).data, model(unseen).data)
    print(f"loaded from a file, it gives the same scores to the last bit: {same}")


if __name__ == "__main__":
    main()
