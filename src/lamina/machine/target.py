"""The processor that code is made for: how wide its registers are, and how many it has."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass

import llvmlite.binding as llvm


@dataclass(frozen=True)
class Target:
    """What kernels ask of a processor.

    Attributes:
        cpu: LLVM's name of it.
        features: LLVM's list, as in ``+avx2,-avx512f``.
        lanes: float32 numbers in a vector register.
        registers: vector registers.
        cache: bytes of the second-level cache of one core.
    """

    cpu: str
    features: str
    lanes: int
    registers: int
    cache: int = 1 << 20

    @property
    def fma(self) -> bool:
        """Whether a product and a sum are one instruction; ARM's always are."""
        return "+fma" in self.features.split(",") or self.registers == 32

    @property
    def avx512(self) -> bool:
        """Whether vectors are those of AVX-512."""
        return self.lanes == 16


@functools.cache
def host() -> Target:
    """This machine; or, with ``LAMINA_LANES`` 4, 8 or 16 in the environment, as if it had these."""
    features = llvm.get_host_cpu_features()
    lanes = 16 if features.get("avx512f") else 8 if features.get("avx2") else 4
    lanes = min(lanes, int(os.environ.get("LAMINA_LANES") or lanes))
    return narrowed(lanes)


def narrowed(lanes: int) -> Target:
    """This machine with registers of so many lanes at most: 16 (AVX-512), 8 (AVX2) or 4."""
    features = llvm.get_host_cpu_features()
    arm = "aarch64" in llvm.get_default_triple() or "arm64" in llvm.get_default_triple()
    if lanes < 16 and not arm:
        for name in list(features):
            if name.startswith("avx512") or (lanes < 8 and name.startswith(("avx", "fma"))):
                features[name] = False
    registers = 32 if lanes == 16 or arm else 16
    # without this LLVM halves the width of AVX-512 on some processors
    text = features.flatten() + ",-prefer-256-bit" if not arm else features.flatten()
    return Target(llvm.get_host_cpu_name(), text, lanes, registers)
