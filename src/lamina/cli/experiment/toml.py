"""TOML with places: which line each value stands on, and back from a tree to text.

`tomllib` says whether a file is TOML and what it holds. Where each value stands it does not say, so
a text that it accepted is walked once more, for the keys alone.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

Path: TypeAlias = "tuple[str | int, ...]"
"""Where a value stands in a tree: keys of tables, positions in lists."""

TOKEN = re.compile(
    r"""(?P<skip>[ \t\r]+|\#[^\n]*)
    |(?P<line>\n)
    |(?P<text>\"{3}(?:\\.|(?!\"{3}).)*\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*')
    |(?P<word>[\w+:-]+)
    |(?P<mark>[\[\]{}=,.])""",
    re.VERBOSE | re.DOTALL,
)
BARE = re.compile(r"[A-Za-z0-9_-]+")
CLOSING = {",", "]", "}", "\n"}


@dataclass(frozen=True)
class Document:
    """A tree of tables, lists and values, and where each of them was written.

    Attributes:
        tree: what the file says.
        label: names the file in messages.
        text: as it was read.
        places: by path, words such as ``"digits.toml, line 7"``.
    """

    tree: dict[str, Any]
    label: str = "config"
    text: str = ""
    places: dict[Path, str] = field(default_factory=dict)

    def place(self, path: Path) -> str:
        """Where a value stands, or else what it stands in."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return self.label


def parse(text: str, label: str) -> Document:
    r"""The document of a TOML text.

    Raises:
        tomllib.TOMLDecodeError: it is none.
    Example:
        >>> document = parse("epochs = 3\n[model]\nlayer = 'Linear'\n", "a.toml")
        >>> document.place(("model", "layer"))
        'a.toml, line 3'
    """
    tree = tomllib.loads(text)
    lines = _Walk(text).lines
    places = {path: f"{label}, line {line}" for path, line in lines.items()}
    return Document(tree, label, text, places)


def in_words(path: Path) -> str:
    """``model.steps[0].out_size``"""
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f"[{part}]"
        else:
            words += ("." if words else "") + _key(part)
    return words


# -- places --------------------------------------------------------------------------------------


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in TOKEN.finditer(text.replace("\r\n", "\n") + "\n"):
        kind = match.lastgroup or ""
        if kind != "skip":
            yield _Token(kind, match[0], line)
        line += match[0].count("\n")


class _Walk:
    """The line of each key and element, by path, in a text that is TOML."""

    def __init__(self, text: str):
        self.lines: dict[Path, int] = {}
        self.last: dict[Path, int] = {}  # of each array of tables, the position of its last
        self.tokens = list(_tokens(text))
        self.at = 0
        base: Path = ()
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.text == "\n":
                self.at += 1
            elif token.text == "[":
                base = self.header()
            else:
                self.pair(base)

    def take(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def peek(self) -> str:
        return self.tokens[self.at].text

    def header(self) -> Path:
        """``[a.b]`` or ``[[a.b]]``"""
        line = self.take().line
        many = self.peek() == "["
        if many:
            self.take()
        path = self.resolve(self.key())
        while self.peek() == "]":
            self.take()
        if many:
            self.lines.setdefault(path, line)
            self.last[path] = self.last.get(path, -1) + 1
            path = (*path, self.last[path])
        self.lines[path] = line
        return path

    def resolve(self, keys: list[str]) -> Path:
        """The path of a header: it goes into the last table of each array on its way."""
        path: Path = ()
        for i, key in enumerate(keys):
            path = (*path, key)
            if path in self.last and i < len(keys) - 1:
                path = (*path, self.last[path])
        return path

    def key(self) -> list[str]:
        """``a.b."c d"``"""
        keys = [_unquoted(self.take())]
        while self.peek() == ".":
            self.take()
            keys.append(_unquoted(self.take()))
        return keys

    def pair(self, base: Path) -> None:
        """``key = value``"""
        line = self.tokens[self.at].line
        path = base
        for key in self.key():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self.take()  # =
        self.value(path)

    def value(self, path: Path) -> None:
        opening = self.peek()
        if opening == "[":
            self.elements(path)
        elif opening == "{":
            self.pairs(path)
        else:
            while self.peek() not in CLOSING:
                self.take()

    def elements(self, path: Path) -> None:
        """``[value, value]``"""
        self.take()
        position = 0
        while self.skip_to("]"):
            self.lines[*path, position] = self.tokens[self.at].line
            self.value((*path, position))
            position += 1

    def pairs(self, path: Path) -> None:
        """``{key = value, key = value}``"""
        self.take()
        while self.skip_to("}"):
            self.pair(path)

    def skip_to(self, closing: str) -> bool:
        """Go to the next element; False, and behind the bracket, if there is none."""
        while self.peek() in ("\n", ","):
            self.take()
        if self.peek() == closing:
            self.take()
            return False
        return True


def _unquoted(token: _Token) -> str:
    return token.text if token.kind == "word" else tomllib.loads(f"key = {token.text}")["key"]


# -- text ----------------------------------------------------------------------------------------


def text_of(tree: dict[str, Any]) -> str:
    """A tree as TOML; `parse` gives the tree back.

    Example:
        >>> print(text_of({"epochs": 3, "model": {"layer": "Linear", "out_size": 10}}), end="")
        epochs = 3
        <BLANKLINE>
        [model]
        layer = "Linear"
        out_size = 10
    """
    return "\n".join(_table((), tree)).lstrip("\n") + "\n"


def _table(path: tuple[str, ...], table: dict[str, Any]) -> Iterator[str]:
    inner = {key: value for key, value in table.items() if isinstance(value, dict)}
    if path:
        yield f"\n[{'.'.join(map(_key, path))}]"
    for key, value in table.items():
        if key not in inner:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in inner.items():
        yield from _table((*path, key), value)


def _key(key: str) -> str:
    return key if BARE.fullmatch(key) else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return _list(value)
    return repr(value)  # an int or a float; inf and nan are spelt so in TOML, too


def _list(values: list[Any]) -> str:
    words = [_value(value) for value in values]
    if any(isinstance(value, (dict, list)) for value in values):
        return "[\n" + "".join(f"    {word},\n" for word in words) + "]"
    return f"[{', '.join(words)}]"


def value_of(word: str) -> Any:
    """The value that a word of the command line stands for: TOML's, or else the word itself.

    Example:
        >>> value_of("1e-3"), value_of("[8, 8]"), value_of("runs/a")
        (0.001, [8, 8], 'runs/a')
    """
    try:
        tree = tomllib.loads(f"value = {word}")
    except tomllib.TOMLDecodeError:
        return word
    return tree["value"] if len(tree) == 1 else word
