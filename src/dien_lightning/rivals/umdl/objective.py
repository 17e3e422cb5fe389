"""UMDL's objective and the eight steps that lower it, each the minimum over one block while the others stay.

Unsupervised multi-task dictionary learning: Peng et al., "Unsupervised Cross-Dataset Transfer Learning for Person
Re-identification", CVPR 2016. Features are rows; X_s of the source, X_t of the target; atoms are rows of length at most
1, shared S, the target's own O, residual R_s and R_t; A, B, E are codes, C = [A_t, B_t]; L_s, L_t graph Laplacians:

    J = |X_s - A_s S|^2 + b (|X_s - A_s S - E_s R_s|^2 + c |E_s|^2) + g tr(A_s^T L_s A_s) + c |A_s|^2
      + |X_t - A_t S|^2 + |X_t - A_t S - B_t O|^2 + b (|X_t - A_t S - B_t O - E_t R_t|^2 + c |E_t|^2)
      + g tr(C^T L_t C) + c |C|^2

The shared atoms have to explain people of both sets, alike for images of one person; the target's own add what only its
people show; the residual ones take up what is of the cameras and is thrown away.

Of the paper we could read abstract and first page. That each task has shared and residual dictionaries, and the
target one of its own beside them, stands there; the sum above, g = 5, c = 0.1, b = 0.64 (its beta^2), 150 atoms of each
kind and no atom longer than 1 are as MATLAB code has them that we take for its authors' release (ahangchen/umdl). Ours:
one source with weight 1, as its code leaves weights to the data; the ridge on residual codes carries b, so that the
code's own step for them is the exact minimum; atoms are minimised one by one instead of by a Lagrange dual.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from dien_lightning.rivals.umdl.solvers import Layer, best_atoms, best_codes


class Weights(NamedTuple):
    """How much the terms count.

    Attributes:
        graph: g, that neighbors have like codes.
        code: c, that codes are short.
        residual: b, of what is left after the residual atoms.
    """

    graph: float = 5.0
    code: float = 0.1
    residual: float = 0.64


class Problem(NamedTuple):
    """What is given: N source and M target images.

    Attributes:
        source: (N, D) features.
        target: (M, D) features.
        source_laplacian: (N, N), of `label_graph`.
        target_laplacian: (M, M), of `neighbor_graph`.
        weights: of the terms.
    """

    source: np.ndarray
    target: np.ndarray
    source_laplacian: csr_array
    target_laplacian: csr_array
    weights: Weights = Weights()


class State(NamedTuple):
    """What is learned: four dictionaries, then the codes by them.

    Attributes:
        shared: (S, D) atoms of both sets.
        own: (O, D) atoms of the target's people.
        source_residual: (R, D) atoms of what is the source's cameras'.
        target_residual: (R, D) atoms of what is the target's cameras'.
        source_codes: (N, S).
        source_residual_codes: (N, R).
        target_codes: (M, S + O), first by the shared atoms.
        target_residual_codes: (M, R).
    """

    shared: np.ndarray
    own: np.ndarray
    source_residual: np.ndarray
    target_residual: np.ndarray
    source_codes: np.ndarray
    source_residual_codes: np.ndarray
    target_codes: np.ndarray
    target_residual_codes: np.ndarray

    @property
    def people(self) -> np.ndarray:  # (S + O, D)
        """The atoms that describe the target's people."""
        return np.concatenate([self.shared, self.own])

    @property
    def target_shared_codes(self) -> np.ndarray:  # (M, S)
        """The target's codes by the shared atoms."""
        return self.target_codes[:, : len(self.shared)]

    @property
    def target_own_codes(self) -> np.ndarray:  # (M, O)
        """The target's codes by its own atoms."""
        return self.target_codes[:, len(self.shared) :]


