"""What can be said of a drawn person in words, as people annotate photographs: hair, clothes, their colors, bags."""

from __future__ import annotations

import colorsys
import csv
from collections.abc import Sequence
from pathlib import Path

from dien_lightning.atomic import atomic_write

from .body import Floats
from .painter import outfit_of
from .wardrobe import Outfit

_HAIR = {"bald": "bald", "short": "short", "afro": "short"}  # all other styles are long
_SLEEVES = ((0.25, "none"), (0.95, "short"), (1.75, "half"), (9.0, "long"))
_HUES = ((20, "red"), (45, "orange"), (70, "yellow"), (165, "green"), (255, "blue"), (290, "purple"), (340, "pink"))


def write_table(path: Path, seed: int, domain: str, pids: Sequence[int]) -> None:
    """Write what identities wear, a line for each: `pid`, and the attributes of `attributes_of`.

    Args:
        path: of the file.
        seed: of the data set.
        domain: "day" or "night".
        pids: identities of `make_person`.
    """
    people = {pid: attributes_of(outfit_of(seed, domain, pid)) for pid in pids}
    with atomic_write(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["pid", *people[pids[0]]])
        writer.writerows([pid, *words.values()] for pid, words in people.items())


def attributes_of(outfit: Outfit) -> dict[str, str]:
    """An outfit in words, each a value of one of 14 attributes.

    Args:
        outfit: of an identity.

    Returns:
        By attribute: hair (bald, short, long), hat, sleeves (none, short, half, long), upper_color and lower_color (see
        `color_name`), upper_pattern and lower_pattern (no, yes), coat, open_jacket, lower (trousers, shorts, skirt),
        shoes (dark, light), boots, backpack, bag; no or yes where nothing else is said.
    """
    found: dict[str, str | bool] = {
        "hair": _HAIR.get(outfit.hair_style, "long"),
        "hat": outfit.hat != "none",
        "sleeves": next(name for end, name in _SLEEVES if outfit.sleeve < end),
        "upper_color": color_name(outfit.top.colors[0]),
        "upper_pattern": outfit.top.pattern != "plain",
        "coat": outfit.top_hem < 0,
        "open_jacket": outfit.open_front is not None,
        "lower": outfit.bottom,
        "lower_color": color_name(outfit.bottom_fabric.colors[0]),
        "lower_pattern": outfit.bottom_fabric.pattern != "plain",
        "shoes": "light" if float(outfit.shoe.mean()) > 0.5 else "dark",
        "boots": outfit.shaft > -0.65,
        "backpack": outfit.pack == "backpack",
        "bag": outfit.pack == "bag",
    }
    return {name: value if isinstance(value, str) else "yes" if value else "no" for name, value in found.items()}


def color_name(color: Floats) -> str:
    """The nearest of the words that people have for clothes.

    Args:
        color: sRGB in [0, 1], (3,).

    Returns:
        black, gray, white, brown, red, orange, yellow, green, blue, purple or pink.

    Example:
        >>> import numpy as np
        >>> [color_name(np.array(color)) for color in ([0.1, 0.1, 0.1], [0.2, 0.3, 0.6], [0.4, 0.25, 0.1])]
        ['black', 'blue', 'brown']
    """
    red, green, blue = map(float, color)
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    if value < 0.22:
        return "black"
    if saturation < 0.2:
        return "white" if value > 0.82 else "gray"
    degrees = 360 * hue
    if 10 < degrees < 50 and (value < 0.65 or saturation < 0.45):
        return "brown"
    return next((name for end, name in _HUES if degrees < end), "red")
