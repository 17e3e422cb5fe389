"""One domain of a pair: which data sets it is made of, and where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dien_lightning.checks import check_keywords
from dien_lightning.data.catalog import is_drawn
from dien_lightning.data.own import OWN
from dien_lightning.data.reading import default_root, find_entry, read_dataset
from dien_lightning.data.records import Splits, combine


class Domain:
    """The data sets of one domain, by name and folder.

    Args:
        role: "source" or "target", for messages.
        data_root: folder of all data sets, for those without a folder of their own.
        names: catalogue name, "folder", "csv", or a list of these to be joined.
        roots: folder, or a list that pairs with `names`; None looks below `data_root`.
        camera_pattern: how a "folder" tells its cameras, see `read_folder`.
        pid_pattern: how it tells its identities.

    Raises:
        ValueError: if a name is unknown, or names and folders do not pair.
    """

    def __init__(
        self,
        role: str,
        data_root: str | Path,
        names: str | Sequence[str],
        roots: str | Sequence[str] | None = None,
        *,
        camera_pattern: str | None = None,
        pid_pattern: str | None = None,
    ) -> None:
        if not names:
            raise ValueError(f"{role}={names!r} names no data set; give a catalogue name, folder or csv.")
        names = [names] if isinstance(names, str) else list(names)
        listed = [roots] * len(names) if roots is None else [roots] if isinstance(roots, str | Path) else list(roots)
        if len(names) != len(listed):
            raise ValueError(f"{role} names {len(names)} data sets and {role}_root {len(listed)} folders; pair them.")
        for name, root in zip(names, listed, strict=True):
            if name not in OWN:
                find_entry(name)
            elif root is None:
                raise ValueError(f"{role}={name!r} needs {role}_root: {OWN[name]}.")
        self.patterns = {"camera_pattern": camera_pattern, "pid_pattern": pid_pattern}
        for option, pattern in self.patterns.items():
            if pattern is not None and "folder" not in names:
                what = "cameras" if option == "camera_pattern" else "identities"
                raise ValueError(
                    f"{role}_{option}={pattern!r} is for {role}='folder'; others name their {what} themselves."
                )
        self.places = [
            (name, default_root(data_root, name) if root is None else Path(root))
            for name, root in zip(names, listed, strict=True)
        ]

    def __str__(self) -> str:
        return " and ".join(f"{name} in {root}" for name, root in self.places) + ", not read yet"

    def draw_missing(self, drawing: Mapping[str, Any] | None) -> None:
        """Draw the drawn sets among them that are not there, or all of them as `drawing` says."""
        for name, root in self.places:
            if is_drawn(name) and (drawing is not None or not _holds(name, root)):
                from dien_lightning.pedestrians import draw_pedestrians  # noqa: PLC0415  (only where it is needed)

                check_keywords("drawing", drawing or {}, draw_pedestrians)
                draw_pedestrians(root, name.removeprefix("pedestrians_"), **(drawing or {}))

    def read(self, *, labeled: bool) -> Splits:
        """List the images; with `labeled=False` the training records are made without identities."""
        parts = []
        for name, root in self.places:
            patterns = self.patterns if name == "folder" else {}
            parts.append(read_dataset(name, root, labeled=labeled, **patterns))
        return combine(parts)


def _holds(name: str, root: Path) -> bool:
    try:
        read_dataset(name, root)
    except FileNotFoundError:
        return False
    return True
