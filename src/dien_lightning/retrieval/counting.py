"""Ranks by counting: how many images stand before each match, without sorting the gallery."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from dien_lightning.retrieval.blocks import RowBlock
from dien_lightning.retrieval.labels import PersonIndex, PersonPairs, RetrievalLabels
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.types import UNLABELED

# One comparison buffer: 8 MB stays in a CPU's cache, a GPU wants fewer and larger steps.
_CPU_COMPARISONS = 2**21
_GPU_COMPARISONS = 2**26
# From that many matches per query on, one sort is cheaper than a comparison per match.
_SORT_FROM = 512


class QueryScores(NamedTuple):
    """One row per query, on the CPU; zeros where a query has no match.

    Attributes:
        step: (Q,) float64, step AP.
        trapezoid: (Q,) float64, trapezoid AP.
        inverse_penalty: (Q,) float64, matches / rank of the last match.
        first_ranks: (Q, S) int64, rank of the first match in each of S draws; S is 1 without draws.
    """

    step: Tensor
    trapezoid: Tensor
    inverse_penalty: Tensor
    first_ranks: Tensor


@torch.no_grad()
def score_queries(blocks: Iterable[RowBlock], labels: RetrievalLabels, protocol: Protocol) -> QueryScores:
    """Score the queries whose distances are in `blocks`; the others stay zero, so that the shards of ranks add up."""
    persons = PersonIndex(labels, protocol)
    junk = (labels.gallery_pids == UNLABELED).nonzero().flatten() if protocol.junk == "drop" else None
    draws = SingleShotDraws(labels, protocol) if protocol.single_gallery_shot else None
    ranked: list[tuple[int, Tensor, Tensor, Tensor]] = []  # on the device until the last product is under way
    for start, rows in blocks:
        pairs = persons.pairs(start, start + len(rows))
        thresholds = _take_matches(rows, pairs)  # (R, M)
        if junk is not None:
            rows.index_fill_(1, junk.to(rows.device), torch.inf)
        ranks = count_at_most(rows, thresholds, pairs.num_matches)
        ranks += torch.arange(1, ranks.shape[1] + 1, device=ranks.device)  # the matches before it, and itself
        firsts = ranks[:, :1]
        if draws is not None:
            firsts = draws.first_ranks(start, rows, thresholds, pairs.num_matches.to(rows.device))
        ranked.append((start, ranks, firsts, pairs.num_matches))

    num_queries = len(labels.query_pids)
    step, trapezoid, inverse_penalty = torch.zeros(3, num_queries, dtype=torch.float64)
    first_ranks = torch.zeros(num_queries, protocol.repeats if draws else 1, dtype=torch.int64)
    scores = QueryScores(step, trapezoid, inverse_penalty, first_ranks)
    for start, ranks, firsts, num_matches in ranked:
        for whole, part in zip(scores, _score_ranks(ranks.cpu(), num_matches, firsts.cpu()), strict=True):
            whole[start : start + len(part)] = part
    return scores


def count_at_most(rows: Tensor, thresholds: Tensor, num_thresholds: Tensor) -> Tensor:  # (R, W), (R, M) -> (R, M)
    """How many entries of each row are less than or equal to each of its own thresholds.

    Args:
        rows: (R, W).
        thresholds: (R, M), ascending.
        num_thresholds: (R,) on the CPU: how many thresholds of each row are meant; what stands behind is filler.
    """
    width = rows.shape[1]
    comparisons = _CPU_COMPARISONS if rows.device.type == "cpu" else _GPU_COMPARISONS
    at_once = max(1, comparisons // width)
    # Comparing into floats, not booleans: both the comparison and the sum are then vectorised; sums are exact to 2^24.
    buffer = rows.new_empty(at_once * width)
    sum_dtype = torch.float64 if width > 2**24 else None
    counted = torch.zeros(thresholds.shape, dtype=torch.int64, device=rows.device)
    number, order = num_thresholds.sort(descending=True)  # rows with equally many thresholds go together
    start = 0
    while start < len(rows) and number[start] > 0:
        most = int(number[start])
        chosen = order[start : start + max(1, at_once // most)].to(rows.device)
        start += len(chosen)
        some, limits = rows[chosen], thresholds[chosen, :most]  # (r, W), (r, m)
        if most >= _SORT_FROM:
            counted[chosen, :most] = torch.searchsorted(some.sort(dim=1).values, limits, right=True)
            continue
        for first in range(0, most, at_once):
            part = limits[:, first : first + at_once, None]
            out = buffer[: part.numel() * width].view(len(chosen), part.shape[1], width)
            below = torch.le(some[:, None], part, out=out).sum(-1, dtype=sum_dtype)
            counted[chosen, first : first + part.shape[1]] = below.long()
    return counted


class SingleShotDraws:
    """CUHK03's first protocol: each draw keeps one image per gallery identity and, for each query, one match.

    Args:
        labels: who is who.
        protocol: how many draws, and their seed.
    """

    def __init__(self, labels: RetrievalLabels, protocol: Protocol) -> None:
        generator = torch.Generator().manual_seed(protocol.seed)
        pids = labels.gallery_pids
        self.columns: list[Tensor] = []
        for _ in range(protocol.repeats):
            shuffled = torch.randperm(len(pids), generator=generator)
            shuffled = shuffled[pids[shuffled].argsort(stable=True)]
            is_first = torch.cat([torch.ones(1, dtype=torch.bool), pids[shuffled].diff() != 0])
            self.columns.append(shuffled[is_first])
        self.fractions = torch.rand(len(labels.query_pids), protocol.repeats, generator=generator, dtype=torch.float64)

    def first_ranks(self, start: int, rows: Tensor, thresholds: Tensor, num_matches: Tensor) -> Tensor:
        """Rank of the drawn match in each draw: (R, W), (R, M), (R,) -> (R, S)."""
        fractions = self.fractions[start : start + len(rows)].to(rows.device)
        drawn = (fractions * num_matches[:, None]).long()  # (R, S)
        thresholds = thresholds.gather(1, drawn)
        # The query's own identity is infinite in rows, as junk is: neither counts.
        before = [
            (rows[:, columns.to(rows.device)] <= thresholds[:, [s]]).sum(1) for s, columns in enumerate(self.columns)
        ]
        return torch.stack(before, dim=1) + 1


def _take_matches(rows: Tensor, pairs: PersonPairs) -> Tensor:  # (R, W) -> (R, M)
    """Each query's distances to its matches, ascending; matches and dropped images are then infinite in `rows`."""
    row, column = pairs.row.to(rows.device), pairs.column.to(rows.device)
    match_row = pairs.row[pairs.is_match]
    number = pairs.num_matches
    slot = torch.arange(len(match_row)) - (number.cumsum(0) - number)[match_row]
    thresholds = rows.new_full((len(rows), max(1, int(number.max()))), torch.inf)
    is_match = pairs.is_match.to(rows.device)
    thresholds[match_row.to(rows.device), slot.to(rows.device)] = rows[row[is_match], column[is_match]]
    rows[row, column] = torch.inf
    return thresholds.sort(dim=1).values


def _score_ranks(ranks: Tensor, num_matches: Tensor, first_ranks: Tensor) -> QueryScores:
    """Turn the ranks of each query's matches, ascending, into its scores: (R, M), (R,), (R, S)."""
    found = torch.arange(1, ranks.shape[1] + 1)
    precision = found.double() / ranks  # (R, M)
    before = torch.where(ranks > 1, (found - 1).double() / (ranks - 1).clamp(min=1), 1.0)
    last = (num_matches - 1).clamp(min=0)[:, None]  # where the list of ranks ends; filler stands behind
    has_match = num_matches > 0
    number = num_matches.clamp(min=1).double()

    def mean(values: Tensor) -> Tensor:  # a running sum: how much filler there is must not change a bit
        return values.cumsum(1).gather(1, last)[:, 0] / number * has_match

    return QueryScores(
        step=mean(precision),
        trapezoid=mean((precision + before) / 2),
        inverse_penalty=num_matches.double() / ranks.gather(1, last)[:, 0],
        first_ranks=first_ranks * has_match[:, None],
    )
