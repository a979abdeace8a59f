"""The variants by name, and which workloads they are for."""

from __future__ import annotations

from .data import IMAGES, Workload

OURS = ("lamina-eager", "lamina-replay", "lamina-native")
PEERS = ("torch-eager", "torch-fused", "torch-channels_last", "torch-compile", "jax-jit")
ALL: tuple[str, ...] = OURS + PEERS


def is_peer(variant: str) -> bool:
    return variant in PEERS


def applies(variant: str, workload: Workload) -> bool:
    """Whether a variant differs from the others there: prediction has no optimizer."""
    if variant == "torch-channels_last":
        return workload.name in IMAGES
    return variant != "torch-fused" or not workload.predicts


def make(variant: str, workload: Workload, threads: int):
    """The steps of a variant; only its framework is imported."""
    framework, _, kind = variant.partition("-")
    if framework == "lamina":
        from . import lamina_steps

        return lamina_steps.Steps(workload, kind)
    if framework == "torch":
        from . import torch_steps

        return torch_steps.Steps(workload, kind, threads)
    from . import jax_steps

    return jax_steps.Steps(workload)
