"""Layers within layers: the boxes of a graph as a tree, and what stands in which row of a layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeAlias

from .graph_source import Box, Scope
from .layout import Edge, rows_of

Item: TypeAlias = "int | Group"
LEAVES = ("parameter", "variable", "data")


@dataclass(eq=False)
class Group:
    """What one call of a layer did.

    Attributes:
        scope: the layer's path, last, and those of the layers around it; empty for the whole.
        kind: its class.
        items: positions of boxes, and inner groups, in order.
    """

    scope: Scope
    kind: str
    items: list[Item] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The path of the layer."""
        return self.scope[-1] if self.scope else ""

    def boxes(self) -> Iterator[int]:
        """All boxes inside, at any depth."""
        for item in self.items:
            if isinstance(item, Group):
                yield from item.boxes()
            else:
                yield item

    def groups(self) -> Iterator[Group]:
        """This one and those inside, outer before inner."""
        yield self
        for item in self.items:
            if isinstance(item, Group):
                yield from item.groups()


def tree(boxes: list[Box], layers: dict[str, str]) -> Group:
    """The boxes as they lie in layers. A layer that applies one operator is no group of its own."""
    top = Group((), "")
    stack = [top]
    for i, box in enumerate(boxes):
        while stack[-1].scope != box.scope[: len(stack) - 1]:
            stack.pop()
        for depth in range(len(stack), len(box.scope) + 1):
            scope = box.scope[:depth]
            stack[-1].items.append(inner := Group(scope, layers.get(scope[-1], "")))
            stack.append(inner)
        stack[-1].items.append(i)
    _lift(top, boxes)
    return top


def _lift(group: Group, boxes: list[Box]) -> None:
    """Put what layers of one operator hold into the layer around them, at any depth."""
    items: list[Item] = []
    for item in group.items:
        if isinstance(item, Group):
            _lift(item, boxes)
            if sum(1 for i in item.boxes() if boxes[i].kind not in LEAVES) <= 1:
                items += item.boxes()
                continue
        items.append(item)
    group.items = items


def at_depth(
    boxes: list[Box], edges: list[Edge], top: Group, depth: int | None
) -> tuple[list[Box], list[Edge]]:
    """A graph in which layers ``depth`` deep, counted from 1, are one box each; None: all open."""
    kept: list[Box] = []
    place: dict[int, int] = {}
    for item in _open(top, depth, 1):
        inside = list(item.boxes()) if isinstance(item, Group) else [item]
        place |= dict.fromkeys(inside, len(kept))
        kept.append(_folded(item, boxes, edges) if isinstance(item, Group) else boxes[item])
    moved = [(place[a], place[b]) for a, b in edges if place[a] != place[b]]
    return kept, moved if depth is None else list(dict.fromkeys(moved))


def _open(group: Group, depth: int | None, level: int) -> Iterator[Item]:
    for item in group.items:
        if isinstance(item, Group) and (depth is None or level < depth):
            yield from _open(item, depth, level + 1)
        else:
            yield item


def _folded(group: Group, boxes: list[Box], edges: list[Edge]) -> Box:
    inside = set(group.boxes())
    count = sum(1 for i in inside if boxes[i].kind not in LEAVES)
    shapes = [f"-> {line}" for i in leaving(inside, edges) for line in shapes_of(boxes[i])]
    title = f"{group.path}: {group.kind}" if group.kind else group.path
    results = any(boxes[i].kind == "result" for i in inside)
    note = f"{group.kind} at {group.path}"
    lines = (f"{count} operators", *shapes)
    return Box("result" if results else "layer", title, lines, note, group.scope)


def leaving(inside: set[int], edges: list[Edge]) -> list[int]:
    """The boxes inside whose results are used outside; or the last one."""
    return sorted({a for a, b in edges if a in inside and b not in inside}) or [max(inside)]


def shapes_of(box: Box) -> list[str]:
    """The shapes of an operator's results among its lines."""
    lines = [line.removeprefix("-> ") for line in box.lines]
    return [line for line in lines if line.startswith("(")]


