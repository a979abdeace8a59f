"""How long does a training step take, in lamina as it is and compiled, and in PyTorch?

``--network tiny``, the default: 10-64-64-1 with tanh, batch 32, mean squared error, SGD, float32.
Its arithmetic takes a few microseconds, so this measures what a framework adds.
``--network mnist``: 784-1000-1000-10 with ReLU, batch 128, cross entropy, Adam. Its arithmetic
takes milliseconds.

All sides run in one go, in processes of their own, in turns of a second; what is
printed are medians over the turns, and the median of the ratios of neighbouring turns. Before that,
all must agree on the losses of 20 steps.

Then, for the tiny network, the same for single operators, against bare NumPy that does the same
arithmetic: what is left is the cost of lamina itself, forward and backward together. The goal is
3 us.

    python benchmarks/eager.py [--network mnist] [--torch PYTHON] [--threads 2] [--turns 9]

--torch names a Python that has PyTorch, if this one has not.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import setting

NETWORKS = {
    "tiny": ([10, 64, 64, 1], 32, 0.01, "tanh, MSE, SGD"),
    "mnist": ([784, 1000, 1000, 10], 128, 0.001, "relu, cross entropy, Adam"),
}
NETWORK = sys.argv[sys.argv.index("--network") + 1] if "--network" in sys.argv else "tiny"
SIZES, BATCH, RATE, KIND = NETWORKS[NETWORK]
TURN = 1.0  # seconds; in shorter turns the waiting threads of one side slow the next


def problem():
    """Weights (in, out), biases, inputs and targets: the same for all."""
    rng = np.random.default_rng(0)
    weights = [
        (rng.standard_normal((i, o)) / np.sqrt(i)).astype(np.float32) for i, o in pairwise(SIZES)
    ]
    biases = [np.zeros(o, np.float32) for o in SIZES[1:]]
    x, t = (rng.standard_normal((BATCH, n)).astype(np.float32) for n in (SIZES[0], SIZES[-1]))
    return weights, biases, x, t if NETWORK == "tiny" else t.argmax(axis=1)


# -- the sides: each gives a function that takes one step and returns its loss -------------------


def lamina_step():
    import lamina.functions as F
    import lamina.optimizers as O
    from lamina import Layer, Linear

    class MLP(Layer):
        def __init__(self):
            super().__init__()
            self.l1 = Linear(SIZES[1])
            self.l2 = Linear(SIZES[2])
            self.l3 = Linear(SIZES[3])

        def forward(self, x):
            return self.l3(between(self.l2(between(self.l1(x)))))

    tiny = NETWORK == "tiny"
    between = F.tanh if tiny else F.relu
    loss_of = F.mean_squared_error if tiny else F.softmax_cross_entropy
    weights, biases, x, t = problem()
    model = MLP().build(x)
    for layer, W, b in zip(model.layers(), weights, biases):
        layer.W.data[...] = W
        layer.b.data[...] = b
    optimizer = (O.SGD if tiny else O.Adam)(lr=RATE).setup(model)

    def step():
        loss = loss_of(model(x), t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    step.parts = {  # for `where`: what a step does, piece by piece
        "forward": lambda _: loss_of(model(x), t),
        "cleargrads": lambda loss: model.cleargrads() or loss,
        "backward": lambda loss: loss.backward() or loss,
        "update": lambda loss: optimizer.update() or loss,
    }
    return step


def compiled_step():
    import lamina

    return lamina.compile(lamina_step())


def torch_step():
    import torch
    from torch import nn

    torch.set_num_threads(int(sys.argv[sys.argv.index("--threads") + 1]))
    weights, biases, x, t = problem()
    linears = [nn.Linear(i, o) for i, o in pairwise(SIZES)]
    with torch.no_grad():
        for linear, W, b in zip(linears, weights, biases):
            linear.weight.copy_(torch.from_numpy(W.T))
            linear.bias.copy_(torch.from_numpy(b))
    tiny = NETWORK == "tiny"
    between = nn.Tanh if tiny else nn.ReLU
    model = nn.Sequential(linears[0], between(), linears[1], between(), linears[2])
    optimizer = (torch.optim.SGD if tiny else torch.optim.Adam)(model.parameters(), lr=RATE)
    loss_of = nn.functional.mse_loss if tiny else nn.functional.cross_entropy
    x, t = torch.from_numpy(x), torch.from_numpy(t)

    def step():
        loss = loss_of(model(x), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    step.version = f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads"
    return step


def numpy_step():
    """By hand, the tiny network: what no framework can be faster than while it calls NumPy."""
    (W1, W2, W3), (b1, b2, b3), x, t = problem()

    def step():
        h1 = np.tanh(x @ W1 + b1)
        h2 = np.tanh(h1 @ W2 + b2)
        d = h2 @ W3 + b3 - t
        loss = (d * d).mean()
        g3 = d * (2 / d.size)
        g2 = (g3 @ W3.T) * (1 - h2 * h2)
        g1 = (g2 @ W2.T) * (1 - h1 * h1)
        for W, b, h, g in ((W3, b3, h2, g3), (W2, b2, h1, g2), (W1, b1, x, g1)):
            W -= RATE * (h.T @ g)
            b -= RATE * g.sum(axis=0)
        return loss

    return step


STEPS = {
    "lamina": lamina_step,
    "compiled": compiled_step,
    "torch": torch_step,
    "numpy": numpy_step,
}


# -- taking turns --------------------------------------------------------------------------------


def work(name: str) -> None:
    """A process of one side: a line in is how many steps to take, a line out the seconds."""
    step = STEPS[name]()
    losses = [float(step()) for _ in range(20)]
    print(json.dumps({"losses": losses, "version": getattr(step, "version", name)}), flush=True)
    for line in sys.stdin:
        count = int(line)
        start, used = time.perf_counter(), time.process_time()
        for _ in range(count):
            step()
        print(time.perf_counter() - start, time.process_time() - used, flush=True)


class Side:
    """The other end of `work`."""

    def __init__(self, name: str, python: str, threads: int):
        command = [python, __file__, "--work", name, "--threads", str(threads)]
        command += ["--network", NETWORK]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.told = json.loads(self.process.stdout.readline())
        self.count, self.times = 20, ()

    def take_turn(self) -> tuple[float, float]:
        """Microseconds a step, over about TURN seconds; and seconds of the cores that it used."""
        self.process.stdin.write(f"{self.count}\n")
        self.process.stdin.flush()
        took, used = map(float, self.process.stdout.readline().split())
        each = took / self.count
        self.count = max(1, round(TURN / each))
        return each * 1e6, used

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def has_torch(python: str) -> bool:
    """Whether PyTorch is there; not whether it can be imported, which takes seconds."""
    question = "import importlib.util as u, sys; sys.exit(u.find_spec('torch') is None)"
    return subprocess.run([python, "-c", question], check=False).returncode == 0


def compare(torch_python: str, threads: int, turns: int) -> None:
    pythons = {"lamina": sys.executable, "compiled": sys.executable}
    if NETWORK == "tiny":
        pythons["numpy"] = sys.executable
    if has_torch(torch_python):
        pythons["torch"] = torch_python
    else:
        print(
            "PyTorch is not here; to compare with it, give it an environment of its own:\n"
            "    python3 -m venv torch-env\n"
            "    torch-env/bin/pip install torch numpy\n"
            "    python benchmarks/eager.py --torch torch-env/bin/python"
        )
    sides = {name: Side(name, python, threads) for name, python in pythons.items()}
    for name, side in sides.items():
        if not np.allclose(side.told["losses"], sides["lamina"].told["losses"], rtol=1e-4):
            raise SystemExit(f"eager: {name} computes other losses than lamina does")

    def turn():
        times, used = zip(*[side.take_turn() for side in sides.values()])
        return times, sum(used)

    turn(), turn()  # to warm up
    for side, times in zip(sides.values(), zip(*setting.quiet_rounds(turn, turns))):
        side.times = times
        side.close()
    report(sides)


def report(sides: dict[str, Side]) -> None:
    if "torch" in sides:
        print(sides["torch"].told["version"])
    print(f"\n{'-'.join(map(str, SIZES))}, batch {BATCH}, {KIND}: us a step")
    for name, side in sides.items():
        low, middle, high = statistics.quantiles(side.times, n=4)
        print(f"  {name:<8} {middle:8.1f}   (quartiles {low:.1f} to {high:.1f})")
    pairs = [
        ("lamina", "torch"),
        ("compiled", "torch"),
        ("compiled", "lamina"),
        ("lamina", "numpy"),
    ]
    for ours, other in pairs:
        if other in sides:
            ratios = [a / b for a, b in zip(sides[ours].times, sides[other].times)]
            middle = statistics.median(ratios)
            print(f"  {ours} / {other}: {middle:.3f}, median of {len(ratios)} turns")


def where(turns: int) -> None:
    """What each piece of a step of lamina's takes."""
    step = lamina_step()

    def turn():
        used = time.process_time()
        times = {name: 0.0 for name in step.parts}
        for _ in range(200):
            loss = None
            for name, part in step.parts.items():
                start = time.perf_counter()
                loss = part(loss)
                times[name] += (time.perf_counter() - start) / 200 * 1e6
        return times, time.process_time() - used

    print("\nlamina, piece by piece: us")
    rounds = setting.quiet_rounds(turn, turns)
    for name in step.parts:
        print(f"  {name:<10} {statistics.median([times[name] for times in rounds]):8.1f}")


