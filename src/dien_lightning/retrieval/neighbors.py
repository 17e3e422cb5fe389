"""The nearest images of each image, exactly; where the processor has AMX, few distances are taken in float32.

With AMX a product in bfloat16 takes a quarter of float32's time; with AVX-512 alone it is the slower one. How wrong
each of its distances can be is known, and so is which images may be among the nearest: those alone are measured in
float32.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import torch
from torch import Tensor

from dien_lightning.precision import cpu_has
from dien_lightning.retrieval.blocks import check_finite, euclidean_blocks, rows_per_block, squared_lengths

_LEAST_IMAGES = 2048  # of fewer, all distances are taken in float32
_SPARE = 33  # candidates beyond those asked for; a row that may need more is taken in float32 as a whole
_ROUNDING, _ADDING = 2.0**-8, 2.0**-24  # the largest relative errors: of a bfloat16, and of one sum in float32
_ROUNDED_AT_ONCE = 512
_SLACK = 1.001  # the bounds are computed in float32 themselves
_PAIRS_AT_ONCE = 64  # few, they fit a core's cache


class Neighbors(NamedTuple):
    """The k nearest images of each of N.

    Attributes:
        numbers: (N, k), itself first.
        squared: (N, k) their squared distances.
    """

    numbers: Tensor
    squared: Tensor


def nearest_images(embedding: Tensor, k: int, images: Tensor | None = None) -> Neighbors:
    """Exact neighbours among all N; an image's copies come after itself.

    Fastest where the embeddings' mean is 0: the shorter they are, the smaller are the errors in bfloat16.

    Args:
        embedding: (N, D).
        k: neighbours of each image, or all there are.
        images: (n,) numbers of those whose neighbours are looked for; None: of all.

    Raises:
        ValueError: when an embedding is not finite, or too long to be squared.
    """
    suits = embedding.device.type == "cpu" and embedding.dtype == torch.float32 and cpu_has("amx_bf16")
    if not suits or len(embedding) < max(_LEAST_IMAGES, k + _SPARE):
        return nearest_and_furthest(embedding, k, images)[0]
    images = torch.arange(len(embedding)) if images is None else images
    numbers, squared, is_certain = _from_candidates(embedding, k, images)
    doubtful = (~is_certain).nonzero().squeeze(1)
    if len(doubtful):
        (numbers[doubtful], squared[doubtful]), _ = nearest_and_furthest(embedding, k, images[doubtful])
    return Neighbors(numbers, squared)


def nearest_and_furthest(embedding: Tensor, k: int, images: Tensor | None = None) -> tuple[Neighbors, Tensor]:
    """The same by all distances, and each image's squared distance to the furthest, (n,), for re-ranking."""
    numbers, squared, furthest = [], [], []
    images = torch.arange(len(embedding), device=embedding.device) if images is None else images
    for start, rows in euclidean_blocks(embedding[images], embedding):
        own = images[start : start + len(rows)]
        lengths = embedding[own].to(rows.dtype).square().sum(1)
        furthest.append((rows.amax(1) + lengths).clamp(min=torch.finfo(rows.dtype).tiny))
        rows[torch.arange(len(rows), device=rows.device), own] = -torch.inf
        nearest = rows.topk(min(k, rows.shape[1]), dim=1, largest=False)
        numbers.append(nearest.indices)
        squared.append((nearest.values + lengths[:, None]).clamp(min=0))
    return Neighbors(torch.cat(numbers), torch.cat(squared)), torch.cat(furthest)


