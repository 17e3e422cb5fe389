from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dien_lightning.pedestrians.rasterizer import rasterize
from reference import rasterize_by_loops


def test_a_square_of_two_triangles_covers_each_pixel_once():
    points = np.array([[0, 0], [0, 8], [8, 8], [8, 0]], dtype=np.float32)
    seen = rasterize(points, np.ones(4, dtype=np.float32), np.array([[0, 1, 2], [0, 2, 3]]), height=8, width=8)
    assert seen.pixels.tolist() == list(range(64))
    np.testing.assert_allclose(seen.corners.sum(axis=1), 1, atol=1e-6)
    values = seen.interpolate(np.array([[0, 1, 2], [0, 2, 3]]), points)
    np.testing.assert_allclose(values[:, 0], np.tile(np.arange(8) + 0.5, 8), atol=1e-5)


def test_the_nearer_triangle_wins_and_back_faces_are_not_seen():
    points = np.array([[0, 0], [0, 4], [4, 0]] * 2, dtype=np.float32)
    depths = np.array([2, 2, 2, 1, 1, 1], dtype=np.float32)
    seen = rasterize(points, depths, np.array([[0, 1, 2], [3, 4, 5]]), height=4, width=4)
    assert set(seen.faces.tolist()) == {1}
    assert len(rasterize(points, depths, np.array([[0, 2, 1]]), height=4, width=4).pixels) == 0


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_agrees_with_loops(seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-3, 15, size=(24, 2)).astype(np.float32)
    depths = rng.uniform(1, 9, size=24).astype(np.float32)
    triangles = np.arange(24).reshape(8, 3)
    seen = rasterize(points, depths, triangles, height=12, width=10)
    image = np.full(120, -1)
    image[seen.pixels] = seen.faces
    wanted = np.array(rasterize_by_loops(points.tolist(), depths.tolist(), triangles.tolist(), 12, 10))
    assert (image != wanted).sum() <= 2  # a pixel center may lie on an edge
