"""One person's geometry: the shaped body under its clothes, hair, hat and bag, and how it is posed."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from .body import Body, Floats, Indices, joint_transforms, load_body, skin, vertex_normals
from .place import WAIST, Place, canonical_places, cover, headgear, ramp, smooth
from .solids import ball, drape, grid_faces
from .wardrobe import Outfit

_SKIRT_RINGS, _SKIRT_POINTS = 10, 20


class Material(IntEnum):
    """What a triangle is made of."""

    BODY = 0  # skin and the clothes painted on it
    HAIR = 1
    HAT = 2
    SKIRT = 3
    TAIL = 4  # a coat's part below the hips
    PACK = 5


class Hanging(NamedTuple):
    """A skirt or a coat's tail: hangs from the hips over the posed legs.

    Attributes:
        material: SKIRT or TAIL.
        heights: canonical heights of its rings, downwards, (R,).
        person_heights: the same on this person, (R,).
        margin: distance from the legs, meters.
    """

    material: Material
    heights: Floats
    person_heights: Floats
    margin: float


class _Part(NamedTuple):
    """A mesh that moves with the skeleton, its faces over its own vertices."""

    vertices: Floats
    faces: Indices
    material: Material
    influences: Indices
    shares: Floats
    places: Floats


class Figure(NamedTuple):
    """A dressed person in the rest pose.

    Attributes:
        vertices, normals, influences, shares: as `skin` takes them.
        joints: the person's joint centers, (J, 3).
        faces: triangles over vertices and, after them, the hanging parts, (F, 3).
        materials: what each triangle is made of, (F,).
        places: canonical coordinates of all vertices, hanging parts included: position, arm, along_arm, head, (V', 6).
        hangings: skirt and coat tail.
        leg_vertices: what they hang over.
    """

    vertices: Floats
    normals: Floats
    influences: Indices
    shares: Floats
    joints: Floats
    faces: Indices
    materials: Indices
    places: Floats
    hangings: tuple[Hanging, ...]
    leg_vertices: Indices

    def pose(self, rotations: dict[str, Floats]) -> tuple[Floats, Floats]:
        """Vertices and normals of the posed figure, (V', 3) each, in meters, looking along -y."""
        transforms = joint_transforms(load_body(), self.joints, rotations)
        vertices, normals = skin(self.vertices, self.normals, self.influences, self.shares, transforms)
        all_vertices, all_normals = [vertices], [normals]
        for hanging in self.hangings:
            center = np.tile(self.joints[0, :2], (len(hanging.heights), 1))
            points = vertices[self.leg_vertices]
            margin = hanging.margin * np.linspace(0, 3, len(center)).clip(0.3, 1)  # snug at the waist
            cloth = drape(points, hanging.person_heights, _ring_angles(), center, margin=margin, reach=0.05)
            all_vertices.append(cloth)
            all_normals.append(vertex_normals(cloth, grid_faces(_SKIRT_RINGS, _SKIRT_POINTS)))
        return np.concatenate(all_vertices), np.concatenate(all_normals)


def _ring_angles() -> Floats:
    return np.linspace(-np.pi / 2, 1.5 * np.pi, _SKIRT_POINTS, endpoint=False)


def dress(coefficients: Floats, outfit: Outfit) -> Figure:
    """Build an identity's figure from its shape and outfit."""
    body = load_body()
    vertices, joints = body.shaped(coefficients)
    place = canonical_places(body)
    covered = cover(place, outfit)
    strength = np.clip(covered[:, None] * 200, 0, 1)
    vertices = smooth(vertices, body.faces, strength)
    # Hems stay level only if the coordinates they are cut by move with the vertices.
    cut = place._replace(position=smooth(place.position, body.faces, strength))
    normals = vertex_normals(vertices, body.faces)
    vertices = vertices + normals * (covered + headgear(place, outfit))[:, None]

    parts = [_Part(vertices, body.faces, Material.BODY, body.influences, body.shares, cut.stacked())]
    for solid, solid_faces, material, anchor in _accessories(outfit):
        offset = _anchor_shift(body, vertices, joints, anchor)
        influences = np.full((len(solid), 4), body.joints[anchor])
        shares = np.tile(np.array([1, 0, 0, 0], dtype=np.float32), (len(solid), 1))
        parts.append(_Part(solid + offset, solid_faces, material, influences, shares, _off_body(solid)))
    if outfit.hair_style in ("bob", "long"):
        parts.append(_loose_hair(body, vertices, joints, outfit, place))

    starts = np.cumsum([0] + [len(part.vertices) for part in parts])
    faces = [part.faces + start for part, start in zip(parts, starts, strict=False)]
    materials = [np.full(len(part.faces), part.material) for part in parts]
    places = [part.places for part in parts]
    count = int(starts[-1])
    hangings = _hangings(body, joints, outfit)
    for hanging in hangings:
        z = np.repeat(hanging.heights, _SKIRT_POINTS)
        angles = np.tile(_ring_angles(), _SKIRT_RINGS)
        ring = np.stack([0.17 * np.cos(angles), 0.17 * np.sin(angles), z], axis=1)
        places.append(np.concatenate([ring, np.zeros((len(ring), 3))], axis=1))
        grid = grid_faces(_SKIRT_RINGS, _SKIRT_POINTS)
        grid = np.concatenate([grid, grid[:, ::-1]])  # one sees the inside from below the hem
        faces.append(grid + count)
        materials.append(np.full(len(grid), hanging.material))
        count += len(ring)
    rest = np.concatenate([part.vertices for part in parts]).astype(np.float32)
    legs = np.flatnonzero((place.arm < 0.2) & (place.position[:, 2] < 0.36) & (place.position[:, 2] > -0.7))
    return Figure(
        rest,
        vertex_normals(rest, np.concatenate(faces[: len(parts)])),
        np.concatenate([part.influences for part in parts]),
        np.concatenate([part.shares for part in parts]),
        joints,
        np.concatenate(faces),
        np.concatenate(materials),
        np.concatenate(places).astype(np.float32),
        hangings,
        legs[::2],
    )


def _off_body(vertices: Floats) -> Floats:
    """Rows of `Figure.places` for what is no part of a limb: canonical vertices are their own place."""
    return np.concatenate([vertices, np.zeros((len(vertices), 2)), np.ones((len(vertices), 1))], axis=1)


def _accessories(outfit: Outfit) -> list[tuple[Floats, Indices, Material, str]]:
    """Solids that move with one joint, in canonical coordinates: vertices, faces, material, joint."""
    solids = []
    if outfit.hair_style == "bun":
        solids.append((*ball((0, 0.05, 0.985), (0.045, 0.045, 0.042)), Material.HAIR, "head"))
    if outfit.hair_style == "ponytail":
        solids.append((*ball((0.0, 0.058, 0.875), (0.032, 0.036, 0.12)), Material.HAIR, "head"))
    if outfit.hat == "cap":
        solids.append((*ball((0, -0.165, 0.962), (0.07, 0.075, 0.008)), Material.HAT, "head"))
    if outfit.hat == "brim":
        solids.append((*ball((0, -0.055, 0.945), (0.155, 0.165, 0.01), points=20), Material.HAT, "head"))
    size = outfit.pack_size
    if outfit.pack == "backpack":
        solid = ball((0, 0.155, 0.5), (0.15 * size, 0.08 * size, 0.22 * size), rings=10, points=16, power=0.4)
        solids.append((*solid, Material.PACK, "chest"))
    if outfit.pack == "bag":
        solid = ball((0.235, 0.0, 0.12), (0.055, 0.14 * size, 0.11 * size), rings=8, points=16, power=0.45)
        solids.append((*solid, Material.PACK, "hips"))
    return solids


def _anchor_shift(body: Body, vertices: Floats, joints: Floats, anchor: str) -> Floats:
    """How far a solid moves from the mean adult to this person: with the skin near its joint."""
    if anchor == "hips":
        return joints[body.joints["hips"]] - body.joint("hips")
    share = body.share_of(anchor)
    if anchor == "chest":
        share = share * (body.points[: body.num_vertices, 1] > 0.05)
    return ((vertices - body.points[: body.num_vertices]) * share[:, None]).sum(axis=0) / share.sum()


def _loose_hair(body: Body, vertices: Floats, joints: Floats, outfit: Outfit, place: Place) -> _Part:
    """A sheet around the back of the head that hangs to the neck or to the shoulder blades."""
    rings, points = 8, 14
    end = 0.77 if outfit.hair_style == "bob" else 0.55
    heights = np.linspace(0.965, end, rings)
    angles = np.linspace(np.radians(-20), np.radians(200), points)
    head, canonical_head = joints[body.joints["head"]], body.joint("head")
    core = vertices[(place.arm < 0.1) & (place.position[:, 2] > 0.5)] - (head - canonical_head)
    center = np.tile(np.array([0.0, -0.045]), (rings, 1))
    sheet = drape(core, heights, angles, center, margin=0.008, reach=0.03)
    grid = grid_faces(rings, points, closed=False)
    faces = np.concatenate([grid, grid[:, ::-1]])
    below = ramp(sheet[:, 2], 0.8, 0.7)
    influences = np.tile(np.array([body.joints["head"], body.joints["chest"], 0, 0]), (len(sheet), 1))
    shares = np.stack([1 - 0.8 * below, 0.8 * below, 0 * below, 0 * below], axis=1).astype(np.float32)
    return _Part(sheet + head - canonical_head, faces, Material.HAIR, influences, shares, _off_body(sheet))


def _hangings(body: Body, joints: Floats, outfit: Outfit) -> tuple[Hanging, ...]:
    levels = ["foot_l", "shin_l", "thigh_l", "belly"]
    canonical = [body.joint(name)[2] for name in levels]
    person = [joints[body.joints[name], 2] for name in levels]
    wanted = []
    if outfit.bottom == "skirt":
        wanted.append((Material.SKIRT, outfit.bottom_hem, 0.012))
    if outfit.top_hem < 0.05:
        wanted.append((Material.TAIL, outfit.top_hem, 0.026))
    hangings = []
    for material, hem, margin in wanted:
        heights = np.linspace(WAIST, hem, _SKIRT_RINGS)
        hangings.append(Hanging(material, heights, np.interp(heights, canonical, person), margin))
    return tuple(hangings)