def squared_of_pairs(embedding: Tensor, lengths: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Squared distances of pairs that are sorted by row: (N, D), squared lengths (N,), (P,), (P,) -> (P,)."""
    first, last = int(rows[0]), int(rows[-1])
    products = _products(embedding[first : last + 1], embedding, torch.bincount(rows - first), columns)
    return (lengths[rows] + lengths[columns] - 2 * products).clamp(min=0)


def _from_candidates(embedding: Tensor, k: int, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Neighbours of these images (n, k), their squared distances, and whether they are certain (n,).

    With h the embedding x in bfloat16, |x y - h_x h_y| is at most |x - h_x| |y| + |h_x| |y - h_y|, besides what adding
    up and rounding the sum lose. The nearest that are taken so bound the k-th distance from above; images that lie
    further, by more than theirs may be wrong, are none of the k nearest.
    """
    number, width = embedding.shape
    lengths = squared_lengths(embedding)
    check_finite(lengths, "gallery")
    rounded = embedding.bfloat16()
    pieces = zip(embedding.split(_ROUNDED_AT_ONCE), rounded.split(_ROUNDED_AT_ONCE), strict=True)
    lost = torch.cat([torch.linalg.vector_norm(exact - rough.float(), dim=1) for exact, rough in pieces])
    norms, longest = lengths.sqrt(), lengths.max()
    added = 2 * width * _ADDING * (norms + lost) * (norms + lost).max() + 4 * _ADDING * longest
    error = _SLACK * 2 * (lost * norms.max() + (norms + lost) * lost.max() + added)  # of a row's distances, unrounded
    numbers, squared = torch.empty(len(images), k, dtype=torch.long), embedding.new_empty(len(images), k)
    is_certain = torch.empty(len(images), dtype=torch.bool)
    buffer = embedding.new_empty(rows_per_block(number), number)
    products = rounded.new_empty(buffer.shape)
    for rows in torch.arange(len(images)).split(len(buffer)):
        own = images[rows]
        with torch.autocast("cpu", enabled=False):
            torch.mm(rounded[own], rounded.T, out=products[: len(own)])
        rough = torch.add(lengths, products[: len(own)], alpha=-2, out=buffer[: len(own)])  # less the own length
        rough[torch.arange(len(own)), own] = -torch.inf
        near, columns = rough.topk(k + _SPARE, dim=1, largest=False)
        wrong = error[own, None] + _ROUNDING * (lengths[columns] - near).abs()
        upper = (near + wrong)[:, 1:k].amax(1) if k > 1 else near[:, 0]
        limit = upper + error[own] + _ROUNDING * torch.maximum(longest - upper, upper.abs())
        columns, order = columns.where(near <= limit[:, None], number).sort(dim=1)
        is_candidate = columns < number
        exact = near.new_full(near.shape, torch.inf)
        candidates = columns[is_candidate]
        measured = _products(embedding[own], embedding, is_candidate.sum(1), candidates)
        exact[is_candidate] = lengths[candidates] - 2 * measured
        exact[columns == own[:, None]] = -torch.inf
        is_as_bounded = (exact - near.gather(1, order)).abs() <= wrong.gather(1, order)
        nearest = exact.topk(k, dim=1, largest=False)
        numbers[rows] = columns.gather(1, nearest.indices)
        squared[rows] = (nearest.values + lengths[own, None]).clamp(min=0)
        is_as_bounded |= ~is_candidate | (columns == own[:, None])
        is_certain[rows] = (near[:, -1] > limit) & is_as_bounded.all(1)
    return numbers, squared, is_certain


def _products(left: Tensor, right: Tensor, counts: Tensor, columns: Tensor) -> Tensor:  # (R, D), (N, D), (R,) -> (P,)
    """Products of each left row with as many right ones as `counts` says: those of the next `columns`."""
    if left.device.type != "cpu":
        pairs = zip(torch.repeat_interleave(counts).split(_PAIRS_AT_ONCE), columns.split(_PAIRS_AT_ONCE), strict=True)
        return torch.cat([(left[i] * right[j]).sum(1) for i, j in pairs])
    offsets = torch.nn.functional.pad(counts.cumsum(0), (1, 0))
    sums = left.new_zeros(len(columns))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        places = torch.sparse_csr_tensor(offsets, columns, sums, (len(left), len(right)), check_invariants=False)
    return torch.sparse.sampled_addmm(places, left, right.T, beta=0).values()
