"""How data sets lie on disk: which folders or lists hold which split, and what a file's name says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dien_lightning.data.records import Record, Splits
from dien_lightning.types import UNLABELED

SPLITS = ("train", "query", "gallery")
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})


class Layout(Protocol):
    """Turns a folder into the records of three splits."""

    def missing(self, root: Path) -> list[str]:
        """Name the folders and lists that `root` lacks; an empty list means that `root` has this layout."""

    def read(self, name: str, root: Path, *, labeled: bool = True) -> Splits:
        """Read `root`; with `labeled=False` the training records are made without identities."""


@dataclass(frozen=True)
class FolderLayout:
    """Splits are folders; a file's name, or its path inside the folder, says who and which camera.

    Args:
        folders: split -> folders that hold it.
        pattern: regular expression with the groups `pid` and `camid` (or no `camid`: one camera), searched from the
            start of the path below the folder.
        example: a path that matches, for messages.
    """

    folders: Mapping[str, Sequence[str]]
    pattern: str
    example: str

    def missing(self, root: Path) -> list[str]:
        """Name the folders that `root` lacks."""
        wanted = [folder for split in SPLITS for folder in self.folders.get(split, ())]
        return [f"{folder}/" for folder in dict.fromkeys(wanted) if not (root / folder).is_dir()]

    def read(self, name: str, root: Path, *, labeled: bool = True) -> Splits:
        """Read the folders below `root`."""
        splits = {split: self._read_split(root, split, labeled or split != "train") for split in SPLITS}
        return Splits(name, root, **splits)

    def _read_split(self, root: Path, split: str, labeled: bool) -> list[Record]:
        pattern = re.compile(self.pattern)
        records, strangers = [], []
        for folder in self.folders.get(split, ()):
            start = len(str(root / folder)) + 1
            for path in image_files(root / folder):
                match = pattern.match(str(path)[start:].replace("\\", "/"))
                if match is None:
                    strangers.append(path)
                else:
                    pid = int(match["pid"]) if labeled else UNLABELED
                    records.append(Record(str(path), pid, int(match.groupdict().get("camid") or 0)))
        if strangers:
            raise ValueError(_unparsed(strangers, len(records), self.example))
        return records


@dataclass(frozen=True)
class ListLayout:
    """Splits are text files, a line each: a path and an identity; the path's name says which camera.

    Args:
        lists: split -> pairs of list file and the folder that its paths are relative to.
        pattern: regular expression with the group `camid`, searched in the path.
        example: a path that matches, for messages.
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
                records.append(
                    Record(str(root / folder / path), int(pid) if labeled else UNLABELED, int(match["camid"]))
                )
        return records


def image_files(folder: Path) -> Iterator[Path]:
    """Give the image files below `folder`, at any depth, sorted, hence in the same order on every machine."""
    return iter(sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and not _is_hidden(p)))


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".")  # macOS leaves ._0002_c1s1.jpg beside every file it copies


def _unparsed(strangers: Sequence[Path], num_parsed: int, example: str) -> str:
    others = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
    return (
        f"{strangers[0]}{others} cannot be read as identity and camera ({num_parsed} others beside it can); "
        f"names like {example} were expected: rename or remove what does not belong here."
    )
