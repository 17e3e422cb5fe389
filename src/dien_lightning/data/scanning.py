"""Read every file once, before an hour is spent on training: what cannot be decoded, and what is there twice."""

from __future__ import annotations

import hashlib
import io
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from dien_lightning.checks import amount
from dien_lightning.data.images import FAULTS, as_rgb
from dien_lightning.data.inspection import Inspection
from dien_lightning.data.records import SPLITS, Record, Splits
from dien_lightning.types import UNLABELED

_LEAST_SIDE = 8
_NAMED = 5  # of the images that cannot be read


class FileState(NamedTuple):
    """What one pass over an image file found.

    Attributes:
        path: the file.
        digest: the same for the same bytes; None if the file cannot be opened.
        fault: why it cannot be decoded, None if it can.
        is_flat: whether it has one or two colors alone, as masks and empty pictures have.
        size: (height, width) in pixels.
        is_transparent: whether one can see through some of it.
    """

    path: str
    digest: bytes | None
    fault: str | None
    is_flat: bool = False
    size: tuple[int, int] | None = None
    is_transparent: bool = False


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


def unreadable_files(paths: Sequence[str]) -> list[str]:
    """Those of these image files that cannot be read or decoded, in their order."""
    return [state.path for state in scan_files(paths) if state.fault is not None]


