"""The picture of a graph: its boxes, its arrows, its names; and where they lie."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import lamina
import lamina.functions as F
import lamina.layers as L
from lamina import Parameter, Variable
from lamina.errors import DTypeError, GraphError, RangeError
from lamina.insight import graph
from lamina.insight.layout import lay_out, rows_of

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def loss() -> Iterator[Variable]:
    """Of two layers; the model lives as long, for it gives its parameters their names."""
    model = L.Sequential(L.Linear(16), F.relu, L.Linear(3))
    x = np.ones((8, 6), np.float32)
    yield F.softmax_cross_entropy(model(x), np.zeros(8, int))
    del model


class Picture:
    """An SVG text, read back."""

    def __init__(self, svg: str):
        self.root = ElementTree.fromstring(svg)
        self.boxes: dict[str, tuple[str, list[str]]] = {}
        self.places: dict[str, tuple[float, float, float, float]] = {}
        for node in self.grouped("node"):
            texts = [text.text or "" for text in node.iter(f"{SVG}text")]
            rect = next(node.iter(f"{SVG}rect"))
            x, y, w, h = (float(rect.attrib[k]) for k in ("x", "y", "width", "height"))
            self.boxes[node.attrib["data-id"]] = (node.attrib["class"].split()[1], texts)
            self.places[node.attrib["data-id"]] = (x, y, x + w, y + h)
        self.edges = [(e.attrib["data-from"], e.attrib["data-to"]) for e in self.grouped("edge")]

    def grouped(self, kind: str) -> list[ElementTree.Element]:
        return [g for g in self.root.iter(f"{SVG}g") if g.attrib["class"].split()[0] == kind]

    def named_edges(self) -> set[tuple[str, str]]:
        names = {key: f"{texts[0]} {texts[1]}" for key, (_, texts) in self.boxes.items()}
        return {(names[a], names[b]) for a, b in self.edges}


def test_a_network_of_two_layers_is_drawn_box_by_box_and_arrow_by_arrow(loss: Variable) -> None:
    picture = Picture(graph(loss).svg)
    assert sorted((kind, *texts[:2]) for kind, texts in picture.boxes.values()) == [
        ("data", "data", "(8, 6)"),
        ("data", "data", "(8,)"),
        ("operator", "Linear", "(8, 16)"),
        ("operator", "Linear", "(8, 3)"),
        ("operator", "Relu", "(8, 16)"),
        ("parameter", "0/W", "(6, 16)"),
        ("parameter", "0/b", "(16,)"),
        ("parameter", "2/W", "(16, 3)"),
        ("parameter", "2/b", "(3,)"),
        ("result", "SoftmaxCrossEntropy", "()"),
    ]
    assert len(picture.edges) == 9
    assert picture.named_edges() == {
        ("data (8, 6)", "Linear (8, 16)"),
        ("0/W (6, 16)", "Linear (8, 16)"),
        ("0/b (16,)", "Linear (8, 16)"),
        ("Linear (8, 16)", "Relu (8, 16)"),
        ("Relu (8, 16)", "Linear (8, 3)"),
        ("2/W (16, 3)", "Linear (8, 3)"),
        ("2/b (3,)", "Linear (8, 3)"),
        ("Linear (8, 3)", "SoftmaxCrossEntropy ()"),
        ("data (8,)", "SoftmaxCrossEntropy ()"),
    }


def test_the_result_shows_its_name_and_its_number(loss: Variable) -> None:
    loss.name = "loss"
    (texts,) = [t for kind, t in Picture(graph(loss).svg).boxes.values() if kind == "result"]
    assert texts[2] == f"loss = {loss.item():.6g}"


def test_arrows_lead_from_the_lower_edge_of_a_box_to_the_upper_edge_of_a_lower_one(
    loss: Variable,
) -> None:
    picture = Picture(graph(loss).svg)
    for edge in picture.grouped("edge"):
        above = picture.places[edge.attrib["data-from"]]
        below = picture.places[edge.attrib["data-to"]]
        line = next(edge.iter(f"{SVG}path")).attrib["d"]
        numbers = [float(n) for n in re.findall(r"-?\d+\.\d", line)]
        assert numbers[1] == pytest.approx(above[3], abs=0.11)  # both are rounded to 0.1
        assert numbers[-1] == pytest.approx(below[1], abs=0.11)
        assert above[3] < below[1]


def test_all_boxes_lie_inside_the_picture(loss: Variable) -> None:
    picture = Picture(graph(loss).svg)
    x, y, width, height = map(float, picture.root.attrib["viewBox"].split())
    for left, top, right, bottom in picture.places.values():
        assert x <= left < right <= x + width
        assert y <= top < bottom <= y + height


def test_folded_parameters_stand_inside_the_operators_that_use_them(loss: Variable) -> None:
    folded = graph(loss).folded()
    assert [(box.title, *box.lines) for box in folded.boxes if box.kind == "operator"] == [
        ("0: Linear", "W (6, 16)", "b (16,)", "-> (8, 16)"),
        ("Relu", "(8, 16)"),
        ("2: Linear", "W (16, 3)", "b (3,)", "-> (8, 3)"),
    ]
    assert len(folded.edges) == 5


def test_a_parameter_that_is_used_twice_is_one_box() -> None:
    W = Parameter(np.ones((3, 3), np.float32), name="W")
    drawn = graph(((np.ones((2, 3), np.float32) @ W) @ W).sum())
    assert [box.title for box in drawn.boxes].count("W") == 1
    assert [a for a, _ in drawn.edges].count([box.title for box in drawn.boxes].index("W")) == 2


def test_an_operator_of_several_results_is_one_box_with_all_shapes() -> None:
    x = Variable(np.ones((2, 6)), name="x")
    a, b = F.split(x, 2, axis=1)
    drawn = graph((a * b).sum())
    assert ("Split", ("(2, 3)", "(2, 3)")) in [(box.title, box.lines) for box in drawn.boxes]
    assert sum(1 for i, _ in drawn.edges if drawn.boxes[i].title == "Split") == 2


def test_after_backward_operators_and_parameters_are_still_drawn(loss: Variable) -> None:
    loss.backward()
    drawn = graph(loss)
    assert [box.kind for box in drawn.boxes].count("parameter") == 4
    assert repr(drawn) == "Graph(4 operators, 4 leaves, 7 edges)"


def test_a_leaf_is_one_box() -> None:
    drawn = graph(Parameter(np.ones(3), name="W"))
    assert [(box.kind, box.title, box.lines) for box in drawn.boxes] == [
        ("parameter", "W", ("(3,)",))
    ]
    assert len(Picture(drawn.folded().svg).boxes) == 1


def test_names_are_quoted() -> None:
    x = Variable([1.0], name='<script>&"')
    picture = Picture(graph(x * 2).svg)
    page = graph(x * 2).html
    assert '<script>&"' not in page
    assert "&lt;script&gt;&amp;" in page
    assert '<script>&"' in [texts[0] for _, texts in picture.boxes.values()]


class Tags(HTMLParser):
    """What a page holds, and what it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.fetched += [v or "" for k, v in attrs if k in ("src", "href", "data", "action")]


