"""What passes, and what is said about the rest."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dien_lightning.checks import check_choice, check_int, check_keywords, check_range, check_size, first_line


def test_what_passes():
    check_int("n", 0, 0, "")
    check_int("n", np.int64(3), 0, "")
    check_choice("letter", "a", ("a", "b"))
    assert check_size("size", torch.Size([64, 32]), (64, 32)) == (64, 32)
    assert check_size("size", [100, 200], (64, 32)) == (100, 200)


@pytest.mark.parametrize("value", [-1, 1.0, "1", None, True])
def test_not_a_whole_number(value):
    with pytest.raises(ValueError, match=rf"n={value!r} must be a whole number of at least 0; use more\."):
        check_int("n", value, 0, "use more")


def test_a_number_inside_its_range():
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
def test_a_number_outside_its_range(value, arguments, ends):
    with pytest.raises(ValueError, match=rf"x={value!r} is out of range; choose a number in {ends}\."):
        check_range("x", value, **arguments)


@pytest.mark.parametrize("value", [True, 1.0])
def test_what_python_takes_for_one_is_not_among_the_choices(value):
    with pytest.raises(ValueError, match=rf"stage={value} is not allowed; choose one of 1, 2\."):
        check_choice("stage", value, (1, 2))
    check_choice("stage", np.int64(1), (1, 2))


def test_not_among_the_choices():
    with pytest.raises(ValueError, match=r"letter='c' is not allowed; choose one of a, b\."):
        check_choice("letter", "c", ("a", "b"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [((63, 32), "63 x 32"), ((64, 31), "64 x 31"), (256, "256"), ((64, 32, 3), "64 x 32 x 3"), ("256", "256")],
)
def test_not_a_size(value, shown):
    with pytest.raises(ValueError, match=rf"size={shown} must be two whole numbers of at least 64 x 32\."):
        check_size("size", value, (64, 32))


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("", "ValueError"),
        ("broken", "broken"),
        ("It is broken. Do set weights_only=False!\nReally.", "It is broken"),
        ("Errors:\n\n\tsize mismatch for x: 1 and 2.\n\tmore", "Errors: size mismatch for x: 1 and 2"),
    ],
)
def test_first_line(message, line):
    assert first_line(ValueError(message)) == line


def test_any_keyword_is_known_to_a_function_that_takes_any():
    check_keywords("own", ["anything"], lambda **options: options)
    with pytest.raises(ValueError, match=r"own has no 'anything'; it has size\."):
        check_keywords("own", ["anything"], lambda *, size: size)
