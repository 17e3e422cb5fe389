"""Images of your own in a plain folder, whose paths may tell people and cameras."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from dien_lightning.checks import amount
from dien_lightning.data.crops import Crop, make_splits
from dien_lightning.data.files import image_files, is_image, is_passed_over, path_below
from dien_lightning.data.layouts import passed_over
from dien_lightning.data.records import SPLITS, Splits

_PATTERNS = {
    "camera_pattern": ("camera", "cam(\\d+)"),
    "pid_pattern": ("identity", "(?:^|/)(\\d+)_"),
    "time_pattern": ("time", "(\\d{14})"),
}
_PID_PATTERNS = (
    r"(?:^|/)(-?\d+)_c\d",
    r"(?i)(?:^|/)(?:pid|person|id|p)[ ._-]?(\d+)",
    r"(?i)(?:^|[/ ._-])(?:track|tid|id)[ ._-]?(\d+)",
    r"(?i)(?:^|/)c(?:am(?:era)?)?[ _-]?\d+[ ._-]+(\d+)",
    r"(?:^|/)(-?\d+)[ ._-]",
    r"(?:^|/)([^/ ._-]+)[ ._-][^/]*$",
)
_ONE_DIGIT = re.compile(r"\((?:\\d|\[0-9\])\)")  # a group that reads 1 in cam12
_NO_PERSON = re.compile(r"(?i)(c|cam|camera|s|img|dsc|pxl|vid|frame|f|snapshot|screenshot)[ _-]?\d{0,4}$")
_DATE = re.compile(r"(19|20)\d{6}$")
_PARTS = {*SPLITS, "training", "probe", "test", "testing", "val", "valid", "validation"}


def read_folder(
    root: str | Path, *, labeled: bool = True, camera_pattern: str | None = None, pid_pattern: str | None = None
) -> Splits:
    """Read a folder of crops, nested in any way and in any format that Pillow reads.

    A source has one sub-folder per identity, or names that tell it. A target may lie in any way. Where `root` holds
    `query` and `gallery`, or a `gallery` alone, with identities told as in a source, they serve evaluation; training
    images lie in `train`.

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
    others: Counter[str] = Counter()
    places, notes = _places(root)
    crops = []
    for split, place in places.items():
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
    if labeled and pid_pattern is None:
        _check_people(places["train"], {crop.pid or "" for crop in crops if crop.split == "train"})
    notes += passed_over(others)
    return make_splits("folder", root, crops, labeled=labeled, compare=True, notes=notes)


def _places(root: Path) -> tuple[dict[str, Path], list[str]]:
    """Where each split lies, and what is not read: all of it trains unless there are query and gallery, or the latter.

    A gallery alone, which leave-one-out ranks, is one where nothing but training images lies beside it.
    """
    inside = {path.name: path for path in sorted(root.iterdir()) if not is_passed_over(path.name)}
    named = {name.casefold(): path for name, path in inside.items() if path.is_dir() and name.casefold() in SPLITS}
    if "gallery" not in named:
        return {"train": root}, []
    unread = [path for path in inside.values() if path not in named.values()]
    images = {path.name: len(image_files(path)) if path.is_dir() else is_image(path) for path in unread}
    images = {name: number for name, number in images.items() if number}
    if "query" not in named and images:
        return {"train": root}, []
    outside = "outside train/, query/ and gallery/"
    told = (
        f"{amount(sum(images.values()), f'image {outside} is', f'images {outside} are')} not read: {', '.join(images)}."
    )
    return {split: named.get(split, root / split) for split in SPLITS}, [told] if images else []


def _check_people(place: Path, people: set[str]) -> None:
    """Refuse sub-folders that are no people's: parts of a data set, or a folder that holds the people's."""
    if parts := sorted(name for name in people if name.casefold() in _PARTS):
        raise ValueError(
            f"{', '.join(f'{place}/{name}' for name in parts)} would be people, and are named like parts of a data "
            f"set; name the folder of the people that train, or rename the others to query/ and gallery/."
        )
    if len(people) == 1 and sum(path.is_dir() for path in (place / next(iter(people))).iterdir()) > 1:
        raise ValueError(
            f"All images of {place} lie in {place / next(iter(people))}, which would be their one person; if its "
            f"sub-folders are people, name that folder."
        )


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
        if any(map(_DATE.match, first)) or (pattern == _PID_PATTERNS[-1] and any(map(_NO_PERSON.match, first))):
            continue  # what stands first is a camera, a device or a date
        if num_read > 0.9 * len(paths) and 1 < len(first) <= num_read / 2:
            told = ", ".join(f"{first[pid]} as {pid!r}" for pid in sorted(first)[:3])
            return f"pid_pattern='{pattern}' reads {told}"
    return None


def _flat(path: str, place: Path, proposal: str | None) -> str:
    names = proposal or "pid_pattern=... may read it from the names (a regular expression whose group is the identity)"
    return (
        f"{path} lies in no identity's folder; a labelled folder has one sub-folder per identity, such as "
        f"{place.name}/anna/{Path(path).name}, or {names}; of a pair: data.source_pid_pattern, data.target_pid_pattern."
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


def camera_expression(pattern: str) -> str:
    """The regular expression that a `camera_pattern` for crops stands for: "subfolder" is the folder an image lies in.

    Example:
        >>> re.search(camera_expression("subfolder"), "day/cam3/0001.jpg")[1]
        'cam3'
    """
    return r"([^/]+)/[^/]*$" if pattern == "subfolder" else pattern


def read_name(name: str, pattern: str, path: str, root: Path) -> str:
    """What the first group that matches says; of the pattern called `name`, in the path below `root`."""
    what, example = _PATTERNS[name]
    try:
        match = re.search(pattern, path_below(path, root))
    except re.error as error:
        raise ValueError(f"{name}={pattern!r} is no regular expression ({error}); try {example}.") from None
    group = next((number for number, text in enumerate(match.groups(), 1) if text), 0) if match else 0
    if match is None or not group:
        raise ValueError(f"{name}={pattern!r} finds no {what} in {path}; its group must match the {what}'s name.")
    if _ONE_DIGIT.search(pattern) and match.string[match.end(group) : match.end(group) + 1].isdigit():
        raise ValueError(
            f"{name}={pattern!r} reads {what} {match[group]} in {path}, where the number goes on; write (\\d+) to read "
            f"all of it."
        )
    return match[group]
