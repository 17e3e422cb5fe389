"""The fixed gallery on which evaluators are compared: few images, and every rule that they differ by."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch


class Images(NamedTuple):
    """Identity, camera and embedding (N, 2) of each image."""

    pids: np.ndarray
    camids: np.ndarray
    points: np.ndarray


class Case(NamedTuple):
    """Queries and gallery with what follows from them, (Q, G) each.

    Attributes:
        query: who asks.
        gallery: who is searched.
        distances: float32.
        match: whether it is the same person.
        kept: whether a caller who knows cameras and junk hands the image over.
    """

    query: Images
    gallery: Images
    distances: np.ndarray
    match: np.ndarray
    kept: np.ndarray

    def arguments(self) -> dict[str, Any]:
        """What `evaluate_retrieval` takes."""
        given: dict[str, Any] = {}
        for name, images in (("query", self.query), ("gallery", self.gallery)):
            given |= {
                name: torch.from_numpy(images.points),
                f"{name}_pids": images.pids,
                f"{name}_camids": images.camids,
            }
        return given


def draw(apart: bool) -> Case:
    """Six queries and a gallery of 16 on a line, drawn once with seed 114.

    Person 4 was seen by one camera alone, nobody in the gallery is person 5; four images are the query's own camera's.

    Args:
        apart: lift image i off the line by 0.05 sqrt(i), so that no distances tie and ties go by the gallery's order.
    """
    places = np.array([4, 3, 5, 3, 3, 16, 8, 6, 5, 2, 10, 9, 13, 3, 10, 15], dtype=np.float32)
    height = 0.05 * np.sqrt(np.arange(len(places))) * apart
    gallery = Images(
        pids=np.array([2, 1, 1, 2, -1, 6, 3, -1, 1, 0, 0, -1, 4, 2, 3, 0]),
        camids=np.array([1, 1, 1, 3, 2, 3, 1, 1, 2, 3, 1, 2, 1, 2, 2, 3]),
        points=np.stack([places, height], axis=1).astype(np.float32),
    )
    query = Images(
        pids=np.array([1, 2, 3, 4, 5, 6]),
        camids=np.array([1, 3, 3, 1, 1, 2]),
        points=np.array([[3, 0], [7, 0], [10, 0], [12, 0], [15, 0], [18, 0]], dtype=np.float32),
    )
    match = query.pids[:, None] == gallery.pids
    same_camera = match & (query.camids[:, None] == gallery.camids)
    distances = np.linalg.norm(query.points[:, None] - gallery.points, axis=2)
    return Case(query, gallery, distances, match, ~same_camera & (gallery.pids != -1))
