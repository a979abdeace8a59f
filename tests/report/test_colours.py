"""Eight curves are told apart, also by who sees fewer colours."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from report.reading import SOURCES

STYLE = (SOURCES / "page.css").read_text(encoding="utf-8")
# What is left of linear RGB without one kind of cone. Machado, Oliveira, Fernandes: "A
# Physiologically-based Model for Simulation of Color Vision Deficiency", 2009, severity 1.
EYES = {
    "all colours": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
) / np.array([[0.9505], [1.0], [1.089]])  # of white


def palettes() -> list[list[str]]:
    """Every set of eight colours that the style has: light, dark, dark as chosen."""
    found = re.findall(r"--c(\d): (#[0-9a-f]{6})", STYLE)
    return [[colour for _, colour in found[i : i + 8]] for i in range(0, len(found), 8)]


def linear(colour: str) -> np.ndarray:
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b*."""
    xyz = TO_XYZ @ np.clip(rgb, 0, 1)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_there_are_three_palettes_and_both_dark_ones_are_one():
    light, dark, chosen = palettes()
    assert len(light) == len(dark) == 8
    assert dark == chosen


@pytest.mark.parametrize("palette", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("eyes", EYES)
def test_any_two_colours_are_far_apart(eyes, palette):
    seen = [lab(np.array(EYES[eyes]) @ linear(colour)) for colour in palettes()[palette]]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
    assert nearest > 13  # 2.3 is just noticed (Mahy, Van Eycken, Oosterlinck, 1994)
