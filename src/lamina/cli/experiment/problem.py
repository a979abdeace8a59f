"""What is wrong with a config: all of it at once, each with its place and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from ...errors import ConfigError
from .toml import Document, Path, in_words

ELSEWHERE = {
    "learning_rate": ("lr",),
    "momentum_rate": ("momentum",),
    "batch": ("batch_size",),
    "num_workers": ("workers",),
    "max_epochs": ("epochs",),
    "num_epochs": ("epochs",),
    "random_state": ("seed",),
    "output": ("folder",),
    "dense": ("Linear",),
    "embedding_bag": ("EmbeddingBag",),
    "crossentropyloss": ("softmax_cross_entropy",),
    "cross_entropy": ("softmax_cross_entropy",),
    "mse": ("mean_squared_error",),
    "mseloss": ("mean_squared_error",),
    "mse_loss": ("mean_squared_error",),
    "units": ("out_size",),
    "out_features": ("out_size",),
    "in_features": ("in_size",),
    "kernel_size": ("kernel",),
    "channels": ("out_channels",),
    "filters": ("out_channels",),
    "start": ("lr",),
    "rate": ("ratio", "lr"),
    "p": ("ratio",),
    "layers": ("steps", "model"),
    "scheduler": ("schedule", "lr"),
    "net": ("model",),
    "network": ("model",),
    "dataset": ("data", "source"),
    "optim": ("optimizer",),
    "optimiser": ("optimizer",),
    "train": ("training",),
    "criterion": ("loss",),
}
"""Words that other programs use, and what they may mean here."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The name among ``known`` that ``word`` was most likely meant to be.

    Example:
        >>> nearest("epoch", ["epochs", "seed"])
        'epochs'
        >>> nearest("Dense", ["Linear", "Conv2d"])
        'Linear'
        >>> nearest("xyz", ["epochs", "seed"])
    """
    names: dict[str, str] = {}
    for name in known:
        names.setdefault(name.lower(), name)  # of a class and its module, the class
    small = word.lower()
    for other in (small, *ELSEWHERE.get(small, ())):
        if other.lower() in names:
            return names[other.lower()]
    for name in names:
        if len(small) >= 3 and name.startswith(f"{small}_"):
            return names[name]
    near = [(distance(small, name), abs(len(small) - len(name)), name) for name in names]
    steps, _, name = min(near, default=(len(small), 0, ""))
    if name and steps <= max(1, len(small) // 4):
        return names[name]
    for name in names:
        if min(len(name), len(small)) >= 3 and (small.startswith(name) or name.startswith(small)):
            return names[name]
    found = get_close_matches(small, names, n=1, cutoff=0.7)
    return names[found[0]] if found else None


def distance(a: str, b: str) -> int:
    """How many letters to add, remove, replace or swap with their neighbour, from ``a`` to ``b``.

    Source:
        F. Damerau, "A technique for computer detection and correction of spelling errors", 1964;
        each letter is changed once at most.
    Example:
        >>> distance("adma", "adam"), distance("epoch", "epochs")
        (1, 1)
    """
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, before_that = row, before
        row = [i]
        for j, y in enumerate(b, 1):
            best = min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, before_that[j - 2] + 1)
            row.append(best)
        before = above
    return row[-1]


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """``; did you mean 'epochs'?``, or ``otherwise`` if nothing is near."""
    near = nearest(word, known)
    return otherwise if near is None else f"; did you mean {near!r}?"


def listed(names: Iterable[str], most: int = 12) -> str:
    """``a, b and c``; of many, the first few and how many more there are.

    Example:
        >>> listed(["a", "b", "c"]), listed("abcdef", most=3)
        ('a, b and c', 'a, b, c and 3 more')
    """
    words = list(names)
    if len(words) > most:
        words = [*words[:most], f"{len(words) - most} more"]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


@dataclass
class Problems:
    """Collects what is wrong, in the order in which it was found.

    Args:
        document: what is looked at.
    """

    document: Document
    found: list[str] = field(default_factory=list)

    def add(self, path: Path, text: str) -> None:
        """Add one: where it is, and the rest of the sentence that its path begins."""
        line = f"{self.document.place(path)}: {f'{in_words(path)} {text}'.strip()}"
        if line not in self.found:
            self.found.append(line)

    def __len__(self) -> int:
        return len(self.found)

    def check(self) -> None:
        """Raise if there are any.

        Raises:
            ConfigError: with one line for each.
        """
        if self.found:
            raise ConfigError("\n".join(self.found), tuple(self.found))
