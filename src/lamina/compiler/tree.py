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
    leaves: list[Any] = []
    shape = _take_apart(tree, leaves)
    return leaves, lambda others: _put_together(shape, iter(others))


def _take_apart(tree: Any, leaves: list[Any]) -> Any:
    if isinstance(tree, dict):
        return dict, list(tree), [_take_apart(x, leaves) for x in tree.values()]
    if type(tree) in (tuple, list):
        return type(tree), None, [_take_apart(x, leaves) for x in tree]
    leaves.append(tree)
    return None


def _put_together(shape: Any, leaves: Any) -> Any:
    if shape is None:
        return next(leaves)
    kind, keys, parts = shape
    made = [_put_together(part, leaves) for part in parts]
    return dict(zip(keys, made, strict=True)) if kind is dict else kind(made)
