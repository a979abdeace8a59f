"""Changes from the command line: ``optimizer.lr=0.01``, ``model.steps[0].out_size=64``."""

from __future__ import annotations

import copy
import re
from itertools import pairwise
from typing import Any

from ...errors import ConfigError
from .toml import Document, Path, in_words, value_of

STEP = re.compile(r"""\.?(?:"((?:\\.|[^"\\])*)"|([A-Za-z0-9_-]+)|\[(-?\d+)\])""")


def changed(document: Document, words: list[str]) -> Document:
    """A document with the values of some words ``PATH=VALUE``; itself without any.

    Tables on the way are made where they are missing; lists are not.

    Raises:
        ConfigError: a word has another form, or its path leads through something that is no table.
    Example:
        >>> changed(Document({"epochs": 3}), ["epochs=5", "optimizer.lr=0.1"]).tree
        {'epochs': 5, 'optimizer': {'lr': 0.1}}
    """
    if not words:
        return document
    tree, places = copy.deepcopy(document.tree), dict(document.places)
    wrong: list[str] = []
    for word in words:
        name, equals, value = word.partition("=")
        try:
            path = path_of(name.strip()) if equals else ()
            if not path:
                raise ConfigError("should look like optimizer.lr=0.01")
            _set(tree, path, value_of(value.strip()))
        except ConfigError as error:
            wrong.append(f"command line: {word} {error}")
            continue
        for known in [known for known in places if known[: len(path)] == path]:
            del places[known]
        places[path] = f"command line, {word}"
    if wrong:
        raise ConfigError("\n".join(wrong), tuple(wrong))
    return Document(tree, document.label, "", places)


def path_of(text: str) -> Path:
    """The path that words such as ``model.steps[0].out_size`` or ``model.steps.0`` stand for.

    Example:
        >>> path_of("model.steps[0].out_size")
        ('model', 'steps', 0, 'out_size')
    """
    path: list[str | int] = []
    end = 0
    while end < len(text):
        match = STEP.match(text, end)
        if match is None or match.end() == end:
            return ()
        quoted, word, position = match.groups()
        path.append(int(position) if position is not None else word if quoted is None else quoted)
        end = match.end()
    return tuple(path)


def _set(tree: Any, path: Path, value: Any) -> None:
    holder = tree
    for depth, (key, following) in enumerate(pairwise(path)):
        if isinstance(holder, dict) and {type(key), type(following)} == {str} and key not in holder:
            holder[key] = {}
        holder = _inside(holder, key, path[:depth])
    key = path[-1]
    if isinstance(holder, dict) and isinstance(key, str):
        holder[key] = value
        return
    _inside(holder, key, path[:-1])
    holder[int(key)] = value


def _inside(holder: Any, key: str | int, path: Path) -> Any:
    here = in_words(path) or "the config"
    if isinstance(holder, list):
        if not str(key).lstrip("-").isdigit():
            raise ConfigError(f"goes into {here}, a list: its elements are called [0], [1], ...")
        if not -len(holder) <= int(key) < len(holder):
            raise ConfigError(f"needs element {key} of {here}, which has {len(holder)}")
        return holder[int(key)]
    if isinstance(holder, dict):
        if key not in holder:
            raise ConfigError(f"needs {here}[{key}], which there is not: {here} is a table")
        return holder[key]
    raise ConfigError(f"goes into {here}, which is {holder!r:.60} and neither a table nor a list")
