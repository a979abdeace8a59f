"""Whether a value fits an annotation, and how to say what would."""

from __future__ import annotations

import functools
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

NUMBERS = {bool: "true or false", int: "an integer", float: "a number", str: "text"}
UNIONS = (typing.Union, types.UnionType)
WORD = re.compile(r"\w+")


def hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a function's or a constructor's arguments, as types.

    One that cannot be evaluated, such as a name that is there for type checkers only, is left out.
    """
    named = function.func if isinstance(function, functools.partial) else function
    made = named.__init__ if inspect.isclass(named) else inspect.unwrap(named)
    names = getattr(made, "__globals__", {})
    found: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.annotation is not parameter.empty:
            holder = types.SimpleNamespace(__annotations__={name: parameter.annotation})
            known = {**names, **_aliases(parameter.annotation, names)}
            try:
                found |= typing.get_type_hints(holder, globalns=known, include_extras=True)
            except (NameError, TypeError, AttributeError, SyntaxError):
                continue
    return found


def _aliases(annotation: Any, names: dict[str, Any]) -> dict[str, Any]:
    """What the names of an annotation stand for that are text, such as a TypeAlias in quotes."""
    found: dict[str, Any] = {}
    for word in WORD.findall(annotation) if isinstance(annotation, str) else ():
        text = names.get(word)
        if isinstance(text, str):
            calls = text.startswith("Callable[")
            found[word] = typing.Annotated[Callable[..., Any], word] if calls else Any
    return found


def fits(value: Any, hint: Any) -> bool:
    """Whether ``value`` may be given where ``hint`` stands; True where that cannot be told.

    Example:
        >>> fits(3, float), fits("3", float), fits([1, 2], tuple[int, ...]), fits(True, int)
        (True, False, True, False)
    """
    if hint is Any or hint is inspect.Parameter.empty:
        return True
    if hint is None or hint is type(None):
        return value is None
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in UNIONS:
        return any(fits(value, choice) for choice in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin is typing.Annotated:
        return fits(value, arguments[0])
    if origin is type or hint is type:
        return isinstance(value, type)
    if origin is Callable or hint is Callable:
        return callable(value)
    if hint in NUMBERS:
        return _is_number(value, hint)
    if inspect.isclass(origin or hint):
        return _is_instance(value, origin or hint, arguments)
    return True


def _is_number(value: Any, hint: type) -> bool:
    if hint is bool or hint is str:
        return isinstance(value, hint)
    kinds = (int, np.integer) if hint is int else (int, float, np.number)
    return isinstance(value, kinds) and not isinstance(value, bool)


def _is_instance(value: Any, kind: type, arguments: tuple[Any, ...]) -> bool:
    if kind is object or getattr(kind, "_is_protocol", False):
        return True
    if issubclass(kind, Mapping):
        return isinstance(value, Mapping)
    if isinstance(value, (list, tuple)) and kind in (list, tuple, Sequence, Iterable):
        return _elements_fit(value, kind, arguments)
    if isinstance(value, str) and hasattr(kind, "__fspath__"):
        return True
    return isinstance(value, kind)


def _elements_fit(values: Sequence[Any], kind: type, arguments: tuple[Any, ...]) -> bool:
    if not arguments:
        return True
    if kind is tuple and arguments[-1] is not ...:
        return len(values) == len(arguments) and all(map(fits, values, arguments))
    return all(fits(value, arguments[0]) for value in values)


def adapted(value: Any, hint: Any) -> Any:
    """A list of TOML as the tuple that ``hint`` asks for; anything else as it is.

    Example:
        >>> adapted([3, 3], int | tuple[int, int]), adapted([3, 3], list[int])
        ((3, 3), [3, 3])
    """
    if not isinstance(value, list):
        return value
    for choice in typing.get_args(hint) if typing.get_origin(hint) in UNIONS else (hint,):
        if typing.get_origin(choice) is tuple and fits(value, choice):
            inner = typing.get_args(choice)
            inner = (inner[0],) * len(value) if inner[-1] is ... else inner
            return tuple(map(adapted, value, inner))
    return value


def of_elements(hint: Any) -> Any:
    """The annotation of the elements, where a list stands.

    Example:
        >>> of_elements(list[int] | None), of_elements(tuple[int, ...]), of_elements(int)
        (<class 'int'>, <class 'int'>, typing.Any)
    """
    for choice in typing.get_args(hint) if typing.get_origin(hint) in UNIONS else (hint,):
        arguments = typing.get_args(choice)
        if arguments and typing.get_origin(choice) in (list, tuple, Sequence, Iterable):
            return arguments[0]
    return Any


def wants_name(hint: Any) -> bool:
    """Whether text in this place must be a name: what is wanted can be called, and is no text.

    Example:
        >>> from collections.abc import Callable
        >>> wants_name(Callable[[int], int] | None), wants_name(str | Callable[[int], int])
        (True, False)
    """
    choices = typing.get_args(hint) if typing.get_origin(hint) in UNIONS else (hint,)
    choices = [choice.__origin__ if _is_annotated(choice) else choice for choice in choices]
    if any(choice in (str, Any, object) for choice in choices):
        return False
    return any(_can_be_called(typing.get_origin(choice) or choice) for choice in choices)


def _is_annotated(hint: Any) -> bool:
    return typing.get_origin(hint) is typing.Annotated


def _can_be_called(kind: Any) -> bool:
    return kind is Callable or any(
        "__call__" in vars(base) for base in getattr(kind, "__mro__", ())
    )


# -- words ---------------------------------------------------------------------------------------


def in_words(hint: Any) -> str:
    """What fits, in words.

    Example:
        >>> in_words(int | None), in_words(tuple[int, ...]), in_words(typing.Literal["a", "b"])
        ('an integer', 'a list of integers', "'a' or 'b'")
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in UNIONS:
        choices = [in_words(choice) for choice in arguments if choice is not type(None)]
        return " or ".join(dict.fromkeys(choices))
    if origin is typing.Literal:
        first, last = ", ".join(map(repr, arguments[:-1])), repr(arguments[-1])
        return f"{first} or {last}" if first else last
    if origin is typing.Annotated:
        return _named_in_words(hint.__metadata__, arguments[0])
    if hint is Any:
        return "anything"
    if hint in NUMBERS:
        return NUMBERS[hint]
    if origin is Callable or hint is Callable:
        return "a function"
    if origin in (list, tuple, Sequence, Iterable):
        return _list_in_words(arguments)
    if origin is not None and inspect.isclass(origin) and issubclass(origin, Mapping):
        return "a table"
    name = getattr(origin or hint, "__name__", str(hint))
    return _with_article(name)


