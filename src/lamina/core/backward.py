"""The backward walk: from results to leaves, newest operator first.

The walk is a loop, not a recursion, so depth costs nothing. It brings every gradient back to the
shape and dtype of what it belongs to (broadcasting is undone here and nowhere else), sums what
arrives twice without touching anybody's arrays, and frees what it has used.
"""

# pyright: reportPrivateUsage=false
# (one engine in four files: they share the slots of Variable, which are nobody else's)

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from types import FunctionType
from typing import Any
from weakref import ref

import numpy as np

from ..arrays import as_array
from ..config import reset, set_grad, using
from ..errors import BackwardTwiceError, GraphError, InPlaceError, ShapeError
from .function import Function, Node, Port, debug_stamp, stamp
from .variable import Edge, Hook, Shape, Variable, result

Pending = dict[Any, Variable]  # by Node, Port or leaf


def backward(
    self: Variable,
    grad: Any = None,
    retain_grad: bool = False,
    create_graph: bool = False,
    retain_graph: bool | None = None,
) -> None:
    """Add the derivative of this Variable to the ``grad`` of every leaf it was made from.

    Args:
        self: the result to start from.
        grad: derivative of the final result by this Variable, of its shape; 1 for a single number.
        retain_grad: keep the gradients of the Variables in between as well.
        create_graph: record this computation too, so that gradients can be differentiated. The
            gradients then hold the graph and the graph holds the leaves: a cycle that lives until
            ``cleargrad``. `gradients` gives values and leaves no such cycle.
        retain_graph: keep what a second ``backward`` needs; None means: as ``create_graph``.
    Raises:
        ShapeError: ``grad`` is missing, or has another shape.
        GraphError: nothing here requires a gradient, or the result is complex without ``grad``.
        BackwardTwiceError: the graph was already used and freed.
        InPlaceError: data changed since it was used.
    """
    if not self._requires_grad:
        raise GraphError(
            f"backward: {_called(self)} requires no gradient: no Variable that requires one led to "
            "it, or it was made under no_grad()"
        )
    walk = _Walk(create_graph, retain_graph, retain_grad)
    token = set_grad(create_graph)
    try:
        walk.run([self], [_seed(self, grad)])
        for leaf in [x for x in walk.pending if isinstance(x, Variable)]:  # the rest was unchained
            _deliver(leaf, walk.finish(leaf), walk)
    finally:
        reset(token)


def gradients(
    ys: Variable | Sequence[Variable],
    xs: Variable | Sequence[Variable],
    gys: Any = None,
    *,
    create_graph: bool = False,
    retain_graph: bool | None = None,
) -> Any:
    """The derivatives of ``ys`` by ``xs``, as values: no ``grad`` is touched, no cycle is left.

    Args:
        ys: one result or several (their derivatives are summed).
        xs: one Variable or several, leaves or not. Only what leads to them is computed.
        gys: one derivative a result; None for single numbers.
        create_graph: make the gradients differentiable.
        retain_graph: keep what a second walk needs; None means: as ``create_graph``.
    Returns:
        One Variable for one ``x``, a tuple for several; None where ``ys`` do not depend on ``x``.
    Example:
        >>> x = Variable([3.0])
        >>> (g,) = gradients(x * x, [x], create_graph=True)
        >>> gradients(g, x)
        Variable([2.], float64)
    """
    results = [ys] if isinstance(ys, Variable) else list(ys)
    wanted = [xs] if isinstance(xs, Variable) else list(xs)
    seeds = [None] * len(results) if gys is None else [gys] if isinstance(ys, Variable) else gys
    if len(seeds) != len(results):
        raise ShapeError(f"gradients: {len(results)} results need as many gys, got {len(seeds)}")
    for y in (*results, *wanted):
        if not y._requires_grad:
            raise GraphError(f"gradients: {_called(y)} requires no gradient")
    walk = _Walk(create_graph, retain_graph)
    targets = [_place(x) for x in wanted]
    walk.wanted = set(targets)
    with using(grad=create_graph):
        walk.run(results, [_seed(y, g) for y, g in zip(results, seeds, strict=True)])
        for target in walk.wanted & walk.pending.keys():
            walk.finish(target)
        found = tuple([_alone(walk.found.get(target), walk.shared) for target in targets])
    return found[0] if isinstance(xs, Variable) else found


def _place(v: Variable) -> Any:
    """Where gradients of ``v`` are collected: its Node or Port, or itself if it is a leaf."""
    return v if v._edge is None else v._edge


def _called(v: Variable) -> str:
    return f"Variable {v.name!r}" if v.name else f"a Variable of shape {v.shape}"


def _seed(y: Variable, grad: Any) -> Variable:
    if grad is None:
        if y.size != 1:
            raise ShapeError(
                f"backward: a result of shape {y.shape} needs grad, an array of that shape; "
                "or make it one number first, with sum() or mean()"
            )
        if y.dtype.kind == "c":
            raise GraphError(
                f"backward: {_called(y)} is complex, and has no one derivative; take its real part "
                "or its size first, or give grad"
            )
        return result(np.ones_like(y._data))
    given = grad if isinstance(grad, Variable) else result(as_array(grad, "backward: grad"))
    if given.shape != y.shape:
        raise ShapeError(f"backward: grad should have shape {y.shape}, got {given.shape}")
    return _shown(given)


