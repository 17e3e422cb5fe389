"""Queries are embedded as their gallery was."""

from __future__ import annotations

import pytest
import torch

from dien_lightning import embed_images
from dien_lightning.data.listing import ListedImage
from dien_lightning.search import About
from dien_lightning.search.answers import extractor, with_cameras
from library.data.folders import write_image
from library.network.networks import small
from library.search.galleries import vectors, write


@pytest.mark.parametrize(
    ("gallery", "has_bfloat16", "expected"),
    [
        ("32-true", True, "32-true"),
        ("bf16-mixed", True, "bf16-mixed"),
        ("bf16-mixed", False, "32-true"),
        ("16-mixed", True, "32-true"),  # of a GPU
    ],
)
def test_a_query_is_computed_as_its_gallery_was_where_the_hardware_can(
    gallery, has_bfloat16, expected, tmp_path, monkeypatch
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": has_bfloat16}, raising=False)
    path, network = write_image(tmp_path / "0.jpg"), small(0)
    found = extractor(network, About("", "source", 16, precision=gallery))([path])
    precise, coarse = (embed_images(network, [path], precision=name) for name in ("32-true", "bf16-mixed"))
    assert not torch.equal(precise, coarse)
    assert torch.equal(found, precise if expected == "32-true" else coarse)


@pytest.mark.parametrize(
    ("place", "camera"), [("/crops/yard/1.jpg", "yard"), ("/new/door/1.jpg", "door"), ("/new/1.jpg", None)]
)
def test_elsewhere_a_folder_is_a_camera_only_where_the_gallery_has_it(place, camera, tmp_path):
    images = [ListedImage("/crops/door/0.jpg", "door")]
    gallery = write(tmp_path / "crops.parquet", vectors(1), images, root="/crops", camera_pattern="subfolder")
    assert with_cameras([ListedImage(place)], gallery) == [ListedImage(place, camera)]
