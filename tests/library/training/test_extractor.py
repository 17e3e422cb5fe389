"""The same crop as a path, an array, a picture and a tensor has the same embedding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from dien_lightning import Extractor, embed_images
from dien_lightning.data.images import read_image
from dien_lightning.data.transforms import evaluation_transform
from dien_lightning.training.extractor import pixels_of
from library.data.folders import write_image
from library.network.networks import small

NETWORK = small(1)


def test_however_a_crop_comes_its_embedding_is_the_same(tmp_path):
    write_image(tmp_path / "a.png", seed=1)
    write_image(tmp_path / "b.png", seed=2)
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    pixels = [read_image(str(path)) for path in paths]
    extract = Extractor(NETWORK, batch_size=2)
    expected = embed_images(NETWORK, paths)
    assert torch.allclose(expected.norm(dim=1), torch.ones(2))
    for crops in (
        pixels,
        [each.permute(1, 2, 0).numpy() for each in pixels],
        [Image.open(paths[0]), paths[1]],
        torch.stack([evaluation_transform((64, 32))(each) for each in pixels]),
    ):
        assert torch.equal(extract(crops), expected)


def test_a_picture_is_upright_and_of_8_bits_as_its_file_is(tmp_path):
    grey = np.random.default_rng(0).integers(2000, 60000, (64, 32)).astype(np.uint16)
    Image.fromarray(grey).save(tmp_path / "infrared.png")
    write_image(tmp_path / "lying.jpg", size=(32, 64))
    lying = Image.open(tmp_path / "lying.jpg")
    turned = Image.Exif()
    turned[274] = 6  # orientation
    lying.save(tmp_path / "turned.jpg", exif=turned)
    paths = [tmp_path / "infrared.png", tmp_path / "turned.jpg"]
    pictures = [Image.open(path) for path in paths]
    for _ in range(2):
        assert all(pixels_of(p).equal(read_image(str(path))) for p, path in zip(pictures, paths, strict=True))
    assert pictures[1].size == (64, 32)  # it stays as it was given


@pytest.mark.parametrize(
    ("crop", "words"),
    [
        (Image.fromarray(np.zeros((8, 8), np.float32)), r"crop 0 cannot be read as an image \(its grey values"),
        (np.zeros((8, 8), np.uint8), r"crop 0 is \(8, 8\) of uint8; give a path, RGB as uint8"),
        (np.zeros((8, 8, 3), np.float32), r"crop 0 is \(8, 8, 3\) of float32"),
        (np.zeros((9, 0, 3), np.uint8), r"crop 0 has no pixels, its size is \(9, 0, 3\); leave such boxes out"),
        (Image.new("RGB", (9, 0)), r"crop 0 has no pixels, its size is \(9, 0\)"),
        (torch.zeros(3, 0, 9, dtype=torch.uint8), r"crop 0 has no pixels, its size is \(3, 0, 9\)"),
        (None, "crop 0 is NoneType"),
    ],
)
def test_a_crop_of_another_kind_is_refused(crop, words):
    with pytest.raises(ValueError, match=words):
        Extractor(NETWORK)([crop])


@pytest.mark.parametrize("shape", [(0, 3, 64, 32), (3, 64, 32), (2, 1, 64, 32)])
def test_a_float_tensor_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=rf"crops are a float tensor \({', '.join(map(str, shape))}\); give \(N, 3, H"):
        Extractor(NETWORK)(torch.zeros(shape))


def test_an_embedding_that_is_not_finite_is_refused():
    crops = torch.zeros(3, 3, 64, 32)
    crops[1:, 0, 5, 5] = torch.tensor([float("nan"), float("inf")])
    with pytest.raises(ValueError, match=r"^2 embeddings are not finite, the first is of crop 1; look for NaN in"):
        Extractor(NETWORK, batch_size=2)(crops)


@pytest.mark.parametrize(("name", "value"), [("batch_size", 0), ("num_workers", -1)])
def test_numbers_are_checked(name, value):
    with pytest.raises(ValueError, match=f"{name}={value} must be a whole number"):
        Extractor(NETWORK, **{name: value})
    with pytest.raises(ValueError, match="flip='no' must be true or false"):
        Extractor(NETWORK, flip="no")
