"""What a reader found, as text, becomes records: the one way from any folder, list or table to `Splits`."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dien_lightning.checks import amount
from dien_lightning.data.files import check_existence
from dien_lightning.data.names import is_nobody, number_cameras, number_names, one_in_several_spellings, spelled
from dien_lightning.data.records import SPLITS, Record, Splits
from dien_lightning.types import UNLABELED

_MONTH = "(jan|feb|mar|mär|mrz|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)"
_DATE = rf"(?i)\d\d?(-|\. ?){_MONTH}(-\d\d(\d\d)?)?|{_MONTH}[- ]\d\d|\d{{4}}-\d\d-\d\d 00:00:00"


class Crop(NamedTuple):
    """An image file and what its path, list or table says of it, as text.

    Attributes:
        path: the file.
        split: "train", "query", "gallery" or "further".
        pid: who it shows.
        camera: who took it.
        clothes: which of the person's clothes.
        tracklet: which sequence it is a frame of.
        told: the list or line that names it, for messages.
    """

    path: str
    split: str
    pid: str | None = None
    camera: str | None = None
    clothes: str | None = None
    tracklet: str | None = None
    told: str = ""


def make_splits(
    name: str,
    root: Path,
    crops: Sequence[Crop],
    *,
    labeled: bool = True,
    compare: bool = False,
    notes: Iterable[str] = (),
) -> Splits:
    """Number people and cameras (an image of nobody gets UNLABELED), and check that every file exists.

    Args:
        name: the catalogue's, "folder" or "csv".
        root: for messages.
        crops: what was read.
        labeled: with False the training records are made without identities.
        compare: count the people that train and are tested too; for sets that call a person the same in both parts.
        notes: what a user should know of the reading.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: some images have a camera and others none, or one file has two.
    """
    check_existence([crop.path for crop in crops], [crop.told or str(root) for crop in crops])
    crops = [crop if labeled or crop.split != "train" else crop._replace(pid=None) for crop in _one_path_a_file(crops)]
    first: dict[tuple[Any, ...], Crop] = {}
    for crop in crops:
        first.setdefault(_what_it_says(crop), crop)
    twice, crops = len(crops) - len(first), list(first.values())
    told = [crop.pid or "" for crop in crops]
    nowhere = sum(is_nobody(crop.camera) for crop in crops)
    if 0 < nowhere < len(crops):
        raise ValueError(
            f"{root} names no camera (camid) for {nowhere} of {len(crops)} images; name all, or none (one camera)."
        )
    clashes = _about_files(root, crops, told)
    people = {pid for pid in told if not is_nobody(pid)}
    if rounded := [pid for pid in people if re.fullmatch(r"\s*\d+([.,]\d+)?[eE]\+?\d+\s*", pid)]:
        raise ValueError(
            f"{root} has the identity {rounded[0]!r}, a number that was rounded, by which several people may have "
            "become one; write identities as text or whole numbers."
        )
    pids = number_names(people)
    cameras = {} if nowhere else number_cameras({crop.camera or "" for crop in crops})
    clothes = _places(f"{spelled(pid)} {crop.clothes}" for crop, pid in zip(crops, told, strict=True) if crop.clothes)
    tracklets = _places(crop.tracklet for crop in crops if crop.tracklet)
    splits: dict[str, list[Record]] = {split: [] for split in (*SPLITS, "further")}
    for crop, pid in zip(crops, told, strict=True):
        about = f"{spelled(pid)} {crop.clothes}"
        splits[crop.split].append(
            Record(
                crop.path,
                pids.get(spelled(pid), UNLABELED),
                cameras.get(spelled(crop.camera or ""), 0),
                tracklets.get(crop.tracklet or "", UNLABELED),
                clothes.get(about, UNLABELED) if pid else UNLABELED,
            )
        )
    asking = {(record.pid, record.camid) for record in splits["query"]}
    splits["further"] = [r for r in splits["further"] if r.pid != UNLABELED and (r.pid, r.camid) in asking]
    trained, tested = ({r.pid for part in parts for r in splits[part]} for parts in (("train",), ("query", "gallery")))
    shared = len((trained & tested) - {UNLABELED}) if compare else 0
    said = [*notes, *clashes, *_about_names(people, Counter(spelled(pid) for pid in told if pid and is_nobody(pid)))]
    said += _at_most_three(one_in_several_spellings({crop.camera or "" for crop in crops}, "camera", "cameras"))
    if twice:
        said.append(f"{amount(twice, 'line repeats another and changes', 'lines repeat others and change')} nothing.")
    if shared:
        said.append(
            f"{shared} of the {len(tested - {UNLABELED})} identities of query and gallery train, too: their figures "
            "are not those of people held out."
        )
    return Splits(name, root, **splits, notes=tuple(said), shared=shared, trial=0)


def _one_path_a_file(crops: Sequence[Crop]) -> Sequence[Crop]:
    """The crops, with one path for `i/x.jpg`, `./i/x.jpg` and `i/../i/x.jpg`: the first that names the file."""
    here, first = os.path.join(os.getcwd(), ""), dict[str, str]()
    plain = [os.path.normpath(crop.path if os.path.isabs(crop.path) else here + crop.path) for crop in crops]
    if len(set(plain)) == len(crops):
        return crops
    paths = [(first.setdefault(name, crop.path), crop.path) for name, crop in zip(plain, crops, strict=True)]
    # behind a link to a folder, .. leads elsewhere than it reads
    same = [one if one == path or os.path.samefile(one, path) else path for one, path in paths]
    return [crop._replace(path=path) for crop, path in zip(crops, same, strict=True)]


def _what_it_says(crop: Crop) -> tuple[Any, ...]:
    """The crop, whatever told of it and however that spells its names."""
    pid, camera = ("" if is_nobody(name) else spelled(name or "") for name in (crop.pid, crop.camera))
    return crop.path, crop.split, pid, camera, crop.clothes, crop.tracklet


def _about_files(root: Path, crops: Sequence[Crop], pids: Sequence[str]) -> list[str]:
    """Refuse a file of two cameras, which would escape the rule of the query's camera; tell one of two people."""
    if len({crop.path for crop in crops}) == len(crops):
        return []
    first: dict[str, tuple[Crop, str]] = {}
    clashes = {}
    for crop, pid in zip(crops, pids, strict=True):
        other, person = first.setdefault(crop.path, (crop, pid))
        if not is_nobody(crop.camera) and spelled(other.camera or "") != spelled(crop.camera or ""):
            raise ValueError(
                f"{crop.told or root} names {crop.path} as taken by the camera {crop.camera!r}, {other.told or root} "
                f"by {other.camera!r}; one camera takes an image: correct one of the two, or leave it out."
            )
        if not is_nobody(pid) and is_nobody(person):
            first[crop.path] = crop, pid
        elif not is_nobody(pid) and spelled(pid) != spelled(person):
            clashes[crop.path] = f"{person!r} ({other.told or root}) and {pid!r} ({crop.told or root})"
    shown = next(iter(clashes.items()), None)
    files = amount(len(clashes), "file is", "files are")
    return [f"{files} labelled as two people: {shown[0]} is {shown[1]}."] if shown else []


def _places(names: Iterable[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(sorted(set(names)))}


def _about_names(people: Collection[str], nobody: Counter[str]) -> list[str]:
    for plain in ("", str(UNLABELED)):  # as Market-1501 calls it: counted, and nothing to explain
        nobody.pop(plain, None)
    said = [
        f"{amount(n, 'image has', 'images have')} the identity {word!r}, which means nobody."
        for word, n in sorted(nobody.items())
    ]
    if dates := sorted(pid for pid in people if re.fullmatch(_DATE, spelled(pid))):
        said.append(
            f"{amount(len(dates), 'identity looks', 'identities look')} like a date, such as {dates[0]!r}: "
            "spreadsheets make them of names such as 1-2; if these were such, write the column as text."
        )
    return said + _at_most_three(one_in_several_spellings(people))


def _at_most_three(alike: list[str]) -> list[str]:
    return alike[:3] + ([f"And {amount(len(alike) - 3, 'more name')} like these."] if len(alike) > 3 else [])
