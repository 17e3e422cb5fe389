"""k-reciprocal re-ranking in bounded memory: who has whom among their neighbours' neighbours."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from dien_lightning.checks import check_int, check_range
from dien_lightning.retrieval.blocks import euclidean_blocks, rows_per_block
from dien_lightning.retrieval.sets import EvaluationSets

# Images whose neighbours are compared at once, pairs whose distance is taken at once, overlaps added up at once.
_IMAGES_AT_ONCE = 2048
_PAIRS_AT_ONCE = 2048
_OVERLAPS_AT_ONCE = 2**21

_logger = logging.getLogger(__name__)


class SparseRows(NamedTuple):
    """The non-zero entries of a matrix, row after row.

    Attributes:
        offsets: (N + 1,) where each row begins.
        columns: (E,) the column of each entry.
        values: (E,) the entry.
    """

    offsets: Tensor
    columns: Tensor
    values: Tensor

    @classmethod
    def of(cls, num_rows: int, rows: Tensor, columns: Tensor, values: Tensor) -> SparseRows:
        """From entries that are sorted by row."""
        numbers = torch.bincount(rows, minlength=num_rows)
        return cls(torch.nn.functional.pad(numbers.cumsum(0), (1, 0)), columns, values)

    def entries_of(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The entries of each of these rows: (n,) -> which of the n, and which entry, both (P,)."""
        numbers = self.offsets[rows + 1] - self.offsets[rows]
        owner = torch.repeat_interleave(numbers)
        within = torch.arange(len(owner), device=owner.device) - (numbers.cumsum(0) - numbers)[owner]
        return owner, self.offsets[rows][owner] + within


