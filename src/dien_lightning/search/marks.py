"""What a person said of two pictures, same or not, kept in a file; `calibration.read_marks` reads it."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import NamedTuple

from dien_lightning.atomic import one_process_at_a_time


class KeptMark(NamedTuple):
    """One judgement.

    Attributes:
        query: file of the picture that was asked with.
        image: file of the gallery's picture.
        same: "yes", "no", or "" where an earlier mark was taken back.
        distance: between the two, Euclidean, of embeddings of length 1.
        fingerprint: of the network whose distance it is.
        domain: whose statistics it took.
        query_camera: who took the query; empty where nobody knows.
        camera: who took the image.
    """

    query: str
    image: str
    same: str
    distance: float
    fingerprint: str
    domain: str
    query_camera: str = ""
    camera: str = ""


def check_marks(path: Path) -> None:
    """Refuse a file that `append_mark` has not begun, before anything is read from it or written to it.

    Raises:
        ValueError: its first line is another.
    """
    if path.is_file():
        with path.open(encoding="utf-8", errors="replace") as file:
            first, header = file.readline(1000), ",".join(KeptMark._fields)
        if first and first.rstrip("\n") != header:
            raise ValueError(
                f"{path} is no file of the page's marks, whose first line is {header}; name another folder, marks=DIR, "
                "or move that file."
            )


def append_mark(path: Path, mark: KeptMark) -> None:
    """Add a mark to the file, to stay there whatever comes; a later one of the same pair is the one that counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    with one_process_at_a_time(path.parent), path.open("a", encoding="utf-8", newline="") as file:
        if not file.tell():
            writer.writerow(KeptMark._fields)
        writer.writerow(mark)
        file.write(text.getvalue())
        file.flush()
        os.fsync(file.fileno())


def marks_of(path: Path, query: Path) -> dict[str, str]:
    """What the file says of images beside this query, by their files: "yes", "no", or "" where it was taken back."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["image"]: row["same"] for row in csv.DictReader(file) if row["query"] == str(query)}
