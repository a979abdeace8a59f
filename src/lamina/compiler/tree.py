"""Arguments and results as a flat list: tuples, lists and dicts taken apart and put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def flatten(tree: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The leaves of nested tuples, lists and dicts, and what makes the same of others.

    Example:
        >>> leaves, rebuild = flatten((1, {"a": [2, 3]}))
        >>> leaves
        [1, 2, 3]
        >>> rebuild([10, 20, 30])
        (10, {'a': [20, 30]})
    """
    leaves, form = take_apart(tree)
    return leaves, lambda others: _put_together(form, iter(others))


def take_apart(tree: Any) -> tuple[list[Any], Any]:
    """The leaves, and the form that they had, which can be compared: named tuples among it.

    Example:
        >>> take_apart([1, (2, 3)])[1] == take_apart([4, (5, 6)])[1]
        True
    """
    leaves: list[Any] = []
    return leaves, _take_apart(tree, leaves)


def _take_apart(tree: Any, leaves: list[Any]) -> Any:
    kind = type(tree)
    if isinstance(tree, dict):
        return dict, tuple(tree), tuple([_take_apart(x, leaves) for x in tree.values()])
    if kind in (tuple, list) or (isinstance(tree, tuple) and hasattr(kind, "_make")):
        return kind, None, tuple([_take_apart(x, leaves) for x in tree])
    leaves.append(tree)
    return None


def _put_together(form: Any, leaves: Any) -> Any:
    if form is None:
        return next(leaves)
    kind, keys, parts = form
    made = [_put_together(part, leaves) for part in parts]
    if kind is dict:
        return dict(zip(keys, made, strict=True))
    return kind._make(made) if hasattr(kind, "_make") else kind(made)
