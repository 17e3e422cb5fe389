"""Jaccard distances of neighbourhoods as sparse rows: 0 where two are the same, absent where they share nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from scipy.sparse import csr_array, triu, vstack
from torch import Tensor
from torch.nn.functional import normalize

from dien_lightning.checks import check_int, check_range
from dien_lightning.retrieval.k_reciprocal import encode
from dien_lightning.retrieval.neighbors import nearest_images
from dien_lightning.types import check_embeddings

_ROWS_AT_ONCE = 512
_PAIRS_AT_ONCE = 2**16
_ROUNDING = 1e-5  # what float32 may take from a sum of weights


@torch.no_grad()
def jaccard_distances(embeddings: Tensor, k1: int = 30, k2: int = 6, *, limit: float = 1.0) -> csr_array:
    """1 - shared / joint neighbourhood of each two images, in [0, 1]; smaller is closer.

    An image's neighbourhood are weights on its k-reciprocal neighbours (Zhong et al., 2017, see
    `retrieval.k_reciprocal_blocks`), as self-training takes them (Ge et al., 2020): softmax of minus the squared
    distances of L2-normalised embeddings, averaged over the k2 nearest images. Two images share the sum of the smaller
    of two weights.

    Nothing of size N x N is kept. The lower the limit, the fewer pairs are looked at closely: what two images share is
    at most the part of either one's weights that lies on the other's neighbours, which is a sparse product.

    Args:
        embeddings: of N images; L2-normalised here.
        k1: neighbours that make up a neighbourhood, the image itself not counted. SpCL's released code counts it: of
            its k1 = 30, 29 are others.
        k2: nearest images whose neighbourhoods are averaged; 1 averages nothing.
        limit: longer distances are left out.

    Shape:
        (N, D) on any device -> symmetric (N, N) of SciPy, float32, or float64 as the embeddings. An image's distance
        to itself is there, as 0; what is absent is above the limit, or 1.

    Raises:
        ValueError: an argument out of its range; embeddings that are not (N, D), or not finite.

    Example:
        >>> distances = jaccard_distances(torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]]), k1=1, k2=1)
        >>> distances.indices.tolist(), distances.data.round(1).tolist()  # two pairs; across, nothing
        ([0, 1, 0, 1, 2, 3, 2, 3], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    """
    for name, value in (("k1", k1), ("k2", k2)):
        check_int(name, value, 1, "it is a number of neighbours")
    check_range("limit", limit, 0, 1, include_low=False, include_high=True)
    check_embeddings("embeddings", embeddings)
    if not len(embeddings):
        raise ValueError("embeddings are of no image; give those of one at least.")
    units = normalize(embeddings if embeddings.dtype == torch.float64 else embeddings.float(), dim=1)
    units = units.as_subclass(Tensor).contiguous()
    units -= units.mean(dim=0)  # distances stay, what rounding takes from them shrinks
    neighbors = nearest_images(units, max(k1 + 1, k2))
    encoding = encode(units, neighbors, units.new_ones(len(units)), k1, k2)
    number = len(units)
    del units, neighbors
    parts = encoding.values, encoding.columns.int(), encoding.offsets.int()
    neighborhoods = csr_array(tuple(part.cpu().numpy() for part in parts), shape=(number, number))
    rows, columns, distances = _near_pairs(neighborhoods, limit)
    same = np.arange(number, dtype=np.int32)
    places = np.concatenate([rows, columns, same]), np.concatenate([columns, rows, same])
    distances = np.concatenate([distances, distances, np.zeros(number, distances.dtype)])
    order = np.lexsort(places[::-1])
    offsets = np.concatenate([[0], np.bincount(places[0]).cumsum()])
    return csr_array((distances[order], places[1][order], offsets), shape=(number, number))


def _near_pairs(neighborhoods: csr_array, limit: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and distances within the limit of each pair once, the smaller number first."""
    candidates = triu(_shared_at_most(neighborhoods, 2 * (1 - limit) / (2 - limit)), k=1, format="coo")
    distances = np.empty(candidates.nnz, neighborhoods.dtype)
    for start in range(0, candidates.nnz, _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        shared = neighborhoods[candidates.row[part]].minimum(neighborhoods[candidates.col[part]]).sum(axis=1)
        distances[part] = np.maximum(1 - shared / (2 - shared), 0)  # rounding may give more than the whole
    is_near = distances <= limit if limit < 1 else distances < 1
    return candidates.row[is_near], candidates.col[is_near], distances[is_near]


def _shared_at_most(neighborhoods: csr_array, least: float) -> csr_array:
    """A bound of what each two images share, where it is at least `least`."""
    support = neighborhoods.copy()
    support.data[:] = 1
    support = support.T.tocsr()

    def lies_within(start: int) -> csr_array:
        part = neighborhoods[start : start + _ROWS_AT_ONCE] @ support  # (n, N): how much lies on the other's
        part.data[part.data < least - _ROUNDING] = 0
        part.eliminate_zeros()
        return part

    with ThreadPoolExecutor(torch.get_num_threads()) as threads:  # SciPy multiplies with one each
        within = vstack(list(threads.map(lies_within, range(0, neighborhoods.shape[0], _ROWS_AT_ONCE))), format="csr")
    return within.minimum(within.T.tocsr())
