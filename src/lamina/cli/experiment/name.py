"""From a name to the object: a short name of lamina's, an import path, or a file of the user's.

Importing a module runs it: a config is code, and has the rights of whoever trains with it.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from ...errors import ConfigError
from .problem import did_you_mean, nearest


@dataclass(frozen=True)
class Kind:
    """What a name stands for.

    Attributes:
        key: of a table that names one: ``{layer = "Linear", out_size = 10}``.
        words: in messages.
        modules: where short names are looked up.
        called: when the name and the arguments beside it make one: ``always``, if it is a
            ``class``, or ``never``; else the arguments are filled in, for later calls.
    """

    key: str
    words: str
    modules: tuple[str, ...] = ()
    called: str = "class"


KINDS = {
    kind.key: kind
    for kind in (
        Kind("layer", "a layer", ("lamina.layers", "lamina.models"), "always"),
        Kind("function", "a function", ("lamina.functions",)),
        Kind("optimizer", "an optimizer", ("lamina.optimizers",), "always"),
        Kind("schedule", "a schedule", ("lamina.optimizers",), "always"),
        Kind("average", "an average of weights", ("lamina.optimizers",), "always"),
        Kind("initializer", "an initializer", ("lamina.layers.initializers",), "always"),
        Kind("source", "a source of data", ("lamina.data",), "never"),
        Kind("transform", "a transform", ("lamina.data",)),
        Kind("callback", "a callback", ("lamina.training", "lamina.insight"), "always"),
        Kind("metric", "a metric", ("lamina.metrics",)),
        Kind("call", "something to call", (), "always"),
    )
}
"""By the key of a table."""

_ours: set[str] = set()  # modules of users' files that were imported here


def find(text: str, kind: Kind, folders: tuple[Path, ...]) -> Any:
    """The object that ``text`` names.

    Args:
        text: ``relu`` (a name of lamina's), ``package.module.Name``, ``module:Name`` or
            ``file.py:Name``.
        kind: where short names are looked up.
        folders: where modules and files of the user's are looked up first.
    Raises:
        ConfigError: there is none; the rest of a sentence, without its place.
    """
    if ":" in text:
        return _in_file(text, folders)
    if "." in text:
        try:
            return _dotted(text, folders)
        except ConfigError as error:
            raise ConfigError(f"{error}{_short_for(text, kind)}") from error
    for module in kind.modules:
        found = getattr(import_module(module), text, None)
        if callable(found):
            return found
    return _refuse_short(text, kind)


def _short_for(text: str, kind: Kind) -> str:
    """A hint for ``F.relu``: such names are of programs, not of configs."""
    last = text.rpartition(".")[2]
    if text.startswith("lamina."):
        return ""
    is_there = any(last in _names(import_module(module)) for module in kind.modules)
    return f"; did you mean {last!r}?" if is_there else ""


def _refuse_short(text: str, kind: Kind) -> Any:
    known = [name for module in kind.modules for name in _names(import_module(module))]
    path = "an import path such as package.module.Name, or file.py:Name"
    otherwise = f"; lamina has none of that name, and others need {path}" if known else f": {path}"
    hint = did_you_mean(text, known, otherwise)
    raise ConfigError(f"should name {kind.words}, got {text!r}{hint}")


def public(holder: Any) -> list[str]:
    """The names that a module or a class offers, and the modules inside it."""
    return [*_names(holder), *_inside(holder)]


def _inside(holder: Any) -> list[str]:
    """The modules inside a package."""
    inside = iter_modules(getattr(holder, "__path__", []))
    return [found.name for found in inside if not found.name.startswith("_")]


def _names(holder: Any) -> list[str]:
    found = getattr(holder, "__all__", None)
    return [name for name in dir(holder) if not name.startswith("_")] if found is None else found


# -- import paths --------------------------------------------------------------------------------


def _dotted(text: str, folders: tuple[Path, ...]) -> Any:
    first, *rest = text.split(".")
    if not all(part.isidentifier() for part in (first, *rest)):
        raise ConfigError(f"should be an import path or file.py:Name, got {text!r}")
    found: Any = load(first, folders)
    for position, part in enumerate(rest, 1):
        path = ".".join([first, *rest[: position - 1]])
        found = _attribute(found, part, path, is_last=position == len(rest))
    return found


def _attribute(holder: Any, name: str, path: str, is_last: bool = True) -> Any:
    try:
        return getattr(holder, name)
    except AttributeError:
        pass
    if isinstance(holder, ModuleType) and hasattr(holder, "__path__"):
        full = f"{holder.__name__}.{name}"
        if PathFinder.find_spec(full, holder.__path__) is not None:
            return _import(full)
    what = "module " if isinstance(holder, ModuleType) else ""
    near = nearest(name, public(holder) if is_last else _inside(holder))
    hint = f"; did you mean {path}.{near}?" if near else ""
    raise ConfigError(f"names {path}.{name}, but {what}{path} has no {name!r}{hint}")


def _in_file(text: str, folders: tuple[Path, ...]) -> Any:
    file, _, name = text.partition(":")
    module = file.removesuffix(".py").replace("/", ".")
    parts = [*module.split("."), *name.split(".")]
    if not all(part.isidentifier() for part in parts):
        raise ConfigError(f"should look like file.py:Name, got {text!r}")
    if file.endswith(".py") and not any((folder / file).is_file() for folder in folders):
        places = " or ".join(str(folder) for folder in dict.fromkeys(folders))
        names = [path.name for folder in folders for path in folder.glob("*.py")]
        hint = did_you_mean(file, names)
        raise ConfigError(f"names {file}, and there is no such file in {places}{hint}")
    found: Any = load(module, folders)
    for part in name.split("."):
        found = _attribute(found, part, file)
    return found


# -- modules -------------------------------------------------------------------------------------


def load(name: str, folders: tuple[Path, ...]) -> ModuleType:
    """Import a module; those of ``folders`` come before those that are installed.

    The folders stay on the path: functions of the user's may import more when they are called, and
    so may the processes of a loader.

    Raises:
        ConfigError: there is none, or it fails; its file, line and error are named.
    """
    wanted = list(dict.fromkeys(str(folder) for folder in folders))
    sys.path[:] = [*wanted, *[entry for entry in sys.path if entry not in wanted]]
    first = name.partition(".")[0]
    if first in _ours:
        _forget_others(folders)
    spec = None if first in sys.modules else PathFinder.find_spec(first)
    if first not in sys.modules and spec is None:
        raise ConfigError(
            f"names a module {first!r}, which is neither in {wanted[0]} nor installed"
        )
    before = set(sys.modules)
    try:
        return _import(name)
    finally:
        new = {module for module in set(sys.modules) - before if _is_inside(module, folders)}
        _ours.update(new)


def _forget_others(folders: tuple[Path, ...]) -> None:
    """Forget modules of files in other folders: another config, in this process, had them."""
    for name in sorted(_ours):
        if not _is_inside(name, folders):
            sys.modules.pop(name, None)
            _ours.discard(name)


def _import(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name:
            parent, _, last = name.rpartition(".")
            hint = did_you_mean(last, public(sys.modules[parent])) if parent in sys.modules else ""
            raise ConfigError(f"names a module {name!r}, which there is not{hint}") from None
        raise ConfigError(f"cannot be imported: {where(error)}") from error
    except Exception as error:
        raise ConfigError(f"cannot be imported: {where(error)}") from error


def where(error: BaseException) -> str:
    """File, line, kind and words of an error of the user's code.

    Example:
        >>> where(ValueError("no"))
        'ValueError: no'
    """
    words = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        return f"{Path(error.filename or '?').name}, line {error.lineno}: {words.split(' (')[0]}"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not _is_ours(frame.filename) and not frame.filename.startswith("<")
    ]
    place = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}: " if frames else ""
    return place + words


def _is_ours(filename: str) -> bool:
    return Path(__file__).parents[2] in Path(filename).parents or "importlib" in filename


def _is_inside(module: str, folders: tuple[Path, ...]) -> bool:
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and any(folder in Path(file).parents for folder in folders)


def files(folders: tuple[Path, ...]) -> Iterator[tuple[Path, str]]:
    """The user's own Python files that were imported, and where each stands in its folder."""
    for name in sorted(_ours):
        file = Path(getattr(sys.modules.get(name), "__file__", None) or "")
        for folder in folders:
            if folder in file.parents:
                inside = file.relative_to(folder)
                if not any(part.startswith(".") or "-packages" in part for part in inside.parts):
                    yield file, inside.as_posix()
                break
