"""Labelled pairs: the distance of two images of different cameras, and whom they show."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dien_lightning.checks import amount, check_choice, check_int
from dien_lightning.types import UNLABELED, LabelsLike, check_embeddings, whole_numbers

CAMERAS = ("required", "none")
_BLOCK = 512
_OFF_UNIT = 1e-2  # bfloat16 moves the length of a unit vector by less


class Pairs(NamedTuple):
    """N pairs of images.

    Attributes:
        distances: (N,), Euclidean, of L2-normalised embeddings; smaller is closer.
        people: (N, 2), who is on either image.
    """

    distances: np.ndarray
    people: np.ndarray

    @property
    def same(self) -> np.ndarray:  # (N,)
        """Which pairs show one person."""
        return self.people[:, 0] == self.people[:, 1]

    def take(self, rows: np.ndarray) -> Pairs:
        """Some of the pairs, by a mask or by their numbers."""
        return Pairs(self.distances[rows], self.people[rows])

    def count_people(self) -> int:
        """How many people have a pair that shows them twice."""
        return len(np.unique(self.people[self.same, 0]))

    def count_strangers(self) -> int:
        """How many pairs of two people there are; many pairs of images of the same two tell little more than one."""
        low, high = np.sort(np.unique(self.people, return_inverse=True)[1].reshape(self.people.shape)[~self.same]).T
        return len(np.unique(low * len(self.people) * 2 + high))


def pairs_across_cameras(
    embeddings: Tensor,
    pids: LabelsLike,
    camids: LabelsLike,
    *,
    cameras: str = "required",
    max_pairs: int = 500_000,
    seed: int = 0,
) -> Pairs:
    """The pairs of images that different cameras took; images of one camera are alike whoever is on them.

    Args:
        embeddings: (N, D), L2-normalised; in half precision, too.
        pids: who is on each image; -1 is nobody, and makes no pair.
        camids: which camera took it.
        cameras: "required", or "none" if pairs of one camera count too, as where nobody knows the cameras.
        max_pairs: of strangers, and as many of one person; of more, about so many are drawn.
        seed: of the drawing.

    Raises:
        ValueError: there is no pair of one person, or none of strangers; embeddings that are not of unit length, or
            not as many as labels; labels that are no whole numbers.

    Example:
        >>> pairs = pairs_across_cameras(torch.eye(3), [7, 7, 9], [0, 1, 1])
        >>> pairs.people.tolist(), pairs.distances.round(3).tolist()
        ([[7, 7], [7, 9]], [1.414, 1.414])
    """
    check_choice("cameras", cameras, CAMERAS)
    check_int("max_pairs", max_pairs, 1, "it is a number of pairs")
    check_embeddings("embeddings", embeddings)
    labels, places = (
        whole_numbers(name, value, len(embeddings)).cpu() for name, value in (("pids", pids), ("camids", camids))
    )
    known = labels != UNLABELED
    images, labels, places = embeddings.detach().cpu().float()[known], labels[known], places[known]
    lengths = images.norm(dim=1)
    off = ~((lengths - 1).abs() < _OFF_UNIT)  # NaN is not either
    if bool(off.any()):
        raise ValueError(
            f"{int(off.sum())} embeddings are not of length 1, the first has {float(lengths[off][0]):.3g}; calibrate "
            "L2-normalised ones: torch.nn.functional.normalize(embeddings, dim=1)."
        )
    squares = images.square().sum(1)
    starts = range(0, len(labels), _BLOCK)

    def pairs_of_block(start: int) -> tuple[Tensor, Tensor]:  # (b, N), whether a pair counts, and whether it is of one
        rows = slice(start, start + _BLOCK)
        apart = torch.ones(len(labels[rows]), len(labels), dtype=torch.bool).triu(start + 1)  # each pair once
        if cameras == "required":
            apart &= places[rows, None] != places
        return apart, labels[rows, None] == labels

    counts = torch.zeros(2, dtype=torch.long)
    for counting, same in map(pairs_of_block, starts):
        counts += torch.stack([(counting & ~same).sum(), (counting & same).sum()])
    for number, whom in zip(counts.tolist(), ("two people", "one person"), strict=True):
        if not number:
            raise ValueError(
                f"There is no pair of {whom} from different cameras: {amount(len(labels), 'labelled image')} of "
                f"{amount(len(places.unique()), 'camera')}; label more, or count pairs of one camera, too "
                "(cameras=none)."
            )
    shares = (max_pairs / counts).clamp(max=1)  # of strangers, of one person
    generator = torch.Generator().manual_seed(seed)
    distances, people = [], []
    for start in starts:
        counting, same = pairs_of_block(start)
        drawn = counting & (torch.rand(same.shape, generator=generator) < shares[same.long()])
        rows, columns = drawn.nonzero(as_tuple=True)
        block = slice(start, start + _BLOCK)
        squared = squares[block, None] + squares - 2 * images[block] @ images.T  # (b, N)
        distances.append(squared[rows, columns].clamp(min=0).sqrt())
        people.append(torch.stack([labels[rows + start], labels[columns]], dim=1))
    return Pairs(torch.cat(distances).double().numpy(), torch.cat(people).numpy())
