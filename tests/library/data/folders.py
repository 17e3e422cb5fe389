"""Tiny data sets on disk, for the tests of the data room."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

from dien_lightning.data import DomainPairDataModule


def write_image(path: Path, seed: int = 0, size: tuple[int, int] = (32, 16)) -> Path:
    """A small image of noise; size is (height, width)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def write_market(
    root: Path, *, train_ids: int = 6, test_ids: int = 3, cameras: int = 2, per_camera: int = 2, first_pid: int = 1
) -> Path:
    """Market-1501's folders with a few identities, distractors (0) and junk (-1)."""
    seed = 0
    for index in range(train_ids + test_ids):
        pid = first_pid + 3 * index  # gaps, as real sets have them
        for camera in range(1, cameras + 1):
            for shot in range(per_camera):
                seed += 1
                name = f"{pid:04d}_c{camera}s1_{seed:06d}_{shot:02d}.jpg"
                test_folder = "query" if shot == 0 else "bounding_box_test"
                write_image(root / ("bounding_box_train" if index < train_ids else test_folder) / name, seed)
    write_image(root / "bounding_box_test" / "0000_c1s1_900000_00.jpg", 900)
    write_image(root / "bounding_box_test" / "-1_c1s1_900001_00.jpg", 901)
    (root / "bounding_box_train" / "Thumbs.db").touch()
    return root


def make(root, **changes):
    arguments = {
        "source": "market1501",
        "target": "dukemtmcreid",
        "num_ids": 4,
        "num_instances": 2,
        "target_batch_size": 6,
        "image_size": (32, 16),
        "num_workers": 0,
    }
    return DomainPairDataModule(str(root), **(arguments | changes))


def triples(root, splits):
    """What each file is read as: its split, identity, camera and, where they are told, clothes."""
    return {
        os.path.relpath(record.path, root).replace(os.sep, "/"): (
            (split, record.pid, record.camid, record.clothes)[: 3 + (record.clothes >= 0)]
        )
        for split in ("train", "query", "gallery")
        for record in getattr(splits, split)
    }


def seen(records):
    return [(record.pid, record.camid) for record in records]
