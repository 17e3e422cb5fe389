"""Labelled pairs to a calibration: what it says, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from dien_lightning.calibration import Pairs, calibrate, pairs_across_cameras

ABOUT = {"fingerprint": "f", "domain": "target"}


def pictures(num_people=30, cameras=3, spread=0.9, seed=0):
    """Embeddings of people in several cameras: a place of their own, and noise."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.randn(num_people, 8, generator=generator).repeat_interleave(cameras, dim=0)
    noise = torch.randn(places.shape, generator=generator)
    pids = [pid for pid in range(num_people) for _ in range(cameras)]
    return normalize(places + spread * noise, dim=1), pids, [*range(cameras)] * num_people


@pytest.fixture(scope="module")
def pairs():
    return pairs_across_cameras(*pictures())


@pytest.fixture(scope="module")
def calibration(pairs):
    return calibrate(pairs, false_matches=20, **ABOUT, about={"data": "drawn"})


def test_pairs_are_those_of_different_cameras():
    embeddings, pids, camids = pictures(num_people=4)
    pids[0] = -1
    found = pairs_across_cameras(embeddings, pids, camids)
    expected = [
        (float((embeddings[i] - embeddings[j]).norm()), pids[i], pids[j])
        for i in range(1, 12)
        for j in range(i + 1, 12)
        if camids[i] != camids[j]
    ]
    assert found.people.tolist() == [[a, b] for _, a, b in expected]
    np.testing.assert_allclose(found.distances, [distance for distance, _, _ in expected], atol=1e-6)
    assert len(pairs_across_cameras(embeddings, pids, camids, cameras="none").same) == 55
    assert (found.count_people(), found.count_strangers()) == (4, 6)


def test_of_many_pairs_some_are_drawn():
    everything = pairs_across_cameras(*pictures(num_people=120))
    drawn, again = (pairs_across_cameras(*pictures(num_people=120), max_pairs=5000, seed=seed) for seed in (0, 1))
    assert drawn.same.sum() == everything.same.sum() == 360
    assert 4500 < (~drawn.same).sum() < 5500
    assert drawn.distances.tolist() != again.distances.tolist()
    assert set(drawn.distances) < set(everything.distances)


def test_a_calibration_says_what_it_rests_on(pairs, calibration):
    about = calibration.about
    assert (about["people"], about["pairs_of_one"], about["pairs_of_people"]) == (30, 90, 435)
    assert (about["data"], about["domain"], about["fingerprint"]) == ("drawn", "target", "f")
    strangers = pairs.distances[~pairs.same]
    for name in ("false_matches", "misses", "eer", "cllr"):
        value, low, high = about[name]
        assert low <= value <= high, name
    assert about["false_matches"][0] == 1000 * (strangers <= about["threshold"]).mean() <= 20
    assert about["misses"][0] == pytest.approx((pairs.distances[pairs.same] > about["threshold"]).mean())
    assert 0 < about["cllr"][0] < 1


@pytest.mark.parametrize("method", ["logistic", "isotonic"])
def test_evidence_keeps_within_its_bounds_and_the_distances_seen(pairs, method):
    found = calibrate(pairs, method=method, **ABOUT)
    low, high = found.about["log10_bounds"]
    assert -2 < low < 0 < high < 2.7  # log10 of 30 people and of 435 pairs of people
    nearest, farthest = pairs.distances.min(), pairs.distances.max()
    for beyond, end in ((0.0, nearest), (2.0, farthest)):
        assert found(beyond) == found(end)
    ratios, shares = found(torch.linspace(0, 2, 500))
    assert low <= float(ratios.min()) < float(ratios.max()) <= high
    assert (ratios.diff() <= 0).all()
    assert (shares.diff() >= 0).all()
    strangers = np.sort(pairs.distances[~pairs.same])
    for rank in (50, 200, 800):
        assert float(found(strangers[rank]).strangers) == pytest.approx(rank / len(strangers), rel=0.15)


