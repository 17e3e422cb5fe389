"""How data sets lie on disk: which folders or lists hold which split, and what a file's name says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from dien_lightning.data.crops import Crop, make_splits
from dien_lightning.data.files import image_files, locate, path_below, read_text, walk_images
from dien_lightning.data.names import is_nobody, number_names, spelled
from dien_lightning.data.records import SPLITS, Splits


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
            identity; `camid`, `clothes` and `tracklet`, if they are there, the camera, the clothes and the sequence.
            Where numbers start anew in every scene or version, groups `camid_part` and `pid_part` tell them apart.
        example: a path that matches, for messages.
        cameras: camera number by the text of the group `camid`, where that text is not a number.
        clothes: the same for the group `clothes`.
    """

    pattern: str
    example: str
    cameras: Mapping[str, int] | None = None
    clothes: Mapping[str, str] | None = None

    def read(self, root: Path, folder: Path, split: str, others: Counter[str] | None = None) -> list[Crop]:
        """Give the image files below `folder`; `others` counts the suffixes of the files that are no images.

        Raises:
            ValueError: if a file's path does not match.
        """
        found = [(path, self.crop(path_below(path, root))) for path in image_files(folder, others)]
        crops = [crop._replace(path=path, split=split) for path, crop in found if crop is not None]
        strangers = [path for path, crop in found if crop is None]
        if strangers and split != "further":
            more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
            raise ValueError(
                f"{strangers[0]}{more} cannot be read as identity and camera ({len(crops)} others beside it can); "
                f"names like {self.example} were expected: rename or remove what does not belong here."
            )
        return crops

    def crop(self, path: str) -> Crop | None:
        """What a path says, None where it does not match."""
        match = re.search(self.pattern, path)
        if match is None:
            return None
        groups = match.groupdict()
        pid, camera, clothes = groups["pid"] or "", groups.get("camid") or "0", groups.get("clothes")
        if part := groups.get("pid_part"):
            pid = f"{part}{pid:0>5}"
        if self.cameras is not None:
            camera = str(self.cameras[camera])
        if part := groups.get("camid_part"):
            camera = f"{part}{camera:0>3}"
        if clothes and self.clothes:
            clothes = self.clothes[clothes]
        tracklet = f"{pid} {camera} {groups['tracklet']}" if groups.get("tracklet") else None
        return Crop(path, "", pid, camera, clothes, tracklet)


