"""How data sets lie on disk: which folders or lists hold which split, and what a file's name says."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from dien_lightning.data.records import SPLITS, Record, Splits
from dien_lightning.types import UNLABELED

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})


class Layout(Protocol):
    """Turns a folder into the records of three splits."""

    def missing(self, root: Path) -> list[str]:
        """Name what `root` lacks; an empty list means that `root` has this layout."""

    def read(self, name: str, root: Path, *, labeled: bool = True) -> Splits:
        """Read `root`; with `labeled=False` the training records are made without identities."""


class FileName(NamedTuple):
    """What a file's path says.

    Args:
        pattern: regular expression, searched in the path below the root (with forward slashes). Group `pid` is the
            identity; `camid`, if there is one, the camera. Where numbers start anew in every scene or version, groups
            `camid_part` and `pid_part` tell them apart.
        example: a path that matches, for messages.
        cameras: camera number by the text of the group `camid`, where that text is not a number.
    """

    pattern: str
    example: str
    cameras: Mapping[str, int] | None = None

    def read(self, root: Path, folder: Path, *, labeled: bool = True) -> list[Record]:
        """Give the records of the image files below `folder`.

        Raises:
            ValueError: if a file's path does not match.
        """
        pattern = re.compile(self.pattern)
        records, strangers = [], []
        for path in image_files(folder):
            match = pattern.search(path_below(path, root))
            if match is None:
                strangers.append(path)
            else:
                groups = match.groupdict()
                records.append(Record(path, _pid(groups) if labeled else UNLABELED, self._camid(groups)))
        if strangers:
            others = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
            raise ValueError(
                f"{strangers[0]}{others} cannot be read as identity and camera ({len(records)} others beside it can); "
                f"names like {self.example} were expected: rename or remove what does not belong here."
            )
        return records

    def _camid(self, groups: Mapping[str, str | None]) -> int:
        text = groups.get("camid") or "0"
        number = int(text) if self.cameras is None else self.cameras[text]
        return 1000 * int(groups.get("camid_part") or 0) + number


def _pid(groups: Mapping[str, str | None]) -> int:
    return 100_000 * int(groups.get("pid_part") or 0) + int(groups["pid"] or 0)


@dataclass(frozen=True)
class FolderLayout:
    """Splits are folders, and names say who and which camera.

    Args:
        folders: split -> folders that hold it; "." is the root itself, and wildcards are allowed.
        name: what a file's path says.
    """

    folders: Mapping[str, Sequence[str]]
    name: FileName

    def missing(self, root: Path) -> list[str]:
        """Name the folders that `root` lacks."""
        wanted = dict.fromkeys(folder for split in SPLITS for folder in self.folders.get(split, ()))
        return [f"{folder}/" for folder in wanted if not _find(root, folder, self.name)]

    def read(self, name: str, root: Path, *, labeled: bool = True) -> Splits:
        """Read the folders below `root`."""
        splits: dict[str, list[Record]] = {split: [] for split in SPLITS}
        for split, folders in self.folders.items():
            for folder in folders:
                for found in _find(root, folder, self.name):
                    splits[split] += self.name.read(root, found, labeled=labeled or split != "train")
        return Splits(name, root, **splits)


@dataclass(frozen=True)
class ListLayout:
    """Splits are text files, a line each: a path and an identity; the path's name says which camera.

    Args:
        lists: split -> pairs of list file and the folder that its paths are relative to.
        pattern: regular expression with the group `camid`, searched in the path.
        example: a line that matches, for messages.
    """

    lists: Mapping[str, Sequence[tuple[str, str]]]
    pattern: str
    example: str

    def missing(self, root: Path) -> list[str]:
        """Name the lists and folders that `root` lacks."""
        pairs = [pair for split in SPLITS for pair in self.lists.get(split, ())]
        files = [listing for listing, _ in pairs if not (root / listing).is_file()]
        return files + [f"{folder}/" for folder in dict.fromkeys(f for _, f in pairs) if not (root / folder).is_dir()]

    def read(self, name: str, root: Path, *, labeled: bool = True) -> Splits:
        """Read the lists below `root`."""
        splits = {split: self._read_split(root, split, labeled or split != "train") for split in SPLITS}
        return Splits(name, root, **splits)

    def _read_split(self, root: Path, split: str, labeled: bool) -> list[Record]:
        records = []
        for listing, folder in self.lists.get(split, ()):
            lines = (root / listing).read_text(encoding="utf-8").splitlines()
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                path, _, pid = line.strip().rpartition(" ")
                match = re.search(self.pattern, path)
                if match is None or not pid.isdecimal():
                    raise ValueError(
                        f"{root / listing}, line {number} reads {line.strip()!r}; "
                        f"a line like {self.example!r} was expected."
                    )
                camid = int(match["camid"])
                records.append(Record(str(root / folder / path), int(pid) if labeled else UNLABELED, camid))
        return records


@dataclass(frozen=True)
class HalvedLayout:
    """A set without splits of its own: half of the identities train, of the others one view is the query.

    The halves are drawn once and for all (seed 0). Papers average over ten random halves, so figures compare roughly.

    Args:
        folders: folders that hold all images; "." is the root itself.
        name: what a file's path says.
        query: regular expression of the paths, below the root, that serve as queries.
        paired: identities that are halved; None means all. Others are distractors: they only join the gallery.
    """

    folders: Sequence[str]
    name: FileName
    query: str
    paired: range | None = None

    def missing(self, root: Path) -> list[str]:
        """Name the folders that `root` lacks."""
        return [f"{folder}/" for folder in self.folders if not _find(root, folder, self.name)]

    def read(self, name: str, root: Path, *, labeled: bool = True) -> Splits:
        """Read the folders below `root` and halve the identities."""
        found = [place for folder in self.folders for place in _find(root, folder, self.name)]
        records = [record for place in found for record in self.name.read(root, place)]
        pids = sorted({r.pid for r in records if self.paired is None or r.pid in self.paired})
        half = {pids[i] for i in np.random.default_rng(0).permutation(len(pids))[: len(pids) // 2]}
        query, gallery = [], []
        for record in records:
            if record.pid in half:
                continue
            if not re.search(self.query, path_below(record.path, root)):
                gallery.append(record)
            elif self.paired is None or record.pid in self.paired:
                query.append(record)
        train = [r if labeled else r._replace(pid=UNLABELED) for r in records if r.pid in half]
        return Splits(name, root, train, query, gallery)


def image_files(folder: Path) -> list[str]:
    """List the image files below `folder`, at any depth, sorted, hence in the same order on every machine.

    Hidden files and folders are left out (macOS leaves ._NAME.jpg, file managers .thumbnails), a disk's lost+found, and
    links that lead back to where they are.

    Raises:
        OSError: if a folder cannot be read.
    """
    found = []
    for parent, folders, names in os.walk(folder, followlinks=True, onerror=_raise_unless_missing):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and name != "lost+found" and not _leads_back(folder, parent, name)
        ]
        found += [
            os.path.join(parent, name)
            for name in names
            if os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not name.startswith(".")
        ]
    return sorted(found)


def _raise_unless_missing(error: OSError) -> None:
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise OSError(
            f"{error.filename} cannot be read ({error.strerror}); give read access, or move it out of the data set."
        ) from error


def _leads_back(top: Path, parent: str, name: str) -> bool:
    """Whether `name` is a link to a folder that the walk from `top` is in."""
    link = os.path.join(parent, name)
    if not os.path.islink(link):
        return False
    end = os.path.realpath(link)
    way = Path(parent)
    walked = [way, *(above for above in way.parents if above.is_relative_to(top))]
    return any(Path(os.path.realpath(above)).is_relative_to(end) for above in walked)


def path_below(path: str, root: Path) -> str:
    """The part below `root`, with forward slashes, of a path that `image_files` lists in it.

    Example:
        >>> path_below("data/cam1/1.jpg", Path("data")), path_below("cam1/1.jpg", Path())
        ('cam1/1.jpg', 'cam1/1.jpg')
    """
    start = 0 if root == Path() else len(os.path.join(root, ""))
    return path[start:].replace(os.sep, "/")


def number_names(names: Iterable[str]) -> dict[str, int]:
    """Number names: by themselves if all are different numbers, otherwise by their place in the alphabet.

    Example:
        >>> number_names(["0007", "12"]), number_names(["front door", "back door"])
        ({'0007': 7, '12': 12}, {'back door': 0, 'front door': 1})
    """
    ordered = sorted(set(names))
    if all(name.isdecimal() for name in ordered) and len({int(name) for name in ordered}) == len(ordered):
        return {name: int(name) for name in ordered}
    return {name: number for number, name in enumerate(ordered)}


def _find(root: Path, folder: str, name: FileName) -> list[Path]:
    if folder != ".":
        return sorted(path for path in root.glob(folder) if path.is_dir())
    for path in image_files(root):
        return [root] if re.search(name.pattern, path_below(path, root)) else []
    return []
