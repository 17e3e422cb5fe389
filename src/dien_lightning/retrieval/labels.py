"""Who is who, and seen by which camera: what the protocol reads off the labels before any distance is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.types import UNLABELED

LabelsLike = Tensor | np.ndarray | Sequence[int]

_CAMERAS_SHOWN = 12


class RetrievalLabels(NamedTuple):
    """Identities and cameras of Q query and G gallery images: int64 on the CPU."""

    query_pids: Tensor
    query_camids: Tensor
    gallery_pids: Tensor
    gallery_camids: Tensor

    @classmethod
    def of(
        cls, query_pids: LabelsLike, query_camids: LabelsLike, gallery_pids: LabelsLike, gallery_camids: LabelsLike
    ) -> RetrievalLabels:
        """Take tensors on any device, arrays or lists.

        Raises:
            ValueError: when one is not a row of whole numbers, or a set's pids and camids differ in number.
        """
        given = {
            "query_pids": query_pids,
            "query_camids": query_camids,
            "gallery_pids": gallery_pids,
            "gallery_camids": gallery_camids,
        }
        labels = cls(*(_whole_numbers(name, value) for name, value in given.items()))
        for name, value in zip(given, labels, strict=True):
            if value.ndim != 1:
                raise ValueError(f"{name} has shape {tuple(value.shape)}; give one number per image.")
        for name in ("query", "gallery"):
            pids, camids = (len(getattr(labels, f"{name}_{kind}")) for kind in ("pids", "camids"))
            if pids != camids:
                raise ValueError(
                    f"{name}_pids has {pids} entries and {name}_camids {camids}; give both for each image."
                )
            if pids == 0:
                raise ValueError(f"The {name} set is empty; retrieval needs at least one {name} image.")
        return labels

    def check_sizes(self, query: Tensor, gallery: Tensor) -> None:
        """Raise ValueError unless each embedding has its labels."""
        for name, embedding, pids in (("query", query, self.query_pids), ("gallery", gallery, self.gallery_pids)):
            if len(embedding) != len(pids):
                raise ValueError(f"{name} has {len(embedding)} embeddings and {len(pids)} pids; give one pid for each.")


def _whole_numbers(name: str, value: LabelsLike) -> Tensor:
    try:
        tensor = torch.as_tensor(value).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} cannot be read as whole numbers: {error}; give one for each image.") from None
    if tensor.is_floating_point() and not torch.equal(tensor, tensor.round()):  # NaN is never equal
        raise ValueError(f"{name} holds numbers that are not whole; identities and cameras are.")
    return tensor.to(torch.int64).contiguous()


class PersonPairs(NamedTuple):
    """Query and gallery images of one person: P pairs, sorted by query, of R consecutive queries.

    Attributes:
        row: (P,) the query's number among the R.
        column: (P,) the gallery image.
        is_match: (P,) True where the pair counts as a match, False where the protocol drops it.
        num_matches: (R,) matches of each query.
    """

    row: Tensor
    column: Tensor
    is_match: Tensor
    num_matches: Tensor


class PersonIndex:
    """Finds each query's own identity in the gallery; costs a sort of the pids instead of a (Q, G) comparison.

    Args:
        labels: who is who.
        protocol: whether the same camera is dropped.
    """

    def __init__(self, labels: RetrievalLabels, protocol: Protocol) -> None:
        self.labels = labels
        self.drop_same_camera = protocol.same_camera == "drop"
        sorted_pids, self._order = labels.gallery_pids.sort(stable=True)
        self._first = torch.searchsorted(sorted_pids, labels.query_pids)
        end = torch.searchsorted(sorted_pids, labels.query_pids, right=True)
        # Nobody's image matches nobody's image, even where junk stays as distractors.
        self._number = torch.where(labels.query_pids == UNLABELED, 0, end - self._first)

    def pairs(self, start: int, stop: int) -> PersonPairs:
        """The pairs of the queries start..stop-1."""
        number = self._number[start:stop]
        row = torch.repeat_interleave(number)
        within = torch.arange(len(row)) - (number.cumsum(0) - number)[row]
        column = self._order[self._first[start:stop][row] + within]
        is_match = torch.ones(len(row), dtype=torch.bool)
        if self.drop_same_camera:
            is_match = self.labels.gallery_camids[column] != self.labels.query_camids[start:stop][row]
        return PersonPairs(row, column, is_match, torch.bincount(row[is_match], minlength=stop - start))


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


def check_matches(
    query_pids: LabelsLike,
    query_camids: LabelsLike,
    gallery_pids: LabelsLike,
    gallery_camids: LabelsLike,
    *,
    protocol: Protocol | None = None,
) -> LabelCounts:
    """Make sure that at least one query has a match: to be called before hours of training, labels are enough.

    Args:
        query_pids: identity of each query image, -1 for none.
        query_camids: camera of each query image.
        gallery_pids: identity of each gallery image, -1 for junk.
        gallery_camids: camera of each gallery image.
        protocol: what is dropped; the defaults of `Protocol` if not given.

    Raises:
        ValueError: when no query has a match; the sentence says why, counts images per camera, and says what to do.

    Example:
        >>> check_matches([1, 2], [0, 0], [1, 2, 2], [0, 1, 1]).num_matches
        tensor([0, 2])
    """
    labels = RetrievalLabels.of(query_pids, query_camids, gallery_pids, gallery_camids)
    return count_matches(labels, protocol or Protocol())


def count_matches(labels: RetrievalLabels, protocol: Protocol) -> LabelCounts:
    """`check_matches` for labels that are already in hand."""
    is_junk = labels.gallery_pids == UNLABELED
    same_person = _count_equal(labels.query_pids, labels.gallery_pids).where(labels.query_pids != UNLABELED, 0)
    dropped = torch.zeros_like(same_person)
    if protocol.same_camera == "drop":
        _, camids = torch.unique(torch.cat([labels.query_camids, labels.gallery_camids]), return_inverse=True)
        query_camids, gallery_camids = camids.split([len(labels.query_camids), len(labels.gallery_camids)])
        num_cameras = int(camids.max()) + 1
        dropped = _count_equal(
            labels.query_pids * num_cameras + query_camids, labels.gallery_pids * num_cameras + gallery_camids
        ).where(labels.query_pids != UNLABELED, 0)
    num_matches = same_person - dropped
    if not num_matches.any():
        raise ValueError(_no_match_sentence(labels, num_same_person=int(same_person.sum())))
    return LabelCounts(
        num_matches=num_matches,
        num_junk=int(is_junk.sum()) if protocol.junk == "drop" else 0,
        num_same_camera=int(dropped.sum()),
    )


def _count_equal(wanted: Tensor, values: Tensor) -> Tensor:
    """How many of `values` equal each of `wanted`."""
    values = values.sort().values
    return torch.searchsorted(values, wanted, right=True) - torch.searchsorted(values, wanted)


def _no_match_sentence(labels: RetrievalLabels, num_same_person: int) -> str:
    """Say which of the ways to have no match it is."""
    cameras = torch.unique(torch.cat([labels.query_camids, labels.gallery_camids])).tolist()
    if bool((labels.gallery_pids == UNLABELED).all()):
        reason = f"all {len(labels.gallery_pids)} gallery images are junk (pid -1)"
        remedy = "Give the gallery its identities."
    elif bool((labels.query_pids == UNLABELED).all()):
        reason = f"all {len(labels.query_pids)} query images have no identity (pid -1)"
        remedy = "Give the queries their identities."
    elif num_same_person == 0:
        query_ids, gallery_ids = labels.query_pids.unique().numel(), labels.gallery_pids.unique().numel()
        reason = f"none of the {query_ids} query identities is among the {gallery_ids} gallery identities (strangers)"
        remedy = "Check that query and gallery come from the same split and number people the same way."
    else:
        seen = "there is only one camera" if len(cameras) == 1 else "each identity's images come from one camera only"
        reason = f"{seen}, and images of the query's identity in the query's camera are not counted"
        remedy = "Check the camera numbers, or evaluate without the same-camera rule: data.cameras=none."
    counts = [
        f"camera {camera}: {int((labels.query_camids == camera).sum())} query, "
        f"{int((labels.gallery_camids == camera).sum())} gallery images"
        for camera in cameras[:_CAMERAS_SHOWN]
    ]
    if len(cameras) > _CAMERAS_SHOWN:
        counts.append(f"and {len(cameras) - _CAMERAS_SHOWN} more cameras")
    return f"No query has a match in the gallery: {reason} ({'; '.join(counts)}). {remedy}"
