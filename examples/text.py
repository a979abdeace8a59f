"""Write Python's documentation, letter by letter: a GPT or an LSTM that has read its help pages.

    python examples/text.py                        a GPT, some seconds
    python examples/text.py --model lstm           an LSTM instead
    python examples/text.py --steps 5000           minutes, and better words
    python examples/text.py --quick                a second, for a look

The text is that of ``help("topics")``, which every Python brings: ``pydoc_data.topics``.
"""

from __future__ import annotations

import argparse
import time
from pydoc_data.topics import topics

import numpy as np

import lamina
import lamina.functions as F
import lamina.optimizers as O
from lamina import no_grad, test_mode
from lamina.models import GPT, CharLSTM

LENGTH = 64  # letters that a model sees at once
BATCH = 16


def read():
    """The text as numbers of letters, and the letters; what is rare stands as a space."""
    text = "\n\n".join(topics[name] for name in sorted(topics))
    text = "".join(letter if letter == "\n" or " " <= letter <= "~" else " " for letter in text)
    letters = sorted(set(text))
    number = {letter: i for i, letter in enumerate(letters)}
    return np.array([number[letter] for letter in text]), letters


def windows(text, count, rng):
    """Letters (count, LENGTH), and for each the one that follows it (count, LENGTH)."""
    starts = rng.integers(0, len(text) - LENGTH, count)
    rows = text[starts[:, None] + np.arange(LENGTH + 1)]
    return rows[:, :-1], rows[:, 1:]


def loss_of(model, x, t):
    """How surprising each next letter is, in nats."""
    scores = model(x)  # (n, LENGTH, letters)
    return F.softmax_cross_entropy(scores.reshape(-1, scores.shape[-1]), t.reshape(-1))


def held_out(model, text):
    """Bits for a letter of a text that the model has not seen."""
    with no_grad(), test_mode():
        x, t = windows(text, 4 * BATCH, np.random.default_rng(1))
        return loss_of(model, x, t).item() / np.log(2)


def write(model, start, count, temperature, rng):
    """``count`` letters more, each drawn from what the model expects after all before it."""
    row = list(start)
    with no_grad(), test_mode():
        for _ in range(count):
            scores = model(np.array([row[-LENGTH:]])).numpy()[0, -1] / temperature
            p = np.exp(scores.astype(np.float64) - scores.max())
            row.append(rng.choice(len(p), p=p / p.sum()))
    return row


def main():
    parser = argparse.ArgumentParser(description="Write like Python's documentation.")
    parser.add_argument("--model", choices=["gpt", "lstm"], default="gpt")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--letters", type=int, default=300, help="how many to write")
    parser.add_argument("--temperature", type=float, default=0.7, help="low is safe, high is wild")
    parser.add_argument("--quick", action="store_true", help="a small model, few steps")
    chosen = parser.parse_args()
    steps, count = (20, 40) if chosen.quick else (chosen.steps, chosen.letters)
    width = 16 if chosen.quick else 96

    lamina.seed(0)
    rng = np.random.default_rng(0)
    text, letters = read()
    seen, unseen = text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]
    if chosen.model == "gpt":
        model = GPT(len(letters), LENGTH, size=width, layers=2, heads=4, dropout=0.0)
    else:
        model = CharLSTM(len(letters), embedding=32, hidden=2 * width)
    model.build(seen[None, :LENGTH])
    optimizer = O.Adam(lr=O.Cosine(3e-3, steps=steps)).setup(model)

    @lamina.compile
    def step(x, t):
        loss = loss_of(model, x, t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    params = sum(p.size for p in model.params())
    print(f"{len(text):,} letters, {len(letters)} of them different; {params:,} parameters")
    start = time.perf_counter()
    for i in range(steps):
        loss = step(*windows(seen, BATCH, rng)).item()
        if (i + 1) % max(1, steps // 5) == 0:
            bits = held_out(model, unseen)
            print(f"step {i + 1:5}  loss {loss:.3f}  unseen text: {bits:.3f} bits a letter")
    print(f"{time.perf_counter() - start:.0f} s\n")

    prompt = [letters.index(letter) for letter in "\nThe statement "]
    written = write(model, prompt, count, chosen.temperature, rng)
    print("".join(letters[i] for i in written).strip())


if __name__ == "__main__":
    main()
