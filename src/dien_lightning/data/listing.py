"""Crops that are there to be searched: folder, list or table -> paths, with camera and time where they are told."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from pytorch_lightning.utilities import rank_zero_info

from dien_lightning.data.files import image_files, locate, read_text
from dien_lightning.data.folders import camera_expression, read_name
from dien_lightning.data.layouts import passed_over
from dien_lightning.data.names import is_nobody, spelled
from dien_lightning.data.own import check_columns, read_rows
from dien_lightning.data.reading import cameras_by_layout

_TABLES, _LISTS = (".csv", ".tsv"), (".txt", ".lst")
_COMPACT = ("%Y%m%d%H%M%S", "%Y%m%dT%H%M%S", "%Y%m%d-%H%M%S", "%Y%m%d_%H%M%S", "%Y-%m-%d_%H-%M-%S", "%Y-%m-%dT%H-%M-%S")
_OTHER_BYTES = re.compile("[\udc80-\udcff]")  # how Python reads those of a name that is not UTF-8
_FIRST_DATE = 1e8  # seconds from 1970 to 1973; what is smaller counts frames or seconds of a video
_AFTER_DATES = 1e11  # seconds from 1970 to 5138
_MILLISECONDS = (1e12, 1e13)  # from 1970 to 2001, and to 2286


class ListedImage(NamedTuple):
    """An image file and what is known of the moment.

    Attributes:
        path: where it lies.
        camera: its camera's name, None where nobody knows.
        time: seconds since 1970 in UTC for a date, or the number that was given, of a frame for instance.
    """

    path: str
    camera: str | None = None
    time: float | None = None


def list_images(
    place: str | os.PathLike[str],
    *,
    camera_pattern: str | None = None,
    time_pattern: str | None = None,
    option: str = "images",
) -> list[ListedImage]:
    """The images that a folder, a list or a table names, in an order that is the same on every machine.

    A table (.csv, .tsv) has the columns path and, where they are known, camid and time; a list (.txt) has a path a
    line. Both are relative to the file. Where no pattern is given, a folder that is laid out as a data set of the
    catalogue, or lies in one, tells its cameras. A note says which columns or files are passed over.

    Args:
        place: folder, list, table, or one image.
        camera_pattern: regular expression, searched in the path below the folder, whose first group that matches is the
            camera, such as `cam(\\d+)`; "subfolder" is the folder that the image lies in.
        time_pattern: the same for the time: a date such as 2026-11-28T22:09:01 or 20261128220901, or a number.
        option: what the caller's users call the place, for what is said of a wrong one.

    Raises:
        FileNotFoundError: no such place.
        ValueError: it holds no image or names one twice, or a camera or time cannot be read.
    """
    place = Path(place).expanduser()
    if not place.exists():
        raise FileNotFoundError(
            f"{option}={place} does not exist; name a folder of crops, a list, a table or an image."
        )
    if place.is_dir():
        others: Counter[str] = Counter()
        found = [ListedImage(path) for path in image_files(place, others)]
        for note in passed_over(others):
            rank_zero_info(note)
    elif place.suffix.lower() in _TABLES:
        found = _table(place)
    elif place.suffix.lower() in _LISTS:
        lines = [line.strip() for line in read_text(place).splitlines()]
        found = [ListedImage(locate(line, place.parent)) for line in lines if line]
    else:
        found = [ListedImage(str(place))]
    if not found:
        raise ValueError(f"{option}={place} holds no image; name a folder of crops.")
    if foreign := [os.fsencode(image.path) for image in found if _OTHER_BYTES.search(image.path)]:
        raise ValueError(
            f"{len(foreign)} names in {place} are not UTF-8, such as {os.path.basename(foreign[0])!r}, and a file of "
            "embeddings holds UTF-8 alone; rename them (convmv -f latin1 -t utf8 -r FOLDER shows how)."
        )
    if len({image.path for image in found}) < len(found):
        paths = [image.path for image in found]
        raise ValueError(f"{place} names {next(p for p in paths if paths.count(p) > 1)} twice; name each image once.")
    root = place if place.is_dir() else place.parent
    if camera_pattern is not None:
        pattern = camera_expression(camera_pattern)
        names = [_read("camera_pattern", pattern, image.path, root) for image in found]
        found = [image._replace(camera=spelled(name)) for image, name in zip(found, names, strict=True)]
    elif all(image.camera is None for image in found):
        found = _by_layout(found, root)
    if time_pattern is not None:
        texts = [_read("time_pattern", time_pattern, image.path, root) for image in found]
        found = [image._replace(time=read_time(text)) for image, text in zip(found, texts, strict=True)]
    return found


def read_time(text: str) -> float:
    """A date as seconds since 1970 (in UTC where no zone is named), or a number as it is.

    A number of 13 digits is taken for milliseconds since 1970, as cameras and Java give them.

    Raises:
        ValueError: it is neither, or too large for a date.

    Example:
        >>> read_time("1970-01-02"), read_time("19700102000000"), read_time("0042"), read_time("1795903741500")
        (86400.0, 86400.0, 42.0, 1795903741.5)
    """
    text = text.strip()
    moment: datetime | None = None
    if not re.fullmatch(r"\d{1,13}", text):
        for form in _COMPACT:
            with suppress(ValueError):
                moment = moment or datetime.strptime(text, form)
        with suppress(ValueError):
            moment = moment or datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment is not None:
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    if re.fullmatch(r"\d+(\.\d*)?", text):
        number = float(text)
        number = number / 1000 if _MILLISECONDS[0] <= number < _MILLISECONDS[1] else number
        if number < _AFTER_DATES:
            return number
    raise ValueError(
        f"{text!r} is no time; give a date such as 2026-11-28T22:09:01, seconds or milliseconds since 1970, or a "
        "number such as a frame's."
    )


def show_time(time: float) -> str:
    """A time as `read_time` reads it.

    Example:
        >>> show_time(1795903741.0), show_time(1234567.0)
        ('2026-11-28T22:09:01', '1234567')
    """
    if not _FIRST_DATE <= time < _AFTER_DATES:
        return f"{time:.15g}"
    return datetime.fromtimestamp(time, timezone.utc).isoformat().removesuffix("+00:00")


def _read(name: str, pattern: str, path: str, root: Path) -> str:
    """What the path says below the folder, or as a whole where a list names an image elsewhere."""
    return read_name(name, pattern, path, root if path.startswith(os.path.join(root, "")) else Path())


def _table(table: Path) -> list[ListedImage]:
    columns, rows = read_rows(table)
    for note in check_columns(table, [name for name in columns if name != "time"]):
        rank_zero_info(note)
    found = []
    for line, row in rows:
        if not (row.get("path") or "").strip():
            raise ValueError(f"{table}, line {line} names no path; name the image file, or leave the line out.")
        camera = None if is_nobody(row.get("camid")) else spelled(row["camid"] or "")
        time = (row.get("time") or "").strip()
        path = locate((row["path"] or "").strip(), table.parent)
        found.append(ListedImage(path, camera, read_time(time) if time else None))
    return found


def _by_layout(images: Sequence[ListedImage], root: Path) -> list[ListedImage]:
    """With cameras, where the folder, or the one around it, is laid out as a data set that names more than one."""
    for folder in (root, root.absolute().parent):
        cameras, _ = cameras_by_layout([image.path for image in images], folder)
        if cameras:
            return [image._replace(camera=str(camera)) for image, camera in zip(images, cameras, strict=True)]
    return list(images)
