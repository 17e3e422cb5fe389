"""How well distances and likelihood ratios tell people apart, and how far another draw of people would move that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np


class Rates(NamedTuple):
    """What each threshold costs; a pair "matches" if its distance is at most the threshold.

    Attributes:
        thresholds: (K,), rising; every distance that occurs.
        false_matches: (K,), share of pairs of strangers that match.
        misses: (K,), share of pairs of one person that do not match.
    """

    thresholds: np.ndarray
    false_matches: np.ndarray
    misses: np.ndarray

    def at_most(self, share: float) -> float:
        """The largest threshold with at most this share of false matches; 0 where there is none."""
        place = int(np.searchsorted(self.false_matches, share * (1 + 1e-9), side="right")) - 1
        return float(self.thresholds[place]) if place >= 0 else 0.0


class Comparison:
    """Distances in their order, so that false matches and misses are had quickly for any weights of the pairs.

    Args:
        distances: (N,).
        same: (N,), which pairs show one person.
    """

    def __init__(self, distances: np.ndarray, same: np.ndarray) -> None:
        self._order = np.argsort(distances, kind="stable")
        self._same = same[self._order]
        in_order = distances[self._order]
        self._last = np.flatnonzero(np.append(np.diff(in_order) > 0, True))  # of those that are equally far
        self._thresholds = in_order[self._last]

    def rates(self, weights: np.ndarray | None = None) -> Rates:
        """False matches and misses at every threshold, each pair counted as often as `weights` (N,) say."""
        counted = np.ones(len(self._order)) if weights is None else weights[self._order]
        one, two = ((counted * kind).cumsum()[self._last] for kind in (self._same, ~self._same))
        return Rates(self._thresholds, two / two[-1], 1 - one / one[-1])


def equal_error_rate(found: Rates) -> float:
    """The smallest share that both false matches and misses stay at or below, by one threshold; in [0, 1].

    Three definitions are in use, which differ where there are few pairs: this one interpolates nothing, and is the
    largest of them.

    Example:
        >>> equal_error_rate(Comparison(np.array([1.0, 3, 2, 4]), np.array([True, True, False, False])).rates())
        0.5
    """
    return float(np.maximum(found.false_matches, found.misses).min())


def cllr(log10_ratios: np.ndarray, same: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Cost of the log likelihood ratio (Brummer & du Preez, 2006): 0 is perfect, 1 says nothing, more misleads.

    Args:
        log10_ratios: (N,).
        same: (N,), which pairs show one person.
        weights: (N,), how often each pair counts.

    Example:
        >>> cllr(np.zeros(4), np.array([True, True, False, False]))
        1.0
    """
    weights = np.ones(len(log10_ratios)) if weights is None else weights
    costs = np.logaddexp(0, np.where(same, -log10_ratios, log10_ratios) * np.log(10)) / np.log(2)
    return float(sum(np.average(costs[kind], weights=weights[kind]) for kind in (same, ~same)) / 2)


def over_people(
    people: np.ndarray, figures: Callable[[np.ndarray | None], Sequence[float]], *, draws: int = 200, seed: int = 0
) -> list[list[float]]:
    """Each figure, and 95 % of what other draws of as many people would have given (bootstrap with replacement).

    People are drawn, not pairs: the pairs of one person stand or fall together.

    Args:
        people: (N, 2), who is on either image of a pair.
        figures: what weights (N,) of the pairs give, and None, where each counts once.
        draws: how many.
        seed: of the draws.

    Returns:
        [value, low, high] for each figure.
    """
    rng = np.random.default_rng(seed)
    names, places = np.unique(people, return_inverse=True)
    first, second = places.reshape(people.shape).T
    same = first == second
    found = []
    for _ in range(draws):
        times = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
        weights = np.where(same, times[first], times[first] * times[second])
        if weights[same].any() and weights[~same].any():
            found.append(figures(weights))
    ends = np.percentile(found, [2.5, 97.5], axis=0).T.tolist()
    return [[value, *interval] for value, interval in zip(figures(None), ends, strict=True)]
