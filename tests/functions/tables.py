"""All rows of all tables: tests/functions/cases_*.py."""

from __future__ import annotations

import importlib
from pathlib import Path

from lamina.check import Case

TABLES = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))

ROWS: list[Case] = [
    row for table in TABLES for row in importlib.import_module(f"functions.{table}").CASES
]

RANDOM = {
    row.name
    for table in ("cases_noise", "cases_sample")
    for row in importlib.import_module(f"functions.{table}").CASES
}
"""Names of rows that draw random numbers, each time after the seed was set anew."""
