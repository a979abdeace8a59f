"""What every operator promises, over every row of every table: tests/functions/cases_*.py."""

from __future__ import annotations

import pytest

import lamina.functions as F
from functions.tables import ROWS
from lamina.check import PROMISES, Case

PUBLIC = {name: f for name, f in vars(F).items() if callable(f) and not name.startswith("_")}


@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_operator_keeps_its_promise(row: Case, promise: str) -> None:
    PROMISES[promise](row)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_operator_has_a_row(name: str) -> None:
    assert any(row.name.split()[0] == name for row in ROWS), f"give {name} a row in a table"
