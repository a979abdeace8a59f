"""Whether a case's result, and its first derivatives, are those of the references."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from lamina import Variable, gradients

from .case import Case, Draw

ROUNDINGS = 16
"""Of one elementwise formula: the worst operators are a few roundings off, and compositions of
five or six of them add theirs up. Each term of a sum adds two: its product's and its own."""

SLOPES = 8
"""Derivatives are products of several such formulas, on either side, so many times as far off."""


def promoted(x: Any) -> Any:
    """An input with its numbers in double precision."""
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "fc":
        return x
    return x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)


def several(y: Any) -> list[Any]:
    return list(y) if isinstance(y, tuple | list) else [y]


def expected_dtype(reference: np.ndarray, draw: Draw, raw: bool) -> np.dtype:
    """The result's dtype where the reference computed in double precision."""
    if raw or draw.dtype == np.float64:
        return reference.dtype
    narrow = {"f": draw.dtype, "c": np.complex64}
    return np.dtype(narrow.get(reference.dtype.kind, reference.dtype))


def difference(y: np.ndarray, r: np.ndarray, eps: float, scale: float) -> str | None:
    """Where ``y`` is farther from ``r`` than ``eps`` times the larger of ``|r|`` and ``scale``."""
    if y.shape != r.shape:
        return f"shape {y.shape}, should be {r.shape}"
    if r.dtype.kind not in "fc":
        wrong = y != r
    else:
        with np.errstate(invalid="ignore", over="ignore"):
            near = np.abs(y - r) <= eps * np.maximum(np.abs(r), scale)
        wrong = ~(near | (y == r) | (np.isnan(y) & np.isnan(r)))
    if not np.any(wrong):
        return None
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"at {at} {y[at]!r}, should be {r[at]!r}; {int(np.sum(wrong))} of {y.size} differ"


def forward(case: Case, draw: Draw, references: list[Any], off: float = 0.0) -> str | None:
    """The first difference of results, in words, or None."""
    ys = [y.data for y in several(case.run(*case.inputs))]
    references = [np.asarray(r) for r in references]
    if len(ys) != len(references):
        return f"{len(ys)} results, should be {len(references)}"
    for i, (y, r) in enumerate(zip(ys, references)):
        dtype = expected_dtype(r, draw, case.raw)
        if y.dtype != dtype:
            return f"result {i}: dtype {y.dtype}, should be {dtype}"
        eps = 0.0
        if dtype.kind in "fc":
            eps = off + float(np.finfo(dtype).eps) * (ROUNDINGS + 2 * case.terms)
        found = difference(y, r, eps, case.scale)
        if found:
            return f"result {i}: {found}"
    return None


def against_numpy(reference: Any, case: Case, draw: Draw) -> str | None:
    """The first difference from NumPy or SciPy."""
    inputs = case.inputs if case.raw else [promoted(x) for x in case.inputs]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's nanmean of nothing, and such
        references = several(reference(*inputs))
    return forward(case, draw, references)


def against_torch(reference: Any, case: Case, draw: Draw) -> str | None:
    """The first difference from PyTorch, and then from its derivatives."""
    import torch

    inputs = case.inputs if case.raw else [promoted(x) for x in case.inputs]
    # In the order of rows: some of PyTorch's derivatives refuse anything else.
    tensors = [torch.tensor(x.copy("C")) if isinstance(x, np.ndarray) else x for x in inputs]
    slopes = case.grad and draw.dtype == np.float64
    leaves = [t for t in tensors if isinstance(t, torch.Tensor) and t.dtype.is_floating_point]
    for leaf in leaves:
        leaf.requires_grad_(slopes)
    results = several(reference(*tensors))
    values = [r.detach().resolve_conj().resolve_neg().numpy() for r in results]
    found = forward(case, draw, values, case.peer)
    if found or not slopes:
        return found
    return backward(case, draw, results, leaves)


def backward(case: Case, draw: Draw, results: list[Any], leaves: list[Any]) -> str | None:
    """The first difference of derivatives, of the sum of the results times random numbers."""
    import torch

    xs = [
        Variable(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for x in case.inputs
    ]
    for x in xs:
        if isinstance(x, Variable):
            x.requires_grad = True
    ys = several(case.run(*xs))
    pairs = [(y, r) for y, r in zip(ys, results) if r.requires_grad and not r.is_complex()]
    if not pairs:
        return None
    draw.slopes = True
    gys = [draw.rng.normal(size=y.shape) for y, _ in pairs]
    live = [(y, g) for (y, _), g in zip(pairs, gys) if y.requires_grad]
    ours: Any = [None] * len(leaves)  # what lamina holds for constant should be 0 in PyTorch
    if live:
        ours = gradients(
            [y for y, _ in live], [x for x in xs if isinstance(x, Variable)], [g for _, g in live]
        )
    theirs = torch.autograd.grad(
        [r for _, r in pairs], leaves, [torch.tensor(g) for g in gys], allow_unused=True
    )
    for i, (g, r) in enumerate(zip(ours, theirs)):
        shape = tuple(leaves[i].shape)
        y = np.zeros(shape) if g is None else g.data
        r = np.zeros(shape) if r is None else r.resolve_neg().numpy()
        finite = np.abs(r[np.isfinite(r)])
        scale = max(case.scale, 1.0, float(finite.max()) if finite.size else 0.0)
        eps = case.peer + SLOPES * float(np.finfo(y.dtype).eps) * (ROUNDINGS + 2 * case.terms)
        found = difference(y, r, eps, scale)
        if found:
            return f"derivative by input {i}: {found}"
    return None
