"""``lamina doctor``: why a model does not learn."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import Any

from ..errors import DTypeError, RegistrationError
from ..insight.doctor import Report, doctor

FOUND = 3

DESCRIPTION = """\
Look for reasons why a model does not learn. FUNCTION takes no arguments and gives (model, loss,
batch) or (model, loss, batch, optimizer), as lamina.insight.doctor takes them; MODULE is looked for
in the current folder first. Ends with 0 if nothing was found, with 3 if something was."""


def add_to(commands: Any) -> None:
    """Add ``lamina doctor`` to a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "doctor", help="reasons why a model does not learn", description=DESCRIPTION
    )
    parser.add_argument("subject", metavar="MODULE:FUNCTION", type=_subject)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.set_defaults(run=run)


def _subject(text: str) -> tuple[str, str]:
    module, colon, function = text.partition(":")
    names = [*module.split("."), function]
    if not colon or not all(name.isidentifier() for name in names):
        raise argparse.ArgumentTypeError(
            f"should be MODULE:FUNCTION, such as train:subject, got {text!r}"
        )
    return module, function


def run(arguments: argparse.Namespace) -> int:
    """Print the report."""
    module, name = arguments.subject
    made = _function(module, name)()
    if not isinstance(made, tuple) or len(made) not in (3, 4):
        raise DTypeError(
            f"doctor: {module}:{name} should give (model, loss, batch) or (model, loss, batch, "
            f"optimizer), got {_kind(made)}"
        )
    report = doctor(*made)
    print(_json(report) if arguments.json else report)
    return FOUND if report.findings else 0


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


def _json(report: Report) -> str:
    found = [asdict(finding) for finding in report.findings]
    loss, *losses = [_number(x) for x in (report.loss, *report.losses)]
    return json.dumps({"findings": found, "loss": loss, "losses": losses}, indent=2)


def _number(x: float | None) -> float | None:
    """JSON has no NaN and no infinity: None stands for them."""
    return x if x is not None and isfinite(x) else None
