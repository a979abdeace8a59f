"""``lamina doctor``: why a model does not learn."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import ConfigError, DTypeError, RegistrationError
from ..insight.doctor import Report, doctor
from .answer import DONE, FOUND, Answer
from .experiment.run import Work, of_run, read
from .experiment.weights import load_weights
from .parser import add_changes

DESCRIPTION = """\
Look for reasons why a model does not learn. SUBJECT is a config, the folder of a run
(with its newest weights), or MODULE:FUNCTION: a function without arguments that gives
(model, loss, batch) or (model, loss, batch, optimizer), as lamina.insight.doctor takes
them; MODULE is looked for in the current folder first. Ends with 0 if nothing was
found, with 3 if something was.

  lamina doctor digits.toml
  lamina doctor runs/digits
  lamina doctor train:subject"""


def add_to(commands: Any) -> None:
    """Add ``lamina doctor`` to a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "doctor", help="reasons why a model does not learn", description=DESCRIPTION
    )
    parser.add_argument("subject", metavar="CONFIG|RUN|MODULE:FUNCTION", type=_subject)
    add_changes(parser)
    parser.set_defaults(run=run)


def _subject(text: str) -> Path | tuple[str, str]:
    if text.endswith(".toml") or Path(text).is_dir():
        return Path(text)
    module, colon, function = text.partition(":")
    names = [*module.split("."), function]
    if not colon or not all(name.isidentifier() for name in names):
        raise argparse.ArgumentTypeError(
            "should be a config.toml, the folder of a run, or MODULE:FUNCTION, such as "
            f"train:subject, got {text!r}"
        )
    return module, function


def run(arguments: argparse.Namespace) -> Answer:
    """Look."""
    subject = arguments.subject
    if isinstance(subject, Path):
        report = doctor(*_of_config(subject, arguments.changes))
    elif arguments.changes:
        raise ConfigError(
            f"doctor: {arguments.changes[0]} changes a config, and {':'.join(subject)} has none"
        )
    else:
        report = doctor(*_of_function(*subject))
    return Answer(str(report), _data(report), FOUND if report.findings else DONE)


def _of_config(path: Path, changes: list[str]) -> tuple[Any, ...]:
    if path.is_dir():
        found, experiment = of_run(path, changes)
        work = Work(experiment)
        if found.checkpoints().steps():
            load_weights(found, work, "newest")
    else:
        work = Work(read(path, changes))
    return work.model, work.loss_with, work.first, work.optimizer


def _of_function(module: str, name: str) -> tuple[Any, ...]:
    made = _function(module, name)()
    if not isinstance(made, tuple) or len(made) not in (3, 4):
        raise DTypeError(
            f"doctor: {module}:{name} should give (model, loss, batch) or (model, loss, batch, "
            f"optimizer), got {_kind(made)}"
        )
    return made


def _function(module: str, name: str) -> Callable[[], Any]:
    """The function, from a module of the current folder or any other.

    Raises:
        RegistrationError: there is no such module, or it has no such function.
    """
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        if find_spec(module.partition(".")[0]) is None or find_spec(module) is None:
            raise RegistrationError(
                f"doctor: there is no module {module!r}, in {here} or installed"
            )
        found = getattr(import_module(module), name, None)
    finally:
        sys.path.remove(here)
    if not callable(found):
        raise RegistrationError(f"doctor: module {module!r} has no function {name!r}")
    return found


def _kind(made: Any) -> str:
    kind = type(made).__name__
    return f"a {kind} of {len(made)}" if isinstance(made, (tuple, list)) else f"a {kind}"


def _data(report: Report) -> dict[str, Any]:
    findings = [asdict(finding) for finding in report.findings]
    return {"findings": findings, "loss": report.loss, "losses": report.losses}
