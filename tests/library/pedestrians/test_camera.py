from __future__ import annotations

import numpy as np
import pytest

from dien_lightning.pedestrians.camera import View, blur, develop, look_at, sample_camera


def cameras(domain, count=20):
    return [sample_camera(domain, n, np.random.default_rng(n)) for n in range(1, count + 1)]


def test_night_is_darker_noisier_and_from_above():
    day, night = cameras("day"), cameras("night")
    assert max(camera.pitch for camera in day) < min(camera.pitch for camera in night)
    assert max(camera.noise for camera in day) < min(camera.noise for camera in night)

    def brightness(camera):
        return (camera.exposure * camera.tint * (camera.light + camera.sky)).mean()

    assert min(map(brightness, day)) > max(map(brightness, night))


def test_a_point_lies_on_the_ray_of_its_pixel():
    camera = cameras("night", 1)[0]
    points = np.random.default_rng(0).uniform((-0.4, -0.2, 0), (0.4, 0.2, 1.8), size=(50, 3)).astype(np.float32)
    view = look_at(camera, points, 128, 64, np.random.default_rng(1))
    pixels, depths = view.project(points)
    slope = np.stack([pixels[:, 0] - view.column, view.row - pixels[:, 1]], axis=1) / view.focal
    back = view.position + depths[:, None] * (slope @ view.axes[:2] + view.axes[2])
    np.testing.assert_allclose(back, points, atol=1e-4)
    rays = view.rays(128, 64)
    np.testing.assert_allclose(
        rays[7, 9], (9.5 - view.column) / view.focal * view.axes[0] + (view.row - 7.5) / view.focal * view.axes[1]
        + view.axes[2], atol=1e-5,
    )  # fmt: skip


def test_the_crop_holds_the_person():
    rng = np.random.default_rng(0)
    points = rng.uniform((-0.3, -0.2, 0), (0.3, 0.2, 1.7), size=(200, 3)).astype(np.float32)
    for camera in cameras("day", 10):
        pixels, _ = look_at(camera, points, 128, 64, rng).project(points)
        assert 0.7 * 128 < np.ptp(pixels[:, 1]) < 0.97 * 128
        assert (np.abs(pixels.mean(axis=0) - (32, 64)) < (8, 14)).all()


def test_a_scaled_view_sees_the_same():
    view = View(np.zeros(3), np.eye(3)[[0, 2, 1]], 50.0, 10.0, 20.0)
    points = np.array([[0.5, 4.0, 1.0]])
    np.testing.assert_allclose(view.scaled(2).project(points)[0], 2 * view.project(points)[0])
    np.testing.assert_allclose(view.project(points)[0], [[10 + 50 / 8, 20 - 50 / 4]])


@pytest.mark.parametrize("radius", [0.0, 0.4, 1.5])
def test_blur_keeps_the_mean_of_what_is_far_from_the_edge(radius):
    picture = np.zeros((21, 21, 1), dtype=np.float32)
    picture[10, 10] = 1
    soft = blur(picture, radius)
    assert soft.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(soft, soft.transpose(1, 0, 2), atol=1e-7)
    np.testing.assert_allclose(blur(np.ones((9, 7, 3), dtype=np.float32), radius), 1, atol=1e-6)


def test_brighter_light_gives_brighter_pixels():
    camera = cameras("day", 1)[0]
    means = [develop(np.full((32, 16, 3), level), camera, np.random.default_rng(0)).mean() for level in (0.1, 0.2, 0.4)]
    assert means == sorted(means)
