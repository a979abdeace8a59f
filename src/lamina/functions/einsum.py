"""Sums of products over named axes: einsum, and tensordot, dot and outer made of it."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from math import prod
from string import ascii_letters
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..core.variable import Shape
from ..errors import ShapeError
from .index import get_item
from .linear import matmul
from .operand import as_axes, as_variable
from .shape import moveaxis, squeeze, transpose

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["einsum", "tensordot", "dot", "outer"]


class Einsum(Function):
    """The sum of products that ``inputs`` and ``output``, labels of axes, describe.

    No label stands twice in one input; equal labels have equal lengths; a label of an input stands
    in the output or in another input. So each gradient is an operator of the same class. The
    formula brings pairs of inputs to the form of a product of matrices: a loop over all labels, as
    in `numpy.einsum`, would be slower by far.
    """

    inputs: tuple[str, ...]
    output: str

    def forward(self, *xs):
        terms = list(zip(self.inputs, xs))
        while len(terms) > 1:
            i, j = _cheapest(terms, self.output)
            (a, x), (b, y) = terms[i], terms[j]
            rest = terms[:i] + terms[i + 1 : j] + terms[j + 1 :]
            kept = _kept(a + b, [labels for labels, _ in rest], self.output)
            terms = [*rest, (kept, _contracted(a, x, b, y, kept))]
        labels, y = terms[0]
        return _ordered(labels, y, self.output)

    def backward(self, gy, xs):
        return tuple([self.gradient(gy, xs, i) for i in range(len(xs))])

    def gradient(self, gy, xs, i):
        """By input i: the output and the other inputs, summed to the labels of input i."""
        others = self.inputs[:i] + self.inputs[i + 1 :]
        operator = Einsum((self.output, *others), self.inputs[i])
        return lambda: operator(gy, *xs[:i], *xs[i + 1 :])


def _kept(labels: str, rest: list[str], output: str) -> str:
    """The labels, each once, that are still needed: by the output or by another term."""
    needed = output + "".join(rest)
    return "".join([label for label in dict.fromkeys(labels) if label in needed])


def _cheapest(terms: list[tuple[str, Any]], output: str) -> tuple[int, int]:
    """The pair of terms whose product is the smallest."""
    if len(terms) == 2:
        return 0, 1
    lengths = {label: n for labels, x in terms for label, n in zip(labels, x.shape)}

    def size(pair: tuple[int, int]) -> int:
        rest = [labels for k, (labels, _) in enumerate(terms) if k not in pair]
        return prod(
            [lengths[k] for k in _kept(terms[pair[0]][0] + terms[pair[1]][0], rest, output)]
        )

    return min(combinations(range(len(terms)), 2), key=size)


def _contracted(a: str, x: Any, b: str, y: Any, kept: str) -> Any:
    """The product of two terms, summed over the labels that are not kept."""
    inner = [k for k in a if k in b and k not in kept]
    if not inner:
        return _laid_out(a, x, kept) * _laid_out(b, y, kept)
    stack = [k for k in a if k in b and k in kept]
    rows, columns = [k for k in a if k not in b], [k for k in b if k not in a]
    lengths = dict(zip(a + b, x.shape + y.shape))
    size = {
        name: [lengths[k] for k in group]
        for name, group in (
            ("stack", stack),
            ("rows", rows),
            ("columns", columns),
            ("inner", inner),
        )
    }
    left = _ordered(a, x, "".join(stack + rows + inner))
    right = _ordered(b, y, "".join(stack + inner + columns))
    product = np.matmul(
        left.reshape((*size["stack"], prod(size["rows"]), prod(size["inner"]))),
        right.reshape((*size["stack"], prod(size["inner"]), prod(size["columns"]))),
    )
    product = product.reshape((*size["stack"], *size["rows"], *size["columns"]))
    return _ordered("".join(stack + rows + columns), product, kept)


def _ordered(labels: str, x: Any, output: str) -> Any:
    return x if labels == output else x.transpose([labels.index(label) for label in output])


def _laid_out(labels: str, x: Any, output: str) -> Any:
    """``x`` with the axes of ``output``; those that it has not, of length 1."""
    x = _ordered(labels, x, "".join([k for k in output if k in labels]))
    lengths = iter(x.shape)
    shape = tuple([next(lengths) if k in labels else 1 for k in output])
    return x if x.shape == shape else x.reshape(shape)


def einsum(subscripts: Any, *operands: Any) -> Variable:
    """Sum of products over named axes, in the notation of `numpy.einsum`.

    ``"bik,bkj->bij"`` reads: ``y[b, i, j] = Σ_k a[b, i, k] c[b, k, j]``.

    Args:
        subscripts: for each operand one letter an axis. A letter that stands twice in one operand
            takes its diagonal; one that is not in the result is summed over. ``...`` stands for
            any further axes, which broadcast. Without ``->`` the result has the ellipsis' axes
            and then, in alphabetical order, the letters that stand only once.
        operands: arrays. Also ``einsum(a, [0, 1], b, [1, 2], [0, 2])``, with numbers as letters.
    Returns:
        The axes that the part after ``->`` names.
    Raises:
        ShapeError: if the notation makes no sense, or does not fit the shapes; lengths of one
            letter should be equal, or 1.
    Source:
        A. Einstein, "Die Grundlage der allgemeinen Relativitätstheorie", 1916, §5, for the rule
        that a repeated index is summed over.
    Example:
        >>> einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
        Variable([3., 7.], float64)
        >>> einsum("ii", [[1.0, 2.0], [3.0, 4.0]])
        Variable(5., float64)
    """
    notation, given = _as_text(subscripts, operands)
    vs = [as_variable(x, "einsum") for x in given]
    inputs, output = _parsed(notation, [v.shape for v in vs])
    pairs = [_without_repeats(labels, v, notation) for labels, v in zip(inputs, vs)]
    return _applied(pairs, output, notation)


def _applied(pairs: list[tuple[str, Variable]], output: str, notation: str) -> Variable:
    """`Einsum`, once its conditions are met."""
    lengths = _lengths(pairs, notation)
    pairs = [_narrowed(labels, v, lengths) for labels, v in pairs]
    count = Counter("".join([labels for labels, _ in pairs]) + output)
    pairs = [_summed(labels, v, count) for labels, v in pairs]
    inputs = tuple([labels for labels, _ in pairs])
    if len(pairs) == 1:
        order = tuple([inputs[0].index(label) for label in output])
        return transpose(pairs[0][1], order)
    return Einsum(inputs, output)(*[v for _, v in pairs])


def _without_repeats(labels: str, v: Variable, notation: str) -> tuple[str, Variable]:
    """The diagonal over each label that stands twice or more."""
    for label in dict.fromkeys(labels):
        places = [i for i, k in enumerate(labels) if k == label]
        if len(places) == 1:
            continue
        found = {v.shape[i] for i in places}
        if len(found) > 1:
            raise ShapeError(
                f"einsum {notation!r}: {label!r} stands for axes of lengths {sorted(found)} in one "
                f"operand of shape {v.shape}"
            )
        diagonal = (np.arange(found.pop()),) * len(places)
        v = get_item(moveaxis(v, tuple(places), tuple(range(len(places)))), diagonal)
        labels = label + labels.replace(label, "")
    return labels, v


def _lengths(pairs: list[tuple[str, Variable]], notation: str) -> dict[str, int]:
    """The length that each label stands for."""
    lengths: dict[str, int] = {}
    for labels, v in pairs:
        for label, n in zip(labels, v.shape):
            if lengths.setdefault(label, n) == 1:
                lengths[label] = n
            elif n not in (1, lengths[label]):
                shapes = ", ".join([str(v.shape) for _, v in pairs])
                raise ShapeError(
                    f"einsum {notation!r}: {label!r} stands for axes of lengths {lengths[label]} "
                    f"and {n}; shapes are {shapes}"
                )
    return lengths


def _narrowed(labels: str, v: Variable, lengths: dict[str, int]) -> tuple[str, Variable]:
    """Without the axes of length 1 that would broadcast."""
    broad = [i for i, k in enumerate(labels) if v.shape[i] == 1 and lengths[k] != 1]
    if not broad:
        return labels, v
    return "".join([k for i, k in enumerate(labels) if i not in broad]), squeeze(v, tuple(broad))


def _summed(labels: str, v: Variable, count: Counter[str]) -> tuple[str, Variable]:
    """Without the axes that nobody else names."""
    alone = tuple([i for i, label in enumerate(labels) if count[label] == 1])
    if not alone:
        return labels, v
    return "".join([k for i, k in enumerate(labels) if i not in alone]), v.sum(alone)


# -- the notation --------------------------------------------------------------------------------

NUMBERED = {**dict(enumerate(ascii_letters)), Ellipsis: "..."}
"""What a number, or ``...``, stands for in the form with lists."""


def _letters(count: int, used: str) -> str:
    """Letters that are not used yet; Greek ones when others run out."""
    free = [k for k in ascii_letters if k not in used]
    return "".join([*free, *map(chr, range(0x3B1, 0x3B1 + count))][:count])


def _as_text(subscripts: Any, operands: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Notation and operands; the form with lists of numbers translated to letters."""
    if isinstance(subscripts, str):
        return subscripts.replace(" ", ""), operands
    items = (subscripts, *operands)
    paired = len(items) // 2 * 2
    terms = [_translated(numbers) for numbers in items[1:paired:2]]
    arrow = "" if paired == len(items) else "->" + _translated(items[-1])
    return ",".join(terms) + arrow, items[:paired:2]


