"""The sum against loops, and that each of the eight steps lowers it to the minimum over its block."""

from __future__ import annotations

import numpy as np
import pytest

from dien_lightning.rivals.umdl.graphs import label_graph, laplacian, neighbor_graph
from dien_lightning.rivals.umdl.objective import STEPS, Problem, State, Weights, objective
from reference_umdl import edge_energy, product, square

WEIGHTS = Weights(graph=3.0, code=0.2, residual=0.5)


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture
def graphs(random):
    return label_graph([0, 0, 1, 1, 2, 2, 2, 3], [0, 1] * 4), neighbor_graph(random.normal(size=(7, 3)), range(7), 2)


@pytest.fixture
def problem(graphs, random):
    features = random.normal(size=(8, 6)), random.normal(size=(7, 6))
    return Problem(*features, *map(laplacian, graphs), WEIGHTS)


@pytest.fixture
def state(random):
    dictionaries = [random.normal(size=(size, 6)) for size in (4, 3, 2, 2)]
    codes = [random.normal(size=size) for size in ((8, 4), (8, 2), (7, 7), (7, 2))]
    return State(*(atoms / np.linalg.norm(atoms, axis=1, keepdims=True) for atoms in dictionaries), *codes)


def test_the_sum_is_that_of_loops(problem, state, graphs):
    source, target = problem.source.tolist(), problem.target.tolist()
    shared = product(state.source_codes.tolist(), state.shared.tolist())
    residual = product(state.source_residual_codes.tolist(), state.source_residual.tolist())
    expected = square(source, shared) + WEIGHTS.residual * square(source, shared, residual)
    shared = product(state.target_codes[:, :4].tolist(), state.shared.tolist())
    own = product(state.target_codes[:, 4:].tolist(), state.own.tolist())
    residual = product(state.target_residual_codes.tolist(), state.target_residual.tolist())
    expected += square(target, shared) + square(target, shared, own)
    expected += WEIGHTS.residual * square(target, shared, own, residual)
    for codes in (state.source_codes, state.target_codes):
        expected += WEIGHTS.code * square(codes.tolist())
    for codes in (state.source_residual_codes, state.target_residual_codes):
        expected += WEIGHTS.residual * WEIGHTS.code * square(codes.tolist())
    for codes, graph in zip((state.source_codes, state.target_codes), graphs, strict=True):
        expected += WEIGHTS.graph * edge_energy(codes.tolist(), graph.toarray().tolist())
    assert objective(problem, state) == pytest.approx(expected)


def test_a_sum_worked_by_hand(problem):
    nothing = State(*(np.zeros((2, 6)),) * 4, *(np.zeros((8, 2)),) * 2, np.zeros((7, 4)), np.zeros((7, 2)))
    lengths = [np.square(features).sum() for features in (problem.source, problem.target)]
    assert objective(problem, nothing) == pytest.approx(1.5 * lengths[0] + 2.5 * lengths[1])


def test_the_objective_decreases_at_every_step(problem, state):
    value = objective(problem, state)
    for iteration in range(15):
        for step in STEPS:
            state = step(problem, state)
            before, value = value, objective(problem, state)
            assert value < before or (iteration and value == pytest.approx(before, rel=1e-9)), step.__name__
    for atoms in state[:4]:
        assert (np.linalg.norm(atoms, axis=1) <= 1 + 1e-12).all()


@pytest.mark.parametrize("step", STEPS[:4], ids=lambda step: step.__name__)
def test_no_other_codes_are_better(step, problem, state, random):
    found = step(problem, state)
    (changed,) = [name for name in State._fields if getattr(found, name) is not getattr(state, name)]
    value = objective(problem, found)
    for _ in range(50):
        codes = getattr(found, changed)
        tried = found._replace(**{changed: codes + 0.1 * random.normal(size=codes.shape)})
        assert objective(problem, tried) > value


def test_images_in_another_order_get_their_codes_in_that_order(problem, state, random):
    order = random.permutation(8)
    laplacian_moved = problem.source_laplacian[order][:, order]
    moved = problem._replace(source=problem.source[order], source_laplacian=laplacian_moved)
    names = ("source_codes", "source_residual_codes")
    moved_state = state._replace(**{name: getattr(state, name)[order] for name in names})
    for step in STEPS:
        state, moved_state = step(problem, state), step(moved, moved_state)
    assert moved_state.source_codes == pytest.approx(state.source_codes[order], abs=1e-6)
    assert moved_state.shared == pytest.approx(state.shared, abs=1e-6)
