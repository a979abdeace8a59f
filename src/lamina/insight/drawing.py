"""The graph behind a Variable, as a picture: operators, parameters and data, with their shapes."""

# pyright: reportPrivateUsage=false
# (it reads the graph)

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from ..core import Variable
from ..core.backward import newest
from ..core.function import Node, Port
from ..errors import DTypeError, GraphError, RangeError
from ..files import atomic_write
from ..parameter import Parameter
from .layout import Edge, Layout, lay_out
from .style import PAGE, PAGE_STYLE, STYLE

LETTER, LINE, MARGIN = 7.3, 17.0, 12.0  # of a monospaced font of 12 pixels


@dataclass(frozen=True)
class Box:
    """One box of the picture.

    Args:
        kind: ``"operator"``, ``"parameter"``, ``"variable"`` (a leaf with a gradient), ``"data"``
            (without one), or ``"result"``.
        title: the operator, or the name of what it is.
        lines: shapes.
        note: shown when the pointer rests on it.
    """

    kind: str
    title: str
    lines: tuple[str, ...]
    note: str = ""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in pixels."""
        longest = max(map(len, (self.title, *self.lines)))
        return longest * LETTER + 2 * MARGIN, (1 + len(self.lines)) * LINE + MARGIN


class Graph:
    """The computation behind a Variable; shows as a picture in a notebook.

    Attributes:
        boxes: operators and what they start from, each after what leads to it.
        edges: pairs of positions in ``boxes``.
    """

    def __init__(self, boxes: list[Box], edges: list[Edge]):
        self.boxes, self.edges = boxes, edges

    @property
    def svg(self) -> str:
        """The picture, as SVG text that stands alone."""
        return _svg(self.boxes, self.edges)

    @property
    def html(self) -> str:
        """A page that needs no other file and no network: operators, or folded by layer."""
        folded = self.folded()
        return PAGE.format(
            title=f"Graph of {len(self.boxes)} boxes",
            style=PAGE_STYLE,
            operators=self.svg,
            layers=folded.svg,
            boxes=len(self.boxes),
            fewer=len(folded.boxes),
        )

    def folded(self) -> Graph:
        """The same with parameters inside the operators that use them, under their layer's path."""
        users: dict[int, list[int]] = {}
        for a, b in self.edges:
            if self.boxes[a].kind == "parameter":
                users.setdefault(b, []).append(a)
        kept = [
            i for i, box in enumerate(self.boxes) if box.kind != "parameter" or len(self.boxes) == 1
        ]
        place = {i: k for k, i in enumerate(kept)}
        boxes = [
            _with_parameters(self.boxes[i], [self.boxes[p] for p in users.get(i, [])]) for i in kept
        ]
        edges = [(place[a], place[b]) for a, b in self.edges if a in place]
        return Graph(boxes, edges)

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
        operators = sum(1 for box in self.boxes if box.kind in ("operator", "result"))
        others = len(self.boxes) - operators
        return f"Graph({operators} operators, {others} leaves, {len(self.edges)} edges)"


def graph(variable: Variable) -> Graph:
    """The computation behind a Variable as a picture, with shapes.

    Data without a gradient are shown where an operator keeps them for ``backward``; so draw before
    it, which frees what was kept. Parameters have their paths while their model is alive.

    Args:
        variable: a result, such as a loss.
    Returns:
        An object with ``svg``, ``html`` and ``save(path)``.
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
    if not isinstance(variable, Variable):
        raise DTypeError(f"graph: should get a Variable, got {type(variable).__name__}")
    if not variable.requires_grad:
        raise GraphError(
            "graph: nothing was recorded for this Variable: nothing that requires a gradient led "
            "to it, or it was made under no_grad()"
        )
    return _Collector(variable).graph()


class _Collector:
    """Walks from the oldest operator to the newest, and numbers boxes as they are met."""

    def __init__(self, variable: Variable):
        self.variable = variable
        self.boxes: list[Box] = []
        self.edges: list[Edge] = []
        self.place: dict[int, int] = {}  # by id of a Node, a leaf, or an array
        self.held: list[Any] = []  # what has an id there stays alive

    def graph(self) -> Graph:
        for node in list(newest([self.variable._edge]))[::-1]:
            self.add_operator(node)
        if self.variable.is_leaf:
            self.box_of(self.variable, _leaf(self.variable))
        else:
            self.boxes[-1] = _result(self.boxes[-1], self.variable)
        return Graph(self.boxes, self.edges)

    def add_operator(self, node: Node) -> None:
        sources = [self.source(node, i, edge) for i, edge in enumerate(node.edges)]
        several = node.ports is not None
        lines = tuple(map(_shape, node.shape)) if several else (_shape(node.shape),)
        function = node.function
        title = type(function).__name__ if function is not None else "(unchained)"
        here = self.box_of(node, Box("operator", title, lines, f"{function!r} -> {node.dtype}"))
        self.edges += [(source, here) for source in sources if source is not None]

    def source(self, node: Node, i: int, edge: Any) -> int | None:
        """The box that an operand comes from; None where nobody knows."""
        if isinstance(edge, Port):
            return self.place[id(edge.node)]
        if isinstance(edge, Node):
            return self.place[id(edge)]
        if edge is not None:
            return self.box_of(edge, _leaf(edge))
        keeps = node.function._keeps if node.function is not None else ()
        kept = node.saved[keeps.index(i)] if node.saved and i in keeps else None
        if not isinstance(kept, Variable):
            return None
        return self.box_of(
            kept._data, Box("data", kept.name or "data", (_shape(kept.shape),), str(kept.dtype))
        )

    def box_of(self, thing: Any, box: Box) -> int:
        if id(thing) not in self.place:
            self.place[id(thing)] = len(self.boxes)
            self.boxes.append(box)
            self.held.append(thing)
        return self.place[id(thing)]


def _leaf(leaf: Variable) -> Box:
    kind = "parameter" if isinstance(leaf, Parameter) else "variable"
    return Box(kind, leaf.name or kind, (_shape(leaf.shape),), f"{kind}, {leaf.dtype}")


def _result(box: Box, variable: Variable) -> Box:
    value = f"{variable.item():.6g}" if variable.size == 1 else ""
    text = " = ".join(filter(None, [variable.name or "", value]))
    return replace(box, kind="result", lines=(*box.lines, text) if text else box.lines)


def _shape(shape: Any) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def _with_parameters(box: Box, parameters: list[Box]) -> Box:
    if not parameters:
        return box
    layer = parameters[0].title.rpartition("/")[0]
    inside = tuple(f"{p.title.rpartition('/')[2]} {p.lines[0]}" for p in parameters)
    title = f"{layer}: {box.title}" if layer else box.title
    return replace(box, title=title, lines=(*inside, *(f"-> {line}" for line in box.lines)))


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
    corner = 8 if box.kind in ("operator", "result") else 0
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
