"""Arrays from files: ``.npy``, ``.npz``, and tables of numbers in ``.csv``."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ...arrays import Array
from ...errors import CorruptFileError
from ...files import load_npz

ENDINGS = (".npy", ".npz", ".csv")


def read_arrays(path: Path) -> list[Array]:
    """The arrays of a file, in order; a table is one.

    Raises:
        CorruptFileError: it holds something else, or is damaged.
        OSError: it cannot be read.
    """
    if path.suffix == ".npz":
        return list(load_npz(path)[0].values())
    if path.suffix == ".csv":
        return [read_table(path)]
    if path.suffix != ".npy":
        raise CorruptFileError(f"{path}: should end in .npy, .npz or .csv")
    try:
        return [np.load(path, allow_pickle=False)]
    except (ValueError, EOFError) as error:
        raise CorruptFileError(f"{path}: is no array of NumPy: {error}") from None


def read_table(path: Path) -> Array:
    """``(rows, columns)``, float64, of a CSV file; a first line of names is left out.

    Raises:
        CorruptFileError: a cell is no number, or rows differ in length.
        OSError: it cannot be read.
    """
    rows: list[list[float]] = []
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        for cells in reader:
            if not cells or (reader.line_num == 1 and not any(map(_is_number, cells))):
                continue
            rows.append([_number(path, reader.line_num, i, cell) for i, cell in enumerate(cells)])
            if len(rows[-1]) != len(rows[0]):
                raise CorruptFileError(
                    f"{path}, line {reader.line_num}: should have {len(rows[0])} cells, as the "
                    f"first row, got {len(rows[-1])}"
                )
    if not rows:
        raise CorruptFileError(f"{path}: holds no row of numbers")
    return np.array(rows)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(path: Path, line: int, column: int, cell: str) -> float:
    if not _is_number(cell):
        raise CorruptFileError(f"{path}, line {line}: cell {column + 1}, {cell!r}, is no number")
    return float(cell)
