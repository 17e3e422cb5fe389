"""What an evaluation says: the figures, what was counted, and the protocol they were computed by."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dien_lightning.retrieval.matches import Matching
from dien_lightning.retrieval.query_scores import QueryScores


class RetrievalResult(NamedTuple):
    """How well queries found their person; fractions in [0, 1], higher is better.

    Attributes:
        mAP: mean average precision; step AP unless the protocol says trapezoid.
        mAP_trapezoid: the same with the trapezoid AP of the official Market-1501 script.
        mINP: mean inverse negative penalty (Ye et al., 2021): matches / rank of the last one.
        cmc: (max_rank,) fraction of queries whose first match is among the first k images, at k - 1.
        rank_counts: (max_rank,) the number of those queries, summed over the draws of a protocol that has some.
        average_precision: (Q,) float64, of each query; NaN for one without a match. `mAP` is the mean of the others, or
            of all with 0 in its place where the protocol counts all queries.
        num_valid_queries: queries that have a match.
        num_queries: all queries.
        num_gallery: gallery images that are not junk; where the protocol has draws, each ranks some of them.
        num_junk: gallery images dropped as junk.
        num_same_camera: (query, gallery image) pairs dropped because person and camera agree.
        num_doubles: images that had arrived more than once and counted once.
        protocol: the rules these figures were computed by: `Protocol.describe()`.
    """

    mAP: float
    mAP_trapezoid: float
    mINP: float
    cmc: Tensor
    rank_counts: Tensor
    average_precision: Tensor
    num_valid_queries: int
    num_queries: int
    num_gallery: int
    num_junk: int
    num_same_camera: int
    num_doubles: int
    protocol: dict[str, str | int | bool]

    def rank(self, k: int) -> float:
        """Rank-k: the fraction of queries with a match among the first k images; a ValueError beyond max_rank."""
        if not 1 <= k <= len(self.rank_counts):
            raise ValueError(f"rank {k} was not computed; it lies between 1 and max_rank={len(self.rank_counts)}.")
        queries = self.num_queries if self.protocol["queries"] == "all" else self.num_valid_queries
        return int(self.rank_counts[k - 1]) / (queries * max(1, int(self.protocol["draws"])))

    def figures(self) -> dict[str, float]:
        """rank1, rank5, rank10 (as far as max_rank goes), mAP, mAP_trapezoid, mINP: what results.json holds."""
        ranks = {f"rank{k}": self.rank(k) for k in (1, 5, 10) if k <= len(self.rank_counts)}
        return {**ranks, "mAP": self.mAP, "mAP_trapezoid": self.mAP_trapezoid, "mINP": self.mINP}

    def describe(self) -> dict[str, str | int | bool]:
        """The protocol and what it counted, as plain values."""
        counts = {name: getattr(self, name) for name in self._fields if name.startswith("num_")}
        return {**self.protocol, **counts}


def summarize(
    scores: QueryScores, matching: Matching, num_matches: Tensor, num_same_camera: int, max_rank: int
) -> RetrievalResult:
    """Average the queries' scores as the protocol says."""
    sets, protocol, num_junk = matching.sets, matching.protocol, len(matching.junk)
    valid = num_matches > 0
    num_queries, num_valid_queries = len(valid), int(valid.sum())
    denominator = num_queries if protocol.queries == "all" else num_valid_queries
    first_rank = scores.first_rank[valid].flatten()
    at_rank = torch.bincount(first_rank.clamp(max=max_rank + 1), minlength=max_rank + 2)
    rank_counts = at_rank[1 : max_rank + 1].cumsum(0)
    of_query = [score.mean(1) for score in scores[:3]]  # (Q,), over the draws
    step, trapezoid, inverse_penalty = (float(score.sum()) / denominator for score in of_query)
    is_trapezoid = protocol.average_precision == "trapezoid"
    return RetrievalResult(
        mAP=trapezoid if is_trapezoid else step,
        mAP_trapezoid=trapezoid,
        mINP=inverse_penalty,
        cmc=(rank_counts.double() / (denominator * scores.step.shape[1])).float(),
        rank_counts=rank_counts,
        average_precision=of_query[int(is_trapezoid)].where(valid, torch.nan),
        num_valid_queries=num_valid_queries,
        num_queries=num_queries,
        num_gallery=len(sets.gallery) - num_junk,
        num_junk=sets.num_junk + num_junk,
        num_same_camera=num_same_camera,
        num_doubles=sets.num_doubles,
        protocol=protocol.describe(),
    )
