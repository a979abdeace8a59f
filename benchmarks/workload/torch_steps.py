"""The workloads in PyTorch, in the ways that somebody who wants them fast would try.

``eager`` is as one writes it. ``fused`` has the fused optimizer; ``channels_last`` that, and images
with their channels last; ``compile`` that, and the function of the loss goes through
`torch.compile` with its own settings, the optimizer does not (for W9, which is nothing else, it
does).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from . import data
from .data import Workload


class Convolutions(nn.Module):
    """W3."""

    def __init__(self, image: int):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        side = (image - 4) // 2
        self.l1, self.l2 = nn.Linear(64 * side * side, 128), nn.Linear(128, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c2(F.relu(self.c1(x)))), 2)
        return self.l2(F.relu(self.l1(x.flatten(1))))


class Block(nn.Module):
    """A block of W4."""

    def __init__(self, before: int, channels: int, stride: int, changes: bool):
        super().__init__()
        self.c1 = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
        self.n1 = nn.BatchNorm2d(channels)
        self.c2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.n2 = nn.BatchNorm2d(channels)
        if changes:
            self.c3 = nn.Conv2d(before, channels, 1, stride, bias=False)
            self.n3 = nn.BatchNorm2d(channels)
        self.changes = changes

    def forward(self, x):
        y = self.n2(self.c2(F.relu(self.n1(self.c1(x)))))
        return F.relu(y + (self.n3(self.c3(x)) if self.changes else x))


class ResNet18(nn.Module):
    """W4."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64)
        self.blocks = nn.Sequential(*[Block(*block[1:]) for block in data.blocks()])
        self.last = nn.Linear(512, 10)

    def forward(self, x):
        return self.last(self.blocks(F.relu(self.norm(self.stem(x)))).mean((2, 3)))


class Characters(nn.Module):
    """W5."""

    def __init__(self, tokens: int, embedding: int, hidden: int):
        super().__init__()
        self.embed = nn.Embedding(tokens, embedding)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True)
        self.last = nn.Linear(hidden, tokens)

    def forward(self, t):
        return self.last(self.lstm(self.embed(t))[0])


