"""Predict a number from a table: how a disease goes on, or a CSV file of yours.

    python examples/regression.py                 442 patients, ten measurements each
    python examples/regression.py --csv FILE      a header, numbers, the target in the last column
    python examples/regression.py --quick         a second, for a look

The patients are scikit-learn's ``diabetes`` (B. Efron and others, "Least Angle Regression", 2004):
pip install 'lamina[demo]'. So few rows say little, and a line is hard to beat. Each row is
predicted by a model that has seen four fifths of the table, and not this row.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import lamina
import lamina.functions as F
import lamina.optimizers as O
from lamina import Linear, Sequential, no_grad, test_mode
from lamina.data import Loader
from lamina.layers import Dropout, SiLU
from lamina.metrics import r2

FOLDS = 5


def read(path):
    """Features (n, k) and targets (n, 1)."""
    if path is None:
        from sklearn.datasets import load_diabetes

        source = load_diabetes(scaled=False)
        return source.data, source.target[:, None]
    table = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    if table.shape[1] < 2 or len(table) < FOLDS:
        raise SystemExit(f"{path}: {table.shape} is too small: two columns and {FOLDS} rows")
    return table[:, :-1], table[:, -1:]


def scaled(x, like):
    """Each column with mean 0 and deviation 1 where ``like`` has them, float32."""
    spread = like.std(0)
    return ((x - like.mean(0)) / np.where(spread == 0, 1, spread)).astype(np.float32)


def network():
    """(n, k) to (n, 1)"""
    return Sequential(Linear(32), SiLU(), Dropout(0.2), Linear(32), SiLU(), Linear(1))


def fit(model, x, t, epochs):
    """Train with all there is; weights are decayed, for the rows are few."""
    loader = Loader((x, t), batch_size=32, seed=0, drop_last=len(x) >= 32)
    model.build(x[:1])
    lr = O.Cosine(5e-3, steps=epochs * len(loader))
    optimizer = O.AdamW(lr=lr, weight_decay=0.1).setup(model)

    @lamina.compile
    def step(x, t):
        loss = F.huber_loss(model(x), t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    for _ in range(epochs):
        for x, t in loader:
            step(x, t)


def score(make, x, t, epochs):
    """R² of predictions for rows that the model has not seen: 1 is perfect, 0 is the mean."""
    part = np.random.default_rng(0).permutation(len(x)) % FOLDS
    guesses = np.empty_like(t)
    for fold in range(FOLDS):
        seen, unseen = part != fold, part == fold
        model = make()
        fit(model, scaled(x[seen], x[seen]), scaled(t[seen], t[seen]), epochs)
        with no_grad(), test_mode():
            y = model(scaled(x[unseen], x[seen])).numpy()
        guesses[unseen] = y * t[seen].std() + t[seen].mean()
    return float(r2(guesses[:, 0], t[:, 0]))


def main():
    parser = argparse.ArgumentParser(description="Predict a number from a table.")
    parser.add_argument("--csv", type=Path, help="a table of yours")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--quick", action="store_true", help="few epochs")
    chosen = parser.parse_args()
    epochs = 3 if chosen.quick else chosen.epochs

    x, t = read(chosen.csv)
    print(f"{len(x)} rows, {x.shape[1]} columns")
    for name, make in (("a line", lambda: Linear(1)), ("a network", network)):
        lamina.seed(0)
        print(f"{name:10} explains {score(make, x, t, epochs):.1%} of what unseen rows differ by")


if __name__ == "__main__":
    main()