def _translated(numbers: Any) -> str:
    try:
        return "".join([NUMBERED[n] for n in numbers])
    except (TypeError, KeyError):
        raise ShapeError(
            f"einsum: axes should be a list of numbers from 0 to {len(ascii_letters) - 1} or ..., "
            f"got {' '.join(repr(numbers).split()):.60}; or give a text such as 'ij,jk->ik' first"
        ) from None


def _parsed(notation: str, shapes: list[Shape]) -> tuple[list[str], str]:
    """Labels of each operand and of the result, ``...`` replaced by letters of its own."""
    left, arrow, right = notation.partition("->")
    terms = left.split(",")
    named = "".join(terms).replace("...", "")
    if not all(k in ascii_letters for k in named + right.replace("...", "")):
        raise ShapeError(
            f"einsum {notation!r}: should be made of letters, commas, '...' and one '->'"
        )
    if len(terms) != len(shapes):
        raise ShapeError(f"einsum {notation!r}: names {len(terms)} operands, got {len(shapes)}")
    extra = [_hidden(term, shape, notation) for term, shape in zip(terms, shapes)]
    dots = _letters(max(extra), named)
    inputs = [t.replace("...", dots[len(dots) - n :]) for t, n in zip(terms, extra)]
    if not arrow:
        right = "..." + "".join(sorted([k for k, n in Counter(named).items() if n == 1]))
    _check_output(right, named, dots, notation)
    return inputs, right.replace("...", dots)


