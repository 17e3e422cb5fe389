"""Where on a body something is, whoever's body it is, and what covers it there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .body import Body, Floats, Indices
from .wardrobe import Outfit

HAT_LINE, COLLAR, WAIST = 0.935, 0.735, 0.27
_HEAD_CENTER_Y = -0.055


class Place(NamedTuple):
    """Where a vertex, or later a pixel, lies on the mean adult in the rest pose; the same for every person.

    Attributes:
        position: (N, 3) in meters.
        arm: how much it belongs to an arm, 0 to 1, (N,).
        along_arm: 0 at the shoulder, 1 at the elbow, 2 at the wrist, (N,).
        head: how much it belongs to head and neck, 0 to 1, (N,).
    """

    position: Floats
    arm: Floats
    along_arm: Floats
    head: Floats

    def stacked(self) -> Floats:
        """All of it as one array, (N, 6)."""
        return np.concatenate([self.position, np.stack([self.arm, self.along_arm, self.head], axis=1)], axis=1)


def canonical_places(body: Body) -> Place:
    """Canonical coordinates of the body's vertices."""
    position = body.points[: body.num_vertices]
    left = position * np.sign(position[:, :1] + 1e-9) ** np.array([1, 0, 0])  # both arms on the left one's line
    shoulder, elbow, wrist = (body.joint(f"{name}_l") for name in ("upper_arm", "forearm", "hand"))

    def progress(start: Floats, end: Floats) -> Floats:
        line = end - start
        return ((left - start) * line).sum(axis=1) / (line @ line)

    along = np.minimum(progress(shoulder, elbow), 1) + np.maximum(progress(elbow, wrist), 0)
    arms = [f"{name}_{side}" for name in ("upper_arm", "forearm", "hand", "fingers") for side in "lr"]
    return Place(position, body.share_of(*arms), along, body.share_of("head", "neck"))


def above_hairline(position: Floats) -> Floats:
    """Height above the hairline, which falls from the forehead to the nape, (N,); positive where hair grows."""
    return position[:, 2] - (0.8 + (0.03 - position[:, 1]) * 0.92)


def above_hat_line(position: Floats) -> Floats:
    """Height above the rim of a hat, (N,)."""
    return position[:, 2] - (HAT_LINE + (_HEAD_CENTER_Y - position[:, 1]) * 0.25)


def ramp(values: Floats, start: float, end: float) -> Floats:
    """0 before `start`, 1 past `end`, a straight line between."""
    return np.clip((values - start) / (end - start), 0, 1)


def cover(place: Place, outfit: Outfit) -> Floats:
    """Thickness of cloth and shoes over each vertex, meters."""
    z = place.position[:, 2]
    on_arm = place.arm > 0.5
    torso = ~on_arm & (place.head < 0.5) & (z > outfit.top_hem) & (z < COLLAR)
    sleeve = on_arm & (place.along_arm < outfit.sleeve) & (place.along_arm < 1.95)
    top = torso * outfit.loose * (0.5 + 0.7 * ramp(z, 0.6, 0.2)) + sleeve * outfit.loose * 0.7
    legs = ~on_arm & (z < WAIST) & (z > outfit.bottom_hem)
    flare = {"trousers": 0.012, "shorts": 0.028, "skirt": 0.0}[outfit.bottom]
    bottom = legs * (0.006 + flare * ramp(z, 0.1, min(outfit.bottom_hem, -0.1)))
    shoes = ~on_arm & (z < outfit.shaft)
    return np.maximum(np.maximum(top, bottom), shoes * 0.01).astype(np.float32)


def headgear(place: Place, outfit: Outfit) -> Floats:
    """Thickness of hair and hat over each vertex, meters."""
    grown = {"bald": 0.0, "short": 0.012, "afro": 0.055, "bob": 0.02, "long": 0.02, "bun": 0.01, "ponytail": 0.01}
    hair = grown[outfit.hair_style] * ramp(above_hairline(place.position), 0.0, 0.03)
    if outfit.hat == "none":
        return hair
    hat = {"cap": 0.02, "beanie": 0.026, "brim": 0.03}[outfit.hat]
    return np.where(above_hat_line(place.position) > 0, hat, np.minimum(hair, hat))


def smooth(vertices: Floats, faces: Indices, strength: Floats) -> Floats:
    """Cloth does not follow every hollow: covered vertices move towards the mean of their neighbors."""
    start = np.concatenate([faces[:, 0], faces[:, 1], faces[:, 2]])
    end = np.concatenate([faces[:, 1], faces[:, 2], faces[:, 0]])
    count = np.bincount(start, minlength=len(vertices))[:, None]
    for _ in range(3):
        sums = [np.bincount(start, vertices[end, axis], len(vertices)) for axis in range(3)]
        vertices = vertices + 0.7 * strength * (np.stack(sums, axis=1) / np.maximum(count, 1) - vertices)
    return vertices.astype(np.float32)
