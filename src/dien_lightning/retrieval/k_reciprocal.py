"""k-reciprocal encodings in bounded memory: who has whom among their neighbours' neighbours."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dien_lightning.retrieval.blocks import squared_lengths
from dien_lightning.retrieval.neighbors import Neighbors, squared_of_pairs

IMAGES_AT_ONCE = 2048  # whose neighbours are compared


class SparseRows(NamedTuple):
    """The non-zero entries of a matrix, row after row.

    Attributes:
        offsets: (N + 1,) where each row begins.
        columns: (E,) the column of each entry.
        values: (E,) the entry.
    """

    offsets: Tensor
    columns: Tensor
    values: Tensor

    @classmethod
    def of(cls, num_rows: int, rows: Tensor, columns: Tensor, values: Tensor) -> SparseRows:
        """From entries that are sorted by row."""
        numbers = torch.bincount(rows, minlength=num_rows)
        return cls(torch.nn.functional.pad(numbers.cumsum(0), (1, 0)), columns, values)

    def entries_of(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The entries of each of these rows: (n,) -> which of the n, and which entry, both (P,)."""
        numbers = self.offsets[rows + 1] - self.offsets[rows]
        owner = torch.repeat_interleave(numbers)
        within = torch.arange(len(owner), device=owner.device) - (numbers.cumsum(0) - numbers)[owner]
        return owner, self.offsets[rows][owner] + within

    def by_column(self, first_row: int = 0) -> SparseRows:
        """A square matrix's rows from `first_row` on, turned: who has each column, counted from there."""
        first = int(self.offsets[first_row])
        columns, order = self.columns[first:].sort(stable=True)
        rows = torch.repeat_interleave(self.offsets[first_row:].diff())
        return SparseRows.of(len(self.offsets) - 1, columns, rows[order], self.values[first:][order])


def half(k1: int) -> int:
    """How many neighbours of a neighbour may join."""
    return round(k1 / 2)


def encode(embedding: Tensor, neighbors: Neighbors, scale: Tensor, k1: int, k2: int) -> SparseRows:
    """Each image's weights on its neighbourhood; they sum to 1 (Zhong et al., 2017; see `k_reciprocal_blocks`).

    Args:
        embedding: (N, D).
        neighbors: max(k1 + 1, k2) of each image, or all there are.
        scale: (N,) weights are exp(-squared distance / scale).
        k1: neighbours that encode an image.
        k2: nearest images whose encodings are averaged; 1 averages nothing.
    """
    encoding = _weights(embedding, neighbors, scale, k1)
    return encoding if k2 == 1 else _average(encoding, neighbors.numbers[:, :k2])


def _is_reciprocal(neighbors: Tensor) -> Tensor:  # (N, k) -> (N, k)
    """Whether an image is among the neighbours of each of its neighbours."""
    parts = []
    for numbers in torch.arange(len(neighbors), device=neighbors.device).split(IMAGES_AT_ONCE):
        theirs = neighbors[neighbors[numbers]]  # (n, k, k)
        parts.append((theirs == numbers[:, None, None]).any(-1))
    return torch.cat(parts)


def _weights(embedding: Tensor, neighbors: Neighbors, scale: Tensor, k1: int) -> SparseRows:
    """Each image's weights on its expanded set of k-reciprocal neighbours."""
    lengths = squared_lengths(embedding)
    nearest = neighbors.numbers[:, : k1 + 1]
    is_reciprocal = _is_reciprocal(nearest)
    nearer = nearest[:, : half(k1) + 1]
    is_half_reciprocal = _is_reciprocal(nearer)
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for numbers in torch.arange(len(nearest), device=nearest.device).split(IMAGES_AT_ONCE):
        own, is_own = nearest[numbers], is_reciprocal[numbers]  # (n, k)
        theirs, is_theirs = nearer[own], is_half_reciprocal[own]  # (n, k, h)
        own_set = own.where(is_own, -1)
        is_shared = is_theirs & (theirs[..., None] == own_set[:, None, None]).any(-1)
        joins = is_own & (3 * is_shared.sum(-1) > 2 * is_theirs.sum(-1))
        joining = theirs.where(joins[..., None] & is_theirs, -1)
        members = torch.cat([own_set, joining.flatten(1)], dim=1).sort(dim=1).values
        is_new = members >= 0
        is_new[:, 1:] &= members[:, 1:] != members[:, :-1]
        row, slot = is_new.nonzero(as_tuple=True)
        column = members[row, slot]
        weights = torch.exp(-_squared(embedding, lengths, neighbors, numbers[row], column) / scale[numbers[row]])
        total = weights.new_zeros(len(numbers)).index_add_(0, row, weights)
        parts.append((numbers[row], column, weights / total[row]))
    return SparseRows.of(len(nearest), *(torch.cat(part) for part in zip(*parts, strict=True)))


def _squared(embedding: Tensor, lengths: Tensor, neighbors: Neighbors, rows: Tensor, columns: Tensor) -> Tensor:
    """Squared distances of pairs, (P,) sorted by row: looked up where they are neighbours, else taken."""
    is_there, place = (neighbors.numbers[rows] == columns[:, None]).max(1)
    squared = neighbors.squared[rows, place]
    others = (~is_there).nonzero().squeeze(1)
    if len(others):
        squared[others] = squared_of_pairs(embedding, lengths, rows[others], columns[others])
    return squared


def _average(encoding: SparseRows, nearest: Tensor) -> SparseRows:  # (N, N), (N, k2) -> (N, N)
    """Average the encodings of each image's nearest images: the paper's local query expansion."""
    number, k2 = nearest.shape
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for numbers in torch.arange(number, device=nearest.device).split(IMAGES_AT_ONCE):
        owner, entry = encoding.entries_of(nearest[numbers].flatten())
        keys, place = torch.unique((owner // k2) * number + encoding.columns[entry], return_inverse=True)
        values = encoding.values.new_zeros(len(keys)).index_add_(0, place, encoding.values[entry] / k2)
        parts.append((numbers[keys // number], keys % number, values))
    return SparseRows.of(number, *(torch.cat(part) for part in zip(*parts, strict=True)))
