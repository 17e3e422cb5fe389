"""Likelihood ratios of distances, and the bounds of what pairs can carry."""

from __future__ import annotations

import numpy as np
import pytest

from dien_lightning.calibration import METHODS, evidence_bounds, fit_ratios


def normal_pairs(number=20_000, unit=1.0, seed=0):
    """Distances of two normal laws, whose log ratio is a line."""
    rng = np.random.default_rng(seed)
    same = np.arange(number) % 4 == 0
    return unit * (6 + rng.normal(size=number) - 2 * same), same


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("unit", [1.0, 1e-3])
def test_the_ratio_of_two_normal_laws_is_found(method, unit):
    distances, same = normal_pairs(unit=unit)
    asked = np.array([3.5, 4.5, 5.0, 5.5, 6.5])
    exact = (10 - 2 * asked) / np.log(10)  # ((d - 6)^2 - (d - 4)^2) / 2
    assert fit_ratios(distances, same, method)(unit * asked) == pytest.approx(exact, abs=0.15)


@pytest.mark.parametrize("method", METHODS)
def test_a_ratio_never_rises_with_the_distance(method):
    distances, same = normal_pairs(400)
    found = fit_ratios(distances, same, method)(np.linspace(0, 12, 300)).clip(-9, 9)
    assert (np.diff(found) <= 0).all()


def test_pairs_that_are_told_apart_entirely_end_in_no_warning():
    distances, same = np.array([1.0, 1.1, 3.0, 3.2]), np.array([True, True, False, False])
    assert fit_ratios(distances, same)(np.array([2.1]))[0] == pytest.approx(0, abs=1)


def test_distances_that_tell_nobody_apart_are_refused():
    with pytest.raises(ValueError, match="pictures of one person are no nearer to one another than strangers are"):
        fit_ratios(np.array([1.0, 2.0, 1.5, 0.5]), np.array([True, True, False, False]))


@pytest.mark.parametrize(("number", "bound"), [(5, 0.69), (50, 1.69), (700, 2.84)])
def test_pairs_carry_as_much_as_they_are_many(number, bound):
    ratios, same = np.repeat([9.0, -9.0], number), np.repeat([True, False], number)
    # All told apart: 1 / (n + 1) + t / (n + 1) <= 1 up to t = n.
    assert evidence_bounds(ratios, same, number, number) == (-bound, bound)
    assert evidence_bounds(np.repeat(ratios, 9), np.repeat(same, 9), number, number) == (-bound, bound)


def test_evidence_that_misleads_carries_nothing():
    same = np.repeat([True, False], 50)
    assert evidence_bounds(np.where(same, -2.0, 2.0), same, 50, 50) == (0.0, 0.0)


def test_one_stranger_who_looks_alike_lowers_the_greatest_ratio():
    same = np.repeat([True, False], 50)
    ratios = np.where(same, 9.0, -9.0)
    ratios[-1] = 9.0
    # 1 / 51 + t x (1 + 1) / 51 <= 1 up to t = 25.
    assert evidence_bounds(ratios, same, 50, 50) == (-1.69, 1.39)