def _shown(grad: Variable) -> Variable:
    """A gradient inside the walk as users see it, and the other way round.

    Of complex numbers they see the direction in which the result grows fastest. Inside it is the
    conjugate: so no ``backward`` need conjugate anything (docs/decisions/0009).
    """
    return grad.conj() if grad._data.dtype.kind == "c" else grad


class _Walk:
    """One pass over the graph, and what was asked of it."""

    def __init__(self, create_graph: bool, retain_graph: bool | None, retain_grad: bool = False):
        self.create_graph = create_graph
        self.retain_graph = create_graph if retain_graph is None else retain_graph
        self.retain_grad = retain_grad
        self.wanted: set[Any] = set()  # empty: all leaves
        self.way: set[Any] = set()  # what leads to something wanted
        self.found: Pending = {}
        self.pending: Pending = {}
        self.shared: set[int] = set()  # arrays that a gradient may not own alone

    def run(self, ys: list[Variable], seeds: list[Variable]) -> None:
        pending = self.pending
        for y, seed in zip(ys, seeds, strict=True):
            target = _place(y)
            self.shared.add(id(seed._data))
            grad = _fit(seed, target.shape, target.dtype)
            pending[target] = pending[target] + grad if target in pending else grad
        nodes = newest([y._edge for y in ys])
        for node in self.leading(list(nodes)) if self.wanted else nodes:
            if node.function is None:  # unchained: the graph ends here
                continue
            if node.ports is not None:
                gys = self.finish_ports(node, [port() for port in node.ports])
            else:
                gys = [self.finish(node)] if node in pending else None
            if gys is not None:
                self.visit(node, node.function, gys)

    def leading(self, nodes: list[Node]) -> list[Node]:
        """The nodes behind which something wanted lies, and those that say why nothing does."""
        found: list[Node] = []
        self.way = set(self.wanted)
        for node in reversed(nodes):
            if not node.edges or any(edge in self.way for edge in node.edges):
                self.way |= {node, *[port() for port in node.ports or ()]} - {None}
                found.append(node)
        return found[::-1]

    def finish(self, target: Any) -> Variable:
        """A gradient is complete: take it out, run the hooks, and keep it if that was asked."""
        grad = self.pending.pop(target)
        if target.hooks:
            for hook in tuple(target.hooks):  # a hook may remove itself
                grad = _shown(_hooked(hook, _shown(grad), target.shape))
        if self.retain_grad and not isinstance(target, Variable):
            target.grad = _own(_shown(grad))
        if target in self.wanted:
            self.found[target] = _shown(grad)
        return grad

    def finish_ports(self, node: Node, ports: list[Port | None]) -> list[Variable] | None:
        """The gradients of several results, zeros for unused ones; None if all are unused."""
        pending = self.pending
        like = next((pending[port]._data for port in ports if port in pending), None)
        if like is None:
            return None
        return [
            self.finish(port) if port in pending else result(np.zeros(shape, dtype, like=like))
            for port, shape, dtype in zip(ports, node.shape, node.dtype, strict=True)
        ]

    def visit(self, node: Node, function: Function, gys: list[Variable]) -> None:
        """Call one ``backward`` and send what it gives to where the inputs came from."""
        saved = node.saved
        if saved is None:
            raise BackwardTwiceError(
                f"backward: the graph at {function!r} was used and freed by an earlier backward; "
                "run forward again, or call the first backward(retain_graph=True)"
            )
        if saved:
            if node.stamp != (stamp(saved) if node.stamp.__class__ is int else debug_stamp(saved)):
                raise InPlaceError(
                    f"backward: data that {function!r} needs was changed after it ran; "
                    "change data after backward, or work on a copy"
                )
            if self.create_graph:
                saved = _rejoined(function, node, saved)
        if function._keywords:
            gxs = function.backward(*gys, **dict(zip(function._keywords, saved, strict=True)))
        else:
            gxs = function.backward(*gys, *saved)
        if gxs.__class__ is not tuple:
            gxs = (gxs,)
        if len(gxs) != len(node.edges):
            raise GraphError(
                f"{type(function).__name__}.backward should give {len(node.edges)} gradients, "
                f"one an input, got {len(gxs)}"
            )
        pending = self.pending
        for edge, gx in zip(node.edges, gxs, strict=True):
            if edge is None or gx is None or (self.way and edge not in self.way):
                continue
            if gx.__class__ is FunctionType:  # a lambda: this input does require its gradient
                gx = gx()
            if gx.__class__ is not Variable:
                _check_gradient(function, gx)
                if gx is None:
                    continue
            data = gx._data
            place = edge
            if edge.__class__ is not Node:
                if _is_held(data, gys, saved):
                    self.shared.add(id(data))
                place = edge._data if isinstance(edge, Variable) else edge
            if data.shape != place.shape or data.dtype != place.dtype:
                gx = _fit(gx, edge.shape, edge.dtype)
            old = pending.get(edge)
            pending[edge] = gx if old is None else old + gx
        if not self.retain_graph:
            node.saved = None


