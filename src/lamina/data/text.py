"""Text as numbers and back: characters, words, and pairs of bytes that were learnt."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import CheckpointError, DTypeError, RangeError

UNKNOWN = "<unk>"

WORD = re.compile(r"\w+|[^\w\s]")
"""A word, or one sign."""

PIECE = re.compile(r" ?[^\W\d_]+| ?\d+| ?[^\w\s]+|_+|\s+(?!\S)|\s+")
"""What a pair of bytes may not cross: a word with the space before it, a number, signs, spaces.

Source: A. Radford and others, "Language Models are Unsupervised Multitask Learners", 2019, section
2.2, says why; this expression is one that Python's `re` has, and other than theirs.
"""


class Tokens(ABC):
    """A vocabulary: `encode` text, `decode` numbers. It is kept as its `state_dict`."""

    @abstractmethod
    def encode(self, text: str) -> Array:
        """``(length,)``, int64."""

    @abstractmethod
    def decode(self, tokens: Any) -> str:
        """The text of ``tokens``: integers in one axis."""

    @abstractmethod
    def __len__(self) -> int:
        """How many tokens there are."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """All there is to keep: words and numbers, fit for JSON."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: dict[str, Any]) -> Tokens:
        """The vocabulary whose `state_dict` it is.

        Raises:
            CheckpointError: it is none of this class.
        """

    def _checked(self, tokens: Any) -> list[int]:
        numbers = np.asarray(tokens)
        if numbers.size and numbers.dtype.kind not in "iu":
            raise DTypeError(f"decode: tokens should be integers, got {numbers.dtype}")
        wrong = numbers[(numbers < 0) | (numbers >= len(self))]
        if wrong.size:
            raise RangeError(f"decode: token {wrong.flat[0]} is not in 0 ... {len(self) - 1}")
        return numbers.astype(np.int64).ravel().tolist()


class Characters(Tokens):
    """One token for each character that ``text`` has, sorted.

    Args:
        text: its characters are the vocabulary.
        unknown: a character that stands for all others; without it they are an error.
    Example:
        >>> characters = Characters("hello")
        >>> characters.encode("hole").tolist(), len(characters)
        ([1, 3, 2, 0], 4)
        >>> characters.decode([1, 0, 2, 2, 3])
        'hello'
    """

    def __init__(self, text: Iterable[str], unknown: str | None = None):
        others = [] if unknown is None else [unknown]
        self.characters: list[str] = sorted({*text, *others})
        if not self.characters or any(len(character) != 1 for character in self.characters):
            raise RangeError("Characters: text should hold characters, and unknown should be one")
        self.unknown = unknown
        self._code = {character: i for i, character in enumerate(self.characters)}

    def encode(self, text: str) -> Array:
        """Each character's place.

        Raises:
            RangeError: a character that the vocabulary has not, with its position.
        """
        default = -1 if self.unknown is None else self._code[self.unknown]
        codes = np.fromiter((self._code.get(c, default) for c in text), np.int64, len(text))
        if default < 0 and len(codes) and codes.min() < 0:
            at = int(codes.argmin())
            raise RangeError(
                f"Characters: {text[at]!r} at position {at} is not in the vocabulary; give "
                "Characters(..., unknown=...) a character that stands for such"
            )
        return codes

    def decode(self, tokens: Any) -> str:
        """The characters, joined."""
        return "".join(self.characters[token] for token in self._checked(tokens))

    def __len__(self) -> int:
        return len(self.characters)

    def state_dict(self) -> dict[str, Any]:
        """The characters, and which one stands for others."""
        return {"characters": "".join(self.characters), "unknown": self.unknown}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Characters:
        """See `Tokens.from_state`."""
        text, unknown = _fields(state, cls, characters=str, unknown=(str, type(None)))
        return cls(text, unknown)

    def __repr__(self) -> str:
        return f"Characters({len(self)} of them)"


