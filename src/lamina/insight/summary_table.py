"""Tables: as plain text, by rich where it is installed, and as HTML."""

from __future__ import annotations

import html
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from ..errors import DependencyError

NONE: Mapping[str, str] = {}


@dataclass(frozen=True)
class Table:
    """Rows of text below a head, and lines that follow.

    Attributes:
        head: names of the columns.
        rows: as many cells each.
        foot: lines below.
        words: how many columns, the first ones, are words and not figures.
        title: what it shows.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    foot: Sequence[str] = field(default_factory=list)
    words: int = 1
    title: str = ""

    def text(self) -> str:
        """Columns of equal width: words to the left, figures to the right."""
        lines = [list(self.head), *map(list, self.rows)]
        widths = [max([len(line[i]) for line in lines]) for i in range(len(self.head))]
        drawn = [self._line(line, widths) for line in lines]
        rule = "-" * max(map(len, drawn))
        top = [self.title, rule] if self.title else []
        return "\n".join([*top, drawn[0], rule, *drawn[1:], rule, *self.foot])

    def _line(self, cells: list[str], widths: list[int]) -> str:
        placed = [
            cell.ljust(width) if i < self.words else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(placed).rstrip()

    def rich(self) -> Any:
        """The table as an object that rich draws.

        Raises:
            DependencyError: if rich is not installed.
        """
        if not has_rich():
            raise DependencyError(
                "table: rich is not installed; pip install 'lamina[cli]', or print the plain text"
            )
        from rich import box
        from rich.console import Group
        from rich.table import Table as Drawn
        from rich.text import Text

        drawn = Drawn(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        drawn.title, drawn.title_justify = self.title or None, "left"
        for i, name in enumerate(self.head):
            figures = i >= self.words
            drawn.add_column(
                name,
                justify="right" if figures else "left",
                no_wrap=figures,
                overflow="fold",
                min_width=len(name) if figures else 6,
                style="cyan" if i == 0 else None,
            )
        for row in self.rows:
            drawn.add_row(*map(Text, row))  # brackets of a path are no markup
        return Group(drawn, *[Text(line) for line in self.foot])

    def html(self, heads: Mapping[str, str] = NONE) -> str:
        """A ``<table class="lamina-table">`` and a paragraph for each line below.

        Args:
            heads: what columns are called in another language.
        """
        names = [heads.get(name, name) for name in self.head]
        head = "".join([self._cell("th", i, name) for i, name in enumerate(names)])
        rows = [
            "<tr>" + "".join([self._cell("td", i, cell) for i, cell in enumerate(row)]) + "</tr>"
            for row in self.rows
        ]
        title = f"<caption>{html.escape(self.title)}</caption>" if self.title else ""
        foot = "".join([f"<p>{html.escape(line)}</p>" for line in self.foot])
        return (
            f'<table class="lamina-table">{title}<thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table>{foot}"
        )

    def _cell(self, tag: str, i: int, text: str) -> str:
        side = ' style="text-align:right"' if i >= self.words else ' style="text-align:left"'
        return f"<{tag}{side}>{html.escape(text)}</{tag}>"


class Shown:
    """What has tables: it prints, shows in a notebook, and is drawn by rich."""

    def tables(self) -> list[Table]:
        """What is shown."""
        raise NotImplementedError

    def __str__(self) -> str:
        return "\n\n".join([table.text() for table in self.tables()])

    __repr__ = __str__

    def html(self, heads: Mapping[str, str] = NONE) -> str:
        """All tables; see `Table.html`."""
        return "".join([table.html(heads) for table in self.tables()])

    _repr_html_ = html

    def __rich__(self) -> Any:
        drawn = [table.rich() for table in self.tables()]
        from rich.console import Group

        return Group(*drawn)

    def show(self) -> None:
        """Print it: by rich in a terminal, where it is installed, else as plain text."""
        if sys.stdout.isatty() and has_rich():
            from rich import print as draw

            draw(self)
        else:
            print(self)


def has_rich() -> bool:
    """Whether rich is installed."""
    return find_spec("rich") is not None
