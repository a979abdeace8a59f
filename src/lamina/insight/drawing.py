"""The graph behind a Variable, as a picture: operators, parameters and data, with their shapes."""

from __future__ import annotations

import os
from collections.abc import Callable
from html import escape

from ..core import Variable
from ..errors import RangeError
from ..files import atomic_write
from .graph_page import graph_page
from .graph_source import LINE, MARGIN, Box, read
from .graph_tree import at_depth, tree, with_parameters
from .layout import Edge, Layout, lay_out
from .style import STYLE


class Graph:
    """The computation behind a Variable; shows as a picture in a notebook.

    Attributes:
        boxes: operators and what they start from, each after what leads to it.
        edges: pairs of positions in ``boxes``.
        layers: the class of each layer, by its path.
    """

    def __init__(self, boxes: list[Box], edges: list[Edge], layers: dict[str, str] | None = None):
        self.boxes, self.edges, self.layers = boxes, edges, layers or {}

    @property
    def svg(self) -> str:
        """The picture, as SVG text that stands alone."""
        return _svg(self.boxes, self.edges)

    @property
    def html(self) -> str:
        """A page that needs no other file and no network: layers that unfold, in one another."""
        return self.page()

    def page(self, language: str = "en", depth: int = 1) -> str:
        """The page of `html`.

        Args:
            language: ``"en"`` or ``"zh"``.
            depth: layers that lie less deep are open at first.
        Raises:
            RangeError: the page has no such language.
        """
        boxes, edges, _ = with_parameters(self.boxes, self.edges)
        return graph_page(boxes, edges, self.layers, language, depth)

    def folded(self, depth: int | None = None) -> Graph:
        """The same with parameters inside the operators that use them, under their layer's path.

        Args:
            depth: a layer that lies this deep, counted from 1, becomes one box; None: no layer
                does.
        Raises:
            RangeError: depth is below 1.
        """
        if depth is not None and depth < 1:
            raise RangeError(f"folded: depth should be 1 or more, or None, got {depth}")
        boxes, edges, _ = with_parameters(self.boxes, self.edges)
        top = tree(boxes, self.layers)
        return Graph(*at_depth(boxes, edges, top, depth), self.layers)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture (``.svg``) or the page (``.html``).

        Raises:
            RangeError: the path ends otherwise.
            CheckpointWriteError: the disk refuses.
        """
        kind = os.path.splitext(os.fspath(path))[1].lower()
        if kind not in (".svg", ".html"):
            raise RangeError(f"graph: a path should end in .svg or .html, got {os.fspath(path)!r}")
        text = self.svg if kind == ".svg" else self.html
        atomic_write(path, lambda file: file.write(text.encode()))

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        operators = sum(1 for box in self.boxes if box.kind in ("operator", "result", "layer"))
        others = len(self.boxes) - operators
        return f"Graph({operators} operators, {others} leaves, {len(self.edges)} edges)"


def graph(variable: Variable | Callable[[], Variable]) -> Graph:
    """The computation behind a Variable as a picture, with shapes.

    Data without a gradient are shown where an operator keeps them for ``backward``; so draw before
    it, which frees what was kept. Parameters have their paths while their model is alive.

    Args:
        variable: a result, such as a loss; or a function that computes it. The function is called,
            and each layer seen: so every operator stands in the layer that applied it. Of a result
            alone, only the layers of parameters are known: an operator without one stands in the
            layer that those before and behind it have in common.
    Returns:
        An object with ``svg``, ``html``, ``folded(depth)`` and ``save(path)``.
    Raises:
        DTypeError: it is no Variable.
        GraphError: nothing was recorded for it.
    Example:
        >>> import numpy as np
        >>> from lamina.functions import relu
        >>> from lamina.layers import Linear
        >>> loss = relu(Linear(3)(np.ones((2, 4), np.float32))).sum()
        >>> graph(loss)
        Graph(3 operators, 3 leaves, 5 edges)
    """
    source = read(variable, "graph")
    return Graph(source.boxes, source.edges, source.layers)


# -- the text of a picture -----------------------------------------------------------------------


def _svg(boxes: list[Box], edges: list[Edge]) -> str:
    layout = lay_out([box.size for box in boxes], edges)
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lamina-graph" role="img" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="{-MARGIN:g} {-MARGIN:g} '
        f'{width:.1f} {height:.1f}">',
        f"<title>Graph of {len(boxes)} boxes</title><style>{STYLE}</style>",
        *[_arrow(edge, layout.routes[i]) for i, edge in enumerate(edges)],
        *[_drawn(i, box, layout) for i, box in enumerate(boxes)],
    ]
    return "\n".join([*lines, "</svg>"])


def _arrow(edge: Edge, route: list[tuple[float, float]]) -> str:
    (x, y), path = route[0], [f"M{route[0][0]:.1f} {route[0][1]:.1f}"]
    for i, (to_x, to_y) in enumerate(route[1:]):
        middle = (y + to_y) / 2
        curve = f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
        path.append(f"V{to_y:.1f}" if i % 2 else curve)  # every second one passes a row
        x, y = to_x, to_y
    head = f"M{x - 3.5:.1f} {y - 7:.1f}L{x:.1f} {y:.1f}L{x + 3.5:.1f} {y - 7:.1f}Z"
    return (
        f'<g class="edge" data-from="{edge[0]}" data-to="{edge[1]}">'
        f'<path class="line" d="{"".join(path)}"/><path class="head" d="{head}"/></g>'
    )


def _drawn(i: int, box: Box, layout: Layout) -> str:
    (x, y), (width, height) = layout.centres[i], box.size
    corner = 8 if box.kind in ("operator", "result", "layer") else 0
    first = y - height / 2 + MARGIN / 2 + 12
    texts = [f'<text class="name" x="{x:.1f}" y="{first:.1f}">{escape(box.title)}</text>']
    texts += [
        f'<text x="{x:.1f}" y="{first + LINE * (k + 1):.1f}">{escape(line)}</text>'
        for k, line in enumerate(box.lines)
    ]
    return (
        f'<g class="node {box.kind}" data-id="{i}"><title>{escape(box.note)}</title>'
        f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" rx="{corner}"/>{"".join(texts)}</g>'
    )
