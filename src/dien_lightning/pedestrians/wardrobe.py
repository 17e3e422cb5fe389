"""What a person wears and looks like: drawn once for an identity, the same in all its images."""

from __future__ import annotations

import colorsys
from typing import NamedTuple

import numpy as np

from .body import Floats
from .patterns import LOGOS, Fabric

# Tones from light to dark, sRGB.
_SKINS = ((244, 212, 190), (229, 184, 150), (204, 152, 112), (164, 112, 76), (118, 78, 54), (78, 52, 40))
_HAIRS = ((22, 20, 20), (44, 30, 22), (84, 56, 34), (128, 84, 46), (196, 158, 96), (150, 66, 32), (150, 148, 146))
_DENIMS = ((38, 48, 74), (62, 84, 122), (108, 134, 166), (30, 32, 40))
_NEUTRALS = (
    (24, 24, 26),
    (70, 72, 76),
    (128, 130, 132),
    (186, 186, 184),
    (232, 232, 228),
    (196, 176, 142),
    (92, 72, 54),
)


class Outfit(NamedTuple):
    """Looks that stay. Lengths in meters along the mean adult's rest pose unless said otherwise.

    Attributes:
        skin: sRGB in [0, 1], as all colors here.
        hair: color.
        hair_style: bald, short, afro, bob, long, bun or ponytail.
        hat: none, cap, beanie or brim.
        hat_color: color.
        top: fabric of shirt, jumper or coat.
        sleeve: how far sleeves reach: 0 shoulder, 1 elbow, 2 wrist.
        top_hem: height at which the top ends.
        loose: how far the cloth stands off the body.
        neckline: how deep the front is cut.
        open_front: color seen between the flaps of an open jacket, or None.
        logo: kind of print, or None.
        logo_place: height of the print, its half size, and 0 for the front, 1 for the back, 2 for both.
        logo_color: color.
        bottom: trousers, shorts or skirt.
        bottom_fabric: fabric of it.
        bottom_hem: height at which it ends.
        legwear: color of the legs below a skirt or shorts (tights, socks), or None for skin.
        side_stripe: color of a stripe along the trousers' seam, or None.
        shoe: color.
        sole: color.
        shaft: height at which shoes or boots end.
        pack: none, backpack or bag (over one shoulder).
        pack_color: main color and its pocket's or strap's.
        pack_size: factor.
    """

    skin: Floats
    hair: Floats
    hair_style: str
    hat: str
    hat_color: Floats
    top: Fabric
    sleeve: float
    top_hem: float
    loose: float
    neckline: float
    open_front: Floats | None
    logo: str | None
    logo_place: tuple[float, float, int]
    logo_color: Floats
    bottom: str
    bottom_fabric: Fabric
    bottom_hem: float
    legwear: Floats | None
    side_stripe: Floats | None
    shoe: Floats
    sole: Floats
    shaft: float
    pack: str
    pack_color: Floats
    pack_size: float


def _pick(rng: np.random.Generator, options: dict) -> str:
    weights = np.array(list(options.values()), dtype=float)
    return str(rng.choice(list(options), p=weights / weights.sum()))


def _near(rng: np.random.Generator, palette: tuple, spread: float = 0.03) -> Floats:
    color = np.array(palette[rng.integers(len(palette))]) / 255
    return np.clip(color + rng.normal(0, spread / 2) + rng.normal(0, spread / 2, 3), 0.02, 0.98).astype(np.float32)


def _vivid(rng: np.random.Generator) -> Floats:
    hue, saturation, value = rng.uniform(), rng.uniform(0.45, 0.95), rng.uniform(0.35, 0.95)
    return np.array(colorsys.hsv_to_rgb(hue, saturation, value), dtype=np.float32)


def _cloth(rng: np.random.Generator, neutral: float) -> Floats:
    return _near(rng, _NEUTRALS) if rng.uniform() < neutral else _vivid(rng)


def _contrasting(rng: np.random.Generator, other: Floats, neutral: float) -> Floats:
    while True:
        color = _cloth(rng, neutral)
        if np.linalg.norm(color - other) > 0.4:
            return color


