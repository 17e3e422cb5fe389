"""Better queries from more images: the nearest gallery images, or all of a person's images in one camera."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dien_lightning.checks import check_int, check_range
from dien_lightning.retrieval.blocks import check_embeddings, euclidean_blocks
from dien_lightning.retrieval.labels import LabelsLike
from dien_lightning.types import UNLABELED


class PooledQueries(NamedTuple):
    """One query per person and camera.

    Attributes:
        embedding: (P, D) means.
        pids: (P,) identities.
        camids: (P,) cameras.
    """

    embedding: Tensor
    pids: Tensor
    camids: Tensor


@torch.no_grad()
def expand_queries(query: Tensor, gallery: Tensor, k: int = 5, *, alpha: float = 0.0) -> Tensor:
    """Average query expansion (Chum et al., 2007): the mean of each query and its k nearest gallery images.

    With alpha > 0 each gallery image weighs its cosine to the query to the power of alpha (Radenovic et al., 2019).
    No labels are used, junk and same-camera images take part.

    Args:
        query: embeddings; L2-normalised ones if the cosine is to decide.
        gallery: embeddings of the same width on the same device.
        k: gallery images that are averaged in; no more than there are.
        alpha: 0 weighs all alike.

    Shape:
        query (Q, D), gallery (G, D) -> (Q, D), not normalised.

    Raises:
        ValueError: when k is below 1 or alpha below 0.

    Example:
        >>> expand_queries(torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 2.0], [9.0, 9.0]]), k=1)
        tensor([[0.0000, 1.5000]])
    """
    query, gallery = check_embeddings(query, gallery)
    check_int("k", k, 1, "it is the number of gallery images averaged into a query")
    check_range("alpha", alpha, 0)
    parts = []
    for start, rows in euclidean_blocks(query, gallery):
        own = query[start : start + len(rows)].to(rows.dtype)  # (R, D)
        nearest = gallery[rows.topk(min(k, len(gallery)), dim=1, largest=False).indices].to(rows.dtype)  # (R, k, D)
        weights = torch.nn.functional.cosine_similarity(own[:, None], nearest, dim=-1).clamp(min=0) ** alpha  # (R, k)
        total = own + (weights[..., None] * nearest).sum(1)
        parts.append(total / (1 + weights.sum(1, keepdim=True)))
    return torch.cat(parts)


@torch.no_grad()
def pool_queries(embedding: Tensor, pids: LabelsLike, camids: LabelsLike) -> PooledQueries:
    """Market-1501's multiple-query protocol: one query per person and camera, the mean of all of its images there.

    The data set gives those images beside the queries; images without an identity (pid -1) stay queries of their own.

    Args:
        embedding: of the images.
        pids: identity of each image.
        camids: camera of each image.

    Shape:
        embedding (N, D) -> (P, D).

    Raises:
        ValueError: when there are not as many labels as embeddings.

    Example:
        >>> pool_queries(torch.tensor([[1.0], [3.0], [5.0]]), [7, 7, 7], [0, 0, 1])
        PooledQueries(embedding=tensor([[2.], [5.]]), pids=tensor([7, 7]), camids=tensor([0, 1]))
    """
    pids, camids = (torch.as_tensor(value).to(embedding.device, torch.int64) for value in (pids, camids))
    if pids.shape != camids.shape or pids.shape != embedding.shape[:1]:
        raise ValueError(f"{len(embedding)} embeddings need a pid and a camid each, not {len(pids)} and {len(camids)}.")
    alone = torch.where(pids == UNLABELED, torch.arange(len(pids), device=pids.device), -1)
    keys, group, number = torch.unique(
        torch.stack([pids, camids, alone], dim=1), dim=0, return_inverse=True, return_counts=True
    )
    dtype = torch.float64 if embedding.dtype == torch.float64 else torch.float32
    total = torch.zeros(len(keys), embedding.shape[1], dtype=dtype, device=embedding.device)
    total.index_add_(0, group, embedding.detach().to(dtype))
    return PooledQueries(total / number[:, None], keys[:, 0], keys[:, 1])
