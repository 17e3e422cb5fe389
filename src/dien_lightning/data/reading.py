"""A name and a folder -> the records of a data set; a folder alone -> the names it may have."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from dien_lightning.data.catalog import CATALOG
from dien_lightning.data.entries import Entry
from dien_lightning.data.files import folders_below
from dien_lightning.data.folders import read_folder
from dien_lightning.data.layouts import Layout
from dien_lightning.data.own import OWN, read_table
from dien_lightning.data.records import SPLITS, Splits, count_identities

COMMON_FOLDERS = {
    *("./", "train/", "val/", "test/", "query/", "gallery/", "test/query/", "test/gallery/"),
    *("cam[1-6]/", "images/"),  # as many people call theirs
}
"""Folders that say nothing of which data set it is."""


class Place(NamedTuple):
    """A folder that holds a data set, or nearly.

    Attributes:
        name: catalogue name.
        folder: where.
        layout: how.
        missing: what the folder lacks; empty if nothing.
    """

    name: str
    folder: Path
    layout: Layout
    missing: tuple[str, ...]


def find_entry(name: str) -> Entry:
    """Look a data set up by its catalogue name.

    Raises:
        ValueError: if the catalogue does not have it.

    Example:
        >>> find_entry("market1501").title
        'Market-1501'
    """
    if name not in CATALOG:
        raise ValueError(
            f"Unknown data set {name!r}; the catalogue has {', '.join(sorted(CATALOG))}; "
            f"{' and '.join(OWN)} read your own images."
        )
    return CATALOG[name]


def default_root(data_root: str | Path, name: str) -> Path:
    """Say where a data set lies that no folder was named for: below `data_root`, by its name or its archive's."""
    base = Path(data_root).expanduser()
    names = [name, *(CATALOG[name].subfolders if name in CATALOG else ())]
    return next((base / folder for folder in names if (base / folder).is_dir()), base / name)


def find_places(name: str, root: str | Path, below: Sequence[Path] = (), trial: int | None = None) -> list[Place]:
    """Give the folders at and below `root` that may hold a data set, the most complete first.

    Args:
        name: the catalogue's.
        root: where to look, and in the folders that the set's archive unpacks to.
        below: other folders to look in, but for those named after another set.
        trial: which of its authors' splits.
    """
    entry, path = find_entry(name), Path(root)
    others = {called for other in CATALOG for called in (other, *CATALOG[other].subfolders)}
    others -= {name, *entry.subfolders}
    folders = [path, *(path / sub for sub in entry.subfolders), *(f for f in below if f.name not in others)]
    places = [
        Place(name, folder, layout, tuple(layout.missing(folder)))
        for folder in dict.fromkeys(folders)
        if folder.is_dir()
        for layout in entry.layouts_of(trial)
    ]
    return sorted(places, key=lambda place: len(place.missing))


def read_dataset(
    name: str,
    root: str | Path,
    *,
    labeled: bool = True,
    camera_pattern: str | None = None,
    pid_pattern: str | None = None,
    trial: int | None = None,
) -> Splits:
    """Read the records of a data set that lies below `root`; image files are listed, not opened.

    Args:
        name: catalogue name, "folder" or "csv".
        root: its folder, or the folder that its archive was unpacked into; for "csv", the table.
        labeled: with False the training records are made without identities, as a target's must be.
        camera_pattern: for "folder" alone: how its images' cameras are told, see `read_folder`.
        pid_pattern: the same for its identities.
        trial: which of the splits that its authors give, where they give several (RegDB); None is the first.

    Returns:
        The three splits.

    Raises:
        FileNotFoundError: if the folder, or a part of the layout, is missing.
        ValueError: if the set is unknown or holds no image, or a file's name does not parse.
    """
    root = Path(root).expanduser()
    if trial is not None and name in OWN:
        raise ValueError(f"trial={trial} names one of its authors' splits, and {name!r} has none.")
    if name == "folder":
        return read_folder(root, labeled=labeled, camera_pattern=camera_pattern, pid_pattern=pid_pattern)
    for option, pattern in (("camera_pattern", camera_pattern), ("pid_pattern", pid_pattern)):
        if pattern is not None:
            what = "cameras" if option == "camera_pattern" else "identities"
            raise ValueError(f"{option}={pattern!r} is for 'folder'; {name!r} names its {what} itself.")
    if name == "csv":
        return read_table(root, labeled=labeled)
    entry = find_entry(name)
    if not root.is_dir():
        raise FileNotFoundError(f"{root} does not exist; {name} ({entry.title}) was looked for there. {entry.terms}")
    place = find_places(name, root, trial=trial)[0]
    if place.missing:  # an archive in an archive
        places = find_places(name, root, folders_below(Path(root), depth=2), trial)
        place, again = places[0], next((p for p in places[1:] if not p.missing and p.folder != places[0].folder), None)
        if again:
            raise ValueError(f"{root} holds {name} twice, in {place.folder} and in {again.folder}; name one of them.")
    if place.missing:
        raise FileNotFoundError(
            f"{place.folder} does not hold {name} ({entry.title}): {', '.join(place.missing)} missing. "
            f"Name the folder that holds them (data.source_root or data.target_root). {entry.terms}"
        )
    splits = place.layout.read(name, place.folder, labeled=labeled)
    if not (splits.train or splits.query or splits.gallery):
        raise ValueError(f"{splits.root} holds no image of {entry.title}; unpack it again.")
    return replace(splits, trial=trial or 1) if entry.has_trials else splits


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


def cameras_by_layout(paths: Sequence[str], folder: Path) -> tuple[list[int], str]:
    """The camera of each of these images and the set's name, where a folder is laid out as a set that tells them.

    Nothing is told where the set names one camera alone, or not all of these images.
    """
    with suppress(OSError):  # what cannot be read is recognised as nothing
        for place in recognize(folder)[0][:1]:
            splits = place.layout.read(place.name, place.folder)
            known = {os.path.realpath(r.path): r.camid for split in SPLITS for r in getattr(splits, split)}
            found = [known[path] for path in map(os.path.realpath, paths) if path in known]
            if len(found) == len(paths) and len(set(known.values())) > 1:
                return found, place.name
    return [], ""
