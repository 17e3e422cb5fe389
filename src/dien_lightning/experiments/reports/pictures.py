"""Small JPEG copies of images, as data URIs: a page carries its pictures itself."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from dien_lightning.data.images import read_picture

HEIGHT = 112
"""Pixels of an embedded crop's longer side; shown at about half of that, so that it is sharp on dense screens."""


class Picture(NamedTuple):
    """An image on the page, and what it shows."""

    uri: str
    alt: str


class Grid(NamedTuple):
    """Pictures in rows and columns, the columns with headings."""

    title: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Picture, ...], ...]


def picture_uri(path: str | Path, height: int = HEIGHT) -> str:
    """A JPEG copy, at most `height` pixels high, as a data URI.

    Raises:
        FileNotFoundError: the image is not where the run found it.
        UnreadableImageError: it cannot be read.
    """
    if not Path(path).exists():
        raise FileNotFoundError(
            f"{path} is missing, but a run ranked it: put the data set back where it was, or repeat the run."
        )
    return encode(read_picture(str(path)), height)


def encode(image: Image.Image, height: int = HEIGHT, quality: int = 72) -> str:
    """An image as a JPEG data URI, at most `height` pixels high.

    Example:
        >>> encode(Image.new("RGB", (4, 8))).startswith("data:image/jpeg;base64,")
        True
    """
    if image.height > height:
        image = image.resize((max(1, round(image.width * height / image.height)), height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