# -- one operator --------------------------------------------------------------------------------

CHAIN = 40


def operators():
    """For each: lamina's forward, and bare NumPy's forward and derivative of the same formula.

    The derivative is given what came in (x), what came out (y) and the gradient (g).
    """
    import lamina.functions as F

    c = np.full((4, 4), 0.5, np.float32)
    return {
        "x + c": (lambda x: x + c, lambda x: x + c, lambda x, y, g: g),
        "x * c": (lambda x: x * c, lambda x: x * c, lambda x, y, g: g * c),
        "x * 0.5": (lambda x: x * 0.5, lambda x: x * 0.5, lambda x, y, g: g * 0.5),
        "x / c": (lambda x: x / c, lambda x: x / c, lambda x, y, g: g / c),
        "-x": (lambda x: -x, lambda x: -x, lambda x, y, g: -g),
        "F.tanh(x)": (F.tanh, np.tanh, lambda x, y, g: g * (1 - y * y)),
        "F.exp(x * 0.1)": (
            lambda x: F.exp(x * 0.1),
            lambda x: np.exp(x * 0.1),
            lambda x, y, g: g * y * 0.1,
        ),
        "F.relu(x)": (F.relu, lambda x: np.maximum(x, 0), lambda x, y, g: g * (y > 0)),
        "x @ c": (lambda x: x @ c, lambda x: x @ c, lambda x, y, g: g @ c.T),
        "x.T": (lambda x: x.T, lambda x: x.T, lambda x, y, g: g.T),
    }


