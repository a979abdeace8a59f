"""Products, linear equations, decompositions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import scipy.linalg

import lamina.functions as F

from .case import Case, Draw, nn, operator, torch


@operator("matmul")
def matmul(d: Draw) -> Case:
    m, k, n = d.ints(1, 6, 3)
    stacks = d.pair()
    a = d.array(*stacks[0], m, k) if d.int(0, 4) else d.array(k)
    b = d.array(*stacks[1], k, n) if d.int(0, 4) else d.array(k)
    return Case(
        F.matmul, [a, b], np.matmul, lambda a, b: a @ b, terms=max(a.size, b.size) * 4, scale=9.0
    )


@operator("linear")
def linear(d: Draw) -> Case:
    m, n = d.ints(1, 6, 2)
    x, W, b = d.array(*d.shape(0, 3), m), d.array(m, n), d.array(n) if d.flag() else None
    return Case(
        F.linear,
        [x, W, b],
        lambda x, W, b: x @ W + (0 if b is None else b),
        lambda x, W, b: nn.linear(x, W.T, b),
        terms=x.size,
        scale=9.0,
    )


EINSUM = [
    ("bik,bkj->bij", "bik", "bkj"),
    ("ij,jk,kl->il", "ij", "jk", "kl"),
    ("ii->i", "ii"),
    ("ij->", "ij"),
    ("ij->ji", "ij"),
    ("i,j->ij", "i", "j"),
    ("bhqd,bhkd->bhqk", "bhqd", "bhkd"),
    ("ij,ij->j", "ij", "ij"),
    ("aij,ajk,bk->ab", "aij", "ajk", "bk"),
    ("iij,j->ij", "iij", "j"),
]


@operator("einsum")
def einsum(d: Draw) -> Case:
    text, *operands = d.pick(EINSUM)
    sizes = {letter: d.int(1, 5) for letter in "".join(operands)}
    xs = [d.array(*(sizes[i] for i in word)) for word in operands]
    return Case(
        lambda *xs: F.einsum(text, *xs),
        xs,
        lambda *xs: np.einsum(text, *xs),
        lambda *xs: torch.einsum(text, *xs),
        text=text,
        terms=int(np.prod(list(sizes.values()))),
        scale=27.0,
    )


@operator("tensordot", "kron", "outer", "inner", "dot", "vdot")
def product(d: Draw) -> Case:
    m, k, n = d.ints(1, 5, 3)
    if d.name == "tensordot":
        a, b, axes = d.array(m, k, n), d.array(n, k, 2), d.pick([([1, 2], [1, 0]), ([1], [1])])
        return Case(
            lambda a, b: F.tensordot(a, b, axes),
            [a, b],
            lambda a, b: np.tensordot(a, b, axes),
            lambda a, b: torch.tensordot(a, b, dims=axes),
            text=f"{axes}",
            terms=a.size + b.size,
            scale=9.0,
        )
    a, b = {
        "kron": (d.array(*d.shape(1, 3, most=3)), d.array(*d.shape(1, 3, most=3))),
        "outer": (d.array(m), d.array(n)),
        "inner": (d.array(*d.shape(0, 2), k), d.array(*d.shape(0, 2), k)),
        "dot": (d.array(*d.shape(0, 2), k), d.array(k) if d.flag() else d.array(n, k, m)),
        "vdot": (d.array(k), d.array(k)),
    }[d.name]
    peer: Any = lambda a, b: getattr(torch, d.name)(a, b)  # noqa: E731
    if d.name == "dot":  # PyTorch's is for two vectors
        peer = lambda a, b: torch.tensordot(a, b, dims=([-1], [max(b.ndim - 2, 0)]))  # noqa: E731
    return Case(
        getattr(F, d.name),
        [a, b],
        lambda a, b: np.asarray(getattr(np, d.name)(a, b)),
        peer,
        terms=a.size + b.size,
        scale=9.0,
    )


@operator("vecdot", "matvec", "vecmat", "cross")
def stacked(d: Draw) -> Case:
    m, n = d.ints(1, 5, 2)
    one, two = d.pair()
    if d.name == "cross":
        a, b = d.array(*one, 3), d.array(*two, 3)

        def peer(a: Any, b: Any) -> Any:
            return torch.linalg.cross(*torch.broadcast_tensors(a, b))

        return Case(F.cross, [a, b], np.cross, peer, scale=18.0, terms=a.size + b.size)
    terms = 8 * int(np.prod(np.broadcast_shapes(one, two))) * m * n
    if d.name == "vecdot":
        xs = [d.array(*one, n), d.array(*two, n)]
        numpy: Any = lambda a, b: (a * b).sum(-1)  # noqa: E731
        return Case(F.vecdot, xs, numpy, numpy, terms=terms, scale=9.0)
    if d.name == "matvec":
        xs = [d.array(*one, m, n), d.array(*two, n)]
        numpy = lambda a, x: (a @ x[..., None])[..., 0]  # noqa: E731
    else:
        xs = [d.array(*one, m), d.array(*two, m, n)]
        numpy = lambda x, a: (x[..., None, :] @ a)[..., 0, :]  # noqa: E731
    return Case(getattr(F, d.name), xs, numpy, numpy, terms=terms, scale=9.0)


@operator("multi_dot")
def multi_dot(d: Draw) -> Case:
    sizes = d.ints(1, 5, d.int(3, 5))
    xs = [d.array(m, n, low=-1, high=1) for m, n in itertools.pairwise(sizes)]
    return Case(
        lambda *xs: F.multi_dot(xs),
        xs,
        lambda *xs: np.linalg.multi_dot(xs),
        lambda *xs: torch.linalg.multi_dot(xs),
        terms=sum(sizes),
        scale=25.0,
    )


def stack(d: Draw) -> tuple[int, ...]:
    return d.shape(0, 2, most=3)


def regular(d: Draw, *shape: int) -> np.ndarray:
    """Matrices far from singular ones: their condition is at most 9 or so."""
    n = min(shape[-2:])
    x = d.array(*shape, low=-0.5, high=0.5) / d.dtype.type(n)
    return (x + 1.5 * np.eye(shape[-2], shape[-1])).astype(d.dtype)


def positive(d: Draw, *shape: int) -> np.ndarray:
    x = regular(d, *shape)
    return (x @ x.swapaxes(-1, -2)).astype(d.dtype)


ALGEBRA: dict[str, tuple[Any, Any]] = {
    "inv": (np.linalg.inv, lambda x: torch.linalg.inv(x)),
    "det": (np.linalg.det, lambda x: torch.linalg.det(x)),
    "slogdet": (
        lambda x: tuple(np.linalg.slogdet(x)),
        lambda x: tuple(torch.linalg.slogdet(x)),
    ),
    "matrix_exp": (scipy.linalg.expm, lambda x: torch.linalg.matrix_exp(x)),
    "matrix_rank": (np.linalg.matrix_rank, lambda x: torch.linalg.matrix_rank(x)),
}


@operator(*ALGEBRA)
def square(d: Draw) -> Case:
    n = d.int(1, 5)
    x = regular(d, *stack(d), n, n)
    numpy, peer = ALGEBRA[d.name]
    grad = d.name != "matrix_rank"
    return Case(getattr(F, d.name), [x], lambda x: numpy(x), peer, terms=n**3, scale=9.0, grad=grad)


@operator("matrix_power")
def matrix_power(d: Draw) -> Case:
    n, k = d.int(1, 4), d.int(-3, 4)
    return Case(
        lambda x: F.matrix_power(x, k),
        [regular(d, *stack(d), n, n)],
        lambda x: np.linalg.matrix_power(x, k),
        lambda x: torch.linalg.matrix_power(x, k),
        text=f"{k}",
        terms=n**3,
        scale=9.0,
    )


@operator("solve", "solve_triangular", "cholesky", "cholesky_solve")
def equations(d: Draw) -> Case:
    n, k = d.int(1, 5), d.int(1, 3)
    words = {"terms": 4 * n**3, "scale": 9.0}
    one = stack(d)
    if d.name == "solve":
        two = one if d.flag() else ()
        a, b = regular(d, *one, n, n), d.array(*two, n, k)

        def peer(a: Any, b: Any) -> Any:
            # PyTorch takes (..., n) for vectors where a is (..., n, n); NumPy 2 and lamina do not.
            return torch.linalg.solve(a, b.broadcast_to(*a.shape[:-2], n, k))

        return Case(F.solve, [a, b], np.linalg.solve, peer, **words)
    if d.name == "solve_triangular":
        lower, unit = d.flag(), d.flag()
        a, b = regular(d, *one, n, n), d.array(*one, n, k)

        def numpy(a: np.ndarray, b: np.ndarray) -> np.ndarray:
            a = np.tril(a) if lower else np.triu(a)
            eye = np.eye(n, dtype=bool)
            return np.linalg.solve(np.where(eye, 1.0, a) if unit else a, b)

        return Case(
            lambda a, b: F.solve_triangular(a, b, lower, unit),
            [a, b],
            numpy,
            lambda a, b: torch.linalg.solve_triangular(a, b, upper=not lower, unitriangular=unit),
            text=f"{lower} {unit}",
            **words,
        )
    x = positive(d, *one, n, n)
    if d.name == "cholesky":
        return Case(
            F.cholesky, [x], np.linalg.cholesky, lambda x: torch.linalg.cholesky(x), **words
        )
    L = np.linalg.cholesky(x)
    return Case(
        F.cholesky_solve,
        [L, d.array(*one, n, k)],
        lambda L, b: np.linalg.solve(L @ L.swapaxes(-1, -2), b),
        lambda L, b: torch.cholesky_solve(b, L.tril()),
        **words,
    )


@operator("pinv", "lstsq", "svdvals", "cond", "qr", "svd")
def oblong(d: Draw) -> Case:
    m, n = d.ints(1, 5, 2)
    if d.name == "qr":
        m = max(m, n)  # PyTorch has no derivative of wide ones
    x = regular(d, *stack(d), m, n)
    # Apart from one another, so that derivatives of the vectors exist.
    x = x * (1 + np.arange(n, dtype=x.dtype) / 2)
    words = {"terms": 16 * (m + n) ** 2, "scale": 9.0}
    if d.name == "lstsq":
        b = d.array(*x.shape[:-1], d.int(1, 3))
        return Case(
            F.lstsq,
            [x, b],
            lambda x, b: np.linalg.pinv(x) @ b,
            lambda x, b: torch.linalg.pinv(x) @ b,
            **words,
        )
    if d.name == "svd":  # signs are free: the product of all three is compared, and s

        def whole(u: Any, s: Any, v: Any) -> Any:
            return (u * s[..., None, :]) @ v, s

        return Case(
            lambda x: whole(*F.svd(x)),
            [x],
            lambda x: (x, np.linalg.svd(x, compute_uv=False)),
            lambda x: whole(*torch.linalg.svd(x, full_matrices=False)),
            **words,
        )
    if d.name == "qr":
        return Case(
            F.qr,
            [x],
            lambda x: tuple(np.linalg.qr(x)),
            lambda x: tuple(torch.linalg.qr(x)),
            **words,
        )
    numpy = {"pinv": np.linalg.pinv, "cond": np.linalg.cond}.get(d.name)
    return Case(
        getattr(F, d.name),
        [x],
        numpy or (lambda x: np.linalg.svd(x, compute_uv=False)),
        lambda x: getattr(torch.linalg, d.name)(x),
        **words,
    )


@operator("eigh", "eigvalsh")
def symmetric(d: Draw) -> Case:
    n = d.int(1, 5)
    x = positive(d, *stack(d), n, n) + np.diag(np.arange(n, dtype=d.dtype))
    words = {"terms": 64 * n**2, "scale": 9.0}
    if d.name == "eigvalsh":
        return Case(
            F.eigvalsh, [x], np.linalg.eigvalsh, lambda x: torch.linalg.eigvalsh(x), **words
        )

    def whole(w: Any, v: Any) -> Any:  # signs are free: squares have none
        return w, v * v

    def peer(x: Any) -> Any:
        return whole(*torch.linalg.eigh(x))

    return Case(
        lambda x: whole(*F.eigh(x)), [x], lambda x: whole(*np.linalg.eigh(x)), peer, **words
    )


@operator("matrix_norm")
def matrix_norm(d: Draw) -> Case:
    x = regular(d, *stack(d), *d.ints(1, 5, 2))
    ord, keepdims = d.pick(["fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf]), d.flag()
    return Case(
        lambda x: F.matrix_norm(x, ord, keepdims=keepdims),
        [x],
        lambda x: np.linalg.matrix_norm(x, ord=ord, keepdims=keepdims),
        lambda x: torch.linalg.matrix_norm(x, ord, keepdim=keepdims),
        text=f"{ord} {keepdims}",
        terms=100,
        scale=9.0,
    )
