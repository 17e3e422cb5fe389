"""Graphs over images: against loops, by hand, sparse and symmetric."""

from __future__ import annotations

import numpy as np
import pytest

from dien_lightning.rivals.umdl import graphs
from dien_lightning.rivals.umdl.graphs import label_graph, laplacian, neighbor_graph
from reference_umdl import edge_energy, neighbor_weights


@pytest.fixture
def codes():
    return np.random.default_rng(0).normal(size=(14, 5))


def test_the_laplacian_sums_squared_distances_over_edges(codes):
    weights = label_graph([1, 1, 2, 2, 2, -1, -1, 3, 3, 3, 3, 4, 4, 4], [0, 1] * 7)
    energy = np.vdot(codes, laplacian(weights) @ codes)
    assert energy == pytest.approx(edge_energy(codes.tolist(), weights.toarray().tolist()))
    assert not (laplacian(weights) @ np.ones(14)).any()


@pytest.mark.parametrize("block", [3, 512])
@pytest.mark.parametrize("neighbors", [1, 3])
def test_neighbors_are_those_of_loops_in_blocks_of_any_size(neighbors, block, codes, monkeypatch):
    monkeypatch.setattr(graphs, "_BLOCK", block)
    cameras = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 1, 1, 2]
    found = neighbor_graph(codes, cameras, neighbors)
    assert np.allclose(found.toarray(), neighbor_weights(codes.tolist(), cameras, neighbors))
    assert found.nnz <= 2 * neighbors * len(codes)


def test_a_graph_worked_by_hand():
    codes = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-1.0, 0.0]])
    found = neighbor_graph(codes, [0, 1, 0, 1], 1).toarray()
    expected = np.zeros((4, 4))
    expected[0, 1] = expected[1, 0] = 0.6  # the first has no other with a positive cosine
    expected[1, 2] = expected[2, 1] = 0.8
    assert found == pytest.approx(expected)  # and the fourth has none at all


def test_where_all_have_one_camera_it_is_asked_too(codes):
    assert label_graph([1, 1, 2], [7, 7, 7]).toarray().tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    found = neighbor_graph(codes, [7] * len(codes), 2)
    assert np.allclose(found.toarray(), neighbor_weights(codes.tolist(), range(len(codes)), 2))
    assert not found.diagonal().any()


def test_nobody_and_single_images_have_no_edge():
    assert label_graph([-1, -1, 3], [0, 1, 0]).nnz == 0
    assert neighbor_graph(np.ones((1, 2)), [0], 3).nnz == 0