def _named_in_words(words: tuple[Any, ...], otherwise: Any) -> str:
    """The kind that stands beside an annotation: its name, or something that has ``words``."""
    for word in words:
        if isinstance(word, str):
            return _with_article(word.lower())
        if hasattr(word, "words"):
            return word.words
    return in_words(otherwise)


def _with_article(name: str) -> str:
    return f"{'an' if name[:1] in 'AEIOUaeiou' else 'a'} {name}"


def _list_in_words(arguments: tuple[Any, ...]) -> str:
    inner = [in_words(argument) for argument in arguments if argument is not ...]
    if len(set(inner)) != 1:
        return "a list"
    count = f"{len(inner)} " if len(inner) > 1 else ""
    many = [
        word.partition(" ")[2] + "s" if word.startswith(("a ", "an ")) else word
        for word in inner[0].split(" or ")
    ]
    return f"a list of {count}{' or '.join(many)}"


def shown(value: Any) -> str:
    """A value of a config and its kind.

    Example:
        >>> shown("3"), shown(True), shown([1, 2])
        ("the text '3'", 'true', 'the list [1, 2]')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {value!r:.60}"
    if isinstance(value, dict):
        return f"a table of {', '.join(value) or 'nothing'}"[:80]
    if isinstance(value, list):
        return f"the list {value!r:.60}"
    return f"{value!r:.80}"