def objective(problem: Problem, state: State) -> float:
    """J, see the top of this file; smaller is better."""
    weights = problem.weights
    source_left = problem.source - state.source_codes @ state.shared
    target_left = problem.target - state.target_codes @ state.people
    value = _square(source_left) + _square(problem.target - state.target_shared_codes @ state.shared)
    value += _square(target_left)
    for left, codes, atoms in (
        (source_left, state.source_residual_codes, state.source_residual),
        (target_left, state.target_residual_codes, state.target_residual),
    ):
        value += weights.residual * (_square(left - codes @ atoms) + weights.code * _square(codes))
    for codes, graph in (
        (state.source_codes, problem.source_laplacian),
        (state.target_codes, problem.target_laplacian),
    ):
        value += weights.graph * float(np.vdot(codes, graph @ codes)) + weights.code * _square(codes)
    return value


def code_source(problem: Problem, state: State) -> State:
    """The source's codes by the shared atoms."""
    weights = problem.weights
    cleaned = problem.source - state.source_residual_codes @ state.source_residual
    layers = [Layer(1.0, state.shared, problem.source), Layer(weights.residual, state.shared, cleaned)]
    codes = best_codes(layers, weights.code, problem.source_laplacian, weights.graph, state.source_codes)
    return state._replace(source_codes=codes)


def code_source_residual(problem: Problem, state: State) -> State:
    """The source's codes by its residual atoms."""
    left = problem.source - state.source_codes @ state.shared
    codes = best_codes([Layer(1.0, state.source_residual, left)], problem.weights.code)
    return state._replace(source_residual_codes=codes)


def code_target(problem: Problem, state: State) -> State:
    """The target's codes by the shared atoms and by its own, together."""
    weights, people = problem.weights, state.people
    shared_alone = np.concatenate([state.shared, np.zeros_like(state.own)])
    cleaned = problem.target - state.target_residual_codes @ state.target_residual
    layers = [
        Layer(1.0, shared_alone, problem.target),
        Layer(1.0, people, problem.target),
        Layer(weights.residual, people, cleaned),
    ]
    codes = best_codes(layers, weights.code, problem.target_laplacian, weights.graph, state.target_codes)
    return state._replace(target_codes=codes)


def code_target_residual(problem: Problem, state: State) -> State:
    """The target's codes by its residual atoms."""
    left = problem.target - state.target_codes @ state.people
    codes = best_codes([Layer(1.0, state.target_residual, left)], problem.weights.code)
    return state._replace(target_residual_codes=codes)


def learn_shared(problem: Problem, state: State) -> State:
    """The atoms of both sets."""
    residual = problem.weights.residual
    without_own = problem.target - state.target_own_codes @ state.own
    cleaned_source = problem.source - state.source_residual_codes @ state.source_residual
    cleaned_target = without_own - state.target_residual_codes @ state.target_residual
    codes = state.target_shared_codes
    layers = [
        Layer(1.0, state.source_codes, problem.source),
        Layer(residual, state.source_codes, cleaned_source),
        Layer(1.0, codes, problem.target),
        Layer(1.0, codes, without_own),
        Layer(residual, codes, cleaned_target),
    ]
    return state._replace(shared=best_atoms(layers, state.shared))


def learn_own(problem: Problem, state: State) -> State:
    """The atoms of the target's people."""
    left = problem.target - state.target_shared_codes @ state.shared
    cleaned = left - state.target_residual_codes @ state.target_residual
    codes = state.target_own_codes
    layers = [Layer(1.0, codes, left), Layer(problem.weights.residual, codes, cleaned)]
    return state._replace(own=best_atoms(layers, state.own))


def learn_source_residual(problem: Problem, state: State) -> State:
    """The atoms of what is the source's cameras'."""
    left = problem.source - state.source_codes @ state.shared
    layers = [Layer(1.0, state.source_residual_codes, left)]
    return state._replace(source_residual=best_atoms(layers, state.source_residual))


def learn_target_residual(problem: Problem, state: State) -> State:
    """The atoms of what is the target's cameras'."""
    left = problem.target - state.target_codes @ state.people
    layers = [Layer(1.0, state.target_residual_codes, left)]
    return state._replace(target_residual=best_atoms(layers, state.target_residual))


STEPS: tuple[Callable[[Problem, State], State], ...] = (
    *(code_source, code_source_residual, code_target, code_target_residual),
    *(learn_shared, learn_source_residual, learn_own, learn_target_residual),
)
"""One iteration; none of them raises the objective."""


def _square(matrix: np.ndarray) -> float:
    return float(np.vdot(matrix, matrix))
