"""From tables to objects: every name looked up, every argument compared with a signature.

A table that holds one of the keys of `KINDS` is an object, ``{layer = "Linear", out_size = 10}``;
what else it holds are the arguments. Text is a name where something is wanted that can be called.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Iterable
from pathlib import Path as Folder
from typing import Annotated, Any

from ...errors import ConfigError, LaminaError
from ...layers import Sequential
from ...optimizers import Cosine, Linear, OneCycle, Polynomial, Warmup
from . import fit
from .name import KINDS, Kind, find, where
from .problem import Problems, did_you_mean, listed
from .toml import Path

BROKEN: Any = object()
"""Stands for what could not be made; the reason is among the problems."""

WHOLE = (Cosine, Linear, OneCycle, Polynomial)
"""Schedules whose steps are, as a rule, those of the whole training."""

WRONG = (LaminaError, TypeError, ValueError, ArithmeticError, LookupError, OSError, ImportError)
"""What a constructor raises for an argument that it does not want."""


class Maker:
    """Makes objects of tables, and collects what is wrong with them.

    Args:
        problems: where it is collected.
        folders: where files of the user's are.
    """

    def __init__(self, problems: Problems, folders: tuple[Folder, ...]):
        self.problems = problems
        self.folders = folders
        self.updates: int | None = None  # of the whole training: what a schedule's `steps` are

    # -- names -------------------------------------------------------------------------------

    def named(self, path: Path, name: Any, kind: Kind) -> Any:
        """The object that a name stands for; BROKEN if there is none."""
        if not isinstance(name, str):
            self.problems.add(path, f"should name {kind.words}, got {fit.shown(name)}")
            return BROKEN
        try:
            found = find(name, kind, self.folders)
        except ConfigError as error:
            self.problems.add(path, str(error))
            return BROKEN
        if not callable(found) and kind.key != "source":
            self.problems.add(path, f"should name {kind.words}, got {name!r}, {found!r:.60}")
            return BROKEN
        return found

    # -- values ------------------------------------------------------------------------------

    def value(self, path: Path, value: Any, hint: Any = Any) -> Any:
        """A value of the file: objects are made, lists and tables walked, the rest is as it is."""
        role = role_of(hint)
        if role is not None:
            return self.role(path, value, role)
        if isinstance(value, dict):
            kind = wanted(hint) if "name" in value and is_object(hint) else kind_of(value)
            return self.table(path, value) if kind is None else self.role(path, value, kind, "name")
        if isinstance(value, list):
            return self.list(path, value, fit.of_elements(hint))
        if isinstance(value, str) and fit.wants_name(hint):
            return self.role(path, value, wanted(hint))
        if not isinstance(value, (bool, int, float, str)) and value is not None:
            self.problems.add(path, f"is a date or a time, {value}; write it as text")
            return BROKEN
        return value

    def table(self, path: Path, table: dict[str, Any]) -> Any:
        """A table that is no object."""
        made = {key: self.value((*path, key), value) for key, value in table.items()}
        return BROKEN if any(value is BROKEN for value in made.values()) else made

    def list(self, path: Path, values: list[Any], hint: Any = Any) -> Any:
        """Each element of a list."""
        made = [self.value((*path, i), value, hint) for i, value in enumerate(values)]
        return BROKEN if any(value is BROKEN for value in made) else made

    def role(self, path: Path, value: Any, kind: Kind, key: str = "") -> Any:
        """What stands where an object of one kind is wanted: its name, or a table.

        A list of layers is a Sequential of them.
        """
        if isinstance(value, dict):
            other = kind if kind.key in value or key in value else kind_of(value) or kind
            return self.object(path, value, other, key if key in value else "")
        if isinstance(value, list) and kind.key == "layer":
            steps = self.list(path, value, Annotated[Any, KINDS["function"]])
            return BROKEN if steps is BROKEN else self.guarded(path, Sequential, steps, {})
        if kind.key == "source" and (value is None or isinstance(value, float)):
            return value  # a share of another
        found = self.named(path, value, kind)
        return found if found is BROKEN else self.finished(path, found, {}, kind)

    # -- objects -----------------------------------------------------------------------------

    def object(self, path: Path, table: dict[str, Any], kind: Kind, key: str = "") -> Any:
        """What a table describes: made by its constructor, or a function with arguments filled in.

        Args:
            path: where the table stands.
            table: a name, and arguments.
            kind: what the name stands for.
            key: of the name, if it is not the kind's.
        """
        key = key or kind.key
        arguments = {name: value for name, value in table.items() if name != key}
        if key not in table:
            self.problems.add(path, f"lacks {key}, the name of {kind.words}")
            return BROKEN
        found = self.named((*path, key), table[key], kind)
        if found is BROKEN:
            for name, value in arguments.items():  # what is wrong inside is told, too
                self.value((*path, name), value)
            return BROKEN
        return self.finished(path, found, arguments, kind)

    def finished(self, path: Path, found: Any, table: dict[str, Any], kind: Kind) -> Any:
        """Call what was found, or fill its arguments in for a later call."""
        called = kind.called == "always" or (kind.called == "class" and inspect.isclass(found))
        if not callable(found):
            return found  # a dataset, say
        updates = self.updates
        if kind.key == "schedule":
            table = self.timed(found, table)
        given = self.arguments(path, found, table, whole=called)
        self.updates = updates
        if given is BROKEN:
            return BROKEN
        positional, keywords = given
        if called:
            return self.guarded(path, found, positional, keywords)
        filled = positional or keywords
        return functools.partial(found, *positional, **keywords) if filled else found

    def timed(self, schedule: Any, table: dict[str, Any]) -> dict[str, Any]:
        """A schedule of the whole training that was not told its length learns it here.

        One that is warmed up begins behind that.
        """
        if self.updates is None:
            return table
        if schedule is Warmup:
            steps = table.get("steps")
            self.updates = max(self.updates - steps, 1) if isinstance(steps, int) else self.updates
        return {"steps": self.updates, **table} if schedule in WHOLE else table

    def construct(
        self, path: Path, section: type, table: dict[str, Any], words: str, more: Any = ()
    ) -> Any:
        """A section, whose keys are the fields of a dataclass.

        Args:
            path: where it stands.
            section: the dataclass.
            table: its keys and values.
            words: what it is called in messages.
            more: keys that others look after.
        """
        parameters = _parameters(section) or {}
        known = [*parameters, *more]
        for name in table:
            if name not in known:
                self.unknown(path, name, f"is no key of {words}", known)
        own = {name: value for name, value in table.items() if name in parameters}
        given = self.arguments(path, section, own, words=words)
        return BROKEN if given is BROKEN else section(*given[0], **given[1])

    def guarded(self, path: Path, function: Any, positional: Any, keywords: dict[str, Any]) -> Any:
        """Call a function; BROKEN if it does not want these arguments."""
        try:
            return function(*positional, **keywords)
        except WRONG as error:
            self.problems.add(path, f"cannot be made: {of_user(error)}")
            return BROKEN

    def arguments(
        self,
        path: Path,
        function: Any,
        table: dict[str, Any],
        whole: bool = True,
        words: str = "",
    ) -> Any:
        """Positional and keyword arguments from a table; BROKEN if some do not fit.

        Args:
            path: where the table stands.
            function: what is to be called.
            table: by the names of its arguments; those of ``*steps`` are a list called ``steps``.
            whole: whether those without a default must be there.
            words: what the function is called in messages, if not by its name.
        """
        before = len(self.problems)
        parameters = _parameters(function)
        if parameters is None:
            keywords = {name: self.value((*path, name), x) for name, x in table.items()}
            return BROKEN if len(self.problems) > before else ([], keywords)
        hints = fit.hints(function)
        known = _known(parameters, hints)
        for name in table:
            if known is not None and name not in known:
                self.unknown(path, name, f"is no argument of {words or title(function)}", known)
        if whole:
            self._missing(path, words or title(function), table, parameters)
        made = {
            name: self._argument((*path, name), value, parameters.get(name), hints.get(name, Any))
            for name, value in table.items()
            if known is None or name in known
        }
        if len(self.problems) > before:
            return BROKEN
        return _split(made, parameters)

    def _argument(self, path: Path, value: Any, parameter: Any, hint: Any) -> Any:
        many = parameter is not None and parameter.kind is parameter.VAR_POSITIONAL
        if many:
            hint = list[hint]
        made = self.value(path, value, hint)
        if made is not BROKEN and not fit.fits(made, hint):
            self.problems.add(path, f"should be {fit.in_words(hint)}, got {fit.shown(value)}")
        return fit.adapted(made, hint)

    def unknown(self, path: Path, name: str, text: str, known: Iterable[str]) -> None:
        """Add that a key is not known, with the nearest that is."""
        names = list(known)
        takes = f"; it takes {listed(names)}" if names else "; it takes none"
        self.problems.add((*path, name), text + did_you_mean(name, names, takes))

    def _missing(
        self, path: Path, words: str, table: dict[str, Any], parameters: dict[str, Any]
    ) -> None:
        missing = [
            name
            for name, parameter in parameters.items()
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            and name not in table
        ]
        if missing:
            self.problems.add(path, f"lacks {listed(missing)}, which {words} needs")


def kind_of(table: dict[str, Any]) -> Kind | None:
    """The kind of object that a table describes; None if it describes none."""
    return next((kind for key, kind in KINDS.items() if key in table), None)


def role_of(hint: Any) -> Kind | None:
    """The kind in an annotation ``Annotated[Any, KINDS["layer"]]``."""
    words = getattr(hint, "__metadata__", ())
    return next((word for word in words if isinstance(word, Kind)), None)


def wanted(hint: Any) -> Kind:
    """The kind of a name, where an annotation asks for something that can be called."""
    words = str(hint)
    for key in ("initializer", "schedule", "layer", "optimizer"):
        if key.title() in words:
            return KINDS[key]
    return KINDS["function"]


def is_object(hint: Any) -> bool:
    """Whether an annotation asks for an object of one kind."""
    return fit.wants_name(hint) or any(word in str(hint) for word in ("Layer", "Optimizer"))


def title(function: Any) -> str:
    """The name of a function or a class, for messages."""
    function = function.func if isinstance(function, functools.partial) else function
    return getattr(function, "__name__", type(function).__name__)


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter] | None:
    """The arguments of a function by name; None if it does not say."""
    try:
        return dict(inspect.signature(function).parameters)
    except (ValueError, TypeError):
        return None


def _known(
    parameters: dict[str, inspect.Parameter], hints: dict[str, Any]
) -> dict[str, Any] | None:
    """The names that a table may hold; None if any."""
    known: dict[str, Any] = {}
    for name, parameter in parameters.items():
        if parameter.kind is not parameter.VAR_KEYWORD:
            known[name] = parameter
            continue
        words = typing.get_args(hints.get(name))
        if not (words and typing.is_typeddict(words[0])):
            return None
        known |= words[0].__annotations__
    return known


def _split(
    made: dict[str, Any], parameters: dict[str, inspect.Parameter]
) -> tuple[list[Any], dict[str, Any]]:
    """What is given by position, and what by name."""
    positional: list[Any] = []
    rest = dict(made)
    many = next((p for p in parameters.values() if p.kind is p.VAR_POSITIONAL), None)
    for name, parameter in parameters.items():
        by_position = parameter.kind is parameter.POSITIONAL_ONLY or (
            many is not None
            and many.name in made
            and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        )
        if by_position and name in rest:
            positional.append(rest.pop(name))
    if many is not None:
        positional += rest.pop(many.name, [])
    return positional, rest


def of_user(error: BaseException) -> str:
    """An error in one line: lamina's own say all; of others, the user's line is named."""
    return str(error) if isinstance(error, LaminaError) else where(error)
