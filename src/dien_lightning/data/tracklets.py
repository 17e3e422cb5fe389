"""MARS: frames whose names tell their sequence, and MATLAB files that tell which sequences ask."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from dien_lightning.data.crops import make_splits
from dien_lightning.data.files import read_text
from dien_lightning.data.layouts import FileName, passed_over
from dien_lightning.data.records import Splits

_PLACES = ("info", "MARS-evaluation/info", "MARS-evaluation-master/info", "../MARS-evaluation-master/info")


@dataclass(frozen=True)
class TrackletLayout:
    """Folders bbox_train and bbox_test; the sequences that ask are named by `query_IDX.mat` and stay in the gallery.

    Without their copies in the gallery, some queries would have no match; the protocol drops each query's own.

    Args:
        name: what a frame's path says; its sequence is the group `tracklet`.
    """

    name: FileName

    def missing(self, root: Path) -> list[str]:
        """Name the folders and files that `root` lacks."""
        lists = ("test_name.txt", "tracks_test_info.mat", "query_IDX.mat")
        there = next((place for place in _PLACES if (root / place).is_dir()), _PLACES[0])
        folders = [f"{folder}/" for folder in ("bbox_train", "bbox_test") if not (root / folder).is_dir()]
        return folders + [f"{there}/{name}" for name in lists if not (root / there / name).is_file()]

    def read(self, name: str, root: Path, *, labeled: bool = True) -> Splits:
        """Read the frames below `root`."""
        others: Counter[str] = Counter()
        train = self.name.read(root, root / "bbox_train", "train", others)
        gallery = self.name.read(root, root / "bbox_test", "gallery", others)
        asking = self._queries(next(root / place for place in _PLACES if (root / place).is_dir()))
        query = [crop._replace(split="query") for crop in gallery if crop.tracklet in asking]
        return make_splits(name, root, [*train, *query, *gallery], labeled=labeled, notes=passed_over(others))

    def _queries(self, info: Path) -> set[str | None]:
        from scipy.io import loadmat  # noqa: PLC0415  (MARS alone needs it)

        names = read_text(info / "test_name.txt").split()
        tracks = loadmat(info / "tracks_test_info.mat")["track_test_info"]
        rows = loadmat(info / "query_IDX.mat")["query_IDX"].ravel()
        first = [names[int(tracks[int(row) - 1][0]) - 1] for row in rows]  # MATLAB counts from 1
        return {crop.tracklet for crop in map(self.name.crop, first) if crop}
