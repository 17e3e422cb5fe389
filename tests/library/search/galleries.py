"""Small files of embeddings, for the tests of search."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from dien_lightning.data.listing import ListedImage
from dien_lightning.search import About
from dien_lightning.search.embeddings_file import EmbeddingsFile, as_table, write_embeddings


def vectors(count: int, width: int = 8, seed: int = 0) -> Tensor:
    return normalize(torch.randn(count, width, generator=torch.Generator().manual_seed(seed)), dim=1)


def listed(count: int, cameras: int = 3) -> list[ListedImage]:
    """Images in turn from each camera, a second apart."""
    return [ListedImage(f"/crops/{i}.jpg", str(i % cameras), float(i)) for i in range(count)]


def write(path: Path, embedding: Tensor, images: list[ListedImage] | None = None, **about) -> EmbeddingsFile:
    said = About(**{"fingerprint": "a" * 32, "domain": "target", "width": embedding.shape[1]} | about)
    write_embeddings(path, said, iter([as_table(said, images or listed(len(embedding)), embedding)]))
    return EmbeddingsFile(path)
