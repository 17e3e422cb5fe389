"""Two least-squares problems with a known minimum: codes under a graph, and atoms no longer than 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

_TOLERANCE = 1e-10  # of what is left of the equations, beside their right-hand sides
_MOST_STEPS = 500
_SWEEPS = 2


class Layer(NamedTuple):
    """One term w |Y - F Z|^2, of which `factor` is Z where codes are sought, F where atoms are.

    Attributes:
        weight: w.
        factor: (K, D) atoms, or (N, K) codes.
        features: Y, (N, D).
    """

    weight: float
    factor: np.ndarray
    features: np.ndarray


def merged(layers: Sequence[Layer]) -> list[Layer]:
    """One layer for each factor, with the sums of weights and of weighted features: fewer products then follow."""
    found: dict[int, Layer] = {}
    for weight, factor, features in layers:
        before = found.get(id(factor))
        weighted = weight * features
        found[id(factor)] = (
            Layer(weight, factor, weighted)
            if before is None
            else Layer(before.weight + weight, factor, before.features + weighted)
        )
    return list(found.values())


def best_codes(
    layers: Sequence[Layer],
    ridge: float,
    graph: csr_array | None = None,
    graph_weight: float = 0.0,
    start: np.ndarray | None = None,
) -> np.ndarray:  # (N, K)
    """Codes C that minimise sum w |Y - C Z|^2 + ridge |C|^2 + graph_weight tr(C^T L C).

    They solve C G + graph_weight L C = H with G = sum w Z Z^T + ridge and H = sum w Y Z^T. Without a graph that is one
    division; with one, the eigenvectors of G part the K columns, and conjugate gradients solve each from `start`,
    every step of which lowers the sum.

    Args:
        layers: with atoms as factors.
        ridge: positive.
        graph: L, (N, N), a Laplacian.
        graph_weight: of its term.
        start: (N, K) codes to begin with; zeros if not given.
    """
    layers = merged(layers)
    gram = sum(layer.weight * layer.factor @ layer.factor.T for layer in layers)
    right = sum(layer.features @ layer.factor.T for layer in layers)
    values, vectors = np.linalg.eigh(gram + ridge * np.eye(len(gram)))  # type: ignore[arg-type]
    right = right @ vectors  # (N, K), column by column a system of its own
    if graph is None or not graph.nnz:
        return right / values @ vectors.T
    diagonal = values + graph_weight * graph.diagonal()[:, None]  # (N, K)
    codes = np.zeros_like(right) if start is None else start @ vectors
    left = right - codes * values - graph_weight * (graph @ codes)
    enough = _TOLERANCE * np.linalg.norm(right, axis=0)
    way = scaled = left / diagonal
    size = (left * scaled).sum(axis=0)
    for _ in range(_MOST_STEPS):
        if (np.linalg.norm(left, axis=0) <= enough).all():
            break
        bent = way * values + graph_weight * (graph @ way)
        length = size / np.maximum((way * bent).sum(axis=0), np.finfo(float).tiny)  # 0 where a column is solved
        codes = codes + length * way
        left = left - length * bent
        scaled = left / diagonal
        before, size = size, (left * scaled).sum(axis=0)
        way = scaled + size / np.maximum(before, np.finfo(float).tiny) * way
    return codes @ vectors.T


def best_atoms(layers: Sequence[Layer], atoms: np.ndarray) -> np.ndarray:  # (K, D) -> (K, D)
    """Atoms Z no longer than 1 with a smaller sum w |Y - C Z|^2: each in turn at its minimum while the others stay.

    For a single atom the sum is a bowl with a round level, so its minimum within the ball is the free minimum, cut
    back to length 1.

    Args:
        layers: with codes as factors.
        atoms: to begin with, no longer than 1.
    """
    layers = merged(layers)
    gram = sum(layer.weight * layer.factor.T @ layer.factor for layer in layers)  # (K, K)
    cross = sum(layer.factor.T @ layer.features for layer in layers)  # (K, D)
    atoms = atoms.copy()
    for _ in range(_SWEEPS):
        for place, row in enumerate(gram):  # type: ignore[arg-type]
            if row[place] > np.finfo(float).eps:  # an atom that no code uses stays
                atom = atoms[place] + (cross[place] - row @ atoms) / row[place]  # type: ignore[index]
                atoms[place] = atom / max(1.0, float(np.linalg.norm(atom)))
    return atoms
