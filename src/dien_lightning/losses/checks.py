"""One check that the losses share: a number inside its range, or a sentence that says which it is."""

from __future__ import annotations

import math
from numbers import Real


def check_range(
    name: str,
    value: float,
    low: float,
    high: float = math.inf,
    *,
    include_low: bool = True,
    include_high: bool = False,
) -> None:
    """Raise a ValueError that names the argument unless low <= value <= high (ends as told).

    Example:
        >>> check_range("margin", 0.0, 0, include_low=False)
        Traceback (most recent call last):
        ...
        ValueError: margin=0.0 is out of range; choose a number in (0, inf).
    """
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not (number and (low < value < high or (include_low and value == low) or (include_high and value == high))):
        ends = f"{'[' if include_low else '('}{low:g}, {high:g}{']' if include_high else ')'}"
        raise ValueError(f"{name}={value!r} is out of range; choose a number in {ends}.")
