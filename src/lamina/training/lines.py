"""Files of JSON, one object a line: appended to while training runs, and read back."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, CheckpointWriteError

encode_finite = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode


def encode(record: dict[str, Any]) -> str:
    """One line, without its end. JSON knows no NaN and no infinity: they become ``null``."""
    try:
        return encode_finite(record)
    except ValueError:
        return encode_finite(finite(record))


def finite(value: Any) -> Any:
    """``value`` with None where a number is not finite."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def read(path: Path) -> list[dict[str, Any]]:
    """All records of a file; none, if it is not there.

    A last line that is not whole was being written when its process ended: it is left out.

    Raises:
        CheckpointError: another line is damaged.
    """
    return [record for _, record in located(path)]


def located(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each record, with the position behind it."""
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        return
    with file:
        position, torn = 0, None
        for number, line in enumerate(file, start=1):
            if torn is not None:
                raise CheckpointError(f"{path}: line {torn} is damaged: it is no JSON object")
            position += len(line)
            record = _decoded(line)
            if record is None:
                torn = number
            else:
                yield position, record


def _decoded(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and line.endswith(b"\n") else None


def sync(path: Path) -> None:
    """Wait until what was written to a file, whoever did it, is on the disk itself.

    Raises:
        CheckpointWriteError: the disk refused.
    """
    try:
        with open(path, "r+b", buffering=0) as file:  # Windows wants it open for writing
            os.fsync(file.fileno())
    except OSError as error:
        text = f"{path}: {error.strerror}; its lines may not survive a loss of power"
        raise CheckpointWriteError(error.errno, text, str(path)) from error


def cut(path: Path, iteration: int, epoch: int) -> None:
    """Cut off what was written after a step, and behind the end of an epoch that is not yet over.

    Args:
        path: the file; nothing is done if there is none.
        iteration: steps that were done.
        epoch: epochs that were done.
    Raises:
        CheckpointError: a line before is damaged.
    """
    if not path.exists():
        return
    end = 0
    for position, record in located(path):
        if record.get("iteration", 0) > iteration or record.get("epoch", 0) > epoch:
            break
        end = position
    if end < path.stat().st_size:
        os.truncate(path, end)
