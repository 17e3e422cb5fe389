"""What is behind a person: a ground and a wall with textures, things in between, and the person's shadow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from .body import Floats
from .camera import Camera, View, blur

_TEXEL = 0.04  # meters
_GROUND = (256, 256)
_WALL = (160, 384)


class Thing(NamedTuple):
    """An upright board facing the camera: a pole, a sign, a bench, a car's side."""

    x: float
    y: float
    width: float
    bottom: float
    top: float
    color: Floats


class Scene(NamedTuple):
    """A camera's surroundings; textures are linear RGB and repeat.

    Attributes:
        ground: (256, 256, 3), 4 cm a texel.
        wall: (160, 384, 3), row 0 at the bottom.
        wall_distance: meters from the middle of the way.
        things: boards standing about.
    """

    ground: Floats
    wall: Floats
    wall_distance: float
    things: tuple[Thing, ...]


def sample_scene(rng: np.random.Generator) -> Scene:
    """Draw a camera's surroundings."""
    things = []
    for _ in range(7):
        tall = rng.uniform() < 0.5
        things.append(
            Thing(
                x=float(rng.uniform(0, _WALL[1] * _TEXEL)),
                y=float(rng.uniform(0.9, 2.6)),
                width=float(rng.uniform(0.08, 0.25) if tall else rng.uniform(0.4, 1.6)),
                bottom=0.0 if tall or rng.uniform() < 0.6 else 0.4,
                top=float(rng.uniform(1.8, 4.0) if tall else rng.uniform(0.5, 1.2)),
                color=_earthy(rng),
            )
        )
    return Scene(_ground(rng), _wall(rng), float(rng.uniform(2.8, 6.0)), tuple(things))


def _earthy(rng: np.random.Generator) -> Floats:
    gray = rng.uniform(0.12, 0.62)
    return (np.clip(gray * (1 + rng.normal(0, 0.1, 3)), 0.02, 0.9) ** 1.6).astype(np.float32)


def _clouds(rng: np.random.Generator, shape: tuple[int, int], cells: int) -> Floats:
    """Smooth noise around 0 with a standard deviation of about 1 that repeats at the edges."""
    coarse = rng.standard_normal((cells, cells))
    tiled = Image.fromarray(np.tile(coarse, (3, 3)).astype(np.float32))
    height, width = shape
    smooth = np.asarray(tiled.resize((3 * width, 3 * height), Image.Resampling.BICUBIC))
    return smooth[height : 2 * height, width : 2 * width]


