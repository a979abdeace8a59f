"""How fast are native convolutions and pooling, at the shapes of the workloads?

Prints for each layer and each of its three operators the algorithm, milliseconds (the median of
rounds), GFLOP/s (of the multiplications of a direct convolution, so that Winograd's count as more
than the processor could do), and the milliseconds to compile. With --peers PYTHON, PyTorch's times
stand beside them: oneDNN, on images laid out as (n, c, h, w) and as (n, h, w, c).

    python benchmarks/convolutions.py --threads 2 --only W4 --peers PYTHON
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

from setting import machine, start_clean, versions

KINDS = ("forward", "data", "weight")


class Layer(NamedTuple):
    """A convolution of ``n`` images of ``size x size``, or of another ``rank``.

    The kind ``"transposed"`` is ``"data"``, measured against PyTorch's transposed convolution.
    """

    workload: str
    n: int
    size: int
    c_in: int
    c_out: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    kinds: tuple[str, ...] = KINDS
    groups: int = 1
    rank: int = 2

    @property
    def out(self) -> int:
        return (self.size + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def gigaflops(self) -> float:
        pixels = self.n * self.out**self.rank
        return 2e-9 * pixels * self.kernel**self.rank * self.c_in * self.c_out / self.groups

    @property
    def name(self) -> str:
        groups = f" g{self.groups}" if self.groups > 1 else ""
        kernel = "x".join([str(self.kernel)] * self.rank)
        return f"{self.n}x{self.c_in}-{self.c_out}@{self.size} {kernel}/{self.stride}{groups}"


class Pooling(NamedTuple):
    """A window over ``n`` images of ``size x size``."""

    workload: str
    n: int
    size: int
    c: int
    kernel: int
    stride: int
    padding: int = 0


def resnet(workload: str, n: int, kinds: tuple[str, ...]) -> list[Layer]:
    """The convolutions of ResNet-18 on images of 32x32."""
    layers = [Layer(workload, n, 32, 3, 64, kinds=tuple(k for k in kinds if k != "data"))]
    for size, c in ((32, 64), (16, 128), (8, 256), (4, 512)):
        if c > 64:
            layers += [
                Layer(workload, n, 2 * size, c // 2, c, 3, 2, 1, kinds),
                Layer(workload, n, 2 * size, c // 2, c, 1, 2, 0, kinds),
            ]
        layers.append(Layer(workload, n, size, c, c, 3, 1, 1, kinds))
    return layers


LAYERS = [
    *resnet("W4", 32, KINDS),
    *resnet("W8", 1, ("forward",)),
    Layer("W3", 64, 28, 1, 32, 3, 1, 0, ("forward", "weight")),
    Layer("W3", 64, 26, 32, 64, 3, 1, 0),
    Layer("other", 8, 56, 64, 256, 1, 1, 0),
    Layer("other", 8, 28, 512, 128, 1, 1, 0),
    Layer("other", 8, 28, 96, 96, 5, 1, 2),
    *[Layer("grouped", 8, 28, 128, 128, groups=g) for g in (2, 4, 8, 32)],
    Layer("grouped", 8, 56, 128, 128, groups=32),
    Layer("grouped", 8, 14, 512, 512, groups=32),
    Layer("grouped", 8, 56, 128, 128, 3, 2, groups=32),
    *[
        Layer("depthwise", 8, size, c, c, k, stride, k // 2, groups=c)
        for size, c, k, stride in (
            (56, 32, 3, 1), (56, 96, 3, 1), (56, 96, 3, 2), (28, 144, 3, 1), (28, 144, 5, 2),
            (14, 256, 3, 1), (14, 256, 5, 1), (14, 512, 3, 2), (7, 512, 3, 1), (7, 512, 5, 1),
        )
    ],
    Layer("first", 64, 28, 1, 32, 3, 1, 0, ("forward", "weight")),
    Layer("first", 64, 28, 1, 32, 5, 1, 2, KINDS),
    Layer("first", 8, 112, 3, 32, 3, 2, 1, KINDS),
    Layer("first", 8, 224, 3, 64, 7, 2, 3, ("forward", "weight")),
    Layer("last", 8, 128, 32, 1, 3, 1, 1),
    Layer("last", 8, 128, 64, 3, 1, 1, 0),
    Layer("stride", 8, 56, 64, 128, 1, 2, 0),
    Layer("stride", 8, 14, 256, 512, 1, 2, 0),
    Layer("stride", 8, 28, 128, 128, 3, 2, 1),
    Layer("transposed", 8, 32, 64, 128, 2, 2, 0, ("transposed",)),
    Layer("transposed", 16, 16, 128, 256, 4, 2, 1, ("transposed",)),
    Layer("transposed", 16, 32, 3, 64, 4, 2, 1, ("transposed",)),
    Layer("rank", 16, 1000, 1, 32, 9, 1, 4, KINDS, 1, 1),
    Layer("rank", 16, 256, 64, 64, 3, 1, 1, KINDS, 1, 1),
    Layer("rank", 16, 256, 64, 64, 7, 1, 3, KINDS, 64, 1),
    Layer("rank", 2, 16, 32, 32, 3, 1, 1, KINDS, 1, 3),
    Layer("rank", 2, 32, 1, 16, 3, 1, 1, KINDS, 1, 3),
]  # fmt: skip
POOLINGS = [
    Pooling("W3", 64, 24, 64, 2, 2),
    Pooling("other", 32, 32, 64, 2, 2),
    Pooling("other", 8, 112, 64, 3, 2, 1),
]
POOLED = {"max": 1, "argmax": 2, "scatter": 2, "sum": 1, "spread": 1, "gather": 2}


def median_ms(call: Callable[[], Any], rounds: int, seconds: float) -> float:
    """Milliseconds of a call, the median of rounds."""
    call()
    start = time.perf_counter()
    call()
    count = max(1, int(seconds / (time.perf_counter() - start + 1e-7)))
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(count):
            call()
        times.append((time.perf_counter() - start) / count)
    return 1e3 * statistics.median(times)


# -- lamina --------------------------------------------------------------------------------------


def native(write: Callable[..., Any], arrays: list[Any], threads: int) -> tuple[Any, float]:
    """A call of what ``write(code, pointers)`` wrote, and the milliseconds to compile it."""
    import numpy as np

    from lamina.machine.code import Code
    from lamina.machine.module import Module, emit, initialize
    from lamina.machine.target import host
    from lamina.machine.team import Team

    initialize()
    start = time.perf_counter()
    module = Module(host())
    code = Code(module.ir, "f", module.target)
    write(code, [code.pointer(slot) for slot in range(1, len(arrays) + 1)])
    code.b.ret_void()
    emit(str(module.ir), module.target, False)
    took = 1e3 * (time.perf_counter() - start)
    compiled = module.compile()
    table = np.array([0, *(array.ctypes.data for array in arrays)], np.int64)
    team, address, held = Team(threads), compiled.address("f"), (compiled, arrays)

    def call() -> None:
        team.run(address, table.ctypes.data, threads)
        assert held

    return call, took


def aligned(nbytes: int) -> Any:
    """Memory on a cache line."""
    import numpy as np

    memory = np.zeros(nbytes + 64, np.int8)
    return memory[-memory.ctypes.data % 64 :]


def placed(x: Any) -> Any:
    """A copy on a cache line."""
    y = aligned(x.nbytes)[: x.nbytes].view(x.dtype).reshape(x.shape)
    y[...] = x
    return y


def convolution(layer: Layer, kind: str, options: argparse.Namespace) -> tuple[str, float, float]:
    """The algorithm, milliseconds, and those to compile it."""
    import numpy as np

    from lamina.functions.window import window_of
    from lamina.kernels.conv import ConvPlan
    from lamina.machine.target import host

    kind, rank = "data" if kind == "transposed" else kind, layer.rank
    kernel = (layer.kernel,) * rank
    window = window_of((layer.size,) * rank, kernel, layer.stride, layer.padding, 1, "")
    plan = ConvPlan(host(), kind, window, layer.groups, layer.n, layer.c_in, layer.c_out,
                    not options.direct)  # fmt: skip
    rng = np.random.default_rng(0)
    x = rng.standard_normal((layer.n, *window.size, layer.c_in), np.float32)
    y = rng.standard_normal((layer.n, *window.out, layer.c_out), np.float32)
    weights = (layer.c_out, layer.c_in // layer.groups, *kernel)
    W = rng.standard_normal(weights, np.float32)
    first, second, result = {"forward": (x, W, y), "data": (y, W, x), "weight": (x, y, W)}[kind]

    def write(code: Any, pointers: list[Any]) -> None:
        one, two, to, scratch, shared = pointers
        plan.emit(code, one, two, to, code.at(scratch, code.tid * (plan.scratch // 4)), shared)

    arrays = [*map(placed, (first, second, result))]  # on cache lines, as in a program
    arrays += [aligned(plan.scratch * options.threads), aligned(plan.shared)]
    call, took = native(write, arrays, options.threads)
    return plan.algorithm, median_ms(call, options.rounds, options.seconds), took


def pooling(shape: Pooling, kind: str, options: argparse.Namespace) -> float:
    """Milliseconds."""
    import numpy as np

    from lamina.functions.window import window_of
    from lamina.kernels.pool import PoolPlan
    from lamina.machine.target import host

    window = window_of((shape.size,) * 2, (shape.kernel,) * 2, shape.stride, shape.padding, 1, "")
    plan = PoolPlan(host(), kind, window, shape.n, shape.c)
    rng = np.random.default_rng(0)
    image = rng.standard_normal((shape.n, *window.size, shape.c), np.float32)
    small = rng.standard_normal((shape.n, *window.out, shape.c), np.float32)
    at = rng.integers(0, prod(window.kernel), small.shape).astype(np.uint8)
    arrays = {
        "max": [image, small], "argmax": [image, small, at], "scatter": [small, at, image],
        "sum": [image, small], "spread": [small, image], "gather": [image, at, small],
    }[kind]  # fmt: skip

    def write(code: Any, pointers: list[Any]) -> None:
        *operands, result, scratch = pointers
        plan.emit(code, operands, result, code.at(scratch, code.tid * (plan.scratch // 4)))

    arrays = [*arrays, aligned(plan.scratch * options.threads)]
    call, _ = native(write, arrays, options.threads)
    return median_ms(call, options.rounds, options.seconds)


# -- PyTorch -------------------------------------------------------------------------------------


def torch_times(options: argparse.Namespace, layers: list[Layer]) -> dict[str, list[float]]:
    """Milliseconds of PyTorch for each layer and operator: (n, c, h, w), and (n, h, w, c)."""
    words = [options.peers, __file__, "--threads", str(options.threads), "--torch"]
    words += ["--rounds", str(options.rounds), "--seconds", str(options.seconds)]
    words += ["--only", *sorted({layer.workload for layer in layers})]
    found = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return json.loads(found.splitlines()[-1])


def as_torch(options: argparse.Namespace, layers: list[Layer]) -> dict[str, list[float]]:
    """What `torch_times` reads, measured in this process."""
    import torch

    torch.set_num_threads(options.threads)
    last = (None, torch.contiguous_format, torch.channels_last, torch.channels_last_3d)
    found = {}
    with torch.inference_mode():
        for layer in layers:
            for kind in layer.kinds:
                found[f"{layer.name} {kind}"] = [
                    median_ms(torch_call(layer, kind, format_), options.rounds, options.seconds)
                    for format_ in (torch.contiguous_format, last[layer.rank])
                ]
    return found


def torch_call(layer: Layer, kind: str, format_: Any) -> Callable[[], Any]:
    """What PyTorch computes, on images that lie in a format of its memory."""
    import torch

    rank, groups = layer.rank, layer.groups
    x = torch.randn(layer.n, layer.c_in, *[layer.size] * rank)
    y = torch.randn(layer.n, layer.c_out, *[layer.out] * rank)
    W = torch.randn(layer.c_out, layer.c_in // groups, *[layer.kernel] * rank)
    x, y, W = (z.to(memory_format=format_) for z in (x, y, W))
    pad, step, one, no = ([i] * rank for i in (layer.padding, layer.stride, 1, 0))
    if kind == "transposed":
        edge = layer.size - (layer.out - 1) * layer.stride + 2 * layer.padding - layer.kernel
        transposed = getattr(torch, f"conv_transpose{rank}d")
        return lambda: transposed(y, W, None, step, pad, [edge] * rank, groups)
    if kind == "forward":
        return lambda: torch.convolution(x, W, None, step, pad, one, False, no, groups)
    mask = [kind == "data", kind == "weight", False]
    gradient = torch.ops.aten.convolution_backward
    return lambda: gradient(y, x, W, None, step, pad, one, False, no, groups, mask)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="workloads: W3 W4 ..., or pool")
    parser.add_argument("--direct", action="store_true", help="without Winograd")
    parser.add_argument("--peers", metavar="PYTHON", help="a Python that has torch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.02, help="of a round")
    parser.add_argument("--torch", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    start_clean(options.threads)
    layers = [x for x in LAYERS if not options.only or x.workload in options.only]
    if options.torch:
        print(json.dumps(as_torch(options, layers)))
        return
    print(machine(), versions(), f"{options.threads} threads", sep="\n")
    theirs = torch_times(options, layers) if options.peers and layers else {}
    beside = f" {'PyTorch nchw':>13} {'nhwc':>8} {'times':>6}" if theirs else ""
    print(f"{'':33}{'':11}{'algorithm':>13} {'ms':>8} {'GFLOP/s':>8} {'compile':>8}{beside}")
    for layer in layers:
        for kind in layer.kinds:
            algorithm, ms, took = convolution(layer, kind, options)
            line = f"{layer.workload:>10} {layer.name:<26}{kind:<11}{algorithm:>13} {ms:>8.3f} "
            line += f"{1e3 * layer.gigaflops / ms:>8.0f} {took:>8.1f}"
            if theirs:
                nchw, nhwc = theirs[f"{layer.name} {kind}"]
                line += f" {nchw:>13.3f} {nhwc:>8.3f} {min(nchw, nhwc) / ms:>6.2f}"
            print(line, flush=True)
    for shape in POOLINGS:
        if not options.only or shape.workload in options.only or "pool" in options.only:
            times = [f"{kind} {pooling(shape, kind, options):.3f}" for kind in POOLED]
            k, name = shape.kernel, f"{shape.n}x{shape.c}@{shape.size}"
            print(f"{shape.workload:>5} {name} {k}x{k}/{shape.stride}: {', '.join(times)} ms")


if __name__ == "__main__":
    main()
