"""Small meshes: grids closed around an axis, boxes and balls. Triangles are counter-clockwise seen from outside."""

from __future__ import annotations

import numpy as np

from .body import Floats, Indices


def grid_faces(rings: int, points: int, closed: bool = True) -> Indices:
    """Triangles of a grid whose rings go downwards and whose points go counter-clockwise seen from above."""
    ring, point = np.meshgrid(np.arange(rings - 1), np.arange(points if closed else points - 1), indexing="ij")
    a = (ring * points + point).ravel()
    b = (ring * points + (point + 1) % points).ravel()
    c, d = a + points, b + points
    return np.concatenate([np.stack([a, c, b], axis=1), np.stack([b, c, d], axis=1)])


Triple = tuple[float, float, float]


def ball(center: Triple, radii: Triple, rings: int = 8, points: int = 12, power: float = 1.0) -> tuple[Floats, Indices]:
    """An ellipsoid; a power below 1 makes it a rounded box."""
    latitude = np.linspace(0, np.pi, rings)[:, None]
    longitude = np.linspace(-np.pi / 2, 1.5 * np.pi, points, endpoint=False)[None]

    def blunt(values: Floats) -> Floats:
        return np.sign(values) * np.abs(values) ** power

    x = blunt(np.sin(latitude)) * blunt(np.cos(longitude))
    y = blunt(np.sin(latitude)) * blunt(np.sin(longitude))
    z = blunt(np.cos(latitude)) * np.ones_like(longitude)
    vertices = np.stack([x, y, z], axis=-1).reshape(-1, 3) * radii + center
    return vertices.astype(np.float32), grid_faces(rings, points)


def drape(
    points: Floats, heights: Floats, angles: Floats, center: Floats, *, margin: Floats | float, reach: float
) -> Floats:
    """Cloth or hair hanging around points: at each height and angle as far out as the points near that height.

    Args:
        points: what is covered, (P, 3).
        heights: z of the rings, downwards, (R,).
        angles: directions around the z axis, 0 is +x and pi / 2 is +y, (A,).
        center: the axis (x, y) at each height, (R, 2).
        margin: distance kept in meters, one for all rings or one for each, (R,).
        reach: points up to this far above or below a ring count for it.

    Returns:
        Vertices ring by ring, (R * A, 3).
    """
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # (A, 2)
    offsets = points[None, :, :2] - center[:, None]  # (R, P, 2)
    out = np.einsum("rpc,ac->rpa", offsets, directions)
    near = np.abs(points[None, :, 2] - heights[:, None]) < reach  # (R, P)
    radius = np.where(near[:, :, None], out, 0.02).max(axis=1) + np.reshape(margin, (-1, 1))  # (R, A)
    radius = np.maximum.accumulate(radius, axis=0)  # what hangs does not come in again
    rings = center[:, None] + radius[:, :, None] * directions
    z = np.broadcast_to(heights[:, None, None], (*radius.shape, 1))
    return np.concatenate([rings, z], axis=-1).reshape(-1, 3).astype(np.float32)
