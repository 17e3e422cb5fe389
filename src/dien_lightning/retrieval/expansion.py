"""Better queries from more images: the nearest gallery images, or all of a person's images in one camera."""

from __future__ import annotations

from dataclasses import replace

import torch

from dien_lightning.checks import check_int, check_range
from dien_lightning.retrieval.blocks import euclidean_blocks
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.sets import EvaluationSets


@torch.no_grad()
def expand_queries(sets: EvaluationSets, k: int = 5, *, alpha: float = 0.0) -> EvaluationSets:
    """Average query expansion (Chum et al., 2007): the mean of each query and its k nearest gallery images.

    With alpha > 0 each gallery image weighs its cosine to the query to the power of alpha (Radenovic et al., 2019).
    No labels are used, junk and same-camera images take part.

    Args:
        sets: query and gallery; L2-normalised ones if the cosine is to decide.
        k: gallery images that are averaged in; no more than there are.
        alpha: 0 weighs all alike.

    Returns:
        The sets with new queries, which are not normalised.

    Raises:
        ValueError: when k is below 1 or alpha below 0.

    Example:
        >>> sets = EvaluationSets(query=torch.tensor([[0.0, 1.0]]), query_pids=[7], query_camids=[0],
        ...     gallery=torch.tensor([[0.0, 2.0], [9.0, 9.0]]), gallery_pids=[7, 8], gallery_camids=[1, 1])
        >>> expand_queries(sets, k=1).query
        tensor([[0.0000, 1.5000]])
    """
    check_int("k", k, 1, "it is the number of gallery images averaged into a query")
    check_range("alpha", alpha, 0)
    parts = []
    for start, rows in euclidean_blocks(sets.query, sets.gallery):
        own = sets.query[start : start + len(rows)].to(rows.dtype)  # (R, D)
        numbers = rows.topk(min(k, rows.shape[1]), dim=1, largest=False).indices
        nearest = sets.gallery[numbers].to(rows.dtype)  # (R, k, D)
        weights = torch.nn.functional.cosine_similarity(own[:, None], nearest, dim=-1).clamp(min=0) ** alpha  # (R, k)
        total = own + (weights[..., None] * nearest).sum(1)
        parts.append(total / (1 + weights.sum(1, keepdim=True)))
    return replace(sets, query=torch.cat(parts))


@torch.no_grad()
def pool_queries(sets: EvaluationSets, protocol: Protocol | None = None) -> EvaluationSets:
    """Market-1501's multiple-query protocol: one query per person and camera, the mean of all of its images there.

    The data set gives those images beside the queries; images without an identity (pid -1) stay queries of their own.
    What else is known of a pool (its index, say) is what is known of its first image.

    Args:
        sets: query and gallery.
        protocol: where it keeps the same camera's images, cameras tell nothing apart, and a person is one query.

    Example:
        >>> query = torch.tensor([[1.0], [3.0], [5.0]])
        >>> sets = EvaluationSets(query=query, query_pids=[7, 7, 7], query_camids=[0, 0, 1],
        ...                       gallery=query, gallery_pids=[7, 7, 8], gallery_camids=[2, 2, 2])
        >>> pool_queries(sets).query
        tensor([[2.],
                [5.]])
    """
    cameras = (protocol or Protocol()).same_camera == "drop"
    group = sets.groups("query", cameras=cameras)
    number = torch.bincount(group)
    first = torch.full_like(number, len(group)).scatter_reduce_(0, group, torch.arange(len(group)), "amin")
    dtype = torch.float64 if sets.query.dtype == torch.float64 else torch.float32
    total = torch.zeros(len(number), sets.query.shape[1], dtype=dtype, device=sets.query.device)
    total.index_add_(0, group.to(total.device), sets.query.to(dtype))
    return replace(sets.take(query=first), query=total / number[:, None].to(total.device))
