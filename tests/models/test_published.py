"""Networks of the literature have the parameters that were published; all from shapes alone."""

from __future__ import annotations

import numpy as np
import pytest

import lamina
from lamina import functions as F
from lamina import no_grad
from lamina import optimizers as O
from lamina.models import (
    BERT,
    VAE,
    VGG11,
    VGG16,
    Discriminator,
    Generator,
    LeNet5,
    MobileNet,
    ResNet,
    ResNet18,
    ResNet34,
    ResNet50,
    UNet,
    ViT,
)
from lamina.models.resnet import Bottleneck

LARGE, RNG = (1, 3, 224, 224), np.random.default_rng(0)

# Where a paper gives millions only, the figure is that of the usual code: torchvision's for VGG,
# ResNet and ViT, Keras's for MobileNet, transformers' for BERT.
PUBLISHED = {
    "lenet": (LeNet5, (1, 1, 32, 32), 61_706, "(1, 10)"),
    "vgg11": (VGG11, LARGE, 132_863_336, "(1, 1000)"),
    "vgg16": (VGG16, LARGE, 138_357_544, "(1, 1000)"),
    "resnet18": (lambda: ResNet18(1000, small=False), LARGE, 11_689_512, "(1, 1000)"),
    "resnet34": (ResNet34, LARGE, 21_797_672, "(1, 1000)"),
    "resnet50": (ResNet50, LARGE, 25_557_032, "(1, 1000)"),
    "mobilenet": (MobileNet, LARGE, 4_231_976, "(1, 1000)"),
    "bert": (BERT, np.zeros((1, 8), np.int64), 109_482_240, "(1, 8, 768)"),
    "vit": (ViT, LARGE, 86_567_656, "(1, 1000)"),
    # figures of the formulas in the docstrings, counted by hand
    "unet": (UNet, (1, 1, 32, 48), 31_030_658, "(1, 2, 32, 48)"),
    "vae": (lambda: VAE(784), (1, 784), 652_824, "(1, 784)"),
    "generator": (Generator, (1, 100), 3_576_704, "(1, 3, 64, 64)"),
    "discriminator": (Discriminator, (1, 3, 64, 64), 2_765_568, "(1,)"),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_it_has_the_parameters_that_were_published(name):
    make, x, params, output = PUBLISHED[name]
    summary = make().summary(x)
    assert summary.params == params
    assert summary.rows[0].output.startswith(f"float32 {output}")


def test_resnets_and_mobilenet_do_the_products_that_were_published():
    found = [make().summary(LARGE).multiply_adds for make in (ResNet34, ResNet50, MobileNet)]
    # table 1 of the papers: 3.6, 3.8 (4.1 with the stride at the 3x3), and 569 million
    assert [round(n / 1e9, 2) for n in found] == [3.66, 4.09, 0.57]


def images(*shape):
    return RNG.normal(size=shape).astype(np.float32)


SMALL = {
    "lenet": (LeNet5, images(2, 1, 32, 32)),
    "bottleneck": (lambda: ResNet(Bottleneck, (1, 1, 1, 1), 5, True), images(2, 3, 4, 4)),
    "mobilenet": (lambda: MobileNet(5, 0.1), images(3, 3, 32, 32)),
    "unet": (lambda: UNet(2, 3, 2), images(2, 1, 8, 12)),
    "bert": (lambda: BERT(9, 6, 8, 2, 2), RNG.integers(0, 9, (2, 5))),
    "vit": (lambda: ViT(5, 8, 4, 8, 2, 2), images(2, 3, 8, 8)),
    "generator": (lambda: Generator(1, 2, 3), images(2, 3)),
    "discriminator": (lambda: Discriminator(2), images(2, 1, 64, 64)),
}


@pytest.mark.parametrize("name", SMALL)
def test_gradients_reach_every_parameter_and_numbers_have_the_shapes_of_the_summary(name):
    lamina.seed(2)
    make, x = SMALL[name]
    model = make()
    shapes = model.summary(x).rows[0].output
    ys = model(x)
    ys = ys if isinstance(ys, tuple) else (ys,)
    assert shapes == ", ".join(f"{y.dtype} {y.shape}" for y in ys)
    sum((y * y * y).sum() for y in ys).backward()
    assert [path for path, p in model.named_params() if p.grad is None] == []


def test_bert_does_not_see_what_fills_a_text_up():
    lamina.seed(2)
    model = BERT(9, 6, 8, 2, 2).eval()
    t = np.array([[1, 2, 3, 0, 0]])
    with no_grad():
        x, whole = model(t, seen=t > 0)
        short, same = model(t[:, :3])
    # float32, sums in another order
    np.testing.assert_allclose(x.data[:, :3], short, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(whole, same, rtol=1e-4, atol=1e-5)


def test_bert_tells_segments_apart():
    lamina.seed(2)
    model, t = BERT(9, 6, 8, 2, 2).eval(), np.array([[1, 2, 3]])
    with no_grad():
        assert not np.allclose(model(t)[0], model(t, np.array([[0, 1, 1]]))[0], atol=1e-4)


def test_unet_refuses_an_image_that_cannot_be_halved_so_often():
    with pytest.raises(ValueError, match=r"UNet: h and w should be multiples of 4, got shape"):
        UNet(2, 3, 2)(images(1, 1, 8, 10))


def test_vae_learns_and_draws_samples():
    lamina.seed(0)
    x = (RNG.random((20, 1)) < 0.5) * np.ones((20, 6), np.float32)  # all black or all white
    model = VAE(6, 2, 16)
    optimizer = O.Adam(lr=0.02).setup(model)
    losses = []
    for _ in range(60):
        loss = model.loss(x.astype(np.float32))
        model.cleargrads()
        loss.backward()
        optimizer.update()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    samples = model.sample(5).data
    assert samples.shape == (5, 6)
    assert ((samples > 0) & (samples < 1)).all()


def test_vae_of_a_perfect_guess_costs_what_the_divergence_says():
    model = VAE(6, 2, 16)
    mean, log_variance = (v.data for v in model.encode(np.zeros((4, 6), np.float32)))
    lamina.seed(3)
    loss = model.loss(np.zeros((4, 6), np.float32)).item()
    lamina.seed(3)
    logits = model(np.zeros((4, 6), np.float32))[0]
    pixels = F.softplus(logits).sum().item()
    divergence = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum()
    assert loss == pytest.approx((pixels + divergence) / 4, rel=1e-5)  # float32
