"""Images of your own: a plain folder, whose paths may tell people and cameras, or a table that lists them."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from dien_lightning.data.crops import Crop, make_splits
from dien_lightning.data.files import image_files, locate, path_below, read_text
from dien_lightning.data.layouts import passed_over
from dien_lightning.data.names import is_nobody
from dien_lightning.data.records import SPLITS, Splits

OWN = {
    "folder": "a folder of images: any, for a target; one sub-folder per identity, for a source",
    "csv": "a table with the columns path, pid, camid, split",
}
COLUMNS = ("path", "pid", "camid", "split")
_OTHERS_CALL_IT = {  # open-metric-learning's, torchreid's and others' names
    "path": "image img image_path img_path file filename file_name filepath file_path image_name img_name name",
    "pid": "label person person_id personid identity target subject vehicle_id",
    "camid": "camera cam cam_id camera_id cameraid",
    "split": "is_query is_gallery set subset partition role",
}

_PATTERNS = {
    "camera_pattern": ("camera", "cam(\\d+)"),
    "pid_pattern": ("identity", "(?:^|/)(\\d+)_"),
    "time_pattern": ("time", "(\\d{14})"),
}
_PID_PATTERNS = (
    r"(?:^|/)(-?\d+)_c\d",
    r"(?:^|/)(?:pid|person|id|p)[_-]?(\d+)",
    r"(?:^|/)(-?\d+)[_-]",
    r"(?:^|/)([^/_-]+)[_-][^/]*$",
)


def read_folder(
    root: str | Path, *, labeled: bool = True, camera_pattern: str | None = None, pid_pattern: str | None = None
) -> Splits:
    """Read a folder of crops, nested in any way and in any format that Pillow reads.

    A source has one sub-folder per identity, or names that tell it. A target may lie in any way. Where `root` holds
    `query` and `gallery`, with identities told as in a source, they serve evaluation; training images lie in `train`.

    Args:
        root: the folder.
        labeled: with False the training records are made without identities, wherever they lie.
        camera_pattern: None if all images come from one camera or nobody knows; "subfolder" if a sub-folder names the
            camera (the only one, or the first below the identity's); otherwise a regular expression, searched in the
            path below the root, whose first group that matches is the camera, such as `cam(\\d+)`.
        pid_pattern: None if sub-folders name the identities; otherwise a regular expression, searched in the path below
            the root, whose first group that matches is the identity, such as `(?:^|/)(\\d+)_`.

    Raises:
        FileNotFoundError: if the folder, or a file that a link leads to, is missing.
        ValueError: if it holds no image, or an identity or camera cannot be read.
    """
    root = Path(root)
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise FileNotFoundError(f"{root} {what}; name the folder that holds your images.")
    evaluated = (root / "query").is_dir() and (root / "gallery").is_dir()
    others: Counter[str] = Counter()
    crops = []
    for split, place in {split: root / split for split in SPLITS}.items() if evaluated else [("train", root)]:
        paths = image_files(place, others)
        for path in paths:
            inside = Path(os.path.relpath(path, place)).parts[:-1]
            pid, below = None, inside
            if labeled or split != "train":
                if pid_pattern is not None:
                    pid = read_name("pid_pattern", pid_pattern, path, root)
                elif inside:
                    pid, below = inside[0], inside[1:]
                else:
                    raise ValueError(_flat(path, place, propose_pid_pattern([path_below(p, root) for p in paths])))
            camera = _camera(path, root, below, camera_pattern, known=below != inside)
            crops.append(Crop(path, split, pid, camera))
    if not crops:
        told = "formats are told by suffixes such as .jpg and .png."
        raise ValueError(" ".join([f"{root} holds no image; {told}", *passed_over(others)]))
    return make_splits("folder", root, crops, labeled=labeled, compare=True, notes=passed_over(others))


def propose_pid_pattern(paths: Sequence[str]) -> str | None:
    """A sentence with a pattern that reads identities from most of these names, and three examples; None without one.

    Args:
        paths: below the root, with forward slashes.

    Example:
        >>> print(propose_pid_pattern(["0001_c1.jpg", "0001_c2.jpg", "0002_c1.jpg", "0002_c2.jpg"]))
        pid_pattern='(?:^|/)(-?\\d+)_c\\d' reads 0001_c1.jpg as '0001', 0002_c1.jpg as '0002'
    """
    for pattern in _PID_PATTERNS:
        found = [match[1] if (match := re.search(pattern, path)) else "" for path in paths]
        first = {pid: path for pid, path in zip(reversed(found), reversed(paths), strict=True) if pid}
        num_read = len(found) - found.count("")
        if num_read > 0.9 * len(paths) and 1 < len(first) <= num_read / 2:
            told = ", ".join(f"{first[pid]} as {pid!r}" for pid in sorted(first)[:3])
            return f"pid_pattern='{pattern}' reads {told}"
    return None


def _flat(path: str, place: Path, proposal: str | None) -> str:
    names = proposal or "pid_pattern=... may read it from the names (a regular expression whose group is the identity)"
    return (
        f"{path} lies in no identity's folder; a labelled folder has one sub-folder per identity, such as "
        f"{place.name}/anna/{Path(path).name}, or {names} (data.source_pid_pattern, data.target_pid_pattern)."
    )


def _camera(path: str, root: Path, below: Sequence[str], pattern: str | None, *, known: bool) -> str | None:
    if pattern is None:
        return None
    if pattern != "subfolder":
        return read_name("camera_pattern", pattern, path, root)
    if not below:
        raise ValueError(f"{path} lies in no camera's sub-folder, as camera_pattern='subfolder' needs it.")
    if not known and len(below) > 1:
        raise ValueError(
            f"{path} lies in {len(below)} sub-folders, and camera_pattern='subfolder' does not tell which is the "
            f"camera's; give a regular expression, such as cam(\\d+)."
        )
    return below[0]


def read_name(name: str, pattern: str, path: str, root: Path) -> str:
    """What the first group that matches says; of the pattern called `name`, in the path below `root`."""
    what, example = _PATTERNS[name]
    try:
        match = re.search(pattern, path_below(path, root))
    except re.error as error:
        raise ValueError(f"{name}={pattern!r} is no regular expression ({error}); try {example}.") from None
    found = next((group for group in match.groups() if group), None) if match else None
    if found is None:
        raise ValueError(f"{name}={pattern!r} finds no {what} in {path}; its group must match the {what}'s name.")
    return found


def read_table(root: str | Path, *, labeled: bool = True) -> Splits:
    """Read a table of images, one a line: path, pid, camid, split, with these names in the first line.

    Paths are relative to the table. An empty pid, or a word for unknown, means that nobody knows; without the column
    `camid` all images come from one camera; without the column `split` all of them train. Identities and cameras may be
    numbers or names. Columns are separated by commas, semicolons, tabs or bars.

    Args:
        root: the .csv or .tsv file, or a folder that holds one.
        labeled: with False the training records are made without identities, whatever the table says.

    Raises:
        FileNotFoundError: if there is no table, or it names a file that is missing.
        ValueError: if it is no table, a column is missing or called otherwise, or a split is unknown.
    """
    table = _find_table(Path(root))
    columns, rows = read_rows(table)
    notes = check_columns(table, columns)
    crops = []
    for line, row in enumerate(rows, start=2):
        split = (row.get("split") or "train").strip().lower()
        if split not in SPLITS:
            raise ValueError(f"{table}, line {line}: split={split!r} must be one of {', '.join(SPLITS)}.")
        path, camera = (row["path"] or "").strip(), row.get("camid")
        if not path:
            raise ValueError(f"{table}, line {line} names no path; name the image file, or leave the line out.")
        known = None if is_nobody(camera) else camera
        crops.append(Crop(locate(path, table.parent), split, row.get("pid"), known, told=f"{table}, line {line}"))
    if not crops:
        raise ValueError(f"{table} lists no image.")
    return make_splits("csv", table, crops, labeled=labeled, compare=True, notes=notes)


def table_files(folder: Path) -> list[Path]:
    """The .csv and .tsv files in a folder, sorted; none where it is no folder."""
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in inside if path.suffix.lower() in (".csv", ".tsv") and path.is_file()]


def is_table(path: Path) -> bool:
    """Whether a table lists images: one of its columns is `path`."""
    try:
        return "path" in read_rows(path)[0]
    except ValueError:
        return False


def read_rows(table: Path) -> tuple[Sequence[str], list[dict[str, str | None]]]:
    """A table's columns and rows."""
    try:
        text = read_text(table)
        if text.startswith("sep="):  # how Excel names its separator
            text = text.partition("\n")[2]
        first = text.partition("\n")[0]
        separator = max(",;\t|", key=first.count)
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except (csv.Error, UnicodeError) as error:
        raise ValueError(f"{table} cannot be read as a table ({error}); save it as CSV in UTF-8.") from None
    columns = [name.strip().lower() for name in lines[0]] if lines else []
    return columns, [dict(zip(columns, line, strict=False)) for line in lines[1:] if any(line)]


def check_columns(table: Path, columns: Sequence[str]) -> list[str]:
    """Refuse columns that are called otherwise; say which are not read."""
    unread = [name for name in columns if name not in COLUMNS]
    meant = {}
    for name in unread:
        bare = name.replace(" ", "_").replace("-", "_")
        column = next((column for column, others in _OTHERS_CALL_IT.items() if bare in others.split()), None)
        column = column or next(iter(get_close_matches(bare, COLUMNS, n=1, cutoff=0.84)), None)
        if column and (column not in columns or bare.startswith("is_")):
            meant[name] = column
    if meant:
        raise ValueError(
            f"{table} has the columns {', '.join(meant)}, which are not read; did you mean "
            f"{', '.join(dict.fromkeys(meant.values()))}? Rename them: {', '.join(COLUMNS)} are read."
        )
    if "path" not in columns:
        raise ValueError(f"{table} has no column 'path' in its first line; {', '.join(COLUMNS)} were expected.")
    return [f"The columns {', '.join(unread)} of {table} are not read."] if unread else []


def _find_table(root: Path) -> Path:
    if root.is_file():
        return root
    found = table_files(root)
    tables = [path for path in found if is_table(path)] or found
    if len(tables) != 1:
        raise FileNotFoundError(
            f"{root} holds {len(tables)} .csv files; name one (data.source_root or data.target_root)."
        )
    return tables[0]
