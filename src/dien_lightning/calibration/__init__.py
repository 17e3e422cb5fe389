"""Labelled pairs to what a distance says: likelihood ratios with bounds, thresholds, and how sure they are."""

from dien_lightning.calibration.calibrate import LEAST_PEOPLE, calibrate
from dien_lightning.calibration.figures import Comparison, Rates, cllr, equal_error_rate, over_people
from dien_lightning.calibration.marks import Mark, people_of_marks, read_marks
from dien_lightning.calibration.pairs import CAMERAS, Pairs, pairs_across_cameras
from dien_lightning.calibration.ratios import METHODS, evidence_bounds, fit_ratios

__all__ = [
    "CAMERAS",
    "LEAST_PEOPLE",
    "METHODS",
    "Comparison",
    "Mark",
    "Pairs",
    "Rates",
    "calibrate",
    "cllr",
    "equal_error_rate",
    "evidence_bounds",
    "fit_ratios",
    "over_people",
    "pairs_across_cameras",
    "people_of_marks",
    "read_marks",
]
