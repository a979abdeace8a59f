"""Text as tokens and back, and the pairs of bytes against a search that counts anew each time."""

from __future__ import annotations

import copy
import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.data import BytePairs, Characters, Loader, TokenDataset, Words, topics
from lamina.data.text import PIECE, learn_pairs
from lamina.errors import CheckpointError, DTypeError, RangeError

SOME = topics()[:20_000]
MADE = {
    "Characters": Characters(SOME),
    "Words": Words(SOME, size=500),
    "BytePairs": BytePairs(SOME, 400),
}


@pytest.mark.parametrize("tokens", MADE.values(), ids=MADE)
def test_a_state_gives_the_same_vocabulary(tokens):
    again = type(tokens).from_state(json.loads(json.dumps(tokens.state_dict())))
    assert len(again) == len(tokens)
    assert np.array_equal(again.encode(SOME), tokens.encode(SOME))
    assert again.decode(tokens.encode(SOME)) == tokens.decode(tokens.encode(SOME))


@pytest.mark.parametrize("tokens", MADE.values(), ids=MADE)
def test_a_vocabulary_can_be_sent_to_a_worker(tokens):
    again = copy.deepcopy(tokens)  # the same protocol, without a process
    assert np.array_equal(again.encode(SOME), tokens.encode(SOME))


@pytest.mark.parametrize("tokens", MADE.values(), ids=MADE)
def test_tokens_are_integers_of_the_vocabulary(tokens):
    codes = tokens.encode(SOME)
    assert codes.dtype == np.int64
    assert 0 <= codes.min() <= codes.max() < len(tokens)


@pytest.mark.parametrize("tokens", MADE.values(), ids=MADE)
def test_no_text_is_no_tokens(tokens):
    assert (tokens.encode("").tolist(), tokens.decode([])) == ([], "")


@pytest.mark.parametrize("tokens", MADE.values(), ids=MADE)
@pytest.mark.parametrize("wrong", [[-1], [10**6]])
def test_a_token_that_is_none_is_refused(tokens, wrong):
    with pytest.raises(RangeError, match=rf"token {wrong[0]} is not in 0 ... {len(tokens) - 1}"):
        tokens.decode(wrong)


@pytest.mark.parametrize("tokens", MADE.values(), ids=MADE)
def test_tokens_that_are_no_integers_are_refused(tokens):
    with pytest.raises(DTypeError, match="tokens should be integers, got float64"):
        tokens.decode([0.5])


@pytest.mark.parametrize("kind", [Characters, Words, BytePairs])
@pytest.mark.parametrize("state", [None, {}, {"words": 3}, {"pairs": [[0]]}, {"pairs": [[0, 256]]}])
def test_a_state_of_something_else_is_refused(kind, state):
    with pytest.raises(CheckpointError, match=kind.__name__):
        kind.from_state(state)


# -- characters and words ------------------------------------------------------------------------


def test_characters_come_back():
    assert MADE["Characters"].decode(MADE["Characters"].encode(SOME)) == SOME


def test_an_unknown_character_is_told_with_its_position():
    with pytest.raises(RangeError, match="'é' at position 3 is not in the vocabulary"):
        Characters("caf").encode("café")


def test_a_character_can_stand_for_unknown_ones():
    characters = Characters("caf", unknown="?")
    assert characters.decode(characters.encode("café!")) == "caf??"


def test_no_characters_are_refused():
    with pytest.raises(RangeError, match="should hold characters"):
        Characters("")


def test_the_most_frequent_words_come_first_and_others_are_0():
    words = Words("b a b c b a", size=3)
    assert words.words == ["<unk>", "b", "a"]
    assert words.encode("a c b").tolist() == [2, 0, 1]


def test_rare_words_can_be_left_out():
    assert Words("b a b c b a", least=2).words == ["<unk>", "b", "a"]


def test_signs_are_words_and_spaces_are_none():
    words = Words("Is it? It's (nearly) there.")
    assert words.decode(words.encode("(it)  there?")) == "( it ) there ?"


# -- pairs of bytes ------------------------------------------------------------------------------


