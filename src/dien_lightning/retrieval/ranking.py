"""Exact CMC, average precision and inverse negative penalty in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import Tensor

from dien_lightning.checks import check_int
from dien_lightning.processes import Processes
from dien_lightning.retrieval.blocks import euclidean_blocks, given_blocks
from dien_lightning.retrieval.expansion import pool_tracklets
from dien_lightning.retrieval.matches import Matching
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.query_scores import QueryScores, score_queries
from dien_lightning.retrieval.result import RetrievalResult, summarize
from dien_lightning.retrieval.searches import choose_images
from dien_lightning.retrieval.sets import EvaluationSets
from dien_lightning.types import LabelsLike


def evaluate_retrieval(
    *,
    query: Tensor,
    query_pids: LabelsLike,
    query_camids: LabelsLike,
    gallery: Tensor,
    gallery_pids: LabelsLike,
    gallery_camids: LabelsLike,
    max_rank: int = 50,
    protocol: Protocol | None = None,
    **further: LabelsLike,
) -> RetrievalResult:
    """Rank the gallery for each query by Euclidean distance, and say how well that went.

    Every argument is given by its name: other evaluators put the four rows of labels into another order.

    Args:
        query: (Q, D) embeddings as they are; L2-normalise them first if you want the order of the cosine.
        query_pids: (Q,) identity of each query image, -1 for none.
        query_camids: (Q,) camera of each query image.
        gallery: (G, D) embeddings on the same device.
        gallery_pids: (G,) identity of each gallery image, -1 for junk.
        gallery_camids: (G,) camera of each gallery image.
        max_rank: length of the CMC; past the gallery's size it goes on with its last value.
        protocol: what is dropped and averaged; the defaults of `Protocol` if not given.
        **further: query_clothes and gallery_clothes, or whatever else `EvaluationSets` takes. Images of one tracklet
            are ranked as one, the mean of their embeddings, which is not normalised.

    Raises:
        TypeError: when an argument is given by place.
        ValueError: when no query has a match, and for shapes, devices and numbers that cannot be ranked.

    Example:
        >>> import torch
        >>> query, gallery = torch.tensor([[0.0]]), torch.tensor([[1.0], [2.0], [3.0]])
        >>> result = evaluate_retrieval(query=query, query_pids=[7], query_camids=[0], gallery=gallery,
        ...                             gallery_pids=[7, 8, 7], gallery_camids=[0, 1, 1], max_rank=3)
        >>> result.mAP, result.cmc
        (0.5, tensor([0., 1., 1.]))
    """
    known: dict[str, Any] = {"query": query, "query_pids": query_pids, "query_camids": query_camids, **further}
    known |= {"gallery": gallery, "gallery_pids": gallery_pids, "gallery_camids": gallery_camids}
    return evaluate_sets(pool_tracklets(EvaluationSets(**known), protocol), max_rank=max_rank, protocol=protocol)


def evaluate_sets(
    sets: EvaluationSets,
    distances: Tensor | Iterable[Tensor] | None = None,
    *,
    max_rank: int = 50,
    protocol: Protocol | None = None,
    processes: Processes | None = None,
) -> RetrievalResult:
    """`evaluate_retrieval` for sets that are in hand, and for distances of another kind: re-ranked ones, say.

    Nothing is sorted: the rank of a match is one more than the number of images before it, so distances are taken in
    blocks, counted and thrown away; in float32, or in float64 where a float64 tensor is given.

    Args:
        sets: query and gallery, tracklets pooled (`pool_tracklets`).
        distances: (Q, G), smaller is closer; or an iterable of blocks (R, G) of consecutive queries. Blocks are
            overwritten, a whole tensor is not. None is the Euclidean distance of the embeddings.
        max_rank: length of the CMC.
        protocol: what is dropped and averaged; the defaults of `Protocol` if not given.
        processes: share the queries among them, for all have the same sets; each gets the whole result. Given
            distances are not shared: every process counts all of them.

    Raises:
        ValueError: as `evaluate_retrieval`, and when the blocks do not add up to Q rows of G.

    Example:
        >>> import torch
        >>> sets = EvaluationSets(query=torch.zeros(1, 0), query_pids=[7], query_camids=[0],
        ...                       gallery=torch.zeros(2, 0), gallery_pids=[8, 7], gallery_camids=[1, 1])
        >>> evaluate_sets(sets, torch.tensor([[0.1, 0.2]])).mAP
        0.5
    """
    check_int("max_rank", max_rank, 1, "the CMC begins at rank 1")
    protocol = Protocol.given(protocol)
    matching = Matching(choose_images(sets, protocol), protocol)
    num_matches, num_same_camera = matching.count()  # what cannot be ranked is told before the work, not after it
    sets = matching.sets
    if distances is not None:
        scores = score_queries(given_blocks(distances, sets), matching)
    else:
        scores = score_queries(euclidean_blocks(sets.query, sets.gallery, processes), matching)
        if processes:
            scores = QueryScores(*(processes.sum(score) for score in scores))  # each has filled in its own queries
    return summarize(scores, matching, num_matches, num_same_camera, max_rank)
