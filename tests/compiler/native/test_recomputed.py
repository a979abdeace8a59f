"""Steps that compute results of forward again: the same bits in less memory."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import lamina
from lamina import Linear, Sequential, using
from lamina import functions as F
from lamina import optimizers as O
from lamina.layers import BatchNorm, Conv2d, Dropout, LayerNorm


def gelus():
    return [part for _ in range(3) for part in (Linear(512), F.gelu_tanh, Linear(256))]


def norms():
    return [part for _ in range(3) for part in (LayerNorm(), Linear(256), F.relu)]


def images():
    return [part for _ in range(3) for part in (Conv2d(16, 3, padding=1), BatchNorm(), F.relu)]


def noise():
    return [
        part for _ in range(3) for part in (Linear(512), F.gelu_tanh, Dropout(0.25), Linear(256))
    ]


MODELS = {
    gelus: (256, 256),
    norms: (256, 256),
    images: (8, 16, 24, 24),
    noise: (256, 256),
}


def trained(parts, recompute):
    """Losses and weights of three steps, and the bytes in which results lie."""
    lamina.seed(0)
    model = Sequential(*parts())
    x = np.random.default_rng(0).normal(size=MODELS[parts]).astype(np.float32)
    model.build(x)
    optimizer = O.AdamW(lr=1e-2).setup(model)

    @lamina.compile(backend="native")
    def step(x):
        loss = F.mean(F.square(model(x)))
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    with using(recompute=recompute):
        losses = [step(x).item() for _ in range(3)]
        (told,) = step.described()
    return losses, [p.data.tobytes() for p in model.params()], told.arena


@pytest.mark.parametrize("parts", MODELS)
def test_what_is_computed_again_takes_less_memory_and_has_the_same_bits(parts):
    losses, weights, arena = trained(parts, recompute=True)
    kept = trained(parts, recompute=False)
    assert (losses, weights) == kept[:2]
    assert arena < 0.95 * kept[2]
