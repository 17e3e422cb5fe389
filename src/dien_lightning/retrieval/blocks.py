"""Distances from queries to the whole gallery, a block of rows at a time, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from dien_lightning.precision import full_float32
from dien_lightning.processes import Processes
from dien_lightning.retrieval.sets import EvaluationSets

# A block of distances takes at most 128 MB in float32, but has 32 rows at least: 128 bytes for each image of a gallery
# of more than 1,048,576. Rows and columns are where products of this shape ran fastest by MKL (benchmarks/ranking.py),
# and within 5 % of the fastest by oneDNN; a GPU wants larger ones.
_BLOCK_ELEMENTS = 2**25
_MIN_ROWS, _MAX_ROWS = 32, 256
_CPU_COLUMNS = 512
_GPU_COLUMNS = 8192
# Columns in which rows are first compared for equality, and those of each further look.
_FIRST_COLUMNS = 8
_MORE_COLUMNS = 256


class RowBlock(NamedTuple):
    """Distances of R consecutive queries.

    Attributes:
        start: number of the first query.
        rows: (R, G), smaller is closer; the reader may overwrite it.
    """

    start: int
    rows: Tensor


def rows_per_block(width: int) -> int:
    """How many rows of that width one block has; depends on nothing else, so every rank forms the same blocks."""
    return max(_MIN_ROWS, min(_MAX_ROWS, _BLOCK_ELEMENTS // width // _MIN_ROWS * _MIN_ROWS))


def euclidean_blocks(query: Tensor, gallery: Tensor, processes: Processes | None = None) -> Iterator[RowBlock]:
    """Squared Euclidean distance of every query to every gallery image, less the query's own squared length.

    The query's length is the same for its whole row, so the order is that of the distances. One buffer is filled
    again and again. A product rounds the same row differently in another block or at another address, so equal
    gallery images are found beforehand and given one distance: they tie, wherever they stand.

    Args:
        query: (Q, D) embeddings.
        gallery: (G, D) embeddings on the same device.
        processes: deal the blocks, (R, G), out among them.

    Raises:
        ValueError: when an embedding is not finite, or too long to be squared.
    """
    query, gallery = (each.as_subclass(Tensor) for each in (query, gallery))  # oneDNN knows no other
    dtype = torch.float64 if torch.float64 in (query.dtype, gallery.dtype) else torch.float32
    columns = _CPU_COLUMNS if gallery.device.type == "cpu" else _GPU_COLUMNS
    tiles = gallery.split(columns)
    lengths = squared_lengths(gallery, dtype)
    check_finite(lengths, "gallery")
    check_finite(torch.linalg.vector_norm(query, dim=1, dtype=dtype), "query")
    originals, copies = find_copies(gallery)

    step = rows_per_block(len(gallery))
    buffer = query.new_empty((min(step, len(query)), len(gallery)), dtype=dtype)
    rank, world_size = (processes.rank, processes.world_size) if processes else (0, 1)
    for start in range(rank * step, len(query), world_size * step):
        block = _laid_out(-2 * query[start : start + step].to(dtype))  # (R, D)
        rows = buffer[: len(block)]
        # Neither autocast nor TF32 nor bf16 may decide who ranks first.
        with full_float32(), torch.autocast(query.device.type, enabled=False):
            for tile, length, out in zip(tiles, lengths.split(columns), rows.split(columns, dim=1), strict=True):
                _add_products(length, block, tile.to(dtype), out)
        if len(copies):
            rows[:, copies] = rows[:, originals]
        yield RowBlock(start, rows)


def squared_lengths(embedding: Tensor, dtype: torch.dtype | None = None) -> Tensor:  # (N, D) -> (N,)
    """Squared lengths in that type, a part at a time."""
    lengths = embedding.new_empty(len(embedding), dtype=dtype)
    for tile, length in zip(embedding.split(_CPU_COLUMNS), lengths.split(_CPU_COLUMNS), strict=True):
        # In place: small results that stay, between large ones that go, would leave holes as large as the gallery.
        torch.sum(tile.to(lengths.dtype).square(), dim=1, out=length)
    return lengths


def _laid_out(block: Tensor) -> Tensor:
    """A block as oneDNN multiplies it, on an AMD processor with AVX-512 twice as fast as MKL does."""
    suits = block.device.type == "cpu" and block.dtype == torch.float32 and block.shape[1] > 0
    return block.to_mkldnn() if suits and torch.backends.mkldnn.is_available() else block


def _add_products(lengths: Tensor, block: Tensor, tile: Tensor, out: Tensor) -> None:  # (C,), (R, D), (C, D), (R, C)
    """Fill `out` with each row's products with the tile's, on top of the tile's lengths."""
    if block.is_mkldnn:
        out.copy_(torch.nn.functional.linear(block, tile, lengths).to_dense())
    else:
        torch.addmm(lengths, block, tile.T, out=out)


