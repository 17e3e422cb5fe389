"""The nearest images of each image, exactly; where the processor has AMX, few distances are taken in float32.

With AMX a product in bfloat16 takes a quarter of float32's time; with AVX-512 alone it is the slower one. How wrong
each of its distances can be is known, and so is which images may be among the nearest: those alone are measured in
float32.
"""

from __future__ import annotations

import functools
import warnings
from typing import NamedTuple

import torch
from torch import Tensor

from dien_lightning.precision import cpu_has
from dien_lightning.retrieval.blocks import check_finite, euclidean_blocks, rows_per_block, squared_lengths

_LEAST_IMAGES = 2048  # of fewer, all distances are taken in float32
_SPARE = 33  # candidates beyond those asked for; a row that may need more is taken in float32 as a whole
# Of 8 binary digits the last is off by half at most; of float32's 24, too. Numbers below `tiny` may count as 0.
_ROUNDING, _ADDING, _TINY = 2.0**-8, 2.0**-24, torch.finfo(torch.float32).tiny
_SLACK = 1.01  # the bounds are computed in float32 themselves, and leave out products of two errors
_ROUNDED_AT_ONCE = 512
_GPU_PAIRS = 2**13


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
        k: how many for each image, itself among them, or all there are.
        images: (n,) numbers of those whose neighbours are looked for, one at least; None: of all.

    Raises:
        ValueError: when an embedding is not finite, or too long to be squared.
    """
    embedding = embedding.as_subclass(Tensor).contiguous()
    has_use = embedding.device.type == "cpu" and embedding.dtype == torch.float32 and _multiplies_in_bfloat16()
    if not has_use or k == 1 or len(embedding) < max(_LEAST_IMAGES, k + _SPARE):
        return nearest_and_furthest(embedding, k, images)[0]
    images = torch.arange(len(embedding), device=embedding.device) if images is None else images
    numbers, squared, is_certain = _from_candidates(embedding, k, images)
    doubtful = (~is_certain).nonzero().squeeze(1)
    if len(doubtful):
        (numbers[doubtful], squared[doubtful]), _ = nearest_and_furthest(embedding, k, images[doubtful])
    return Neighbors(numbers, squared)


def nearest_and_furthest(embedding: Tensor, k: int, images: Tensor | None = None) -> tuple[Neighbors, Tensor]:
    """The same by all distances, and each image's squared distance to the furthest, (n,), for re-ranking."""
    numbers, squared, furthest = [], [], []
    asked = embedding if images is None else embedding[images]
    images = torch.arange(len(embedding), device=embedding.device) if images is None else images
    all_lengths = squared_lengths(embedding, torch.promote_types(embedding.dtype, torch.float32))
    for start, rows in euclidean_blocks(asked, embedding):
        own = images[start : start + len(rows)]
        lengths = all_lengths[own]
        furthest.append((rows.amax(1) + lengths).clamp(min=torch.finfo(rows.dtype).tiny))
        rows[torch.arange(len(rows), device=rows.device), own] = -torch.inf
        nearest = rows.topk(min(k, rows.shape[1]), dim=1, largest=False)
        numbers.append(nearest.indices)
        squared.append((nearest.values + lengths[:, None]).clamp(min=0))
    return Neighbors(torch.cat(numbers), torch.cat(squared)), torch.cat(furthest)