def with_parameters(
    boxes: list[Box], edges: list[Edge]
) -> tuple[list[Box], list[Edge], dict[int, int]]:
    """Parameters inside the operators that use them, under their layer's path.

    Returns:
        Boxes, edges, and the new place of each box that is still one.
    """
    users: dict[int, list[int]] = {}
    for a, b in edges:
        if boxes[a].kind == "parameter":
            users.setdefault(b, []).append(a)
    kept = [i for i, box in enumerate(boxes) if box.kind != "parameter" or len(boxes) == 1]
    place = {i: k for k, i in enumerate(kept)}
    inside = {i: [boxes[p] for p in users.get(i, [])] for i in kept}
    moved = [(place[a], place[b]) for a, b in edges if a in place]
    return [_holding(boxes[i], inside[i]) for i in kept], moved, place


def _holding(box: Box, parameters: list[Box]) -> Box:
    if not parameters:
        return box
    layer = parameters[0].title.rpartition("/")[0]
    names = tuple(f"{p.title.rpartition('/')[2]} {p.lines[0]}" for p in parameters)
    title = f"{layer}: {box.title}" if layer else box.title
    return replace(box, title=title, lines=(*names, *(f"-> {line}" for line in box.lines)))


# -- what stands in which row --------------------------------------------------------------------


@dataclass
class Inside:
    """How the inside of a group is drawn.

    Attributes:
        rows: from top to bottom; each item is a name: ``b7`` a box, ``g2`` a group, ``i7.2`` where
            what box 7 gives enters group 2, ``o7.2`` where it leaves, ``x5.2`` a bend of an arrow.
        links: pieces of arrows: the boxes whose results they stand for, and the names between
            which they lead. Exactly one leads to a bend.
    """

    rows: list[list[str]]
    links: list[tuple[list[int], str, str]]


def inside(group: Group, number: dict[Group, int], edges: list[Edge]) -> Inside:
    """Rows and arrows of one group; its inner groups are single items here.

    Args:
        group: which one.
        number: of each group, for the names.
        edges: of all boxes.
    """
    names = [f"g{number[i]}" if isinstance(i, Group) else f"b{i}" for i in group.items]
    holder = {
        box: k
        for k, item in enumerate(group.items)
        for box in (item.boxes() if isinstance(item, Group) else [item])
    }
    here, ports = number[group], dict[str, int]()
    arrows: dict[Edge, dict[int, None]] = {}  # between items, with the boxes that they start from

    def port(kind: str, box: int) -> int:
        return ports.setdefault(f"{kind}{box}.{here}", len(names) + len(ports))

    for a, b in edges:
        if a in holder or b in holder:
            start = holder[a] if a in holder else port("i", a)
            end = holder[b] if b in holder else port("o", a)
            if start != end:
                arrows.setdefault((start, end), {})[a] = None
    names += ports
    first = {i for name, i in ports.items() if name[0] == "i"}
    rows, chains = rows_of(len(names), list(arrows), first, {*ports.values()} - first)

    def name(i: int) -> str:
        return names[i] if i < len(names) else f"x{i}.{here}"

    links: dict[Edge, dict[int, None]] = {}
    for starts, chain in zip(arrows.values(), chains):
        for link in pairwise(chain):
            links.setdefault(link, {}).update(starts)
    named = [(list(starts), name(a), name(b)) for (a, b), starts in links.items()]
    return Inside([[name(i) for i in row] for row in rows if row], named)


def spine(row: list[str], weight: dict[str, int]) -> tuple[list[str], list[str], list[str]]:
    """A row in three parts: what stands in the middle, all operators, and what is beside them."""
    heavy = [i for i, name in enumerate(row) if weight.get(name, 0) > 0]
    if not heavy:
        return [], row, []
    return row[: heavy[0]], row[heavy[0] : heavy[-1] + 1], row[heavy[-1] + 1 :]
