"""The pool of translated images: half come back, drawn by seed and count, and a copy goes on alike."""

from __future__ import annotations

import pytest
import torch

from dien_lightning.rivals.spgan.pool import ImagePool


def numbered(first: int, count: int = 4) -> torch.Tensor:
    return torch.arange(first, first + count).float().view(count, 1, 1, 1).expand(count, 3, 2, 1).clone()


def test_until_it_is_full_all_come_back():
    pool = ImagePool(size=8, image_size=(2, 1))
    for first in (0, 4):
        assert torch.equal(pool(numbered(first)), numbered(first))
    assert torch.equal(pool.images, numbered(0, 8))
    assert int(pool.seen) == 8


def test_then_half_are_earlier_ones_and_none_is_lost_or_doubled():
    pool = ImagePool(size=8, image_size=(2, 1), seed=3)
    pool(numbered(0, 8))
    given = [int(image[0, 0, 0]) for first in range(8, 408, 4) for image in pool(numbered(first))]
    kept = pool.images[:, 0, 0, 0].int().tolist()
    earlier = sum(found != number for number, found in zip(range(8, 408), given, strict=True))
    assert 160 < earlier < 240
    assert len(set(given)) == 400
    assert sorted([*given, *kept]) == list(range(408))


def test_a_copy_goes_on_alike_and_another_seed_otherwise():
    pool, other = ImagePool(size=4, image_size=(2, 1)), ImagePool(size=4, image_size=(2, 1), seed=1)
    for each in (pool, other):
        each(numbered(0))
        each(numbered(4))
    copy = ImagePool(size=4, image_size=(2, 1))
    copy.load_state_dict(pool.state_dict())
    given = [torch.cat([each(numbered(first)) for first in (8, 12, 16)]) for each in (pool, copy, other)]
    assert torch.equal(given[0], given[1])
    assert not torch.equal(given[0], given[2])


def test_what_comes_in_is_not_changed():
    pool, images = ImagePool(size=1, image_size=(2, 1)), numbered(0)
    pool(images)
    assert torch.equal(images, numbered(0))


def test_a_size_of_nothing_is_refused():
    with pytest.raises(ValueError, match="size=0 must be a whole number of at least 1; CycleGAN keeps 50 images"):
        ImagePool(size=0)
