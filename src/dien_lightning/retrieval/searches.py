"""Who asks whom: the protocols that choose queries and gallery themselves, or draw galleries."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.sets import EvaluationSets
from dien_lightning.types import UNLABELED


class CameraSearch(NamedTuple):
    """A search between some cameras.

    Attributes:
        query: cameras that ask.
        gallery: cameras that are looked through.
        beside: a query camera, and the gallery camera at the same place, whose images it is not shown.
    """

    query: tuple[int, ...]
    gallery: tuple[int, ...]
    beside: tuple[int, int]


# SYSU-MM01 (Wu et al., 2017): cameras 3 and 6 are infrared, 1, 2 and 3 stand indoors, 2 and 3 at the same place.
CAMERA_SEARCHES = {
    "sysu_all": CameraSearch(query=(3, 6), gallery=(1, 2, 4, 5), beside=(3, 2)),
    "sysu_indoor": CameraSearch(query=(3, 6), gallery=(1, 2), beside=(3, 2)),
}


def choose_images(sets: EvaluationSets, protocol: Protocol) -> EvaluationSets:
    """The images that ask and are looked through under the protocol; chosen sets stay as they are.

    Raises:
        ValueError: no image comes from the cameras of the search, or nobody who could ask has an identity.
    """
    if protocol.search == "leave_one_out":
        if not torch.isin(sets.query_index, sets.gallery_index).all():
            sets = sets.join()
        return sets.take(query=sets.query_pids != UNLABELED)
    search = CAMERA_SEARCHES.get(protocol.search)
    if search is None:
        return sets
    kept = {}
    for role, wanted in (("query", search.query), ("gallery", search.gallery)):
        camids: Tensor = getattr(sets, f"{role}_camids")
        kept[role] = torch.isin(camids, torch.tensor(wanted))
        if not kept[role].any():
            raise ValueError(
                f"search={protocol.search!r} takes {role} images of the cameras {', '.join(map(str, wanted))}; this "
                f"{role} has cameras {', '.join(map(str, camids.unique().tolist()))}."
            )
    return sets.take(**kept)


def draw_galleries(sets: EvaluationSets, protocol: Protocol) -> list[Tensor | None]:
    """Numbers of each draw's gallery images, ascending: `shots` of each person, camera and outfit, or all there are.

    None is the whole gallery.
    """
    if not protocol.draws:
        return [None]
    group = sets.groups("gallery", "pids", "camids", "clothes")
    generator = torch.Generator().manual_seed(protocol.seed)
    drawn: list[Tensor | None] = []
    for _ in range(protocol.draws):
        order = torch.randperm(len(group), generator=generator)
        groups, by_group = group[order].sort(stable=True)
        place = torch.arange(len(group)) - torch.searchsorted(groups, groups)  # of each image in its group
        drawn.append(order[by_group[place < protocol.shots]].sort().values)
    return drawn