@dataclass(frozen=True)
class FolderLayout:
    """Splits are folders, and names say who and which camera.

    Args:
        folders: split -> folders that hold it; "." is the root itself, and wildcards are allowed. Of "further", which
            holds more images of the queries' people, nothing need be there.
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
        others: Counter[str] = Counter()
        crops = [
            crop
            for split, folders in self.folders.items()
            for folder in folders
            for place in _find(root, folder, self.name)
            for crop in self.name.read(root, place, split, None if split == "further" else others)
        ]
        compare = name in ("market1501", "dukemtmcreid")  # whose numbers are one person's, and own sets' folders
        return make_splits(name, root, crops, labeled=labeled, compare=compare, notes=passed_over(others))


@dataclass(frozen=True)
class ListLayout:
    """Splits are text files, a line each: a path and an identity; the path's name says which camera.

    Args:
        lists: split -> pairs of list file and the folder that its paths are relative to.
        pattern: regular expression with the group `camid`, searched in the path.
        example: a line that matches, for messages.
        cameras: as for `FileName`.
    """

    lists: Mapping[str, Sequence[tuple[str, str]]]
    pattern: str
    example: str
    cameras: Mapping[str, int] | None = None

    def missing(self, root: Path) -> list[str]:
        """Name the lists and folders that `root` lacks."""
        pairs = [pair for split in SPLITS for pair in self.lists.get(split, ())]
        files = [listing for listing, _ in pairs if not _list_file(root, listing).is_file()]
        return files + [f"{folder}/" for folder in dict.fromkeys(f for _, f in pairs) if not (root / folder).is_dir()]

    def read(self, name: str, root: Path, *, labeled: bool = True) -> Splits:
        """Read the lists below `root`."""
        crops = [
            crop
            for split, pairs in self.lists.items()
            for listing, folder in pairs
            for crop in self._read_list(root, _list_file(root, listing), folder, split)
        ]
        return make_splits(name, root, crops, labeled=labeled)

    def _read_list(self, root: Path, listing: Path, folder: str, split: str) -> list[Crop]:
        crops = []
        for number, line in enumerate(read_text(listing).splitlines(), start=1):
            path, _, pid = line.strip().replace("\t", " ").rpartition(" ")
            match = re.search(self.pattern, path.replace("\\", "/"))
            if match and (is_nobody(pid) or spelled(pid).isdecimal()):
                camera = match["camid"] if self.cameras is None else str(self.cameras[match["camid"]])
                found = locate(path.strip(), root / folder, root)
                crops.append(Crop(found, split, pid, camera, told=f"{listing}, line {number}"))
            elif line.strip():
                raise ValueError(
                    f"{listing}, line {number} reads {line.strip()!r}; a line like {self.example!r} was expected."
                )
        return crops


@dataclass(frozen=True)
class PeopleLayout:
    """Splits are people: some train, of the others one view asks and the rest is the gallery.

    Where a set names no people for its splits, half of them train, drawn once and for all (seed 0). Papers average over
    ten random halves, so figures compare roughly.

    Args:
        folders: folders that hold all images; "." is the root itself, and wildcards are allowed.
        name: what a file's path says.
        query: regular expression of the paths, below the root, that serve as queries.
        paired: identities that are halved; None means all. Others are distractors: they only join the gallery.
        lists: "train" and "test" -> text files that list their people; other people are left out.
    """

    folders: Sequence[str]
    name: FileName
    query: str
    paired: range | None = None
    lists: Mapping[str, Sequence[str]] | None = None

    def missing(self, root: Path) -> list[str]:
        """Name the lists and folders that `root` lacks."""
        files = [listing for listings in (self.lists or {}).values() for listing in listings]
        folders = [f"{folder}/" for folder in self.folders if not _find(root, folder, self.name)]
        return [listing for listing in files if not _list_file(root, listing).is_file()] + folders

    def read(self, name: str, root: Path, *, labeled: bool = True) -> Splits:
        """Read the folders below `root` and tell the people apart."""
        others: Counter[str] = Counter()
        places = [place for folder in self.folders for place in _find(root, folder, self.name)]
        crops = [crop for place in places for crop in self.name.read(root, place, "gallery", others)]
        numbers = number_names(crop.pid or "" for crop in crops)
        trained, tested = self._people(root, sorted(numbers.values()))
        found = []
        for crop in crops:
            pid, asks = numbers[spelled(crop.pid or "")], re.search(self.query, path_below(crop.path, root))
            if pid in trained:
                found.append(crop._replace(split="train"))
            elif pid in tested and not asks:
                found.append(crop)
            elif pid in tested and (self.paired is None or pid in self.paired):
                found.append(crop._replace(split="query"))
        return make_splits(name, root, found, labeled=labeled, notes=passed_over(others))

    def _people(self, root: Path, pids: Sequence[int]) -> tuple[set[int], set[int]]:
        """Who trains and who is tested."""
        if self.lists is not None:
            trained, tested = (
                {
                    int(pid)
                    for listing in self.lists[part]
                    for pid in re.findall(r"\d+", read_text(_list_file(root, listing)))
                }
                for part in ("train", "test")
            )
            return trained, tested
        halved = [pid for pid in pids if self.paired is None or pid in self.paired]
        half = {halved[i] for i in np.random.default_rng(0).permutation(len(halved))[: len(halved) // 2]}
        return half, set(pids) - half


def passed_over(others: Counter[str]) -> list[str]:
    """What a user should know of the files that are no images.

    Example:
        >>> passed_over(Counter({".heic": 20, ".txt": 1}))
        ['Passed over, for their suffixes are no image formats read here: 20 .heic, 1 .txt.']
    """
    told = ", ".join(f"{count:,} {suffix}" for suffix, count in others.most_common(8))
    return [f"Passed over, for their suffixes are no image formats read here: {told}."] if others else []


def _list_file(root: Path, listing: str) -> Path:
    """A list's file, with or without its suffix."""
    bare = (root / listing).with_suffix("")
    return bare if bare.is_file() else root / listing


def _find(root: Path, folder: str, name: FileName) -> list[Path]:
    if folder != ".":
        return sorted(path for path in root.glob(folder) if path.is_dir())
    first = next(walk_images(root), None)  # one is enough to tell, and the tree may be large
    return [root] if first is not None and re.search(name.pattern, path_below(first, root)) else []
