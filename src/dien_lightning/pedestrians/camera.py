"""A camera: where it looks from, the light it stands in, and what it does to colors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .body import Floats

DOMAINS = ("day", "night")


class Camera(NamedTuple):
    """One camera and the light of its place; all its images share it.

    Attributes:
        pitch: how steeply it looks down, radians.
        distance: meters to the person.
        to_light: unit vector towards the lamp or the sun, (3,); x is the image's right, y away from the camera, z up.
        light, sky, ground: linear RGB of the direct light and of what comes from above and below, (3,) each.
        pool: radius in meters of the patch a lamp lights, or infinity.
        exposure, tint: factors on linear RGB, a number and (3,).
        gamma: exponent of the encoding (2.2 is plain sRGB; less is contrasty).
        black: share of gray haze, 0 to 1.
        blur: radius of the lens's blur in pixels at a height of 128.
        noise: standard deviation of the sensor's noise, encoded values in [0, 1].
        vignette: darkening of the corners, 0 to 1.
    """

    pitch: float
    distance: float
    to_light: Floats
    light: Floats
    sky: Floats
    ground: Floats
    pool: float
    exposure: float
    tint: Floats
    gamma: float
    black: float
    blur: float
    noise: float
    vignette: float


_LAMPS = (
    (1.0, 0.72, 0.42),
    (0.62, 1.0, 0.66),
    (0.6, 0.78, 1.0),
    (0.92, 0.98, 0.72),
    (1.0, 0.66, 0.72),
    (0.6, 1.0, 0.95),
)


def sample_camera(domain: str, number: int, rng: np.random.Generator) -> Camera:
    """Draw camera `number` (from 1) of a domain: neighbors in number differ in tint for sure."""
    night = domain == "night"
    azimuth = rng.uniform(0, 2 * np.pi)
    elevation = np.radians(rng.uniform(50, 75) if night else rng.uniform(35, 70))
    to_light = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    to_light[1] -= 0.35  # rarely straight from behind
    to_light /= np.linalg.norm(to_light)
    if night:
        lamp = np.array(_LAMPS[(number - 1) % len(_LAMPS)]) * rng.uniform(0.94, 1.06, 3)
        return Camera(
            pitch=float(np.radians(rng.uniform(20, 36))),
            distance=float(rng.uniform(4.5, 7.0)),
            to_light=to_light.astype(np.float32),
            light=(0.62 * lamp).astype(np.float32),
            sky=(0.2 * lamp + 0.05 * np.array([0.6, 0.8, 1.2])).astype(np.float32),
            ground=(0.1 * lamp).astype(np.float32),
            pool=float(rng.uniform(2.0, 4.0)),
            exposure=float(rng.uniform(0.6, 0.9)),
            tint=lamp.astype(np.float32) ** 0.5,
            gamma=float(rng.uniform(1.8, 2.2)),
            black=float(rng.uniform(0.0, 0.04)),
            blur=float(rng.uniform(0.4, 0.8)),
            noise=float(rng.uniform(0.025, 0.045)),
            vignette=float(rng.uniform(0.2, 0.5)),
        )
    warmth = rng.normal(0, 0.06)
    balance = np.array([1 + warmth, 1 + rng.normal(0, 0.025), 1 - warmth])
    return Camera(
        pitch=float(np.radians(rng.uniform(1, 9))),
        distance=float(rng.uniform(6.0, 9.0)),
        to_light=to_light.astype(np.float32),
        light=np.array([0.5, 0.48, 0.44], dtype=np.float32) * np.float32(rng.uniform(0.8, 1.3)),
        sky=np.array([0.56, 0.58, 0.62], dtype=np.float32),
        ground=np.array([0.34, 0.32, 0.3], dtype=np.float32),
        pool=float("inf"),
        exposure=float(rng.uniform(1.05, 1.35)),
        tint=balance.astype(np.float32),
        gamma=float(rng.uniform(2.1, 2.5)),
        black=float(rng.uniform(0.0, 0.06)),
        blur=float(rng.uniform(0.0, 0.45)),
        noise=float(rng.uniform(0.004, 0.012)),
        vignette=float(rng.uniform(0.0, 0.12)),
    )


class View(NamedTuple):
    """A crop of a camera's picture around one person, in pixels of the crop.

    Attributes:
        position: where the camera stands, (3,).
        axes: right, up and forward as rows, (3, 3).
        focal: pixels per unit of slope.
        column, row: where the forward axis meets the picture.
    """

    position: Floats
    axes: Floats
    focal: float
    column: float
    row: float

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Columns and rows (V, 2) and depths (V,) of points in the world."""
        x, y, z = np.einsum("vj,ij->iv", points - self.position, self.axes)
        z = np.maximum(z, 0.1)
        return np.stack([self.focal * x / z + self.column, self.row - self.focal * y / z], axis=1), z

    def rays(self, height: int, width: int) -> Floats:
        """Direction through each pixel's center, not normalized, (height, width, 3)."""
        slope_x = (np.arange(width) + 0.5 - self.column) / self.focal
        slope_y = (self.row - np.arange(height) - 0.5) / self.focal
        right, up, forward = self.axes
        return (slope_y[:, None, None] * up + (slope_x[:, None] * right)[None] + forward).astype(np.float32)

    def scaled(self, factor: float) -> View:
        """The same view on a picture `factor` times as large."""
        return self._replace(focal=self.focal * factor, column=self.column * factor, row=self.row * factor)


