"""A number inside its range passes, everything else is named."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dien_lightning.losses.checks import check_range


def test_inside():
    check_range("x", 0, 0)
    check_range("x", 0.5, 0, 1)
    check_range("x", 1, 0, 1, include_high=True)
    check_range("x", np.float32(0.5), 0, 1)


@pytest.mark.parametrize(
    ("value", "arguments", "ends"),
    [
        (0, {"low": 0, "include_low": False}, r"\(0, inf\)"),
        (1, {"low": 0, "high": 1}, r"\[0, 1\)"),
        (1.5, {"low": 0, "high": 1, "include_high": True}, r"\[0, 1\]"),
        (math.nan, {"low": 0}, r"\[0, inf\)"),
        (math.inf, {"low": 0}, r"\[0, inf\)"),
        ("0.5", {"low": 0}, r"\[0, inf\)"),
        (None, {"low": 0}, r"\[0, inf\)"),
    ],
)
def test_outside(value, arguments, ends):
    with pytest.raises(ValueError, match=rf"x={value!r} is out of range; choose a number in {ends}\."):
        check_range("x", value, **arguments)
