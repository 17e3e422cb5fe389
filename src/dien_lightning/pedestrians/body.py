"""The body: a mesh with shape directions, a skeleton and skinning weights, put into a pose."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
Indices = NDArray[np.intp]


class Body(NamedTuple):
    """The asset: people stand on z = -0.83 or so, look along -y, their left is +x; meters.

    Attributes:
        points: the mean adult's V vertices and, after them, J joint centers, (V + J, 3).
        directions: shape directions, one standard deviation each, (K, V + J, 3).
        faces: triangles, (F, 3).
        influences: the joints that move each vertex, (V, 4).
        shares: how much each of them does, (V, 4); rows sum to 1.
        joints: number of each joint by name.
        parents: parent of each joint, -1 for the hips, (J,).
    """

    points: Floats
    directions: Floats
    faces: Indices
    influences: Indices
    shares: Floats
    joints: dict[str, int]
    parents: tuple[int, ...]

    @property
    def num_vertices(self) -> int:
        """V: joints are not counted."""
        return len(self.influences)

    def joint(self, name: str) -> Floats:
        """Center of a joint of the mean adult, (3,)."""
        return self.points[self.num_vertices + self.joints[name]]

    def share_of(self, *names: str) -> Floats:
        """How much of each vertex's motion belongs to the named joints together, (V,)."""
        wanted = np.isin(self.influences, [self.joints[name] for name in names])
        return (self.shares * wanted).sum(axis=1)

    def shaped(self, coefficients: Floats) -> tuple[Floats, Floats]:
        """Vertices (V, 3) and joint centers (J, 3) of one person; coefficients in standard deviations, (K,)."""
        points = self.points + np.einsum("k,kpc->pc", coefficients, self.directions)
        return points[: self.num_vertices], points[self.num_vertices :]


@lru_cache(maxsize=1)
def load_body() -> Body:
    """Read the asset once per process."""
    with np.load(Path(__file__).parent / "assets" / "body.npz") as asset:
        shares = asset["shares"].astype(np.float32)
        return Body(
            points=asset["points"].astype(np.float32) * asset["points_scale"],
            directions=asset["directions"].astype(np.float32) * asset["directions_scale"][:, None, None],
            faces=asset["faces"].astype(np.intp),
            influences=asset["influences"].astype(np.intp),
            shares=shares / shares.sum(axis=1, keepdims=True),
            joints={str(name): j for j, name in enumerate(asset["joint_names"])},
            parents=tuple(int(parent) for parent in asset["joint_parents"]),
        )


def vertex_normals(vertices: Floats, faces: Indices) -> Floats:
    """Unit normals (V, 3), each the mean of the triangles around a vertex, weighted by their areas."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    per_face = np.cross(b - a, c - a)
    flat = faces.T.ravel()
    sums = [np.bincount(flat, np.tile(per_face[:, axis], 3), len(vertices)) for axis in range(3)]
    normals = np.stack(sums, axis=1)
    return (normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def rotation(axis: str, angle: float) -> Floats:
    """Rotation by an angle in radians about x (forward-backward swing), y (sideways lift) or z (turn), (3, 3)."""
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3, dtype=np.float32)
    matrix[i, i] = matrix[j, j] = np.cos(angle)
    matrix[j, i] = np.sin(angle)
    matrix[i, j] = -matrix[j, i]
    return matrix


def joint_transforms(body: Body, joints: Floats, rotations: dict[str, Floats]) -> Floats:
    """Where each joint takes its surroundings: (J, 3, 4) matrices from the rest pose to the pose.

    Args:
        body: the skeleton.
        joints: one person's joint centers in the rest pose, (J, 3).
        rotations: turn of named joints against their parents, along the axes of the rest pose, (3, 3) each.
    """
    turn = {body.joints[name]: matrix for name, matrix in rotations.items()}
    transforms = np.zeros((len(joints), 3, 4), dtype=np.float32)
    for j, parent in enumerate(body.parents):
        local = turn.get(j, np.eye(3, dtype=np.float32))
        if parent < 0:
            transforms[j, :, :3] = local
            transforms[j, :, 3] = joints[j] - local @ joints[j]
        else:
            matrix, shift = transforms[parent, :, :3], transforms[parent, :, 3]
            transforms[j, :, :3] = matrix @ local
            transforms[j, :, 3] = matrix @ (joints[j] - local @ joints[j]) + shift
    return transforms


def skin(
    vertices: Floats, normals: Floats, influences: Indices, shares: Floats, transforms: Floats
) -> tuple[Floats, Floats]:
    """Linear blend skinning: posed vertices and normals, (V, 3) each.

    Einsum's own loops instead of a matrix product: the same bits whatever the number of BLAS threads.
    """
    blended = np.einsum("vk,vkij->vij", shares, transforms[influences])  # (V, 3, 4)
    posed = np.einsum("vij,vj->vi", blended[:, :, :3], vertices) + blended[:, :, 3]
    turned = np.einsum("vij,vj->vi", blended[:, :, :3], normals)
    return posed, turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-6)
