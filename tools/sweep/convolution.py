"""Convolutions of rank one to three, transposed ones, depthwise ones, columns."""

from __future__ import annotations

from typing import Any

import numpy as np

import lamina.functions as F

from .case import Case, Draw, nn, operator


def widths(padding: Any, rank: int) -> list[tuple[int, int]]:
    each = [padding] * rank if isinstance(padding, int) else padding
    return [(p, p) if isinstance(p, int) else p for p in each]


def same_widths(size: Any, kernel: Any, stride: Any, dilation: Any) -> list[tuple[int, int]]:
    """What ``"same"`` stands for: ``ceil(size / stride)`` places, the odd zero at the end."""
    found = []
    for n, k, s, d in zip(size, kernel, stride, dilation):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        found.append((total // 2, total - total // 2))
    return found


def correlate(
    x: np.ndarray, W: np.ndarray, stride: Any, pads: Any, dilation: Any, groups: int
) -> np.ndarray:
    """Convolution by one product for each place of the kernel, its reach written as slices."""
    n, c_out = len(x), len(W)
    x = np.pad(x, [(0, 0), (0, 0), *pads])
    kernel = W.shape[2:]
    out = [
        (m - (k - 1) * d - 1) // s + 1 for m, k, d, s in zip(x.shape[2:], kernel, dilation, stride)
    ]
    y = np.zeros((n, groups, c_out // groups, *out))
    parts = W.reshape(groups, c_out // groups, *W.shape[1:])
    for i in np.ndindex(*kernel):
        at = [
            slice(k * d, k * d + (o - 1) * s + 1, s) for k, d, o, s in zip(i, dilation, out, stride)
        ]
        seen = x[(slice(None), slice(None), *at)].reshape(n, groups, -1, *out)
        y += np.einsum("ngc...,goc->ngo...", seen, parts[(..., *i)])
    return y.reshape(n, c_out, *out)


def transposed(x: np.ndarray, W: np.ndarray, o: dict[str, Any]) -> np.ndarray:
    """Zeros between the numbers of ``x``, then a correlation with the kernel turned round."""
    rank, groups = x.ndim - 2, o["groups"]
    size = [(m - 1) * s + 1 for m, s in zip(x.shape[2:], o["stride"])]
    wide = np.zeros((*x.shape[:2], *size))
    wide[(slice(None), slice(None), *[slice(None, None, s) for s in o["stride"]])] = x
    parts = W.reshape(groups, -1, *W.shape[1:]).swapaxes(1, 2)
    turned = np.flip(parts.reshape(-1, *parts.shape[2:]), tuple(range(2, 2 + rank)))
    pads = [
        ((k - 1) * d - a, (k - 1) * d - z + more)
        for k, d, (a, z), more in zip(
            W.shape[2:], o["dilation"], widths(o["padding"], rank), o["output_padding"]
        )
    ]
    crop = [slice(max(-a, 0), n - max(-z, 0)) for (a, z), n in zip(pads, size)]
    pads = [(max(a, 0), max(z, 0)) for a, z in pads]
    wide = wide[(slice(None), slice(None), *crop)]
    return correlate(wide, turned, [1] * rank, pads, o["dilation"], groups)


def sizes(d: Draw, rank: int, kernel: Any, dilation: Any) -> tuple[int, ...]:
    """At least what the kernel reaches over, and a little more."""
    most = {1: 12, 2: 7, 3: 4}[rank]
    return tuple((k - 1) * s + 1 + d.int(0, most) for k, s in zip(kernel, dilation))


def options(d: Draw, rank: int) -> tuple[tuple[int, ...], dict[str, Any]]:
    kernel = d.ints(1, 4 if rank < 3 else 3, rank)
    return kernel, {
        "stride": d.ints(1, 3, rank),
        "padding": tuple(d.int(0, 2) for _ in range(rank)),
        "dilation": d.ints(1, 3 if rank < 3 else 2, rank),
        "groups": d.pick([1, 1, 2, 3]),
    }


def biased(y: Any, b: Any) -> Any:
    return y if b is None else y + b.reshape(-1, *[1] * (y.ndim - 2))


def operands(d: Draw, *shapes: tuple[int, ...]) -> list[Any]:
    """x, W, and a bias or none."""
    *both, bias = shapes
    return [d.array(*s) for s in both] + [d.array(*bias) if d.flag() else None]


@operator("conv1d", "conv2d", "conv3d")
def conv(d: Draw) -> Case:
    rank = int(d.name[-2])
    kernel, o = options(d, rank)
    c, k = o["groups"] * d.int(1, 3), o["groups"] * d.int(1, 3)
    x, W, b = operands(
        d,
        (d.int(1, 3), c, *sizes(d, rank, kernel, o["dilation"])),
        (k, c // o["groups"], *kernel),
        (k,),
    )
    style = d.int(0, 3)
    o["padding"] = {0: "same", 1: tuple((d.int(0, 2), d.int(0, 2)) for _ in range(rank))}.get(
        style, o["padding"]
    )
    pads = (
        same_widths(x.shape[2:], kernel, o["stride"], o["dilation"])
        if o["padding"] == "same"
        else widths(o["padding"], rank)
    )

    def numpy(x: Any, W: Any, b: Any) -> Any:
        return biased(correlate(x, W, o["stride"], pads, o["dilation"], o["groups"]), b)

    def peer(x: Any, W: Any, b: Any) -> Any:
        flat = [p for pair in reversed(pads) for p in pair]
        f = getattr(nn, d.name)
        return f(nn.pad(x, flat), W, b, o["stride"], 0, o["dilation"], o["groups"])

    f = getattr(F, d.name)
    return Case(
        lambda x, W, b: f(x, W, b, **o),
        [x, W, b],
        numpy,
        peer,
        text=f"{o}",
        terms=max(W[0].size, x.size),
        scale=9.0,
    )


@operator("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def conv_transpose(d: Draw) -> Case:
    rank = int(d.name[-2])
    kernel, o = options(d, rank)
    c, k = o["groups"] * d.int(1, 3), d.int(1, 3)
    o["output_padding"] = tuple(d.int(0, max(s, t) - 1) for s, t in zip(o["stride"], o["dilation"]))
    o["output_padding"] = tuple(min(p, s - 1) for p, s in zip(o["output_padding"], o["stride"]))
    size = tuple(d.int(3, 6 if rank < 3 else 4) for _ in range(rank))
    # What is cut off may not be more than there is.
    o["padding"] = tuple(
        min(p, ((m - 1) * s + (n - 1) * e) // 2)
        for p, m, s, n, e in zip(o["padding"], size, o["stride"], kernel, o["dilation"])
    )
    x, W, b = operands(d, (d.int(1, 3), c, *size), (c, k, *kernel), (k * o["groups"],))
    f, g = getattr(F, d.name), getattr(nn, d.name)
    return Case(
        lambda x, W, b: f(x, W, b, **o),
        [x, W, b],
        lambda x, W, b: biased(transposed(x, W, o), b),
        lambda x, W, b: g(x, W, b, **o),
        text=f"{o}",
        terms=max(c * W[0, 0].size, x.size),
        scale=9.0,
    )


@operator("depthwise_conv", "separable_conv")
def separable(d: Draw) -> Case:
    rank = d.int(1, 3)
    kernel, o = options(d, rank)
    del o["groups"]
    c, m, k = d.int(1, 3), d.int(1, 2), d.int(1, 4)
    size = sizes(d, rank, kernel, o["dilation"])
    x, W = d.array(2, c, *size), d.array(c * m, 1, *kernel)
    g = getattr(nn, f"conv{rank}d")
    pads = widths(o["padding"], rank)

    def numpy(x: Any, W: Any) -> Any:
        return correlate(x, W, o["stride"], pads, o["dilation"], c)

    def peer(x: Any, W: Any) -> Any:
        return g(x, W, None, groups=c, **o)

    words = {"text": f"{o}", "terms": max(W[0].size * c * m, x.size), "scale": 9.0}
    if d.name == "depthwise_conv":
        return Case(lambda x, W: F.depthwise_conv(x, W, **o), [x, W], numpy, peer, **words)
    P = d.array(k, c * m, *[1] * rank)
    words["scale"] = 27.0 * W[0].size
    return Case(
        lambda x, W, P: F.separable_conv(x, W, P, **o),
        [x, W, P],
        lambda x, W, P: np.einsum("nc...,kc->nk...", numpy(x, W), P.reshape(k, -1)),
        lambda x, W, P: g(peer(x, W), P),
        **words,
    )


@operator("unfold", "fold")
def columns(d: Draw) -> Case:
    rank = d.int(1, 3)
    kernel, o = options(d, rank)
    del o["groups"]
    size = sizes(d, rank, kernel, o["dilation"])
    x = d.array(d.int(1, 3), d.int(1, 3), *size)
    pads = widths(o["padding"], rank)
    wide = [n + a + z for n, (a, z) in zip(size, pads)]
    inner = (..., *(slice(a, n - z) for n, (a, z) in zip(wide, pads)))
    out = [
        (n - (k - 1) * e - 1) // s + 1
        for n, k, e, s in zip(wide, kernel, o["dilation"], o["stride"])
    ]

    def seen() -> Any:
        """Where the number i of the kernel falls, for each i."""
        for i in np.ndindex(*kernel):
            starts = [k * e for k, e in zip(i, o["dilation"])]
            yield (
                ...,
                *(slice(a, a + (m - 1) * s + 1, s) for a, m, s in zip(starts, out, o["stride"])),
            )

    def numpy(x: np.ndarray) -> np.ndarray:
        x = np.pad(x, [(0, 0), (0, 0), *pads])
        y = np.stack([x[at] for at in seen()], 2)
        return y.reshape(len(x), -1, int(np.prod(out)))

    def back(y: np.ndarray) -> np.ndarray:
        x = np.zeros((len(y), y.shape[1] // int(np.prod(kernel)), *wide))
        parts = y.reshape(len(y), x.shape[1], -1, *out)
        for k, at in enumerate(seen()):
            x[at] += parts[:, :, k]
        return x[inner]

    words: dict[str, Any] = {"text": f"{size} {kernel} {o}", "terms": 64, "scale": 3.0}
    more = {"kernel_size": kernel, **o}
    peer: Any = None  # PyTorch's are of rank two
    if d.name == "unfold":
        if rank == 2:
            peer = lambda x: nn.unfold(x, **more)  # noqa: E731
        return Case(lambda x: F.unfold(x, kernel, **o), [x], numpy, peer, **words)
    if rank == 2:
        peer = lambda y: nn.fold(y, size, **more)  # noqa: E731
    y = d.array(*numpy(x).shape)
    return Case(lambda y: F.fold(y, size, kernel, **o), [y], back, peer, **words)
