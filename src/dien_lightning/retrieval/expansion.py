"""Means of several images: of a query and its nearest gallery images, or of a tracklet's frames."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from dien_lightning.checks import check_int
from dien_lightning.retrieval.blocks import euclidean_blocks
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.sets import EvaluationSets
from dien_lightning.types import UNLABELED


@torch.no_grad()
def expand_queries(sets: EvaluationSets, k: int = 5) -> EvaluationSets:
    """Average query expansion (Chum et al., 2007): the mean of each query and its k nearest gallery images.

    No labels are used, junk and same-camera images take part.

    Args:
        sets: query and gallery; L2-normalised ones if the cosine is to decide.
        k: gallery images that are averaged in; no more than there are.

    Returns:
        The sets with new queries, which are not normalised.

    Raises:
        ValueError: when k is below 1.

    Example:
        >>> sets = EvaluationSets(query=torch.tensor([[0.0, 1.0]]), query_pids=[7], query_camids=[0],
        ...     gallery=torch.tensor([[0.0, 2.0], [9.0, 9.0]]), gallery_pids=[7, 8], gallery_camids=[1, 1])
        >>> expand_queries(sets, k=1).query
        tensor([[0.0000, 1.5000]])
    """
    check_int("k", k, 1, "it is the number of gallery images averaged into a query")
    sets.check_apart("Query expansion (expansion)")
    parts = []
    for start, rows in euclidean_blocks(sets.query, sets.gallery):
        own = sets.query[start : start + len(rows), None].to(rows.dtype)  # (R, 1, D)
        nearest = sets.gallery[rows.topk(min(k, rows.shape[1]), dim=1, largest=False).indices]  # (R, k, D)
        parts.append(torch.cat([own, nearest.to(rows.dtype)], dim=1).mean(1))
    return replace(sets, query=torch.cat(parts))


def pool_tracklets(sets: EvaluationSets, protocol: Protocol | None = None) -> EvaluationSets:
    """One image per tracklet in query and gallery, the mean of its frames, as MARS is evaluated.

    Means are not normalised. Where no image is a frame of a tracklet, the sets are given back as they are.

    Args:
        sets: frames with one number are one tracklet.
        protocol: with same_camera="keep", frames of one tracklet may be of several cameras; the defaults of `Protocol`
            if not given.

    Raises:
        ValueError: frames of one tracklet show two people, cameras or clothes.
    """
    if bool((sets.query_tracklets == UNLABELED).all() and (sets.gallery_tracklets == UNLABELED).all()):
        return sets
    labels = ["pids", "clothes"]
    if Protocol.given(protocol).same_camera == "drop":
        labels.append("camids")
    return _pool(_pool(sets, "query", labels), "gallery", labels)


@torch.no_grad()
def _pool(sets: EvaluationSets, role: str, labels: list[str]) -> EvaluationSets:
    """The mean of each tracklet's images, of one set; they agree in these labels."""
    group, embedding = sets.groups(role, "tracklets"), getattr(sets, role)
    number = torch.bincount(group)
    first = torch.full_like(number, len(group)).scatter_reduce_(0, group, torch.arange(len(group)), "amin")
    for label in labels:
        numbers = getattr(sets, f"{role}_{label}")
        other = numbers != numbers[first[group]]
        if bool(other.any()):
            frame = int(other.nonzero()[0])
            raise ValueError(
                f"{role}_tracklets: frames of tracklet {int(getattr(sets, f'{role}_tracklets')[frame])} have {label} "
                f"{int(numbers[first[group[frame]]])} and {int(numbers[frame])}; number tracklets over all people and "
                "cameras, not anew for each."
            )
    dtype = torch.float64 if embedding.dtype == torch.float64 else torch.float32
    total = torch.zeros(len(number), embedding.shape[1], dtype=dtype, device=embedding.device)
    total.index_add_(0, group.to(total.device), embedding.to(dtype))
    means: dict[str, Any] = {role: total / number[:, None].to(total.device)}
    return replace(sets.take(**{role: first}), **means)
