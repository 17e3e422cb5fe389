"""Images of your own: a plain folder of crops, or a table that lists them."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Sequence
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
            camera (the only one, or the first below the identity's); otherwise a regular expression, searched in the
            path below the root, whose first group that matches is the camera, such as `cam(\\d+)`.

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
            camera = _camera(path, root, inside[1:] if needs_pid else inside, needs_pid, camera_pattern)
            crops.append(_Crop(path, split, inside[0] if needs_pid else None, camera))
    if not crops:
        raise ValueError(f"{root} holds no image; formats are told by suffixes such as .jpg and .png.")
    return _number("folder", root, crops)


def _camera(path: str, root: Path, inside: tuple[str, ...], has_pid: bool, pattern: str | None) -> str | None:
    if pattern is None:
        return None
    if pattern == "subfolder":
        if not inside:
            raise ValueError(f"{path} lies in no camera's sub-folder, as camera_pattern='subfolder' needs it.")
        if not has_pid and len(inside) > 1:
            raise ValueError(
                f"{path} lies in {len(inside)} sub-folders, and camera_pattern='subfolder' does not tell which is the "
                f"camera's; give a regular expression, such as cam(\\d+)."
            )
        return inside[0]
    try:
        match = re.search(pattern, path_below(path, root))
    except re.error as error:
        raise ValueError(f"camera_pattern={pattern!r} is no regular expression ({error}); try cam(\\d+).") from None
    camera = next((group for group in match.groups() if group), None) if match else None
    if camera is None:
        raise ValueError(
            f"camera_pattern={pattern!r} finds no camera in {path}; its group must match the camera's name."
        )
    return camera


def read_table(root: str | Path, *, labeled: bool = True) -> Splits:
    """Read a table of images, one a line: path, pid, camid, split, with these names in the first line.

    Paths are relative to the table. An empty pid means that nobody knows; without the column `camid` all images come
    from one camera; without the column `split` all of them train. Identities and cameras may be numbers or names.

    Args:
        root: the .csv file, or a folder that holds one.
        labeled: with False the training records are made without identities, whatever the table says.

    Raises:
        FileNotFoundError: if there is no table, or it names a file that is missing.
        ValueError: if it is no table, a column is missing or a split is unknown.
    """
    table = _find_table(Path(root))
    columns, rows = _read_rows(table)
    if "path" not in columns:
        raise ValueError(f"{table} has no column 'path' in its first line; path, pid, camid, split were expected.")
    crops = []
    for line, row in enumerate(rows, start=2):
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


def csv_files(folder: Path) -> list[Path]:
    """The .csv files in a folder, sorted; none where it is no folder."""
    return [path for path in sorted(folder.glob("*.csv")) if path.is_file()]


def is_table(path: Path) -> bool:
    """Whether a .csv file lists images: one of its columns is `path`."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return "path" in [name.strip('"\r\n') for name in file.readline().split(",")]


def _read_rows(table: Path) -> tuple[Sequence[str], list[dict[str, str | None]]]:
    """A table's columns and rows."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            return reader.fieldnames or (), list(reader)
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{table} cannot be read as a table ({error}); save it as CSV in UTF-8.") from None


def _find_table(root: Path) -> Path:
    if root.is_file():
        return root
    found = csv_files(root)
    tables = [path for path in found if is_table(path)] or found
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