class Words(Tokens):
    """One token for each word and sign of ``text``; number 0 stands for all others.

    A word is what `WORD` matches. Spaces are not kept: `decode` puts one between all words.

    Args:
        text: its words are the vocabulary, the most frequent first.
        size: at most so many tokens, number 0 included.
        least: leave out words that come less often.
    Example:
        >>> words = Words("to be, or not to be")
        >>> words.encode("not to see").tolist()
        [4, 2, 0]
        >>> words.decode([1, 3, 5, 0])
        'be , or <unk>'
    """

    def __init__(self, text: str, size: int | None = None, least: int = 1):
        if size is not None and size < 1:
            raise RangeError(f"Words: size should be 1 or more, got {size}")
        counts = Counter(WORD.findall(text))
        known = [
            word for word in sorted(counts, key=lambda w: (-counts[w], w)) if counts[word] >= least
        ]
        self.words = [UNKNOWN, *known][:size]
        self._code = {word: i for i, word in enumerate(self.words)}

    def encode(self, text: str) -> Array:
        """Each word's place; 0 for one that is not known."""
        return np.array([self._code.get(word, 0) for word in WORD.findall(text)], np.int64)

    def decode(self, tokens: Any) -> str:
        """The words, with a space between them."""
        return " ".join(self.words[token] for token in self._checked(tokens))

    def __len__(self) -> int:
        return len(self.words)

    def state_dict(self) -> dict[str, Any]:
        """The words."""
        return {"words": self.words[1:]}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Words:
        """See `Tokens.from_state`."""
        [words] = _fields(state, cls, words=list)
        made = cls("")
        made.words = [UNKNOWN, *words]
        made._code = {word: i for i, word in enumerate(made.words)}
        return made

    def __repr__(self) -> str:
        return f"Words({len(self)} of them)"


class BytePairs(Tokens):
    """The 256 bytes, and pairs of tokens that came often in ``text``, each a token of its own.

    The most frequent pair of neighbours becomes a token, and so on, until there are ``size``. A
    token does not cross words (see `PIECE`). Any text can be encoded, and comes back as it was.

    Args:
        text: what the pairs are learnt from.
        size: how many tokens, 256 or more; fewer if no pair comes twice any more.
    Source: R. Sennrich, B. Haddow, A. Birch, "Neural Machine Translation of Rare Words with Subword
        Units", 2016, algorithm 1; of bytes, as Radford and others, 2019. Of pairs that are equally
        frequent the one with the smaller numbers comes first.
    Example:
        >>> pairs = BytePairs("low lower lowest newest widest", size=260)
        >>> [pairs.decode([token]) for token in pairs.encode(" lowest")]
        [' ', 'low', 'est']
    """

    def __init__(self, text: str, size: int):
        if isinstance(size, bool) or not isinstance(size, int) or size < 256:
            raise RangeError(f"BytePairs: size should be 256 or more, the bytes, got {size!r}")
        self._become(learn_pairs(text, size - 256))

    def _become(self, pairs: Sequence[tuple[int, int]]) -> None:
        self.pairs = list(pairs)
        self._rank = {pair: rank for rank, pair in enumerate(self.pairs)}
        self._bytes = [bytes([byte]) for byte in range(256)]
        for a, b in self.pairs:
            self._bytes.append(self._bytes[a] + self._bytes[b])
        self._encode_piece = lru_cache(1 << 16)(self._merge)

    def encode(self, text: str) -> Array:
        """Pairs are put together in the order in which they were learnt."""
        tokens = [token for piece in PIECE.findall(text) for token in self._encode_piece(piece)]
        return np.array(tokens, np.int64)

    def decode(self, tokens: Any) -> str:
        """The text; bytes that are no UTF-8, where a character was cut, become U+FFFD."""
        content = b"".join(self._bytes[token] for token in self._checked(tokens))
        return content.decode("utf-8", errors="replace")

    def _merge(self, piece: str) -> list[int]:
        tokens = list(piece.encode("utf-8"))
        while len(tokens) > 1:
            first = min(pairwise(tokens), key=lambda pair: self._rank.get(pair, len(self._rank)))
            if first not in self._rank:
                break
            tokens = _joined(tokens, first, 256 + self._rank[first])
        return tokens

    def __len__(self) -> int:
        return len(self._bytes)

    def state_dict(self) -> dict[str, Any]:
        """The pairs, in the order in which they were learnt."""
        return {"pairs": [list(pair) for pair in self.pairs]}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> BytePairs:
        """See `Tokens.from_state`."""
        [pairs] = _fields(state, cls, pairs=list)
        for rank, pair in enumerate(pairs):
            if len(pair) != 2 or not all(type(t) is int and 0 <= t < 256 + rank for t in pair):
                raise CheckpointError(f"BytePairs: pair {rank} of a state cannot be {pair!r:.60}")
        made = cls("", 256)
        made._become([(a, b) for a, b in pairs])
        return made

    def __getstate__(self) -> dict[str, Any]:
        return self.state_dict()  # for a worker process: a cache cannot be sent

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._become([(a, b) for a, b in state["pairs"]])

    def __repr__(self) -> str:
        return f"BytePairs({len(self)} tokens)"


