from __future__ import annotations

import numpy as np
import pytest

from dien_lightning.pedestrians.patterns import LOGOS, PATTERNS, Fabric

COLORS = np.array([[0.1, 0.2, 0.3], [0.9, 0.8, 0.7]], dtype=np.float32)


def test_stripes_by_hand():
    fabric = Fabric("stripes", COLORS, period=0.1, seed=0.5)  # half of each 10 cm upwards
    painted = fabric.paint(np.zeros(4), np.array([0.01, 0.04, 0.06, 0.11]))
    np.testing.assert_allclose(painted, COLORS[[1, 1, 0, 1]])


@pytest.mark.parametrize("pattern", PATTERNS)
def test_colors_stay_between_the_two(pattern):
    rng = np.random.default_rng(0)
    u, v = rng.uniform(-1, 1, size=(2, 500))
    painted = Fabric(pattern, COLORS, 0.1, 0.3).paint(u, v)
    assert painted.shape == (500, 3)
    assert (painted >= COLORS.min(axis=0) - 1e-6).all()
    assert (painted <= COLORS.max(axis=0) + 1e-6).all()
    used = len(np.unique(painted.round(4), axis=0))
    assert used == {"plain": 1, "checks": 3}.get(pattern, 2)


@pytest.mark.parametrize("printed", LOGOS.values(), ids=LOGOS)
def test_a_logo_is_a_figure_on_a_ground(printed):
    x, y = (axis.ravel() for axis in np.mgrid[-2:2:81j, -2:2:81j])
    assert 0.02 < printed(x, y).mean() < 0.4
    assert not printed(np.array([1.9]), np.array([1.9]))[0]
