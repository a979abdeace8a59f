"""Tables: columns with names, from CSV files."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays import Array
from ..config import current
from ..errors import CorruptFileError, DTypeError, RangeError

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""What stands for a value that is not there, in small letters."""

Fill = Mapping[str, Any]


class Table:
    """Columns of one length, by name. Its items, and the batches of a `Loader`, are dicts.

    Args:
        columns: an array ``(n,)`` for each name: integers, floating numbers, or codes of
            ``categories``.
        categories: for columns of text, the words that the codes 0, 1, ... stand for.
    Example:
        >>> columns = {"age": np.array([31, 45]), "city": np.array([1, 0])}
        >>> table = Table(columns, {"city": ["A", "B"]})
        >>> {name: int(value) for name, value in table[0].items()}
        {'age': 31, 'city': 1}
        >>> table.matrix("age").tolist()
        [[31.0], [45.0]]
    """

    def __init__(
        self, columns: Mapping[str, Array], categories: Mapping[str, Sequence[str]] | None = None
    ):
        self.columns: dict[str, Array] = {name: np.asarray(a) for name, a in columns.items()}
        self.categories: dict[str, list[str]] = {k: list(v) for k, v in (categories or {}).items()}
        lengths = {name: a.shape for name, a in self.columns.items()}
        if not lengths or len(set(lengths.values())) > 1 or len(next(iter(lengths.values()))) != 1:
            raise RangeError(f"Table: columns should be of one length and one axis, got {lengths}")

    @classmethod
    def read(
        cls,
        path: Any,
        *,
        delimiter: str = ",",
        types: Mapping[str, str] | None = None,
        fill: Fill | None = None,
        categories: Mapping[str, Sequence[str]] | None = None,
        encoding: str = "utf-8-sig",
    ) -> Table:
        """The table in a CSV file whose first line holds the names.

        A column whose values are all integers is int64; all numbers, ``current().dtype``, float32;
        anything else is text, kept as codes of its sorted words.

        Args:
            path: of the file.
            delimiter: one character.
            types: ``"integer"``, ``"number"`` or ``"text"`` for columns where that is not to be
                guessed.
            fill: what a missing value of a column becomes: a number, a word, or for numbers
                ``"mean"`` or ``"median"`` of the others. Missing are fields that are empty, or
                ``NA``, ``N/A``, ``NaN``, ``null``, ``None`` or ``?``.
            categories: words of text columns, in the order of their codes: those of the table that
                a model was trained on, for one that it is tried on.
            encoding: of the file.
        Raises:
            CorruptFileError: no header, two columns of one name, a line with another number of
                fields, or bytes that are not in that encoding; with the line.
            RangeError: a value that is missing and not filled, or does not fit its type; with the
                line and the column.
        """
        names, lines, rows = _read(path, delimiter, encoding)
        for what in (types, fill, categories):
            unknown = [name for name in what or () if name not in names]
            if unknown:
                raise RangeError(f"Table: {path} has no column {unknown[0]!r}, but {names}")
        found: dict[str, Any] = {}
        words: dict[str, list[str]] = {}
        for i, name in enumerate(names):
            column = _Column(path, name, [row[i] for row in rows], lines)
            given = (categories or {}).get(name)
            kind = (types or {}).get(name) or ("text" if given is not None else column.guess())
            found[name] = column.filled((fill or {}).get(name), kind)
            if kind == "text":
                words[name] = list(given) if given is not None else sorted(set(found[name]))
                found[name] = column.codes(found[name], words[name])
        return cls(found, words)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self.columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, index: Any) -> Any:
        """Item ``index`` as a dict; a column, for its name."""
        if isinstance(index, str):
            return self._column(index)
        return {name: column[index] for name, column in self.columns.items()}

    def batch(self, indices: Array) -> dict[str, Array]:
        """The rows at ``indices``, as a dict of columns."""
        return self[indices]

    def matrix(self, *names: str, one_hot: bool = True) -> Array:
        """Columns side by side, ``(n, width)``, ``current().dtype``; all if no name is given.

        Args:
            *names: which, in this order.
            one_hot: a column of text becomes a column of 0 and 1 for each of its words; False
                leaves its codes.
        """
        parts = []
        for name in names or self.names:
            column = self._column(name)
            if name in self.categories and one_hot:
                parts.append(column[:, None] == np.arange(len(self.categories[name])))
            else:
                parts.append(column[:, None])
        return np.concatenate([part.astype(current().dtype) for part in parts], axis=1)

    def _column(self, name: str) -> Array:
        if name not in self.columns:
            raise RangeError(f"Table: there is no column {name!r}, but {self.names}")
        return self.columns[name]

    def __repr__(self) -> str:
        kinds = [
            f"{name} ({len(self.categories[name])} words)" if name in self.categories else name
            for name in self.names
        ]
        return f"Table({len(self)} rows: {', '.join(kinds)})"