def find_copies(embedding: Tensor) -> tuple[Tensor, Tensor]:  # (N, D) -> (C,), (C,)
    """Rows that equal an earlier row exactly: numbers of the earliest such row, and of its copies.

    Rows are told apart by a few columns first; only those that agree in them are compared further.

    Example:
        >>> find_copies(torch.tensor([[1.0], [2.0], [1.0], [1.0]]))
        (tensor([0, 0]), tensor([2, 3]))
    """
    number = torch.arange(len(embedding), device=embedding.device)
    group = torch.zeros_like(number)
    start, stop = 0, _FIRST_COLUMNS
    while start < embedding.shape[1] and len(number):
        _, same = torch.unique(embedding[number, start:stop], dim=0, return_inverse=True)
        _, group, size = torch.unique(group * len(number) + same, return_inverse=True, return_counts=True)
        is_repeated = size[group] > 1
        number, group = number[is_repeated], group[is_repeated]
        start, stop = stop, stop + _MORE_COLUMNS
    group, order = group.sort(stable=True)
    number = number[order]
    is_first = torch.ones_like(group, dtype=torch.bool)
    is_first[1:] = group.diff() != 0
    originals = number[is_first][is_first.cumsum(0) - 1]
    return originals[~is_first], number[~is_first]


def given_blocks(distances: Tensor | Iterable[Tensor], sets: EvaluationSets) -> Iterator[RowBlock]:
    """Distances that somebody else took: (Q, G), copied block by block, or blocks (R, G) that the reader overwrites.

    Raises:
        ValueError: when the rows do not add up to those of the sets, or are not as wide as the gallery.
    """
    num_query, num_gallery = len(sets.query), len(sets.gallery)
    if isinstance(distances, Tensor):
        distances = (rows.clone() for rows in distances.split(rows_per_block(num_gallery)))
    start = stop = 0
    for rows in distances:
        if rows.ndim != 2 or rows.shape[1] != num_gallery:
            raise ValueError(f"A block of distances has shape {tuple(rows.shape)}; give rows of {num_gallery}.")
        stop = start + len(rows)
        if stop > num_query:
            break
        if not bool(rows.isfinite().all()):
            raise ValueError(f"Distances of queries {start} to {stop - 1} are not finite and have no rank.")
        # Ranks are counted in the rows' own type, and half precision counts to 256 or 2,048.
        if rows.dtype in (torch.float32, torch.float64):
            yield RowBlock(start, rows)
        else:
            yield RowBlock(start, rows.float() if rows.is_floating_point() else rows.double())
        start = stop
    if stop != num_query:
        raise ValueError(f"The distances have {stop} rows; there are {num_query} queries.")


def check_finite(lengths: Tensor, name: str) -> None:
    """Name the first embedding that has no finite length."""
    bad = ~lengths.isfinite()
    if bool(bad.any()):
        raise ValueError(
            f"{int(bad.sum())} {name} embeddings are not finite, the first is number {int(bad.nonzero()[0])}; "
            "their distances have no order. Look for a diverged training or a broken image."
        )
