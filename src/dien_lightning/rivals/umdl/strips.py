"""Colors and textures of one image, strip by strip: features that nobody trained.

After LOMO (Liao et al., "Person Re-identification by Local Maximal Occurrence Representation and Metric Learning", CVPR
2015): windows of 10 x 10 pixels, 5 apart; in each a joint HSV histogram and two of scale-invariant local ternary
patterns; along each horizontal strip the largest count of every bin, so a person may stand further left or have turned;
three scales; logarithm, then unit length. LOMO evens out the light by a Retinex first, which is left out here.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

SMALLEST = (40, 40)
"""Height and width below which the third scale has no window."""
_CELL = 5  # a window is two cells high and two wide
_LEVELS = 8  # of hue, of saturation and of value
_NUM_COLORS = _LEVELS**3
_NUM_TEXTURES = 3**4
_RADII = (3, 5)
_SCALES = 3


def strip_features(image: np.ndarray) -> np.ndarray:  # (H, W, 3) -> (D,)
    """The features of one image, float32: color and texture of unit length each.

    Args:
        image: RGB, uint8, at least `SMALLEST`.

    Raises:
        ValueError: it is smaller.

    Example:
        >>> strip_features(np.zeros((128, 48, 3), dtype=np.uint8)).shape
        (26960,)
    """
    if image.shape[0] < SMALLEST[0] or image.shape[1] < SMALLEST[1]:
        raise ValueError(
            f"an image of {image.shape[0]} x {image.shape[1]} pixels has no window of 10 x 10 at a quarter of its "
            f"size; take at least {SMALLEST[0]} x {SMALLEST[1]} (data.image_size)."
        )
    colors, textures = [], []
    for scaled in _scales(image):
        colors.append(strip_maxima(color_bins(scaled), _NUM_COLORS).ravel())
        gray = scaled.astype(np.float32).mean(axis=2)
        textures += [strip_maxima(texture_bins(gray, radius), _NUM_TEXTURES).ravel() for radius in _RADII]
    return np.concatenate([_unit(np.log1p(np.concatenate(part))) for part in (colors, textures)])


def color_bins(image: np.ndarray) -> np.ndarray:  # (H, W, 3) -> (H, W)
    """The joint bin of hue, saturation and value of each pixel, 8 levels each: a whole number below 512."""
    levels = np.asarray(Image.fromarray(image).convert("HSV")).astype(np.int64) * _LEVELS // 256
    return levels @ [_LEVELS**2, _LEVELS, 1]


def texture_bins(gray: np.ndarray, radius: int, tolerance: float = 0.3) -> np.ndarray:  # (H, W) -> (H, W)
    """Scale-invariant local ternary patterns: how each pixel's four neighbors compare with it, a number below 81.

    A neighbor counts 1 where it is brighter than (1 + tolerance) times the pixel, 2 where it is darker than (1 -
    tolerance) times, else 0; right, below, left and above are the digits to base 3, right the lowest. Twice the light
    leaves it as it is.

    Args:
        gray: brightness, not negative.
        radius: how far the neighbors are, in pixels; past the border its last pixel goes on.
        tolerance: as a fraction.
    """
    padded = np.pad(gray, radius, mode="edge")
    height, width = gray.shape
    bins = np.zeros(gray.shape, dtype=np.int64)
    for digit, (down, right) in enumerate(((0, 1), (1, 0), (0, -1), (-1, 0))):
        top, left = radius * (1 + down), radius * (1 + right)
        neighbor = padded[top : top + height, left : left + width]
        ternary = np.where(neighbor > (1 + tolerance) * gray, 1, np.where(neighbor < (1 - tolerance) * gray, 2, 0))
        bins += 3**digit * ternary
    return bins


def strip_maxima(bins: np.ndarray, num_bins: int) -> np.ndarray:  # (H, W) -> (S, num_bins)
    """In each horizontal strip of windows the largest count that any of them has of each bin.

    Args:
        bins: the bin of each pixel.
        num_bins: how many there are.
    """
    rows, columns = bins.shape[0] // _CELL, bins.shape[1] // _CELL
    inside = bins[: rows * _CELL, : columns * _CELL]
    cells = np.arange(rows).repeat(_CELL)[:, None] * columns + np.arange(columns).repeat(_CELL)[None]
    counts = np.bincount((cells * num_bins + inside).ravel(), minlength=rows * columns * num_bins)
    counts = counts.reshape(rows, columns, num_bins).astype(np.float32)
    windows = counts[:-1, :-1] + counts[:-1, 1:] + counts[1:, :-1] + counts[1:, 1:]  # (S, columns - 1, num_bins)
    return windows.max(axis=1)


def _scales(image: np.ndarray) -> Iterator[np.ndarray]:
    """The image, then half and a quarter of its size: means of 2 x 2 pixels."""
    for _ in range(_SCALES):
        yield image
        height, width = image.shape[0] // 2, image.shape[1] // 2
        blocks = image[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
        image = blocks.mean(axis=(1, 3)).astype(np.uint8)


def _unit(features: np.ndarray) -> np.ndarray:
    return features / np.linalg.norm(features)  # every pixel is counted, so there is a length