def reranking_memory(num_query: int, num_gallery: int, width: int, k1: int = 20, k2: int = 6) -> int:
    """Bytes that `k_reciprocal_blocks` takes beyond the embeddings it is given, at most; known before it starts.

    Example:
        >>> round(reranking_memory(3_368, 15_913, 2_048) / 1e9, 1)  # Market-1501, in GB
        1.0
    """
    number, half = num_query + num_gallery, _half(k1)
    copied = 4 * number * width
    distances = 3 * 4 * min(number, rows_per_block(number)) * number
    # A neighbour's set joins when more than two thirds of it are in already: less than a third of it is new.
    entries = number * (k1 + 1) * (1 + half // 3) * k2
    comparing = 4 * _IMAGES_AT_ONCE * (k1 + 1) ** 2 * (half + 1)
    adding = 48 * _OVERLAPS_AT_ONCE + 16 * _PAIRS_AT_ONCE * width
    return copied + distances + 16 * number * max(k1 + 1, k2) + 48 * entries + comparing + adding


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
    embedding = torch.cat([query.to(dtype), gallery.to(dtype)])  # (N, D)
    neighbors, furthest = _neighbors(embedding, max(k1 + 1, k2))
    encoding = _average(_encode(embedding, neighbors[:, : k1 + 1], furthest, k1), neighbors[:, :k2])
    del embedding
    by_column = _gallery_by_column(encoding, len(query))
    for start, distances in euclidean_blocks(query, gallery):
        numbers = torch.arange(start, start + len(distances), device=distances.device)
        distances += query[numbers].to(dtype).square().sum(1, keepdim=True)  # noqa: PLW2901 (in its buffer)
        distances.clamp_(min=0).div_(furthest[numbers, None])
        overlap = _overlaps(encoding, by_column, numbers, len(gallery))
        overlap /= 2 - overlap
        yield distances.mul_(original_weight).add_(1 - original_weight).sub_(overlap, alpha=1 - original_weight)


def _half(k1: int) -> int:
    return round(k1 / 2)


def _neighbors(embedding: Tensor, k: int) -> tuple[Tensor, Tensor]:  # (N, D) -> (N, k), (N,)
    """The k nearest images of each, itself first, and the squared distance to the furthest of all."""
    nearest, furthest = [], []
    for start, rows in euclidean_blocks(embedding, embedding):
        own = torch.arange(len(rows), device=rows.device)
        lengths = embedding[start : start + len(rows)].to(rows.dtype).square().sum(1)
        furthest.append((rows.amax(1) + lengths).clamp(min=torch.finfo(rows.dtype).tiny))
        rows[own, start + own] = -torch.inf
        nearest.append(rows.topk(min(k, rows.shape[1]), dim=1, largest=False).indices)
    return torch.cat(nearest), torch.cat(furthest)


def _is_reciprocal(neighbors: Tensor) -> Tensor:  # (N, k) -> (N, k)
    """Whether an image is among the neighbours of each of its neighbours."""
    parts = []
    for numbers in torch.arange(len(neighbors), device=neighbors.device).split(_IMAGES_AT_ONCE):
        theirs = neighbors[neighbors[numbers]]  # (n, k, k)
        parts.append((theirs == numbers[:, None, None]).any(-1))
    return torch.cat(parts)


def _encode(embedding: Tensor, neighbors: Tensor, furthest: Tensor, k1: int) -> SparseRows:
    """Each image's weights on its expanded set of k-reciprocal neighbours; they sum to 1."""
    is_reciprocal = _is_reciprocal(neighbors)
    half = neighbors[:, : _half(k1) + 1]
    is_half_reciprocal = _is_reciprocal(half)
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for numbers in torch.arange(len(neighbors), device=neighbors.device).split(_IMAGES_AT_ONCE):
        own, is_own = neighbors[numbers], is_reciprocal[numbers]  # (n, k)
        theirs, is_theirs = half[own], is_half_reciprocal[own]  # (n, k, h)
        own_set = own.where(is_own, -1)
        is_shared = is_theirs & (theirs[..., None] == own_set[:, None, None]).any(-1)
        joins = is_own & (3 * is_shared.sum(-1) > 2 * is_theirs.sum(-1))
        joining = theirs.where(joins[..., None] & is_theirs, -1)
        members = torch.cat([own_set, joining.flatten(1)], dim=1).sort(dim=1).values
        is_new = members >= 0
        is_new[:, 1:] &= members[:, 1:] != members[:, :-1]
        row, slot = is_new.nonzero(as_tuple=True)
        column = members[row, slot]
        distances = torch.cat(
            [
                (embedding[i] - embedding[j]).square().sum(1)
                for i, j in zip(numbers[row].split(_PAIRS_AT_ONCE), column.split(_PAIRS_AT_ONCE), strict=True)
            ]
        )
        weights = torch.exp(-distances / furthest[numbers[row]])
        total = weights.new_zeros(len(numbers)).index_add_(0, row, weights)
        parts.append((numbers[row], column, weights / total[row]))
    return SparseRows.of(len(neighbors), *(torch.cat(part) for part in zip(*parts, strict=True)))


def _average(encoding: SparseRows, nearest: Tensor) -> SparseRows:  # (N, N), (N, k2) -> (N, N)
    """Average the encodings of each image's nearest images: the paper's local query expansion."""
    number, k2 = nearest.shape
    if k2 == 1:
        return encoding
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for numbers in torch.arange(number, device=nearest.device).split(_IMAGES_AT_ONCE):
        owner, entry = encoding.entries_of(nearest[numbers].flatten())
        keys, place = torch.unique((owner // k2) * number + encoding.columns[entry], return_inverse=True)
        values = encoding.values.new_zeros(len(keys)).index_add_(0, place, encoding.values[entry] / k2)
        parts.append((numbers[keys // number], keys % number, values))
    return SparseRows.of(number, *(torch.cat(part) for part in zip(*parts, strict=True)))


def _gallery_by_column(encoding: SparseRows, num_query: int) -> SparseRows:
    """The gallery's encodings, image after image that they point to: rows and columns change places."""
    number = len(encoding.offsets) - 1
    first = int(encoding.offsets[num_query])
    columns, values = encoding.columns[first:], encoding.values[first:]
    image = torch.repeat_interleave(encoding.offsets[num_query:].diff())
    columns, order = columns.sort(stable=True)
    return SparseRows.of(number, columns, image[order], values[order])


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
