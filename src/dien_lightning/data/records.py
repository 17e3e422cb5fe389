"""A data set as lists of records: what each image file shows, and the checks that need no pixels."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from dien_lightning.types import UNLABELED

SPLITS = ("train", "query", "gallery")


class Record(NamedTuple):
    """One image file.

    Attributes:
        path: where it lies.
        pid: identity as the data set numbers it; `UNLABELED` where nobody gave one (and Market's junk).
        camid: camera number as the data set numbers it.
        tracklet: number of the sequence it is a frame of, within its split; `UNLABELED` where it stands alone.
        clothes: number of the clothes its person wears, which differs between people; `UNLABELED` where nobody says.
    """

    path: str
    pid: int
    camid: int
    tracklet: int = UNLABELED
    clothes: int = UNLABELED


@dataclass(frozen=True)
class Splits:
    """The three splits of one data set.

    Attributes:
        name: the catalogue's name.
        root: the folder they were read from, for messages.
        train: images to train on.
        query: images to search with.
        gallery: images to search in, distractors and junk among them.
        further: more images of a query's person in its camera, for queries of several images.
        notes: what a user should know of them, in sentences.
        shared: how many people of query and gallery train, too; 0 where the set numbers its parts anew.
        trial: which of its authors' splits this is; 0 where there is one alone.
    """

    name: str
    root: Path
    train: Sequence[Record]
    query: Sequence[Record] = ()
    gallery: Sequence[Record] = ()
    further: Sequence[Record] = ()
    notes: Sequence[str] = ()
    shared: int = 0
    trial: int = 0

    def __str__(self) -> str:
        numbers = [f"{len(getattr(self, split)):,} {split}" for split in SPLITS]
        trial = f", trial {self.trial}" if self.trial else ""
        return f"{self.name}{trial} in {self.root}: {', '.join(numbers)} images"

    def is_evaluated(self, search: str = "query") -> bool:
        """Whether query and gallery both hold images whose identity somebody gave; either will do for leave-one-out."""
        both = [any(record.pid != UNLABELED for record in part) for part in (self.query, self.gallery)]
        return any(both) if search == "leave_one_out" else all(both)


def combine(parts: Sequence[Splits]) -> Splits:
    """Join several data sets into one, with identities and cameras of different sets kept apart.

    Args:
        parts: at least one; a single one is given back as it is.

    Raises:
        ValueError: two of them list one file, whose person would be two.

    Example:
        >>> one = Splits("one", Path("a"), [Record("a.jpg", 3, 1)])
        >>> two = Splits("two", Path("b"), [Record("b.jpg", 3, 1)])
        >>> [(record.pid, record.camid) for record in combine([one, two]).train]
        [(3, 1), (7, 3)]
    """
    if len(parts) == 1:
        return parts[0]
    _check_apart(parts)
    joined: dict[str, list[Record]] = {split: [] for split in (*SPLITS, "further")}
    numbered = ("pid", "camid", "tracklet", "clothes")
    first = dict.fromkeys(numbered, 0)
    for part in parts:
        everything = [record for split in SPLITS for record in getattr(part, split)]
        for split, records in joined.items():
            for record in getattr(part, split):
                given = {name: getattr(record, name) for name in numbered}
                moved = {name: first[name] + value for name, value in given.items() if value != UNLABELED}
                records.append(record._replace(**moved))
        for name in numbered:
            first[name] += 1 + max((getattr(record, name) for record in everything), default=0)
    return Splits(
        "+".join(part.name for part in parts),
        Path(" and ".join(str(part.root) for part in parts)),
        **joined,
        notes=[note for part in parts for note in part.notes],
        shared=sum(part.shared for part in parts),
        trial=max(part.trial for part in parts),
    )


def _check_apart(parts: Sequence[Splits]) -> None:
    owners: dict[tuple[str, str], Splits] = {}
    for part in parts:
        paths = {record.path for split in (*SPLITS, "further") for record in getattr(part, split)}
        folders = {folder: os.path.realpath(folder) for folder in {os.path.dirname(path) for path in paths}}
        files = {(folders[os.path.dirname(path)], os.path.basename(path)) for path in paths}
        if both := files & owners.keys():
            file = min(both)
            raise ValueError(
                f"{owners[file].root} and {part.root} are to be joined, and both list {os.path.join(*file)}: a person "
                f"would be two. Name each folder once."
            )
        owners |= dict.fromkeys(files, part)


def count_identities(records: Iterable[Record]) -> int:
    """How many people the records show; images without an identity count nobody.

    Example:
        >>> count_identities([Record("a", 7, 0), Record("b", 7, 1), Record("c", -1, 0)])
        1
    """
    return len({record.pid for record in records} - {UNLABELED})


def relabel(records: Sequence[Record]) -> list[Record]:
    """Number the identities 0, 1, ... in the order of their own numbers, hence alike on every process.

    Args:
        records: labelled training records.

    Raises:
        ValueError: if a record has no identity.

    Example:
        >>> [record.pid for record in relabel([Record("a", 9, 0), Record("b", 2, 0), Record("c", 9, 1)])]
        [1, 0, 1]
    """
    missing = [record.path for record in records if record.pid == UNLABELED]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(records)} training images have no identity, such as {missing[0]}, and cannot "
            "train a classifier; leave them out, or use the set as a target."
        )
    classes = {pid: label for label, pid in enumerate(sorted({record.pid for record in records}))}
    return [record._replace(pid=classes[record.pid]) for record in records]


def ask_with_all_images(splits: Splits, cameras: str = "required") -> Splits:
    """Market-1501's multiple queries: a query's person is asked for with all images that its camera took of it.

    These are the set's further images (Market's gt_bbox/) where there are some of that person and camera, otherwise its
    queries; a person in other clothes is another query. They are one sequence, of which evaluation takes the mean.

    Args:
        splits: what was read.
        cameras: "none" if cameras tell nothing apart.

    Raises:
        ValueError: no person and camera has two of them, so that nothing would change.
    """
    own: dict[tuple[int, int, int], list[Record]] = defaultdict(list)
    further: dict[tuple[int, int, int], list[Record]] = defaultdict(list)
    for records, places in ((splits.query, own), (splits.further, further)):
        for record in records:
            places[record.pid, 0 if cameras == "none" else record.camid, record.clothes].append(record)
    asked = {key: further.get(key, images) for key, images in own.items() if key[0] != UNLABELED}
    if not any(len(images) > 1 for images in asked.values()):
        raise ValueError(
            f"multi_query=true changes nothing: no person has two queries in one camera of {splits.root}; "
            "Market-1501's lie in gt_bbox/, beside query/. Unpack it there, or leave multi_query out."
        )
    groups = enumerate(asked.values())
    return replace(splits, query=[record._replace(tracklet=group) for group, images in groups for record in images])


def check_training(splits: Splits, num_ids: int) -> None:
    """Refuse a source that cannot fill a batch of `num_ids` identities.

    Raises:
        ValueError: if there are fewer identities than `num_ids`, or no image at all.
    """
    found = count_identities(splits.train)
    if not found:
        raise ValueError(f"{splits.root} ({splits.name}) has no labelled training image, so it cannot be a source.")
    if found < num_ids:
        raise ValueError(
            f"num_ids={num_ids} needs at least that many identities; {splits.root} has {found} "
            f"({len(splits.train)} training images). Lower num_ids (data.num_ids) to {found} or less."
        )
