"""What is in a folder, and what keeps it from serving: read every file once, before an hour is spent on training."""

from __future__ import annotations

import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from dien_lightning.data.catalog import CATALOG
from dien_lightning.data.images import FAULTS, decode
from dien_lightning.data.reading import Place, find_places
from dien_lightning.data.records import SPLITS, Record, Splits, check_evaluation, count_identities
from dien_lightning.types import UNLABELED


class FileState(NamedTuple):
    """What one pass over an image file found.

    Attributes:
        path: the file.
        digest: the same for the same bytes; None if the file cannot be opened.
        fault: why it cannot be decoded, None if it can.
    """

    path: str
    digest: bytes | None
    fault: str | None


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
    for name in CATALOG:
        for place in find_places(name, root):
            everything = place.layout.missing(place.folder / "nothing lies here")
            if not place.missing:
                complete.append(place)
            elif len(place.missing) < len(everything):
                partial.append(place)
    scored: list[tuple[int, int, int, Place]] = []
    for place in complete:
        try:
            splits = place.layout.read(place.name, place.folder)
        except ValueError:
            partial.append(place)
            continue
        agreeing = sum(_agrees(place.name, split, splits) for split in CATALOG[place.name].published)
        named = (
            place.name in (place.folder.name, Path(root).name) or place.folder.name in CATALOG[place.name].subfolders
        )
        scored.append((-agreeing, -named, len(scored), place))
    return [place for *_, place in sorted(scored, key=lambda score: score[:3])], sorted(
        partial, key=lambda place: len(place.missing)
    )


def scan_files(
    paths: Sequence[str], workers: int = 1, track: Callable[[Iterable[FileState]], Iterable[FileState]] = iter
) -> list[FileState]:
    """Read and decode every file.

    Args:
        paths: image files.
        workers: processes; 1 needs none beside this one.
        track: wraps the results as they come, for a progress bar.
    """
    if workers <= 1:
        return list(track(map(scan_file, paths)))
    with ProcessPoolExecutor(workers) as pool:
        return list(track(pool.map(scan_file, paths, chunksize=128)))