def _read(path: Any, delimiter: str, encoding: str) -> tuple[list[str], list[int], list[list[str]]]:
    """Names, the line on which each row ends, and the rows."""
    lines, rows = [], []
    with open(path, encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=True)
        try:
            for row in reader:
                if row:  # an empty line is none
                    rows.append(row)
                    lines.append(reader.line_num)
        except (csv.Error, UnicodeDecodeError) as error:
            where = f"{path}, after line {reader.line_num}"
            raise CorruptFileError(f"Table: {where}: {error}") from None
    if not rows:
        raise CorruptFileError(f"Table: {path} is empty: its first line should hold the names")
    names, *rows = rows
    names = [name.strip() for name in names]
    twice = [name for name in names if names.count(name) > 1 or not name]
    if twice:
        raise CorruptFileError(f"Table: {path} has more than one column {twice[0]!r}, or no name")
    for line, row in zip(lines[1:], rows):
        if len(row) != len(names):
            raise CorruptFileError(
                f"Table: {path}, line {line}: {len(row)} fields, and there are {len(names)} columns"
            )
    return names, lines[1:], rows


class _Column:
    """The fields of one column, as text, and what they become."""

    def __init__(self, path: Any, name: str, fields: list[str], lines: list[int]):
        self.path, self.name, self.lines = path, name, lines
        self.fields = [field.strip() for field in fields]
        self.missing = [field.lower() in MISSING for field in self.fields]

    def present(self) -> Iterable[str]:
        return (field for field, missing in zip(self.fields, self.missing) if not missing)

    def guess(self) -> str:
        """The narrowest type that all values have."""
        kind = "integer"
        for field in self.present():
            if kind == "integer" and not _is_integer(field):
                kind = "number"
            if kind == "number" and not _is_number(field):
                return "text"
        return kind if not all(self.missing) else "text"

    def filled(self, fill: Any, kind: str) -> Any:
        """The values: an array of numbers, or a list of words."""
        if fill is None and any(self.missing):
            row = self.missing.index(True)
            raise RangeError(
                f"{self._where(row)}: the value is missing ({self.fields[row]!r}); say what it "
                f"becomes: fill={{{self.name!r}: ...}}"
            )
        if kind == "text":
            return [fill if gone else field for field, gone in zip(self.fields, self.missing)]
        if kind not in ("integer", "number"):
            raise DTypeError(
                f'Table: a type should be "integer", "number" or "text", got {kind!r} for '
                f"{self.name!r}"
            )
        return self._numbers(fill, kind)

    def _numbers(self, fill: Any, kind: str) -> Array:
        fits, parse = (_is_integer, int) if kind == "integer" else (_is_number, float)
        values: list[float] = []
        for row, (field, missing) in enumerate(zip(self.fields, self.missing)):
            if missing:
                values.append(0)
            elif fits(field):
                values.append(parse(field))
            else:
                article = "an" if kind == "integer" else "a"
                raise RangeError(f"{self._where(row)}: {field!r:.60} is not {article} {kind}")
        gone = np.array(self.missing, bool)
        numbers = np.array(values, np.int64 if kind == "integer" else np.float64)
        if gone.any():
            value = self._fill_value(fill, numbers[~gone])
            if kind == "integer" and value != int(value):
                numbers = numbers.astype(np.float64)
            numbers[gone] = value
        return numbers if numbers.dtype.kind == "i" else numbers.astype(current().dtype)

    def _fill_value(self, fill: Any, numbers: Array) -> float:
        if fill in ("mean", "median"):
            if not len(numbers):
                raise RangeError(
                    f"Table: {self.path}, column {self.name!r} has no value to fill it"
                )
            return float(np.mean(numbers) if fill == "mean" else np.median(numbers))
        if isinstance(fill, bool) or not isinstance(fill, (int, float)):
            raise DTypeError(
                f'Table: fill of column {self.name!r} should be a number, "mean" or "median", got '
                f"{fill!r:.60}"
            )
        return fill

    def codes(self, values: list[Any], words: list[str]) -> Array:
        """The place of each value among ``words``."""
        place: dict[Any, int] = {word: code for code, word in enumerate(words)}
        for row, value in enumerate(values):
            if value not in place:
                raise RangeError(f"{self._where(row)}: {value!r:.60} is not one of {words!r:.200}")
        return np.array([place[value] for value in values], np.int64)

    def _where(self, row: int) -> str:
        return f"Table: {self.path}, line {self.lines[row]}, column {self.name!r}"


def _is_integer(field: str) -> bool:
    digits = field[1:] if field[:1] in ("-", "+") else field
    return digits.isascii() and digits.isdigit() and abs(int(field)) < 2**63


def _is_number(field: str) -> bool:
    """What `float` reads, but for digits_with_underscores, digits of other scripts, infinities."""
    try:
        return math.isfinite(float(field)) and field.isascii() and "_" not in field
    except ValueError:
        return False
