"""The command line: which commands there are, and how they end.

Exit status: 0 done; 1 failed, with one line on standard error; 2 wrong usage: words or a config
that are not understood; 3 done, and something was found (by ``doctor``) or differs (by ``diff``);
130 stopped by Ctrl-C. A signal that ends a process gives 128 and its number.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stdout
from typing import Any

from ..errors import ConfigError, LaminaError, NonFiniteError
from . import (
    bench,
    completion,
    demo,
    diff,
    doctor,
    evaluate,
    info,
    predict,
    report,
    resume,
    summary,
    train,
)
from .answer import DONE, FAILED, FOUND, INTERRUPTED, USAGE, Answer, as_json
from .experiment.name import where
from .parser import Parser, add_shared, parsed

COMMANDS = (
    demo, train, resume, evaluate, predict, summary, doctor, diff, report, bench, info, completion,
)  # fmt: skip

DESCRIPTION = "Define-by-run deep learning whose operators are plain NumPy formulas."
EPILOG = """\
lamina COMMAND --help tells more about one command. To begin:
  lamina train --example > digits.toml
  lamina train digits.toml

Exit status: 0 done, 1 failed, 2 words or a config that are not understood,
3 something was found (doctor) or differs (diff), 130 stopped by Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after ``lamina``; None takes those of the process.
    Returns:
        The exit status.
    Raises:
        SystemExit: with ``--help``, ``--version`` and wrong usage, as argparse does.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = make_parser()
    chosen = parsed(parser, words)
    if chosen.run is None:
        parser.print_help(sys.stderr)
        return USAGE
    path = list(sys.path)
    try:
        return _run(chosen)
    finally:
        sys.path[:] = path


def _run(chosen: Any) -> int:
    try:
        answer = _answer(chosen)
        _print(answer, chosen.json)
        sys.stdout.flush()  # a reader that has gone is noticed here, not while Python ends
        return answer.status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _print(answer: Answer, json: bool) -> None:
    if json:
        print(as_json(answer.data))
    elif answer.show is not None:
        answer.show()
    elif answer.text:
        print(answer.text)


def _answer(chosen: Any) -> Answer:
    """What the command answers, or how it failed."""
    try:
        with ExitStack() as around:
            if chosen.json:
                around.enter_context(redirect_stdout(sys.stderr))
            answer = chosen.run(chosen)
        return (
            answer if isinstance(answer, Answer) else Answer(data={"status": answer}, status=answer)
        )
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        return _failed(["stopped"], INTERRUPTED)
    except Exception as error:  # what a user's code raises is told in one line, too
        if chosen.traceback or os.environ.get("LAMINA_TRACEBACK", "") not in ("", "0"):
            raise
        return _failed(_in_words(error), USAGE if isinstance(error, ConfigError) else FAILED)


def _failed(messages: list[str], status: int) -> Answer:
    for message in messages:
        print(f"lamina: {message}", file=sys.stderr)
    return Answer(data={"error": messages}, status=status)


def _in_words(error: Exception) -> list[str]:
    """One line for each problem."""
    if isinstance(error, ConfigError):
        return list(error.problems)
    if isinstance(error, LaminaError):
        words = getattr(error, "strerror", None) or str(error)  # a sentence, with the file in it
        notes = getattr(error, "__notes__", [])
        if isinstance(error, NonFiniteError):  # they are a report, and it has lines
            return [_one_line(words), *[line for note in notes for line in note.splitlines()]]
        return [_one_line("; ".join([words, *notes]))]
    if isinstance(error, OSError) and error.strerror:
        return [f"{error.filename}: {error.strerror}" if error.filename else error.strerror]
    if isinstance(error, OSError):
        return [_one_line(str(error))]
    return [_one_line(f"{where(error)}; --traceback shows the way there")]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def make_parser() -> Parser:
    """The parser of ``lamina`` and all its commands."""
    parser = Parser(prog="lamina", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"lamina {info.lamina_version()}")
    parser.set_defaults(run=None, parser=make_parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    for command in COMMANDS:
        command.add_to(commands)
    for command in parser.commands().values():
        add_shared(command)
    return parser


__all__ = ["COMMANDS", "DONE", "FAILED", "FOUND", "INTERRUPTED", "USAGE", "main", "make_parser"]
