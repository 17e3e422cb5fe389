"""Checks of single arguments that say which it is, and words for sentences: amounts, another library's error."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from inspect import Parameter, signature
from numbers import Integral, Real
from typing import Any


def check_int(name: str, value: Any, minimum: int, remedy: str) -> None:
    """Raise a ValueError unless `value` is a whole number of at least `minimum`.

    Example:
        >>> check_int("attention_loops", -1, 0, "0 switches the attention off")
        Traceback (most recent call last):
        ...
        ValueError: attention_loops=-1 must be a whole number of at least 0; 0 switches the attention off.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise ValueError(f"{name}={value!r} must be a whole number of at least {minimum}; {remedy}.")


def check_bool(name: str, value: Any) -> None:
    """Raise a ValueError unless `value` is True or False; "no" and "off" are texts, which count as true.

    Example:
        >>> check_bool("flip", "off")
        Traceback (most recent call last):
        ...
        ValueError: flip='off' must be true or false.
    """
    if not isinstance(value, bool):
        raise ValueError(f"{name}={value!r} must be true or false.")


def check_path(name: str, value: Any) -> None:
    """Raise a ValueError unless `value` is text or a path, and not empty: Hydra makes numbers of 2026 and of 2_0."""
    if value == "":
        raise ValueError(f"{name}= is empty; name a folder or a file, or . for the one you are in.")
    if not isinstance(value, str | os.PathLike):
        raise ValueError(f"{name}={value} is no text; quote a name that reads as a number: '{name}=\"2026\"'.")


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


def check_choice(name: str, value: Any, allowed: Sequence[Any]) -> None:
    """Raise a ValueError unless `value` is one of `allowed`.

    Example:
        >>> check_choice("attention_stage", 5, (1, 2, 3, 4))
        Traceback (most recent call last):
        ...
        ValueError: attention_stage=5 is not allowed; choose one of 1, 2, 3, 4.
    """
    if value not in allowed or isinstance(value, (bool, float)):  # Python takes True and 1.0 for 1
        raise ValueError(f"{name}={value!r} is not allowed; choose one of {', '.join(map(str, allowed))}.")


def check_keywords(name: str, given: Iterable[str], function: Callable[..., Any]) -> None:
    """Raise a ValueError unless all of `given` are arguments that `function` takes by keyword alone, or it takes any.

    Example:
        >>> check_keywords("sorting", ["key", "order"], sorted)
        Traceback (most recent call last):
        ...
        ValueError: sorting has no 'order'; it has key, reverse.
    """
    parameters = signature(function).parameters.values()
    known = [p.name for p in parameters if p.kind is Parameter.KEYWORD_ONLY]
    takes_any = any(p.kind is Parameter.VAR_KEYWORD for p in parameters)
    for key in given:
        if key not in known and not takes_any:
            raise ValueError(f"{name} has no {key!r}; it has {', '.join(known)}.")


def check_size(name: str, value: Any, smallest: tuple[int, int]) -> tuple[int, int]:
    """The two whole numbers of `value`, or a ValueError if they are none, or smaller than `smallest`.

    Example:
        >>> check_size("image_size", [256, 128], smallest=(64, 32))
        (256, 128)
        >>> check_size("image_size", (63, 32), smallest=(64, 32))
        Traceback (most recent call last):
        ...
        ValueError: image_size=63 x 32 must be two whole numbers of at least 64 x 32.
    """
    sides = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    whole = [int(side) for side in sides if isinstance(side, Integral)]
    if len(sides) != 2 or len(whole) != 2 or whole[0] < smallest[0] or whole[1] < smallest[1]:
        shown = " x ".join(map(str, sides))
        raise ValueError(f"{name}={shown} must be two whole numbers of at least {smallest[0]} x {smallest[1]}.")
    return whole[0], whole[1]


def amount(number: int, one: str, many: str | None = None) -> str:
    """A number and what is counted; `many` is `one` with an s, where it is not given.

    Example:
        >>> amount(1, "image is", "images are"), amount(2520, "crop")
        ('1 image is', '2,520 crops')
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def first_line(error: BaseException) -> str:
    """What another library's error says, in one line and without its advice; its type if it says nothing.

    Example:
        >>> first_line(EOFError())
        'EOFError'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    said = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]  # a heading says nothing alone
    return said.split(". ")[0].rstrip(".")
