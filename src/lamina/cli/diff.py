"""``lamina diff``: where two runs part."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..insight.diff import diff
from .answer import FOUND, Answer

DESCRIPTION = """\
Compare two runs: the first step in which they differ, and the first tensor in it,
by the hashes that the callback Fingerprints writes, else by metrics and checkpoints;
and what differs in config and environment. Ends with 0 if they are the same, with 3
if they differ.

  lamina train a.toml folder=runs/a 'training.callbacks=["Fingerprints"]'"""


def add_to(commands: Any) -> None:
    """Add ``lamina diff`` to a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "diff", help="where two runs part", description=DESCRIPTION
    )
    parser.add_argument("first", metavar="RUN1", type=Path, help="folder of a run")
    parser.add_argument("second", metavar="RUN2", type=Path, help="folder of another run")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Compare."""
    found = diff(arguments.first, arguments.second)
    return Answer(str(found), found.as_dict(), 0 if found.same else FOUND)
