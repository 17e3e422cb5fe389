from __future__ import annotations

import numpy as np

from dien_lightning.pedestrians.solids import ball, drape, grid_faces


def volume(vertices, faces):
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return (np.cross(a, b) * c).sum() / 6


def test_a_ball_is_turned_outwards_and_a_power_fills_its_box():
    vertices, faces = ball((1, 2, 3), (0.5, 0.5, 0.5), rings=24, points=32)
    assert abs(volume(vertices - (1, 2, 3), faces) - 4 / 3 * np.pi * 0.125) < 0.01
    boxy, faces = ball((0, 0, 0), (0.5, 0.5, 0.5), rings=24, points=32, power=0.3)
    assert 0.75 < volume(boxy, faces) < 1
    assert np.abs(boxy).max() <= 0.5 + 1e-6


def test_cloth_hangs_outside_of_what_it_covers_and_never_comes_in():
    rng = np.random.default_rng(0)
    points = rng.normal(scale=0.1, size=(300, 3))
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    heights = np.linspace(0.2, -0.2, 5)
    cloth = drape(points, heights, angles, np.zeros((5, 2)), margin=0.02, reach=0.06).reshape(5, 16, 3)
    radius = np.linalg.norm(cloth[:, :, :2], axis=2)
    assert (np.diff(radius, axis=0) >= -1e-6).all()
    near = points[np.abs(points[:, 2]) < 0.06]
    for a, angle in enumerate(angles):
        assert (near[:, :2] @ (np.cos(angle), np.sin(angle))).max() + 0.02 <= radius[2, a] + 1e-6


def test_a_grid_uses_every_vertex_and_closes():
    closed, opened = grid_faces(3, 5), grid_faces(3, 5, closed=False)
    assert (len(closed), len(opened)) == (2 * 2 * 5, 2 * 2 * 4)
    assert set(closed.ravel()) == set(range(15))
