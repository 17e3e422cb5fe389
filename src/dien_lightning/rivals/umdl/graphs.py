"""Which images should have codes alike: people's labels on the source, nearest neighbors on the target; sparse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array, csr_array, diags_array

from dien_lightning.types import UNLABELED

_BLOCK = 512  # rows of similarities that are in memory at once


def laplacian(weights: csr_array) -> csr_array:  # (N, N) -> (N, N)
    """D - W with the degrees D: tr(C^T L C) is half the sum of w_ij |c_i - c_j|^2 over i and j.

    Args:
        weights: symmetric, not negative, zeros on the diagonal.

    Example:
        >>> laplacian(csr_array([[0.0, 2.0], [2.0, 0.0]])).toarray()
        array([[ 2., -2.],
               [-2.,  2.]])
    """
    return csr_array(diags_array(weights.sum(axis=1)) - weights)


def label_graph(pids: Sequence[int], camids: Sequence[int]) -> csr_array:  # (N,), (N,) -> (N, N)
    """Weight 1 between two images of one person in different cameras; in any, where all have the same camera.

    Args:
        pids: identities; -1 is nobody and has no edge.
        camids: cameras.

    Example:
        >>> label_graph([5, 5, 5, 8], [0, 0, 1, 1]).toarray().astype(int)
        array([[0, 0, 1, 0],
               [0, 0, 1, 0],
               [1, 1, 0, 0],
               [0, 0, 0, 0]])
    """
    people, cameras = np.asarray(pids), _apart(camids)
    rows, columns = [], []
    for pid in np.unique(people[people != UNLABELED]):
        own = np.flatnonzero(people == pid)
        one, other = np.nonzero(cameras[own][:, None] != cameras[own][None])
        rows.append(own[one])
        columns.append(own[other])
    places = tuple(np.concatenate([np.zeros(0, dtype=np.int64), *side]) for side in (rows, columns))
    return csr_array(coo_array((np.ones(len(places[0])), places), shape=(len(people), len(people))))


def neighbor_graph(codes: np.ndarray, camids: Sequence[int], neighbors: int) -> csr_array:  # (N, K), (N,) -> (N, N)
    """Each image joined with its nearest in other cameras, by the cosine of their codes, which is the edge's weight.

    Images are joined where either is among the nearest of the other. Where all have the same camera, it is asked, too.
    Similarities are taken in blocks of rows, so memory grows with N.

    Args:
        codes: one row for each image.
        camids: their cameras.
        neighbors: of each image; only those with a positive cosine count.
    """
    cameras = _apart(camids)
    unit = codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1e-12)  # of zeros, nobody is a neighbor
    rows, columns, weights = [], [], []
    neighbors = min(neighbors, len(unit) - 1)
    for start in range(0, len(unit) if neighbors > 0 else 0, _BLOCK):
        own = np.arange(start, min(start + _BLOCK, len(unit)))
        cosines = unit[own] @ unit.T  # (B, N)
        cosines[cameras[own][:, None] == cameras[None]] = 0
        nearest = np.argpartition(-cosines, neighbors - 1, axis=1)[:, :neighbors]
        rows.append(own.repeat(neighbors))
        columns.append(nearest.ravel())
        weights.append(np.take_along_axis(cosines, nearest, axis=1).ravel())
    if not rows:
        return csr_array((len(unit), len(unit)))
    weight = np.concatenate(weights)
    places = (np.concatenate(rows)[weight > 0], np.concatenate(columns)[weight > 0])
    one_way = csr_array(coo_array((weight[weight > 0], places), shape=(len(unit), len(unit))))
    return csr_array(one_way.maximum(one_way.T))


def _apart(camids: Sequence[int]) -> np.ndarray:
    """Cameras that tell images apart: their own numbers, where there are two; else each image its own."""
    cameras = np.asarray(camids)
    return cameras if len(np.unique(cameras)) > 1 else np.arange(len(cameras))
