"""Where boxes and arrows lie: a layered drawing, each arrow pointing down.

Rows by the longest way to the end; order in a row by the mean place of neighbours, swept down
and up; then places as close to those of neighbours as widths allow.

Source: K. Sugiyama, S. Tagawa, M. Toda, "Methods for Visual Understanding of Hierarchical System
Structures", 1981. The mean as the order of a row is theirs; the last step, the mean of two packings
to the left and to the right, is ours.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

Edge: TypeAlias = "tuple[int, int]"
Point: TypeAlias = "tuple[float, float]"

ACROSS, DOWN = 22.0, 34.0  # between boxes of a row; between rows
BEND = 10.0  # the width of an arrow that passes a row
STRAIGHT = 7  # how much more a bend is drawn to the next bend than to a box
SWEEPS, PASSES = 12, 40  # more change little in drawings of a hundred boxes


@dataclass(frozen=True)
class Layout:
    """Centres of boxes, and for each edge the points that it passes, from box to box."""

    centres: list[Point]
    routes: list[list[Point]]
    width: float
    height: float


def lay_out(sizes: list[Point], edges: list[Edge]) -> Layout:
    """Place boxes of the given widths and heights.

    Args:
        sizes: one (width, height) a box.
        edges: pairs of boxes, each from a lower number to a higher one.
    """
    rank = _ranks(len(sizes), edges)
    rows, chains = _arranged(rank, edges)
    links = links_of(chains)
    widths = {box: sizes[box][0] if box < len(sizes) else BEND for row in rows for box in row}
    x = _columns(rows, links, widths)
    top, tops, bottoms = 0.0, [], []
    for row in rows:
        tops.append(top)
        bottoms.append(top + max(sizes[box][1] for box in row if box < len(sizes)))
        top = bottoms[-1] + DOWN
    centres = [(x[box], (tops[r] + bottoms[r]) / 2) for box, r in enumerate(rank)]
    routes = [_route(chain, rank, centres, sizes, x, tops, bottoms) for chain in chains]
    return Layout(centres, routes, _width(x, widths), max(bottoms, default=0.0))


def rows_of(
    count: int, edges: list[Edge], first: set[int], last: set[int]
) -> tuple[list[list[int]], list[list[int]]]:
    """Rows and chains without places, for who places boxes otherwise.

    Args:
        count: of boxes.
        edges: pairs of boxes; those between boxes that are in neither set point to a higher number.
        first: boxes that stand in a row of their own, above all others.
        last: the same below.
    Returns:
        The boxes of each row, in order, and for each edge the boxes and bends that it leads along.
        Bends have numbers above those of boxes.
    """
    rank = [1 + r for r in _ranks(count, [e for e in edges if not {*e} & (first | last)])]
    lowest = max((r for i, r in enumerate(rank) if i not in first | last), default=0)
    shift = min((r for i, r in enumerate(rank) if i not in first | last), default=1) - 1
    for i in range(count):
        rank[i] = 0 if i in first else lowest - shift + 1 if i in last else rank[i] - shift
    return _arranged(rank, edges)


def _arranged(rank: list[int], edges: list[Edge]) -> tuple[list[list[int]], list[list[int]]]:
    """Rows with few crossings, and the boxes and bends that each edge leads along."""
    rows: list[list[int]] = [[] for _ in range(max(rank, default=-1) + 1)]
    for box, row in enumerate(rank):
        rows[row].append(box)
    bends: dict[tuple[int, int], int] = {}  # of each box in each row that its edges pass
    chains = [_chain(edge, rank, rows, bends) for edge in edges]
    return _ordered(rows, links_of(chains)), chains


def links_of(chains: list[list[int]]) -> list[Edge]:
    """The pairs that follow one another in chains, each once."""
    return list(dict.fromkeys(link for chain in chains for link in pairwise(chain)))


def _ranks(count: int, edges: list[Edge]) -> list[int]:
    """Rows, counted from the last: each box stands as close above what it leads to as it can."""
    rank = [0] * count
    for a, b in sorted(edges, reverse=True):  # what a leads to has a higher number, and is done
        rank[a] = max(rank[a], rank[b] + 1)
    highest = max(rank, default=0)
    return [highest - r for r in rank]


def _chain(
    edge: Edge, rank: list[int], rows: list[list[int]], bends: dict[tuple[int, int], int]
) -> list[int]:
    """The edge with a bend in each row that it passes. Edges of one box share theirs, as a trunk
    from which they branch; bends have numbers above those of boxes.
    """
    a, b = edge
    chain = [a]
    for row in range(rank[a] + 1, rank[b]):
        if (a, row) not in bends:
            bends[a, row] = len(rank) + len(bends)
            rows[row].append(bends[a, row])
        chain.append(bends[a, row])
    return [*chain, b]


def _ordered(rows: list[list[int]], links: list[Edge]) -> list[list[int]]:
    """The rows in the order with the fewest crossings that was seen."""
    above, below = _neighbours(links)
    best, fewest = rows, _crossings(rows, below)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        rows = [list(row) for row in rows]
        place = {box: i for row in rows for i, box in enumerate(row)}
        for row in rows if down else rows[::-1]:
            near = above if down else below
            mean = {b: _mean([place[n] for n in near.get(b, [])], place[b]) for b in row}
            row.sort(key=mean.__getitem__)
            place |= {box: i for i, box in enumerate(row)}
        crossings = _crossings(rows, below)
        if crossings < fewest:
            best, fewest = rows, crossings
    return best


def _neighbours(links: list[Edge]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    above: dict[int, list[int]] = {}
    below: dict[int, list[int]] = {}
    for a, b in links:
        above.setdefault(b, []).append(a)
        below.setdefault(a, []).append(b)
    return above, below


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(rows: list[list[int]], below: dict[int, list[int]]) -> int:
    """How many links cross: inversions, row by row."""
    count = 0
    for upper, lower in pairwise(rows):
        place = {box: i for i, box in enumerate(lower)}
        seen: list[int] = []
        for box in upper:
            ends = sorted(place[n] for n in below.get(box, []))
            count += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count


def _columns(
    rows: list[list[int]], links: list[Edge], widths: dict[int, float]
) -> dict[int, float]:
    """The middle of each box and bend."""
    above, below = _neighbours(links)
    light = {box for box in widths if not above.get(box) and len(below.get(box, [])) == 1}
    near = {box: above.get(box, []) + below.get(box, []) for box in widths}
    near = {box: [n for n in around if n not in light] or around for box, around in near.items()}
    for box, around in near.items():
        if widths[box] == BEND:  # arrows run straight where they can
            around += [n for n in around if widths[n] == BEND] * STRAIGHT
    x = {box: i * 100.0 for row in rows for i, box in enumerate(row)}
    for turn in range(PASSES):
        for row in rows if turn % 2 == 0 else rows[::-1]:
            wish = [_mean([x[n] for n in near[box]], x[box]) for box in row]
            sizes = [widths[box] for box in row]
            _beside(wish, [box in light for box in row], sizes)
            x |= zip(row, _packed(wish, sizes))
    least = min((x[box] - widths[box] / 2 for box in x), default=0.0)
    return {box: value - least for box, value in x.items()}


def _beside(wish: list[float], light: list[bool], widths: list[float]) -> None:
    """Let what only starts one arrow wish to stand beside the next box that does more: so data
    and parameters move no operator out of its line.
    """
    heavy = [i for i, is_light in enumerate(light) if not is_light]
    for i, is_light in enumerate(light):
        if is_light and heavy:
            next_to = min(heavy, key=lambda k: abs(k - i))
            first, last = min(i, next_to), max(i, next_to)
            gap = sum((a + b) / 2 + ACROSS for a, b in pairwise(widths[first : last + 1]))
            wish[i] = wish[next_to] + (gap if i > next_to else -gap)


def _packed(wish: list[float], widths: list[float]) -> list[float]:
    """Places in this order that do not overlap, near to what is wished."""
    gaps = [(a + b) / 2 + ACROSS for a, b in pairwise(widths)]
    right, left = list(wish), list(wish)
    for i, gap in enumerate(gaps):
        right[i + 1] = max(right[i + 1], right[i] + gap)
    for i, gap in reversed(list(enumerate(gaps))):
        left[i] = min(left[i], left[i + 1] - gap)
    return [(a + b) / 2 for a, b in zip(left, right)]  # both keep the gaps, so their mean does


def _route(
    chain: list[int],
    rank: list[int],
    centres: list[Point],
    sizes: list[Point],
    x: dict[int, float],
    tops: list[float],
    bottoms: list[float],
) -> list[Point]:
    start, end = chain[0], chain[-1]
    points = [(x[start], centres[start][1] + sizes[start][1] / 2)]
    for row, bend in enumerate(chain[1:-1], rank[start] + 1):
        points += [(x[bend], tops[row]), (x[bend], bottoms[row])]
    return [*points, (x[end], centres[end][1] - sizes[end][1] / 2)]


def _width(x: dict[int, float], widths: dict[int, float]) -> float:
    return max((x[box] + widths[box] / 2 for box in x), default=0.0)
