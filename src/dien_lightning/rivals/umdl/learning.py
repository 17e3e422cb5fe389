"""UMDL from features to embeddings: alternating minimization, and a graph on the target that its codes draw anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from dien_lightning.checks import check_int, check_range
from dien_lightning.rivals.umdl.graphs import label_graph, laplacian, neighbor_graph
from dien_lightning.rivals.umdl.objective import STEPS, Problem, State, Weights, objective
from dien_lightning.rivals.umdl.solvers import Layer, best_codes


class Images(NamedTuple):
    """Training images of one set.

    Attributes:
        features: (N, D).
        camids: (N,) cameras.
        pids: (N,) people; of the target nobody asks.
    """

    features: np.ndarray
    camids: Sequence[int]
    pids: Sequence[int] = ()


class Progress(NamedTuple):
    """Where the learning stands after an iteration.

    Attributes:
        state: dictionaries and codes.
        target_graph: (M, M) weights between target images, of this round.
        iterations: done, over all rounds.
        objective: after it; falls within a round, for another graph makes another objective.
    """

    state: State
    target_graph: csr_array
    iterations: int
    objective: float


class UMDL:
    """Unsupervised multi-task dictionary learning (Peng et al., CVPR 2016).

    The formula stands at the top of objective.py.

    Numbers and rounds are those of the code that we take for its authors': the first round without a graph on the
    target, each later one with the graph that the codes of the round before draw between images of different cameras.
    It begins with uniform random atoms; ours are normal, of unit length. It codes images with a ridge of 0.25 for the
    graph and of 0.2 for the ranking; here both have 0.2.

    Args:
        num_shared: atoms of both sets.
        num_own: atoms of the target's people.
        num_residual: atoms of the cameras, for each set.
        rounds: graphs on the target, the empty first one counted.
        iterations: of the eight steps in each round.
        neighbors: of each target image, see `neighbor_graph`.
        graph_weight: g of the objective.
        code_weight: c of it.
        residual_weight: b of it.
        ridge: of an image that is coded by all dictionaries of the target.
        seed: of the first atoms.

    Raises:
        ValueError: a number is out of range.

    Example:
        >>> draw = np.random.default_rng(0).normal
        >>> learner = UMDL(num_shared=3, num_own=2, num_residual=2, rounds=2, iterations=1)
        >>> source = Images(draw(size=(8, 5)), camids=[0, 1] * 4, pids=[0, 0, 1, 1] * 2)
        >>> last = list(learner.learn(source, Images(draw(size=(6, 5)), camids=[0, 1] * 3)))[-1]
        >>> last.iterations, learner.embed(last.state, draw(size=(4, 5))).shape
        (2, (4, 5))
    """

    def __init__(
        self,
        *,
        num_shared: int = 150,
        num_own: int = 150,
        num_residual: int = 150,
        rounds: int = 3,
        iterations: int = 40,
        neighbors: int = 1,
        graph_weight: float = 5.0,
        code_weight: float = 0.1,
        residual_weight: float = 0.64,
        ridge: float = 0.2,
        seed: int = 0,
    ) -> None:
        for name, number in (("num_shared", num_shared), ("num_own", num_own), ("num_residual", num_residual)):
            check_int(name, number, 1, "a dictionary has atoms")
        check_int("rounds", rounds, 1, "the first has no graph on the target")
        check_int("iterations", iterations, 1, "each is of eight steps")
        check_int("neighbors", neighbors, 1, "they make the target's graph")
        check_int("seed", seed, 0, "the first atoms follow from it")
        check_range("graph_weight", graph_weight, 0)
        check_range("residual_weight", residual_weight, 0)
        check_range("code_weight", code_weight, 0, include_low=False)  # else codes have no least length
        check_range("ridge", ridge, 0, include_low=False)
        self.num_shared, self.num_own, self.num_residual = num_shared, num_own, num_residual
        self.rounds, self.iterations, self.neighbors = rounds, iterations, neighbors
        self.weights = Weights(graph_weight, code_weight, residual_weight)
        self.ridge, self.seed = ridge, seed

    def learn(self, source: Images, target: Images, after: Progress | None = None) -> Iterator[Progress]:
        """Learn, and say after each iteration how far it is.

        Args:
            source: labelled images.
            target: unlabelled ones.
            after: go on from there; what comes is what would have come without a break.
        """
        given, wanted = (np.asarray(images.features, dtype=np.float64) for images in (source, target))
        source_laplacian = laplacian(label_graph(source.pids, source.camids))
        state = self._begin(given, wanted) if after is None else after.state
        graph = csr_array((len(wanted), len(wanted))) if after is None else after.target_graph
        for done in range(0 if after is None else after.iterations, self.rounds * self.iterations):
            if done and done % self.iterations == 0:
                graph = neighbor_graph(self.embed(state, wanted), target.camids, self.neighbors)
            problem = Problem(given, wanted, source_laplacian, laplacian(graph), self.weights)
            for step in STEPS:
                state = step(problem, state)
            yield Progress(state, graph, done + 1, objective(problem, state))

    def embed(self, state: State, features: np.ndarray) -> np.ndarray:  # (N, D) -> (N, num_shared + num_own)
        """Codes of target images by the atoms of people; what the residual atoms take up is left out.

        Compare them by their cosine.
        """
        atoms = np.concatenate([state.people, state.target_residual])
        codes = best_codes([Layer(1.0, atoms, np.asarray(features, dtype=np.float64))], self.ridge)
        return codes[:, : len(state.people)]

    def _begin(self, source: np.ndarray, target: np.ndarray) -> State:
        """Random atoms, and codes of zero."""
        random = np.random.default_rng(self.seed)
        sizes = (self.num_shared, self.num_own, self.num_residual, self.num_residual)
        drawn = [random.normal(size=(size, source.shape[1])) for size in sizes]
        dictionaries = [atoms / np.linalg.norm(atoms, axis=1, keepdims=True) for atoms in drawn]
        widths = (self.num_shared, self.num_residual)
        codes = [np.zeros((len(source), width)) for width in widths]
        codes += [np.zeros((len(target), width)) for width in (self.num_shared + self.num_own, self.num_residual)]
        return State(*dictionaries, *codes)
