"""Which variants are wanted, and in which Python each can run."""

from __future__ import annotations

import argparse
import subprocess
import sys

import setting

from . import variants

FRAMEWORKS = {"torch": ("torch",), "jax": ("jax", "optax")}


def chosen(parser: argparse.ArgumentParser, given: str | None) -> list[str]:
    """The variants of a list with commas; all, if there is none."""
    names = given.split(",") if given else list(variants.ALL)
    for name in names:
        if name not in variants.ALL:
            parser.error(f"a variant is one of {' '.join(variants.ALL)}, got {name}")
    return names


def of(wanted: list[str], peers: str | None) -> dict[str, str]:
    """For each variant that can run the Python that it runs in.

    Args:
        wanted: variants.
        peers: the Python of PyTorch and JAX; None leaves both out.
    """
    there = {"lamina": sys.executable}
    if peers:
        there |= {name: peers for name, parts in FRAMEWORKS.items() if _has(peers, parts)}
    found = {v: there[v.partition("-")[0]] for v in wanted if v.partition("-")[0] in there}
    if not found:
        raise SystemExit(f"nothing to run of {', '.join(wanted)}; name their Python with --peers")
    return found


def _has(python: str, parts: tuple[str, ...]) -> bool:
    """Whether modules are there; not whether they can be imported, which takes seconds."""
    question = "import importlib.util as u, sys; sys.exit(None in map(u.find_spec, sys.argv[1:]))"
    return subprocess.run([python, "-c", question, *parts], check=False).returncode == 0


def environment(threads: int) -> list[str]:
    """What a figure comes with."""
    return [setting.machine(), setting.versions(), f"{threads} threads each, float32"]