def _fabric(rng: np.random.Generator, patterns: dict, neutral: float) -> Fabric:
    pattern = _pick(rng, patterns)
    ground = _cloth(rng, neutral)
    period = {"blotches": (0.2, 0.36), "dots": (0.06, 0.11)}.get(pattern, (0.06, 0.16))
    return Fabric(
        pattern, np.stack([ground, _contrasting(rng, ground, 0.5)]), float(rng.uniform(*period)), float(rng.uniform())
    )


def sample_outfit(rng: np.random.Generator) -> Outfit:
    """Draw what an identity wears."""
    tops = {
        "plain": 10,
        "stripes": 4,
        "pinstripes": 2,
        "checks": 3,
        "lattice": 2,
        "diamonds": 1,
        "dots": 2,
        "blotches": 2,
    }
    top = _fabric(rng, tops, neutral=0.4)
    coat = rng.uniform() < 0.12
    bottom = _pick(rng, {"trousers": 5, "shorts": 2.4, "skirt": 2.6})
    fabric = _fabric(rng, {"plain": 12, "checks": 1, "pinstripes": 1, "dots": 0.6, "stripes": 0.7}, neutral=0.45)
    if bottom != "skirt" and rng.uniform() < 0.35:
        fabric = Fabric("plain", np.stack([_near(rng, _DENIMS)] * 2), 1.0, 0.0)
    if bottom == "skirt" and rng.uniform() < 0.3:
        fabric = top  # a dress
    hem = {"trousers": (-0.76, -0.6), "shorts": (-0.26, -0.02), "skirt": (-0.5, -0.06)}[bottom]
    shoe = _cloth(rng, 0.6)
    return Outfit(
        skin=_near(rng, _SKINS, 0.02),
        hair=_near(rng, _HAIRS) if rng.uniform() < 0.92 else _vivid(rng),
        hair_style=_pick(rng, {"bald": 1, "short": 5, "afro": 1.2, "bob": 2.5, "long": 2.5, "bun": 1.5, "ponytail": 2}),
        hat=_pick(rng, {"none": 7, "cap": 1.2, "beanie": 1.2, "brim": 0.7}),
        hat_color=_cloth(rng, 0.3),
        top=top,
        sleeve=float({"none": 0.0, "short": rng.uniform(0.45, 0.85), "half": rng.uniform(1.1, 1.5), "long": 2.0}[
            "long" if coat else _pick(rng, {"none": 1.5, "short": 4, "half": 1, "long": 4.5})
        ]),
        top_hem=float(rng.uniform(-0.25, -0.02) if coat else rng.uniform(0.06, 0.26)),
        loose=float(rng.uniform(0.02, 0.035) if coat else rng.uniform(0.006, 0.028)),
        neckline=float(rng.choice([0.0, 0.05, 0.12], p=[0.5, 0.3, 0.2])),
        open_front=_contrasting(rng, top.colors[0], 0.5) if rng.uniform() < (0.5 if coat else 0.14) else None,
        logo=str(rng.choice(list(LOGOS))) if top.pattern == "plain" and rng.uniform() < 0.6 else None,
        logo_place=(
            float(rng.uniform(0.42, 0.56)), float(rng.uniform(0.05, 0.095)), int(rng.choice(3, p=[0.35, 0.2, 0.45]))
        ),
        logo_color=_contrasting(rng, top.colors[0], 0.3),
        bottom=bottom,
        bottom_fabric=fabric,
        bottom_hem=float(rng.uniform(*hem)),
        legwear=_cloth(rng, 0.6) if bottom != "trousers" and rng.uniform() < 0.35 else None,
        side_stripe=_contrasting(rng, fabric.colors[0], 0.5) if bottom == "trousers" and rng.uniform() < 0.18 else None,
        shoe=shoe,
        sole=_near(rng, ((235, 235, 230), (30, 28, 28))),
        shaft=float(rng.uniform(-0.62, -0.42) if rng.uniform() < 0.15 else rng.uniform(-0.75, -0.7)),
        pack=_pick(rng, {"none": 6, "backpack": 2.5, "bag": 1.5}),
        pack_color=np.stack([_cloth(rng, 0.4), _cloth(rng, 0.5)]),
        pack_size=float(rng.uniform(0.8, 1.15)),
    )  # fmt: skip
