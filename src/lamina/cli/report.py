"""``lamina report``: a run as one page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..report import write
from ..report.words import LANGUAGES
from .answer import Answer

DESCRIPTION = """\
Write one HTML page about a run, or about several side by side: curves, config,
environment, statistics of layers, samples. It needs no network.

  lamina report runs/digits
  lamina report runs/a runs/b --out both.html --language zh"""


def add_to(commands: Any) -> None:
    """Add ``lamina report`` to a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "report", help="a run, or several side by side, as one HTML page", description=DESCRIPTION
    )
    parser.add_argument("folders", metavar="RUN", type=Path, nargs="+", help="folders of runs")
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="default: report.html in the folder of the runs"
    )
    parser.add_argument(
        "--language", choices=list(LANGUAGES), default="en", help="en (default), or zh for Chinese"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> Answer:
    """Write the page."""
    path = write(arguments.folders, arguments.out, arguments.language)
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    size = path.stat().st_size
    data = {"file": str(path), "bytes": size, "runs": list(map(str, arguments.folders))}
    return Answer(f"{path}: {size / 1000:,.0f} kB, one page that needs no network", data)
