"""HHL's crop, against its definition; normalisation, against a value worked by hand."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2.functional import resized_crop

from dien_lightning.data.transforms import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Normalize,
    RandomGreyPatch,
    RandomUprightCrop,
    evaluation_transform,
    train_transform,
)


def test_crops_keep_to_area_and_ratio():
    torch.manual_seed(0)
    crop = RandomUprightCrop((64, 32))
    tops, lefts, heights, widths = torch.tensor([crop.draw(256, 128) for _ in range(300)]).T
    areas, ratios = heights * widths / (256 * 128), heights / widths
    assert areas.min() > 0.63
    assert areas.max() <= 1
    assert areas.std() > 0.05
    assert ratios.min() > 1.95
    assert ratios.max() < 3.05
    assert ratios.std() > 0.1
    assert (tops >= 0).all()
    assert (lefts >= 0).all()
    assert (tops + heights <= 256).all()
    assert (lefts + widths <= 128).all()


def test_a_shape_that_fits_no_crop_is_resized_whole():
    assert RandomUprightCrop((8, 4)).draw(10, 100) == (0, 0, 10, 100)


def test_the_crop_is_torchvisions():
    image = torch.randint(0, 256, (3, 64, 32), dtype=torch.uint8)
    torch.manual_seed(4)
    cut = RandomUprightCrop((48, 20))(image)
    torch.manual_seed(4)
    box = RandomUprightCrop((48, 20)).draw(64, 32)
    assert torch.equal(cut, resized_crop(image, *box, [48, 20], antialias=True))


def test_normalize_by_hand():
    image = torch.tensor([255, 0, 51], dtype=torch.uint8).view(3, 1, 1)
    expected = [(1 - 0.485) / 0.229, (0 - 0.456) / 0.224, (0.2 - 0.406) / 0.225]
    torch.testing.assert_close(Normalize()(image).flatten(), torch.tensor(expected))


def test_normalize_is_torchvisions():
    image = torch.randint(0, 256, (3, 9, 5), dtype=torch.uint8)
    steps = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(IMAGENET_MEAN, IMAGENET_STD)])
    torch.testing.assert_close(Normalize()(image), steps(image))


@pytest.mark.parametrize("make", [train_transform, evaluation_transform])
def test_output_shape_and_type(make):
    image = make((64, 32))(torch.randint(0, 256, (3, 128, 64), dtype=torch.uint8))
    assert image.shape == (3, 64, 32)
    assert image.dtype == torch.float32


def test_training_flips_half_of_the_images():
    torch.manual_seed(1)
    image = torch.zeros(3, 64, 32, dtype=torch.uint8)
    image[:, :, 24:] = 255
    transform = train_transform((64, 32))
    flipped = sum(bool(transform(image)[0, 32, 2] > 0) for _ in range(200))
    assert 70 < flipped < 130


@pytest.mark.parametrize("size", [(256,), (256, 0), (1, 2, 3)])
def test_bad_image_size(size):
    with pytest.raises(ValueError, match=r"must be two whole numbers of at least 1 x 1"):
        evaluation_transform(size)


@pytest.mark.parametrize(
    "options",
    [{"crop": "pad"}, {"crop": "none"}, {"flip": False}]
    + [{name: 1.0} for name in ("color_jitter", "auto_augment", "blur", "grey_patch", "erasing")],
    ids=str,
)
def test_every_option_changes_the_image_and_repeats_with_the_seed(options):
    image = torch.randint(0, 256, (3, 128, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    before = image.clone()

    def draw(transform):
        torch.manual_seed(3)
        return transform(image)

    plain, changed = draw(train_transform((64, 32))), draw(train_transform((64, 32), **options))
    assert changed.shape == (3, 64, 32)
    assert changed.dtype == torch.float32
    assert torch.equal(changed, draw(train_transform((64, 32), **options)))
    assert not torch.equal(changed, plain)
    assert torch.equal(image, before)  # a cached image must not be written to


def test_erasing_fills_with_the_mean_colour():
    torch.manual_seed(0)
    image = train_transform((64, 32), erasing=1.0)(torch.full((3, 64, 32), 255, dtype=torch.uint8))
    erased = (image == 0).all(0).float().mean().item()
    assert 0.01 < erased < 0.45


def test_grey_patch_is_grey_inside_and_untouched_outside():
    torch.manual_seed(0)
    image = torch.tensor([250, 10, 90], dtype=torch.uint8).view(3, 1, 1).expand(3, 64, 32).contiguous()
    patched = RandomGreyPatch(p=1.0)(image)
    grey = (patched[0] == patched[1]) & (patched[1] == patched[2])
    assert 0.01 < grey.float().mean().item() < 0.45
    assert (patched == image).all(0)[~grey].all()
    assert patched[0][grey].unique().tolist() == [int(0.2989 * 250 + 0.587 * 10 + 0.114 * 90)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"erasing": 1.5}, r"erasing=1\.5 is out of range; choose a number in \[0, 1\]"),
        ({"flip": "off"}, r"flip='off' must be true or false"),
        ({"crop": "centre"}, r"crop='centre' is not allowed; choose one of upright, pad"),
    ],
)
def test_bad_options(options, words):
    with pytest.raises(ValueError, match=words):
        train_transform((64, 32), **options)
