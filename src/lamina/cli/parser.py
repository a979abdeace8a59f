"""The parser of the command line: argparse, with one line for what is wrong, and what was meant."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from .answer import USAGE
from .experiment.problem import did_you_mean

WIDTH = 88  # columns of a help text; a wider terminal does not make it easier to read


class Help(argparse.HelpFormatter):
    """Paragraphs are filled; those with lines that begin with two spaces stay as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        filled: list[str] = []
        for block in re.split(r"\n\n+", text.strip("\n")):
            is_kept = any(line.startswith("  ") for line in block.split("\n"))
            if not is_kept:
                block = textwrap.fill(" ".join(block.split()), min(width, WIDTH))
            filled.append(block)
        return textwrap.indent("\n\n".join(filled), indent)


class Parser(argparse.ArgumentParser):
    """A parser that does not guess what an abbreviation stands for, and is brief about mistakes."""

    def __init__(self, *words: Any, **settings: Any):
        settings.setdefault("formatter_class", Help)
        settings.setdefault("allow_abbrev", False)
        super().__init__(*words, **settings)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, and end with 2."""
        print(f"{self.prog}: {message}; see {self.prog} --help", file=sys.stderr)
        raise SystemExit(USAGE)

    @property
    def options(self) -> list[str]:
        """All words that begin with a dash."""
        return [word for action in self.actions() for word in action.option_strings]

    def actions(self) -> list[argparse.Action]:
        """Options and arguments, in the order in which they were added."""
        return self._actions

    def commands(self) -> dict[str, Parser]:
        """The parsers of commands, by name."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return dict(action.choices)
        return {}

    def helps(self) -> dict[str, str]:
        """What each command is for, in a few words."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return {choice.dest: choice.help or "" for choice in action._choices_actions}
        return {}


def add_shared(parser: Parser) -> None:
    """Add what every command takes."""
    if "--json" not in parser.options:
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object; messages go to stderr"
        )
    parser.add_argument(
        "--traceback", action="store_true", help="on an error, show the way there, too"
    )


def parsed(parser: Parser, words: list[str]) -> argparse.Namespace:
    """The words of a command line.

    Raises:
        SystemExit: with 2 if they are wrong, with 0 after ``--help``.
    """
    commands = parser.commands()
    if words and not words[0].startswith("-") and words[0] not in commands:
        hint = did_you_mean(words[0], commands, f"; there are {', '.join(commands)}")
        parser.error(f"there is no command {words[0]!r}{hint}")
    chosen, rest = parser.parse_known_args(words)
    command = commands.get(words[0], parser) if words else parser
    rest = _taken(command, chosen, rest)
    if rest:
        command.error(_unknown(rest[0], command.options))
    return chosen


def _taken(command: Parser, chosen: argparse.Namespace, rest: list[str]) -> list[str]:
    """Give words behind an option to the argument that takes many: argparse takes those before."""
    for action in command.actions():
        if not action.option_strings and action.nargs in ("*", "+"):
            more = [word for word in rest if not word.startswith("-")]
            kind = action.type if callable(action.type) else str
            found = [*getattr(chosen, action.dest), *map(kind, more)]
            setattr(chosen, action.dest, found)
            return [word for word in rest if word not in more]
    return rest


def _unknown(word: str, options: Iterable[str]) -> str:
    if not word.startswith("-"):
        return f"there is nothing for the word {word!r} to be"
    name = word.partition("=")[0]
    near = difflib.get_close_matches(name, list(options), n=1, cutoff=0.6)
    return f"there is no option {name}" + (f"; did you mean {near[0]}?" if near else "")


# -- kinds of words ------------------------------------------------------------------------------


def at_least(low: int) -> Callable[[str], int]:
    """Reads an integer of ``low`` or more."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < low:
            raise argparse.ArgumentTypeError(f"should be an integer of {low} or more, got {text!r}")
        return int(text)

    return parse


def add_run(parser: argparse.ArgumentParser, **settings: Any) -> None:
    """Add the folder of a run."""
    parser.add_argument(
        "folder", metavar="RUN", type=Path, help="folder of a run, such as runs/digits", **settings
    )


def add_changes(parser: argparse.ArgumentParser) -> None:
    """Add words that change a config."""
    parser.add_argument(
        "changes",
        metavar="KEY=VALUE",
        nargs="*",
        help="instead of what the config says, such as optimizer.lr=0.01",
    )
