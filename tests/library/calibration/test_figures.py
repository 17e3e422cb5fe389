"""Rates, EER, Cllr and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

import reference
from dien_lightning.calibration import Comparison, cllr, equal_error_rate, over_people


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    same = rng.random(80) < 0.4
    return (rng.normal(size=80) - same).round(1) + 5, same, rng.integers(0, 4, 80)  # rounded: some are equally far


def test_rates_are_those_counted_pair_by_pair(drawn):
    distances, same, weights = drawn
    for given in (None, weights):
        found = Comparison(distances, same).rates(given)
        assert found.thresholds.tolist() == sorted(set(distances))
        counted = weights if given is not None else np.ones(80)
        expected = [reference.match_rates(distances, same, counted, threshold) for threshold in found.thresholds]
        np.testing.assert_allclose(np.stack([found.false_matches, found.misses], axis=1), expected, atol=1e-12)


def test_a_threshold_lets_no_more_through_than_is_asked():
    found = Comparison(np.arange(10.0), np.array([True, False] * 5)).rates()  # strangers at 1, 3, 5, 7, 9
    assert found.at_most(0.4) == 4.0
    assert found.at_most(0.39) == 2.0
    assert found.at_most(0.0) == 0.0
    assert Comparison(np.array([1.0, 2.0]), np.array([False, True])).rates().at_most(0.5) == 0.0


def test_equal_error_rate_by_hand():
    same = np.array([True, True, True, True, False, False, False, False, False])
    distances = np.array([1.0, 2, 3, 9, 2.5, 6, 7, 8, 10])
    # Up to 3: one of five strangers matches, one of four of one person is missed; no other threshold does better.
    assert equal_error_rate(Comparison(distances, same).rates()) == 0.25
    assert equal_error_rate(Comparison(distances**3, same).rates()) == 0.25  # only the order counts


def test_cllr_is_that_counted_pair_by_pair(drawn):
    distances, same, weights = drawn
    ratios = 5 - distances
    assert cllr(ratios, same) == pytest.approx(reference.log_ratio_cost(ratios, same))
    repeated = np.repeat(np.arange(80), weights)
    assert cllr(ratios, same, weights) == pytest.approx(reference.log_ratio_cost(ratios[repeated], same[repeated]))
    assert cllr(np.array([900.0, -900.0]), np.array([False, True])) > 1000  # finite, however wrong


def test_people_are_drawn_with_all_of_their_pairs():
    people = np.array([[0, 0], [1, 1], [0, 1], [0, 2]])
    seen = []

    def figures(weights):
        seen.append(weights)
        return [0.0 if weights is None else float(weights[0]), 7.0]

    (value, low, high), fixed = over_people(people, figures, draws=50)
    assert (value, fixed) == (0.0, [7.0, 7.0, 7.0])
    assert 0 <= low < high <= 3
    for one, two, both, _ in [weights for weights in seen if weights is not None]:
        assert both == one * two
    assert over_people(people, figures, draws=50) == over_people(people, figures, draws=50)
