"""Distances to likelihood ratios: a fit that never rises with the distance, and the bounds of what pairs can carry."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

METHODS = ("logistic", "isotonic")
_STEP = 0.01
Ratios = Callable[[np.ndarray], np.ndarray]
"""Distances (N,) -> log10 likelihood ratios (N,)."""


def fit_ratios(distances: np.ndarray, same: np.ndarray, method: str = "logistic") -> Ratios:
    """Fit log10 of p(distance | one person) / p(distance | two people).

    Both kinds of pairs weigh the same in all, so that the odds of a fit are the ratio itself. "logistic" is a line in
    the distance, fitted without a penalty to standardised distances: scikit-learn's default penalty would draw the
    ratio to 1, the more so the smaller the unit. "isotonic" is the step function that fits best (pool adjacent
    violators), and needs more pairs. At its ends it is infinite: bound it.

    Args:
        distances: (N,), smaller is closer.
        same: (N,), which pairs show one person.
        method: one of `METHODS`.

    Raises:
        ValueError: strangers are nearer to one another than pictures of one person.

    Example:
        >>> distances, same = np.array([0.1, 0.2, 0.6, 0.4, 0.8, 0.9]), np.array([1, 1, 1, 0, 0, 0], dtype=bool)
        >>> fit_ratios(distances, same, "isotonic")(np.array([0.1, 0.5, 0.9])).round(2)
        array([ inf,   0., -inf])
    """
    weights = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    if method == "isotonic":
        steps = IsotonicRegression(increasing=False, out_of_bounds="clip").fit(distances, same, weights)

        def ratios(distances: np.ndarray) -> np.ndarray:
            shares = steps.predict(distances)
            with np.errstate(divide="ignore"):
                return np.log10(shares) - np.log10(1 - shares)

        return ratios
    center, scale = distances.mean(), distances.std() or 1.0
    fit = LogisticRegression(C=np.inf, max_iter=1000)
    fit.fit((distances[:, None] - center) / scale, same, weights * len(same))
    slope, intercept = fit.coef_[0, 0] / scale, fit.intercept_[0]
    if slope >= 0:
        raise ValueError(
            "pictures of one person are no nearer to one another than strangers are: these distances tell nobody "
            "apart; check the labels, or take a network that was trained for such cameras."
        )
    return lambda distances: (intercept + slope * (distances - center)) / np.log(10)


def evidence_bounds(
    log10_ratios: np.ndarray, same: np.ndarray, num_people: int, num_strangers: int
) -> tuple[float, float]:
    """The least and the greatest log10 likelihood ratio that the data carry (ELUB: Vergeer et al., 2016).

    One more pair of either kind is thought to mislead. A ratio beyond the bounds would then serve a user who decides by
    it worse than no evidence at all: for a threshold t, misses + t x false matches must not exceed min(1, t).

    Args:
        log10_ratios: (N,), of the pairs that were fitted.
        same: (N,), which of them show one person.
        num_people: how many people the pairs of one person show. They count, not the pairs: many pairs show the same.
        num_strangers: how many pairs of two people the pairs of strangers show.

    Returns:
        Least and greatest, at most 0 and at least 0.

    Example:
        >>> ratios, same = np.repeat([9.0, -9.0], 5), np.repeat([True, False], 5)
        >>> evidence_bounds(ratios, same, 5, 5)
        (-0.69, 0.69)
    """
    one, two = np.sort(log10_ratios[same]), np.sort(log10_ratios[~same])
    bounds = []
    for sign in (-1, 1):
        logs = sign * _STEP * np.arange(1, int(10 / _STEP))
        misses = np.searchsorted(one, logs, side="right") / len(one)
        false_matches = 1 - np.searchsorted(two, logs, side="right") / len(two)
        misses = (misses * num_people + 1) / (num_people + 1)
        false_matches = (false_matches * num_strangers + 1) / (num_strangers + 1)
        thresholds = 10.0**logs
        worse = misses + thresholds * false_matches > np.minimum(1, thresholds)
        steps = int(worse.argmax())  # before the first at which the evidence would do harm
        bounds.append(sign * round(_STEP * steps, 2))
    return bounds[0] or 0.0, bounds[1]
