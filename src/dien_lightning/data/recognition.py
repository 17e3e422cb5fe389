"""Which known data set a folder holds, or nearly."""

from __future__ import annotations

from pathlib import Path

from dien_lightning.data.catalog import CATALOG
from dien_lightning.data.files import folders_below
from dien_lightning.data.reading import Place, find_places
from dien_lightning.data.records import SPLITS, Splits, count_identities

COMMON_FOLDERS = {"./", "train/", "val/", "test/", "query/", "gallery/", "test/query/", "test/gallery/"}
"""Folders that say nothing of which data set it is."""


def recognize(root: str | Path) -> tuple[list[Place], list[Place]]:
    """Tell which catalogue layouts a folder has.

    Many sets share Market-1501's folders: those whose published counts agree come first, then those whose name is the
    folder's.

    Args:
        root: the folder.

    Returns:
        Places that are complete and whose names parse, the likeliest first; and those of which a part is there,
        the most complete first.
    """
    complete, partial = [], []
    below = folders_below(Path(root), depth=2)
    for name in CATALOG:
        for place in find_places(name, root, below):
            there = set(place.layout.missing(place.folder / "nothing lies here")) - set(place.missing)
            if not place.missing:
                complete.append((place, there <= COMMON_FOLDERS))
            elif not there <= COMMON_FOLDERS:
                partial.append(place)
    scored: list[tuple[int, int, int, Place]] = []
    read: dict[tuple[int, Path], Splits | None] = {}  # many sets share a layout, and listing a folder takes long
    for place, is_common in complete:
        key = id(place.layout), place.folder
        if key not in read:
            try:
                read[key] = place.layout.read(place.name, place.folder)
            except FileNotFoundError:  # listed and not there: who reads it is told
                read[key] = Splits(place.name, place.folder, ())
            except ValueError:
                read[key] = None
        splits = read[key]
        if splits is None:
            partial += [] if is_common else [place]
            continue
        entry = CATALOG[place.name]
        agreeing = sum(agrees(place.name, split, splits) for split in entry.published)
        named = place.name in (place.folder.name, Path(root).name) or place.folder.name in entry.subfolders
        scored.append((-agreeing, -named, len(scored), place))
    return [place for *_, place in sorted(scored, key=lambda score: score[:3])], sorted(
        partial, key=lambda place: len(place.missing)
    )


def agrees(name: str, split: str, splits: Splits) -> bool:
    """Whether a split has as many images and identities as its authors count."""
    identities, images = CATALOG[name].published[split]
    records = [r for s in SPLITS for r in getattr(splits, s)] if split == "all" else getattr(splits, split)
    found = count_identities(records)
    if split == "gallery" and any(record.pid == 0 for record in records) and identities != found:
        found -= 1  # Market's distractors
    return images in (None, len(records)) and identities in (None, found)
