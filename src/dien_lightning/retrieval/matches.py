"""Who is who, and seen by which camera: which gallery images match a query, and which the protocol leaves out."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.sets import EvaluationSets
from dien_lightning.types import UNLABELED

_QUERIES_AT_ONCE = 512
_CAMERAS_SHOWN = 12


class PersonPairs(NamedTuple):
    """Query and gallery images of one person: P pairs, sorted by query, of R consecutive queries.

    Attributes:
        row: (P,) the query's number among the R.
        column: (P,) the gallery image.
        is_match: (P,) True where the pair counts as a match, False where the protocol drops it.
        num_matches: (R,) matches of each query.
        num_same_camera: pairs dropped because the camera is the same.
    """

    row: Tensor
    column: Tensor
    is_match: Tensor
    num_matches: Tensor
    num_same_camera: int


class LabelCounts(NamedTuple):
    """What the protocol does to a query and gallery set, before any distance is known.

    Attributes:
        num_matches: (Q,) gallery images that match each query.
        num_junk: gallery images left out as junk.
        num_same_camera: (query, gallery image) pairs left out because person and camera agree.
    """

    num_matches: Tensor
    num_junk: int
    num_same_camera: int


class Matching:
    """Finds each query's own identity in the gallery; costs a sort of the pids instead of a (Q, G) comparison.

    Args:
        sets: who is who.
        protocol: what is left out.
    """

    def __init__(self, sets: EvaluationSets, protocol: Protocol) -> None:
        self.sets = sets
        self.protocol = protocol
        is_junk = (sets.gallery_pids == UNLABELED) & (protocol.junk == "drop")
        self.junk = is_junk.nonzero().flatten()
        sorted_pids, self._order = sets.gallery_pids.sort(stable=True)
        self._first = torch.searchsorted(sorted_pids, sets.query_pids)
        end = torch.searchsorted(sorted_pids, sets.query_pids, right=True)
        # Nobody's image matches nobody's image, even where junk stays as distractors.
        self._number = torch.where(sets.query_pids == UNLABELED, 0, end - self._first)

    def pairs(self, start: int, stop: int) -> PersonPairs:
        """The pairs of the queries start..stop-1."""
        number = self._number[start:stop]
        row = torch.repeat_interleave(number)
        within = torch.arange(len(row)) - (number.cumsum(0) - number)[row]
        column = self._order[self._first[start:stop][row] + within]
        query = start + row
        is_match = self.sets.gallery_index[column] != self.sets.query_index[query]
        num_same_camera = 0
        if self.protocol.same_camera == "drop":
            same_camera = self.sets.gallery_camids[column] == self.sets.query_camids[query]
            is_match &= ~same_camera
            num_same_camera = int(same_camera.sum())
        num_matches = torch.bincount(row[is_match], minlength=stop - start)
        return PersonPairs(row, column, is_match, num_matches, num_same_camera)

    def drop_junk(self, rows: Tensor) -> None:  # (R, G)
        """Put junk infinitely far away."""
        if len(self.junk):
            rows.index_fill_(1, self.junk.to(rows.device), torch.inf)

    def count(self) -> LabelCounts:
        """How many matches each query has, and what is left out.

        Raises:
            ValueError: when no query has a match; the sentence says why, counts images per camera, and says what to do.
        """
        number = len(self.sets.query)
        parts = [
            self.pairs(start, min(start + _QUERIES_AT_ONCE, number)) for start in range(0, number, _QUERIES_AT_ONCE)
        ]
        num_matches = torch.cat([part.num_matches for part in parts])
        if not num_matches.any():
            raise ValueError(_no_match_sentence(self.sets, is_strangers=not self._number.any()))
        return LabelCounts(num_matches, len(self.junk), sum(part.num_same_camera for part in parts))


def _no_match_sentence(sets: EvaluationSets, is_strangers: bool) -> str:
    """Say which of the ways to have no match it is."""
    cameras = torch.unique(torch.cat([sets.query_camids, sets.gallery_camids])).tolist()
    if bool((sets.gallery_pids == UNLABELED).all()):
        reason = f"all {len(sets.gallery_pids)} gallery images are junk (pid -1)"
        remedy = "Give the gallery its identities."
    elif bool((sets.query_pids == UNLABELED).all()):
        reason = f"all {len(sets.query_pids)} query images have no identity (pid -1)"
        remedy = "Give the queries their identities."
    elif is_strangers:
        query_ids, gallery_ids = sets.query_pids.unique().numel(), sets.gallery_pids.unique().numel()
        reason = f"none of the {query_ids} query identities is among the {gallery_ids} gallery identities (strangers)"
        remedy = "Check that query and gallery come from the same split and number people the same way."
    else:
        seen = "there is only one camera" if len(cameras) == 1 else "each identity's images come from one camera only"
        reason = f"{seen}, and images of the query's identity in the query's camera are not counted"
        remedy = (
            "Check the camera numbers, or evaluate without the same-camera rule: data.cameras=none. In Python it is "
            "Protocol(same_camera='keep')."
        )
    counts = [
        f"camera {camera}: {int((sets.query_camids == camera).sum())} query, "
        f"{int((sets.gallery_camids == camera).sum())} gallery images"
        for camera in cameras[:_CAMERAS_SHOWN]
    ]
    if len(cameras) > _CAMERAS_SHOWN:
        counts.append(f"and {len(cameras) - _CAMERAS_SHOWN} more cameras")
    return f"No query has a match in the gallery: {reason} ({'; '.join(counts)}). {remedy}"
