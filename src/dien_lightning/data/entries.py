"""What the catalogue says of a data set, and what many of them have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dien_lightning.data.layouts import FileName, FolderLayout, Layout


@dataclass(frozen=True)
class Entry:
    """What we know of one data set.

    Args:
        title: its name in prose.
        layouts: how it may lie on disk; the first one that fits is read.
        citation: the paper that introduced it.
        terms: what its authors ask of those who use it, and where to ask for it, in one sentence.
        subfolders: folder names that its archive unpacks to.
        published: split (or "all") -> how many identities and images its authors count; None where they do not say.
        has_trials: whether each of the layouts is another of its authors' splits, of which the first is read unless
            one is named.
    """

    title: str
    layouts: Sequence[Layout]
    citation: str
    terms: str
    subfolders: Sequence[str] = ()
    published: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)
    has_trials: bool = False

    def layouts_of(self, trial: int | None = None) -> Sequence[Layout]:
        """The layouts to look for.

        Raises:
            ValueError: a trial that its authors do not give.
        """
        if trial is not None and not (self.has_trials and 1 <= trial <= len(self.layouts)):
            there = f"1 to {len(self.layouts)}" if self.has_trials else "no such splits"
            raise ValueError(f"trial={trial} names one of its authors' splits, and {self.title} has {there}.")
        return [self.layouts[(trial or 1) - 1]] if self.has_trials else self.layouts


MARKET_NAME = FileName(r"(?:^|/)(?P<pid>-1|\d+)_c(?P<camid>\d+)[^/]*$", "0002_c1s1_000451_03.jpg")
MARKET_FOLDERS = {"train": ["bounding_box_train"], "query": ["query"], "gallery": ["bounding_box_test"]}
MARKET_LAYOUT = FolderLayout({**MARKET_FOLDERS, "further": ["gt_bbox"]}, MARKET_NAME)
FOR_RESEARCH = "Made for research; ask its authors for it and for its terms."
NOBODY_REAL = "Nobody in it is real; ask its authors for it."
DUKE_WITHDRAWN = "DukeMTMC was withdrawn by its authors in 2019: a copy you have is read, none is fetched."
