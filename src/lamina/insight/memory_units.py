"""Bytes as people write them."""

from __future__ import annotations

import re
from typing import Any

from ..errors import RangeError

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
DECIMAL = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
SIZES = {unit: 1024**i for i, unit in enumerate(UNITS)} | DECIMAL


def shown_bytes(count: int) -> str:
    """Bytes in the unit that suits.

    Example:
        >>> shown_bytes(3_250_586)
        '3.1 MiB'
    """
    size, unit = float(count), 0
    while abs(size) >= 1024 and unit < len(UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.0f} B" if unit == 0 else f"{size:.1f} {UNITS[unit]}"


def read_bytes(text: Any) -> int:
    """``"8 GiB"`` or a number of bytes, as a number of bytes.

    Raises:
        RangeError: if it is neither, or not over 0.
    Example:
        >>> read_bytes("1.5 KiB"), read_bytes("2 GB"), read_bytes(4096)
        (1536, 2000000000, 4096)
    """
    if isinstance(text, int) and not isinstance(text, bool) and text > 0:
        return text
    found = re.fullmatch(
        r"\s*(\d+\.?\d*|\.\d+)\s*([A-Za-z]+)\s*", text if isinstance(text, str) else ""
    )
    names = {name.lower(): size for name, size in SIZES.items()}
    size = names.get(found[2].lower()) if found else None
    if found is None or size is None or float(found[1]) * size < 1:
        raise RangeError(
            f"memory: should be a number of bytes or a text such as '8 GiB', got {text!r:.60}; "
            f"units are {', '.join(SIZES)}"
        )
    return int(float(found[1]) * size)
