"""`EvaluationSets`: query and gallery with what is known of each image; checked once, then handed from step to step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from dien_lightning.types import UNLABELED, check_embeddings, whole_numbers

_LABELS = ("pids", "camids", "index", "clothes", "tracklets")


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluationSets:
    """Q query and G gallery images: their embeddings, and numbers that say what each image shows.

    The numbers may be tensors on any device, arrays or lists; they are kept as int64 tensors on the CPU.

    Args:
        query: (Q, D) embeddings as they are; L2-normalise them first if you want the order of the cosine. Where
            distances are given, D may be 0.
        gallery: (G, D) embeddings on the same device.
        query_pids, gallery_pids: identities; -1 is nobody, in the gallery junk.
        query_camids, gallery_camids: cameras.
        query_index, gallery_index: `Sample.index`: the same index is the same image, which never finds itself. Left
            out, it counts through query and gallery.
        query_clothes, gallery_clothes: what people wear, numbered over all people; -1 (left out: all) is not known.
        query_tracklets, gallery_tracklets: which sequence each image is a frame of; -1 (left out: all) stands alone.
        num_junk: gallery images that were left out as junk on the way here.
        num_doubles: images that had arrived more than once.

    Raises:
        ValueError: for embeddings and numbers that do not fit one another.

    Example:
        >>> gallery = torch.tensor([[1.0], [2.0]])
        >>> sets = EvaluationSets(query=torch.tensor([[0.0]]), query_pids=[7], query_camids=[0],
        ...                       gallery=gallery, gallery_pids=[8, 7], gallery_camids=[1, 1])
        >>> sets.take(gallery=[1]).gallery_pids
        tensor([7])
    """

    query: Tensor
    query_pids: Tensor
    query_camids: Tensor
    gallery: Tensor
    gallery_pids: Tensor
    gallery_camids: Tensor
    query_index: Tensor = None  # type: ignore[assignment]  # what is left out is filled in by __post_init__
    gallery_index: Tensor = None  # type: ignore[assignment]
    query_clothes: Tensor = None  # type: ignore[assignment]
    gallery_clothes: Tensor = None  # type: ignore[assignment]
    query_tracklets: Tensor = None  # type: ignore[assignment]
    gallery_tracklets: Tensor = None  # type: ignore[assignment]
    num_junk: int = 0
    num_doubles: int = 0

    def __post_init__(self) -> None:
        if (self.query_index is None) != (self.gallery_index is None):
            raise ValueError("One of query_index and gallery_index is given; give both or neither.")
        first = 0
        for role in ("query", "gallery"):
            number = self._check_embedding(role)
            for name in _names(role):
                value = getattr(self, name)
                if value is None:
                    value = torch.arange(first, first + number) if "index" in name else [UNLABELED] * number
                object.__setattr__(self, name, whole_numbers(name, value, number).cpu().contiguous())
            first += number
        if self.query.shape[1] != self.gallery.shape[1]:
            raise ValueError(
                f"query embeddings are {self.query.shape[1]} wide and gallery embeddings {self.gallery.shape[1]}; "
                "take both from the same network."
            )
        if self.query.device != self.gallery.device:
            raise ValueError(
                f"query is on {self.query.device} and gallery on {self.gallery.device}; move them to one device."
            )

    def take(self, *, query: Any = None, gallery: Any = None) -> EvaluationSets:
        """Some of the images, by their numbers or by a mask; None takes all of them."""
        kept: dict[str, Any] = {}
        for role, rows in (("query", query), ("gallery", gallery)):
            for name in (role, *_names(role)) if rows is not None else ():
                value: Tensor = getattr(self, name)
                kept[name] = value[torch.as_tensor(rows).to(value.device)]
        return replace(self, **kept)

    def join(self) -> EvaluationSets:
        """Query and gallery together, as query and as gallery."""
        joined: dict[str, Any] = {}
        for names in zip(("query", *_names("query")), ("gallery", *_names("gallery")), strict=True):
            joined |= dict.fromkeys(names, torch.cat([getattr(self, name) for name in names]))
        return replace(self, **joined)

    def normalized(self, *roles: str) -> EvaluationSets:
        """The sets with embeddings of unit length, of "query", "gallery" or both."""
        unit: dict[str, Any] = {role: normalize(getattr(self, role), dim=1) for role in roles}
        return replace(self, **unit)

    def check_apart(self, step: str) -> None:
        """Raise a ValueError where images are query and gallery at once: this step would let them find themselves."""
        if both := int(torch.isin(self.query_index, self.gallery_index).sum()):
            raise ValueError(f"{step} needs a gallery apart from the queries; {both} images are both (leave-one-out).")

    def groups(self, role: str, *labels: str) -> Tensor:  # (N,)
        """A number for each group of images that agree in these labels; one whose first label is -1 is alone."""
        columns = [getattr(self, f"{role}_{label}") for label in labels]
        columns.append(torch.arange(len(columns[0])).where(columns[0] == UNLABELED, UNLABELED))
        return torch.unique(torch.stack(columns, dim=1), dim=0, return_inverse=True)[1]

    def _check_embedding(self, role: str) -> int:
        """How many embeddings there are; gradients are cut off."""
        embedding = getattr(self, role)
        check_embeddings(role, embedding, smallest_width=0)
        if not len(embedding):
            raise ValueError(f"The {role} set is empty; retrieval needs at least one {role} image.")
        object.__setattr__(self, role, embedding.detach())
        return len(embedding)


def _names(role: str) -> list[str]:
    return [f"{role}_{label}" for label in _LABELS]
