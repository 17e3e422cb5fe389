"""Ranks by counting: how many images stand before each match, without sorting the gallery."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from dien_lightning.retrieval.blocks import RowBlock
from dien_lightning.retrieval.matches import Matching, PersonPairs
from dien_lightning.retrieval.searches import draw_galleries

# One comparison buffer: 8 MB stays in a CPU's cache, a GPU wants fewer and larger steps.
_CPU_COMPARISONS = 2**21
_GPU_COMPARISONS = 2**26
# From that many matches per query on, one sort is cheaper than a comparison per match.
_SORT_FROM = 512


class QueryScores(NamedTuple):
    """A number for each query and each drawn gallery (S of them, 1 where none is drawn), on the CPU; 0 without a match.

    Attributes:
        step: (Q, S) float64, step AP.
        trapezoid: (Q, S) float64, trapezoid AP.
        inverse_penalty: (Q, S) float64, matches / rank of the last match.
        first_rank: (Q, S) int64, rank of the first match.
    """

    step: Tensor
    trapezoid: Tensor
    inverse_penalty: Tensor
    first_rank: Tensor


@torch.no_grad()
def score_queries(blocks: Iterable[RowBlock], matching: Matching) -> QueryScores:
    """Score the queries whose distances are in `blocks`; the others stay 0, so that the shares of processes add up."""
    sets, protocol = matching.sets, matching.protocol
    drawn = draw_galleries(sets, protocol)
    of_draw = [matching if rows is None else Matching(sets.take(gallery=rows), protocol) for rows in drawn]
    step, trapezoid, inverse_penalty = torch.zeros(3, len(sets.query), len(drawn), dtype=torch.float64)
    scores = QueryScores(step, trapezoid, inverse_penalty, torch.zeros_like(step, dtype=torch.int64))
    for start, rows in blocks:
        for draw, columns in enumerate(drawn):
            part = rows if columns is None else rows[:, columns.to(rows.device)]
            for whole, found in zip(scores, _score_rows(part, start, of_draw[draw]), strict=True):
                whole[start : start + len(found), draw] = found
    return scores


def _score_rows(rows: Tensor, start: int, matching: Matching) -> QueryScores:
    """The scores, (R,), of the queries from `start` on by their distances (R, W), which are overwritten."""
    ties = matching.protocol.ties
    if ties == "gallery order":  # a place in the sorted row instead of a distance: nothing ties
        rows = rows.argsort(dim=1, stable=True).argsort(dim=1).double()
    pairs = matching.pairs(start, start + len(rows))
    thresholds = _take_matches(rows, pairs)  # (R, M)
    if ties == "match first":
        thresholds = thresholds.nextafter(thresholds.new_tensor(-torch.inf))  # what ties no longer stands before it
    matching.drop_unseen(rows, start)
    ranks = count_at_most(rows, thresholds, pairs.num_matches).cpu()
    ranks += torch.arange(1, ranks.shape[1] + 1)  # the matches before it, and itself
    first = ranks[:, 0]
    if matching.search:  # the CMC counts people: each by its nearest image
        people = matching.people.to(rows.device)
        nearest = rows.new_full((len(rows), int(people.max()) + 1), torch.inf)
        nearest.scatter_reduce_(1, people.expand_as(rows), rows, "amin")
        first = count_at_most(nearest, thresholds[:, :1], pairs.num_matches.clamp(max=1)).cpu()[:, 0] + 1
    return _score_ranks(ranks, first, pairs.num_matches)


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


def _score_ranks(ranks: Tensor, first: Tensor, num_matches: Tensor) -> QueryScores:
    """Turn the ranks of each query's matches, ascending, into its scores: (R, M), (R,), (R,) -> (R,)."""
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
        first_rank=first * has_match,
    )
