"""k-reciprocal re-ranking in bounded memory: distances by what two images' neighbourhoods share."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import torch
from torch import Tensor

from dien_lightning.checks import check_int, check_range
from dien_lightning.retrieval.blocks import euclidean_blocks, rows_per_block
from dien_lightning.retrieval.k_reciprocal import IMAGES_AT_ONCE, SparseRows, encode, half
from dien_lightning.retrieval.neighbors import nearest_and_furthest
from dien_lightning.retrieval.sets import EvaluationSets

_OVERLAPS_AT_ONCE = 2**19  # added up at once

_logger = logging.getLogger(__name__)


def reranking_memory(num_query: int, num_gallery: int, width: int, k1: int = 20, k2: int = 6) -> int:
    """Bytes that `k_reciprocal_blocks` takes beyond the embeddings it is given, at most; known before it starts.

    Example:
        >>> round(reranking_memory(3_368, 15_913, 2_048) / 1e9, 1)  # Market-1501, in GB
        0.8
    """
    number = num_query + num_gallery
    copied = 4 * number * width
    distances = 3 * 4 * min(number, rows_per_block(number)) * number
    # A neighbour's set joins when more than two thirds of it are in already: less than a third of it is new.
    entries = number * (k1 + 1) * (1 + half(k1) // 3) * k2
    comparing = 4 * IMAGES_AT_ONCE * (k1 + 1) ** 2 * (half(k1) + 1)
    adding = 48 * _OVERLAPS_AT_ONCE
    return copied + distances + 24 * number * max(k1 + 1, k2) + 48 * entries + comparing + adding


def k_reciprocal_blocks(
    sets: EvaluationSets, *, k1: int = 20, k2: int = 6, original_weight: float = 0.3
) -> Iterator[Tensor]:
    """Re-ranked distances, a block of queries at a time: for `evaluate_sets` and `rank_gallery`.

    Zhong et al., Re-ranking Person Re-identification with k-reciprocal Encoding, CVPR 2017: an image is encoded by
    those k1 neighbours that have it among their own k1 neighbours, and by a neighbour's k1 / 2 such neighbours where
    more than two thirds of them are already in (the paper writes "at least", its released code "more than": we follow
    the code, which made the published figures). Weights exp(-d) of the squared distance, divided by the
    image's largest one, sum to 1; they are averaged over the k2 nearest images. The result is
    (1 - w) Jaccard distance + w d.

    Nothing of size (Q + G) x (Q + G) is kept; `reranking_memory` says what is, and so does the log before the work.

    Args:
        sets: query and gallery as they are; L2-normalised, as the published figures are taken.
        k1: neighbours that encode an image.
        k2: images whose encodings are averaged; 1 averages nothing.
        original_weight: w, the weight of the original distance (the paper's lambda) in [0, 1].

    Returns:
        Blocks (R, G); one buffer is filled again and again.

    Raises:
        ValueError: for numbers of neighbours below 1 and a weight outside [0, 1].

    Example:
        >>> sets = EvaluationSets(query=torch.tensor([[0.0]]), query_pids=[7], query_camids=[0],
        ...     gallery=torch.tensor([[0.1], [0.2], [5.0]]), gallery_pids=[7, 7, 8], gallery_camids=[1, 1, 1])
        >>> (rows,) = k_reciprocal_blocks(sets, k1=2, k2=1)
        >>> rows.argsort().tolist()
        [[0, 1, 2]]
    """
    check_reranking(k1, k2, original_weight)
    sets.check_apart("Re-ranking (rerank)")
    need = reranking_memory(len(sets.query), len(sets.gallery), sets.query.shape[1], k1, k2)
    _logger.info("Re-ranking %d x %d images takes at most %.0f MB.", len(sets.query), len(sets.gallery), need / 1e6)
    return _rerank(sets.query, sets.gallery, k1, k2, original_weight)


def check_reranking(k1: int, k2: int, original_weight: float) -> None:
    """Raise a ValueError unless `k_reciprocal_blocks` takes these."""
    for name, value in (("k1", k1), ("k2", k2)):
        check_int(name, value, 1, "it is a number of neighbours")
    check_range("original_weight", original_weight, 0, 1, include_high=True)


@torch.no_grad()
def _rerank(query: Tensor, gallery: Tensor, k1: int, k2: int, original_weight: float) -> Iterator[Tensor]:
    dtype = torch.float64 if query.dtype == torch.float64 else torch.float32
    embedding = torch.cat([query.to(dtype), gallery.to(dtype)]).as_subclass(Tensor)  # (N, D)
    neighbors, furthest = nearest_and_furthest(embedding, max(k1 + 1, k2))
    encoding = encode(embedding, neighbors, furthest, k1, k2)
    del embedding, neighbors
    by_column = encoding.by_column(len(query))
    for start, distances in euclidean_blocks(query, gallery):
        numbers = torch.arange(start, start + len(distances), device=distances.device)
        distances += query[numbers].to(dtype).square().sum(1, keepdim=True)  # noqa: PLW2901 (in its buffer)
        distances.clamp_(min=0).div_(furthest[numbers, None])
        overlap = _overlaps(encoding, by_column, numbers, len(gallery))
        overlap /= 2 - overlap
        yield distances.mul_(original_weight).add_(1 - original_weight).sub_(overlap, alpha=1 - original_weight)


def _overlaps(encoding: SparseRows, by_column: SparseRows, numbers: Tensor, num_gallery: int) -> Tensor:
    """Sum of the smaller of two weights, over all images: (R,) queries -> (R, G)."""
    overlaps = encoding.values.new_zeros(len(numbers) * num_gallery)
    owner, entry = encoding.entries_of(numbers)
    column, value = encoding.columns[entry], encoding.values[entry]
    sizes = by_column.offsets[column + 1] - by_column.offsets[column]
    part = sizes.cumsum(0) // _OVERLAPS_AT_ONCE
    for first, last in _ranges(part):
        which, there = by_column.entries_of(column[first:last])
        place = owner[first:last][which] * num_gallery + by_column.columns[there]
        overlaps.index_add_(0, place, torch.minimum(value[first:last][which], by_column.values[there]))
    return overlaps.view(len(numbers), num_gallery)


def _ranges(part: Tensor) -> list[tuple[int, int]]:
    """Where runs of equal numbers begin and end."""
    sizes = torch.unique_consecutive(part, return_counts=True)[1]
    ends = sizes.cumsum(0).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))