def scan_file(path: str) -> FileState:
    """Read and decode one file."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        return FileState(path, None, error.strerror or str(error))
    digest = hashlib.blake2b(content, digest_size=16).digest()
    try:
        decode(io.BytesIO(content))
    except FAULTS as error:
        return FileState(path, digest, "empty" if not content else str(error).split(" <")[0])
    return FileState(path, digest, None)


def inspect(
    splits: Splits, *, labeled: bool = True, num_ids: int = 16, num_instances: int = 4, cameras: str = "required"
) -> Inspection:
    """Check the records alone, without opening a file.

    Args:
        splits: what was read.
        labeled: whether the training images are to train a classifier.
        num_ids: P, identities in a batch.
        num_instances: K, images of each.
        cameras: "required", or "none" if matches of the same camera count.
    """
    found = Inspection()
    _count(splits, found)
    _compare(splits, found)
    if labeled:
        _check_identities(splits, num_ids, num_instances, found)
    if not splits.train:
        found.notes.append("There are no training images: the set serves evaluation alone.")
    elif len({record.camid for record in splits.train}) == 1:
        told = " Say how the paths tell cameras: camera_pattern='cam(\\d)'." if splits.name == "folder" else ""
        found.notes.append(f"All training images come from one camera, as far as their names say.{told}")
    if splits.has_evaluation:
        _check_matches(splits, cameras, found)
    else:
        found.notes.append("There is no labelled query and gallery: it trains, but is not evaluated.")
    return found


def check_files(splits: Splits, states: Sequence[FileState], found: Inspection) -> None:
    """Add what the files themselves show: unreadable ones, and the same image in two splits."""
    faults = [state for state in states if state.fault is not None]
    if faults:
        shown = "; ".join(f"{state.path} ({state.fault})" for state in faults[:5])
        more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        found.problems.append(
            f"Replace or remove the {len(faults)} unreadable images, or train with data.on_error=skip: {shown}{more}."
        )
    digests = {state.path: state.digest for state in states if state.digest is not None and state.fault is None}
    places: dict[bytes, dict[str, str]] = defaultdict(dict)
    for split in SPLITS:
        for record in getattr(splits, split):
            if record.path in digests:
                places[digests[record.path]].setdefault(split, record.path)
    for one, other in (("train", "query"), ("train", "gallery"), ("query", "gallery")):
        both = [where for where in places.values() if one in where and other in where]
        if both:
            found.problems.append(
                f"Remove the {len(both)} images that lie in both {one} and {other} from one of them, "
                f"for they flatter the figures: {both[0][one]} is {both[0][other]}."
            )


def _count(splits: Splits, found: Inspection) -> None:
    for split in SPLITS:
        records: Sequence[Record] = getattr(splits, split)
        if not records:
            continue
        cameras = Counter(record.camid for record in records)
        unlabeled = sum(record.pid == UNLABELED for record in records)
        known = f"{count_identities(records):,} identities" if unlabeled < len(records) else "no identities"
        line = f"{split}: {len(records):,} images, {known}, {len(cameras)} camera{'s' if len(cameras) > 1 else ''}"
        if 0 < unlabeled < len(records):
            line += f", {unlabeled:,} images without identity (junk)"
        if 1 < len(cameras) <= 20:
            line += " (" + ", ".join(f"{camid}: {count:,}" for camid, count in sorted(cameras.items())) + ")"
        found.counts.append(line)


def _agrees(name: str, split: str, splits: Splits) -> bool:
    counts = CATALOG[name].published[split]
    records = [r for s in SPLITS for r in getattr(splits, s)] if split == "all" else getattr(splits, split)
    identities = count_identities(records)
    if split == "gallery" and any(record.pid == 0 for record in records) and counts.identities != identities:
        identities -= 1  # Market's distractors
    return counts.images in (None, len(records)) and counts.identities in (None, identities)


def _compare(splits: Splits, found: Inspection) -> None:
    entry = CATALOG.get(splits.name)
    if entry is None:
        return
    for split, counts in entry.published.items():
        if all(r.pid == UNLABELED for r in splits.train) and split in ("train", "all"):
            continue  # read as a target: nobody counts its identities
        if _agrees(splits.name, split, splits):
            found.counts.append(f"{split}: as published")
        else:
            said = [f"{n:,} {what}" for n, what in zip(counts, ("identities", "images"), strict=True) if n is not None]
            found.notes.append(f"{entry.title}'s authors count {' and '.join(said)} in {split}; this copy differs.")


def _check_identities(splits: Splits, num_ids: int, num_instances: int, found: Inspection) -> None:
    images = Counter(record.pid for record in splits.train if record.pid != UNLABELED)
    unknown = sum(record.pid == UNLABELED for record in splits.train)
    if splits.train and unknown:
        found.problems.append(f"Give the {unknown} training images without identity one, or use the set as a target.")
    if images and len(images) < num_ids:
        found.problems.append(
            f"Lower data.num_ids to {len(images)} or less: a batch needs {num_ids} identities, there are {len(images)}."
        )
    few = sum(count < num_instances for count in images.values())
    if few:
        found.notes.append(
            f"{few} of {len(images)} identities have fewer than num_instances={num_instances} images; they repeat some."
        )
    single = sum(count == 1 for count in images.values())
    if images and single == len(images):
        found.problems.append("Every identity has one image: no loss can learn what two images of a person share.")


def _check_matches(splits: Splits, cameras: str, found: Inspection) -> None:
    try:
        matched = check_evaluation(splits, cameras)
    except ValueError as error:
        found.problems.append(str(error))
        return
    queries = sum(record.pid != UNLABELED for record in splits.query)
    if matched < queries:
        elsewhere = "" if cameras == "none" else " in another camera"
        found.notes.append(f"{queries - matched} of {queries} queries have no match{elsewhere} and do not count.")
