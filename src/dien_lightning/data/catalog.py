"""The data sets we know, a dozen lines each. Nothing here is ever downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dien_lightning.data.layouts import FolderLayout, Layout, ListLayout
from dien_lightning.data.records import Splits


@dataclass(frozen=True)
class Entry:
    """What we know of one data set.

    Args:
        title: its name in prose.
        layouts: how it may lie on disk; the first one that fits is read.
        subfolders: folder names that its archive unpacks to, looked for below the root and beside it.
        request: where to ask for it, in one sentence.
    """

    title: str
    layouts: Sequence[Layout]
    subfolders: Sequence[str] = ()
    request: str = ""


_MARKET_FOLDERS = {"train": ["bounding_box_train"], "query": ["query"], "gallery": ["bounding_box_test"]}
MARKET_LAYOUT = FolderLayout(_MARKET_FOLDERS, r"(?P<pid>-1|\d+)_c(?P<camid>\d+)", "0002_c1s1_000451_03.jpg")


def _msmt17_layout(train: str, test: str) -> ListLayout:
    return ListLayout(
        {
            "train": [("list_train.txt", train), ("list_val.txt", train)],
            "query": [("list_query.txt", test)],
            "gallery": [("list_gallery.txt", test)],
        },
        pattern=r"(?:^|/)\d+_\d+_(?P<camid>\d+)_",
        example="0000/0000_000_01_0303morning_0008_0.jpg 0",
    )


CATALOG: dict[str, Entry] = {
    "market1501": Entry(
        title="Market-1501",
        layouts=[MARKET_LAYOUT],
        subfolders=["Market-1501-v15.09.15", "Market-1501", "Market1501", "market1501"],
        request="Ask its authors for Market-1501 (Zheng et al., ICCV 2015); nothing is downloaded.",
    ),
    "dukemtmcreid": Entry(
        title="DukeMTMC-reID",
        layouts=[MARKET_LAYOUT],
        subfolders=["DukeMTMC-reID", "dukemtmc-reid", "DukeMTMCreID", "dukemtmcreid"],
        request="DukeMTMC-reID was withdrawn by its authors in 2019: a copy you have is read, none is fetched.",
    ),
    "msmt17": Entry(
        title="MSMT17",
        layouts=[_msmt17_layout("train", "test"), _msmt17_layout("mask_train_v2", "mask_test_v2"), MARKET_LAYOUT],
        subfolders=["MSMT17_V1", "MSMT17_V2", "MSMT17", "msmt17"],
        request="Ask its authors for MSMT17 (Wei et al., CVPR 2018); nothing is downloaded.",
    ),
    "pedestrians_day": Entry(
        title="drawn pedestrians, day",
        layouts=[MARKET_LAYOUT],
        request="Draw it with scripts/make_pedestrians.py; nobody in it is real.",
    ),
    "pedestrians_night": Entry(
        title="drawn pedestrians, night",
        layouts=[MARKET_LAYOUT],
        request="Draw it with scripts/make_pedestrians.py; nobody in it is real.",
    ),
}


def find_entry(name: str) -> Entry:
    """Look a data set up by its catalogue name.

    Raises:
        ValueError: if the catalogue does not have it.

    Example:
        >>> find_entry("market1501").title
        'Market-1501'
    """
    if name not in CATALOG:
        raise ValueError(f"Unknown data set {name!r}; the catalogue has {', '.join(sorted(CATALOG))}.")
    return CATALOG[name]


def is_drawn(name: str) -> bool:
    """Whether the set is one that `draw_pedestrians` draws."""
    return name.startswith("pedestrians_")


def read_dataset(name: str, root: str | Path, *, labeled: bool = True) -> Splits:
    """Read the records of a data set that lies below `root`.

    Args:
        name: catalogue name.
        root: its folder, or the folder that its archive was unpacked into.
        labeled: with False the training records are made without identities, as a target's must be.

    Returns:
        The three splits; image files are listed, not opened.

    Raises:
        FileNotFoundError: if the folder, or a part of the layout, is missing.
        ValueError: if a split is empty or a file's name does not parse.
    """
    entry = find_entry(name)
    base = Path(root)
    candidates = [base] + [base / sub for sub in entry.subfolders] + [base.parent / sub for sub in entry.subfolders]
    for folder in candidates:
        for layout in entry.layouts:
            if folder.is_dir() and not layout.missing(folder):
                return _without_empty(layout.read(name, folder, labeled=labeled), entry)
    if not base.is_dir():
        raise FileNotFoundError(f"{base} does not exist; {name} ({entry.title}) was looked for there. {entry.request}")
    lacking = ", ".join(sorted((layout.missing(base) for layout in entry.layouts), key=len)[0])
    raise FileNotFoundError(
        f"{base} does not hold {name} ({entry.title}): {lacking} missing. "
        f"Name the folder that holds them (data.source_root or data.target_root). {entry.request}"
    )


def _without_empty(splits: Splits, entry: Entry) -> Splits:
    if not splits.train:
        raise ValueError(f"{splits.root} has no training image; {entry.title} should hold some. Unpack it again.")
    return splits