def _hidden(term: str, shape: Shape, notation: str) -> int:
    """How many axes the ellipsis of a term stands for."""
    count = len(shape) - len(term.replace("...", ""))
    if count < 0 or term.count("...") > 1 or ("..." not in term and count):
        raise ShapeError(f"einsum {notation!r}: {term!r} does not fit an operand of shape {shape}")
    return count


def _check_output(right: str, named: str, dots: str, notation: str) -> None:
    twice = [k for k, n in Counter(right.replace("...", "")).items() if n > 1]
    unknown = [k for k in right.replace("...", "") if k not in named]
    if twice or right.count("...") > 1:
        raise ShapeError(f"einsum {notation!r}: the result names {twice or '...'} twice")
    if unknown:
        raise ShapeError(f"einsum {notation!r}: the result names {unknown}, which no operand has")
    if dots and "..." not in right:
        raise ShapeError(
            f"einsum {notation!r}: the operands have {len(dots)} axes under '...', the result none"
        )


# -- made of it ----------------------------------------------------------------------------------


def tensordot(a: ArrayLike, b: ArrayLike, axes: Any = 2) -> Variable:
    """Products summed over axes of both operands.

    Args:
        a: any shape.
        b: any shape.
        axes: how many of the last axes of ``a`` are summed with as many first ones of ``b``; or a
            pair: axes of ``a``, and those of ``b`` that they meet.
    Returns:
        The other axes of ``a``, then the other axes of ``b``.
    Raises:
        ShapeError: if lengths or numbers of axes differ.
        RangeError: if there is no such axis.
    Example:
        >>> tensordot(np.ones((2, 3, 4)), np.ones((4, 3, 5)), ((1, 2), (1, 0))).shape
        (2, 5)
    """
    x, y = as_variable(a, "tensordot"), as_variable(b, "tensordot")
    if isinstance(axes, int):
        axes = (tuple(range(x.ndim - axes, x.ndim)), tuple(range(axes)))
    ours, theirs = (as_axes(k, v.ndim, "tensordot") for k, v in zip(axes, (x, y)))
    if [x.shape[i] for i in ours] != [y.shape[i] for i in theirs]:
        raise ShapeError(
            f"tensordot: axes {ours} of {x.shape} and {theirs} of {y.shape} should have equal "
            "lengths"
        )
    left, right = _letters(x.ndim, ""), list(_letters(x.ndim + y.ndim, "")[x.ndim :])
    for i, j in zip(ours, theirs):
        right[j] = left[i]
    output = [k for k in left if k not in right] + [k for k in right if k not in left]
    return _applied([(left, x), ("".join(right), y)], "".join(output), "tensordot")


def dot(a: ArrayLike, b: ArrayLike) -> Variable:
    """`numpy.dot`: a product of numbers, vectors or matrices.

    Args:
        a: (..., k), or one number.
        b: (..., k, n), (k,), or one number.
    Returns:
        The axes of ``a`` without k, then those of ``b`` without k: unlike `matmul`, leading axes
        do not meet.
    Raises:
        ShapeError: if the lengths k differ.
    """
    x, y = as_variable(a, "dot"), as_variable(b, "dot")
    if not x.ndim or not y.ndim:
        return x * y
    if y.ndim <= 2:
        return matmul(x, y)
    return tensordot(x, y, ((-1,), (-2,)))


def outer(a: ArrayLike, b: ArrayLike) -> Variable:
    """All products, ``y[i, j] = a[i] b[j]``.

    Args:
        a: any shape of m elements.
        b: any shape of n elements.
    Returns:
        (m, n).
    """
    x, y = as_variable(a, "outer"), as_variable(b, "outer")
    return x.reshape(x.size, 1) * y.reshape(1, y.size)
