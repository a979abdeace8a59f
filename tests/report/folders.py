"""Run folders written by hand, as docs and training.Run describe them: no training is needed."""

from __future__ import annotations

import json
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

CONFIG = {
    "seed": 0,
    "epochs": 12,
    "data": {"source": "lamina.data.digits", "batch_size": 64},
    "model": {"layer": "lamina.models.MLP", "sizes": [64, 256, 10], "dropout": 0.5},
    "optimizer": {"name": "Adam", "lr": {"schedule": "Cosine", "start": 2e-3}},
}
ENVIRONMENT = {
    "lamina": "0.1.0",
    "python": "3.12.3",
    "numpy": "2.3.1",
    "llvmlite": None,
    "platform": "Linux 6.8 x86_64",
    "cpu": "A processor",
    "cores": 2,
    "threads": 2,
}
STEPS_IN_EPOCH = 23


def description(**changes: Any) -> dict[str, Any]:
    """A ``run.json``."""
    return {
        "kind": "lamina run",
        "version": 1,
        "status": "finished",
        "reason": "",
        "name": "digits",
        "started": "2026-11-26T10:11:12+00:00",
        "seconds": 75.25,
        "command": ["lamina", "train", "digits.toml"],
        "resume": None,
        "config": CONFIG,
        "environment": ENVIRONMENT,
        "model": {"class": "MLP", "parameters": 282378},
        "epochs": 12,
        "epoch": 12,
        "iteration": 12 * STEPS_IN_EPOCH,
        "metrics": {"loss": 0.0125},
    } | changes


def write_run(
    folder: Path, *, epochs: int = 12, speed: float = 1.0, seed: int = 0, **changes: Any
) -> Path:
    """A run with curves, and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(description(**changes)), encoding="utf-8")
    lines = [json.dumps(record) for record in metrics(epochs, speed, seed)]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def metrics(epochs: int, speed: float = 1.0, seed: int = 0) -> list[dict[str, Any]]:
    """Losses that fall, and accuracies that rise."""
    rng = np.random.default_rng(seed)
    records: list[dict[str, Any]] = []
    iteration = 0
    for epoch in range(epochs):
        for _ in range(STEPS_IN_EPOCH):
            iteration += 1
            noise = math.exp(rng.normal(0, 0.35))
            loss = (2.3 * math.exp(-speed * iteration / 40) + 0.02) * noise
            lr = 1e-3 * (1 + math.cos(math.pi * (iteration - 1) / (epochs * STEPS_IN_EPOCH)))
            records.append(
                {"event": "step", "iteration": iteration, "epoch": epoch}
                | {"seconds": iteration * 0.27, "lr": lr, "loss": loss}
            )
        far = math.exp(-speed * iteration / 50)
        records.append(
            {"event": "epoch", "iteration": iteration, "epoch": epoch + 1}
            | {"seconds": iteration * 0.27, "lr": lr, "loss": 2.3 * far + 0.02}
            | {"accuracy": 1 - 0.9 * far, "held_out/loss": 2.2 * far + 0.07}
            | {"held_out/accuracy": 1 - 0.88 * far - 0.02}
        )
    return records


def add_statistics(folder: Path, names: list[str], times: int = 30) -> None:
    """A ``statistics.jsonl``."""
    rng = np.random.default_rng(1)
    lines = []
    for k in range(times):
        parameters = {name: statistics(rng, i, k) for i, name in enumerate(names)}
        record = {"iteration": 10 * (k + 1), "epoch": k // 3, "parameters": parameters}
        lines.append(json.dumps(record) + "\n")
    (folder / "statistics.jsonl").write_text("".join(lines), encoding="utf-8")


def statistics(rng: np.random.Generator, i: int, k: int) -> dict[str, Any]:
    """Those of one parameter at one time."""
    scale = 0.05 + 0.004 * k
    values = rng.normal(0.002 * k, scale, 2000)
    counts, edges = np.histogram(values, 32)
    return {
        "mean": float(values.mean()),
        "std": float(values.std()),
        "min": float(values.min()),
        "max": float(values.max()),
        "norm": float(np.linalg.norm(values)),
        "gradient_norm": float(10 ** (-i / 3 - k / 20 + rng.normal(0, 0.1))),
        "gradient_std": float(10 ** (-i / 3 - k / 20 - 2)),
        "update_ratio": float(10 ** (-2.5 - i / 8 - k / 25 + rng.normal(0, 0.1))),
        "histogram": {
            "low": float(edges[0]),
            "high": float(edges[-1]),
            "counts": [int(c) for c in counts],
        },
    }


def png(width: int, height: int, seed: int = 0) -> bytes:
    """A picture of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), pixels], axis=1).tobytes()

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def add_samples(folder: Path) -> None:
    """Two pictures and a text."""
    samples = folder / "samples"
    samples.mkdir()
    (samples / "digits-000000100.png").write_bytes(png(40, 30, 1))
    (samples / "digits-000000200.png").write_bytes(png(40, 30, 2))
    (samples / "story-000000200.txt").write_text("Once & <b>upon</b> a time\n", encoding="utf-8")


GRAPH = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="260" height="90" viewBox="0 0 260 90">'
    '<rect x="5" y="5" width="110" height="40" fill="#eef3f8" stroke="#567"/>'
    '<text x="20" y="30">Linear</text></svg>'
)

ORIGIN = {
    "kind": "lamina nonfinite",
    "version": 1,
    "stage": "forward",
    "value": "inf",
    "operator": "Log",
    "layer": "blocks/1/gate",
    "line": "train.py:31: loss = F.mean(F.log(p))",
    "reason": "the logarithm of 0 is minus infinity",
    "remedy": "Keep the argument above 0",
    "inside": "",
    "inputs": [{"name": "x", "shape": [64, 10], "dtype": "float32", "low": 0.0, "high": 0.93}],
    "source": None,
    "through": ["Mean", "Neg"],
    "loss": "inf",
    "iteration": 217,
    "text": "The loss is inf.",
}


def write_full_run(folder: Path, **changes: Any) -> Path:
    """A run with everything in it."""
    write_run(folder, **changes)
    names = ["first/W", "first/b"]
    names += [f"blocks/{i}/{layer}/{p}" for i in range(2) for layer in ("l1", "l2") for p in "Wb"]
    add_statistics(folder, [*names, "last/W", "last/b"])
    add_samples(folder)
    (folder / "graph.svg").write_text(GRAPH, encoding="utf-8")
    (folder / "nonfinite.json").write_text(json.dumps(ORIGIN), encoding="utf-8")
    return folder