def squared_of_pairs(embedding: Tensor, lengths: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Squared distances of pairs that are sorted by row: (N, D), squared lengths (N,), (P,), (P,) -> (P,).

    From lengths and products, so what rounding takes from them it takes from copies, too.
    """
    first, last = int(rows[0]), int(rows[-1])
    products = _products(embedding[first : last + 1], embedding, torch.bincount(rows - first), columns)
    return (lengths[rows] + lengths[columns] - 2 * products).clamp(min=0)


def largest_errors(embedding: Tensor, rounded: Tensor, lengths: Tensor) -> Tensor:  # (N, D), (N, D), (N,) -> (N,)
    """How wrong a squared distance of each image may be by a product in bfloat16, before that is rounded itself.

    With h the embedding x in bfloat16, |x y - h_x h_y| is at most |x - h_x| |y| + |h_x| |y - h_y|; then float32 adds
    up, and what is below its smallest number is lost. A distance has the product twice.
    """
    pieces = zip(embedding.split(_ROUNDED_AT_ONCE), rounded.split(_ROUNDED_AT_ONCE), strict=True)
    lost = torch.cat([torch.linalg.vector_norm(exact - rough.float(), dim=1) for exact, rough in pieces])
    norms, width = lengths.sqrt(), embedding.shape[1]
    of_rounded = norms + lost
    added = 2 * width * _ADDING * of_rounded * of_rounded.max() + 4 * _ADDING * lengths.max()
    flushed = 4 * width * _TINY * (1 + of_rounded.max())
    return _SLACK * 2 * (lost * norms.max() + of_rounded * lost.max() + added + flushed)


def _from_candidates(embedding: Tensor, k: int, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Neighbours of these images (n, k), their squared distances, and whether they are certain (n,).

    The nearest that bfloat16 finds bound the k-th distance from above; images that lie further, by more than theirs
    may be wrong, are none of the k nearest.
    """
    number, device = len(embedding), embedding.device
    lengths = squared_lengths(embedding)
    check_finite(lengths, "gallery")
    rounded = embedding.bfloat16()
    error, longest = largest_errors(embedding, rounded, lengths), lengths.max()
    numbers, squared = images.new_empty(len(images), k), embedding.new_empty(len(images), k)
    is_certain = images.new_empty(len(images), dtype=torch.bool)
    buffer = embedding.new_empty(rows_per_block(number), number)
    products = rounded.new_empty(buffer.shape)
    for rows in torch.arange(len(images), device=device).split(len(buffer)):
        own = images[rows]
        torch.mm(rounded[own], rounded.T, out=products[: len(own)])
        rough = torch.add(lengths, products[: len(own)], alpha=-2, out=buffer[: len(own)])  # less the own length
        rough[torch.arange(len(own), device=device), own] = -torch.inf
        near, columns = rough.topk(k + _SPARE, dim=1, largest=False)
        wrong = error[own, None] + _ROUNDING * (lengths[columns] - near).abs()
        upper = (near + wrong)[:, 1:k].amax(1)
        # Beyond it a distance from a positive product is wrong by less than longest - upper, others by their own size.
        rounding = torch.maximum(longest - upper, upper.abs()) + error[own]
        limit = upper + error[own] + _SLACK * _ROUNDING * rounding
        columns, order = columns.where(near <= limit[:, None], number).sort(dim=1)
        is_candidate, is_own = columns < number, columns == own[:, None]
        exact = near.new_full(near.shape, torch.inf)
        candidates = columns[is_candidate]
        measured = _products(embedding[own], embedding, is_candidate.sum(1), candidates)
        exact[is_candidate] = lengths[candidates] - 2 * measured
        exact[is_own] = -torch.inf
        is_as_bounded = (exact - near.gather(1, order)).abs() <= wrong.gather(1, order)
        is_as_bounded |= ~is_candidate | is_own
        nearest = exact.topk(k, dim=1, largest=False)
        numbers[rows] = columns.gather(1, nearest.indices)
        squared[rows] = (nearest.values + lengths[own, None]).clamp(min=0)
        is_certain[rows] = (near[:, -1] > limit) & is_as_bounded.all(1)
    return numbers, squared, is_certain


def _products(left: Tensor, right: Tensor, counts: Tensor, columns: Tensor) -> Tensor:  # (R, D), (N, D), (R,) -> (P,)
    """Products of each left row with as many right ones as `counts` says: those of the next `columns`."""
    if left.device.type != "cpu":
        return _gathered_products(left, right, counts, columns)
    offsets = torch.nn.functional.pad(counts.cumsum(0), (1, 0))
    _hear_what_torch_says_of_sparse_tensors()
    places = torch.sparse_csr_tensor(
        offsets,
        columns,
        left.new_zeros(len(columns)),
        (len(left), len(right)),
        device=left.device,
        check_invariants=False,
    )
    return torch.sparse.sampled_addmm(places, left, right.T, beta=0).values()


def _gathered_products(left: Tensor, right: Tensor, counts: Tensor, columns: Tensor) -> Tensor:
    """The same from copies of the rows, some thousands of pairs at a time."""
    pairs = zip(torch.repeat_interleave(counts).split(_GPU_PAIRS), columns.split(_GPU_PAIRS), strict=True)
    return torch.cat([(left[i] * right[j]).sum(1) for i, j in pairs])


def _multiplies_in_bfloat16() -> bool:
    """Whether the processor has AMX, and torch uses it."""
    onednn = torch.backends.mkldnn
    return cpu_has("amx_bf16") and onednn.is_available() and bool(onednn.enabled)  # type: ignore[attr-defined]


@functools.cache
def _hear_what_torch_says_of_sparse_tensors() -> None:
    """Make the first one: torch says once in a process that they are in beta. Their products here are tested."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        offsets, columns = torch.tensor([0, 0], device="cpu"), torch.tensor([], dtype=torch.long, device="cpu")
        torch.sparse_csr_tensor(offsets, columns, columns.float(), (1, 1), device="cpu", check_invariants=False)
