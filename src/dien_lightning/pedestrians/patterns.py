"""Fabrics: how two colors share a cloth, as functions of the place on it in meters."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .body import Floats


class Fabric(NamedTuple):
    """A pattern and its colors.

    Attributes:
        pattern: a key of `PATTERNS`.
        colors: ground and figure, sRGB in [0, 1], (2, 3).
        period: size of the pattern's repeat in meters.
        seed: what else the pattern draws, in [0, 1).
    """

    pattern: str
    colors: Floats
    period: float
    seed: float

    def paint(self, u: Floats, v: Floats) -> Floats:
        """sRGB of the cloth at places `u` around the body and `v` upwards, (N,) each -> (N, 3)."""
        share = PATTERNS[self.pattern](u / self.period, v / self.period, self.seed)[:, None]
        return self.colors[0] * (1 - share) + self.colors[1] * share


def _dots(u: Floats, v: Floats, seed: float) -> Floats:
    odd = np.floor(v) % 2 / 2
    return ((u + odd) % 1 - 0.5) ** 2 + (v % 1 - 0.5) ** 2 < (0.28 + 0.1 * seed) ** 2


def _blotches(u: Floats, v: Floats, seed: float) -> Floats:
    waves = np.sin(4.1 * u + 40 * seed + 1.7 * np.sin(2.3 * v)) + np.sin(3.7 * v - 60 * seed + 1.9 * np.sin(2.9 * u))
    return (waves > 0.2).astype(np.float32)


PATTERNS: dict[str, Callable[[Floats, Floats, float], Floats]] = {
    "plain": lambda u, v, seed: np.zeros_like(u),
    "stripes": lambda u, v, seed: (v % 1 < 0.3 + 0.4 * seed).astype(np.float32),
    "pinstripes": lambda u, v, seed: (u % 1 < 0.25 + 0.3 * seed).astype(np.float32),
    "checks": lambda u, v, seed: ((u % 1 < 0.5).astype(np.float32) + (v % 1 < 0.5)) / 2,
    "lattice": lambda u, v, seed: np.maximum(u % 1 < 0.25, v % 1 < 0.25).astype(np.float32),
    "diamonds": lambda u, v, seed: (((u + v) % 1 < 0.5) ^ ((u - v) % 1 < 0.5)).astype(np.float32),
    "dots": _dots,
    "blotches": _blotches,
}
"""The share of the figure's color at (u, v), in periods, by what a cloth draws of its own."""
LOGOS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "disc": lambda x, y: x**2 + y**2 < 1,
    "ring": lambda x, y: abs(x**2 + y**2 - 0.7) < 0.3,
    "square": lambda x, y: np.maximum(abs(x), abs(y)) < 0.9,
    "bar": lambda x, y: (abs(x) < 1.3) & (abs(y) < 0.4),
    "cross": lambda x, y: np.minimum(abs(x), abs(y)) < 0.33 * (np.maximum(abs(x), abs(y)) < 1),
    "triangle": lambda x, y: (y > -0.8) & (abs(x) < (1 - y) * 0.6),
}
"""Where a print lies, True or False; x and y from its center in units of its half size, (N,)."""