def test_an_own_unit_changes_no_figure(pairs, calibration):
    scaled = calibrate(Pairs(pairs.distances / 100, pairs.people), false_matches=20, **ABOUT)
    for name in ("misses", "eer", "cllr"):
        assert scaled.about[name] == pytest.approx(calibration.about[name], rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_people": 19}, "19 people have two pictures that make a pair, and a calibration needs at least 20"),
        (
            {"false_matches": 2},
            "false_matches=2 per 1,000 comparisons is finer than 435 pairs of people can show, w.* 2",
        ),
        ({"false_matches": 0}, r"false_matches=0 is out of range; choose a number in \(0, 1000\)"),
        ({"method": "kde"}, "method='kde' is not allowed; choose one of logistic, isotonic"),
        ({"cameras": 1}, "no pair of two people from different cameras: 30 labelled images of 1 camera; label more"),
    ],
)
def test_what_would_say_too_much_is_refused(changes, words):
    drawing = {name: changes[name] for name in ("num_people", "cameras") if name in changes}
    with pytest.raises(ValueError, match=words):
        calibrate(
            pairs_across_cameras(*pictures(**drawing)),
            **ABOUT,
            **{k: v for k, v in changes.items() if k not in drawing},
        )


def test_distances_that_are_none_are_refused(pairs):
    with pytest.raises(ValueError, match="distances must be finite and at least 0"):
        calibrate(Pairs(pairs.distances - 1, pairs.people), **ABOUT)


def longer_and_longer(x):
    return x * torch.linspace(0.9, 1.1, len(x))[:, None]


@pytest.mark.parametrize("change", [torch.zeros_like, longer_and_longer, lambda x: x * torch.nan])
def test_embeddings_of_another_length_are_refused(change):
    embeddings, pids, camids = pictures()
    with pytest.raises(ValueError, match=r"\d+ embeddings are not of length 1, the first has .*; calibrate L2-nor"):
        pairs_across_cameras(change(embeddings), pids, camids)
    embeddings[0], pids[0] = 7, -1  # nobody's makes no pair
    assert len(pairs_across_cameras(embeddings, pids, camids).same)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_unit_length_in_half_precision_is_near_enough(dtype):
    embeddings, *labels = pictures()
    exact, rounded = (pairs_across_cameras(each, *labels) for each in (embeddings, embeddings.to(dtype)))
    np.testing.assert_allclose(rounded.distances**2, exact.distances**2, atol=0.02)


def test_collapsed_embeddings_and_people_without_a_second_camera_are_refused(pairs):
    with pytest.raises(ValueError, match="all distances are equal: the embeddings have collapsed"):
        calibrate(Pairs(np.ones(len(pairs.same)), pairs.people), **ABOUT)
    with pytest.raises(
        ValueError, match="no pair of one person from different cameras: 2 labelled images of 2 cameras"
    ):
        pairs_across_cameras(torch.eye(2), [1, 2], [0, 1])
    for given, told in (
        ((torch.eye(3), [1, 2], [0, 1, 0]), r"pids has shape \(2,\), and there are 3 embeddings; give one for each"),
        ((torch.eye(3), [1, 2, 1], [[0, 1, 0]]), r"camids has shape \(1, 3\), and there are 3 embeddings"),
        ((torch.eye(3), ["ann", "bo", "ann"], [0, 1, 0]), "pids cannot be read as numbers"),
        ((torch.eye(3), [1, 2, 1.5], [0, 1, 0]), "pids holds numbers that are not whole"),
        ((np.eye(3), [1, 2, 1], [0, 1, 0]), "embeddings must be a floating-point tensor .* not a ndarray"),
    ):
        with pytest.raises(ValueError, match=told):
            pairs_across_cameras(*given)
    everybody = np.array([[p, p] for p in range(30)] + [[0, p] for p in range(1, 30)])  # strangers of one person alone
    with pytest.raises(
        ValueError, match=r"too few pairs of one person or of strangers .* mark strangers of more people"
    ):
        calibrate(Pairs(np.linspace(0.1, 1, 59), everybody), false_matches=50, **ABOUT)
    with pytest.raises(ValueError, match="there is no pair of two people"):
        calibrate(pairs.take(pairs.same), **ABOUT)
