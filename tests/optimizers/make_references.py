"""Makes references.json: fifty steps of each optimizer as PyTorch or Optax takes them, in float64.

``python tests/optimizers/make_references.py``, with PyTorch and Optax installed; the tests only
read what it wrote. The problem is that of `model.small` and `model.gradient`: the gradient depends
on the numbers and on the step, so that an error at one step is seen at all that follow.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jax
import numpy as np
import optax
import optax.contrib
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
STEPS = 50
SHAPES = {"l1/W": (3, 2), "l1/b": (2,)}

jax.config.update("jax_enable_x64", True)
torch.set_default_dtype(torch.float64)  # or NAdam would keep its product in float32

TORCH = {
    "AdaGrad": ("Adagrad", {"lr": 0.1, "eps": 1e-3, "initial_accumulator_value": 0.2}),
    "AdaDelta": ("Adadelta", {"lr": 1.5, "rho": 0.8, "eps": 1e-3}),
    "RMSprop": ("RMSprop", {"lr": 0.05, "alpha": 0.8, "eps": 1e-3}),
    "RMSprop, centered": (
        "RMSprop",
        {"lr": 0.02, "alpha": 0.8, "eps": 1e-2, "centered": True, "momentum": 0.5},
    ),
    "Adamax": ("Adamax", {"lr": 0.05, "betas": (0.7, 0.95), "eps": 1e-3}),
    "AMSGrad": ("Adam", {"lr": 0.05, "betas": (0.7, 0.9), "eps": 1e-3, "amsgrad": True}),
    "NAdam": (
        "NAdam",
        {"lr": 0.05, "betas": (0.7, 0.95), "eps": 1e-3, "momentum_decay": 0.05},
    ),
    "Adafactor": (
        "Adafactor",
        {"lr": 0.05, "beta2_decay": -0.7, "eps": (1e-12, 1e-3), "d": 1.2, "weight_decay": 0.1},
    ),
    "Rprop": ("Rprop", {"lr": 0.05, "etas": (0.6, 1.3), "step_sizes": (1e-3, 0.2)}),
    "Muon": ("Muon", {"lr": 0.05, "momentum": 0.8, "weight_decay": 0.1}),
    "ASGD": ("ASGD", {"lr": 0.1, "lambd": 0.05, "alpha": 0.6, "t0": 20}),
}


def _lookahead(learning_rate: float, sync_period: int, slow_step_size: float):
    fast = optax.sgd(learning_rate, momentum=0.8)
    return optax.lookahead(fast, sync_period, slow_step_size)


OPTAX = {
    "RAdam": ("radam", {"learning_rate": 0.05, "b1": 0.7, "b2": 0.9, "eps": 1e-3}),
    "Lion": ("lion", {"learning_rate": 0.02, "b1": 0.8, "b2": 0.95, "weight_decay": 0.1}),
    "LAMB": (
        "lamb",
        {"learning_rate": 0.05, "b1": 0.7, "b2": 0.95, "eps": 1e-3, "weight_decay": 0.1},
    ),
    "LARS": (
        "lars",
        {
            "learning_rate": 1.5,
            "weight_decay": 0.1,
            "trust_coefficient": 0.05,
            "momentum": 0.8,
        },
    ),
    "Lookahead": (_lookahead, {"learning_rate": 0.05, "sync_period": 5, "slow_step_size": 0.4}),
}


def start() -> dict[str, np.ndarray]:
    """The numbers of `model.small`."""
    rng = np.random.default_rng(5)
    return {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}


def gradient(name: str, w: np.ndarray, step: int) -> np.ndarray:
    """`model.gradient`."""
    return 0.3 * w + np.cos(step + len(name) + np.arange(w.size).reshape(w.shape))


def with_torch(name: str, arguments: dict) -> list[dict]:
    """The numbers after each step.

    Muon takes matrices only, in float64 here and not in bfloat16, and PyTorch's are of shape
    (out, in): transposed.
    """
    muon = name == "Muon"
    turn = np.transpose if muon else np.asarray
    torch.Tensor.bfloat16 = lambda self: self
    weights = {
        k: torch.nn.Parameter(torch.tensor(turn(w)))
        for k, w in start().items()
        if not (muon and w.ndim == 1)
    }
    optimizer = getattr(torch.optim, name)(weights.values(), **arguments)
    seen = []
    for step in range(STEPS):
        for k, w in weights.items():
            w.grad = torch.tensor(turn(gradient(k, turn(w.detach().numpy()), step)))
        optimizer.step()
        seen.append({k: turn(w.detach().numpy()).copy() for k, w in weights.items()})
    if name == "ASGD":
        average = {k: optimizer.state[w]["ax"].numpy() for k, w in weights.items()}
        seen.append(average)
    return seen


def with_optax(make, arguments: dict) -> list[dict]:
    """The numbers after each step."""
    weights = start()
    transformation = make(**arguments)
    sync = make is _lookahead
    held = optax.LookaheadParams.init_synced(weights) if sync else weights
    state = transformation.init(held)
    seen = []
    for step in range(STEPS):
        grads = {k: gradient(k, np.asarray(w), step) for k, w in weights.items()}
        updates, state = transformation.update(grads, state, held)
        held = optax.apply_updates(held, updates)
        weights = held.fast if sync else held
        seen.append({k: np.asarray(w) for k, w in weights.items()})
    return seen


def with_lbfgs(arguments: dict) -> list[dict]:
    """The numbers after each step, on the problem of `model.measured`."""
    rng = np.random.default_rng(7)
    x, t = torch.tensor(rng.standard_normal((6, 3))), torch.tensor(rng.standard_normal((6, 2)))
    weights = {k: torch.nn.Parameter(torch.tensor(w)) for k, w in start().items()}
    optimizer = torch.optim.LBFGS(weights.values(), **arguments)

    def closure():
        optimizer.zero_grad()
        z = x @ weights["l1/W"] + weights["l1/b"] - t
        loss = torch.log(torch.cosh(z)).sum()
        loss.backward()
        return loss

    seen = []
    for _ in range(STEPS):
        optimizer.step(closure)
        seen.append({k: w.detach().numpy().copy() for k, w in weights.items()})
    return seen


LBFGS = {
    "lr": 0.1,
    "max_iter": 1,
    "history_size": 4,
    "tolerance_grad": 0.0,
    "tolerance_change": 0.0,
}


def main() -> None:
    """Write references.json."""
    found = {}
    for name, (method, arguments) in TORCH.items():
        origin = f"torch {torch.__version__}: torch.optim.{method}({_words(arguments)})"
        found[name] = {"origin": origin, "steps": with_torch(method, arguments)}
    for name, (method, arguments) in OPTAX.items():
        make = method if callable(method) else getattr(optax, method)
        called = method if isinstance(method, str) else "lookahead(sgd(momentum=0.8))"
        origin = f"optax {optax.__version__}: optax.{called}({_words(arguments)})"
        found[name] = {"origin": origin, "steps": with_optax(make, arguments)}
    origin = f"torch {torch.__version__}: torch.optim.LBFGS({_words(LBFGS)})"
    found["LBFGS"] = {"origin": origin, "steps": with_lbfgs(LBFGS)}
    lines = [f"{json.dumps(name)}: {json.dumps(_rounded(one))}" for name, one in found.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    Path(__file__).with_name("references.json").write_text(text, encoding="utf-8")


def _words(arguments: dict) -> str:
    return ", ".join(f"{k}={v!r}" for k, v in arguments.items())


def _rounded(one: dict) -> dict:
    """Twelve digits: far more than the tests compare."""
    steps = [
        {k: [float(f"{x:.12g}") for x in np.ravel(w)] for k, w in step.items()}
        for step in one["steps"]
    ]
    return {"origin": one["origin"], "steps": steps}


if __name__ == "__main__":
    main()