def _is_held(array: Any, gys: list[Variable], saved: list[Any]) -> bool:
    """Whether a gradient is an array that was handed to ``backward``, not one made by it."""
    for x in gys:
        if x._data is array:
            return True
    for x in saved:  # a tuple holds the inputs of a variadic operator: not looked through
        if x.__class__ is tuple or getattr(x, "_data", None) is array:
            return True
    return False


def _check_gradient(function: Function, gx: Any) -> None:
    if gx is not None and not isinstance(gx, Variable):
        raise GraphError(
            f"{type(function).__name__}.backward should give Variables, made with lamina's "
            f"operators, or functions that do, or None, got {type(gx).__name__}"
        )


def _rejoined(function: Function, node: Node, saved: list[Any]) -> list[Any]:
    """What was saved, with the results joined to the graph again, to be differentiated."""
    values = list(saved)
    for i, k in enumerate(function._keeps):
        if k < 0 and saved[i].dtype.kind in "fc":
            values[i] = result(saved[i]._data)
            values[i]._version = saved[i]._version
            values[i]._edge = node if node.ports is None else _port(node, node.ports, ~k)
            values[i]._requires_grad = True
    return values


def _port(node: Node, ports: list[ref[Port]], index: int) -> Port:
    """The place of one of several results; a new one if the result was dropped."""
    port = ports[index]()
    if port is None:
        port = Port(node, node.shape[index], node.dtype[index])
        ports[index] = ref(port)
    return port


def _fit(gx: Variable, shape: Shape, dtype: Any) -> Variable:
    """``gx`` in the shape and dtype of what it is the gradient of: broadcasting undone."""
    data = gx._data
    if data.shape != shape:
        if len(data.shape) < len(shape) or not _broadcasts(shape, data.shape):
            raise ShapeError(f"backward: a gradient of shape {data.shape} came for {shape}")
        lead = len(data.shape) - len(shape)
        axes = tuple(range(lead)) + tuple(
            lead + i for i, n in enumerate(shape) if n == 1 and data.shape[lead + i] != 1
        )
        gx = gx.sum(axes, keepdims=True).reshape(shape)
    if gx._data.dtype != dtype:
        gx = gx.real if gx._data.dtype.kind == "c" and dtype.kind != "c" else gx
        gx = gx if gx._data.dtype == dtype else gx.astype(dtype)
    return gx


def _broadcasts(shape: Shape, to: Shape) -> bool:
    return all(n in (1, m) for n, m in zip(reversed(shape), reversed(to), strict=False))


def _hooked(hook: Hook, grad: Variable, shape: Shape) -> Variable:
    new: Any = hook(grad)
    if new is None:
        return grad
    if not isinstance(new, Variable) or new.shape != shape:
        got = getattr(new, "shape", type(new).__name__)
        raise ShapeError(f"hook: should give a Variable of shape {shape} or None, got {got}")
    return new


def _deliver(leaf: Variable, gx: Variable, walk: _Walk) -> None:
    """Add a complete gradient to a leaf's, in an array that the leaf's gradient owns alone."""
    gx = _shown(gx)
    if leaf._grad is not None:
        gx = leaf._grad + gx
    elif leaf.hooks:  # one of them may have kept it
        gx = _own(gx)
    leaf._grad = _alone(gx, walk.shared)


def _alone(grad: Variable | None, shared: set[int]) -> Variable | None:
    """A gradient in an array that nobody else holds."""
    if grad is not None:
        if id(grad._data) in shared or not _owns(grad._data):
            grad = _own(grad)
        shared.add(id(grad._data))
    return grad


def _owns(array: Any) -> bool:
    return getattr(array, "base", None) is None and (
        not isinstance(array, np.ndarray) or array.flags.writeable
    )


def _own(grad: Variable) -> Variable:
    """A copy that keeps its place in the graph."""
    if grad._requires_grad:
        return grad * 1
    return result(grad._data.copy())


def _node_of(edge: Any) -> Any:
    return edge.node if edge.__class__ is Port else edge


def newest(edges: Iterable[Edge]) -> Iterator[Node]:
    """All nodes that led to the given places, newest first, as they are asked for."""
    heap: list[tuple[int, Node]] = []
    seen: set[Node] = set()
    while True:
        for edge in edges:
            node = edge.node if edge.__class__ is Port else edge
            if node.__class__ is Node and node not in seen:
                seen.add(node)
                heappush(heap, (-node.order, node))
        if not heap:
            return
        node = heappop(heap)[1]
        edges = node.edges
        yield node


def unchain_backward(self: Variable) -> None:
    """Cut the graph behind this Variable: all Variables that led to it become its beginning.

    For truncated backpropagation through time: a later ``backward`` stops where this was called.
    """
    if self._edge is None:
        return
    own = _node_of(self._edge)
    for node in newest([self._edge]):
        if node is not own:
            node.function, node.saved, node.edges = None, None, []


Variable.backward = backward
Variable.unchain_backward = unchain_backward
