"""UMDL's formulas by slow loops."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence

from reference import Vector, cosine

Matrix = Sequence[Vector]


def texture_bin(gray: Matrix, row: int, column: int, radius: int, tolerance: float = 0.3) -> int:
    """The ternary pattern of one pixel's neighbors: right, below, left, above."""
    center, found = gray[row][column], 0
    for digit, (down, right) in enumerate([(0, 1), (1, 0), (0, -1), (-1, 0)]):
        y = min(max(row + radius * down, 0), len(gray) - 1)
        x = min(max(column + radius * right, 0), len(gray[0]) - 1)
        if gray[y][x] > (1 + tolerance) * center:
            found += 3**digit
        elif gray[y][x] < (1 - tolerance) * center:
            found += 2 * 3**digit
    return found


def strip_maxima(bins: Sequence[Sequence[int]], num_bins: int) -> list[list[int]]:
    """For each row of windows of 10 x 10, 5 apart, the largest count of each bin."""
    height, width = len(bins) // 5 * 5, len(bins[0]) // 5 * 5
    strips = []
    for top in range(0, height - 5, 5):
        most = [0] * num_bins
        for left in range(0, width - 5, 5):
            counts = [0] * num_bins
            for row in range(top, top + 10):
                for column in range(left, left + 10):
                    counts[bins[row][column]] += 1
            most = [max(pair) for pair in zip(most, counts, strict=True)]
        strips.append(most)
    return strips


def color_bin(red: int, green: int, blue: int) -> int:
    """The joint bin of 8 hues, 8 saturations, 8 values, each rounded down to 256 levels first."""
    hsv = [math.floor(255 * part) for part in colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)]
    return sum(part // 32 * 8**power for part, power in zip(hsv, (2, 1, 0), strict=True))


def product(codes: Matrix, atoms: Matrix) -> list[Vector]:
    """Codes times atoms."""
    columns = range(len(atoms[0]))
    return [[sum(code[k] * atoms[k][j] for k in range(len(atoms))) for j in columns] for code in codes]


def square(one: Matrix, *others: Matrix) -> float:
    """The squared length of a matrix less others."""
    found = 0.0
    for i, row in enumerate(one):
        for j, value in enumerate(row):
            found += (value - sum(other[i][j] for other in others)) ** 2
    return found


def edge_energy(codes: Matrix, weights: Matrix) -> float:
    """Half the sum of w_ij |c_i - c_j|^2."""
    found = 0.0
    for i, one in enumerate(codes):
        for j, other in enumerate(codes):
            found += weights[i][j] * sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) / 2
    return found


def neighbor_weights(codes: Matrix, camids: Sequence[int], neighbors: int) -> list[list[float]]:
    """Cosines between images of which one is among the other's nearest in another camera."""
    size = len(codes)
    weights = [[0.0] * size for _ in range(size)]
    for i in range(size):
        others = [(1 - cosine(codes[i], codes[j]), j) for j in range(size) if camids[j] != camids[i]]
        for similarity, j in sorted(others, reverse=True)[:neighbors]:
            if similarity > 0:
                weights[i][j] = weights[j][i] = similarity
    return weights
