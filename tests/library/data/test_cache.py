"""Decoded images are what the files hold, up to the memory that was allowed."""

from __future__ import annotations

import pytest
import torch

from dien_lightning.data.cache import DecodedImages
from dien_lightning.data.images import read_image
from library.data.folders import write_image


@pytest.fixture
def paths(tmp_path):
    sizes = [(32, 16), (20, 10), (48, 16), (8, 4)]
    return [str(write_image(tmp_path / f"{i}.png", seed=i, size=size)) for i, size in enumerate(sizes)]


def test_images_of_any_size_come_back_as_they_were(paths):
    decoded = DecodedImages(paths, max_bytes=10_000)
    assert len(decoded) == 4
    assert decoded.num_bytes == 3 * (32 * 16 + 20 * 10 + 48 * 16 + 8 * 4)
    for index, path in enumerate(paths):
        assert torch.equal(decoded.get(index), read_image(path))


def test_what_does_not_fit_is_left_out(paths):
    decoded = DecodedImages(paths, max_bytes=2500)
    assert [decoded.get(i) is not None for i in range(4)] == [True, True, False, True]
    assert decoded.num_bytes <= 2500


def test_unreadable_images_are_left_to_the_reader(paths):
    decoded = DecodedImages(["gone.jpg", *paths], max_bytes=10_000)
    assert decoded.get(0) is None
    assert torch.equal(decoded.get(1), read_image(paths[0]))