def test_the_page_holds_all_boxes_and_fetches_nothing(loss: Variable) -> None:
    page = graph(loss).html
    tags = Tags()
    tags.feed(page)
    assert len(re.findall('<div class="box ', page)) == len(graph(loss).folded().boxes)
    assert not tags.fetched
    assert not {"link", "img", "iframe", "object"} & set(tags.seen)
    assert "default-src 'none'" in page  # the browser itself lets it fetch nothing
    assert not re.findall(r"https?:|url\(|@import", page)


def test_pictures_and_pages_are_saved_by_the_end_of_their_path(
    loss: Variable, tmp_path: Path
) -> None:
    drawn = graph(loss)
    drawn.save(tmp_path / "a.svg")
    drawn.save(str(tmp_path / "a.html"))
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == drawn.svg == drawn._repr_svg_()
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == drawn.html
    with pytest.raises(RangeError, match=r"should end in \.svg or \.html, got 'a\.png'"):
        drawn.save("a.png")


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(DTypeError, match="should get a Variable, got ndarray"):
        graph(np.ones(3))  # pyright: ignore[reportArgumentType]
    with lamina.no_grad():
        y = Variable([1.0]) * 2
    with pytest.raises(GraphError, match="nothing was recorded for this Variable"):
        graph(y)


