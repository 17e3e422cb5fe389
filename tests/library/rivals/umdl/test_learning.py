"""UMDL as a whole: falls within a round, repeats by seed, goes on after a break, finds what sets share."""

from __future__ import annotations

import numpy as np
import pytest

from dien_lightning.rivals.umdl import UMDL, Images, load_progress, save_progress

SMALL = {"num_shared": 5, "num_own": 3, "num_residual": 3, "rounds": 3, "iterations": 4}


def people(num_people, seed, shift=0.0):
    """Four images of each person, two in each camera: what a person is, what the camera adds, and noise."""
    random = np.random.default_rng(seed)
    pids, camids = np.arange(num_people).repeat(4), np.tile([0, 0, 1, 1], num_people)
    cameras = 2 * random.normal(size=(2, 12))
    looks = random.normal(size=(num_people, 12))
    features = looks[pids] + cameras[camids] + shift + 0.3 * random.normal(size=(len(pids), 12))
    return Images(features, camids.tolist(), pids.tolist())


@pytest.fixture
def source():
    return people(8, seed=1)


@pytest.fixture
def target():
    return people(6, seed=2, shift=0.5)


def test_the_objective_falls_within_each_round(source, target):
    steps = list(UMDL(**SMALL).learn(source, target._replace(pids=())))
    assert [step.iterations for step in steps] == list(range(1, 13))
    for first in (0, 4, 8):
        values = [step.objective for step in steps[first : first + 4]]
        assert values == sorted(values, reverse=True)
        assert values[0] > values[-1]
    assert [step.target_graph.nnz > 0 for step in steps] == [False] * 4 + [True] * 8


def test_the_targets_people_are_never_asked_for(source, target):
    blind = list(UMDL(**SMALL).learn(source, target._replace(pids=())))[-1]
    seeing = list(UMDL(**SMALL).learn(source, target))[-1]
    assert all((one == other).all() for one, other in zip(blind.state, seeing.state, strict=True))


def test_a_seed_repeats_and_another_does_not(source, target):
    one, again, other = (list(UMDL(**SMALL, seed=seed).learn(source, target))[-1].objective for seed in (3, 3, 4))
    assert one == again != other


@pytest.mark.parametrize("stop", [1, 4, 7])
def test_what_was_broken_off_goes_on_to_the_same_end(stop, source, target, tmp_path):
    whole = list(UMDL(**SMALL).learn(source, target))
    steps = UMDL(**SMALL).learn(source, target)
    for _ in range(stop):
        save_progress(tmp_path / "kept.npz", next(steps), "print")
    rest = list(UMDL(**SMALL).learn(source, target, load_progress(tmp_path / "kept.npz", "print")))
    assert len(rest) == len(whole) - stop
    assert all((one == other).all() for one, other in zip(rest[-1].state, whole[-1].state, strict=True))
    assert rest[-1].objective == whole[-1].objective


def test_codes_find_people_better_than_features_do(source, target):
    def found(vectors):
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        cosines = unit @ unit.T
        cosines[np.equal.outer(target.camids, target.camids)] = -2
        return np.mean(np.asarray(target.pids)[cosines.argmax(axis=1)] == target.pids)

    learner = UMDL(**{**SMALL, "iterations": 10}, graph_weight=5.0)
    last = list(learner.learn(source, target))[-1]
    assert found(learner.embed(last.state, target.features)) > found(target.features)


def test_residual_atoms_take_part_in_coding_and_are_left_out(source, target):
    learner = UMDL(**SMALL)
    state = list(learner.learn(source, target))[-1].state
    codes = learner.embed(state, target.features)
    assert codes.shape == (24, 8)
    atoms = np.concatenate([state.shared, state.own, state.target_residual])
    whole = np.linalg.solve(atoms @ atoms.T + 0.2 * np.eye(11), atoms @ target.features.T).T
    assert codes == pytest.approx(whole[:, :8])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"num_own": 0}, "num_own=0 must be a whole number of at least 1; a dictionary has atoms"),
        ({"rounds": 0}, "rounds=0 must be a whole number of at least 1; the first has no graph"),
        ({"iterations": 1.5}, "iterations=1.5 must be a whole number"),
        ({"neighbors": 0}, "neighbors=0 must be a whole number of at least 1; they make the target's graph"),
        ({"seed": -1}, "seed=-1 must be a whole number"),
        ({"graph_weight": -1.0}, r"graph_weight=-1.0 is out of range; choose a number in \[0, inf\)"),
        ({"residual_weight": -1.0}, "residual_weight=-1.0 is out of range"),
        ({"code_weight": 0.0}, r"code_weight=0.0 is out of range; choose a number in \(0, inf\)"),
        ({"ridge": 0.0}, "ridge=0.0 is out of range"),
    ],
)
def test_numbers_out_of_range_are_named(changed, words):
    with pytest.raises(ValueError, match=words):
        UMDL(**changed)
