"""The models: sizes as published, gradients everywhere, training works, also compiled."""

from __future__ import annotations

import numpy as np
import pytest

import lamina
from lamina import functions as F
from lamina import optimizers as O
from lamina import using
from lamina.models import GPT, MLP, CharLSTM, ResNet18

LETTERS = np.array([list(b"a small text, again and again, ")[:24] for _ in range(3)]) % 32


def images():
    rng = np.random.default_rng(0)
    return rng.standard_normal((4, 3, 8, 8)).astype(np.float32), np.array([0, 1, 2, 3])


def vectors():
    rng = np.random.default_rng(0)
    return rng.standard_normal((6, 5)).astype(np.float32), np.array([0, 1, 2, 0, 1, 2])


def text():
    return LETTERS[:, :-1], LETTERS[:, 1:]


MODELS = {
    "mlp": (lambda: MLP([7, 6, 3]), vectors),
    "resnet": (lambda: ResNet18(10), images),
    "lstm": (lambda: CharLSTM(32, 5, 7, layers=2), text),
    "gpt": (lambda: GPT(32, 24, size=12, layers=2, heads=3, dropout=0.1), text),
}


def training(name):
    lamina.seed(1)
    make, data = MODELS[name]
    model, (x, t) = make(), data()
    optimizer = O.Adam(lr=0.02 if name == "lstm" else 0.005).setup(model)

    def step(x, t):
        y = model(x)
        loss = F.softmax_cross_entropy(y.reshape(-1, y.shape[-1]), t.reshape(-1))
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    return model, step, x, t


@pytest.mark.parametrize("name", MODELS)
def test_gradients_reach_every_parameter(name):
    model, step, x, t = training(name)
    step(x, t)
    assert [path for path, p in model.named_params() if p.grad is None] == []


@pytest.mark.parametrize("name", MODELS)
def test_training_lowers_the_loss_and_compiled_gives_the_same_losses(name):
    _, step, x, t = training(name)
    with using(native=False):
        losses = [step(x, t).item() for _ in range(8)]
        assert losses[-1] < 0.9 * losses[0]
        _, step, x, t = training(name)
        compiled = lamina.compile(step, backend="replay")
        assert [compiled(x, t).item() for _ in range(8)] == losses


@pytest.mark.parametrize("name", MODELS)
def test_weights_are_saved_and_loaded(name, tmp_path):
    model, step, x, t = training(name)
    step(x, t)
    model.save_weights(tmp_path / "m.npz")
    other = MODELS[name][0]()
    other.load_weights(tmp_path / "m.npz", quiet=True)
    with lamina.test_mode(), lamina.no_grad():
        assert np.array_equal(other(x).data, model(x).data)


def test_resnet_18_has_the_parameters_of_the_paper():
    summary = ResNet18(10).summary((1, 3, 32, 32))
    assert summary.params == 11_173_962
    # 0.56 G for 32 by 32; table 1's 1.8 G are for 224 by 224, with a stride and a pool at the stem
    assert 0.55e9 < summary.multiply_adds < 0.57e9


def test_gpt_2_has_the_parameters_that_were_published():
    # 124,439,808 with the last matrix tied to the embedding: here it is one of its own
    size, tokens = 768, 50257
    summary = GPT(tokens, 1024, size, layers=12, heads=12).summary(np.zeros((1, 8), np.int64))
    assert summary.params == 124_439_808 + size * tokens


def test_gpt_is_causal():
    model = GPT(32, 24, size=12, layers=2, heads=3)
    x, _ = text()
    changed = x.copy()
    changed[:, 10:] = 0
    with lamina.no_grad():
        assert np.array_equal(model(x).data[:, :10], model(changed).data[:, :10])


def test_gpt_refuses_a_text_that_is_too_long():
    with pytest.raises(ValueError, match="GPT: 25 tokens are longer than length=24"):
        GPT(32, 24, size=16)(np.zeros((1, 25), np.int64))
