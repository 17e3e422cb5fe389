"""A translated set: the same names, its training images translated, the rest as it was."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dien_lightning.data.images import UnreadableImageError, read_image
from dien_lightning.data.reading import read_dataset
from dien_lightning.data.transforms import Normalize
from dien_lightning.rivals.spgan.images import (
    check_translatable,
    signed,
    translate_images,
    write_picture,
    write_translated_set,
)

SIZE = (64, 32)


@pytest.fixture
def source(drawn_pair):
    return read_dataset("pedestrians_day", drawn_pair / "pedestrians_day")


def files_of(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_normalized_images_are_signed():
    image = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    assert torch.allclose(signed(Normalize()(image)), image / 127.5 - 1, atol=1e-5)


def test_a_set_is_written_anew_with_its_training_images_translated(source, tmp_path):
    folder = tmp_path / "run" / "images"
    write_translated_set(source, folder, lambda images: -images, SIZE, without=["pedestrians.json"])
    assert files_of(folder) == files_of(source.root) - {"pedestrians.json"}
    again = read_dataset("pedestrians_day", folder)
    for split in ("train", "query", "gallery"):
        pairs = list(zip(getattr(source, split), getattr(again, split), strict=True))
        assert [own._replace(path="") for own, _ in pairs] == [copy._replace(path="") for _, copy in pairs]
        for own, copy in pairs:
            before, after = read_image(own.path).int(), read_image(copy.path).int()
            if split == "train":
                assert (after - (255 - before)).abs().float().mean() < 2  # JPEG's loss
            else:
                assert torch.equal(before, after)
    assert not list(folder.parent.glob(".*"))
    with pytest.raises(FileExistsError, match="images is there already; delete it to write it anew, or choose anot"):
        write_translated_set(source, folder, lambda images: images, SIZE)


@pytest.mark.parametrize("spelled", ["", "./", "/", "../p1/"])
def test_originals_stay_however_their_paths_are_spelled(tmp_path, monkeypatch, spelled):
    original = tmp_path / "set" / "p1" / "0.png"
    original.parent.mkdir(parents=True)
    write_picture(torch.zeros(3, 64, 32, dtype=torch.uint8), original)
    monkeypatch.chdir(tmp_path / "set")
    source = read_dataset("folder", Path())
    train = [record._replace(path=f"./p1/{spelled}0.png") for record in source.train]
    write_translated_set(replace(source, train=train), tmp_path / "images", lambda images: -images, SIZE)
    assert int(read_image(str(original)).max()) == 0
    assert int(read_image(str(tmp_path / "images" / "p1" / "0.png")).min()) == 255
    assert files_of(tmp_path / "images") == {"p1/0.png"}


def test_files_are_copied_where_none_can_be_linked(source, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError

    monkeypatch.setattr(os, "link", refuse)
    write_translated_set(source, tmp_path / "images", lambda images: images, SIZE)
    assert files_of(tmp_path / "images") == files_of(source.root)


def test_what_fails_leaves_nothing(source, tmp_path):
    def fail(images):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        write_translated_set(source, tmp_path / "images", fail, SIZE)
    assert list(tmp_path.iterdir()) == []


def test_a_link_back_is_not_followed(tmp_path):
    (tmp_path / "set" / "p1").mkdir(parents=True)
    for number in range(2):
        write_picture(torch.zeros(3, 64, 32, dtype=torch.uint8), tmp_path / "set" / "p1" / f"{number}.png")
    (tmp_path / "set" / "p1" / "up").symlink_to(tmp_path / "set")
    (tmp_path / "set" / ".hidden").write_text("")
    write_translated_set(read_dataset("folder", tmp_path / "set"), tmp_path / "images", lambda images: images, SIZE)
    assert files_of(tmp_path / "images") == {"p1/0.png", "p1/1.png"}


def test_each_image_comes_out_in_its_own_size(tmp_path):
    sizes = [(64, 32), (70, 31), (128, 64)]
    paths = [str(tmp_path / f"{number}.png") for number in range(3)]
    for path, size in zip(paths, sizes, strict=True):
        Image.fromarray(np.full((*size, 3), 51, dtype=np.uint8)).save(path)
    seen = []

    def translate(images):
        seen.append(tuple(images.shape))
        return images + 0.4

    found = list(translate_images(paths, translate, SIZE, batch_size=2))
    assert seen == [(2, 3, *SIZE), (1, 3, *SIZE)]
    assert [image.shape[-2:] for image in found] == sizes
    assert {int(value) for image in found for value in image.unique()} == {102}


def test_an_image_that_cannot_be_read_is_named(tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    with pytest.raises(UnreadableImageError, match=r"broken.jpg cannot be read as an image"):
        list(translate_images([str(broken)], lambda images: images, SIZE))


def test_sets_that_cannot_be_replaced_where_they_lie_are_refused(source):
    with pytest.raises(ValueError, match="one and two is not one folder: translate one set"):
        check_translatable(replace(source, root=Path("one and two")))
    with pytest.raises(ValueError, match=r"pedestrians_day \(pedestrians_day\) has no training images, and those are"):
        check_translatable(replace(source, train=()))
    strange = [record._replace(path=f"/elsewhere/{number}.jpg") for number, record in enumerate(source.train)]
    with pytest.raises(ValueError, match=r"/elsewhere/0.jpg and 23 more training images lie outside .*day; a transla"):
        check_translatable(replace(source, train=strange))
    above = [source.train[0]._replace(path=str(source.root / ".." / "0.jpg"))]
    with pytest.raises(ValueError, match=r"day/../0.jpg and 0 more training images lie outside"):
        check_translatable(replace(source, train=above))