def counted_anew(text: str, count: int) -> list[tuple[int, int]]:
    """The pairs by the plain algorithm."""
    words = [(list(piece.encode()), n) for piece, n in Counter(PIECE.findall(text)).items()]
    pairs = []
    while len(pairs) < count:
        counts = Counter()
        for word, n in words:
            for pair in pairwise(word):
                counts[pair] += n
        best = min(counts, key=lambda pair: (-counts[pair], pair), default=None)
        if best is None or counts[best] < 2:
            break
        for word, _ in words:
            i = 0
            while i + 1 < len(word):
                if (word[i], word[i + 1]) == best:
                    word[i : i + 2] = [256 + len(pairs)]
                i += 1
        pairs.append(best)
    return pairs


@pytest.mark.parametrize(
    "text", [SOME[:3000], "aaaa aaaa aaa aa", "abababab bababa", "你好 你好 你们好", "", "x"]
)
def test_pairs_are_those_of_counting_anew_each_time(text):
    assert learn_pairs(text, 60) == counted_anew(text, 60)


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_any_text_comes_back(text):
    assume_utf8 = text.encode("utf-8", errors="ignore").decode()
    assert MADE["BytePairs"].decode(MADE["BytePairs"].encode(assume_utf8)) == assume_utf8


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="ab _1\n\t.,é你"))
def test_pieces_leave_nothing_out(text):
    assert "".join(PIECE.findall(text)) == text


def test_more_pairs_make_fewer_tokens():
    lengths = [len(BytePairs(SOME, size).encode(SOME)) for size in (256, 300, 500)]
    assert lengths[0] == len(SOME.encode())
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[2] < lengths[0] / 2


def test_no_pair_that_comes_once_becomes_a_token():
    assert len(BytePairs("abcd", 1000)) == 256


def test_pairs_do_not_cross_words():
    pairs = BytePairs("to be to be to be", 1000)
    learnt = {pairs.decode([token]) for token in range(256, len(pairs))}
    assert {" to", " be"} <= learnt
    assert [token for token in learnt if " " in token[1:]] == []


def test_half_a_character_is_shown_as_such():
    assert BytePairs("", 256).decode([0xC3]) == "\ufffd"


@pytest.mark.parametrize("size", [255, 300.0, True])
def test_a_size_below_the_bytes_is_refused(size):
    with pytest.raises(RangeError, match="size should be 256 or more"):
        BytePairs("text", size)


# -- stretches -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "length", "stride"), [(10, 4, None), (9, 4, None), (9, 4, 1), (5, 4, 7)]
)
def test_stretches_are_all_that_fit(n, length, stride):
    data = TokenDataset(np.arange(n), length, stride)
    starts = range(0, n - length, stride or length)
    assert [x.tolist() for x, _ in data] == [list(range(s, s + length)) for s in starts]
    assert [t.tolist() for _, t in data] == [list(range(s + 1, s + length + 1)) for s in starts]


def test_a_batch_of_stretches_is_int64_whatever_the_file_holds(tmp_path):
    np.save(tmp_path / "tokens.npy", np.arange(100, dtype=np.uint16))
    tokens = np.load(tmp_path / "tokens.npy", mmap_mode="r")
    data = TokenDataset(tokens, 9)
    assert data.tokens is tokens
    x, t = next(iter(Loader(data, 4)))
    assert (x.shape, x.dtype, t.dtype) == ((4, 9), np.int64, np.int64)
    assert np.array_equal(x + 1, t)


@pytest.mark.parametrize(
    ("tokens", "length", "stride", "error", "message"),
    [
        (np.arange(4), 4, None, RangeError, "needs 5 tokens, and there are 4"),
        (np.arange(4), 0, None, RangeError, "should be 1 or more, got 0 and None"),
        (np.arange(4), 2, 0, RangeError, "should be 1 or more, got 2 and 0"),
        (np.zeros(9), 2, None, DTypeError, "integers in one axis, got float64"),
        (np.zeros((9, 2), int), 2, None, DTypeError, "integers in one axis, got int64"),
    ],
)
def test_stretches_that_cannot_be_are_refused(tokens, length, stride, error, message):
    with pytest.raises(error, match=message):
        TokenDataset(tokens, length, stride)


def test_a_stretch_that_is_not_there_is_refused():
    with pytest.raises(IndexError, match="no stretch 3 among 3"):
        TokenDataset(np.arange(10), 3)[3]
