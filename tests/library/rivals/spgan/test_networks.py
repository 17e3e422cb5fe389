"""SPGAN's networks: shapes, what their norm is, and what they refuse."""

from __future__ import annotations

import pytest
import torch

from dien_lightning.rivals.spgan.networks import Discriminator, Generator, SiameseNetwork, check_image_size


@pytest.mark.parametrize("size", [(32, 16), (36, 20), (128, 64)])
def test_every_size_of_multiples_of_4_comes_back(size):
    images = torch.randn(2, 3, *size)
    translated = Generator(width=4, num_blocks=1)(images)
    assert translated.shape == images.shape
    assert translated.abs().max() <= 1
    assert Discriminator(width=4)(images).shape == (2, 1, size[0] // 4 - 2, size[1] // 4 - 2)
    embedding = SiameseNetwork(width=4, embedding_dim=6)(images)
    assert embedding.shape == (2, 6)
    assert torch.allclose(embedding.norm(dim=1), torch.ones(2))


def test_an_image_is_translated_alike_in_any_batch():
    generator, images = Generator(width=4, num_blocks=2), torch.randn(3, 3, 32, 16)
    together = generator(images)
    alone = torch.cat([generator(image[None]) for image in images])
    assert torch.allclose(together, alone, atol=1e-6)


def test_the_norm_is_instance_norm():
    layer = next(module for module in Discriminator(width=4).modules() if isinstance(module, torch.nn.GroupNorm))
    features = torch.randn(2, 8, 5, 3)
    assert torch.allclose(layer(features), torch.nn.functional.instance_norm(features), atol=1e-5)


def test_a_score_sees_34_pixels():
    images = torch.zeros(1, 3, 128, 64, requires_grad=True)
    judge = Discriminator(width=4)
    for layer in judge.layers:
        if isinstance(layer, torch.nn.GroupNorm):
            layer.forward = lambda features: features  # it looks at the whole map
    judge(images)[0, 0, 15, 7].backward()
    assert images.grad is not None
    rows = images.grad.abs().sum((0, 1, 3)).nonzero()
    assert int(rows.max() - rows.min()) + 1 == 34


@pytest.mark.parametrize(
    ("size", "words"),
    [
        *((size, "must be multiples of 4, at least 32 x 16: generators") for size in ((130, 64), (128, 66))),
        *((size, "must be two whole numbers of at least 32 x 16") for size in ((28, 16), (32, 12))),
    ],
)
def test_sizes_that_do_not_come_back_are_refused(size, words):
    words = f"image_size={size[0]} x {size[1]} {words}"
    with pytest.raises(ValueError, match=words):
        check_image_size(size)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Generator(width=0), "width=0 must be a whole number of at least 1; the paper has 64 channels"),
        (lambda: Generator(num_blocks=-1), "num_blocks=-1 must be a whole number of at least 0; the paper has 9"),
        (lambda: Discriminator(width=0), "width=0 must be a whole number"),
        (lambda: SiameseNetwork(width=0), "width=0 must be a whole number"),
        (lambda: SiameseNetwork(embedding_dim=0), "embedding_dim=0 must be a whole number"),
    ],
)
def test_numbers_out_of_range_are_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()