def scan_file(path: str) -> FileState:
    """Read and decode one file."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        return FileState(path, None, error.strerror or str(error))
    digest = hashlib.blake2b(content, digest_size=16).digest()
    try:
        with Image.open(io.BytesIO(content)) as file:
            has_alpha = file.has_transparency_data  # which may be opaque all over
            is_transparent = has_alpha and file.convert("RGBA").getchannel("A").getextrema() != (255, 255)
            picture = as_rgb(file)
    except FAULTS as error:
        return FileState(path, digest, "empty" if not content else str(error).split(" <")[0])
    is_flat, size = picture.getcolors(2) is not None, (picture.height, picture.width)
    return FileState(path, digest, None, is_flat, size, is_transparent)


def unreadable_in_words(paths: Sequence[str]) -> str:
    """How many images were left out, the first of them, and what ails these."""
    faults = _first_faults([scan_file(path) for path in paths[:_NAMED]], len(paths))
    return f"left out, for they cannot be read: {len(paths):,}: {faults}"


def check_files(
    splits: Splits, states: Sequence[FileState], found: Inspection, *, same_camera: str = "drop", search: str = "query"
) -> None:
    """Add what the files themselves show: unreadable ones, and the same image in two splits or of two people.

    Args:
        splits: what was read.
        states: of its files.
        found: gets the sentences.
        same_camera: whether images of the query's camera count ("keep"), see `Protocol`.
        search: who asks; with "leave_one_out" all images of query and gallery do.
    """
    faults = [state for state in states if state.fault is not None]
    if faults:
        found.problems.append(
            f"Replace or remove the {amount(len(faults), 'unreadable image')}, or train with data.on_error=skip: "
            f"{_first_faults(faults, len(faults))}."
        )
    _check_sizes(states, found)
    if clear := [state.path for state in states if state.is_transparent]:
        found.notes.append(
            f"{amount(len(clear), 'image is', 'images are')} transparent in places, such as {clear[0]}: the network "
            "sees the colors that lie under it there, often the background that was cut away."
        )
    digests = {state.path: state.digest for state in states if state.digest is not None and state.fault is None}
    places: dict[bytes, dict[str, list[Record]]] = defaultdict(lambda: {split: [] for split in SPLITS})
    for split in SPLITS:
        for record in getattr(splits, split):
            if record.path in digests:
                places[digests[record.path]][split].append(record)
    doubles = [place for place in places.values() if sum(map(len, place.values())) > 1]
    for one, other in (("train", "query"), ("train", "gallery")):
        both = [place for place in doubles if place[one] and place[other]]
        if both:
            found.problems.append(
                f"Remove the {amount(len(both), 'image that lies', 'images that lie')} in both {one} and {other} from "
                f"one of them, for that flatters the figures: {both[0][one][0].path} is {both[0][other][0].path}."
            )
    _check_queries(doubles, same_camera, search, found)
    _check_people(doubles, found)
    _check_repeats(splits, digests, found)


def _first_faults(states: Sequence[FileState], number: int) -> str:
    """The first images that cannot be read, what ails them, and how many of the number are not named."""
    faults = [f"{state.path} ({state.fault})" for state in states[:_NAMED]]
    return "; ".join(faults + ([f"and {number - _NAMED:,} more"] if number > _NAMED else []))


def _check_sizes(states: Sequence[FileState], found: Inspection) -> None:
    """Whether these are crops of people who stand: neither specks, nor masks, nor whole frames."""
    sized = [(state, *state.size) for state in states if state.size is not None]
    small = {state.path for state, height, width in sized if min(height, width) < _LEAST_SIDE}
    if small:
        found.notes.append(
            f"{amount(len(small), 'image is', 'images are')} too small to show a person (a side has fewer than "
            f"{_LEAST_SIDE} pixels), such as {min(small)}."
        )
    if flat := [state.path for state in states if state.is_flat and state.path not in small]:
        masks = amount(len(flat), "image has", "images have")
        found.notes.append(f"{masks} one or two colors alone, as masks have, such as {flat[0]}.")
    wide = [state.path for state, height, width in sized if width > height]
    if 2 * len(wide) > len(sized):
        found.notes.append(
            f"{len(wide)} of {len(sized)} images are wider than high, such as {wide[0]}: a crop shows one person, who "
            "stands; if these are whole frames, cut the people out by a detector first."
        )


def _check_queries(
    doubles: Sequence[dict[str, list[Record]]], same_camera: str, search: str, found: Inspection
) -> None:
    """A copy of a query in the gallery: the protocol drops it where identity and camera are the same, and junk."""
    copies = [(q, g) for place in doubles for q in place["query"] for g in place["gallery"]]
    if search == "leave_one_out":
        tested = ([*place["query"], *place["gallery"]] for place in doubles)
        copies = [pair for records in tested for pair in combinations(records, 2)]
    copies = [(q, g) for q, g in copies if q.pid != UNLABELED]
    counting = [
        (q, g)
        for q, g in copies
        if g.pid != UNLABELED and (same_camera == "keep" or (g.pid, g.camid) != (q.pid, q.camid))
    ]
    if counting:
        query, copy = counting[0]
        found.problems.append(
            f"Remove the {amount(len(counting), 'image that lies', 'images that lie')} in both query and gallery "
            f"from one of them, for nothing drops it there (another camera or identity, or cameras=none): {query.path} "
            f"is {copy.path}."
        )
    if len(copies) > len(counting):
        found.notes.append(
            f"{amount(len(copies) - len(counting), 'query lies', 'queries lie')} in the gallery too; the protocol "
            "drops each from its own list."
        )


def _check_people(doubles: Sequence[dict[str, list[Record]]], found: Inspection) -> None:
    """The same picture of two people."""
    clashes = []
    for place in doubles:
        for records in (place["train"], [*place["query"], *place["gallery"]]):  # parts may number people anew
            first = {record.pid: record.path for record in reversed(records) if record.pid != UNLABELED}
            if len(set(first.values())) > 1:  # one file with two names is told when it is read
                clashes.append(" is ".join(sorted(first.values())[:2]))
    if clashes:
        pictures = amount(len(clashes), "picture is", "pictures are")
        found.notes.append(f"{pictures} labelled as two people or more: {clashes[0]}.")


def _check_repeats(splits: Splits, digests: Mapping[str, bytes], found: Inspection) -> None:
    """The same picture of one person more than once in a split: by its bytes, or by its name but for the suffix."""
    copies = []
    for split in SPLITS:
        first: dict[tuple[int, str | bytes], str] = {}
        for record in getattr(splits, split):
            keys = [(record.pid, os.path.splitext(record.path)[0]), (record.pid, digests.get(record.path, record.path))]
            earlier = next((first[key] for key in keys if key in first), record.path)
            if earlier != record.path:
                copies.append(f"{record.path} is {earlier}")
            first.update((key, record.path) for key in keys if key not in first)
    if copies:
        found.notes.append(
            f"{amount(len(copies), 'image is', 'images are')} there twice, by their bytes or by names that differ in "
            f"the suffix alone: {copies[0]}. Each counts."
        )
