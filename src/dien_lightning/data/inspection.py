"""What the records of a data set say before a file is opened, and what keeps it from serving."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from dien_lightning.checks import amount
from dien_lightning.data.catalog import CATALOG
from dien_lightning.data.entries import MARKET_LAYOUT
from dien_lightning.data.files import folders_below, path_below
from dien_lightning.data.folders import propose_pid_pattern
from dien_lightning.data.reading import agrees
from dien_lightning.data.records import SPLITS, Record, Splits, count_identities
from dien_lightning.types import UNLABELED

_THUMB = re.compile(r"(?:^|[/_.-])(?:thumb(?:nail)?s?|SYNOPHOTO_THUMB[^/]*)(?=$|[/_.-])", re.I)
_LISTS = (".txt", ".csv", ".json", ".mat")
_TEST_PART = re.compile(
    r"(?:^|[\W_])(query|queries|gallery|probe|probes|test|testing|val|valid|validation|eval)(?:$|[\W_])", re.I
)


@dataclass
class Inspection:
    """What was found.

    Attributes:
        counts: lines that say what is there.
        notes: what a user should know, but need not change.
        problems: what to do before training, in sentences.
    """

    counts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def inspect(splits: Splits, *, labeled: bool = True, num_ids: int = 16, num_instances: int = 4) -> Inspection:
    """Check the records alone, without opening a file.

    Args:
        splits: what was read.
        labeled: whether the training images are to train a classifier.
        num_ids: P, identities in a batch.
        num_instances: K, images of each.
    """
    found = Inspection()
    _count(splits, found)
    alike, others = against_published(splits)
    found.counts += [f"{split}: as published" for split in alike]
    found.notes += [*others, *splits.notes]
    _check_thumbs(splits, found)
    if labeled:
        _check_identities(splits, num_ids, num_instances, found)
        _check_levels(splits, found)
    if splits.name == "folder" and not splits.query:
        _check_heap(splits, found)
    if not splits.train:
        found.notes.append("There are no training images: the set serves evaluation alone.")
    _check_cameras(splits, found)
    return found


def _check_thumbs(splits: Splits, found: Inspection) -> None:
    paths = [path_below(record.path, splits.root) for split in SPLITS for record in getattr(splits, split)]
    if thumbs := list(filter(_THUMB.search, paths)):
        found.notes.append(
            f"{len(thumbs)} of {len(paths)} images have names like thumbnails, such as {thumbs[0]}: if they are small "
            "copies of others, move them out of the folder."
        )


def _check_cameras(splits: Splits, found: Inspection) -> None:
    cameras = {record.camid for record in splits.train}
    if len(cameras) > max(8, len(splits.train) / 2):
        found.notes.append(
            f"{len(cameras)} cameras took {len(splits.train)} images: if what is read as the camera is a time or a "
            "number of the image, the rule that leaves out the query's camera leaves out nothing."
        )
    if len(cameras) == 1:
        told = " Say how the paths tell cameras: camera_pattern='cam(\\d+)'." if splits.name == "folder" else ""
        found.notes.append(f"All training images come from one camera, as far as their names say.{told}")


def _count(splits: Splits, found: Inspection) -> None:
    for split in SPLITS:
        records: Sequence[Record] = getattr(splits, split)
        if not records:
            continue
        cameras = Counter(record.camid for record in records)
        unlabeled = sum(record.pid == UNLABELED for record in records)
        people = amount(count_identities(records), "identity", "identities")
        known = people if unlabeled < len(records) else "no identities"
        line = f"{split}: {amount(len(records), 'image')}, {known}, {amount(len(cameras), 'camera')}"
        if 0 < unlabeled < len(records):
            line += f", {amount(unlabeled, 'image')} without identity (junk)"
        if 1 < len(cameras) <= 20:
            line += " (" + ", ".join(f"{camid}: {count:,}" for camid, count in sorted(cameras.items())) + ")"
        found.counts.append(line)


def against_published(splits: Splits) -> tuple[list[str], list[str]]:
    """Which parts of a known set have the counts that its authors give, and a sentence for each that has others.

    A copy that was made in part has others. Of a target's training images nobody counts the people.
    """
    alike: list[str] = []
    others: list[str] = []
    if (entry := CATALOG.get(splits.name)) is None:
        return alike, others
    is_target = all(record.pid == UNLABELED for record in splits.train)
    for split, counts in entry.published.items():
        if is_target and split in ("train", "all"):
            continue
        if agrees(splits.name, split, splits):
            alike.append(split)
        else:
            said = [f"{n:,} {what}" for n, what in zip(counts, ("identities", "images"), strict=True) if n is not None]
            others.append(f"{entry.title}'s authors count {' and '.join(said)} in {split}; this copy differs.")
    return alike, others


def _check_identities(splits: Splits, num_ids: int, num_instances: int, found: Inspection) -> None:
    images = Counter(record.pid for record in splits.train if record.pid != UNLABELED)
    if unknown := sum(record.pid == UNLABELED for record in splits.train):
        found.problems.append(
            f"Give the {amount(unknown, 'training image')} without identity one, leave out what has "
            "none, or use the set as a target."
        )
    if images and len(images) < num_ids:
        found.problems.append(
            f"Lower data.num_ids to {len(images)} or less: a batch needs {num_ids} identities, there are {len(images)}."
        )
    if few := sum(count < num_instances for count in images.values()):
        found.notes.append(
            f"{few} of {len(images)} identities have fewer than num_instances={num_instances} images; they repeat some."
        )
    if 0 in images and splits.name in CATALOG and CATALOG[splits.name].layouts[0] == MARKET_LAYOUT:
        found.notes.append(
            f"{amount(images[0], 'training image has', 'training images have')} the identity 0000, which is "
            "Market-1501's name for distractors; in training it is one person."
        )
    if images and max(images.values()) == 1:
        found.problems.append("Every identity has one image: no loss can learn what two images of a person share.")


def _check_levels(splits: Splits, found: Inspection) -> None:
    """Which level of the folders is the person?"""
    cameras: dict[int, set[int]] = defaultdict(set)
    below: dict[str, set[int]] = defaultdict(set)
    for record in splits.train:
        cameras[record.pid].add(record.camid)
        inside = path_below(record.path, splits.root).split("/")[1:-1] if splits.name == "folder" else []
        below[inside[-1] if inside else ""].add(record.pid)
    below.pop("", None)
    several = len(set().union(*cameras.values())) > 1
    if several and len(cameras) > 1 and all(len(seen) == 1 for seen in cameras.values()):
        found.notes.append(
            f"Each of the {len(cameras)} identities is seen by one camera alone: if the folders taken for people are "
            "cameras, name the folder level or the names that tell people (pid_pattern)."
        )
    repeated = [name for name, people in below.items() if len(people) > 1]
    if not several and len(repeated) > max(1, len(below) / 2):
        found.notes.append(
            f"The folders {', '.join(sorted(repeated)[:3])} lie below several identities: if they are cameras, say "
            "camera_pattern=subfolder; if they are people, say so (pid_pattern)."
        )


def test_part(splits: Splits) -> str | None:
    """What to say of crops in a plain folder of which a part is named like a test part; None where none is."""
    if splits.name != "folder" or splits.query or splits.gallery:
        return None
    names = {part for r in splits.train for part in path_below(r.path, splits.root).split("/")[:-1]}
    folders = (splits.root, *folders_below(splits.root, depth=1))
    names |= {path.name for folder in folders for path in folder.iterdir() if path.suffix in _LISTS}
    parts = sorted(filter(_TEST_PART.search, names))
    if not parts:
        return None
    return (
        f"{', '.join(parts[:4])}: named like the test part of a labelled set, whose images would train here. Name the "
        "folder of the training images alone, or the layout, or rename them."
    )


def _check_heap(splits: Splits, found: Inspection) -> None:
    """Crops in a plain folder: is a part of them a test part, and do their names tell people?"""
    if warning := test_part(splits):
        found.problems.append(warning)
    paths = [path_below(record.path, splits.root) for record in splits.train]
    is_flat = len({path.rpartition("/")[0] for path in paths}) == 1 and not count_identities(splits.train)
    if is_flat and (proposal := propose_pid_pattern(paths)):
        found.notes.append(f"Its names may tell people: {proposal}.")
