"""Slow, obvious versions of TJ-AIDL's formulas, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence

Rows = Sequence[Sequence[float]]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def attribute_loss(logits: Rows, attributes: Rows) -> float:
    """Cross-entropy of each attribute of each image, one by one; the mean over images."""
    found = []
    for row, known in zip(logits, attributes, strict=True):
        for logit, value in zip(row, known, strict=True):
            found.append(-(value * math.log(sigmoid(logit)) + (1 - value) * math.log(1 - sigmoid(logit))))
    return sum(found) / len(logits)


def mean_squared(one: Rows, other: Rows) -> float:
    pairs = [(x, y) for a, b in zip(one, other, strict=True) for x, y in zip(a, b, strict=True)]
    return sum((x - y) ** 2 for x, y in pairs) / len(pairs)
