"""Triangles to pixels: a z-buffer over all triangles at once, in numpy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .body import Floats


class Fragments(NamedTuple):
    """What is seen: one row per covered pixel, in pixel order.

    Attributes:
        pixels: flat pixel numbers (row * width + column), (N,).
        faces: the triangle seen there, (N,).
        corners: weight of the triangle's three corners, (N, 3); each row sums to 1.
    """

    pixels: NDArray[np.intp]
    faces: NDArray[np.intp]
    corners: Floats

    def interpolate(self, triangles: NDArray[np.intp], values: Floats) -> Floats:
        """Values at vertices (V, C) -> values at the seen pixels (N, C)."""
        a, b, c = triangles[self.faces].T
        wa, wb, wc = self.corners.T
        return values[a] * wa[:, None] + values[b] * wb[:, None] + values[c] * wc[:, None]


def rasterize(points: Floats, depths: Floats, triangles: NDArray[np.intp], height: int, width: int) -> Fragments:
    """The nearest front-facing triangle at each pixel's center.

    Every triangle's bounding box is listed pixel by pixel, all triangles in one go; the pixels inside are kept and the
    nearest of each wins. Corner weights are linear on the screen: good for triangles small against their distance.

    Args:
        points: column and row of each vertex in pixels, (V, 2); pixel (r, c) has its center at (c + 0.5, r + 0.5).
        depths: distance of each vertex, smaller is nearer, (V,).
        triangles: vertex numbers, (F, 3), counter-clockwise seen from the front (rows grow downwards).
        height: rows.
        width: columns.

    Example:
        >>> points = np.array([[0, 0], [0, 3.9], [3.9, 0]], dtype=np.float32)
        >>> seen = rasterize(points, np.ones(3, dtype=np.float32), np.array([[0, 1, 2]]), height=4, width=4)
        >>> seen.pixels.tolist()
        [0, 1, 2, 4, 5, 8]
    """
    a, b, c = (points[triangles[:, corner]] for corner in range(3))  # each (F, 2)
    area = (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]) - (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1])  # twice, > 0 in front
    low = np.minimum(np.minimum(a, b), c)
    high = np.maximum(np.maximum(a, b), c)
    # The first and last pixel whose center lies in the box.
    first = np.maximum(np.ceil(low - 0.5), 0).astype(np.int32)
    last = np.minimum(np.floor(high - 0.5), (width - 1, height - 1)).astype(np.int32)
    spans = last - first + 1
    front = np.flatnonzero((area > 1e-9) & (spans > 0).all(axis=1))
    a, b, c, first, spans, area = a[front], b[front], c[front], first[front], spans[front], area[front]

    counts = spans[:, 0] * spans[:, 1]
    owner = np.repeat(np.arange(len(front)), counts)  # triangle of each candidate
    within = np.arange(len(owner), dtype=np.int32) - np.repeat((np.cumsum(counts) - counts).astype(np.int32), counts)
    across = spans[:, 0][owner]
    row = within // across
    column = within - row * across + first[:, 0][owner]
    row += first[:, 1][owner]

    # Weight of a corner = a + b x + c y, made once per triangle; the division is by the area.
    inverse = 1 / area
    plane_b = _corner_plane(c, a, inverse)
    plane_c = _corner_plane(a, b, inverse)
    x, y = column.astype(np.float32) + np.float32(0.5), row.astype(np.float32) + np.float32(0.5)
    weight_b = plane_b[0][owner] + plane_b[1][owner] * x + plane_b[2][owner] * y
    weight_c = plane_c[0][owner] + plane_c[1][owner] * x + plane_c[2][owner] * y
    weight_a = 1 - weight_b - weight_c
    # A hair's breadth of slack: an edge shared by two triangles must not leave a crack.
    inside = np.flatnonzero((weight_a >= -1e-4) & (weight_b >= -1e-4) & (weight_c >= -1e-4))
    owner = owner[inside]
    corners = np.stack([weight_a[inside], weight_b[inside], weight_c[inside]], axis=1)
    pixels = row[inside] * width + column[inside]
    depth_a, depth_b, depth_c = depths[triangles[front[owner]]].T
    z = depth_a * corners[:, 0] + depth_b * corners[:, 1] + depth_c * corners[:, 2]

    winners = np.full(height * width, -1, dtype=np.intp)
    order = np.argsort(-z, kind="stable")
    winners[pixels[order]] = order  # of several assignments to a pixel the last stays: the nearest
    seen = np.flatnonzero(winners >= 0)
    winners = winners[seen]
    return Fragments(seen, front[owner[winners]], corners[winners])


def _corner_plane(start: Floats, end: Floats, inverse_area: Floats) -> tuple[Floats, Floats, Floats]:
    """The corner opposite the edge start -> end: its weight is the returned constant + x * second + y * third."""
    by_x = (end[:, 1] - start[:, 1]) * inverse_area
    by_y = (start[:, 0] - end[:, 0]) * inverse_area
    return -(by_x * start[:, 0] + by_y * start[:, 1]), by_x, by_y
