"""Images of your own in a plain folder, whose paths may tell people and cameras."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from dien_lightning.data.crops import Crop, make_splits
from dien_lightning.data.files import image_files, path_below
from dien_lightning.data.layouts import passed_over
from dien_lightning.data.records import SPLITS, Splits

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
            the root, whose first group that matches is the identity, such as `^(\\d+)_`.

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
    """What the pattern's first group that matches says."""
    what, example = ("camera", "cam(\\d+)") if name == "camera_pattern" else ("identity", "^(\\d+)_")
    try:
        match = re.search(pattern, path_below(path, root))
    except re.error as error:
        raise ValueError(f"{name}={pattern!r} is no regular expression ({error}); try {example}.") from None
    found = next((group for group in match.groups() if group), None) if match else None
    if found is None:
        raise ValueError(f"{name}={pattern!r} finds no {what} in {path}; its group must match the {what}'s name.")
    return found