def with_lamina(forward):
    from lamina import Variable

    x, seed = Variable(np.full((4, 4), 0.1, np.float32)), np.ones((4, 4), np.float32)

    def run():
        y = x
        for _ in range(CHAIN):
            y = forward(y)
        x.cleargrad()
        y.backward(seed)

    return run


def with_numpy(forward, derivative):
    start, seed = np.full((4, 4), 0.1, np.float32), np.ones((4, 4), np.float32)

    def run():
        x, passed = start, []
        for _ in range(CHAIN):
            y = forward(x)
            passed.append((x, y))
            x = y
        g = seed
        for x, y in reversed(passed):
            g = derivative(x, y, g)

    return run


def overheads(turns: int) -> None:
    """Our own microseconds an operator, forward and backward, beyond NumPy's."""
    print("\none operator on float32 (4, 4), forward and backward: us")
    print(f"  {'':<16}{'lamina':>8}{'NumPy':>8}{'own':>8}")
    own = []
    for name, (forward, bare, derivative) in operators().items():
        sides = with_lamina(forward), with_numpy(bare, derivative)
        # exp(x * 0.1) is two operators
        parts = CHAIN * (2 if name == "F.exp(x * 0.1)" else 1)

        def turn(sides=sides, parts=parts):
            used, times = time.process_time(), []
            for run in sides:
                start = time.perf_counter()
                for _ in range(40):
                    run()
                times.append((time.perf_counter() - start) / 40 / parts * 1e6)
            return times, time.process_time() - used

        times = list(zip(*setting.quiet_rounds(turn, turns)))
        ours, bare_time = map(statistics.median, times)
        own.append(statistics.median(a - b for a, b in zip(*times)))
        print(f"  {name:<16}{ours:8.2f}{bare_time:8.2f}{own[-1]:8.2f}")
    print(f"  median of our own cost: {statistics.median(own):.2f} us (goal 3)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--network", choices=NETWORKS, default="tiny")
    parser.add_argument("--work", choices=STEPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work)
        return
    setting.start_clean(given.threads)
    print(setting.machine(), setting.versions(), sep="\n")
    compare(given.torch, given.threads, given.turns)
    if NETWORK == "tiny":
        where(given.turns)
        overheads(given.turns)


if __name__ == "__main__":
    main()
