"""The command line: which commands there are, and how they end.

Exit status: 0 done, 1 failed with one line on standard error, 2 wrong usage, 3 something was found
(by ``doctor``), 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ..errors import LaminaError
from . import bench, demo, doctor, info

COMMANDS = (demo, info, bench, doctor)

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after ``lamina``; None takes those of the process.
    Returns:
        The exit status.
    Raises:
        SystemExit: with ``--help``, ``--version`` and wrong usage, as argparse does.
    """
    parser = make_parser()
    chosen = parser.parse_args(arguments)
    if chosen.run is None:
        parser.print_help(sys.stderr)
        return USAGE
    try:
        status = chosen.run(chosen)
        sys.stdout.flush()  # a reader that has gone is noticed here, not while Python ends
        return status
    except KeyboardInterrupt:
        return _fail("stopped", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (LaminaError, OSError) as error:
        return _fail(_in_words(error), FAILED)


def _fail(message: str, status: int) -> int:
    print(f"lamina: {message}", file=sys.stderr)
    return status


def _in_words(error: Exception) -> str:
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    if isinstance(error, LaminaError):
        return error.strerror  # a sentence already, with the file in it
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror


def make_parser() -> argparse.ArgumentParser:
    """The parser of ``lamina`` and all its commands."""
    parser = argparse.ArgumentParser(
        prog="lamina",
        description="Define-by-run deep learning whose operators are plain NumPy formulas.",
        epilog="lamina COMMAND --help tells more about one command.",
    )
    parser.add_argument("--version", action="version", version=f"lamina {info.lamina_version()}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return parser
