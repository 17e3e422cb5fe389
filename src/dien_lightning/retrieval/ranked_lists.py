"""The first k gallery images of each query: what a report shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from dien_lightning.retrieval.blocks import RowBlock, euclidean_blocks, given_blocks
from dien_lightning.retrieval.labels import LabelsLike, PersonIndex, RetrievalLabels
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.types import UNLABELED


class RankedLists(NamedTuple):
    """The first k images of each of Q queries, the nearest first.

    Attributes:
        indices: (Q, k) int64 numbers of gallery images; -1 past the last image that is left.
        distances: (Q, k) their distances; infinite past the last image.
        is_match: (Q, k) True where person and query agree.
    """

    indices: Tensor
    distances: Tensor
    is_match: Tensor


def rank_gallery(  # noqa: PLR0917 (the order the field knows)
    query: Tensor,
    query_pids: LabelsLike,
    query_camids: LabelsLike,
    gallery: Tensor,
    gallery_pids: LabelsLike,
    gallery_camids: LabelsLike,
    k: int = 10,
    *,
    protocol: Protocol | None = None,
) -> RankedLists:
    """The first k gallery images of each query, after dropping what the protocol drops.

    The order is that of `evaluate_retrieval`: at the same distance an image that does not match comes first, among
    equals the one with the lower number.

    Args:
        query: embeddings as they are; L2-normalise them first if you want the order of the cosine.
        query_pids: identity of each query image, -1 for none.
        query_camids: camera of each query image.
        gallery: embeddings on the same device.
        gallery_pids: identity of each gallery image, -1 for junk.
        gallery_camids: camera of each gallery image.
        k: length of the lists.
        protocol: what is dropped; the defaults of `Protocol` if not given.

    Shape:
        query (Q, D), gallery (G, D) -> (Q, k) each.

    Raises:
        ValueError: for shapes, devices and numbers that cannot be ranked.

    Example:
        >>> gallery = torch.tensor([[1.0], [2.0], [-2.0]])
        >>> rank_gallery(torch.tensor([[0.0]]), [7], [0], gallery, [7, 7, 8], [0, 1, 1], k=2)
        RankedLists(indices=tensor([[2, 1]]), distances=tensor([[2., 2.]]), is_match=tensor([[False,  True]]))
    """
    labels = RetrievalLabels.of(query_pids, query_camids, gallery_pids, gallery_camids)
    labels.check_sizes(query, gallery)
    lists = list_blocks(euclidean_blocks(query, gallery), labels, k, protocol or Protocol())
    # The blocks leave out the query's own length.
    lengths = query.detach().to(lists.distances).square().sum(1, keepdim=True)
    return lists._replace(distances=(lists.distances + lengths).clamp(min=0).sqrt())


def rank_distances(
    distances: Tensor | Iterable[Tensor],
    query_pids: LabelsLike,
    query_camids: LabelsLike,
    gallery_pids: LabelsLike,
    gallery_camids: LabelsLike,
    *,
    k: int = 10,
    protocol: Protocol | None = None,
) -> RankedLists:
    """`rank_gallery` for distances that are given: see `evaluate_distances`.

    Example:
        >>> rank_distances(torch.tensor([[0.3, 0.1]]), [7], [0], [7, 8], [1, 1], k=1).indices
        tensor([[1]])
    """
    labels = RetrievalLabels.of(query_pids, query_camids, gallery_pids, gallery_camids)
    blocks = given_blocks(distances, len(labels.query_pids), len(labels.gallery_pids))
    return list_blocks(blocks, labels, k, protocol or Protocol())


@torch.no_grad()
def list_blocks(blocks: Iterable[RowBlock], labels: RetrievalLabels, k: int, protocol: Protocol) -> RankedLists:
    """The lists of all queries, whose distances arrive in blocks."""
    if k < 1:
        raise ValueError(f"k={k} must be 1 or more: it is the number of images in a list.")
    persons = PersonIndex(labels, protocol)
    junk = (labels.gallery_pids == UNLABELED).nonzero().flatten() if protocol.junk == "drop" else None
    parts: list[RankedLists] = []
    for start, rows in blocks:
        pairs = persons.pairs(start, start + len(rows))
        row, column, is_match = (part.to(rows.device) for part in (pairs.row, pairs.column, pairs.is_match))
        rows[row[~is_match], column[~is_match]] = torch.inf
        if junk is not None:
            rows.index_fill_(1, junk.to(rows.device), torch.inf)
        matches = torch.zeros(rows.shape, dtype=torch.bool, device=rows.device)
        matches[row[is_match], column[is_match]] = True
        parts.append(_first_k(rows, matches, k))
    return RankedLists(*(torch.cat(fields) for fields in zip(*parts, strict=True)))


def _first_k(rows: Tensor, matches: Tensor, k: int) -> RankedLists:  # (R, G), (R, G) -> (R, k)
    """Order by distance, then non-match before match, then number."""
    found = min(k, rows.shape[1])
    distances, indices = rows.topk(found, dim=1, largest=False)
    # topk takes any of the images at the k-th distance: where more stand there than it took, choose again.
    at_last = rows == distances[:, -1:]
    crowded = (at_last.sum(1) > (distances == distances[:, -1:]).sum(1)) & distances[:, -1].isfinite()
    for row in crowded.nonzero().flatten().tolist():
        candidates = at_last[row].nonzero().flatten()
        candidates = candidates[matches[row, candidates].byte().argsort(stable=True)]
        is_last = distances[row] == distances[row, -1]
        indices[row, is_last] = candidates[: int(is_last.sum())]
    indices = indices.sort(dim=1).values
    indices = indices.gather(1, matches.gather(1, indices).byte().argsort(dim=1, stable=True))
    indices = indices.gather(1, rows.gather(1, indices).argsort(dim=1, stable=True))
    distances = rows.gather(1, indices)
    left = distances.isfinite()
    lists = RankedLists(indices.where(left, -1), distances, matches.gather(1, indices) & left)
    missing = (0, k - found)
    return RankedLists(
        indices=pad(lists.indices, missing, value=-1),
        distances=pad(lists.distances, missing, value=torch.inf),
        is_match=pad(lists.is_match, missing, value=False),
    )
