"""HTML in which every word that is not said to be markup is escaped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from math import isfinite

EMPTY = {"meta", "link", "input", "img", "br", "col"}  # elements without an end


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = str | None | Sequence["Content"]


def tag(name: str, /, *content: Content, **attributes: str | bool | int | None) -> Markup:
    """An element.

    Args:
        name: of the element.
        *content: `Markup`, which is taken as it is; text, which is escaped; None, which is nothing;
            sequences of these.
        **attributes: ``class_`` is ``class``, other underscores are hyphens; True is an attribute
            without a value, and None and False are none.
    Example:
        >>> tag("b", "<script>", title='"', hidden=True)
        '<b title="&quot;" hidden>&lt;script&gt;</b>'
    """
    words = [_attribute(key, value) for key, value in attributes.items()]
    start = f"<{name}{''.join(words)}>"
    return Markup(start if name in EMPTY else f"{start}{join(content)}</{name}>")


def _attribute(key: str, value: str | bool | int | None) -> str:
    if value is None or value is False:
        return ""
    name = key.removesuffix("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def join(content: Content) -> Markup:
    """Content, one behind the other."""
    if content is None:
        return Markup()
    if isinstance(content, str):
        return content if isinstance(content, Markup) else Markup(escape(content))
    return Markup("".join(map(join, content)))


def figure(value: float) -> str:
    """A number in four places; the script has the same function.

    Example:
        >>> [figure(v) for v in (0.123456, 1437.0, 12345.6, 2345678.0, 0.00001234, 0.0)]
        ['0.1235', '1437', '12350', '2.346e6', '1.234e-5', '0']
    """
    if not isfinite(value):
        return "NaN" if value != value else "∞" if value > 0 else "−∞"
    if value and not 1e-4 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    rounded = float(f"{value:.4g}")
    return str(int(rounded)) if rounded == int(rounded) else f"{rounded:.10g}"


def percent(value: float) -> str:
    """A share.

    Example:
        >>> percent(0.98611)
        '98.6 %'
    """
    return f"{100 * value:.1f} %"


def duration(seconds: float) -> str:
    """A time, as a clock shows it where it is a minute or more.

    Example:
        >>> duration(3.14159), duration(75), duration(3725)
        ('3.1 s', '1:15', '1:02:05')
    """
    if not isfinite(seconds) or seconds < 0:
        return "?"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def shown(value: object, most: int) -> str:
    """A value of JSON as text, cut to a length."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, float):
        text = repr(value)
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else text[: most - 1] + "…"


def data(value: object) -> Markup:
    """JSON that can stand inside a ``script`` element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
