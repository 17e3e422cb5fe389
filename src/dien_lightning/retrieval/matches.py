"""Who is who, and seen by which camera: which gallery images match a query, and which the protocol leaves out."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dien_lightning.checks import amount
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.searches import CAMERA_SEARCHES
from dien_lightning.retrieval.sets import EvaluationSets
from dien_lightning.types import UNLABELED

_AT_ONCE = 512  # queries
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


class Matching:
    """Finds each query's own identity in the gallery; costs a sort of the pids instead of a (Q, G) comparison.

    Args:
        sets: who is who.
        protocol: what is left out.

    Raises:
        ValueError: the protocol asks for clothes, and somebody's are not known.
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
        self.people = sets.gallery_pids.unique(return_inverse=True)[1]
        self.search = CAMERA_SEARCHES.get(protocol.search)
        if protocol.clothes != "any":
            self._check_clothes()

    def pairs(self, start: int, stop: int) -> PersonPairs:
        """The pairs of the queries start..stop-1."""
        number = self._number[start:stop]
        row = torch.repeat_interleave(number)
        within = torch.arange(len(row)) - (number.cumsum(0) - number)[row]
        column = self._order[self._first[start:stop][row] + within]
        sets, query = self.sets, start + row
        is_match = sets.gallery_index[column] != sets.query_index[query]  # nobody finds itself
        same_camera = sets.gallery_camids[column] == sets.query_camids[query]
        same_camera &= self.protocol.same_camera == "drop"
        is_match &= ~same_camera
        if self.protocol.clothes != "any":
            same_clothes = sets.gallery_clothes[column] == sets.query_clothes[query]
            is_match &= same_clothes == (self.protocol.clothes == "same")
        if self.search:
            asking, beside = self.search.beside
            is_match &= (sets.query_camids[query] != asking) | (sets.gallery_camids[column] != beside)
        num_matches = torch.bincount(row[is_match], minlength=stop - start)
        return PersonPairs(row, column, is_match, num_matches, int(same_camera.sum()))

    def drop_unseen(self, rows: Tensor, start: int) -> None:  # (R, G)
        """Put images infinitely far away that the queries from `start` on are not shown, whomever they show."""
        if len(self.junk):
            rows.index_fill_(1, self.junk.to(rows.device), torch.inf)
        if self.search:
            asking, beside = self.search.beside
            is_asking = self.sets.query_camids[start : start + len(rows), None] == asking
            rows.masked_fill_((is_asking & (self.sets.gallery_camids == beside)).to(rows.device), torch.inf)

    def count(self) -> tuple[Tensor, int]:
        """Each query's matches, (Q,), and how many pairs of one person are dropped for their camera.

        Raises:
            ValueError: when no query has a match; the sentence says why, counts images per camera, and says what to do.
        """
        number = len(self.sets.query)
        parts = [self.pairs(first, min(first + _AT_ONCE, number)) for first in range(0, number, _AT_ONCE)]
        num_matches = torch.cat([part.num_matches for part in parts])
        if not num_matches.any():
            raise ValueError(_no_match_sentence(self.sets, self.protocol, self._number))
        return num_matches, sum(part.num_same_camera for part in parts)

    def _check_clothes(self) -> None:
        sets = self.sets
        asked = sets.query_pids[sets.query_pids != UNLABELED]
        unknown = (sets.query_clothes == UNLABELED) & (sets.query_pids != UNLABELED)
        unknown_there = (sets.gallery_clothes == UNLABELED) & torch.isin(sets.gallery_pids, asked)
        if number := int(unknown.sum() + unknown_there.sum()):
            raise ValueError(
                f"clothes={self.protocol.clothes!r} asks what people wear, and of {amount(number, 'image')} nobody "
                f"knows (clothes -1); give query_clothes and gallery_clothes, or a data set that tells clothes."
            )


def _no_match_sentence(sets: EvaluationSets, protocol: Protocol, number: Tensor) -> str:
    """Say which of the ways to have no match it is; the number is that of the gallery images of each query's person."""
    cameras = torch.unique(torch.cat([sets.query_camids, sets.gallery_camids])).tolist()
    if bool((sets.gallery_pids == UNLABELED).all()):
        reason = f"all {len(sets.gallery_pids)} gallery images are junk (pid -1)"
        remedy = "Give the gallery its identities."
    elif bool((sets.query_pids == UNLABELED).all()):
        reason = f"all {len(sets.query_pids)} query images have no identity (pid -1)"
        remedy = "Give the queries their identities."
    elif not number.any():
        query_ids, gallery_ids = (
            pids[pids != UNLABELED].unique().numel() for pids in (sets.query_pids, sets.gallery_pids)
        )
        reason = f"none of the {query_ids} query identities is among the {gallery_ids} gallery identities (strangers)"
        remedy = "Check that query and gallery come from the same split and number people the same way."
    elif bool((number <= torch.isin(sets.query_index, sets.gallery_index)).all()):
        reason = "the only gallery image of a query's identity is the query itself"
        remedy = "Give the gallery other images of these people."
    elif protocol.same_camera == "keep" or protocol.clothes != "any" or protocol.search != "query":
        reason = f"each image of a query's identity is left out by clothes={protocol.clothes!r}"
        reason += f", search={protocol.search!r} and same_camera={protocol.same_camera!r}"
        remedy = "Check the numbers of cameras and clothes, or choose another protocol."
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
        counts.append(f"and {amount(len(cameras) - _CAMERAS_SHOWN, 'more camera')}")
    return f"No query has a match in the gallery: {reason} ({'; '.join(counts)}). {remedy}"
