"""Labelled pairs to a `Calibration`: fit, bounds, figures of people whom the fit has not seen, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from dien_lightning.calibration.figures import Comparison, cllr, equal_error_rate, over_people
from dien_lightning.calibration.pairs import Pairs
from dien_lightning.calibration.ratios import METHODS, Ratios, evidence_bounds, fit_ratios
from dien_lightning.checks import amount, check_choice, check_range
from dien_lightning.network import Calibration

LEAST_PEOPLE = 20
_KNOTS = 256
_FOLDS = 5


def calibrate(
    pairs: Pairs,
    *,
    fingerprint: str,
    domain: str,
    false_matches: float = 10.0,
    method: str = "logistic",
    seed: int = 0,
    about: dict[str, Any] | None = None,
) -> Calibration:
    """Fit what a network's distances say, on pairs of images whose people are known.

    Args:
        pairs: from different cameras, see `pairs_across_cameras`; the cameras should be those that are asked about.
        fingerprint: of the network that embedded the images.
        domain: whose statistics it took, "source" or "target".
        false_matches: per 1,000 comparisons of strangers, that the threshold may let through.
        method: "logistic" or "isotonic", see `fit_ratios`.
        seed: of the parts and of the bootstrap.
        about: further plain values to keep with it.

    Returns:
        The calibration. Its `about` says what it rests on: how many "people" (those with two pictures that make a
        pair), "pairs_of_one" person and "pairs_of_strangers" (images, two by two), "pairs_of_people" (how many pairs of
        two people those are), the "log10_bounds" of the evidence; and how good it is: the "threshold", a distance, with
        its "false_matches" per 1,000 comparisons and its "misses" (share of the pairs of one person), "eer" (see
        `equal_error_rate`) and "cllr" (see `cllr`; of people whom the fit has not seen, in five parts). Each of these
        four is [value, low, high], low and high by `over_people`.

    Raises:
        ValueError: fewer than 20 people, or strangers of too few; fewer false matches than the pairs can show;
            distances that are not finite, or tell nobody apart.
    """
    check_choice("method", method, METHODS)
    check_range("false_matches", false_matches, 0, 1000, include_low=False)
    num_people, num_strangers = _count(pairs, false_matches)
    ratios, bounds = _bounded_fit(pairs, method)
    comparison = Comparison(pairs.distances, pairs.same)
    threshold = comparison.rates().at_most(false_matches / 1000)

    def at_threshold(weights: np.ndarray | None = None) -> list[float]:
        found = comparison.rates(weights)
        place = int(np.searchsorted(found.thresholds, threshold, side="right")) - 1
        matches, misses = (found.false_matches[place], found.misses[place]) if place >= 0 else (0.0, 1.0)
        return [float(1000 * matches), float(misses), equal_error_rate(found)]

    unseen, unseen_ratios = _ratios_of_unseen(pairs, method, seed)

    def cost(weights: np.ndarray | None = None) -> list[float]:
        return [cllr(unseen_ratios, unseen.same, weights)]

    figures = [*over_people(pairs.people, at_threshold, seed=seed), *over_people(unseen.people, cost, seed=seed)]
    knots = np.linspace(pairs.distances.min(), pairs.distances.max(), _KNOTS)
    strangers = np.sort(pairs.distances[~pairs.same])
    shares = np.searchsorted(strangers, knots, side="right") / len(strangers)
    return Calibration(
        knots.tolist(),
        np.minimum.accumulate(ratios(knots)).tolist(),
        shares.clip(1 / num_strangers, 1).tolist(),
        {
            "fingerprint": fingerprint,
            "domain": domain,
            "method": method,
            "people": num_people,
            "pairs_of_one": int(pairs.same.sum()),
            "pairs_of_strangers": len(strangers),
            "pairs_of_people": num_strangers,
            "log10_bounds": list(bounds),
            "threshold": threshold,
            **dict(zip(("false_matches", "misses", "eer", "cllr"), figures, strict=True)),
            **(about or {}),
        },
    )


def _count(pairs: Pairs, false_matches: float) -> tuple[int, int]:
    """How many people and how many pairs of two people there are, if they are enough."""
    if not np.isfinite(pairs.distances).all() or (pairs.distances < 0).any():
        raise ValueError("distances must be finite and at least 0.")
    num_people, num_strangers = pairs.count_people(), pairs.count_strangers()
    if num_people < LEAST_PEOPLE:
        raise ValueError(
            f"{amount(num_people, 'person has', 'people have')} two pictures that make a pair, and a calibration needs "
            f"at least {LEAST_PEOPLE}: fewer say nothing of others. Label more."
        )
    if not num_strangers:
        raise ValueError("there is no pair of two people; label some that are not the same.")
    finest = 1000 / num_strangers
    if false_matches < finest:
        raise ValueError(
            f"false_matches={false_matches:g} per 1,000 comparisons is finer than {num_strangers:,} pairs of people "
            f"can show, which is {finest:.3g}; raise it, or label more people."
        )
    if np.ptp(pairs.distances) == 0:
        raise ValueError("all distances are equal: the embeddings have collapsed, and tell nobody apart.")
    return num_people, num_strangers


def _bounded_fit(pairs: Pairs, method: str) -> tuple[Ratios, tuple[float, float]]:
    fit = fit_ratios(pairs.distances, pairs.same, method)
    bounds = evidence_bounds(fit(pairs.distances), pairs.same, pairs.count_people(), pairs.count_strangers())
    return lambda distances: fit(distances).clip(*bounds), bounds


def _ratios_of_unseen(pairs: Pairs, method: str, seed: int) -> tuple[Pairs, np.ndarray]:
    """Pairs of people in one part of `_FOLDS`, with the ratios that a fit to the other parts' people gives them."""
    names, places = np.unique(pairs.people, return_inverse=True)
    parts = np.random.default_rng(seed).permutation(len(names)) % _FOLDS
    part = parts[places].reshape(pairs.people.shape)  # (N, 2)
    kept, found = [], []
    for number in range(_FOLDS):
        unseen, seen = (part == number).all(1), (part != number).all(1)
        ratios, _ = _bounded_fit(_of_both_kinds(pairs.take(seen)), method)
        kept.append(np.flatnonzero(unseen))
        found.append(ratios(pairs.distances[unseen]))
    return _of_both_kinds(pairs.take(np.concatenate(kept))), np.concatenate(found)


def _of_both_kinds(pairs: Pairs) -> Pairs:
    if not 0 < pairs.same.sum() < len(pairs.same):
        raise ValueError(
            f"people are put into {_FOLDS} parts, to judge the fit by those whom it has not seen, and too few pairs of "
            "one person or of strangers lie within these; mark strangers of more people."
        )
    return pairs