def _ground(rng: np.random.Generator) -> Floats:
    height, width = _GROUND
    y, x = np.mgrid[:height, :width]
    shade = 1 + 0.08 * _clouds(rng, _GROUND, 8) + 0.07 * _clouds(rng, _GROUND, 64)
    kind = rng.choice(["asphalt", "tiles", "bricks", "grass"], p=[0.35, 0.3, 0.2, 0.15])
    color = _earthy(rng)
    if kind == "grass":
        color = np.array([0.12, 0.24, 0.07], dtype=np.float32) * np.float32(rng.uniform(0.7, 1.3))
        shade += 0.15 * _clouds(rng, _GROUND, 128)
    elif kind == "tiles":
        size = int(rng.choice([16, 32]))
        shade *= 1 - 0.35 * ((x % size < 1) | (y % size < 1))
        shade *= 1 + 0.08 * rng.standard_normal((height // size, width // size))[y // size, x // size]
    elif kind == "bricks":
        row = y // 4
        shade *= 1 - 0.3 * ((y % 4 < 1) | ((x + 4 * (row % 2)) % 8 < 1))
    texture = color * shade[:, :, None]
    if kind == "asphalt" and rng.uniform() < 0.6:
        line = (y % 128 < 4) if rng.uniform() < 0.5 else (y % 64 < 14) & (x % 128 < 80)
        texture[line] = 0.6
    return np.clip(texture, 0.01, 1).astype(np.float32)


def _wall(rng: np.random.Generator) -> Floats:
    height, width = _WALL
    y, x = np.mgrid[:height, :width]
    shade = 1 + 0.1 * _clouds(rng, _WALL, 6) + 0.05 * _clouds(rng, _WALL, 64)
    color = _earthy(rng)
    kind = rng.choice(["panels", "bricks", "hedge", "windows"])
    if kind == "hedge":
        color = np.array([0.08, 0.17, 0.06], dtype=np.float32) * np.float32(rng.uniform(0.8, 1.6))
        shade += 0.3 * _clouds(rng, _WALL, 48) + 0.15 * _clouds(rng, _WALL, 96)
    texture = color * np.clip(shade, 0.2, 2)[:, :, None]
    if kind == "bricks":
        texture[(y % 5 < 1) | ((x + 6 * (y // 5 % 2)) % 12 < 1)] *= 1.35
    if kind == "panels":
        size = int(rng.choice([24, 32, 48]))
        texture[(x % size < 2) | (y % 40 < 1)] *= 0.6
    if kind == "windows":
        glass = (x % 48 > 12) & (x % 48 < 42) & (y % 64 > 18) & (y % 64 < 52)
        texture[glass] = _earthy(rng) * np.array([0.6, 0.75, 0.9])
        texture[glass & ((x % 48 == 27) | (y % 64 == 36))] *= 2
    for _ in range(rng.integers(3, 8)):  # doors, posters, shutters
        left, bottom = rng.integers(width), int(rng.choice([0, 20, 28]))
        across, up = rng.integers(10, 40), rng.integers(14, 56)
        columns = (left + np.arange(across)) % width
        texture[bottom : bottom + up, columns] = _earthy(rng) * shade[bottom : bottom + up, columns, None]
    texture[:4] *= 0.6  # skirting
    return np.clip(texture, 0.01, 1).astype(np.float32)


def draw_scene(scene: Scene, camera: Camera, view: View, place: tuple[float, float], shadow: Floats) -> Floats:
    """Linear light from the surroundings, (H, W, 3).

    Args:
        scene: textures and things.
        camera: its light.
        view: the crop; the person stands at the world's origin.
        place: where on the scene's ground the origin lies, meters.
        shadow: share of direct light taken away by the person, (H, W).
    """
    height, width = shadow.shape
    rays = view.rays(height, width).reshape(-1, 3)
    to_ground = view.position[2] / np.maximum(-rays[:, 2], 1e-4)  # far away where a ray goes up
    wall_y = scene.wall_distance - place[1]
    to_wall = (wall_y - view.position[1]) / np.maximum(rays[:, 1], 1e-4)
    on_ground = to_ground < to_wall
    hit = view.position + rays * np.minimum(to_ground, to_wall)[:, None]
    x, y, z = hit[:, 0] + place[0], hit[:, 1] + place[1], hit[:, 2]
    color = np.empty_like(rays)
    color[on_ground] = _look_up(scene.ground, y[on_ground] / _TEXEL, x[on_ground] / _TEXEL)
    high = ~on_ground
    color[high] = _look_up(scene.wall, np.clip(z[high] / _TEXEL, 0, _WALL[0] - 2), x[high] / _TEXEL)
    normal_light = np.where(on_ground, camera.to_light[2], np.maximum(-camera.to_light[1], 0.1))
    sky_share = np.where(on_ground, 1.0, 0.5)
    for thing in scene.things:
        reach = (thing.y - place[1] - view.position[1]) / np.maximum(rays[:, 1], 1e-4)
        spot = view.position + rays * reach[:, None]
        across = (spot[:, 0] + place[0] - thing.x) % (_WALL[1] * _TEXEL)
        seen = (across < thing.width) & (spot[:, 2] > thing.bottom) & (spot[:, 2] < thing.top)
        seen &= thing.y - place[1] > 0.5  # never in front of the person
        color[seen] = thing.color * (0.85 + 0.15 * (across[seen] / thing.width > 0.5))[:, None]
        hit[seen] = spot[seen]
        normal_light[seen] = max(-camera.to_light[1], 0.1)
        sky_share[seen] = 0.5
    direct = normal_light * (1 - shadow.ravel())
    if np.isfinite(camera.pool):
        direct = direct * np.exp(-0.5 * (hit[:, :2] ** 2).sum(axis=1) / camera.pool**2)
    ambient = sky_share[:, None] * camera.sky + (1 - sky_share[:, None]) * camera.ground
    contact = 1 - 0.45 * shadow.ravel()[:, None]
    return (color * (ambient * contact + direct[:, None] * camera.light)).reshape(height, width, 3)


def _look_up(texture: Floats, row: Floats, column: Floats) -> Floats:
    """Bilinear, repeating."""
    top, left = np.floor(row), np.floor(column)
    down, right = (row - top)[:, None].astype(np.float32), (column - left)[:, None].astype(np.float32)
    height, width, _ = texture.shape
    r0, c0 = top.astype(np.intp) % height, left.astype(np.intp) % width
    r1, c1 = (r0 + 1) % height, (c0 + 1) % width
    upper = texture[r0, c0] * (1 - right) + texture[r0, c1] * right
    lower = texture[r1, c0] * (1 - right) + texture[r1, c1] * right
    return upper * (1 - down) + lower * down


def cast_shadow(points: Floats, camera: Camera, view: View, height: int, width: int) -> Floats:
    """Soft shadow on the ground: vertices pushed along the light onto z = 0, blurred, (H, W) in [0, 1]."""
    fallen = points[:, :2] - points[:, 2:] * camera.to_light[:2] / camera.to_light[2]
    pixels, _ = view.project(np.concatenate([fallen, np.zeros_like(points[:, 2:])], axis=1))
    column, row = np.floor(pixels).astype(np.intp).T
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    flat = np.bincount(row[inside] * width + column[inside], minlength=height * width)
    soft = blur(np.minimum(flat, 3).reshape(height, width).astype(np.float32), 1.8 * height / 128)
    return np.minimum(soft * 1.3, 0.85)
