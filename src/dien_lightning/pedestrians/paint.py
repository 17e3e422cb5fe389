"""From places on a figure to colors: skin, face, hair and the cut of the clothes, decided pixel by pixel."""

from __future__ import annotations

import numpy as np

from .body import Floats, Indices
from .figure import Material
from .patterns import LOGOS
from .place import COLLAR, WAIST, Place, above_hairline, above_hat_line
from .wardrobe import Outfit

_SOLE = -0.8
_LEG_AXIS = 0.15  # |x| of a leg's middle


def paint(outfit: Outfit, materials: Indices, places: Floats) -> Floats:
    """Color of each seen pixel.

    Args:
        outfit: what the person wears.
        materials: `Material` of each pixel, (N,).
        places: its canonical coordinates as `Figure.places` has them, (N, 6).

    Returns:
        sRGB in [0, 1], (N, 3).
    """
    colors = np.empty((len(materials), 3), dtype=np.float32)
    for material in Material:
        chosen = np.flatnonzero(materials == material)
        if len(chosen):
            values = places[chosen]
            place = Place(values[:, :3], values[:, 3], values[:, 4], values[:, 5])
            colors[chosen] = _PAINTERS[material](outfit, place)
    return colors


def _body(outfit: Outfit, place: Place) -> Floats:
    x, y, z = place.position.T
    colors = np.tile(outfit.skin, (len(x), 1))
    on_arm = place.arm > 0.5
    u, v = _unroll(place)

    leg = ~on_arm & (z < WAIST)
    if outfit.legwear is not None:
        colors[leg & (z < outfit.bottom_hem)] = outfit.legwear
    clothed = leg & (z > outfit.bottom_hem)
    colors[clothed] = outfit.bottom_fabric.paint(u[clothed], v[clothed])
    if outfit.side_stripe is not None:
        colors[clothed & (np.abs(x) > _LEG_AXIS - 0.05) & (np.abs(y + 0.02) < 0.022)] = outfit.side_stripe
    shoe = ~on_arm & (z < outfit.shaft)
    colors[shoe] = outfit.shoe
    colors[shoe & (z < _SOLE)] = outfit.sole

    _dress_top(outfit, place, colors, u, v)
    _draw_straps(outfit, place, colors)
    _draw_head(outfit, place, colors)
    return colors


def _unroll(place: Place) -> tuple[Floats, Floats]:
    """Fabric coordinates in meters: around the limb or torso, and upwards or along the arm."""
    x, y, z = place.position.T
    around_torso = np.arctan2(x, -y) * 0.16
    around_leg = np.arctan2(np.abs(x) - _LEG_AXIS, -y) * 0.09
    u = np.where(z < 0.05, around_leg, around_torso)
    on_arm = place.arm > 0.5
    return np.where(on_arm, y, u), np.where(on_arm, -0.29 * place.along_arm, z)


def _dress_top(outfit: Outfit, place: Place, colors: Floats, u: Floats, v: Floats) -> None:
    x, y, z = place.position.T
    on_arm = place.arm > 0.5
    depth = np.where(y < -0.03, outfit.neckline * np.clip(1 - np.abs(x) / 0.09, 0, 1) + 0.02, 0.0)
    torso = ~on_arm & (z > outfit.top_hem) & (z < COLLAR - depth)
    sleeve = on_arm & (place.along_arm < outfit.sleeve)
    top = torso | sleeve
    colors[top] = outfit.top.paint(u[top], v[top])
    front = torso & (y < -0.02)
    if outfit.open_front is not None:
        colors[front & (np.abs(x) < 0.045 + 0.03 * (z < 0.3))] = outfit.open_front
    if outfit.logo is not None:
        height, size, side = outfit.logo_place
        faces = {0: front, 1: torso & ~front, 2: torso}[side]
        printed = faces & LOGOS[outfit.logo](x / size, (z - height) / size)
        colors[printed] = outfit.logo_color


def _draw_straps(outfit: Outfit, place: Place, colors: Floats) -> None:
    x, y, z = place.position.T
    torso = place.arm < 0.5
    if outfit.pack == "backpack":
        strap = torso & (np.abs(np.abs(x) - 0.11) < 0.02) & (z > 0.38) & (z < COLLAR + 0.02) & (y < 0.04)
        colors[strap] = outfit.pack_color[1] * 0.8
    if outfit.pack == "bag":
        # From the right shoulder to the left hip.
        away = (x + 0.09) * 0.87 + (z - 0.7) * 0.49
        colors[torso & (np.abs(away) < 0.016) & (z > 0.15) & (z < COLLAR + 0.02)] = outfit.pack_color[1] * 0.8


def _draw_head(outfit: Outfit, place: Place, colors: Floats) -> None:
    x, y, z = place.position.T
    head = (place.head > 0.5) & (z > 0.77)
    face = head & (y < -0.1)
    eye = face & (np.abs(np.abs(x) - 0.034) < 0.018) & (np.abs(z - 0.893) < 0.009)
    brow = face & (np.abs(np.abs(x) - 0.034) < 0.024) & (np.abs(z - 0.916) < 0.006)
    mouth = face & (np.abs(x) < 0.03) & (np.abs(z - 0.82) < 0.008)
    colors[eye] = (0.12, 0.1, 0.1)
    colors[brow] = outfit.hair * 0.7
    colors[mouth] = outfit.skin * (0.8, 0.55, 0.55)
    if outfit.hair_style != "bald":
        ear = (
            (np.abs(x) > 0.074) & (z < 0.905) & (np.abs(y + 0.05) < 0.035) & (outfit.hair_style not in ("bob", "long"))
        )
        colors[head & (above_hairline(place.position) > 0) & ~ear] = outfit.hair
    if outfit.hat != "none":
        colors[head & (above_hat_line(place.position) > 0)] = outfit.hat_color


def _hair(outfit: Outfit, place: Place) -> Floats:
    x, y, _ = place.position.T
    strands = 1 + 0.12 * np.sin(np.arctan2(x, y + 0.045) * 23)
    return outfit.hair * strands[:, None]


def _hat(outfit: Outfit, place: Place) -> Floats:
    return np.tile(outfit.hat_color * 0.9, (len(place.arm), 1))


def _skirt(outfit: Outfit, place: Place) -> Floats:
    x, y, z = place.position.T
    return outfit.bottom_fabric.paint(np.arctan2(x, -y) * 0.16, z)


def _tail(outfit: Outfit, place: Place) -> Floats:
    x, y, z = place.position.T
    colors = outfit.top.paint(np.arctan2(x, -y) * 0.16, z)
    if outfit.open_front is not None:
        colors[(np.abs(x) < 0.05) & (y < 0)] = outfit.bottom_fabric.colors[0]
    return colors


def _pack(outfit: Outfit, place: Place) -> Floats:
    _, y, z = place.position.T
    pocket = (y > 0.19) & (z < 0.47) if outfit.pack == "backpack" else z > 0.17
    return np.where(pocket[:, None], outfit.pack_color[1], outfit.pack_color[0])


_PAINTERS = {
    Material.BODY: _body,
    Material.HAIR: _hair,
    Material.HAT: _hat,
    Material.SKIRT: _skirt,
    Material.TAIL: _tail,
    Material.PACK: _pack,
}
