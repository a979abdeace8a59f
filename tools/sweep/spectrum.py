"""Fourier transforms and complex numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

import lamina.functions as F

from .case import Case, Draw, operator, torch

NORMS = ["backward", "ortho", "forward"]


def spectral(d: Draw, xs: list[np.ndarray], f: Any, numpy: Any, peer: Any, **words: Any) -> Case:
    """One array is real, two are the parts of complex numbers; so are complex results."""

    def ours(*xs: Any) -> Any:
        y = f(F.complex(*xs) if len(xs) == 2 else xs[0])
        return (F.real(y), F.imag(y)) if y.dtype.kind == "c" else y

    def theirs(*xs: Any) -> Any:
        y = numpy(xs[0] + 1j * xs[1] if len(xs) == 2 else xs[0])
        return (y.real, y.imag) if np.iscomplexobj(y) else y

    def tensors(*xs: Any) -> Any:
        y = peer(torch.complex(*xs) if len(xs) == 2 else xs[0])
        return (y.real, y.imag) if y.is_complex() else y

    return Case(ours, xs, numpy and theirs, tensors, **words)


@operator("fft", "ifft", "rfft", "irfft")
def one_axis(d: Draw) -> Case:
    shape = d.shape(1, 3, least=2, most=9)
    axis, norm = d.axis(len(shape)), d.pick(NORMS)
    n = d.pick([None, d.int(1, 12)])
    real = d.name == "rfft" or (d.name != "irfft" and d.flag())
    xs = [d.array(*shape)] if real else [d.array(*shape), d.array(*shape)]
    f, g = getattr(F, d.name), getattr(np.fft, d.name)
    return spectral(
        d,
        xs,
        lambda x: f(x, n, axis, norm),
        lambda x: g(x, n, axis, norm),
        lambda x: getattr(torch.fft, d.name)(x, n, axis, norm),
        text=f"n={n} axis={axis} {norm}",
        terms=12,
        scale=36.0,
    )


@operator("fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn")
def several_axes(d: Draw) -> Case:
    shape = d.shape(2, 3, least=2, most=6)
    norm = d.pick(NORMS)
    axes = tuple(
        int(i) for i in d.rng.permutation(len(shape))[: 2 if "2" in d.name else d.int(1, 2)]
    )
    s = d.pick([None, d.ints(1, 8, len(axes))])
    real = d.name.startswith("rfft") or ("irfft" not in d.name and d.flag())
    xs = [d.array(*shape)] if real else [d.array(*shape), d.array(*shape)]
    f, g = getattr(F, d.name), getattr(np.fft, d.name)
    return spectral(
        d,
        xs,
        lambda x: f(x, s, axes, norm),
        lambda x: g(x, s, axes, norm),
        lambda x: getattr(torch.fft, d.name)(x, s, axes, norm),
        text=f"s={s} axes={axes} {norm}",
        terms=64,
        scale=150.0,  # sums of up to 64 numbers of the size of 3
    )


@operator("fftshift", "ifftshift")
def shift(d: Draw) -> Case:
    x = d.array(*d.shape(1, 3))
    axes = d.axes(x.ndim)
    f, g = getattr(F, d.name), getattr(np.fft, d.name)
    return Case(
        lambda x: f(x, axes),
        [x],
        lambda x: g(x, axes),
        lambda x: getattr(torch.fft, d.name)(x, axes),
        text=f"{axes}",
    )


@operator("stft", "istft")
def short_time(d: Draw) -> Case:
    n = d.pick([4, 6, 7, 8])
    hop, center = d.int(1, n // 2), d.flag()
    x = d.array(*d.shape(0, 1), d.int(n + 4, 30))
    w = d.array(n, low=0.5, high=1)
    text = f"n={n} hop={hop} center={center}"

    def peer(x: Any) -> Any:
        window = torch.tensor(w.astype(np.float64))
        return torch.stft(x, n, hop, window=window, center=center, return_complex=True)

    def forth(x: Any) -> Any:
        return F.stft(x, n, hop, w, center)

    def frames(x: Any) -> Any:
        if center:
            x = np.pad(x, [*[(0, 0)] * (x.ndim - 1), (n // 2, n // 2)], "reflect")
        seen = np.lib.stride_tricks.sliding_window_view(x, n, -1)[..., ::hop, :]
        return np.fft.rfft(seen * w.astype(np.float64)).swapaxes(-1, -2)

    if d.name == "stft":
        return spectral(d, [x], forth, frames, peer, text=text, terms=n, scale=24.0)
    spectrum = forth(x).data
    return spectral(
        d,
        [spectrum.real.copy(), spectrum.imag.copy()],
        lambda x: F.istft(x, n, hop, w, True),
        None,
        lambda x: torch.istft(x, n, hop, window=torch.tensor(w.astype(np.float64))),
        text=text,
        terms=8 * n,
        scale=24.0,
    )


@operator("complex", "polar", "real", "imag", "conj", "angle")
def parts(d: Draw) -> Case:
    if d.name in ("complex", "polar"):
        one, two = d.pair()
        a, b = d.array(*one, low=0.25), d.array(*two)
        if d.name == "complex":
            return Case(
                F.complex, [a, b], lambda a, b: a + 1j * b, lambda a, b: torch.complex(a, b)
            )
        return Case(F.polar, [a, b], lambda r, t: r * np.exp(1j * t), scale=3.0)
    shape = d.shape()
    xs = [d.array(*shape), d.array(*shape)]
    return spectral(
        d,
        xs,
        getattr(F, d.name),
        getattr(np, d.name),
        lambda z: getattr(torch, d.name)(z),
        scale=1.0,
    )
