"""Exact search in bounded memory: a gallery of any size, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dien_lightning.checks import check_int
from dien_lightning.data.listing import ListedImage
from dien_lightning.search.about import About
from dien_lightning.search.filters import Filter

_TILE = 256  # rows: as float64, with D = 2048, they fill 4 MB, and so stay near the core


class Block(NamedTuple):
    """B images of a gallery.

    Attributes:
        numbers: (B,) of the images, which decide between equal distances.
        cameras: (B,) their cameras' names, None where nobody knows.
        embedding: (B, D), as it is stored.
    """

    numbers: NDArray[np.int64]
    cameras: NDArray[np.object_]
    embedding: Tensor


class Gallery(Protocol):
    """What can be searched: an `EmbeddingsFile` or a `Store`."""

    about: About

    def __len__(self) -> int: ...

    def blocks(self, chosen: Filter) -> Iterator[Block]:
        """The images that pass, in blocks."""

    def images(self, numbers: Sequence[int]) -> list[ListedImage]:
        """The images of these numbers, in this order."""

    def numbers_of(self, paths: Sequence[str]) -> dict[str, int]:
        """The numbers of those of these images that are there."""

    def cameras(self) -> list[str]:
        """The cameras' names, sorted."""


class Nearest(NamedTuple):
    """For each of Q queries its k nearest images, nearest first.

    Attributes:
        numbers: (Q, k); -1 where there were no more.
        distances: (Q, k), Euclidean between embeddings of length 1: 0 is the same, 2 the opposite; infinite where
            there were no more.
    """

    numbers: Tensor
    distances: Tensor


def nearest(
    query: Tensor, blocks: Iterable[Block], k: int, *, without: Sequence[str | None] = (), hidden: Sequence[int] = ()
) -> Nearest:
    """The k nearest of all the images in the blocks; of equal distances the smaller number comes first.

    Products of float16 numbers are multiples of 2^-48 and their sums here stay below 2^5, so float64 holds them without
    rounding: equal images tie exactly, wherever they stand, on every machine; of float32 only nearly. A query is
    rounded as the gallery is.

    Args:
        query: (Q, D) embeddings of length 1.
        blocks: of `Gallery.blocks`.
        k: how many.
        without: for each query the camera whose images are left out, None for none; empty leaves nothing out.
        hidden: for each query the number of one image that is left out, its own; empty leaves nothing out.

    Raises:
        ValueError: k, an embedding of the gallery or the query that has no direction, or another width.
    """
    check_int("top", k, 1, "it is the length of a list")
    best = torch.full((len(query), k), torch.inf, dtype=torch.float64)  # squared, like what follows
    numbers = torch.full((len(query), k), -1)
    rounded: Tensor | None = None
    for block in blocks:
        if rounded is None:
            rounded = query.cpu().to(block.embedding.dtype).double()
            lengths = rounded.square().sum(1, keepdim=True)
            check_directions(lengths.flatten(), "query embedding", range(len(query)))
        for start in range(0, len(block.numbers), _TILE):
            tile = slice(start, start + _TILE)
            distances = lengths + _squares(rounded, block.embedding[tile], block.numbers[tile])  # (Q, B)
            own = torch.tensor(block.numbers[tile])
            if without:
                cameras = np.array(without, dtype=object)[:, None]
                is_own = (cameras == block.cameras[None, tile]) & (cameras != None)  # noqa: E711 - for each
                distances[torch.from_numpy(is_own.astype(bool))] = torch.inf
            if hidden:
                distances[torch.tensor(hidden)[:, None] == own] = torch.inf
            best, numbers = _merge(best, numbers, distances, own.expand(len(query), -1), k)
    numbers[best.isinf()] = -1
    return Nearest(numbers, best.clamp(min=0).sqrt())


def check_directions(squares: Tensor, what: str, names: Sequence[object]) -> None:
    """Refuse embeddings of no length, or of one that is no number.

    Args:
        squares: (N,) their squared lengths.
        what: they are, for the sentence.
        names: theirs.

    Raises:
        ValueError: the first of them.
    """
    bad = ~(squares.isfinite() & (squares > 0))
    if bool(bad.any()):
        first = int(bad.nonzero()[0])
        said = "of length 0" if squares[first] == 0 else "not finite"
        raise ValueError(
            f"{what} {names[first]} is {said}, so nothing is near to it ({int(bad.sum())} are); the network or the "
            f"file is damaged: embed again."
        )


def _squares(query: Tensor, embedding: Tensor, numbers: NDArray[np.int64]) -> Tensor:  # (Q, D), (B, D) -> (Q, B)
    """Squared length of each image less twice its product with each query."""
    if query.shape[1] != embedding.shape[1]:
        raise ValueError(f"A query is {query.shape[1]} wide and the gallery {embedding.shape[1]}: another network's.")
    wide = torch.empty(embedding.shape, dtype=torch.float64).copy_(embedding)
    lengths = torch.linalg.vecdot(wide, wide)  # (B,)
    check_directions(lengths, "the embedding of image", numbers.tolist())
    return torch.addmm(lengths, query, wide.T, alpha=-2)


def _merge(best: Tensor, numbers: Tensor, distances: Tensor, others: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k smallest of both, by distance and then by number; -1 stands for nobody and comes last by its distance."""
    if not bool((distances < best[:, -1:]).any() | (distances == best[:, -1:]).any()):
        return best, numbers
    both, names = torch.cat([best, distances], 1), torch.cat([numbers, others], 1)
    order = names.argsort(dim=1, stable=True)
    both, names = both.gather(1, order), names.gather(1, order)
    order = both.argsort(dim=1, stable=True)[:, :k]
    return both.gather(1, order), names.gather(1, order)
