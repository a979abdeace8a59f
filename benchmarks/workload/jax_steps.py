"""The workloads in JAX and Optax: the whole step under `jax.jit`, its state given away to it.

Images have their channels last, which is what JAX's libraries use and what is faster on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from . import data
from .data import Workload

Weights = dict[str, Any]


def _linear(p: Weights, name: str, x):
    y = x @ p[f"{name}.W"]
    return y + p[f"{name}.b"] if f"{name}.b" in p else y


def _dense(p: Weights, x, between):
    depth = sum(name.endswith(".W") for name in p)
    for i in range(depth - 1):
        x = between(_linear(p, str(i), x))
    return _linear(p, str(depth - 1), x)


def _conv(x, W, stride: int = 1, padding: int = 0):
    around = [(padding, padding)] * 2
    order = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, W, (stride, stride), around, dimension_numbers=order)


def _convolutions(p: Weights, x):
    x = jax.nn.relu(_conv(x, p["c1.W"]) + p["c1.b"])
    x = jax.nn.relu(_conv(x, p["c2.W"]) + p["c2.b"])
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return _linear(p, "l2", jax.nn.relu(_linear(p, "l1", x.reshape(x.shape[0], -1))))


def _batch_norm(p: Weights, running: Weights, name: str, x, train: bool):
    """The result; the running statistics are exchanged in ``running``."""
    mean, variance = running[name]
    if train:
        n = x.size // x.shape[-1]
        old_mean, old_variance = mean, variance
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        moved = 0.9 * old_variance + 0.1 * variance * (n / (n - 1))
        running[name] = 0.9 * old_mean + 0.1 * mean, moved
    scale = lax.rsqrt(variance + 1e-5) * p[f"{name}.gamma"]
    return (x - mean) * scale + p[f"{name}.beta"]


def _resnet(p: Weights, running: Weights, x, train: bool):
    """Scores, and the running statistics afterwards."""
    running = dict(running)

    def block(x, name, norm, stride=1, padding=1):
        return _batch_norm(p, running, norm, _conv(x, p[name], stride, padding), train)

    x = jax.nn.relu(block(x, "stem.W", "stem"))
    for name, _, _, stride, changes in data.blocks():
        y = jax.nn.relu(block(x, f"{name}.c1.W", f"{name}.n1", stride))
        y = block(y, f"{name}.c2.W", f"{name}.n2")
        x = block(x, f"{name}.c3.W", f"{name}.n3", stride, 0) if changes else x
        x = jax.nn.relu(x + y)
    return _linear(p, "last", x.mean((1, 2))), running


def _lstm(p: Weights, t):
    x = p["embed"][t.T]  # (steps, n, embedding)
    z = x @ p["Wx"] + p["bx"] + p["bh"]
    zero = jnp.zeros((t.shape[0], p["Wh"].shape[0]))

    def cell(state, a):
        h, c = state
        i, f, g, o = jnp.split(a + h @ p["Wh"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    _, states = lax.scan(cell, (zero, zero), z)
    return _linear(p, "last", states.swapaxes(0, 1))


def _layer_norm(p: Weights, name: str, x):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-5) * p[f"{name}.gamma"] + p[f"{name}.beta"]


def _gpt(p: Weights, t, layers: int, heads: int):
    x = p["embed"][t] + p["place"]
    n, length, size = x.shape
    seen = jnp.tril(jnp.ones((length, length), bool))
    for i in range(layers):
        parts = _linear(p, f"{i}.qkv", _layer_norm(p, f"{i}.n1", x))
        q, k, v = jnp.moveaxis(parts.reshape(n, length, 3, heads, size // heads), 2, 0)
        fits = jnp.einsum("nqhd,nkhd->nhqk", q, k) * np.float32((size // heads) ** -0.5)
        weights = jax.nn.softmax(jnp.where(seen, fits, -jnp.inf))
        y = jnp.einsum("nhqk,nkhd->nqhd", weights, v).reshape(n, length, size)
        x = x + _linear(p, f"{i}.out", y)
        wide = _linear(p, f"{i}.wide", _layer_norm(p, f"{i}.n2", x))
        x = x + _linear(p, f"{i}.narrow", jax.nn.gelu(wide, approximate=True))
    return _linear(p, "last", _layer_norm(p, "norm", x))


def _critic(p: Weights, real, fake, share):
    def score(x):
        return _dense(p, x, jax.nn.relu).sum(1)

    slope = jax.grad(lambda x: score(x).sum())(share * real + (1 - share) * fake)
    norm = jnp.sqrt((slope * slope).sum(1) + data.UNDER_ROOT)
    penalty = jnp.mean((norm - 1) ** 2)
    return score(fake).mean() - score(real).mean() + data.PENALTY * penalty


def _entropy(scores, t):
    return optax.softmax_cross_entropy_with_integer_labels(scores, t).mean()


def loss_of(workload: Workload) -> Callable[..., Any]:
    """``(weights, running statistics, *batch)`` to the loss and the statistics afterwards."""
    if workload.name == "W1":
        return lambda p, s, x, t: (jnp.mean((_dense(p, x, jnp.tanh) - t) ** 2), s)
    if workload.name == "W10":
        return lambda p, s, *batch: (_critic(p, *batch), s)
    if workload.name == "W4":

        def loss(p, s, x, t):
            scores, s = _resnet(p, s, x, True)
            return _entropy(scores, t), s

        return loss
    sizes = workload.sizes
    scores = {
        "W2": lambda p, x: _dense(p, x, jax.nn.relu),
        "W3": _convolutions,
        "W5": _lstm,
        "W6": lambda p, t: _gpt(p, t, sizes["layers"], sizes["heads"]),
    }[workload.name]
    return lambda p, s, x, t: (_entropy(scores(p, x), t), s)


def optimizer(workload: Workload) -> optax.GradientTransformation:
    kind, rate = data.OPTIMIZERS[workload.name]
    if kind in ("sgd", "momentum"):
        return optax.sgd(rate, momentum=data.MOMENTUM if kind == "momentum" else None)
    betas = data.BETA1, data.BETA2, data.EPS
    if kind == "adam":
        return optax.adam(rate, *betas)
    return optax.adamw(rate, *betas, weight_decay=data.DECAY)


def weights(workload: Workload) -> Weights:
    """The weights that all are given, for images with their channels last."""
    arrays = data.weights(workload)
    for weight in data.plan(workload):
        if weight.kind == "kernel":
            arrays[weight.name] = arrays[weight.name].transpose(2, 3, 1, 0)
    if (
        workload.name == "W3"
    ):  # its rows are (channel, y, x), and here images come as (y, x, channel)
        side = (workload.sizes["image"] - 4) // 2
        W = arrays["l1.W"].reshape(64, side, side, -1).transpose(1, 2, 0, 3)
        arrays["l1.W"] = W.reshape(arrays["l1.W"].shape)
    return {name: jnp.array(np.ascontiguousarray(array)) for name, array in arrays.items()}


def _running(p: Weights) -> Weights:
    """The statistics of every batch normalisation at first: mean 0, variance 1."""
    gammas = {name.removesuffix(".gamma"): W for name, W in p.items() if name.endswith(".gamma")}
    return {name: (jnp.zeros_like(gamma), jnp.ones_like(gamma)) for name, gamma in gammas.items()}


def batch(workload: Workload) -> list[Any]:
    arrays = list(data.batch(workload))
    if workload.name in data.IMAGES:
        arrays[0] = np.ascontiguousarray(arrays[0].transpose(0, 2, 3, 1))
    return [jnp.array(a, jnp.int32 if a.dtype.kind == "i" else None) for a in arrays]


class Steps:
    """One workload; see `lamina_steps.Steps`. A step ends when all its results are there."""

    def __init__(self, workload: Workload):
        self.p, self.given = weights(workload), batch(workload)
        self.names = list(self.p)  # what jit gives back is sorted by name
        self.running = _running(self.p) if workload.name in ("W4", "W8") else {}
        made = {"W9": self._update, "W7": self._dense, "W8": self._images}
        self.run = made.get(workload.name, self._training)(workload)
        self.version = f"JAX {jax.__version__}, Optax {optax.__version__}"

    def _training(self, workload: Workload) -> Callable[[], Any]:
        rule, loss_in = optimizer(workload), loss_of(workload)

        def train(p, running, memory, *batch):
            found = jax.value_and_grad(loss_in, has_aux=True)(p, running, *batch)
            (loss, running), gradients = found
            updates, memory = rule.update(gradients, memory, p)
            return optax.apply_updates(p, updates), running, memory, loss

        train = jax.jit(train, donate_argnums=(0, 1, 2))
        state = self.p, self.running, rule.init(self.p)

        def step():
            nonlocal state
            *state, loss = train(*state, *self.given)
            jax.block_until_ready((state, loss))
            return loss

        return step

    def _dense(self, workload: Workload) -> Callable[[], Any]:
        predict = jax.jit(lambda p, x: _dense(p, x, jax.nn.relu))
        return lambda: jax.block_until_ready(predict(self.p, *self.given))

    def _images(self, workload: Workload) -> Callable[[], Any]:
        predict = jax.jit(lambda p, s, x: _resnet(p, s, x, False)[0])
        return lambda: jax.block_until_ready(predict(self.p, self.running, *self.given))

    def _update(self, workload: Workload) -> Callable[[], None]:
        rule = optimizer(workload)
        gradients = dict(zip(self.p, self.given, strict=True))

        def update(p, memory, gradients):
            updates, memory = rule.update(gradients, memory, p)
            return optax.apply_updates(p, updates), memory

        update = jax.jit(update, donate_argnums=(0, 1))
        memory = rule.init(self.p)

        def step():
            nonlocal memory
            self.p, memory = update(self.p, memory, gradients)
            jax.block_until_ready((self.p, memory))

        return step

    def __call__(self) -> Any:
        return self.run()

    def value(self, result: Any) -> list[float]:
        if result is None:
            parts = [np.vdot(self.p[name], g) for name, g in zip(self.names, self.given)]
            return [float(sum(parts))]
        return np.ravel(result).tolist()
