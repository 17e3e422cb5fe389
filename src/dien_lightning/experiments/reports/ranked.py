"""Ranked lists for the page: the same queries, ranked by each of several networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from dien_lightning.experiments.reports.pictures import picture_uri
from dien_lightning.experiments.reports.run_files import RankedQuery


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


def shown_queries(rankings: Mapping[str, Sequence[RankedQuery]], most: int = 12) -> list[ShownQuery]:
    """Pair up the lists of several networks by query and embed their images.

    Args:
        rankings: by label, what `read_rankings` gave.
        most: how many queries are shown, the first ones of the first network.

    Raises:
        ValueError: the networks ranked other queries.
        FileNotFoundError: an image is missing.
    """
    embed = lru_cache(maxsize=None)(picture_uri)
    first = next(iter(rankings.values()))
    by_label = {label: {query.path: query for query in queries} for label, queries in rankings.items()}
    shown = []
    for query in first[:most]:
        lists = []
        for label, queries in by_label.items():
            if query.path not in queries:
                raise ValueError(f"{label} ranked no query {query.path}: its run was on other data. Repeat both runs.")
            lists.append(_list(label, queries[query.path], embed))
        title = f"Person {query.pid}\ncamera {query.camid}"
        shown.append(ShownQuery(embed(query.path), f"Query: person {query.pid}", title, tuple(lists)))
    return shown


def _list(label: str, query: RankedQuery, embed: Callable[[str], str]) -> ShownList:
    images = tuple(
        ShownImage(
            embed(image.path),
            f"{place}: {'right' if image.match else 'wrong'}, person {image.pid}, camera {image.camid}",
            image.match,
            place,
        )
        for place, image in enumerate(query.gallery, start=1)
    )
    return ShownList(label, images)
