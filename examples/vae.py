"""Draw new digits: a variational autoencoder learns what handwriting is made of.

    python examples/vae.py                 some seconds; samples as text
    python examples/vae.py --plot vae.png  and as a picture (needs matplotlib)
    python examples/vae.py --quick         a second, for a look

It needs scikit-learn, which brings the digits: pip install 'lamina[demo]'
"""

from __future__ import annotations

import argparse
from pathlib import Path

import lamina
import lamina.optimizers as O
from lamina import no_grad
from lamina.data import Loader, digits
from lamina.models import VAE
from lamina.training import Evaluate, Progress, Trainer

INK = " .:-=+*#%@"


def show(samples):
    """Images (n, 64), side by side, in letters."""
    rows = samples.reshape(-1, 8, 8).swapaxes(0, 1)  # (8, n, 8)
    for row in rows:
        print("   ".join("".join(INK[min(9, int(10 * p))] * 2 for p in image) for image in row))


def draw(path, real, samples):
    """Real digits above, new ones below: (32, 64) each."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.4), dpi=100, layout="constrained")
    for part, (title, images) in zip(
        figure.subfigures(1, 2), {"real": real, "drawn by the VAE": samples}.items(), strict=True
    ):
        part.suptitle(title)
        for cell, image in zip(part.subplots(4, 8).flat, images, strict=True):
            cell.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
            cell.axis("off")
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description="Draw new digits.")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--plot", type=Path, help="draw samples there")
    parser.add_argument("--quick", action="store_true", help="few epochs")
    chosen = parser.parse_args()
    epochs = 4 if chosen.quick else chosen.epochs

    lamina.seed(0)
    (x, _), (unseen, _) = digits(train=True), digits(train=False)
    loader = Loader(x, batch_size=64, seed=0, drop_last=True)
    model = VAE(64, latent=10, hidden=256)
    model.build(x[:1])
    optimizer = O.Adam(lr=O.Cosine(3e-3, steps=epochs * len(loader))).setup(model)

    @lamina.compile
    def step(x):
        loss = model.loss(x)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    often = max(1, epochs // 5)
    held_out = Evaluate(
        unseen, model.loss, every=often, name="unseen"
    )  # a bound of nats for each digit
    Trainer(step, loader, epochs, callbacks=[held_out, Progress(every=often)]).run()

    with no_grad():
        samples = model.sample(32).numpy()
    show(samples[:5])
    if chosen.plot:
        draw(chosen.plot, unseen[:32], samples)


if __name__ == "__main__":
    main()
