"""Decoding files of any kind, and the one sentence where none can."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from dien_lightning.data.images import UnreadableImageError, decode, read_image
from library.data.folders import write_image


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "gif", "webp", "ppm"])
def test_every_format_gives_rgb(tmp_path, suffix):
    path = tmp_path / f"image.{suffix}"
    Image.new("RGB", (4, 6), (200, 100, 50)).save(path, **({"lossless": True} if suffix == "webp" else {}))
    image = read_image(str(path))
    assert image.shape == (3, 6, 4)
    assert image.dtype == torch.uint8
    assert image[:, 0, 0].tolist() == [200, 100, 50]


def test_jpeg_agrees_with_pillow(tmp_path):
    path = write_image(tmp_path / "image.jpg", size=(64, 32))
    expected = torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)
    assert (read_image(str(path)).int() - expected.int()).abs().max() <= 2


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_other_colour_modes(tmp_path, mode):
    path = tmp_path / ("image.jpg" if mode in ("L", "CMYK") else "image.png")
    Image.new("RGB", (4, 6), (255, 255, 255)).convert(mode).save(path)
    image = read_image(str(path))
    assert image.shape == (3, 6, 4)
    assert image.min() >= 250


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_grey_values_of_16_bits_keep_their_range(tmp_path, suffix):
    path = tmp_path / f"infrared.{suffix}"
    Image.fromarray(np.linspace(0, 65535, 24, dtype=np.uint16).reshape(6, 4)).save(path)
    image = read_image(str(path))
    expected = torch.linspace(0, 255, 24).reshape(6, 4)
    assert (image - expected).abs().max() <= 1


@pytest.mark.parametrize(("dtype", "suffix"), [(np.int32, "tiff"), (np.uint16, "png")])
def test_grey_values_of_8_bits_kept_in_more_are_read_as_they_are(tmp_path, dtype, suffix):
    path = tmp_path / f"image.{suffix}"
    Image.fromarray(np.arange(24, dtype=dtype).reshape(6, 4) * 10).save(path)
    assert read_image(str(path))[0].flatten().tolist() == list(range(0, 240, 10))


def test_floating_point_values_are_refused(tmp_path):
    Image.fromarray(np.linspace(0, 1, 24, dtype=np.float32).reshape(6, 4)).save(tmp_path / "image.tiff")
    with pytest.raises(UnreadableImageError, match=r"floating point numbers: save it with 8 or 16 bits\); replace"):
        read_image(str(tmp_path / "image.tiff"))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
def test_a_picture_is_turned_as_its_camera_was_held(tmp_path, suffix):
    picture = Image.new("RGB", (40, 20))
    picture.paste((255, 255, 255), (0, 0, 20, 20))  # the left half is white
    tags = picture.getexif()
    tags[ExifTags.Base.Orientation] = 6  # the left is the top
    path = tmp_path / f"phone.{suffix}"
    picture.save(path, exif=tags)
    image = read_image(str(path)).float()
    assert image.shape == (3, 40, 20)
    assert image[:, :18].mean() > 250
    assert image[:, 22:].mean() < 5


def test_damaged_exif_says_nothing(tmp_path):
    path = write_image(tmp_path / "image.webp", size=(64, 32))
    Image.open(path).save(path, exif=b"Exif\0\0no tags at all", lossless=True)
    assert read_image(str(path)).shape == (3, 64, 32)


def test_of_named_formats_no_other_is_tried(tmp_path):
    path = str(write_image(tmp_path / "image.png"))
    assert decode(path, ("JPEG", "PNG")).size == (16, 32)
    with pytest.raises(OSError, match="cannot identify image file"):
        decode(path, ("JPEG",))


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\xff\xd8\xff\xe0 cut off"])
def test_unreadable_files_are_named_with_the_remedy(tmp_path, content):
    path = tmp_path / "broken.jpg"
    path.write_bytes(content)
    with pytest.raises(UnreadableImageError, match=r"broken\.jpg cannot .* image \(.*\); replace or remove it\.$"):
        read_image(str(path))


def test_truncated_image(tmp_path):
    path = write_image(tmp_path / "image.png", size=(64, 32))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UnreadableImageError, match=r"image\.png cannot be read"):
        read_image(str(path))


def test_missing_file(tmp_path):
    with pytest.raises(UnreadableImageError, match=r"gone\.jpg cannot be read as an image \(no such file\)"):
        read_image(str(tmp_path / "gone.jpg"))
