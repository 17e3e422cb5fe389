"""A sheet to look at: images, what became of them, and images that they should look like."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dien_lightning.atomic import atomic_write
from dien_lightning.data import Splits
from dien_lightning.data.images import UnreadableImageError, read_picture

_HEIGHT, _WIDTH, _GAP, _MARGIN = 192, 96, 4, 96  # of a picture, between pictures, for the labels
_OFFERED = 300  # target images that those of the nearest brightness are taken from
_LABELS = ("original", "translated", "target,\nas bright")


def write_contact_sheet(path: Path, source: Splits, target: Splits, translated: Path, columns: int = 12) -> None:
    """Write originals above their translations above the target's images of the nearest mean brightness.

    Args:
        path: of the JPEG file.
        source: the set that was translated.
        target: the one whose look it was given; some hundred of its training images are read.
        translated: folder of the translated set.
        columns: how many training images, spread evenly over the source's.
    """
    records = source.train[:: max(1, len(source.train) // columns)][:columns]
    originals = [record.path for record in records]
    copies = [str(translated / Path(name).relative_to(source.root)) for name in originals]
    offered = target.train[:: 1 + len(target.train) // _OFFERED]
    alike = nearest_in_brightness(copies, [record.path for record in offered])
    size = (_MARGIN + len(records) * (_WIDTH + _GAP), 3 * (_HEIGHT + _GAP))
    sheet = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for row, (label, names) in enumerate(zip(_LABELS, (originals, copies, alike), strict=True)):
        top = row * (_HEIGHT + _GAP)
        pen.text((_GAP, top + _HEIGHT // 2), label, fill="black", font=font)
        for column, name in enumerate(names):
            picture = read_picture(name).resize((_WIDTH, _HEIGHT), Image.Resampling.BICUBIC)
            sheet.paste(picture, (_MARGIN + column * (_WIDTH + _GAP), top))
    with atomic_write(path) as draft:
        sheet.save(draft, "JPEG", quality=92, subsampling=0)


def nearest_in_brightness(wanted: Sequence[str], offered: Sequence[str]) -> list[str]:
    """For each wanted image file the offered one whose mean brightness is nearest, each taken once while they last.

    Offered files that cannot be read are passed over.
    """
    left: dict[str, float] = {}
    for name in offered:
        with suppress(UnreadableImageError):
            left[name] = _brightness(name)
    found: list[str] = []
    for name in wanted if left else ():
        bright = _brightness(name)
        fresh = [other for other in left if other not in found] or list(left)
        found.append(min(fresh, key=lambda other: abs(left[other] - bright)))
    return found


def _brightness(path: str) -> float:
    return float(np.asarray(read_picture(path).convert("L"), dtype=np.float64).mean())
