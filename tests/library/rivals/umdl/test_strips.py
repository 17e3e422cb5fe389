"""Strips of color and texture: against loops, by hand, and what does not change them."""

from __future__ import annotations

import numpy as np
import pytest

from dien_lightning.rivals.umdl.strips import SMALLEST, color_bins, strip_features, strip_maxima, texture_bins
from reference_umdl import color_bin
from reference_umdl import strip_maxima as maxima_by_loops
from reference_umdl import texture_bin as texture_by_loops


def image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("radius", [1, 3, 5])
def test_textures_are_those_of_loops(radius):
    gray = np.random.default_rng(radius).uniform(0, 255, (9, 7))
    found = texture_bins(gray, radius)
    assert found.tolist() == [[texture_by_loops(gray.tolist(), i, j, radius) for j in range(7)] for i in range(9)]


def test_a_texture_worked_by_hand():
    gray = np.array([[10.0, 10.0, 10.0], [10.0, 10.0, 20.0], [10.0, 1.0, 10.0]])
    assert texture_bins(gray, 1)[1, 1] == 1 + 2 * 3  # brighter on the right, darker below


def test_twice_the_light_leaves_textures_as_they_are():
    gray = np.random.default_rng(0).uniform(1, 100, (12, 12))
    assert (texture_bins(gray, 3) == texture_bins(2 * gray, 3)).all()


@pytest.mark.parametrize("shape", [(10, 10), (23, 17), (40, 20)])
def test_maxima_are_those_of_loops(shape):
    bins = np.random.default_rng(1).integers(0, 7, shape)
    found = strip_maxima(bins, 7)
    assert found.shape == (shape[0] // 5 - 1, 7)
    assert found.tolist() == maxima_by_loops(bins.tolist(), 7)


def test_colors_are_those_of_loops_and_by_hand():
    pixels = image(6, 5)
    assert color_bins(pixels).tolist() == [[color_bin(*map(int, pixel)) for pixel in row] for row in pixels]
    red, gray = np.uint8([[[255, 0, 0]]]), np.uint8([[[128, 128, 128]]])
    assert color_bins(red)[0, 0] == 7 * 8 + 7  # hue 0, full saturation and value
    assert color_bins(gray)[0, 0] == 4  # neither hue nor saturation


def test_an_images_features_have_lomos_width_and_unit_lengths():
    features = strip_features(image(128, 48))
    assert features.shape == (26960,)
    assert features.dtype == np.float32
    assert np.linalg.norm(features[: 40 * 512]) == pytest.approx(1)
    assert np.linalg.norm(features[40 * 512 :]) == pytest.approx(1)


def test_who_stands_further_left_has_the_same_features():
    here = np.full((80, 60, 3), 90, dtype=np.uint8)
    there = here.copy()
    here[:, 20:40], there[:, :20] = (image(80, 20),) * 2  # by cells of all three scales
    colors = 512 * (15 + 7 + 3)
    here, there = strip_features(here)[:colors], strip_features(there)[:colors]
    assert here @ there > 0.99


def test_an_image_without_a_window_is_refused():
    with pytest.raises(ValueError, match=r"40 x 32 pixels has no window .* take at least 40 x 40 \(data\.image_size\)"):
        strip_features(image(40, 32))
    assert len(strip_features(image(*SMALLEST)))
