"""Codes and atoms at the minimum: by the equations, by hand, and by trying others."""

from __future__ import annotations

import numpy as np
import pytest

from dien_lightning.rivals.umdl.graphs import label_graph, laplacian
from dien_lightning.rivals.umdl.solvers import Layer, best_atoms, best_codes, merged


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_a_code_and_an_atom_worked_by_hand():
    features = np.array([[3.0]])
    assert best_codes([Layer(2.0, np.array([[1.0]]), features)], ridge=1.0) == pytest.approx(2.0)  # 2 * 3 / (2 + 1)
    assert best_atoms([Layer(1.0, np.array([[2.0]]), np.array([[1.0]]))], np.array([[0.0]])) == pytest.approx(0.5)
    assert best_atoms([Layer(1.0, np.array([[2.0]]), features)], np.array([[0.0]])) == pytest.approx(1.0)  # cut back


@pytest.mark.parametrize("has_start", [True, False])
def test_codes_solve_the_whole_system_at_once(has_start, random):
    graph = laplacian(label_graph([0, 0, 0, 1, 1, 2], [0, 1, 2] * 2))
    layers = [Layer(1.0, random.normal(size=(4, 5)), random.normal(size=(6, 5))) for _ in range(2)]
    start = random.normal(size=(6, 4)) if has_start else None
    found = best_codes(layers, 0.1, graph, 5.0, start)
    gram = sum(layer.factor @ layer.factor.T for layer in layers) + 0.1 * np.eye(4)
    right = sum(layer.features @ layer.factor.T for layer in layers)
    system = np.kron(np.eye(6), gram) + 5.0 * np.kron(graph.toarray(), np.eye(4))
    assert found.ravel() == pytest.approx(np.linalg.solve(system, right.ravel()), abs=1e-8)


def test_a_strong_graph_gives_its_images_one_code(random):
    graph = laplacian(label_graph([0, 0, 1, 1], [0, 1, 0, 1]))
    layers = [Layer(1.0, random.normal(size=(3, 5)), random.normal(size=(4, 5)))]
    found = best_codes(layers, 0.1, graph, 1e8)
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    assert found[0] == pytest.approx(best_codes(layers, 0.1)[:2].mean(axis=0), abs=1e-6)


def test_no_other_atom_is_better_and_none_is_longer_than_one(random):
    layers = [Layer(0.5, random.normal(size=(9, 3)), random.normal(size=(9, 4))) for _ in range(2)]
    atoms = random.normal(size=(3, 4))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)

    def cost(tried):
        return sum(layer.weight * np.square(layer.features - layer.factor @ tried).sum() for layer in layers)

    found = atoms
    for _ in range(200):
        found = best_atoms(layers, found)
    assert (np.linalg.norm(found, axis=1) <= 1 + 1e-12).all()
    assert cost(found) < cost(best_atoms(layers, atoms)) < cost(atoms)
    for _ in range(300):
        tried = found + 0.05 * random.normal(size=found.shape)
        tried /= np.maximum(1, np.linalg.norm(tried, axis=1, keepdims=True))
        assert cost(tried) >= cost(found)


def test_layers_of_one_factor_are_one(random):
    factor, other = random.normal(size=(2, 3, 5))
    features = random.normal(size=(3, 6, 5))
    layers = [Layer(w, f, y) for w, f, y in zip((1.0, 0.5, 2.0), (factor, other, factor), features, strict=True)]
    one, another = merged(layers)
    assert (one.weight, another.weight) == (3.0, 0.5)
    assert one.features == pytest.approx(features[0] + 2 * features[2])
    copies = [Layer(w, f.copy(), y) for w, f, y in layers]
    assert best_codes(layers, 0.1) == pytest.approx(best_codes(copies, 0.1))


def test_an_atom_that_no_code_uses_stays(random):
    codes, atoms = random.normal(size=(6, 3)), 0.1 * random.normal(size=(3, 4))
    codes[:, 1] = 0
    before = atoms.copy()
    found = best_atoms([Layer(1.0, codes, random.normal(size=(6, 4)))], atoms)
    assert (found[1] == before[1]).all()
    assert (atoms == before).all()  # what was given is not written to