class Attending(nn.Module):
    """A block of W6."""

    def __init__(self, size: int, heads: int):
        super().__init__()
        self.heads = heads
        self.n1, self.qkv = nn.LayerNorm(size), nn.Linear(size, 3 * size)
        self.out, self.n2 = nn.Linear(size, size), nn.LayerNorm(size)
        self.wide, self.narrow = nn.Linear(size, 4 * size), nn.Linear(4 * size, size)

    def forward(self, x):
        n, length, size = x.shape
        parts = self.qkv(self.n1(x)).view(n, length, 3, self.heads, size // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(n, length, size))
        return x + self.narrow(F.gelu(self.wide(self.n2(x)), approximate="tanh"))


class GPT(nn.Module):
    """W6."""

    def __init__(self, tokens: int, length: int, size: int, layers: int, heads: int):
        super().__init__()
        self.embed, self.place = nn.Embedding(tokens, size), nn.Embedding(length, size)
        self.blocks = nn.Sequential(*[Attending(size, heads) for _ in range(layers)])
        self.norm, self.last = nn.LayerNorm(size), nn.Linear(size, tokens, bias=False)

    def forward(self, t):
        return self.last(self.norm(self.blocks(self.embed(t) + self.place.weight)))


def _dense(widths: tuple[int, ...], between: type[nn.Module]) -> nn.Module:
    layers: list[nn.Module] = []
    for rows, columns in pairwise(widths):
        layers += [nn.Linear(rows, columns), between()]
    return nn.Sequential(*layers[:-1])


def network(workload: Workload) -> nn.Module:
    """The model, with the weights that all are given, turned around where they are matrices."""
    sizes = workload.sizes
    if "widths" in sizes:
        model = _dense(sizes["widths"], nn.Tanh if workload.name == "W1" else nn.ReLU)
    elif workload.name == "W3":
        model = Convolutions(sizes["image"])
    elif "image" in sizes:
        model = ResNet18()
    elif workload.name == "W5":
        model = Characters(sizes["tokens"], sizes["embedding"], sizes["hidden"])
    else:
        model = GPT(*[sizes[n] for n in ("tokens", "length", "size", "layers", "heads")])
    arrays = data.weights(workload)
    with torch.no_grad():
        for param, weight in zip(model.parameters(), data.plan(workload), strict=True):
            array = arrays[weight.name]
            array = array.T if weight.kind in ("matrix", "recurrent") else array
            assert param.shape == array.shape, (weight.name, param.shape, array.shape)
            param.copy_(torch.from_numpy(np.ascontiguousarray(array)))
    return model


def optimizer(workload: Workload, params: Any, fused: bool) -> torch.optim.Optimizer:
    kind, rate = data.OPTIMIZERS[workload.name]
    words: dict[str, Any] = {"lr": rate, "fused": True} if fused else {"lr": rate}
    if kind in ("sgd", "momentum"):
        return torch.optim.SGD(params, momentum=data.MOMENTUM * (kind == "momentum"), **words)
    words |= {"betas": (data.BETA1, data.BETA2), "eps": data.EPS}
    if kind == "adam":
        return torch.optim.Adam(params, **words)
    return torch.optim.AdamW(params, weight_decay=data.DECAY, **words)


def loss_of(workload: Workload, model: nn.Module) -> Callable[..., torch.Tensor]:
    if workload.name == "W1":
        return lambda x, t: F.mse_loss(model(x), t)
    if workload.name == "W10":
        return lambda real, fake, share: _critic(model, real, fake, share)
    if "length" in workload.sizes:
        return lambda x, t: F.cross_entropy(model(x).flatten(0, 1), t.flatten())
    return lambda x, t: F.cross_entropy(model(x), t)


def _critic(model: nn.Module, real: Any, fake: Any, share: Any) -> torch.Tensor:
    between = (share * real + (1 - share) * fake).requires_grad_(True)
    (slope,) = torch.autograd.grad(model(between).sum(), between, create_graph=True)
    norm = (slope.square().sum(1) + data.UNDER_ROOT).sqrt()
    penalty = (norm - 1).square().mean()
    return model(fake).sum(1).mean() - model(real).sum(1).mean() + data.PENALTY * penalty


class Steps:
    """One variant of one workload; see `lamina_steps.Steps`."""

    def __init__(self, workload: Workload, variant: str, threads: int):
        torch.set_num_threads(threads)
        self.workload, self.variant = workload, variant
        self.fused = variant != "eager"
        self.given = [torch.from_numpy(array) for array in data.batch(workload)]
        if variant == "channels_last":
            self.given[0] = self.given[0].to(memory_format=torch.channels_last)
        made = {"W9": self._update, "W7": self._prediction, "W8": self._prediction}
        self.run = made.get(workload.name, self._training)()
        self.version = f"PyTorch {torch.__version__}"

    def _model(self) -> nn.Module:
        model = network(self.workload)
        last = self.variant == "channels_last"
        return model.to(memory_format=torch.channels_last) if last else model

    def _compiled(self, function: Any) -> Any:
        return torch.compile(function) if self.variant == "compile" else function

    def _training(self) -> Callable[[], torch.Tensor]:
        model, batch = self._model(), self.given
        rule = optimizer(self.workload, model.parameters(), self.fused)
        loss_in = self._compiled(loss_of(self.workload, model))

        def step():
            loss = loss_in(*batch)
            rule.zero_grad(set_to_none=True)
            loss.backward()
            rule.step()
            return loss.detach()

        return step

    def _prediction(self) -> Callable[[], torch.Tensor]:
        model = self._compiled(self._model().eval())
        (x,) = self.given

        def step():
            with torch.inference_mode():
                return model(x)

        return step

    def _update(self) -> Callable[[], None]:
        arrays = data.weights(self.workload).values()
        self.params = [nn.Parameter(torch.from_numpy(array)) for array in arrays]
        for param, gradient in zip(self.params, self.given):
            param.grad = gradient
        return self._compiled(optimizer(self.workload, self.params, self.fused).step)

    def __call__(self) -> Any:
        return self.run()

    def value(self, result: Any) -> list[float]:
        if result is None:
            parts = [np.vdot(p.detach().numpy(), g) for p, g in zip(self.params, self.given)]
            return [float(sum(parts))]
        return result.flatten().tolist()
