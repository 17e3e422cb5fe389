"""Images of your own: a plain folder of crops, or a table that lists them."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path
from typing import NamedTuple

from dien_lightning.data.layouts import image_files, number_names, path_below
from dien_lightning.data.records import SPLITS, Record, Splits
from dien_lightning.types import UNLABELED

OWN = {
    "folder": "a folder of images: any, for a target; one sub-folder per identity, for a source",
    "csv": "a table with the columns path, pid, camid, split",
}


class _Crop(NamedTuple):
    """An image file with what its path says, as text; None where it says nothing."""

    path: str
    split: str
    pid: str | None
    camera: str | None


def read_folder(root: str | Path, *, labeled: bool = True, camera_pattern: str | None = None) -> Splits:
    """Read a folder of crops, nested in any way and in any format that Pillow reads.

    A source has one sub-folder per identity. A target may lie in any way. Where `root` holds `query` and `gallery`,
    each with one sub-folder per identity, they serve evaluation, and training images lie in `train`.

    Args:
        root: the folder.
        labeled: with False the training records are made without identities, wherever they lie.
        camera_pattern: None if all images come from one camera or nobody knows; "subfolder" if a sub-folder names the
            camera (the first one, or the one below the identity's); otherwise a regular expression, searched in the
            path below the root, whose group is the camera, such as `cam(\\d+)`.

    Raises:
        FileNotFoundError: if the folder is missing.
        ValueError: if it holds no image, a source's image lies in no identity's folder, or a camera cannot be read.
    """
    root = Path(root)
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise FileNotFoundError(f"{root} {what}; name the folder that holds your images.")
    evaluated = (root / "query").is_dir() and (root / "gallery").is_dir()
    places = {split: root / split for split in SPLITS} if evaluated else {"train": root}
    crops = []
    for split, place in places.items():
        for path in image_files(place):
            inside = Path(os.path.relpath(path, place)).parts[:-1]
            needs_pid = labeled or split != "train"
            if needs_pid and not inside:
                raise ValueError(
                    f"{path} lies in no identity's folder; a labelled folder has one sub-folder per identity, "
                    f"such as {place.name}/anna/{Path(path).name}."
                )
            camera = _camera(path, root, inside[1:] if needs_pid else inside, camera_pattern)
            crops.append(_Crop(path, split, inside[0] if needs_pid else None, camera))
    if not crops:
        raise ValueError(f"{root} holds no image; formats are told by suffixes such as .jpg and .png.")
    return _number("folder", root, crops)


def _camera(path: str, root: Path, inside: tuple[str, ...], pattern: str | None) -> str | None:
    if pattern is None:
        return None
    if pattern == "subfolder":
        if not inside:
            raise ValueError(f"{path} lies in no camera's sub-folder, as camera_pattern='subfolder' needs it.")
        return inside[0]
    try:
        match = re.search(pattern, path_below(path, root))
    except re.error as error:
        raise ValueError(f"camera_pattern={pattern!r} is no regular expression ({error}); try cam(\\d+).") from None
    if match is None or not match.groups():
        raise ValueError(
            f"camera_pattern={pattern!r} finds no camera in {path}; its group must match the camera's name."
        )
    return match[1]


def read_table(root: str | Path, *, labeled: bool = True) -> Splits:
    """Read a table of images, one a line: path, pid, camid, split, with these names in the first line.

    Paths are relative to the table. An empty pid means that nobody knows; without the column `camid` all images come
    from one camera; without the column `split` all of them train. Identities and cameras may be numbers or names.

    Args:
        root: the .csv file, or a folder that holds one.
        labeled: with False the training records are made without identities, whatever the table says.

    Raises:
        FileNotFoundError: if there is no table, or it names a file that is missing.
        ValueError: if a column is missing or a split is unknown.
    """
    table = _find_table(Path(root))
    crops = []
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if "path" not in (reader.fieldnames or ()):
            raise ValueError(f"{table} has no column 'path' in its first line; path, pid, camid, split were expected.")
        for line, row in enumerate(reader, start=2):
            split = (row.get("split") or "train").strip()
            if split not in SPLITS:
                raise ValueError(f"{table}, line {line}: split={split!r} must be one of {', '.join(SPLITS)}.")
            path = table.parent / (row["path"] or "").strip()
            if not path.is_file():
                raise FileNotFoundError(f"{table}, line {line} names {path}, which does not exist.")
            pid = (row.get("pid") or "").strip()
            known = pid not in ("", str(UNLABELED)) and (labeled or split != "train")
            crops.append(_Crop(str(path), split, pid if known else None, (row.get("camid") or "").strip() or None))
    if not crops:
        raise ValueError(f"{table} lists no image.")
    unknown = sum(crop.camera is None for crop in crops)
    if 0 < unknown < len(crops):
        raise ValueError(
            f"{table} names no camera (camid) for {unknown} of {len(crops)} images; name all, or none (one camera)."
        )
    return _number("csv", table, crops)


def _find_table(root: Path) -> Path:
    if root.is_file():
        return root
    tables = sorted(root.glob("*.csv")) if root.is_dir() else []
    if len(tables) != 1:
        raise FileNotFoundError(
            f"{root} holds {len(tables)} .csv files; name one (data.source_root or data.target_root)."
        )
    return tables[0]


def _number(name: str, root: Path, crops: list[_Crop]) -> Splits:
    pids = number_names(crop.pid for crop in crops if crop.pid is not None)
    cameras = number_names(crop.camera for crop in crops if crop.camera is not None)
    splits: dict[str, list[Record]] = {split: [] for split in SPLITS}
    for crop in crops:
        pid = UNLABELED if crop.pid is None else pids[crop.pid]
        splits[crop.split].append(Record(crop.path, pid, 0 if crop.camera is None else cameras[crop.camera]))
    return Splits(name, root, **splits)
