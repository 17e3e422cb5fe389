"""Files as they lie on disk: which are images, where a listed one is, what is there instead."""

from __future__ import annotations

import codecs
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})
_LEFT_BY_SYSTEMS = (
    "lost+found", "__MACOSX", "@eaDir", "Thumbs.db", "desktop.ini", "$RECYCLE.BIN", "System Volume Information",
)  # fmt: skip


def image_files(folder: Path, others: Counter[str] | None = None) -> list[str]:
    """List the image files below `folder`, at any depth, sorted, hence in the same order on every machine.

    Args:
        folder: where to look.
        others: counts the suffixes of the files that are no images.

    Raises:
        OSError: if a folder cannot be read.
    """
    return sorted(walk_images(folder, others))


def walk_images(folder: Path, others: Counter[str] | None = None) -> Iterator[str]:
    """The image files of `image_files` one by one, a folder's own before those in its sub-folders.

    What is hidden or left by an operating system is passed over (macOS leaves ._NAME.jpg, file managers .thumbnails),
    and so are links that lead back to where they are.

    Args:
        folder: where to look.
        others: counts the suffixes of the files that are no images.

    Raises:
        OSError: if a folder cannot be read.
    """
    for parent, folders, names in os.walk(folder, followlinks=True, onerror=_raise_unless_missing):
        inside = [name for name in sorted(folders) if not is_passed_over(name)]
        folders[:] = [name for name in inside if not _leads_back(folder, parent, name)]
        for name in sorted(names):
            suffix, path = os.path.splitext(name)[1].lower(), os.path.join(parent, name)
            if is_passed_over(name):
                continue
            is_gone = not suffix and os.path.islink(path) and not os.path.exists(path)  # a link to a folder, perhaps
            if suffix in IMAGE_SUFFIXES or is_gone:
                yield path
            elif others is not None:
                others[suffix or "no suffix"] += 1


def is_image(path: Path) -> bool:
    """Whether a file's suffix is that of an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def is_passed_over(name: str) -> bool:
    """Whether a file or folder is hidden, or left by an operating system."""
    return name.startswith(".") or name in _LEFT_BY_SYSTEMS


def folders_below(root: Path, depth: int, most: int = 30) -> list[Path]:
    """The folders below `root`, down to that depth, but for those that this user may not read.

    More than `most` folders side by side are taken for people, a folder each, and left out too.
    """
    if not depth or not root.is_dir():
        return []
    with os.scandir(root) as entries:
        folders = [entry for entry in entries if entry.is_dir() and not is_passed_over(entry.name)]
    inside = sorted(Path(entry.path) for entry in folders if os.access(entry, os.R_OK | os.X_OK))
    if len(inside) > most:
        return []
    return [*inside, *(path for folder in inside for path in folders_below(folder, depth - 1, most))]


def path_below(path: str, root: Path) -> str:
    """The part below `root`, with forward slashes, of a path that `image_files` lists in it.

    Example:
        >>> path_below("data/cam1/1.jpg", Path("data")), path_below("./cam1/1.jpg", Path())
        ('cam1/1.jpg', 'cam1/1.jpg')
    """
    return path.removeprefix(os.path.join(root, "")).replace(os.sep, "/")


def read_text(path: Path) -> str:
    """A list or table as text: UTF-8, or UTF-16 where its byte-order mark says so.

    Raises:
        UnicodeDecodeError: it is neither.
    """
    content = path.read_bytes()
    return content.decode("utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")


def locate(text: str, *folders: Path) -> str:
    """Where a file lies that a list names: below the first of `folders`, or of any other that has it.

    The name may have Windows' separators, accents composed or not, or no suffix where one image alone fits. Where
    nothing fits, the place where it was looked for first is given.
    """
    ways = list(dict.fromkeys(re.sub(r"^(\./+)+", "", way) for way in (text, text.replace("\\", "/"))))
    ways += [unicodedata.normalize(form, way) for form in ("NFC", "NFD") for way in ways if not way.isascii()]
    places = [os.path.join(folder, os.path.expanduser(way)) for folder in folders for way in ways]
    for place in places:
        if os.path.isfile(place):
            return place
    if os.path.splitext(text)[1].lower() not in IMAGE_SUFFIXES:
        for place in places:
            alike = [place + end for suffix in IMAGE_SUFFIXES for end in (suffix, suffix.upper())]
            if sum(map(os.path.isfile, alike)) == 1:
                return next(filter(os.path.isfile, alike))
    return places[0]


def instead(path: str) -> str:
    """What is there in place of a file that is not, as a part of a sentence."""
    if os.path.islink(path):
        return f"it is a link to {os.readlink(path)}, which does not exist"
    if os.path.isdir(path):
        return "it is a folder"
    missing = next((p for p in [*reversed(Path(path).parents)] if not p.exists()), None)
    if missing is not None:
        return f"there is no folder {missing}"
    wanted = _bare(os.path.basename(path))
    alike = sorted(name for name in os.listdir(os.path.dirname(path) or ".") if _bare(name) == wanted)
    return f"{' and '.join(alike[:2])} lies there" if alike else f"nothing like it lies in {os.path.dirname(path)}"


def check_existence(paths: Sequence[str], told: Sequence[str]) -> None:
    """Refuse a set of which a file is listed and not there, before anything is trained on it.

    Args:
        paths: image files.
        told: for each, where it is listed: a list, a table's line, or the folder itself.

    Raises:
        FileNotFoundError: the first of them, how many they are, and what is there instead.
    """
    gone = [index for index, path in enumerate(paths) if not os.path.isfile(path)]
    if gone:
        first = gone[0]
        raise FileNotFoundError(
            f"{told[first]} names {paths[first]}, which is no file ({instead(paths[first])}); "
            f"{len(gone)} of {len(paths)} files are missing. Correct the names, or leave these out."
        )


def _bare(name: str) -> str:
    return re.sub(r"\.\w+$", "", unicodedata.normalize("NFC", name).casefold())


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
