"""The crops of a data set's query and gallery, and the labels that an evaluation asks for."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from dien_lightning.data.images import read_image
from dien_lightning.data.reading import read_dataset


class Crops(NamedTuple):
    """Each crop (3, H, W) uint8; `labels` are keyword arguments of `evaluate_retrieval`."""

    query: list[Tensor]
    gallery: list[Tensor]
    labels: dict[str, list[int]]


def read_crops(name: str, root: str) -> Crops:
    """Read and decode set `name` of the catalogue in folder `root`."""
    splits = read_dataset(name, root)
    images, labels = [], {}
    for part, records in (("query", splits.query), ("gallery", splits.gallery)):
        images.append([read_image(record.path) for record in records])
        labels[f"{part}_pids"] = [record.pid for record in records]
        labels[f"{part}_camids"] = [record.camid for record in records]
    return Crops(*images, labels)
