"""What a picture of a graph shows, read from the graph: operators, what they start from, and the
layer that each operator was applied in.

A graph does not remember layers. Where a function is given, it is called, and each layer tells when
it begins and ends. Where only its result is given, layers are told by the paths of parameters: an
operator without one stands in the layer that those before and behind it have in common.
"""

# pyright: reportPrivateUsage=false
# (it reads the graph)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, TypeAlias

from ..core import Variable
from ..core.backward import newest
from ..core.function import Node, Port, _order
from ..errors import DTypeError, GraphError
from ..layers import Layer, registry
from ..layers.calls import calls
from ..parameter import Parameter
from .layout import Edge

Scope: TypeAlias = "tuple[str, ...]"
"""Paths of layers, outer before inner: ``("blocks/0", "blocks/0/attention")``."""

LETTER, LINE, MARGIN = 7.3, 17.0, 12.0  # of a monospaced font of 12 pixels


@dataclass(frozen=True)
class Box:
    """One box of the picture.

    Args:
        kind: ``"operator"``, ``"parameter"``, ``"variable"`` (a leaf with a gradient), ``"data"``
            (without one), ``"result"``, or ``"layer"`` (operators folded into one).
        title: the operator, or the name of what it is.
        lines: shapes.
        note: shown when the pointer rests on it.
        scope: the layers that it is in.
    """

    kind: str
    title: str
    lines: tuple[str, ...]
    note: str = ""
    scope: Scope = ()

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in pixels."""
        longest = max(map(len, (self.title, *self.lines)))
        return longest * LETTER + 2 * MARGIN, (1 + len(self.lines)) * LINE + MARGIN


@dataclass
class Source:
    """A graph that was read.

    Attributes:
        variable: the result.
        boxes: operators and what they start from, each after what leads to it.
        edges: pairs of positions in ``boxes``, one for each operand.
        things: for each box the Node, the leaf Variable, or the array that it shows.
        layers: the class of each layer that a scope names.
    """

    variable: Variable
    boxes: list[Box] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    things: list[Any] = field(default_factory=list)
    layers: dict[str, str] = field(default_factory=dict)
    place: dict[int, int] = field(default_factory=dict)  # by id of a thing

    def of(self, thing: Any) -> int:
        """The box of a Node, a leaf, or an array."""
        return self.place[id(thing)]


def read(what: Variable | Callable[[], Variable], asked: str) -> Source:
    """Read the graph behind a Variable, or behind what a function returns.

    Raises:
        DTypeError: it is no Variable.
        GraphError: nothing was recorded for it.
    """
    seen = _Calls()
    variable: Any = what
    if callable(what) and not isinstance(what, Variable):
        with seen:
            variable = what()
    if not isinstance(variable, Variable):
        given = "should get a Variable" if variable is what else "the function should return one"
        raise DTypeError(f"{asked}: {given}, got {type(variable).__name__}")
    if not variable.requires_grad:
        raise GraphError(
            f"{asked}: nothing was recorded for this Variable: nothing that requires a gradient "
            "led to it, or it was made under no_grad()"
        )
    nodes = list(newest([variable._edge]))[::-1]
    scopes = _Paths(seen).scopes(nodes)
    return _Collector(variable, nodes, scopes).source


class _Calls:
    """Notes which layers are called, and between which operators; as a context."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int, Layer]] = []  # first and last order number, outer first

    def __enter__(self) -> None:
        self.outside, calls.observer = calls.observer, self.run

    def __exit__(self, *exception: object) -> None:
        calls.observer = self.outside

    def run(self, layer: Layer, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call ``forward``, as an observer is asked to."""
        start, place = _order(), len(self.seen)
        self.seen.append((start, start, layer))
        if self.outside is not None:
            output = self.outside(layer, inputs, kwargs)
        else:
            output = layer.forward(*inputs, **kwargs)
        self.seen[place] = (start, _order(), layer)
        return output


class _Paths:
    """Scopes, from calls that were seen or from the paths of parameters."""

    def __init__(self, seen: _Calls):
        self.seen = seen.seen
        self.roots: dict[int, tuple[Layer, dict[int, str]]] = {}  # paths of layers by their id

    def scopes(self, nodes: list[Node]) -> tuple[list[Scope], dict[str, str]]:
        """The scope of each operator, oldest first, and the classes of layers."""
        found = [self.called(node) for node in nodes] if self.seen else self.guessed(nodes)
        several = len(self.roots) > 1
        kinds: dict[str, str] = {}
        return [self.named(chain, several, kinds) for chain in found], kinds

    def named(self, chain: list[Layer], several: bool, kinds: dict[str, str]) -> Scope:
        """Paths of layers; the outermost is left out where there is only one of them."""
        scope: list[str] = []
        for layer in chain:
            root, paths = self.root(layer)
            path = paths.get(id(layer), type(layer).__name__)
            if several:
                name = self.root_name(root)
                path = f"{name}/{path}" if path else name
            if path and path not in scope:
                scope.append(path)
                kinds[path] = type(layer).__name__
        return tuple(scope)

    def root_name(self, root: Layer) -> str:
        """Its class, numbered from the second one on."""
        alike = [id(r) for r, _ in self.roots.values() if type(r) is type(root)]
        number = alike.index(id(root)) + 1
        return type(root).__name__ + (f" {number}" if number > 1 else "")

    def root(self, layer: Layer) -> tuple[Layer, dict[int, str]]:
        root = registry.root_of(layer)
        if id(root) not in self.roots:
            paths = {id(inner): path for path, inner in root.named_layers()}
            self.roots[id(root)] = root, {id(root): "", **paths}
        return self.roots[id(root)]

    def called(self, node: Node) -> list[Layer]:
        chain = [layer for start, end, layer in self.seen if start < node.order < end]
        for layer in chain:
            self.root(layer)
        return chain

    def guessed(self, nodes: list[Node]) -> list[list[Layer]]:
        """The layers of parameters; between them, what both sides have in common."""
        owned = [self.owners(node) for node in nodes]
        behind: list[list[Layer]] = []
        later: list[Layer] = []
        for chain in reversed(owned):
            later = later if chain is None else chain
            behind.append(later)
        found: dict[Node, list[Layer]] = {}
        before: list[Layer] = []
        for node, chain, after in zip(nodes, owned, reversed(behind)):
            before = before if chain is None else chain
            sources = [e.node if isinstance(e, Port) else e for e in node.edges]
            inputs = {s for s in sources if isinstance(s, Node)}
            inner = _common([found[s] for s in inputs]) if len(inputs) > 1 else []
            between = _common([before, after])
            found[node] = chain or max(between, inner, key=len)
        return list(found.values())

    def owners(self, node: Node) -> list[Layer] | None:
        """The layers around all parameters of an operator; None if it has none."""
        chains = [self.around(e) for e in node.edges if isinstance(e, Parameter)]
        return _common(chains) if chains else None

    def around(self, parameter: Parameter) -> list[Layer]:
        owner: Any = parameter.owner and parameter.owner()
        if owner is None:
            return []
        root, paths = self.root(owner)
        path = paths.get(id(owner), "")
        inner = {p: layer for p, layer in root.named_layers() if f"{path}/".startswith(f"{p}/")}
        return [root, *[inner[p] for p in sorted(inner, key=len)]]


def _common(chains: list[list[Layer]]) -> list[Layer]:
    first = chains[0] if chains else []
    pairs = takewhile(lambda item: all(item[1] in c[item[0] : item[0] + 1] for c in chains),
                      enumerate(first))  # fmt: skip
    return [layer for _, layer in pairs]


class _Collector:
    """Walks from the oldest operator to the newest, and numbers boxes as they are met."""

    def __init__(
        self, variable: Variable, nodes: list[Node], scopes: tuple[list[Scope], dict[str, str]]
    ):
        self.source = Source(variable, layers=scopes[1])
        for node, scope in zip(nodes, scopes[0]):
            self.add_operator(node, scope)
        if variable.is_leaf:
            self.box_of(variable, _leaf(variable, ()))
        else:
            self.source.boxes[-1] = _result(self.source.boxes[-1], variable)

    def add_operator(self, node: Node, scope: Scope) -> None:
        outer = scope if self.source.edges else ()  # what the first one gets comes from outside
        starts = [self.start(node, i, edge, scope, outer) for i, edge in enumerate(node.edges)]
        lines = tuple(map(_shape, [node.shape] if node.ports is None else node.shape))
        function = node.function
        title = type(function).__name__ if function is not None else "(unchained)"
        note = f"{function!r} -> {node.dtype}"
        here = self.box_of(node, Box("operator", title, lines, note, scope))
        self.source.edges += [(start, here) for start in starts if start is not None]

    def start(self, node: Node, i: int, edge: Any, scope: Scope, outer: Scope) -> int | None:
        """The box that an operand comes from; None where nobody knows."""
        if isinstance(edge, (Node, Port)):
            return self.source.of(edge.node if isinstance(edge, Port) else edge)
        if edge is not None:
            return self.box_of(edge, _leaf(edge, scope if isinstance(edge, Parameter) else outer))
        kept = kept_operand(node, i)
        if not isinstance(kept, Variable):
            return None
        shape, dtype = _shape(kept.shape), str(kept.dtype)
        return self.box_of(kept._data, Box("data", kept.name or "data", (shape,), dtype, outer))

    def box_of(self, thing: Any, box: Box) -> int:
        source = self.source
        if id(thing) not in source.place:
            source.place[id(thing)] = len(source.boxes)
            source.boxes.append(box)
            source.things.append(thing)  # so it lives, and its id stays its own
        return source.of(thing)


def kept_operand(node: Node, i: int) -> Any:
    """An operand that an operator keeps for ``backward``; None if it does not, or no more."""
    keeps = node.function._keeps if node.function is not None else ()
    if node.saved and i in keeps:
        return node.saved[keeps.index(i)]
    rest = node.function._rest if node.function is not None else -1
    return node.saved[-1][i - rest] if node.saved and 0 <= rest <= i else None


def _leaf(leaf: Variable, scope: Scope) -> Box:
    kind = "parameter" if isinstance(leaf, Parameter) else "variable"
    return Box(kind, leaf.name or kind, (_shape(leaf.shape),), f"{kind}, {leaf.dtype}", scope)


def _result(box: Box, variable: Variable) -> Box:
    value = f"{variable.item():.6g}" if variable.size == 1 else ""
    text = " = ".join(filter(None, [variable.name or "", value]))
    return replace(box, kind="result", lines=(*box.lines, text) if text else box.lines)


def _shape(shape: Any) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