def learn_pairs(text: str, count: int) -> list[tuple[int, int]]:
    """The ``count`` pairs that `BytePairs` makes tokens of, in order.

    Only words in which a pair was joined are counted again, and a heap knows the most frequent one.
    """
    frequency = Counter(PIECE.findall(text))
    words = [list(piece.encode()) for piece in frequency]
    times = list(frequency.values())
    counts: Counter[tuple[int, int]] = Counter()
    where: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for i, word in enumerate(words):
        for pair in pairwise(word):
            counts[pair] += times[i]
            where[pair].add(i)
    heap = [(-number, pair) for pair, number in counts.items()]
    heapify(heap)
    pairs = []
    while len(pairs) < count and heap:
        number, best = heappop(heap)
        if -number != counts[best]:
            continue  # it was counted again since, and stands in the heap once more
        if -number < 2:
            break
        pairs.append(best)
        changed = set()
        for i in where.pop(best):
            joined = _joined(words[i], best, 255 + len(pairs))
            for pair in pairwise(words[i]):
                counts[pair] -= times[i]
                changed.add(pair)
            for pair in pairwise(joined):
                counts[pair] += times[i]
                where[pair].add(i)
                changed.add(pair)
            words[i] = joined
        for pair in changed:
            heappush(heap, (-counts[pair], pair))
    return pairs


def _joined(tokens: list[int], pair: tuple[int, int], token: int) -> list[int]:
    """``tokens`` with each ``pair``, from the left, replaced by ``token``."""
    result: list[int] = []
    i = 0
    while i < len(tokens):
        if tokens[i] == pair[0] and tokens[i + 1 : i + 2] == [pair[1]]:
            result.append(token)
            i += 2
        else:
            result.append(tokens[i])
            i += 1
    return result


def _fields(state: Any, owner: type, **kinds: Any) -> list[Any]:
    """The values of a state, checked to be of these kinds."""
    if not isinstance(state, dict) or set(state) != set(kinds):
        raise CheckpointError(
            f"{owner.__name__}: a state should hold {', '.join(kinds)}; got {state!r:.100}"
        )
    for name, kind in kinds.items():
        if not isinstance(state[name], kind):
            raise CheckpointError(f"{owner.__name__}: {name} cannot be {state[name]!r:.60}")
    return [state[name] for name in kinds]


# -- for language models -------------------------------------------------------------------------


class TokenDataset:
    """Stretches of a text: ``x`` is ``length`` tokens, and ``t`` those that come one later.

    Args:
        tokens: ``(n,)``, integer, such as `Tokens.encode` gives; an array that is mapped from a
            file stays there.
        length: of ``x``.
        stride: from the start of one stretch to that of the next; ``length`` if not given.
    Raises:
        RangeError: fewer than ``length + 1`` tokens.
    Example:
        >>> x, t = TokenDataset(np.arange(10), length=4)[1]
        >>> x.tolist(), t.tolist()
        ([4, 5, 6, 7], [5, 6, 7, 8])
    """

    def __init__(self, tokens: Any, length: int, stride: int | None = None):
        self.tokens: Array = tokens if isinstance(tokens, np.ndarray) else np.asarray(tokens)
        self.length = length
        self.stride = length if stride is None else stride
        if self.tokens.ndim != 1 or self.tokens.dtype.kind not in "iu":
            raise DTypeError(
                "TokenDataset: tokens should be integers in one axis, got "
                f"{self.tokens.dtype} {self.tokens.shape}"
            )
        if self.length < 1 or self.stride < 1:
            raise RangeError(
                f"TokenDataset: length and stride should be 1 or more, got {length} and {stride}"
            )
        if len(self.tokens) <= length:
            raise RangeError(
                f"TokenDataset: a stretch of {length} needs {length + 1} tokens, and there are "
                f"{len(self.tokens)}"
            )

    def __len__(self) -> int:
        return (len(self.tokens) - self.length - 1) // self.stride + 1

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        """``x`` and ``t``, both ``(length,)``, int64."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"TokenDataset: no stretch {index} among {len(self)}")
        x, t = self.batch(np.array([index % len(self)]))
        return x[0], t[0]

    def batch(self, indices: Array) -> tuple[Array, Array]:
        """``x`` and ``t``, both ``(b, length)``, int64."""
        places = indices[:, None] * self.stride + np.arange(self.length + 1)
        rows = np.asarray(self.tokens[places]).astype(np.int64)
        return rows[:, :-1], rows[:, 1:]

    def __repr__(self) -> str:
        return f"TokenDataset({len(self)} x {self.length} of {len(self.tokens)} tokens)"
