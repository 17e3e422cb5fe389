"""One person before one camera, once: everything put together into an image."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .body import Floats, load_body, rotation
from .camera import DOMAINS, Camera, View, develop, look_at, sample_camera
from .figure import Figure, dress
from .paint import paint
from .pose import Gait, sample_gait, sample_pose
from .rasterizer import rasterize
from .scene import Scene, cast_shadow, draw_scene, sample_scene
from .wardrobe import Outfit, sample_outfit

VERSION = 2
"""Raised whenever the same arguments draw other pixels."""

# What a random stream is for, so that no two streams share their seed.
_FOR_CAMERA, _FOR_IDENTITY, _FOR_IMAGE = 0, 1, 2


class Person(NamedTuple):
    """What an identity keeps: geometry with clothes, outfit, gait."""

    figure: Figure
    outfit: Outfit
    gait: Gait


def make_person(seed: int, domain: str, pid: int) -> Person:
    """Draw an identity."""
    coefficients, outfit, gait = _sample_identity(seed, domain, pid)
    return Person(dress(coefficients, outfit), outfit, gait)


def outfit_of(seed: int, domain: str, pid: int) -> Outfit:
    """What an identity of `make_person` wears, without its geometry."""
    return _sample_identity(seed, domain, pid)[1]


def _sample_identity(seed: int, domain: str, pid: int) -> tuple[Floats, Outfit, Gait]:
    rng = np.random.default_rng([seed, DOMAINS.index(domain), _FOR_IDENTITY, pid])
    coefficients = np.clip(rng.standard_normal(len(load_body().directions)), -1.8, 1.8).astype(np.float32)
    return coefficients, sample_outfit(rng), sample_gait(rng)


@lru_cache(maxsize=32)
def make_camera(seed: int, domain: str, number: int) -> tuple[Camera, Scene]:
    """Draw a camera and its surroundings."""
    rng = np.random.default_rng([seed, DOMAINS.index(domain), _FOR_CAMERA, number])
    return sample_camera(domain, number, rng), sample_scene(rng)


def draw_image(
    person: Person, *, domain: str, pid: int, camera: int, shot: int, size: tuple[int, int], seed: int
) -> np.ndarray:
    """One image of an identity.

    Args:
        person: of `make_person` with the same seed, domain and pid.
        domain: "day" or "night".
        pid: identity.
        camera: camera number, from 1.
        shot: number of the image under that camera, from 0.
        size: height and width in pixels.
        seed: of the whole data set.

    Returns:
        sRGB, uint8, (height, width, 3). The same arguments give the same bytes, in whatever order images are drawn.
    """
    lens, scene = make_camera(seed, domain, camera)
    rng = np.random.default_rng([seed, DOMAINS.index(domain), _FOR_IMAGE, pid, camera, shot])
    points, normals = person.figure.pose(sample_pose(person.gait, rng))
    turn = rotation("z", rng.uniform(0, 2 * np.pi))
    points = np.einsum("ij,vj->vi", turn, points)
    normals = np.einsum("ij,vj->vi", turn, normals)
    points[:, 2] -= points[:, 2].min()
    points[:, :2] -= points[:, :2].mean(axis=0)

    height, width = size
    view = look_at(lens, points, height, width, rng)
    place = (rng.uniform(0, 15), rng.uniform(-0.8, 0.8))
    light, alpha = _draw_person(person, points, normals, lens=lens, view=view, size=size)
    shadow = cast_shadow(points, lens, view, height, width)
    picture = draw_scene(scene, lens, view, place, shadow) * (1 - alpha) + light
    return develop(picture, lens, rng)


def _draw_person(
    person: Person, points: Floats, normals: Floats, *, lens: Camera, view: View, size: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Linear light from the person times its share of each pixel (H, W, 3), and that share (H, W, 1)."""
    height, width = 2 * size[0], 2 * size[1]  # four samples a pixel
    pixels, depths = view.scaled(2).project(points)
    figure = person.figure
    seen = rasterize(pixels, depths, figure.faces, height, width)
    values = seen.interpolate(figure.faces, np.concatenate([figure.places, normals, points[:, 2:]], axis=1))
    places, normal, level = values[:, :6], values[:, 6:9], values[:, 9:]
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)

    albedo = paint(person.outfit, figure.materials[seen.faces], places) ** 2.2
    facing = np.maximum(np.einsum("nc,c->n", normal, lens.to_light) + 0.3, 0)[:, None] / 1.3
    upward = 0.5 + 0.5 * normal[:, 2:]
    ambient = upward * lens.sky + (1 - upward) * lens.ground
    ambient = ambient * (0.75 + 0.25 * np.clip(level, 0, 1))  # the ground near the feet hides half of the sky
    canvas = np.zeros((height * width, 4), dtype=np.float32)
    canvas[seen.pixels, :3] = albedo * (ambient + facing * lens.light)
    canvas[seen.pixels, 3] = 1
    fine = canvas.reshape(height, width, 4)
    small = (fine[::2, ::2] + fine[::2, 1::2] + fine[1::2, ::2] + fine[1::2, 1::2]) / 4
    return small[:, :, :3], small[:, :, 3:]
