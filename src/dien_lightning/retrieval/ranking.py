"""Exact CMC, average precision and inverse negative penalty in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from dien_lightning.retrieval.blocks import euclidean_blocks, given_blocks
from dien_lightning.retrieval.counting import score_queries
from dien_lightning.retrieval.labels import LabelsLike, RetrievalLabels, count_matches
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.result import RetrievalResult, check_max_rank, summarize


def evaluate_retrieval(  # noqa: PLR0917 (the order the field knows)
    query: Tensor,
    query_pids: LabelsLike,
    query_camids: LabelsLike,
    gallery: Tensor,
    gallery_pids: LabelsLike,
    gallery_camids: LabelsLike,
    max_rank: int = 50,
    *,
    protocol: Protocol | None = None,
) -> RetrievalResult:
    """Rank the gallery for each query by Euclidean distance, and say how well that went.

    Nothing is sorted: the rank of a match is one more than the number of images before it, so distances are taken in
    blocks, counted and thrown away. Ties are counted against us: an image that does not match ranks before a match
    at the same distance; matches at the same distance take consecutive ranks, which of them is which changes no
    figure. Distances are computed in float32, in float64 where a float64 tensor is given.

    Args:
        query: embeddings as they are; L2-normalise them first if you want the order of the cosine.
        query_pids: identity of each query image, -1 for none.
        query_camids: camera of each query image.
        gallery: embeddings on the same device.
        gallery_pids: identity of each gallery image, -1 for junk.
        gallery_camids: camera of each gallery image.
        max_rank: length of the CMC; past the gallery's size it goes on with its last value.
        protocol: what is dropped and averaged; the defaults of `Protocol` if not given.

    Shape:
        query (Q, D), gallery (G, D); labels (Q,) and (G,).

    Raises:
        ValueError: when no query has a match, and for shapes, devices and numbers that cannot be ranked.

    Example:
        >>> import torch
        >>> query, gallery = torch.tensor([[0.0]]), torch.tensor([[1.0], [2.0], [3.0]])
        >>> result = evaluate_retrieval(query, [7], [0], gallery, [7, 8, 7], [0, 1, 1], max_rank=3)
        >>> result.mAP, result.cmc
        (0.5, tensor([0., 1., 1.]))
    """
    check_max_rank(max_rank)
    labels = RetrievalLabels.of(query_pids, query_camids, gallery_pids, gallery_camids)
    labels.check_sizes(query, gallery)
    protocol = protocol or Protocol()
    counts = count_matches(labels, protocol)  # before the work, not after it
    scores = score_queries(euclidean_blocks(query, gallery), labels, protocol)
    return summarize(scores, counts, labels, max_rank, protocol)


def evaluate_distances(  # noqa: PLR0917
    distances: Tensor | Iterable[Tensor],
    query_pids: LabelsLike,
    query_camids: LabelsLike,
    gallery_pids: LabelsLike,
    gallery_camids: LabelsLike,
    max_rank: int = 50,
    *,
    protocol: Protocol | None = None,
) -> RetrievalResult:
    """`evaluate_retrieval` for distances that are given: re-ranked ones, or those of another metric.

    Args:
        distances: (Q, G), smaller is closer; or an iterable of blocks (R, G) of consecutive queries. Blocks are
            overwritten, a whole tensor is not.
        query_pids: identity of each query image, -1 for none.
        query_camids: camera of each query image.
        gallery_pids: identity of each gallery image, -1 for junk.
        gallery_camids: camera of each gallery image.
        max_rank: length of the CMC.
        protocol: what is dropped and averaged; the defaults of `Protocol` if not given.

    Raises:
        ValueError: as `evaluate_retrieval`, and when the blocks do not add up to Q rows of G.

    Example:
        >>> import torch
        >>> evaluate_distances(torch.tensor([[0.1, 0.2]]), [7], [0], [8, 7], [1, 1]).mAP
        0.5
    """
    check_max_rank(max_rank)
    labels = RetrievalLabels.of(query_pids, query_camids, gallery_pids, gallery_camids)
    protocol = protocol or Protocol()
    counts = count_matches(labels, protocol)
    blocks = given_blocks(distances, len(labels.query_pids), len(labels.gallery_pids))
    return summarize(score_queries(blocks, labels, protocol), counts, labels, max_rank, protocol)
