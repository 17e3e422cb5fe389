"""The first k gallery images of each query: what a report shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from dien_lightning.checks import check_int
from dien_lightning.retrieval.blocks import euclidean_blocks, given_blocks
from dien_lightning.retrieval.matches import Matching
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.searches import choose_images
from dien_lightning.retrieval.sets import EvaluationSets


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


@torch.no_grad()
def rank_gallery(
    sets: EvaluationSets,
    distances: Tensor | Iterable[Tensor] | None = None,
    *,
    k: int = 10,
    protocol: Protocol | None = None,
) -> RankedLists:
    """The first k gallery images of each query, in the order of `evaluate_sets`, after dropping what it drops.

    Where the protocol does not order a tie, the image with the lower number comes first.

    Args:
        sets: query and gallery, tracklets pooled; `sets.take(query=rows)` lists some queries. Where the protocol's
            search chooses images, those it has chosen: `choose_images(sets, protocol)`, or `RetrievalMetric.gather()`.
        distances: as `evaluate_sets` takes them; None is the Euclidean distance of the embeddings.
        k: length of the lists.
        protocol: what is dropped; the defaults of `Protocol` if not given. Lists are of the whole gallery: `draws` are
            not looked at.

    Raises:
        ValueError: for distances that do not fit the sets, a length below 1, and sets that the protocol's search would
            change.

    Example:
        >>> sets = EvaluationSets(query=torch.tensor([[0.0]]), query_pids=[7], query_camids=[0],
        ...     gallery=torch.tensor([[1.0], [2.0], [-2.0]]), gallery_pids=[7, 7, 8], gallery_camids=[0, 1, 1])
        >>> rank_gallery(sets, k=2)
        RankedLists(indices=tensor([[2, 1]]), distances=tensor([[2., 2.]]), is_match=tensor([[False,  True]]))
    """
    check_int("k", k, 1, "it is the number of images in a list")
    protocol = Protocol.given(protocol)
    chosen = choose_images(sets, protocol)
    if (len(chosen.query), len(chosen.gallery)) != (len(sets.query), len(sets.gallery)):
        raise ValueError(
            f"search={protocol.search!r} makes {len(chosen.query)} queries and {len(chosen.gallery)} gallery images of "
            f"{len(sets.query)} and {len(sets.gallery)}, so that a list's numbers would be those of other images; give "
            "choose_images(sets, protocol), whose query_index and gallery_index say which images they are."
        )
    matching = Matching(sets, protocol)
    blocks = euclidean_blocks(sets.query, sets.gallery) if distances is None else given_blocks(distances, sets)
    parts: list[RankedLists] = []
    for start, rows in blocks:
        pairs = matching.pairs(start, start + len(rows))
        row, column, is_match = (part.to(rows.device) for part in (pairs.row, pairs.column, pairs.is_match))
        rows[row[~is_match], column[~is_match]] = torch.inf
        matching.drop_unseen(rows, start)
        matches = torch.zeros(rows.shape, dtype=torch.bool, device=rows.device)
        matches[row[is_match], column[is_match]] = True
        parts.append(_first_k(rows, matches, k, protocol.ties))
    lists = RankedLists(*(torch.cat(fields) for fields in zip(*parts, strict=True)))
    if distances is not None:
        return lists
    # The blocks leave out the query's own length.
    lengths = sets.query.to(lists.distances).square().sum(1, keepdim=True)
    return lists._replace(distances=(lists.distances + lengths).clamp(min=0).sqrt())


def _first_k(rows: Tensor, matches: Tensor, k: int, ties: str) -> RankedLists:  # (R, G), (R, G) -> (R, k)
    """Order by distance, then as ties are ordered, then by number."""
    found = min(k, rows.shape[1])
    later = {"non-match first": matches, "match first": ~matches, "gallery order": torch.zeros_like(matches)}[ties]
    distances, indices = rows.topk(found, dim=1, largest=False)
    # topk takes any of the images at the k-th distance: where more stand there than it took, choose again.
    at_last = rows == distances[:, -1:]
    crowded = (at_last.sum(1) > (distances == distances[:, -1:]).sum(1)) & distances[:, -1].isfinite()
    for row in crowded.nonzero().flatten().tolist():
        candidates = at_last[row].nonzero().flatten()
        candidates = candidates[later[row, candidates].byte().argsort(stable=True)]
        is_last = distances[row] == distances[row, -1]
        indices[row, is_last] = candidates[: int(is_last.sum())]
    indices = indices.sort(dim=1).values
    indices = indices.gather(1, later.gather(1, indices).byte().argsort(dim=1, stable=True))
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
