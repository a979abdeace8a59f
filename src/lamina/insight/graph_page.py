"""The page of a graph: layers as frames within frames, which fold and unfold."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from .graph_source import Box
from .graph_tree import LEAVES, Group, inside, leaving, shapes_of, spine, tree
from .layout import Edge
from .page_words import words
from .style import asset, document


def graph_page(
    boxes: list[Box], edges: list[Edge], layers: dict[str, str], language: str, depth: int
) -> str:
    """A page that needs no other file.

    Args:
        boxes: of the graph, with parameters inside their operators.
        edges: pairs of places in ``boxes``.
        layers: the class of each layer that a scope names.
        language: of the page's own words.
        depth: layers that lie less deep are open at first.
    """
    say = words(language)
    drawn = Drawn(boxes, edges, tree(boxes, layers), say, depth)
    body = f"""<main class="whole">
<header><h1>{say["graph"]}</h1>{legend(say)}</header>
{drawn.html}
</main>"""
    scripts = asset("graph.js") + "\nnew Graph(document.querySelector('.graph'));"
    style = asset("page.css") + asset("graph.css")
    return document(say["graph"], language, style, body, scripts)


def legend(say: dict[str, str]) -> str:
    """What the colours of boxes mean."""
    kinds = ("operator", "parameter", "variable", "data", "result")
    items = [f'<span class="key {kind}" data-word="{kind}">{say[kind]}</span>' for kind in kinds]
    return f'<p class="legend">{"".join(items)}</p>'


class Drawn:
    """The elements of a graph, for a page that has ``graph.js`` and ``graph.css``.

    Args:
        boxes, edges: parameters are inside their operators.
        top: the same as a tree.
        say: the page's words.
        depth: layers that lie less deep are open at first.
    """

    def __init__(
        self, boxes: list[Box], edges: list[Edge], top: Group, say: dict[str, str], depth: int
    ):
        self.boxes, self.edges, self.say, self.depth = boxes, edges, say, depth
        self.number = {group: i for i, group in enumerate(top.groups())}
        self.links: dict[int, list[Any]] = {}
        self.titles = {
            f"b{i}": inner_title(boxes[i], group)
            for group in top.groups()
            for i in group.items
            if not isinstance(i, Group)
        }
        self.parts = self.group_rows(top)

    @property
    def html(self) -> str:
        """The graph with its buttons."""
        say = self.say
        buttons = [
            f'<button type="button" data-do="{do}" data-title="{word}" title="{say[word]}" '
            f'aria-label="{say[word]}">'
            f"{sign}</button>"
            for do, sign, word in (
                ("in", "+", "zoom in"),
                ("out", "&minus;", "zoom out"),
                ("fit", "&#x2922;", "fit"),
                ("unfold", "&#x229e;", "unfold all"),
                ("fold", "&#x229f;", "fold all"),
            )
            if len(self.number) > 1 or "fold" not in do
        ]
        data = json.dumps(self.links, separators=(",", ":"))
        return f"""<div class="graph">
<div class="tools" role="toolbar" aria-label="{say["graph"]}">{"".join(buttons)}</div>
<div class="view" tabindex="0" role="group" aria-label="{say["graph"]}"><div class="sized"><div \
class="canvas" data-group="0">
<svg class="arrows" aria-hidden="true"></svg>
{self.parts}
</div></div></div>
<script type="application/json" class="links">{data}</script>
</div>"""

    def group_rows(self, group: Group) -> str:
        """The rows inside a group, and all that is in them."""
        here = self.number[group]
        drawn = inside(group, self.number, self.edges)
        self.links[here] = drawn.links
        items = {f"g{self.number[i]}": i for i in group.items if isinstance(i, Group)}
        weight = dict.fromkeys(items, 1)
        weight |= {
            f"b{i}": 1 for i in group.items if not isinstance(i, Group) and self.is_operator(i)
        }
        return "\n".join([self.row(row, items, weight) for row in drawn.rows])

    def is_operator(self, box: int) -> bool:
        """Whether a box computes something."""
        return self.boxes[box].kind not in LEAVES

    def row(self, names: list[str], groups: dict[str, Group], weight: dict[str, int]) -> str:
        """One row; operators stand in its middle."""
        if all(name[0] in "io" for name in names):
            return f'<div class="row ports">{self.cells(names, groups)}</div>'
        left, middle, right = spine(names, weight)
        return (
            f'<div class="row"><div class="left">{self.cells(left, groups)}</div>'
            f'<div class="middle">{self.cells(middle, groups)}</div>'
            f'<div class="right">{self.cells(right, groups)}</div></div>'
        )

    def cells(self, names: Iterable[str], groups: dict[str, Group]) -> str:
        """Items side by side."""
        return "".join([self.cell(name, groups) for name in names])

    def cell(self, name: str, groups: dict[str, Group]) -> str:
        """One item: a layer, a box, or a place where an arrow passes."""
        if name in groups:
            return self.frame(name, groups[name])
        if name[0] == "b":
            return self.box(name, self.boxes[int(name[1:])])
        return f'<i class="{"bend" if name[0] == "x" else "port"}" id="{name}"></i>'

    def box(self, name: str, box: Box) -> str:
        """A box with its title and its shapes."""
        lines = "".join([f"<span>{escape(line)}</span>" for line in box.lines])
        lines = lines.replace("-&gt; ", "&rarr; ")
        return (
            f'<div class="box {box.kind}" id="{name}" title="{escape(box.note)}">'
            f"<b>{escape(self.titles[name])}</b>{lines}</div>"
        )

    def frame(self, name: str, group: Group) -> str:
        """A layer: a button that unfolds it, and its inside."""
        unfolded = len(group.scope) < self.depth
        members = set(group.boxes())
        count = sum(1 for i in members if self.is_operator(i))
        shapes = [s for i in leaving(members, self.edges) for s in shapes_of(self.boxes[i])]
        counted = f'{count} <em data-word="operators">{self.say["operators"]}</em>'
        about = " ".join([counted, *[f"&rarr; {s}" for s in shapes[:2]]])
        return (
            f'<section class="group{" open" if unfolded else ""}" id="{name}" '
            f'data-group="{name[1:]}"><button type="button" class="head" '
            f'aria-expanded="{str(unfolded).lower()}"><b>{escape(inner_path(group))}</b> '
            f"<i>{escape(group.kind)}</i><span>{about}</span></button>"
            f'<div class="inside">{self.group_rows(group)}</div></section>'
        )


def inner_path(group: Group) -> str:
    """The path of a layer as seen from the layer around it."""
    outer = group.scope[-2] if len(group.scope) > 1 else ""
    return group.path.removeprefix(f"{outer}/") if outer else group.path


def inner_title(box: Box, group: Group) -> str:
    """A box's title in the frame of a layer: without the path of that layer.

    An operator alone in a layer, which has no frame, stands there under the layer's path.
    """
    outer = f"{group.path}/" if group.scope else ""
    if box.kind in LEAVES:
        return box.title.removeprefix(outer)
    name, lifted = box.title.rpartition(": ")[2], box.scope[len(group.scope) :]
    return f"{lifted[-1].removeprefix(outer)}: {name}" if lifted else name
