"""Which image of a gallery is this one: that of its path, or of another name by which a link leads to the same file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

FOLDERS = ".*/"
"""Regular expression of what stands before a file's own name."""


def own_names(paths: Iterable[str]) -> list[str]:
    """The files' own names, without folders; a gallery's images of other names are not looked at on the disk."""
    return sorted({os.path.basename(name) for path in paths for name in (path, os.path.realpath(path))})


def match_files(paths: Sequence[str], listed: Mapping[str, int]) -> dict[str, int]:
    """The numbers of those of these images that are among the listed.

    Args:
        paths: of the images.
        listed: numbers of a gallery's images by their paths, at least of those that have one of `own_names`.
    """
    real = {os.path.realpath(name): number for name, number in listed.items()}
    found = {path: listed.get(path, real.get(os.path.realpath(path), -1)) for path in paths}
    return {path: number for path, number in found.items() if number >= 0}