def look_at(camera: Camera, points: Floats, height: int, width: int, rng: np.random.Generator) -> View:
    """The crop a detector would cut around the points: nearly all of the height, a little off now and then."""
    middle = (points[:, 2].min() + points[:, 2].max()) / 2
    pitch = camera.pitch + rng.normal(0, 0.02)
    distance = camera.distance * rng.uniform(0.9, 1.1)
    cos, sin = np.cos(pitch), np.sin(pitch)
    axes = np.array([[1, 0, 0], [0, sin, cos], [0, cos, -sin]], dtype=np.float32)
    position = np.array([0, -distance * cos, middle + distance * sin], dtype=np.float32)
    unit = View(position, axes, 1.0, 0.0, 0.0)
    slopes, _ = unit.project(points)
    low, high = slopes.min(axis=0), slopes.max(axis=0)
    focal = rng.uniform(0.85, 0.95) * height / (high[1] - low[1])
    focal = min(focal, max(0.96 * width / (high[0] - low[0]), 0.85 * focal))  # a long stride may be cut a little
    center = (low + high) / 2
    column = width / 2 - focal * center[0] + rng.normal(0, 0.025) * width
    row = height / 2 - focal * center[1] + rng.normal(0, 0.012) * height
    return View(position, axes, float(focal), float(column), float(row))


def develop(picture: Floats, camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """Linear light (H, W, 3) to the camera's 8-bit picture: exposure, tint, blur, vignette, encoding, noise."""
    height, width, _ = picture.shape
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    exposure = camera.exposure * rng.uniform(0.9, 1.1)
    picture = picture * (exposure * camera.tint) * (1 - camera.vignette * (x**2 + y**2) / 2)
    picture = blur(picture, camera.blur * rng.uniform(0.7, 1.3) * height / 128)
    picture = np.clip(picture, 0, 1) ** (1 / camera.gamma)
    picture = picture * (1 - camera.black) + 0.5 * camera.black
    picture = picture + camera.noise * rng.standard_normal(picture.shape, dtype=np.float32)
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)


def blur(picture: Floats, radius: float) -> Floats:
    """Gaussian blur of the first two axes, edges repeated."""
    if radius < 0.15:
        return picture
    reach = max(1, int(np.ceil(2.5 * radius)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    for axis in (0, 1):
        size = picture.shape[axis]
        pad = [(reach, reach) if a == axis else (0, 0) for a in range(picture.ndim)]
        padded = np.pad(picture, pad, mode="edge")
        picture = sum(  # type: ignore[assignment]
            weight * (padded[i : i + size] if axis == 0 else padded[:, i : i + size]) for i, weight in enumerate(kernel)
        )
    return picture
