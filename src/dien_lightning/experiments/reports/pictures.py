"""Small JPEG copies of images, as data URIs: a page carries its pictures itself. Ranked lists of them."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from dien_lightning.data.images import read_picture
from dien_lightning.experiments.ranked_lists import RankedQuery, read_rankings

HEIGHT = 112
"""Pixels of an embedded crop's height at most; shown at about half of that, so that it is sharp on dense screens."""


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


class ShownImage(NamedTuple):
    """A gallery image as shown: `place` counts from 1."""

    uri: str
    alt: str
    match: bool
    place: int


class ShownList(NamedTuple):
    """One network's list for a query."""

    label: str
    images: tuple[ShownImage, ...]

    @property
    def found(self) -> str:
        """How many of the images show the query's person, and where the first one stands."""
        places = [image.place for image in self.images if image.match]
        if not places:
            return f"none of {len(self.images)} right"
        return f"{len(places)} of {len(self.images)} right · first at {places[0]}"


class ShownQuery(NamedTuple):
    """A query with the list of every network."""

    uri: str
    alt: str
    title: str
    lists: tuple[ShownList, ...]


def shown_queries(folders: Mapping[str, Path]) -> list[ShownQuery]:
    """Pair up the ranked lists of several runs by query and embed their images.

    Args:
        folders: run folders by label.

    Raises:
        ValueError: the networks ranked other queries, or an image cannot be read.
        FileNotFoundError: a run kept no lists, or an image is missing.
    """
    picture = cache(picture_uri)

    def shown(label: str, query: RankedQuery) -> ShownList:
        images = []
        for place, image in enumerate(query.gallery, start=1):
            alt = f"{place}: {'right' if image.match else 'wrong'}, person {image.pid}, camera {image.camid}"
            images.append(ShownImage(picture(image.path), alt, image.match, place))
        return ShownList(label, tuple(images))

    by_label = {label: {query.path: query for query in read_rankings(path)} for label, path in folders.items()}
    queries = []
    for path, query in next(iter(by_label.values())).items():
        if strange := [label for label, own in by_label.items() if path not in own]:
            raise ValueError(f"{strange[0]} ranked no query {path}: its run was on other data. Repeat both runs.")
        lists = tuple(shown(label, own[path]) for label, own in by_label.items())
        title = f"Person {query.pid}\ncamera {query.camid}"
        queries.append(ShownQuery(picture(path), f"Query: person {query.pid}", title, lists))
    return queries


def picture_uri(path: str | Path) -> str:
    """A JPEG copy, at most `HEIGHT` pixels high, as a data URI.

    Raises:
        FileNotFoundError: the image is not where the run found it.
        UnreadableImageError: it cannot be read.
    """
    if not Path(path).exists():
        raise FileNotFoundError(
            f"{path} is missing, but a run ranked it: put the data set back where it was, or repeat the run."
        )
    return encode(read_picture(str(path)))


def encode(image: Image.Image) -> str:
    """An image as a JPEG data URI, at most `HEIGHT` pixels high.

    Example:
        >>> encode(Image.new("RGB", (4, 8))).startswith("data:image/jpeg;base64,")
        True
    """
    if image.height > HEIGHT:
        image = image.resize((max(1, round(image.width * HEIGHT / image.height)), HEIGHT), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=72, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