# -- layers --------------------------------------------------------------------------------------


class Twins(L.Layer):
    """Two blocks, each with an operator that no parameter tells the layer of."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = [Block(), Block()]
        self.last = L.Linear(3)

    def forward(self, x: Any) -> Variable:
        for block in self.blocks:
            x = block(x)
        return self.last(x)


class Block(L.Layer):
    """``x + norm(tanh(linear(x)))``"""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.norm = L.Linear(6), L.LayerNorm()

    def forward(self, x: Variable) -> Variable:
        return x + self.norm(F.tanh(self.linear(x)))


@pytest.fixture
def twins() -> Twins:
    return Twins()


def compute(model: L.Layer) -> Variable:
    return F.softmax_cross_entropy(model(np.ones((8, 6), np.float32)), np.zeros(8, int))


def test_a_function_shows_the_layer_of_every_operator(twins: Twins) -> None:
    drawn = graph(lambda: compute(twins))
    scopes = [(b.title, b.scope) for b in drawn.boxes if b.kind in ("operator", "result")]
    first, norm = ("blocks/0",), ("blocks/0", "blocks/0/norm")
    assert scopes[:6] == [
        ("Linear", ("blocks/0", "blocks/0/linear")),
        ("Tanh", first),
        ("Standardize", norm),
        ("Mul", norm),
        ("Add", norm),
        ("Add", first),
    ]
    assert scopes[-2:] == [("Linear", ("last",)), ("SoftmaxCrossEntropy", ())]
    assert drawn.layers["blocks/1"] == "Block"


def test_of_a_result_alone_layers_are_those_of_parameters(twins: Twins) -> None:
    drawn = graph(compute(twins))
    scopes = [(b.title, b.scope) for b in drawn.boxes if b.kind in ("operator", "result")]
    assert scopes[:2] == [("Linear", ("blocks/0", "blocks/0/linear")), ("Tanh", ("blocks/0",))]
    assert scopes[-2:] == [("Linear", ("last",)), ("SoftmaxCrossEntropy", ())]


def test_layers_fold_at_a_depth(twins: Twins) -> None:
    drawn = graph(lambda: compute(twins))
    assert [(box.kind, box.title, box.lines) for box in drawn.folded(1).boxes] == [
        ("data", "data", ("(8, 6)",)),
        ("layer", "blocks/0: Block", ("6 operators", "-> (8, 6)")),
        ("layer", "blocks/1: Block", ("6 operators", "-> (8, 6)")),
        ("operator", "last: Linear", ("W (6, 3)", "b (3,)", "-> (8, 3)")),
        ("data", "data", ("(8,)",)),
        ("result", "SoftmaxCrossEntropy", drawn.boxes[-1].lines),
    ]
    assert drawn.folded(1).edges == [(0, 1), (1, 2), (2, 3), (3, 5), (4, 5)]
    assert [b.title for b in drawn.folded(2).boxes[1:5]] == [
        "blocks/0/linear: Linear",
        "Tanh",
        "blocks/0/norm: LayerNorm",
        "Add",
    ]
    assert len(drawn.folded(3).boxes) == len(drawn.folded().boxes)


def test_a_layer_that_is_used_twice_is_drawn_twice() -> None:
    block, between = Block(), L.Linear(6)
    x = Variable(np.ones((2, 6), np.float32))
    drawn = graph(lambda: block(between(block(x))).sum()).folded(1)
    titles = [b.title for b in drawn.boxes if b.kind == "layer"]
    assert titles == ["Block: Block", "Block: Block"]
    assert all(a < b for a, b in drawn.edges)


def test_several_models_are_told_apart() -> None:
    first, second = Block(), Block()
    x = np.ones((2, 6), np.float32)
    drawn = graph(lambda: (first(x) * second(x)).sum()).folded(1)
    assert [b.title for b in drawn.boxes if b.kind == "layer"] == ["Block: Block", "Block 2: Block"]


def test_an_observer_that_is_there_already_goes_on_observing(twins: Twins) -> None:
    from lamina.layers.calls import calls

    seen: list[str] = []

    def observer(layer: L.Layer, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        seen.append(type(layer).__name__)
        return layer.forward(*inputs, **kwargs)

    calls.observer = observer
    try:
        graph(lambda: compute(twins))
        assert calls.observer is observer
    finally:
        calls.observer = None
    assert seen.count("Block") == 2


def test_what_cannot_be_folded_is_refused(loss: Variable) -> None:
    with pytest.raises(RangeError, match="depth should be 1 or more, or None, got 0"):
        graph(loss).folded(0)
    with pytest.raises(RangeError, match="language should be one of en, zh, got 'de'"):
        graph(loss).page("de")
    with pytest.raises(DTypeError, match="the function should return one, got NoneType"):
        graph(lambda: None)  # pyright: ignore[reportArgumentType]


# -- the layout ----------------------------------------------------------------------------------


def crossings(layout: Any, edges: list[tuple[int, int]]) -> int:
    """Pairs of edges between the same two rows that cross."""
    lines = [(layout.routes[i][0], layout.routes[i][-1]) for i in range(len(edges))]
    return sum(
        1
        for i, (a, b) in enumerate(lines)
        for c, d in lines[:i]
        if a[1] == c[1] and b[1] == d[1] and (a[0] - c[0]) * (b[0] - d[0]) < 0
    )


def test_boxes_that_need_not_cross_do_not() -> None:
    edges = [(0, 5), (1, 4), (2, 3), (3, 6), (4, 6), (5, 6)]
    assert crossings(lay_out([(40.0, 20.0)] * 7, edges), edges) == 0


def test_what_nothing_leads_to_stands_just_above_what_it_leads_to() -> None:
    layout = lay_out([(40.0, 20.0)] * 5, [(0, 1), (1, 2), (3, 4), (2, 4)])
    heights = [y for _, y in layout.centres]
    assert heights[3] == heights[2]
    assert heights[0] < heights[1] < heights[2] < heights[4]


def test_a_chain_runs_straight_down() -> None:
    layout = lay_out([(40.0, 20.0)] * 4, [(0, 1), (1, 2), (2, 3)])
    assert len({round(x, 6) for x, _ in layout.centres}) == 1


def test_data_and_parameters_move_no_operator_out_of_its_line() -> None:
    chain = [(0, 3), (3, 6), (6, 8)]
    layout = lay_out([(40.0, 20.0)] * 9, [*chain, (1, 3), (2, 3), (4, 6), (5, 6), (7, 8)])
    assert len({round(layout.centres[i][0], 6) for i in (3, 6, 8)}) == 1


def test_nothing_is_laid_out_as_nothing() -> None:
    assert lay_out([], []).centres == []


def test_arrows_of_one_box_share_their_way_and_branch_from_it() -> None:
    chain = [(i, i + 1) for i in range(1, 40)]
    shared = [(0, i) for i in range(2, 40)]  # a weight that every step uses
    rows, chains = rows_of(41, [*chain, *shared], {0}, set())
    bends = {i for row in rows for i in row if i > 40}
    assert len(bends) <= len(rows)
    assert [c[0] for c in chains] == [a for a, _ in [*chain, *shared]]
    assert all(longer[: len(short) - 1] == short[:-1] for short, longer in pairwise(chains[39:]))


@pytest.mark.parametrize("number", range(8))
def test_boxes_of_random_graphs_never_overlap_and_arrows_point_down(number: int) -> None:
    rng = np.random.default_rng(number)
    count = 30
    edges = [
        (int(a), b)
        for b in range(1, count)
        for a in rng.choice(b, size=min(b, int(rng.integers(0, 4))), replace=False)
    ]
    sizes = [(float(w), float(h)) for w, h in rng.uniform(20, 120, (count, 2))]
    layout = lay_out(sizes, edges)
    boxes = [(x, y, w, h) for (x, y), (w, h) in zip(layout.centres, sizes)]
    for i, (x, y, w, h) in enumerate(boxes):
        assert w / 2 - 1e-6 <= x <= layout.width - w / 2 + 1e-6  # sums of floats
        for u, v, p, q in boxes[:i]:
            assert abs(x - u) >= (w + p) / 2 or abs(y - v) >= (h + q) / 2
    for route in layout.routes:
        heights = [y for _, y in route]
        assert heights == sorted(heights)
